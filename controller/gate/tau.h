/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many independent samples a series of frames is worth. Frames are correlated: a slow one
 * follows a slow one. With I_i = 1 where a latency is over the limit and rho_j the autocorrelation
 * of I at lag j, n frames are worth n/tau, where
 *
 *	tau = 1 + 2·sum(rho_j), j = 1, 2, … up to the first rho_j <= 0 or the first j >= 5·tau.
 *
 * Several rounds are one estimate: their autocovariances are summed, each round around its own
 * share, and no product reaches across two rounds. So a difference between rounds does not pass for
 * correlation within them; it is another test's business (budget.c). Pure; any thread.
 *
 * Cost. The sum over one lag runs over 64 frames at a time. Beyond TAU_LAGS_MAX lags the rest is
 * not summed but taken as a straight line, which is what a level shift gives: through the last
 * rho and the one half as far out, down to zero. So a block of any length costs at most
 * n·TAU_LAGS_MAX/64 steps, and a block of up to 3·TAU_LAGS_MAX frames is never cut.
 */
#ifndef FRAMEFARM_GATE_TAU_H
#define FRAMEFARM_GATE_TAU_H

#include <stddef.h>
#include <stdint.h>

#define TAU_LAGS_MAX   4096
#define TAU_SERIES_MAX 8 /* rounds of one estimate */

struct tau_series {
	const int64_t *values;
	size_t n;
};

/* Returns tau, at least 1; exactly 1 where all frames are over the limit or none is. At most
 * TAU_SERIES_MAX series of together at most STATS_SAMPLES_MAX values. */
double tau_estimate(const struct tau_series *series, int n_series, int64_t limit);

#endif
