/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the ring to block streams. Follows the runner: reads the records behind its head, block by
 * block, and hands them to the record; at a block's end it writes what the runner noted about it as
 * facts. After a restart it goes on behind what the spool holds already, so nothing is doubled.
 *
 * The ring is written by a process that is not trusted. What contradicts the contract of ring.h
 * makes the drain damaged, and it reads no further.
 */
#ifndef FRAMEFARM_AGENT_DRAIN_H
#define FRAMEFARM_AGENT_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "ring.h"

#define DRAIN_TURN 65536 /* records, 1.5 MiB: keeps a turn of the loop short */
#define DRAIN_ALL  256   /* turns: four times what the largest ring takes */

struct record;

struct drain {
	int fd; /* borrowed */
	uint64_t capacity;
	int64_t budget_ns;
	unsigned block;                   /* the one that is read or comes next */
	bool open;                        /* it has begun */
	uint64_t next;                    /* index of the next record */
	uint64_t in_block;                /* records of this block taken so far */
	uint64_t skip_latency, skip_exec; /* of this block: in the spool already */
	uint64_t head;                    /* of the last look: never goes back */
	unsigned facts_known;             /* blocks whose facts are in the spool already */
	uint64_t iterations, over_budget; /* of the whole attempt */
	int64_t alive_ns;                 /* the runner's sign of life, unchecked */
	bool damaged;
	struct ring_header h;
};

void drain_init(struct drain *d, int fd, uint64_t capacity, int64_t budget_ns);

/* Takes what is new, at most DRAIN_TURN records. Returns 1 when there is more to take, 0 when not,
 * -EBADMSG when the ring is damaged. */
int drain_pump(struct drain *d, struct record *r);

/* Takes everything, of a ring whose runner is dead. Should something else still be writing there,
 * it ends all the same. */
void drain_all(struct drain *d, struct record *r);

#endif
