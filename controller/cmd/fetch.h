/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange at a time over one kept connection, through libcurl. No other module includes
 * libcurl's header. What a status means, tokens and retries are client.h's business. Redirects are
 * not followed, so a token never travels to another host; a signal (stop.h) ends an exchange at
 * once. One owner.
 */
#ifndef FRAMEFARM_CMD_FETCH_H
#define FRAMEFARM_CMD_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

struct err;
struct fetch;

#define FETCH_HEADERS_MAX  4
#define FETCH_BODY_MAX     (16 * 1024 * 1024)
#define FETCH_CONNECT_MS   5000
#define FETCH_LOCATION_MAX 256

struct fetch_request {
	const char *method;
	const char *url;
	const char *token;                      /* NULL: none is sent */
	const char *headers[FETCH_HEADERS_MAX]; /* further ones, "Name: value"; the rest NULL */
	const void *body;                       /* NULL: none */
	size_t body_len;
	FILE *upload; /* read to its end, upload_bytes of it; or NULL */
	int64_t upload_bytes;
	int64_t timeout_ms; /* of the whole exchange */
	int64_t idle_ms;    /* without a byte in either direction; 0: no limit */
	/* Called for the body of a 200 as it comes; false ends the exchange, which then succeeded.
	 * NULL: the body is collected into the reply. */
	bool (*on_body)(void *arg, const char *data, size_t n);
	void (*on_sent)(void *arg, int64_t bytes); /* of the upload, so far; may be NULL */
	void *arg;
};

struct fetch_reply {
	int status;
	struct buf body; /* at most FETCH_BODY_MAX */
	char location[FETCH_LOCATION_MAX];
	int64_t retry_after_ms; /* 0: not said */
	int64_t next_offset;    /* X-Next-Offset; -1: not said */
};

/* ca_file: PEM, trusted instead of the system's certificates; NULL or "": the system's. */
struct fetch *fetch_new(const char *ca_file);
void fetch_free(struct fetch *h); /* NULL is allowed */

void fetch_reply_init(struct fetch_reply *r);
void fetch_reply_fini(struct fetch_reply *r);

/*
 * Returns 0 with whatever status came, else ERR_UNREACHABLE (no connection, or it broke),
 * ERR_TIMEOUT, ERR_CANCELLED (a signal), ERR_PERM (the server's certificate is not trusted),
 * ERR_INVAL (no such URL), ERR_TOOBIG. *r was initialised; what it held is dropped.
 */
int fetch_exchange(
	struct fetch *h, const struct fetch_request *rq, struct fetch_reply *r, struct err *e);

/* Whether the URL's host is this very machine: localhost, 127.0.0.0/8 or ::1. */
bool fetch_is_loopback(const char *url);

#endif
