/* SPDX-License-Identifier: Apache-2.0 */
/* The effective sample size against a plain double loop, and against shapes whose tau is known. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "base/mem.h"
#include "gate/stats.h"
#include "gate/tau.h"
#include "support.h"

#define LIMIT (16 * MS)

static double tau_of(const int64_t *v, size_t n)
{
	struct tau_series s = {v, n};

	return tau_estimate(&s, 1, LIMIT);
}

/* The definition, word for word: all lags, no bits, no running sums. */
static double plain_tau(const struct tau_series *s, int n_series, int64_t limit)
{
	double tau = 1, zero = 0;

	for (size_t lag = 0;; lag++) {
		double sum = 0;

		for (int r = 0; r < n_series; r++) {
			double share =
				(double)stats_count_over(s[r].values, s[r].n, limit) / s[r].n;

			for (size_t i = 0; i + lag < s[r].n; i++)
				sum += ((s[r].values[i] > limit) - share) *
				       ((s[r].values[i + lag] > limit) - share);
		}
		if (lag == 0) {
			zero = sum;
			continue;
		}
		if (sum / zero <= 0)
			return tau;
		tau += 2 * sum / zero;
		if (lag >= 5 * tau)
			return tau;
	}
}

static void tau_is_its_definition(void **state)
{
	static const double rhos[] = {0, 0.5, 0.9, 0.97};
	static int64_t v[3][2000];
	struct tau_series s[3];
	struct dice d = {1};

	(void)state;
	for (int i = 0; i < 4; i++) {
		for (int r = 0; r < 3; r++) {
			s[r] = (struct tau_series){v[r], 500 + dice_below(&d, 1500)};
			autoregress(&d, v[r], s[r].n, rhos[i], 0);
		}
		for (int64_t limit = 10 * MS; limit <= 11.5 * MS; limit += MS / 2) {
			assert_true(
				fabs(tau_estimate(s, 1, limit) - plain_tau(s, 1, limit)) < 1e-9);
			assert_true(
				fabs(tau_estimate(s, 3, limit) - plain_tau(s, 3, limit)) < 1e-9);
		}
	}
}

static void frames_all_alike_are_worth_themselves(void **state)
{
	int64_t v[300];

	(void)state;
	fill(v, 0, 300, 10);
	assert_true(tau_of(v, 300) == 1);
	assert_true(tau_of(v, 0) == 1);
	assert_true(tau_of(v, 1) == 1);
	fill(v, 0, 300, 20);
	assert_true(tau_of(v, 300) == 1);
}

static void a_latency_of_exactly_the_limit_is_not_over(void **state)
{
	int64_t v[100];

	(void)state;
	fill(v, 0, 50, 16);
	fill(v, 50, 50, 15);
	assert_true(tau_of(v, 100) == 1);
}

static void alternating_frames_are_not_worth_more_than_themselves(void **state)
{
	int64_t v[400];

	(void)state;
	for (size_t i = 0; i < 400; i++)
		fill(v, i, 1, i % 2 ? 10 : 20);
	assert_true(tau_of(v, 400) == 1);
}

static void a_stretch_of_slow_frames_is_worth_about_one(void **state)
{
	int64_t v[1800];

	(void)state;
	fill(v, 0, 1800, 10);
	fill(v, 900, 100, 20);
	assert_true(tau_of(v, 1800) > 80 && tau_of(v, 1800) < 110);
}

/* For a step in the middle rho_j = 1 - 3j/n, so tau = 1 + 2·sum = n/3 + o(1). */
static void a_step_in_the_middle_is_a_third_of_the_block(void **state)
{
	int64_t v[1800];

	(void)state;
	fill(v, 0, 900, 10);
	fill(v, 900, 900, 20);
	assert_true(fabs(tau_of(v, 1800) - 600) < 1);
}

/* Here the lags end long before the correlation does, and the straight line takes over. */
static void a_long_step_is_a_third_of_the_block_too(void **state)
{
	size_t n = 200000;
	int64_t *v = mem_alloc(n * sizeof(*v));

	(void)state;
	fill(v, 0, n / 2, 10);
	fill(v, n / 2, n / 2, 20);
	assert_true(fabs(tau_of(v, n) / (n / 3.0) - 1) < 0.001);
	mem_free(v);
}

static void rounds_that_differ_are_not_correlated_frames(void **state)
{
	static int64_t fast[1800], slow[1800];
	const struct tau_series s[] = {{fast, 1800}, {slow, 1800}, {NULL, 0}};

	(void)state;
	fill(fast, 0, 1800, 10);
	fill(slow, 0, 1800, 20);
	assert_true(tau_estimate(s, 3, LIMIT) == 1);
}

/* A raw AR(1) has (1 + rho)/(1 - rho); the indicator of its upper half is less correlated: with
 * rho_I = 2/pi·asin(rho^j) at the median, tau = 1 + 2·sum. */
static void the_indicator_of_an_autoregression_is_known(void **state)
{
	static int64_t v[200000];
	struct tau_series s = {v, 200000};
	struct dice d = {3};
	double want = 1, got;

	(void)state;
	for (int j = 1; j < 200; j++)
		want += 2 * 2 / M_PI * asin(pow(0.9, j));
	autoregress(&d, v, s.n, 0.9, 0);
	got = tau_estimate(&s, 1, 10 * MS);
	if (fabs(got / want - 1) > 0.08)
		fail_msg("tau %.2f, by theory %.2f", got, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tau_is_its_definition),
		cmocka_unit_test(frames_all_alike_are_worth_themselves),
		cmocka_unit_test(a_latency_of_exactly_the_limit_is_not_over),
		cmocka_unit_test(alternating_frames_are_not_worth_more_than_themselves),
		cmocka_unit_test(a_stretch_of_slow_frames_is_worth_about_one),
		cmocka_unit_test(a_step_in_the_middle_is_a_third_of_the_block),
		cmocka_unit_test(a_long_step_is_a_third_of_the_block_too),
		cmocka_unit_test(rounds_that_differ_are_not_correlated_frames),
		cmocka_unit_test(the_indicator_of_an_autoregression_is_known),
	};

	return cmocka_run_group_tests_name("tau", tests, NULL, NULL);
}
