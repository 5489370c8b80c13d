/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The iterations of an attempt: a preallocated file in the spool that runner and agent both map.
 * The runner appends records and nothing else while it times; the agent reads behind it. It never
 * wraps: a block ends at its max_runs, and the capacity is the sum over the plan's blocks, so a
 * record once written stays until the controller has it, whoever is killed in between.
 *
 * One writer (the runner), any number of readers. The writer fills a record, then stores head with
 * release order; a reader loads head with acquire order and reads the records below it.
 */
#ifndef FRAMEFARM_AGENTS_RING_H
#define FRAMEFARM_AGENTS_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define RING_MAGIC      0x474e4952u /* "RING" */
#define RING_VERSION    1
#define RING_BLOCKS_MAX 16
#define RING_DATA       4096 /* the records begin here */

struct ring_record {
	int64_t release_ns; /* scheduled release; 0 in a block that runs back to back */
	int64_t start_ns;
	int64_t end_ns;
};

struct ring_block {
	uint32_t phase;   /* enum phase */
	uint32_t skipped; /* releases left out because the last iteration ran past them */
	int64_t period_ns;
	uint64_t first; /* index of its first record */
	uint64_t count; /* of records; set when the block is closed */
	int64_t begin_ns, end_ns;
	int64_t cpu_ns; /* processor time of the runner over the block */
};

struct ring_header {
	uint32_t magic;
	uint32_t version;
	uint64_t capacity;         /* records */
	_Atomic uint64_t head;     /* records written */
	_Atomic uint32_t n_blocks; /* blocks opened */
	_Atomic uint32_t closed;   /* blocks closed */
	_Atomic int64_t alive_ns;  /* the runner's sign of life: the start of the iteration, or
	                                 of the step, it is in */
	struct ring_block blocks[RING_BLOCKS_MAX];
};

_Static_assert(sizeof(struct ring_header) <= RING_DATA, "the header fits its page");

static inline uint64_t ring_bytes(uint64_t capacity)
{
	return RING_DATA + capacity * sizeof(struct ring_record);
}

static inline struct ring_record *ring_records(struct ring_header *h)
{
	return (struct ring_record *)((char *)h + RING_DATA);
}

#endif
