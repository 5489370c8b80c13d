/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the multiplexer share: mux.c (streams begin and end, and their events), mux_in.c
 * (packets that came), mux_out.c (packets that go).
 *
 * Events on a stream come from adb_mux_packet(), which the link calls, or from one timer of the mux
 * (the todo list), so never inside a call on the stream. A stream is freed when closed() was told
 * and its CLSE has left; a mux when adb_mux_free() was called and its streams are gone, by the timer.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_MUX_INTERNAL_H
#define FRAMEFARM_DRIVERS_ADB_MUX_INTERNAL_H

#include "drivers/adb/mux.h"

#include <sys/queue.h>

struct map;

/* CLSE for streams that are none of ours. At half of it the link is paused, so that a peer that
 * floods and does not read stops itself. */
#define MUX_STRAYS 64
/* Streams whose CLSE was sent: a late OKAY for one of them gets no second one. */
#define MUX_CLOSED 256

enum mux_state {
	MUX_OPENING, /* our OPEN has no answer yet */
	MUX_ASKED,   /* the peer's OPEN has none */
	MUX_OPEN,
	MUX_ENDED, /* no packet reaches it any more; what came before is still handed out */
};

struct mux_chunk {
	TAILQ_ENTRY(mux_chunk) link;
	struct adb_buf *buf;
	bool sent_whole; /* came by adb_stream_send() */
};

/* What came while its stream was paused: a long packet where the link received it, short ones
 * gathered. */
struct mux_kept {
	TAILQ_ENTRY(mux_kept) link;
	struct adb_buf *buf;
	const uint8_t *data;
	size_t n;
	bool held; /* the link's buffer */
};

struct adb_stream {
	struct stream s; /* first */
	struct adb_mux *m;
	TAILQ_ENTRY(adb_stream) all, replies, ready, todo;
	bool in_replies, in_ready, in_todo;
	enum mux_state state;
	uint32_t local, remote; /* remote 0: not known */
	void (*opened)(void *arg);
	struct host_timer *deadline;

	/* Replies that wait for the link. */
	struct adb_buf *open_service; /* OPEN */
	bool want_okay, want_clse;

	/* Out. */
	TAILQ_HEAD(mux_chunks, mux_chunk) out;
	size_t written;  /* bytes in `out` from write() */
	int sends;       /* buffers in `out` from adb_stream_send() */
	int64_t credit;  /* with delayed acknowledgement: bytes that may still go */
	int64_t unacked; /* bytes; without delayed acknowledgement of the one WRTE */
	bool want_drained, finishing;

	/* In. */
	bool paused;
	bool deaf; /* the receiver wants nothing more but the end */
	TAILQ_HEAD(mux_kepts, mux_kept) in;
	size_t kept;           /* bytes of them */
	int64_t due;           /* bytes that were handed out and not acknowledged */
	bool owes;             /* an OKAY */
	bool direct;           /* data() is called with a packet of the link's, … */
	struct adb_buf *again; /* … or with one that was kept */

	/* The end. */
	bool held; /* not to be freed: a MUX_ASKED stream is its user's, or closed() runs */
	bool told;
	int code;
	char text[LIMIT_CAUSE];
};

TAILQ_HEAD(mux_list, adb_stream);

struct adb_mux {
	struct driver_host *h;
	struct adb_link *l;
	struct adb_mux_config cfg;
	const struct adb_mux_ops *ops;
	void *arg;
	bool dead, bad;
	uint32_t next_id;
	int n_streams;
	struct map *by_id; /* those that packets reach */
	struct mux_list all, replies, ready, todo;
	struct host_timer *soon;

	struct {
		uint32_t local, remote;
	} strays[MUX_STRAYS]; /* a ring */
	unsigned first_stray, n_strays;
	bool link_paused;
	uint32_t closed[MUX_CLOSED]; /* a ring of local ids */
	unsigned next_closed;
};

/* mux.c */
struct adb_stream *mux_stream_new(struct adb_mux *m, enum mux_state state);
/* Ends it once; closed() follows by the timer. clse: the peer is to be told. */
void mux_stream_end(struct adb_stream *s, int code, const char *text, bool clse);
void mux_stream_check_free(struct adb_stream *s);
void mux_todo(struct adb_stream *s); /* something is to be told of it soon */
void mux_remember_closed(struct adb_mux *m, uint32_t local);
bool mux_was_closed(const struct adb_mux *m, uint32_t local);
/* Ends a stream that is not open after ms from now, with ERR_TIMEOUT. */
void adb_stream_open_within(struct adb_stream *s, int64_t ms);

/* mux_in.c */
/* Hands out what was kept, a bounded part of it; true when nothing is left. */
bool mux_in_deliver(struct adb_stream *s);
void mux_in_acknowledge(struct adb_stream *s);
void mux_in_drop(struct adb_stream *s); /* what was kept */

/* mux_out.c */
void mux_kick(struct adb_mux *m);
void mux_out_reply(struct adb_stream *s);  /* a want_… was set */
void mux_out_unlist(struct adb_stream *s); /* drops what is queued, but for want_clse */
void mux_out_ready(struct adb_stream *s);  /* it may be able to send */
bool mux_out_has_room(const struct adb_stream *s);
/* CLSE for what is no stream of ours. */
void mux_out_stray(struct adb_mux *m, uint32_t local, uint32_t remote);
extern const struct stream_ops mux_stream_ops;

#endif
