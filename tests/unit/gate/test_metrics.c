/* SPDX-License-Identifier: Apache-2.0 */
/* The published metrics, on blocks whose metrics can be worked out by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gate/metrics.h"
#include "gate/stats.h"
#include "support.h"

#define S 1000000000LL

static struct metrics_block block_of(const int64_t *v, size_t n, int64_t budget_ns)
{
	struct metrics_block m;

	assert_int_equal(metrics_block(v, n, budget_ns, &m, NULL), 0);
	return m;
}

static void near(double got, double want)
{
	if (!(fabs(got - want) <= 1e-9 * fabs(want)))
		fail_msg("%.12g is not %.12g", got, want);
}

static void a_block_of_a_hundred(void **state)
{
	int64_t v[100];
	struct metrics_block m;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		fill(v, i, 1, 1 + (i * 37) % 100); /* 1…100 ms, shuffled */
	m = block_of(v, 100, 90 * MS);
	assert_int_equal(m.n, 100);
	near(m.p50_ms, 50);
	near(m.p90_ms, 90);
	near(m.p99_ms, 99);
	near(m.min_ms, 1);
	near(m.max_ms, 100);
	near(m.mean_ms, 50.5);
	near(m.sd_ms, sqrt(100 * 101 / 12.0));
	near(m.cv, m.sd_ms / 50.5);
	near(m.jitter, 99.0 / 50);
	assert_int_equal(m.over, 10);
	near(m.over_percent, 10);
	assert_true(isnan(m.p99_es_ms));
}

static void percentiles_are_null_below_their_counts(void **state)
{
	int64_t v[100];

	(void)state;
	fill(v, 0, 100, 5);
	assert_true(isnan(block_of(v, 0, 16 * MS).p50_ms));
	assert_true(isnan(block_of(v, 0, 16 * MS).mean_ms));
	near(block_of(v, 1, 16 * MS).p50_ms, 5);
	assert_true(isnan(block_of(v, 1, 16 * MS).sd_ms));
	assert_true(isnan(block_of(v, 9, 16 * MS).p90_ms));
	near(block_of(v, 10, 16 * MS).p90_ms, 5);
	assert_true(isnan(block_of(v, 99, 16 * MS).p99_ms));
	assert_true(isnan(block_of(v, 99, 16 * MS).jitter));
	near(block_of(v, 100, 16 * MS).p99_ms, 5);
}

static void the_early_stopping_estimate_comes_at_662(void **state)
{
	int64_t v[662];

	(void)state;
	for (size_t i = 0; i < 662; i++)
		fill(v, i, 1, i + 1);
	assert_true(isnan(block_of(v, 661, 0).p99_es_ms));
	near(block_of(v, 662, 0).p99_es_ms, 662);
	near(block_of(v, 662, 0).p99_ms, 656); /* the estimate is the cautious one */
}

static void over_budget_counts_and_streaks(void **state)
{
	int64_t v[20];
	struct metrics_block m;

	(void)state;
	fill(v, 0, 20, 16);
	fill(v, 4, 3, 16.000001);
	fill(v, 10, 5, 17);
	m = block_of(v, 20, 16 * MS);
	assert_int_equal(m.over, 8);
	assert_int_equal(m.over_streak, 5);
	near(m.over_percent, 40);
	m = block_of(v, 20, 0);
	assert_int_equal(m.over, 0);
	assert_true(isnan(m.over_percent));
}

static void too_many_iterations_are_refused(void **state)
{
	int64_t v[1] = {0};
	struct metrics_block m;
	struct metrics_sustained s;

	(void)state;
	assert_int_equal(metrics_block(v, STATS_SAMPLES_MAX + 1, 0, &m, NULL), ERR_TOOBIG);
	assert_int_equal(metrics_sustained(v, v, STATS_SAMPLES_MAX + 1, &s, NULL), ERR_TOOBIG);
}

/* ---- the sustained block ---- */

struct curve {
	int64_t *start_ns, *latency_ns;
	size_t n;
};

/* Ten frames a second for `seconds`, of base_ms, and from at_s on of late_ms. */
static struct curve curve_of(int seconds, double base_ms, int at_s, double late_ms)
{
	struct curve c = {.n = 10 * seconds};

	c.start_ns = mem_alloc(c.n * sizeof(int64_t));
	c.latency_ns = mem_alloc(c.n * sizeof(int64_t));
	for (size_t i = 0; i < c.n; i++) {
		c.start_ns[i] = i * S / 10;
		fill(c.latency_ns, i, 1, c.start_ns[i] >= at_s * S ? late_ms : base_ms);
	}
	return c;
}

static struct metrics_sustained judge_curve(struct curve *c)
{
	struct metrics_sustained m;

	assert_int_equal(metrics_sustained(c->start_ns, c->latency_ns, c->n, &m, NULL), 0);
	mem_free(c->start_ns);
	mem_free(c->latency_ns);
	return m;
}

static void a_cool_phone_retains_all(void **state)
{
	struct curve c = curve_of(600, 10, 700, 0);
	struct metrics_sustained m = judge_curve(&c);

	(void)state;
	near(m.retention_percent, 100);
	near(m.p50_ms, 10);
	near(m.p90_ms, 10);
	assert_true(isnan(m.throttle_s));
	assert_true(m.duration_s > 599.8 && m.duration_s < 600);
}

static void a_phone_that_halves_its_clock_at_200_s(void **state)
{
	struct curve c = curve_of(600, 10, 200, 20);
	struct metrics_sustained m = judge_curve(&c);

	(void)state;
	near(m.retention_percent, 50);
	near(m.p50_ms, 20);
	/* More than half of the last 15 s must be slow: that is so from 207.5 s on. */
	assert_true(m.throttle_s > 207 && m.throttle_s < 208);
}

static void ten_percent_slower_is_not_throttled(void **state)
{
	struct curve exact = curve_of(600, 10, 200, 11), more = curve_of(600, 10, 200, 11.01);

	(void)state;
	assert_true(isnan(judge_curve(&exact).throttle_s));
	assert_false(isnan(judge_curve(&more).throttle_s));
}

/* A dip holds the rolling median up for as long as it lasts itself. */
static void a_short_dip_is_not_throttled(void **state)
{
	static const int dip_s[] = {14, 16};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct curve c = curve_of(600, 10, 700, 0);

		fill(c.latency_ns, 2000, 10 * dip_s[i], 20);
		assert_int_equal(isnan(judge_curve(&c).throttle_s), i == 0);
	}
}

static void throttling_must_be_held_to_the_end_of_the_block(void **state)
{
	struct curve short_of = curve_of(220, 10, 200, 20), enough = curve_of(224, 10, 200, 20);

	(void)state;
	assert_true(isnan(judge_curve(&short_of).throttle_s));
	assert_false(isnan(judge_curve(&enough).throttle_s));
}

static void a_short_block_has_no_retention(void **state)
{
	struct curve c = curve_of(300, 10, 200, 20);
	struct metrics_sustained m = judge_curve(&c);

	(void)state;
	assert_true(isnan(m.retention_percent) && isnan(m.p50_ms));
	assert_false(isnan(m.throttle_s));
	assert_true(m.duration_s > 299 && m.duration_s < 301);
}

static void the_rolling_median_is_the_plain_one(void **state)
{
	struct curve c = curve_of(300, 10, 100, 12);
	struct dice d = {5};
	double want = NAN, since = -1;

	(void)state;
	for (size_t i = 0; i < c.n; i++)
		c.latency_ns[i] += llround(dice_normal(&d) * 3 * MS / 2);
	for (size_t i = 150; i < c.n && isnan(want); i++) {
		int64_t *w = stats_sorted(c.latency_ns + i - 149, 150);
		int64_t *base = stats_sorted(c.latency_ns, 100);
		double limit = 1.10 * stats_percentile(base, 100, 0.5);
		bool over = stats_percentile(w, 150, 0.5) > limit;

		since = !over ? -1 : since < 0 ? i / 10.0 : since;
		if (since >= 0 && i / 10.0 - since >= 15)
			want = since;
		mem_free(w);
		mem_free(base);
	}
	assert_false(isnan(want));
	near(judge_curve(&c).throttle_s, want);
}

static void times_that_no_clock_gives_are_refused(void **state)
{
	static const int64_t back[] = {10, 5}, negative[] = {-1, 2}, far[] = {0, INT64_MAX};
	static const int64_t ok[] = {1, 2};
	struct metrics_sustained m;
	struct err e = {0};

	(void)state;
	assert_int_equal(metrics_sustained(back, ok, 2, &m, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.text, "iteration 1"));
	assert_int_equal(metrics_sustained(negative, ok, 2, &m, NULL), ERR_CORRUPT);
	assert_int_equal(metrics_sustained(ok, negative, 2, &m, NULL), ERR_CORRUPT);
	assert_int_equal(metrics_sustained(ok, far, 2, &m, NULL), ERR_CORRUPT);
	assert_int_equal(metrics_sustained(ok, ok, 0, &m, NULL), 0);
	assert_true(isnan(m.retention_percent) && isnan(m.throttle_s) && m.duration_s == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_of_a_hundred),
		cmocka_unit_test(percentiles_are_null_below_their_counts),
		cmocka_unit_test(the_early_stopping_estimate_comes_at_662),
		cmocka_unit_test(over_budget_counts_and_streaks),
		cmocka_unit_test(too_many_iterations_are_refused),
		cmocka_unit_test(a_cool_phone_retains_all),
		cmocka_unit_test(a_phone_that_halves_its_clock_at_200_s),
		cmocka_unit_test(ten_percent_slower_is_not_throttled),
		cmocka_unit_test(a_short_dip_is_not_throttled),
		cmocka_unit_test(throttling_must_be_held_to_the_end_of_the_block),
		cmocka_unit_test(a_short_block_has_no_retention),
		cmocka_unit_test(the_rolling_median_is_the_plain_one),
		cmocka_unit_test(times_that_no_clock_gives_are_refused),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
