/* SPDX-License-Identifier: Apache-2.0 */
/* Percentiles, their bounds and their least counts, against numbers that others published. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "base/mem.h"
#include "gate/stats.h"

/* 1, 2, …, n. */
static int64_t *count_to(size_t n)
{
	int64_t *v = mem_alloc(n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = i + 1;
	return v;
}

static int64_t percentile_to(size_t n, double p)
{
	int64_t *v = count_to(n), x = stats_percentile(v, n, p);

	mem_free(v);
	return x;
}

/* flutter/flutter, packages/flutter_driver/test/src/real_tests/timeline_summary_test.dart
 * (BSD-3-Clause): percentiles of 1..n, and frames of 17, 9 and 19 ms against 16. */
static void nearest_rank_gives_flutters_percentiles(void **state)
{
	(void)state;
	assert_int_equal(percentile_to(5, 0.9), 5);
	assert_int_equal(percentile_to(10, 0.9), 9);
	assert_int_equal(percentile_to(20, 0.9), 18);
	assert_int_equal(percentile_to(100, 0.99), 99);
}

static void flutters_frames_miss_the_budget_twice(void **state)
{
	static const int64_t frames[] = {17000000, 9000000, 19000000};
	int64_t *sorted = stats_sorted(frames, 3);

	(void)state;
	assert_int_equal(stats_count_over(frames, 3, 16000000), 2);
	assert_int_equal(stats_percentile(sorted, 3, 0.9), 19000000);
	mem_free(sorted);
}

static void the_budget_itself_is_within_it(void **state)
{
	static const int64_t frames[] = {16000000, 16000001, 15999999};

	(void)state;
	assert_int_equal(stats_count_over(frames, 3, 16000000), 1);
}

static void ranks_round_up_but_not_from_binary_dust(void **state)
{
	(void)state;
	assert_int_equal(stats_rank(100, 0.07), 7); /* 0.07 * 100 is 7.000000000000001 */
	assert_int_equal(stats_rank(100, 0.29), 29);
	assert_int_equal(stats_rank(3, 0.5), 2);
	assert_int_equal(stats_rank(4, 0.5), 2);
	assert_int_equal(stats_rank(1, 0.99), 1);
	assert_int_equal(stats_rank(101, 0.99), 100);
	assert_int_equal(stats_rank(1000000, 0.999), 999000);
}

static void a_percentile_is_published_once_it_is_not_the_maximum(void **state)
{
	static const double ps[] = {0.9, 0.95, 0.99, 0.999};
	static const int64_t least[] = {10, 20, 100, 1000};

	(void)state;
	assert_int_equal(stats_percentile_min_n(0.5), 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(stats_percentile_min_n(ps[i]), least[i]);
		assert_int_equal(stats_rank(least[i], ps[i]), least[i] - 1);
		assert_int_equal(stats_rank(least[i] - 1, ps[i]), least[i] - 1);
	}
}

/* airspeed-velocity/asv, test/test_statistics.py, test_quantile_ci_r (BSD-3-Clause): 80 %
 * confidence intervals of three quantiles from R's asht::quantileTest, in nanounits here. */
static void order_statistics_are_those_of_r(void **state)
{
	static const int64_t x[] = {-2479466140, -1495959630, -1028124820, -765923230, -94527430,
		107327430, 277983420, 501737790, 578298230, 604749480, 946956750, 1201597890};
	static const struct {
		double p;
		int64_t lower, upper;
		double ci[2];
	} cases[] = {
		{0.2, 1, 5, {-2.47946614, -0.09452743}},
		{0.5, 4, 9, {-0.7659232, 0.5782982}},
		{0.8, 8, 12, {0.5017378, 1.2015979}},
	};
	int64_t lower, upper;

	(void)state;
	for (int i = 0; i < 3; i++) {
		stats_order_ranks(12, cases[i].p, 0.1, &lower, &upper);
		assert_int_equal(lower, cases[i].lower);
		assert_int_equal(upper, cases[i].upper);
		assert_true(fabs(x[lower - 1] / 1e9 - cases[i].ci[0]) < 1e-4);
		assert_true(fabs(x[upper - 1] / 1e9 - cases[i].ci[1]) < 1e-4);
	}
}

static void small_samples_have_no_bounds(void **state)
{
	int64_t lower, upper;

	(void)state;
	for (int64_t n = 1; n < 7; n++) { /* asv, test_quantile_ci_small */
		stats_order_ranks(n, 0.5, 0.005, &lower, &upper);
		assert_int_equal(lower, 0);
		assert_int_equal(upper, n + 1);
	}
}

/* mlcommons/inference: MultiStream.min_query_count of mlperf.conf is 662, and a published log says
 * "Processed 15709 queries … would discard 1482". */
static void early_stopping_needs_loadgens_counts(void **state)
{
	static const double ps[] = {0.9, 0.95, 0.99, 0.999};
	static const size_t least[] = {64, 130, 662, 6636};
	int64_t *v = count_to(7000), estimate = -1;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_false(stats_early_stop(v, least[i] - 1, ps[i], 0.99, &estimate));
		assert_int_equal(estimate, -1);
		assert_true(stats_early_stop(v, least[i], ps[i], 0.99, &estimate));
		assert_int_equal(estimate, least[i]); /* with one slow query it is the maximum */
		estimate = -1;
	}
	mem_free(v);
}

static void early_stopping_discards_what_loadgen_discards(void **state)
{
	int64_t *v = count_to(15709), estimate;

	(void)state;
	assert_true(stats_early_stop(v, 15709, 0.9, 0.99, &estimate));
	assert_int_equal(15709 - estimate, 1482);
	mem_free(v);
}

static void moments_and_medians(void **state)
{
	static const int64_t v[] = {2, 4, 4, 4, 5, 5, 7, 9};
	static const double odd[] = {310, 290, 1200}, even[] = {4, 1, 3, 2};

	(void)state;
	assert_true(stats_mean(v, 8) == 5);
	assert_true(fabs(stats_sd(v, 8, 5) - sqrt(32.0 / 7)) < 1e-12);
	assert_true(stats_sd(v, 1, 2) == 0);
	assert_true(stats_median(odd, 3) == 310);
	assert_true(stats_median(even, 4) == 2.5);
}

static void streaks_are_the_longest_run(void **state)
{
	static const int64_t v[] = {9, 17, 18, 9, 17, 17, 17, 16, 20};

	(void)state;
	assert_int_equal(stats_streak_over(v, 9, 16), 3);
	assert_int_equal(stats_streak_over(v, 9, 20), 0);
	assert_int_equal(stats_streak_over(v, 0, 16), 0);
	assert_int_equal(stats_streak_over(v, 9, 0), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_rank_gives_flutters_percentiles),
		cmocka_unit_test(flutters_frames_miss_the_budget_twice),
		cmocka_unit_test(the_budget_itself_is_within_it),
		cmocka_unit_test(ranks_round_up_but_not_from_binary_dust),
		cmocka_unit_test(a_percentile_is_published_once_it_is_not_the_maximum),
		cmocka_unit_test(order_statistics_are_those_of_r),
		cmocka_unit_test(small_samples_have_no_bounds),
		cmocka_unit_test(early_stopping_needs_loadgens_counts),
		cmocka_unit_test(early_stopping_discards_what_loadgen_discards),
		cmocka_unit_test(moments_and_medians),
		cmocka_unit_test(streaks_are_the_longest_run),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
