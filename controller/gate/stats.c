/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptive statistics; see stats.h. */
#include "gate/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gate/dist.h"

/* p·n of decimal fractions misses whole numbers by some 1e-10 at most (0.07 · 100 is a little over
 * 7), so that much is forgiven before rounding up. */
#define RANK_SLACK 1e-6

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

void stats_sort(int64_t *values, size_t n)
{
	if (n > 1)
		qsort(values, n, sizeof(*values), by_value);
}

int64_t *stats_sorted(const int64_t *values, size_t n)
{
	int64_t *copy;

	assert(n <= STATS_SAMPLES_MAX);
	copy = mem_try(n * sizeof(*copy));
	if (!copy)
		return NULL;
	if (n)
		memcpy(copy, values, n * sizeof(*copy));
	stats_sort(copy, n);
	return copy;
}

int64_t stats_rank(int64_t n, double p)
{
	int64_t rank = (int64_t)ceil(p * n - RANK_SLACK);

	assert(n >= 1);
	if (rank < 1)
		return 1;
	return rank > n ? n : rank;
}

int64_t stats_percentile(const int64_t *sorted, size_t n, double p)
{
	return sorted[stats_rank(n, p) - 1];
}

int64_t stats_percentile_min_n(double p)
{
	if (p <= 0.5)
		return 1;
	return (int64_t)ceil(1 / (1 - p) - RANK_SLACK);
}

/* In terms of the n - rank values behind it, a bound on a percentile is a limit on their number. */
void stats_order_ranks(int64_t n, double p, double alpha, int64_t *ret_lower, int64_t *ret_upper)
{
	*ret_lower = n + 1 - dist_binom_many(n, 1 - p, alpha);
	*ret_upper = n - dist_binom_few(n, 1 - p, alpha);
}

bool stats_early_stop(
	const int64_t *sorted, size_t n, double p, double confidence, int64_t *ret_value)
{
	int64_t t = dist_binom_few(n, 1 - p, 1 - confidence);

	if (t < 1)
		return false;
	*ret_value = sorted[n - t];
	return true;
}

double stats_mean(const int64_t *values, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	return n ? sum / n : 0;
}

double stats_sd(const int64_t *values, size_t n, double mean)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (values[i] - mean) * (values[i] - mean);
	return n > 1 ? sqrt(sum / (n - 1)) : 0;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double stats_median(const double *values, size_t n)
{
	double *copy = mem_alloc(n * sizeof(*copy)), median;

	assert(n >= 1 && n <= STATS_SAMPLES_MAX);
	memcpy(copy, values, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_number);
	median = n % 2 ? copy[n / 2] : (copy[n / 2 - 1] + copy[n / 2]) / 2;
	mem_free(copy);
	return median;
}

size_t stats_count_over(const int64_t *values, size_t n, int64_t limit)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += values[i] > limit;
	return count;
}

size_t stats_streak_over(const int64_t *values, size_t n, int64_t limit)
{
	size_t longest = 0, run = 0;

	for (size_t i = 0; i < n; i++) {
		run = values[i] > limit ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	return longest;
}
