/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the link over TCP share: link_tcp.c (its life, and what its user calls),
 * link_tcp_in.c, link_tcp_out.c, link_tcp_connect.c (by address).
 *
 * All events come from one callback on the socket and from timers, between tcp_enter() and
 * tcp_leave(); a link that is closed in its own event is freed by tcp_leave().
 */
#ifndef FRAMEFARM_DRIVERS_ADB_LINK_TCP_INTERNAL_H
#define FRAMEFARM_DRIVERS_ADB_LINK_TCP_INTERNAL_H

#include "drivers/adb/link.h"

#include <stddef.h>

struct host_fd;
struct host_timer;

#define TCP_QUEUE 32 /* packets */

/* A packet that is queued for the kernel. */
struct tcp_slot {
	uint8_t head[ADB_HEADER];
	struct adb_buf *buf;
};

struct tcp {
	struct adb_link l; /* first: what the user sees */
	struct driver_host *h;
	int fd; /* -1 behind the end */
	struct host_fd *watch;
	unsigned events; /* watched for */
	int in;          /* depth of our own callbacks */
	bool dead;       /* closed: tcp_leave() frees */
	bool connecting;
	bool paused;
	bool wants;    /* next() may have something */
	bool unparsed; /* the parser may hold whole packets */
	bool out_dead; /* the peer takes no more; what it sent may still be read */
	bool sums;
	struct adb_parser parser;

	struct tcp_slot queue[TCP_QUEUE]; /* a ring */
	unsigned first, n;
	size_t sent;  /* of the first */
	size_t bytes; /* in all, not sent */

	int64_t write_ms, moved_ms;
	struct host_timer *stall; /* the write that does not move */
	struct host_timer *soon;  /* goes on with what was not read for */
	int failed;               /* errno of a connect() that failed at once */
};

/* link_tcp.c */
void tcp_enter(struct tcp *t);
void tcp_leave(struct tcp *t);
/* The end, told once; inside tcp_enter(). */
void tcp_break(struct tcp *t, int code, const char *text);
/* The peer's end of the connection, by errno. A keepalive that was not answered is an unplugged
 * phone too. */
void tcp_break_errno(struct tcp *t, int errnum);
/* A connect that failed at once: told from a timer. */
void tcp_connect_failed(struct adb_link *l, int errnum);

/* link_tcp_in.c: a bounded amount. */
void tcp_read(struct tcp *t);

/* link_tcp_out.c */
void tcp_write(struct tcp *t); /* a bounded amount */
void tcp_drop_queue(struct tcp *t);

#endif
