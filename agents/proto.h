/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes between controller and agent, and between agent and runner: framing, the primitive
 * encoders, the list of messages. Shared with the controller and with drivers; includes nothing of
 * theirs. Pure: no I/O, no clock, no state; only the parser allocates.
 *
 * A frame is a header of 16 bytes and a payload. All numbers are little-endian.
 *
 *	offset 0  u32  magic    PROTO_MAGIC ("FFP1")
 *	       4  u16  type     enum proto_type
 *	       6  u16  flags    0; a reader ignores bits it does not know
 *	       8  u32  length   of the payload, at most PROTO_PAYLOAD_MAX
 *	      12  u32  crc      CRC-32C of bytes 4…11 and the payload
 *
 * Fields of a payload stand in the order given beside each message; a text is a u16 length and
 * that many bytes of UTF-8 without NUL; bytes are a u32 length and the bytes. A reader that has
 * read the fields it knows ignores what is left: a later version appends fields, it never moves
 * them. Version 1 is the first; both sides speak every version up to the present one.
 */
#ifndef FRAMEFARM_AGENTS_PROTO_H
#define FRAMEFARM_AGENTS_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTO_VERSION     3 /* 2: a plan may name a loader and its libraries; 3: chunks of mode 2 */
#define PROTO_VERSION_MIN 1
#define PROTO_MAGIC       0x31504646u
#define PROTO_HEADER      16
#define PROTO_PAYLOAD_MAX (256 * 1024)
#define PROTO_TEXT_MAX    4096
#define PROTO_FEED_MAX    (64 * 1024)
#define PROTO_SECRET      32

enum proto_type {
	/* Controller to agent. */
	PROTO_HELLO = 1, /* u16 version_min, u16 version_max, bytes secret, text farm_id, i64 epoch
	                    (the newest that the farm has issued for this device, 0 for none) */
	PROTO_LEASE = 2, /* i64 epoch, u32 ttl_ms: the lease's remaining time from now; when it runs
	                    out by the agent's own clock, the agent kills the runner */
	PROTO_START = 3, /* i64 epoch, i64 attempt, bytes plan (plan.h) */
	PROTO_STOP = 4,  /* i64 epoch, i64 attempt, text reason: terminate, then kill, the runner */
	PROTO_ACK = 5,   /* i64 attempt, u32 stream, u64 seq: all chunks up to seq are committed */
	PROTO_DISCARD = 6, /* i64 attempt: delete its spool; also sent for attempts nobody knows */
	PROTO_PING = 7,    /* u64 nonce */
	PROTO_QUIT = 8,    /* i64 epoch: end the agent; refused while an attempt runs */

	/* Agent to controller. */
	PROTO_WELCOME = 32, /* see struct msg_welcome in msg.h */
	PROTO_STATUS = 33,  /* see struct msg_status in msg.h; at most one each 500 ms */
	PROTO_CHUNK = 34,   /* see struct msg_chunk in msg.h */
	PROTO_END = 35, /* see struct msg_end in msg.h; repeated at each connection until DISCARD */
	PROTO_REFUSE = 36, /* u16 about (a type above), i64 attempt, u16 code (enum proto_refusal),
	                       text: a sentence */
	PROTO_PONG = 37,   /* u64 nonce, i64 mono_ns, i64 boot_ns, i64 wall_ns */

	/* Agent to runner, over a socket pair on descriptor 3. */
	PROTO_RUN = 64,    /* u32 process (which of the plan's processes this is), bytes plan,
	                      u32 n_files, n_files × text sha256; the files follow as
	                      descriptors in PROTO_FILES, see runner.h */
	PROTO_CANCEL = 65, /* no fields */

	/* Runner to agent, never inside a timed block. */
	PROTO_FACT = 96,  /* one struct fact, see msg.h */
	PROTO_PHASE = 97, /* u16 phase (enum phase in plan.h), i64 mono_ns, u32 block */
	PROTO_DONE = 98,  /* u16 outcome (enum outcome in plan.h), text cause */
};

enum proto_refusal {
	PROTO_REFUSE_VERSION = 1, /* no common version */
	PROTO_REFUSE_SECRET = 2,
	PROTO_REFUSE_EPOCH = 3, /* older than one already seen */
	PROTO_REFUSE_BUSY = 4,  /* another attempt runs */
	PROTO_REFUSE_PLAN = 5,  /* the plan cannot be decoded or done */
	PROTO_REFUSE_SPACE = 6, /* the spool's disk is full */
	PROTO_REFUSE_FRAME = 7, /* not understood */
};

struct proto_header {
	uint16_t type;
	uint16_t flags;
	uint32_t len;
	uint32_t crc;
};

/* Writes the header for a payload that stands at `payload`. */
void proto_header_put(uint8_t dst[PROTO_HEADER], uint16_t type, const void *payload, uint32_t len);
/* Reads a header. Returns 0, or -1 for a foreign magic or a length beyond the bound. */
int proto_header_get(const uint8_t src[PROTO_HEADER], struct proto_header *ret_h);
/* Whether header and payload fit their checksum. */
bool proto_check(const uint8_t src[PROTO_HEADER], const void *payload, uint32_t len);

/* CRC-32C (Castagnoli, RFC 3720 B.4), continued from `crc` (0 at first). The portable one is what
 * the other falls back to where the processor has no instruction for it. */
uint32_t proto_crc32c(uint32_t crc, const void *data, size_t n);
uint32_t proto_crc32c_portable(uint32_t crc, const void *data, size_t n);

/* A writer over memory of the caller's. After an overflow `full` is set and nothing more is
 * written; check it once at the end. */
struct proto_w {
	uint8_t *p;
	size_t len;
	size_t cap;
	bool full;
};

void proto_w_init(struct proto_w *w, void *mem, size_t cap);
void proto_put_u8(struct proto_w *w, uint8_t v);
void proto_put_u16(struct proto_w *w, uint16_t v);
void proto_put_u32(struct proto_w *w, uint32_t v);
void proto_put_u64(struct proto_w *w, uint64_t v);
void proto_put_i64(struct proto_w *w, int64_t v);
void proto_put_f64(struct proto_w *w, double v);
void proto_put_text(struct proto_w *w, const char *s); /* cut at PROTO_TEXT_MAX */
void proto_put_bytes(struct proto_w *w, const void *data, size_t n);
void proto_put_raw(struct proto_w *w, const void *data, size_t n); /* without a length */
void proto_put_varint(struct proto_w *w, uint64_t v);              /* LEB128 */
void proto_put_zigzag(struct proto_w *w, int64_t v);

/* A reader. After a field that is not there, or is wrong, `bad` is set and every getter gives 0,
 * "" or NULL; check it once at the end. */
struct proto_r {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

void proto_r_init(struct proto_r *r, const void *data, size_t n);
uint8_t proto_get_u8(struct proto_r *r);
uint16_t proto_get_u16(struct proto_r *r);
uint32_t proto_get_u32(struct proto_r *r);
uint64_t proto_get_u64(struct proto_r *r);
int64_t proto_get_i64(struct proto_r *r);
double proto_get_f64(struct proto_r *r);
/* Copies with a closing NUL; a text that does not fit, or holds NUL, makes the reader bad. */
void proto_get_text(struct proto_r *r, char *dst, size_t size);
const uint8_t *proto_get_bytes(struct proto_r *r, uint32_t *ret_n); /* points into the data */
const uint8_t *proto_get_raw(struct proto_r *r, size_t n);
uint64_t proto_get_varint(struct proto_r *r);
int64_t proto_get_zigzag(struct proto_r *r);
size_t proto_left(const struct proto_r *r);

/* Takes frames out of a stream of bytes: feed() what came, next() until it says 0. */
struct proto_parser {
	uint8_t *buf;
	size_t len, cap; /* cap is one frame and one feed at most */
	size_t used;     /* of len, already taken by next() */
};

struct proto_frame {
	uint16_t type;
	const uint8_t *payload; /* valid until the next call on the parser */
	uint32_t len;
};

void proto_parser_init(struct proto_parser *p);
void proto_parser_fini(struct proto_parser *p);
/* Takes all n bytes. Returns 0, or -1 when memory is out. The caller feeds at most PROTO_FEED_MAX
 * at a time and drains with next() in between, so the buffer never exceeds one frame and one feed;
 * a feed beyond that is refused whole with -1. */
int proto_parser_feed(struct proto_parser *p, const void *data, size_t n);
/* Returns 1 and a frame, 0 when more bytes are needed, -1 for garbage (close the connection); after
 * garbage it stays at -1. */
int proto_parser_next(struct proto_parser *p, struct proto_frame *ret_f);

#endif
