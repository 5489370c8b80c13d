/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link carries packets to one peer: over TCP (link_tcp.c) or over USB (link_usb.c). It knows
 * nothing of sessions or streams. The user of a link is asked for the next packet when there is
 * room (it orders what goes out, fairly), so a link queues a bounded number of packets itself.
 *
 * Everything on the loop thread. No event comes from inside a call on the link; broken() comes once
 * and is the last, unless close() came before it. A filter (the virtual phone's quirks) is itself a
 * link over a link.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_LINK_H
#define FRAMEFARM_DRIVERS_ADB_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/adb/packet.h"

struct adb_link;
struct driver_host;
struct err;

/* A write that does not move for so long breaks a link that adb_link_tcp_connect() made. */
#define ADB_LINK_WRITE_MS 30000

/* One packet to send: buf's head is filled in by the link, from these. */
struct adb_out {
	uint32_t command, arg0, arg1;
	struct adb_buf *buf; /* payload; NULL: none. The link takes the reference. */
};

struct adb_link_events {
	/* A packet came; payload is the callee's until it returns. */
	void (*packet)(void *arg, const struct adb_header *h, const uint8_t *payload);
	/* There is room: fill *ret_out and return true, or return false and kick() later. */
	bool (*next)(void *arg, struct adb_out *ret_out);
	/* The end. code: ERR_GONE (unplugged, or the peer closed), ERR_PROTO (garbage: the peer, or
	 * a predecessor that died in mid-packet), ERR_IO, ERR_TIMEOUT (a write that did not move). */
	void (*broken)(void *arg, int code, const char *text);
};

struct adb_link_ops {
	/* There is something to send: next() will be called until it says no. */
	void (*kick)(struct adb_link *l);
	/* Stops (true) and resumes reading. */
	void (*pause)(struct adb_link *l, bool on);
	/* The session's version is known: whether to send and verify sums; and the longest payload
	 * to be taken. At first sums are sent, and taken where they are not 0. */
	void (*agreed)(struct adb_link *l, uint32_t version, uint32_t max_payload);
	/* Puts bytes in step again; done through kick()ed packets afterwards. level 0: forgets what
	 * is queued and half read; 1: clear-halt on both endpoints; 2: resets the device (it goes
	 * and arrives anew). done(arg, 0 or a code) comes later, once. ERR_UNSUPPORTED on TCP, and
	 * then done() does not come. */
	int (*resync)(struct adb_link *l, int level, void (*done)(void *arg, int code), void *arg);
	/* The end, at once: no event and no done() comes any more; what is queued is dropped. Frees the link (its
	 * memory may live on until the kernel has given its transfers back). */
	void (*close)(struct adb_link *l);
	/* Inside packet(): a reference to the buffer that its payload lies in, for who keeps it longer
	 * than the call. NULL: it must be copied. A link may have none of it (NULL). */
	struct adb_buf *(*hold)(struct adb_link *l);
};

struct adb_link {
	const struct adb_link_ops *ops;
	const struct adb_link_events *events; /* set by its user before the first turn */
	void *arg;
	bool usb;       /* resync levels exist; packets before the first CNXN may be leftovers */
	char where[96]; /* "tcp 127.0.0.1:5555", "usb 1-4.2": for people */
};

/* Over a connected (or connecting) socket; takes the descriptor, makes it non-blocking, sets
 * TCP_NODELAY and keepalive. write_ms: a write that does not move for so long breaks the link, 0
 * never. */
struct adb_link *adb_link_tcp(struct driver_host *h, int fd, const char *where, int64_t write_ms);
/* A non-blocking connect to HOST:PORT (numeric, or a name that the caller has resolved). Failure to
 * connect comes as broken() with ERR_UNREACHABLE. NULL and *e for a malformed address. */
struct adb_link *adb_link_tcp_connect(struct driver_host *h, const char *address, struct err *e);

#endif
