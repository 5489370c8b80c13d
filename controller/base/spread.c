/* SPDX-License-Identifier: Apache-2.0 */
/* Durations by bounds; see spread.h. */
#include "base/spread.h"

/* 5 ms is what the loop keeps within, so that how often it did is a count and no estimate. */
const int64_t spread_bounds_ns[SPREAD_BOUNDS] = {100000, 500000, 1000000, 2000000, 5000000,
	10000000, 20000000, 50000000, 100000000, 500000000, 1000000000};

void spread_add(struct spread *s, int64_t ns)
{
	int at = 0;

	if (ns < 0)
		ns = 0;
	while (at < SPREAD_BOUNDS && ns > spread_bounds_ns[at])
		at++;
	s->n[at]++;
	s->sum_ns += (uint64_t)ns;
	if (ns > s->longest_ns)
		s->longest_ns = ns;
}
