/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptive statistics of latencies: percentiles by nearest rank, moments, streaks, and the
 * ranks of order statistics that bound a percentile. Pure; any thread; nothing is kept.
 *
 * A percentile is an element of the sample, never an interpolation, so no two readers can disagree
 * about its definition: p of n is sorted[ceil(p·n) - 1].
 */
#ifndef FRAMEFARM_GATE_STATS_H
#define FRAMEFARM_GATE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most samples that a gate or a metric takes at once; a block's max_runs is below it. */
#define STATS_SAMPLES_MAX 4000000

/* A sorted copy of n <= STATS_SAMPLES_MAX values, or NULL when memory is out; free with
 * mem_free(). */
int64_t *stats_sorted(const int64_t *values, size_t n);
void stats_sort(int64_t *values, size_t n);

/* The rank, from 1, of the percentile p (0…1) among n >= 1 values: ceil(p·n). */
int64_t stats_rank(int64_t n, double p);
int64_t stats_percentile(const int64_t *sorted, size_t n, double p);
/*
 * The least n at which a percentile is published: 1/(1-p), the first n at which it is not simply
 * the maximum (10 for p90, 100 for p99). A median is published from one value on.
 */
int64_t stats_percentile_min_n(double p);

/* The ranks (from 1) of the order statistics that bound the percentile p, alpha on each side:
 * the largest r with F(r-1; n, p) <= alpha, 0 where there is none, and the smallest s with
 * F(s-1; n, p) >= 1 - alpha, n + 1 where there is none. */
void stats_order_ranks(int64_t n, double p, double alpha, int64_t *ret_lower, int64_t *ret_upper);

/*
 * The percentile that MLPerf LoadGen's early stopping reports (loadgen/results.cc, tolerance 0): an
 * upper estimate of p at the given confidence, sorted[n - t] for the largest t >= 1 of which
 * F(t; n, 1-p) <= 1 - confidence. False below the least n (64 at p90, 662 at p99, c = 0.99).
 */
bool stats_early_stop(
	const int64_t *sorted, size_t n, double p, double confidence, int64_t *ret_value);

double stats_mean(const int64_t *values, size_t n);
/* With n - 1 in the denominator; 0 for n < 2. */
double stats_sd(const int64_t *values, size_t n, double mean);
/* The middle value, or the mean of the two middle ones; n >= 1. For a few loads, not latencies. */
double stats_median(const double *values, size_t n);

size_t stats_count_over(const int64_t *values, size_t n, int64_t limit);  /* > limit */
size_t stats_streak_over(const int64_t *values, size_t n, int64_t limit); /* longest run of them */

#endif
