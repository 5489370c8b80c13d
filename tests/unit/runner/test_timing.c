/* SPDX-License-Identifier: Apache-2.0 */
/* When the next release is, and when a model is warm. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "runner/pace.h"
#include "runner/warmup.h"

#define MS INT64_C(1000000)

static void next(int64_t now_ms, int64_t k, int64_t want_k, uint32_t want_skipped)
{
	uint32_t skipped = 99;

	assert_int_equal(pace_next(1000 * MS, 16 * MS, k, now_ms * MS, &skipped), want_k);
	assert_int_equal(skipped, want_skipped);
}

static void releases_stand_whatever_happened_before(void **state)
{
	(void)state;
	assert_int_equal(pace_release(1000 * MS, 16 * MS, 0), 1000 * MS);
	assert_int_equal(pace_release(1000 * MS, 16 * MS, 3), 1048 * MS);
	next(1005, 0, 1, 0); /* done in 5 ms: the next one */
	next(1016, 0, 1, 0); /* done as the next is due: that one, at once */
	next(1017, 0, 2, 1); /* 1 ms late: that one is skipped */
	next(1032, 0, 2, 1);
	next(1033, 0, 3, 2);
	next(1100, 2, 7, 4); /* release 2 was 1032; 1048, 1064, 1080 and 1096 are past */
	next(900, 5, 6, 0);  /* a clock that stands is no reason to hurry */
}

static void a_release_is_never_run_twice_nor_counted_twice(void **state)
{
	int64_t now_ns = 0, k = 0, runs = 1, skipped = 0, next_k;
	uint32_t s;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		now_ns = pace_release(7, 16667, k) + (i * 7919) % 60000;
		next_k = pace_next(7, 16667, k, now_ns, &s);
		assert_true(next_k > k);
		assert_true(pace_release(7, 16667, next_k) >= now_ns);
		assert_true(pace_release(7, 16667, next_k - 1) < now_ns || next_k == k + 1);
		k = next_k;
		runs++;
		skipped += s;
	}
	assert_int_equal(runs + skipped, k + 1);
}

/* Feeds durations in ms until the warm-up has enough, at most n; returns the number of runs. */
static uint32_t feed(struct warmup *w, int64_t (*ms)(uint32_t i), uint32_t n)
{
	int64_t now_ns = 0;
	uint32_t i = 0;

	while (i < n && warmup_more(w, now_ns)) {
		now_ns += ms(i) * MS;
		warmup_add(w, ms(i) * MS);
		i++;
	}
	return i;
}

static int64_t steady(uint32_t i)
{
	return i == 0 ? 500 : 100 + i % 2;
}

static int64_t settling(uint32_t i)
{
	return i < 40 ? 200 - i * 2 : 120;
}

static int64_t restless(uint32_t i)
{
	return 100 + i / 10 * 50;
}

static int64_t quick(uint32_t i)
{
	(void)i;
	return 1;
}

static void a_steady_model_is_warm_after_the_minimum(void **state)
{
	struct warmup w;

	(void)state;
	warmup_init(&w, 5, 0, 30000, 0);
	assert_int_equal(feed(&w, steady, 1000), 20); /* two windows */
	assert_true(w.stable);
	assert_int_equal(w.median_ns, 100 * MS);
	warmup_init(&w, 50, 0, 30000, 0);
	assert_int_equal(feed(&w, steady, 1000), 50);
	warmup_init(&w, 5, 2000, 30000, 0);
	assert_int_equal(feed(&w, quick, 10000), 2000);
}

static void a_settling_model_is_warm_when_two_medians_agree(void **state)
{
	struct warmup w;

	(void)state;
	warmup_init(&w, 20, 0, 30000, 0);
	/* medians 192, 172, 152, 132, 120, 120: the last two are the first within 3 % */
	assert_int_equal(feed(&w, settling, 1000), 60);
	assert_true(w.stable);
}

static void a_restless_model_is_given_up_at_the_maximum(void **state)
{
	struct warmup w;

	(void)state;
	warmup_init(&w, 20, 0, 10000, 0);
	assert_in_range(feed(&w, restless, 1000), 40, 70);
	assert_false(w.stable);
	warmup_init(&w, 20, 1000, 0, 0);
	assert_int_equal(feed(&w, steady, 1000), 0); /* no time, no run */
}

static void a_clock_that_stands_does_not_keep_it_for_good(void **state)
{
	struct warmup w;

	(void)state;
	warmup_init(&w, 20, 2000, 30000, 77);
	for (uint32_t i = 0; i < WARMUP_STILL; i++) {
		assert_true(warmup_more(&w, 77));
		warmup_add(&w, 0);
	}
	assert_false(warmup_more(&w, 77));
}

static void three_percent_is_the_limit_and_not_within(void **state)
{
	struct warmup w;

	(void)state;
	warmup_init(&w, 0, 0, 30000, 0);
	for (int i = 0; i < 20; i++)
		warmup_add(&w, i < 10 ? 100000 : 103000);
	assert_false(w.stable);
	warmup_init(&w, 0, 0, 30000, 0);
	for (int i = 0; i < 20; i++)
		warmup_add(&w, i < 10 ? 100000 : 102999);
	assert_true(w.stable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(releases_stand_whatever_happened_before),
		cmocka_unit_test(a_release_is_never_run_twice_nor_counted_twice),
		cmocka_unit_test(a_steady_model_is_warm_after_the_minimum),
		cmocka_unit_test(a_settling_model_is_warm_when_two_medians_agree),
		cmocka_unit_test(a_restless_model_is_given_up_at_the_maximum),
		cmocka_unit_test(a_clock_that_stands_does_not_keep_it_for_good),
		cmocka_unit_test(three_percent_is_the_limit_and_not_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
