/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a model is warm: after the minimum of runs and of time, as soon as the medians of the last
 * ten runs and of the ten before differ by less than 3 % of the earlier one; in any case at the
 * maximum of time. The rule is asked at every tenth run, so that the windows do not overlap. Under a
 * clock that stands (virtual time, in which an inference takes none) a thousand runs are enough.
 * Pure.
 */
#ifndef FRAMEFARM_RUNNER_WARMUP_H
#define FRAMEFARM_RUNNER_WARMUP_H

#include <stdbool.h>
#include <stdint.h>

#define WARMUP_WINDOW  10
#define WARMUP_PERCENT 3
#define WARMUP_STILL   1000 /* runs, under a clock that has not moved */

struct warmup {
	uint32_t min_runs;
	int64_t begin_ns, min_end_ns, max_end_ns;
	uint32_t runs;
	int64_t window_ns[WARMUP_WINDOW];
	int64_t median_ns;      /* of the last full window, or of what there is; 0 before any run */
	int64_t last_median_ns; /* of the one before; 0 for none */
	bool stable;
};

void warmup_init(
	struct warmup *w, uint32_t min_runs, uint32_t min_ms, uint32_t max_ms, int64_t now_ns);
/* Takes one run's duration. */
void warmup_add(struct warmup *w, int64_t duration_ns);
/* Whether another run is needed. */
bool warmup_more(const struct warmup *w, int64_t now_ns);

#endif
