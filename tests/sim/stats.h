/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, over all lives: counted in memory that the processes of a run share. */
#ifndef FRAMEFARM_SIM_STATS_H
#define FRAMEFARM_SIM_STATS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
	FAULT_UNPLUG,
	FAULT_REPLUG,
	FAULT_MOVE,
	FAULT_SESSION,
	FAULT_AGENT_CRASH,
	FAULT_LOST_SPOOL,
	FAULT_STRAY,
	FAULT_EPOCH,
	FAULT_HUMAN,
	FAULT_HOT,
	FAULT_NO_AGENT,
	FAULT_FAILS,
	FAULT_STALL,
	FAULT_LOST,
	FAULT_LATE,
	FAULT_DOUBLED,
	FAULT_DEAF,
	FAULT_BREAKS,
	FAULT_LONG,
	FAULT_DISOBEY,
	FAULT_LATE_DATA,
	FAULT_STORE_FAILS,
	FAULT_STORE_ONCE,
	FAULT_STORE_SLOW,
	FAULT_CRASH_BEFORE,
	FAULT_CRASH_AFTER,
	FAULT_CRASH_AMID,
	FAULT_CRASH_IDLE,
	FAULT_CLOCK_BACK,
	FAULT_CLOCK_ON,
	FAULT_QUEUE_FULL,
	FAULTS
};

#define STATS_MACHINES 5
#define STATS_STATES   16

struct stats {
	int64_t seeds, steps, commits, crashes, jobs, attempts;
	int64_t faults[FAULTS];
	int64_t taken[STATS_MACHINES][STATS_STATES][STATS_STATES];
};

extern struct stats *stats; /* of this process */

void stats_add(struct stats *to, const struct stats *from);
void stats_count(enum fault f);
/* A transition by the names of its states; -1 when it is not in its table. */
int stats_transition(const char *topic, const char *from, const char *to);
/* Prints all of it; returns how many faults and legal transitions never occurred. */
int stats_print(const struct stats *s, double seconds);

#endif
