/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rig of the API's tests: the real API over the fake controller, turned on this thread, and
 * clients on real sockets. Nothing sleeps: rig_until() turns until a condition holds or patience
 * ends. Time is the fake controller's; deadlines come by fake_advance().
 */
#ifndef FRAMEFARM_TEST_API_SUPPORT_H
#define FRAMEFARM_TEST_API_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "api/api.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "support_ctl.h"

#define PATIENCE_MS 60000
#define SHA_MODEL   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct rig {
	char dir[64];
	struct ctl *ctl;
	struct api *api;
	char token[128];
	char host[64]; /* "127.0.0.1:port" */
	char *tls_cert, *tls_key;
};

/* setup and teardown for cmocka: *state is the rig. */
int rig_setup(void **state);
int rig_teardown(void **state);
void rig_start(struct rig *r, const struct api_config *more); /* the API; more: NULL or overrides */

void rig_turn(struct rig *r, int wait_ms);
void rig_until(struct rig *r, bool (*until)(void *arg), void *arg);
void rig_settle(struct rig *r);      /* turns until nothing is due and no work is under way */
void rig_settle_held(struct rig *r); /* the same while the pool is held: its work is not awaited */

/* ---- a client ---- */

struct client {
	struct rig *rig;
	int fd;
	struct buf in;
	bool closed; /* by the server */
};

void client_open(struct client *c, struct rig *r);
void client_open_from(struct client *c, struct rig *r, const char *source_ip);
void client_close(struct client *c);
/* Sends all of it, turning the server meanwhile; false when the server closed. */
bool client_send(struct client *c, const void *data, size_t n);
void client_pull(struct client *c); /* what is there */
void client_until_text(struct client *c, const char *text);
void client_until_closed(struct client *c);

/* A response, parsed; its body whole, chunks put together. */
struct response {
	int status;
	char *head; /* status line and headers */
	char *body;
	size_t len;
	struct json_doc *doc; /* when it is JSON */
};

void client_response(struct client *c, struct response *ret_p);
/* The same for HEAD requests, which have no body. */
void client_response_head(struct client *c, struct response *ret_p);
void assert_status(const struct response *p, int status); /* a failure shows the body */
void response_free(struct response *p);
const char *response_header(const struct response *p, const char *name); /* NULL when absent */
const struct json *response_json(const struct response *p);
/* "a.b.0.c" of the body. */
const struct json *response_at(const struct response *p, const char *path);
const char *response_str(const struct response *p, const char *path);
int64_t response_int(const struct response *p, const char *path);

/* One request on a connection of its own, with the token; fails when /openapi.json does not tell of such an
 * answer. headers: lines with \r\n, or "". */
void ask(struct rig *r, const char *method, const char *path, const char *headers, const char *body,
	struct response *ret_p);
void ask_get(struct rig *r, const char *path, struct response *ret_p);
/* Sends the same and does not wait. */
void ask_send(struct client *c, const char *method, const char *path, const char *headers,
	const char *body);

/* ---- canned data (support_seed.c) ---- */

struct row_table;

/* One device, one job, one run with a judged result, one attempt with streams: d1 j1 r1 a1. */
void seed_one(struct ctl *c);
/* More jobs with one run each, ids from 2 on. */
void seed_jobs(struct ctl *c, int n);
/* A valid job in its wire form, with this name; static memory. */
const char *seed_spec(const char *name);

#endif
