/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks. One admin token, made at the first start and kept in a file that only its owner can
 * read, so that the CLI on the same host finds it; here only its hash is kept. The dashboard trades
 * it for a session. Loop thread only.
 */
#ifndef FRAMEFARM_API_AUTH_H
#define FRAMEFARM_API_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct auth;
struct err;

/* In rising order: who has a role may do all that a lesser one may. */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_CI, ROLE_ENGINEER, ROLE_ADMIN };

const char *role_name(enum role r); /* "viewer" */

struct principal {
	enum role role;
	char actor[LIMIT_NAME]; /* as it stands in audited rows */
	bool by_cookie;         /* a browser: its changing requests must prove their origin */
};

#define AUTH_TOKEN_FILE "admin.token"
#define AUTH_TOKEN_MAX  128
#define AUTH_COOKIE     "framefarm"
#define AUTH_SESSION    65 /* a session's value: hex and NUL */

/* Reads or makes data_dir/admin.token. Refuses a file that others can read (ERR_PERM) and one that
 * holds no token (ERR_PARSE), each with the sentence that mends it. */
struct auth *auth_new(const char *data_dir, struct err *e);
void auth_free(struct auth *a); /* NULL is allowed */

/* A bearer token; false (and *ret_who untouched) for a wrong one. */
bool auth_token(const struct auth *a, const char *token, struct principal *ret_who);

/* Sessions. A new one beyond API_SESSIONS pushes out the oldest. */
void auth_session_new(
	struct auth *a, const struct principal *who, int64_t now_ms, char ret_value[AUTH_SESSION]);
bool auth_session(struct auth *a, const char *value, int64_t now_ms, struct principal *ret_who);
void auth_session_del(struct auth *a, const char *value);

#endif
