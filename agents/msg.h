/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages that have a shape of their own, with their encoders and decoders; the plain ones
 * stand as field lists in proto.h. Pure. Decoders return 0 or -1 and bound every count.
 *
 * Streams. What an attempt produces travels as chunks of numbered streams. Stream 0 carries facts,
 * stream 1 the runner's text, stream 2 marks; the agent numbers counters and blocks from 3 on. A
 * stream's chunks
 * are numbered from 1 without a gap; the first is its declaration. Chunks are idempotent by
 * (attempt, boot, stream, seq), where boot is the agent boot under which the attempt began: an
 * agent that finds a spool goes on under the boot that the spool names.
 */
#ifndef FRAMEFARM_AGENTS_MSG_H
#define FRAMEFARM_AGENTS_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto.h"

#define MSG_COUNTERS_MAX 256
#define MSG_ATTEMPTS_MAX 64
#define MSG_STREAMS_MAX  320
#define MSG_TEMPS_MAX    32
#define MSG_NAME         64
#define MSG_UNIT         16
#define MSG_SOURCE       192
#define MSG_CAUSE        256

enum stream_kind {
	STREAM_FACTS = 1,
	STREAM_TEXT = 2,
	STREAM_COUNTER = 3, /* t: monotonic ns of the reading, v: value in `unit` / scale */
	STREAM_ITER = 4,    /* back to back: t: start ns, v: end - start, ns */
	STREAM_PACED = 5,   /* paced: t: scheduled release ns, v: end - release, ns: what the budget
	                       gate judges */
	STREAM_EXEC = 6,    /* paced: t: start ns, v: end - start, ns */
	STREAM_MARKS = 7,   /* t: monotonic ns, v: enum phase * 65536 + block: where phases begin */
};

#define STREAM_ID_FACTS 0
#define STREAM_ID_TEXT  1
#define STREAM_ID_MARKS 2
#define STREAM_ID_FIRST 3 /* the first of blocks and counters */

/* One thing the agent can read on this device, as probing found it. */
struct msg_counter {
	char name[MSG_NAME];     /* "cpu.policy0.freq", "thermal.x86_pkg_temp", "mem.available" */
	char unit[MSG_UNIT];     /* base unit after scaling: "Hz", "mC", "B", "uA", "%" … */
	char source[MSG_SOURCE]; /* path or call it is read from */
	uint8_t available;       /* 1: reads; 0: does not, see error */
	int32_t error;           /* errno of the probe when not available */
};

enum attempt_on_agent {
	ATTEMPT_RUNNING = 1,
	ATTEMPT_ENDED = 2, /* END is or will be sent */
};

struct msg_welcome {
	uint16_t version;        /* the one that both speak from now on */
	char agent_uuid[40];     /* made at the agent's first start on this device */
	uint64_t agent_boot;     /* random, one for each start of the agent */
	char kernel_boot_id[40]; /* /proc/sys/kernel/random/boot_id; "" when not readable */
	char abi[32];            /* "x86_64", "aarch64", "armv7l" */
	char os[128];            /* uname -s -r -v in one line */
	char agent_version[32];
	char farm_id[64];                  /* of the newest epoch seen; "" for none */
	int64_t epoch;                     /* newest epoch seen */
	int64_t mono_ns, boot_ns, wall_ns; /* read together */
	char protections[256]; /* what guards the runner here, and what is not to be had:
	                              "no_new_privs,rlimits,uid=61999,landlock=7" */
	uint32_t n_counters;
	struct msg_counter *counters; /* decoder: allocated, free with msg_welcome_fini() */
	uint32_t n_attempts;
	struct {
		int64_t attempt;
		uint64_t boot;
		uint8_t state; /* enum attempt_on_agent */
	} attempts[MSG_ATTEMPTS_MAX];
};

struct msg_status {
	int64_t attempt; /* 0 when idle */
	uint16_t phase;  /* enum phase */
	uint32_t block;
	uint32_t permille; /* of the whole attempt, by the plan's estimate; 1000 at its end */
	int64_t mono_ns;
	uint64_t iterations;  /* of this attempt so far */
	uint64_t over_budget; /* of them, over the budget */
	uint64_t spool_bytes; /* not yet acknowledged */
	int32_t hottest_mc; /* hottest plausible thermal sensor, m°C; INT32_MIN when unobserved */
	uint8_t thermal_known;
	char note[96]; /* what it waits for, "" for nothing */
};

struct msg_chunk {
	int64_t attempt;
	uint64_t boot;
	uint32_t stream;
	uint64_t seq;
	uint8_t kind;           /* enum stream_kind; for seq 1 a declaration of that kind follows */
	uint32_t n;             /* pairs, facts or bytes in the payload */
	const uint8_t *payload; /* decoder: points into the frame */
	uint32_t len;
};

/* Payload of each stream's chunk 1. */
struct msg_decl {
	uint8_t kind;
	char name[MSG_NAME];
	char unit[MSG_UNIT];
	int64_t scale; /* value = v / scale, in unit; 1 for ns */
	char source[MSG_SOURCE];
	int64_t budget_ns; /* of a block: what counts as over; 0 for none */
	int64_t period_ns; /* of a paced block; 0 otherwise */
};

struct msg_end {
	int64_t attempt;
	uint64_t boot;
	uint16_t outcome;      /* enum outcome */
	char cause[MSG_CAUSE]; /* a sentence; "" for OUTCOME_OK */
	uint32_t n_streams;
	struct {
		uint32_t stream;
		uint64_t last_seq;
	} streams[MSG_STREAMS_MAX];
};

/* Encoders append the payload; look at w->full. */
void msg_welcome_put(struct proto_w *w, const struct msg_welcome *m);
int msg_welcome_get(const void *data, size_t n, struct msg_welcome *ret_m);
void msg_welcome_fini(struct msg_welcome *m);
void msg_status_put(struct proto_w *w, const struct msg_status *m);
int msg_status_get(const void *data, size_t n, struct msg_status *ret_m);
void msg_chunk_put(struct proto_w *w, const struct msg_chunk *m);
int msg_chunk_get(const void *data, size_t n, struct msg_chunk *ret_m);
void msg_decl_put(struct proto_w *w, const struct msg_decl *m);
int msg_decl_get(const void *data, size_t n, struct msg_decl *ret_m);
void msg_end_put(struct proto_w *w, const struct msg_end *m);
int msg_end_get(const void *data, size_t n, struct msg_end *ret_m);

/* Facts: what a run learned beside its samples (load times, coverage, golden metrics, environment).
 * A facts chunk holds n of them, one behind the other; a PROTO_FACT frame holds one. */
enum fact_kind { FACT_INT = 1, FACT_NUM = 2, FACT_TEXT = 3 };

struct fact {
	int64_t mono_ns;
	char key[MSG_NAME]; /* "load.cold_ns", "golden.case0.probs.cosine"; see agents/README.md */
	uint8_t kind;
	int64_t i;       /* FACT_INT */
	double f;        /* FACT_NUM; may be NaN or infinite */
	char text[1024]; /* FACT_TEXT */
};

void fact_put(struct proto_w *w, const struct fact *f);
/* Reads the next fact; returns 0, or -1 (and r->bad) for none or a bad one. */
int fact_get(struct proto_r *r, struct fact *ret_f);

#endif
