/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From values to chunks. Whatever an attempt measures passes through here: it is collected per
 * stream and sealed into a chunk of the spool at CHUNK_MAX pairs, at RECORD_AGE_NS, or at the end
 * of a phase, whichever comes first. A stream's first chunk is its declaration.
 *
 * The numbers of streams are fixed, so that a spool can be gone on with after a restart without
 * any table of its own: facts 0, text 1, marks 2; block b of the ring has 3 + 2b (latency) and
 * 4 + 2b (execution, of paced blocks); counter c has RECORD_COUNTERS + c.
 *
 * The first failure to write stays in `rc`, and nothing more is written after it. One thread.
 */
#ifndef FRAMEFARM_AGENT_RECORD_H
#define FRAMEFARM_AGENT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk.h"
#include "msg.h"
#include "ring.h"

#define RECORD_AGE_NS    10000000000LL
#define RECORD_BLOCKS    STREAM_ID_FIRST
#define RECORD_COUNTERS  (RECORD_BLOCKS + 2 * RING_BLOCKS_MAX)
#define RECORD_FACTS     (16 * 1024) /* bytes of one chunk of facts */
#define RECORD_TEXT      (8 * 1024)
#define RECORD_FACTS_MAX 65536 /* of one attempt; a model has 128 cases of 64 outputs at most */
#define RECORD_CELLS_MAX (1024 * 1024) /* bytes that wait in the counters' series together */

struct plan;
struct sampler;
struct spool;

struct series {
	uint32_t n, cap;
	int64_t *t, *v;
};

/* The block of the ring that is being recorded. */
struct record_block {
	unsigned number;
	uint16_t phase;
	int64_t period_ns; /* 0: back to back, and there is no second stream */
};

struct record {
	struct spool *spool;
	const struct plan *plan;
	const struct sampler *sampler;
	int rc;
	int64_t now_ns;
	int64_t oldest_ns; /* when the oldest thing that is not sealed came; INT64_MAX for none */
	struct record_block block;
	struct series marks, latency, exec;
	struct series *counters;
	uint32_t n_counters;
	int64_t *cells;
	struct proto_w facts;
	uint32_t n_facts;
	uint64_t all_facts;
	uint32_t text_len;
	uint8_t *facts_mem, *text_mem, *packed;
};

_Static_assert(RECORD_COUNTERS + MSG_COUNTERS_MAX <= MSG_STREAMS_MAX, "a stream for each counter");

/* Borrows all three until record_fini(). sampler may be NULL (no counters), hz is the fastest rate
 * they come at. Returns 0 or -ENOMEM. */
int record_init(struct record *r, struct spool *spool, const struct plan *plan,
	const struct sampler *sampler, uint32_t hz);
/* What is not sealed is lost. */
void record_fini(struct record *r);

/* The time of this turn; seals what has grown old. */
void record_tick(struct record *r, int64_t now_ns);
/* Seals everything. */
void record_seal(struct record *r);
/* The end of a phase: seals everything but the open block, which is the next phase's: the runner
 * may be in it already when its word of the phase is heard. */
void record_seal_beside_block(struct record *r);

/* Is a sampler_sink; arg is the record. */
void record_counter(void *arg, uint32_t counter, int64_t t_ns, int64_t v);
void record_mark(struct record *r, int64_t t_ns, uint16_t phase, uint32_t block);
void record_text(struct record *r, const void *data, uint32_t n);

/* Facts beyond RECORD_FACTS_MAX are dropped; record_facts_dropped() says how many. */
void record_fact(struct record *r, const struct fact *f);
void record_int(struct record *r, const char *key, int64_t v);
void record_str(struct record *r, const char *key, const char *text);
uint64_t record_facts_dropped(const struct record *r);

/* Iterations. A block is begun, filled, and ended by the beginning of the next or record_seal(). */
void record_block_begin(struct record *r, const struct record_block *b);
void record_latency(struct record *r, int64_t t_ns, int64_t v);
void record_exec(struct record *r, int64_t t_ns, int64_t v);
/* How many pairs of a block's streams are in the spool already. */
uint64_t record_latencies_sealed(const struct record *r, unsigned block);
uint64_t record_execs_sealed(const struct record *r, unsigned block);

#endif
