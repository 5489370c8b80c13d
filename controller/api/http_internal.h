/* SPDX-License-Identifier: Apache-2.0 */
/* What http.c (the daemon, waiting, deadlines) and http_io.c (one request in, one reply out) share.
 * Nobody else includes this. */
#ifndef FRAMEFARM_API_HTTP_INTERNAL_H
#define FRAMEFARM_API_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "api/http.h"

struct call;

struct conn {
	LIST_ENTRY(conn) entry;
	struct MHD_Connection *mhd;
	int fd;
	struct sockaddr_storage local, peer;
	struct call *call;   /* the present request, or NULL */
	int64_t deadline_ms; /* INT64_MAX while a request waits: it has one of its own */
	bool cut;            /* shut down; libmicrohttpd will notice */
};

enum body_mode { BODY_DROP, BODY_KEEP, BODY_STREAM };

struct call {
	struct req req; /* first: a req is its call */
	struct http *http;
	struct conn *conn;
	enum body_mode mode;
	int64_t got, dropped; /* bytes of the body */
	int64_t window_got;   /* `got` when the present API_MOVE_MS began */
	bool ready;           /* ready() was called */
	bool queued;          /* libmicrohttpd has the reply */
	bool waiting;         /* its owner has said req_wait() */
	bool suspended;
	bool woken;  /* since the source was read last */
	bool broken; /* the connection ends here */
	struct reply *reply;
	int64_t until_ms;
	void (*expired)(struct req *r);
};

struct http {
	struct MHD_Daemon *daemon;
	const struct http_ops *ops;
	int64_t (*now_ms)(void *arg);
	void *arg;
	bool tls;
	bool again;   /* resumed connections that MHD_run() has not looked at */
	bool running; /* inside http_run() */
	bool draining, stopping;
	LIST_HEAD(, conn) conns;
	int64_t look_ms; /* when to look for those who left; INT64_MAX while nobody waits */
	struct http_stats stats;
	char last_log[256]; /* what libmicrohttpd complained about last */
};

static inline struct call *call_of(const struct req *r)
{
	return (struct call *)r;
}

/* http.c */
void http_suspend(struct call *c);
void http_settle(struct req *r);

/* http_io.c: libmicrohttpd's callbacks for a request's life. */
enum MHD_Result http_handle(void *arg, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **ctx);
void http_completed(
	void *arg, struct MHD_Connection *mhd, void **ctx, enum MHD_RequestTerminationCode why);
size_t http_unescape(void *arg, struct MHD_Connection *mhd, char *s);
/* Looks at an address before it is decoded; what it returns is the first *ctx of http_handle(). */
void *http_look(void *arg, const char *address, struct MHD_Connection *mhd);

#endif
