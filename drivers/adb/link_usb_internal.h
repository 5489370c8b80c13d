/* SPDX-License-Identifier: Apache-2.0 */
/* What link_usb.c (life, errors, resync), link_usb_in.c and link_usb_out.c share. Included nowhere
 * else. */
#ifndef FRAMEFARM_DRIVERS_ADB_LINK_USB_INTERNAL_H
#define FRAMEFARM_DRIVERS_ADB_LINK_USB_INTERNAL_H

#include "drivers/adb/link_usb.h"

#include "base/limits.h"

#define MPS_MAX 1024 /* of a SuperSpeed bulk endpoint, USB 3.2 §9.6.6 */

enum in_kind { IN_HEAD, IN_PIECE };
enum head_state { HEAD_IDLE, HEAD_FLYING, HEAD_HERE };

struct lusb_in {
	int flying;
	struct {
		enum in_kind kind;
		size_t n;    /* asked for */
	} ring[USB_PIPE_IN]; /* those in flight, oldest first */
	bool synced;         /* a whole CNXN came: from here on, garbage is an error */
	size_t stale;        /* bytes thrown away since the last packet */

	enum head_state head;
	uint8_t raw[MPS_MAX];
	size_t raw_n;

	bool have;           /* h is read, and its payload on its way */
	struct adb_header h; /* of the packet under way */
	uint8_t *buf;
	size_t cap, asked, got;
	size_t piece; /* longest transfer; a multiple of every mps */
	int64_t starved_at;
};

struct lusb_out {
	int flying;
	struct {
		struct adb_buf *buf; /* holds a reference until the transfer is back */
		size_t n;
	} ring[USB_PIPE_OUT]; /* those in flight, oldest first */
	bool want;            /* next() may have something */
	struct adb_buf *cur;  /* partly submitted */
	bool head_sent;
	uint32_t off;
	size_t piece;
	int64_t starved_at;
	int64_t moved_at; /* when a write last came back, or began with none in flight */
	struct host_timer *watch;
};

struct lusb_resync {
	bool on;
	bool asked; /* the pipe is at it */
	int level;
	void (*done)(void *arg, int code);
	void *arg;
};

struct lusb {
	struct adb_link l; /* first */
	struct driver_host *h;
	struct usb_pipe *p;
	uint32_t version, max; /* of the session */
	bool started, paused, closed;
	bool dead, told; /* broken, and its user knows */
	int code;
	char text[LIMIT_CAUSE];
	struct lusb_in in;
	struct lusb_out out;
	struct lusb_resync rs;
	struct host_timer *soon, *retry, *leave;
};

/* ---- link_usb.c ---- */

/* Whether bytes may move now. */
bool lusb_runs(const struct lusb *u);
/* Breaks the link: the first reason stays, broken() comes later. */
void lusb_fail(struct lusb *u, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A transfer that ended otherwise than USB_END_DONE, or a submission that was refused. */
void lusb_fail_end(struct lusb *u, enum usb_end end, const char *what);
void lusb_fail_submit(struct lusb *u, int rc);
/* The kernel has no memory for a transfer: comes back to both directions in a moment, or fails when
 * that has been going on for too long. */
void lusb_starve(struct lusb *u, int64_t *since);
/* A transfer came back while the link is out of step or broken. */
void lusb_drained(struct lusb *u);
/* The link was closed and nothing is owed to the phone any more. */
void lusb_left(struct lusb *u);

/* ---- link_usb_in.c, link_usb_out.c ---- */

void lusb_in_reset(struct lusb *u); /* forgets what is half read; nothing is in flight */
void lusb_in_run(struct lusb *u);
void lusb_on_in(void *arg, enum usb_end end, size_t n);

void lusb_out_reset(struct lusb *u);
void lusb_out_run(struct lusb *u);
void lusb_on_out(void *arg, enum usb_end end, size_t n);
/* Whether the phone may have half of a packet. */
bool lusb_out_owes(const struct lusb *u);
void lusb_out_leave(struct lusb *u); /* the rest of it, then lusb_left() */
void lusb_out_drop(struct lusb *u);  /* every reference, when the pipe is closed */

#endif
