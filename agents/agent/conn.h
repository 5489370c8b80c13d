/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a controller: bytes in, frames out of them; frames in, bytes out. Both sides
 * are bounded: who has not said HELLO may send CONN_GREETING_MAX bytes within CONN_GREETING_NS, and
 * who does not read what is sent to him is closed. Knows nothing of what frames mean.
 *
 * A connection that failed is marked dead and closed by conn_reap() at the end of the turn.
 */
#ifndef FRAMEFARM_AGENT_CONN_H
#define FRAMEFARM_AGENT_CONN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto.h"

#define CONN_GREETING_MAX 1024
#define CONN_GREETING_NS  5000000000LL
#define CONN_FLUSH_NS     2000000000LL /* for the last words of a connection that we close */
#define CONN_OUT_MAX      (384 * 1024) /* a WELCOME with all counters takes 75 KiB */
#define CONN_TURN_READ    (16 * 1024)  /* bytes taken from one connection each turn */

enum conn_state {
	CONN_FREE,
	CONN_GREETING, /* HELLO is awaited */
	CONN_READY,    /* the controller's */
	CONN_CLOSING,  /* what is left is sent, then it is closed */
	CONN_DEAD,     /* closed at the end of the turn */
};

struct conn {
	enum conn_state state;
	int fd;
	int64_t deadline_ns; /* of GREETING and CLOSING */
	uint32_t greeted;    /* bytes that came in GREETING */
	struct proto_parser in;
	uint8_t *out;
	size_t out_len, out_off, out_cap;
	char farm[64];    /* of READY */
	uint16_t version; /* of READY: of the protocol, both sides speak it */
};

/* Takes fd. */
void conn_open(struct conn *c, int fd, int64_t now_ns);
void conn_set_state(struct conn *c, enum conn_state to, int64_t now_ns);
/* Marks it dead, if it is not. */
void conn_close(struct conn *c);
/* Closes and frees a dead one. */
void conn_reap(struct conn *c);

short conn_events(const struct conn *c);
/* When it wants to be looked at again; INT64_MAX for never. */
int64_t conn_deadline(const struct conn *c);
void conn_tick(struct conn *c, int64_t now_ns);

/* Reads once. Afterwards conn_next() gives the frames: 1 and a frame, 0 for none, -1 for
 * garbage. */
void conn_read(struct conn *c);
int conn_next(struct conn *c, struct proto_frame *ret_f);
void conn_write(struct conn *c);

/* Queues a frame: one with a payload, or one that is whole already. A connection whose queue would
 * outgrow CONN_OUT_MAX dies. */
void conn_send(struct conn *c, uint16_t type, const void *payload, uint32_t len);
void conn_send_frame(struct conn *c, const void *frame, size_t n);
/* Bytes that wait to be sent. */
size_t conn_queued(const struct conn *c);

#endif
