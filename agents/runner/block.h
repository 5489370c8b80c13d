/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timed blocks, and the ring into which they write. Inside a block there is nothing but: read
 * the clock, run, read the clock, store the record, and in a paced block sleep until the next
 * release. No allocation, no I/O, no message, no system call but the sleep (the clock is read in
 * the vDSO); the ring is mapped, and every page of it touched, before the first block.
 *
 * Back to back, an iteration starts when the last one ended: one reading of the clock is both. So
 * what the loop itself costs is counted in the latency; nothing is left out. Main thread.
 */
#ifndef FRAMEFARM_RUNNER_BLOCK_H
#define FRAMEFARM_RUNNER_BLOCK_H

#include "binding.h"
#include "channel.h"
#include "ring.h"
#include "timesrc.h"

struct ring {
	struct ring_header *h; /* NULL: not open */
	size_t bytes;
};

/* Maps the agent's ring and touches it. Failures are OUTCOME_INTERNAL. */
int ring_open(struct ring *r, int fd, struct fail *f);
void ring_close(struct ring *r);

struct block_run {
	struct ring *ring;
	struct timesrc *ts;
	const struct binding *binding;
	const struct channel *channel;
};

struct block_result {
	uint32_t index; /* in the ring */
	uint64_t runs;
	uint32_t skipped;
	int64_t wall_ns, cpu_ns;
};

/* Runs one block; spec->period_ns says whether it is paced. A cancel ends it with success and what
 * there is. Fails, with the block closed, when the runtime does. */
int block_run(const struct block_run *b, enum phase phase, const struct plan_block *spec,
	struct block_result *ret_r, struct fail *f);

#endif
