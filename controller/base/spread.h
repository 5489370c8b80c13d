/* SPDX-License-Identifier: Apache-2.0 */
/* How durations spread: counts by bounds, for a histogram of /metrics. Pure; one thread. */
#ifndef FRAMEFARM_BASE_SPREAD_H
#define FRAMEFARM_BASE_SPREAD_H

#include <stdint.h>

#define SPREAD_BOUNDS 11

extern const int64_t spread_bounds_ns[SPREAD_BOUNDS]; /* 0.1 ms … 1 s, rising */

struct spread {
	uint64_t
		n[SPREAD_BOUNDS + 1]; /* at most bound i and over bound i - 1; the last: over all */
	uint64_t sum_ns;
	int64_t longest_ns;
};

/* A negative duration counts as 0. */
void spread_add(struct spread *s, int64_t ns);

#endif
