/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd in a loop that is not its own: one request after the other comes out, one reply for
 * each goes in. The only header of the API that stands between it and libmicrohttpd. Loop thread
 * only.
 *
 * A request has one life: head() → its body, if it is taken → ready() → reply → drop(). Its owner
 * may answer in head() or ready(), or say req_wait() in ready() and answer later; who waits has a
 * deadline. drop() is the last call, whatever the reason for the end.
 */
#ifndef FRAMEFARM_API_HTTP_H
#define FRAMEFARM_API_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/auth.h"
#include "api/bounds.h"
#include "base/buf.h"

struct err;
struct http;
struct req;
struct reply;
struct route;
struct sockaddr_storage;

enum method {
	METHOD_GET = 1,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_OTHER
};

const char *method_name(enum method m);

struct http_ops {
	void (*head)(void *arg, struct req *r);
	/* A piece of a body that req_stream_body() asked for. */
	void (*body)(void *arg, struct req *r, const void *data, size_t n);
	void (*ready)(void *arg, struct req *r);
};

struct http_config {
	int listen_fd;                  /* listening, non-blocking; taken */
	const char *tls_cert, *tls_key; /* PEM texts, borrowed for the http's life; NULL: no TLS */
	const struct http_ops *ops;
	int64_t (*now_ms)(void *arg);
	void *arg; /* of now_ms and of all ops */
};

/* On failure listen_fd is closed too. */
struct http *http_new(const struct http_config *cfg, struct err *e);
/* Ends every request, the waiting ones with 503. NULL is allowed. */
void http_free(struct http *h);

int http_epoll_fd(const struct http *h); /* readable: call http_run() */
/* Does what is due: bytes, woken requests, deadlines. */
void http_run(struct http *h);
int64_t http_deadline_ms(const struct http *h); /* call http_run() then; INT64_MAX: never */
/* Each connection ends behind its present request, or behind the first of a new one; what is idle
 * ends at once. */
void http_drain(struct http *h);

struct http_stats {
	int64_t connections, requests_live; /* now */
	uint64_t requests, slow, expired;   /* in all; cut for slowness; over their deadline */
	uint64_t left;                      /* who waited and went */
	uint64_t by_class[6];               /* replies by first digit of the status */
};
void http_get_stats(const struct http *h, struct http_stats *ret_st);

/* ---- one request ---- */

/* What the owner reads and keeps here; the rest is http.c's own. */
struct req {
	enum method method;
	char path[API_PATH_MAX]; /* decoded, but for %00; "" when it was too long */
	bool has_body;
	bool old_http;          /* before HTTP/1.1 */
	bool odd_address;       /* could be decoded in two ways */
	int64_t content_length; /* -1: none was given */
	struct buf body;        /* of req_keep_body() */
	bool body_over;         /* it was larger than it may be; the rest was thrown away */
	void *api;

	const struct route *route;
	char param[LIMIT_VALUE]; /* what stood for the {…} of its pattern */
	struct principal who;
	void *data;                  /* the handler's */
	void (*drop)(struct req *r); /* the request is over: frees data; NULL allowed */
	/* Once, when the answer is known or the request is over without one; NULL allowed. */
	void (*settled)(struct req *r);
	void *settled_data;
};

/* Text of a header, cookie or query parameter; NULL when absent. Valid while the request lives. */
const char *req_header(const struct req *r, const char *name);
const char *req_cookie(const struct req *r, const char *name);
const char *req_query(const struct req *r, const char *name);
/* Calls fn for each header or query parameter, in their order; value is "" where there is none. A
 * non-zero return stops and is returned. */
typedef int req_each_fn(void *arg, const char *key, const char *value);
int req_each_header(const struct req *r, req_each_fn *fn, void *arg);
int req_each_query(const struct req *r, req_each_fn *fn, void *arg);
bool req_is_tls(const struct req *r);
const struct sockaddr_storage *req_local_addr(const struct req *r);
const struct sockaddr_storage *req_peer_addr(const struct req *r);

/* In head(): how the body is taken. Without either it is thrown away. */
void req_keep_body(struct req *r, size_t max);
void req_stream_body(struct req *r);

/* Answers; takes p. Once for each request; in head(), in ready(), while it waits, or (for a body
 * that is streamed) in body(), whose rest is then thrown away. */
void req_reply(struct req *r, struct reply *p);

/* In ready(): the answer comes later, by until_ms. When it has not, expired(r) is called and
 * must answer or wait on (req_wait_until()); NULL answers with 503. */
void req_wait(struct req *r, int64_t until_ms, void (*expired)(struct req *r));
void req_wait_until(struct req *r, int64_t until_ms);
/* The source of r's reply has bytes again, or its end. */
void req_wake(struct req *r);
/* Ends the connection as it is. */
void req_abort(struct req *r);

#endif
