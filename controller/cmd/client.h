/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the daemon's API: finds the daemon and its token, repeats what failed for reasons that
 * pass, and turns problem documents into sentences and exit codes. Every request of this program may
 * be repeated: the reads by nature, the changes because they say the same twice or carry an
 * idempotency key. One owner.
 */
#ifndef FRAMEFARM_CMD_CLIENT_H
#define FRAMEFARM_CMD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/fetch.h"
#include "cmd/options.h"
#include "cmd/paths.h"

struct client;
struct err;
struct json_doc;

#define CLIENT_TIMEOUT_MS  30000
#define CLIENT_PATH_MAX    1024
#define CLIENT_FILTERS_MAX 4

/* The options that all clients share; see OPTION_PART. */
struct client_options {
	char url[PATHS_URL_MAX];
	char data[PATHS_MAX];
	char token_file[PATHS_MAX];
	char ca_file[PATHS_MAX];
	int64_t retry_ms;
};

extern const struct option_table client_options;

/* ERR_INVAL for a bad URL or token, ERR_PERM or ERR_NOTFOUND for --token-file. A missing token is no
 * error here; the daemon will say so. */
int client_new(const struct client_options *o, struct client **ret_c, struct err *e);
void client_free(struct client *c); /* NULL is allowed */

const char *client_url(const struct client *c); /* without a slash at its end */
/* Changes how long to try again; a command that waits for a job outlives a restart of the daemon. */
void client_set_retry(struct client *c, int64_t ms);
/* Called before each pause between two tries, so that the user knows what is being waited for. NULL:
 * the client says so itself, once, on stderr. */
void client_on_retry(struct client *c, void (*fn)(void *arg, const char *why), void *arg);

struct client_request {
	const char *method; /* NULL: GET */
	const char *path;   /* "/api/v1/jobs"; made with client_path() where a part is foreign */
	const char *headers[FETCH_HEADERS_MAX - 1];
	const char *json; /* the body, or NULL */
	const char *file; /* a file that is the body, or NULL */
	int64_t file_bytes;
	int64_t timeout_ms;                                     /* 0: CLIENT_TIMEOUT_MS */
	int64_t idle_ms;                                        /* 0: none */
	bool (*on_body)(void *arg, const char *data, size_t n); /* as in fetch.h */
	void (*on_sent)(void *arg, int64_t bytes);
	void *arg;
	bool once; /* no second try, but behind a 429 */
};

/*
 * Sends a request and tries again, with growing pauses, when there was no answer or one of 429, 502,
 * 503, 504. Returns 0 for a status below 300. Otherwise a sentence and ERR_UNREACHABLE (no answer
 * until the time was over), ERR_CANCELLED (a signal), ERR_PERM (401, 403), ERR_NOTFOUND (404, 410),
 * ERR_CONFLICT (409), ERR_TOOBIG (413), ERR_INVAL (other 4xx), ERR_NOSPACE (507), ERR_IO (other 5xx)
 * or ERR_PROTO; r->status and r->body are those of the last answer.
 */
int client_send(
	struct client *c, const struct client_request *rq, struct fetch_reply *r, struct err *e);

/* A path in which each %s of fmt is percent-encoded. ERR_TOOBIG when it does not fit. */
int client_path(char dst[CLIENT_PATH_MAX], struct err *e, const char *fmt, ...);

/* The reply's body as JSON, or NULL and ERR_PROTO. */
struct json_doc *client_json(const struct fetch_reply *r, struct err *e);
/* GET as JSON. timeout_ms 0: CLIENT_TIMEOUT_MS. The caller frees *ret_d. */
int client_get(struct client *c, const char *path, int64_t timeout_ms, struct json_doc **ret_d,
	struct err *e);
/* POST of json, once: nobody knows what a second try would do. timeout_ms 0: CLIENT_TIMEOUT_MS. ret_d
 * NULL: nothing of the answer is kept. */
int client_post(struct client *c, const char *path, const char *json, int64_t timeout_ms,
	struct json_doc **ret_d, struct err *e);
/* POST of {"reason": …}; an empty reason is left out. Nothing of the answer is kept. */
int client_post_reason(struct client *c, const char *path, const char *reason, struct err *e);

/* A walk over a list that comes in pages. Zero it but for what is to be asked. */
struct client_pages {
	const char *path;
	struct {
		const char *key, *value; /* a value of "" is no filter */
	} filters[CLIENT_FILTERS_MAX];
	int page;         /* items a page */
	char cursor[256]; /* of the next one */
	bool over;
};

/* Returns 1 with the next page, which the caller frees, 0 when there is none, or a negative code. */
int client_page(struct client *c, struct client_pages *p, struct json_doc **ret_d, struct err *e);

/* The exit code that belongs to an error of client_send(). */
int client_exit(int rc);

#endif
