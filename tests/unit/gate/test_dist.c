/* SPDX-License-Identifier: Apache-2.0 */
/* The distributions against 15 digits from mpmath, and against sums made another way. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "gate/dist.h"

static void near(double got, double want, double relative)
{
	if (!(fabs(got - want) <= relative * fabs(want)))
		fail_msg("%.15g is not %.15g", got, want);
}

/* The same probability summed term by term in logarithms. */
static double summed_cdf(int64_t k, int64_t n, double q)
{
	double sum = 0;

	for (int64_t i = 0; i <= k; i++)
		sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(q) +
			   (n - i) * log1p(-q));
	return sum;
}

static void incomplete_beta_is_exact(void **state)
{
	(void)state;
	near(dist_beta(2.5, 0.5, 0.3), 0.0189271240719457, 1e-13);
	near(dist_beta(100, 200, 0.35), 0.732571464957544, 1e-12);
	near(dist_beta(1, 1, 0.25), 0.25, 1e-14);
	near(dist_beta(0.5, 0.5, 0.5), 0.5, 1e-14);
	assert_true(dist_beta(3, 4, 0) == 0 && dist_beta(3, 4, 1) == 1);
}

static void binomial_holds_from_three_hundred_to_two_million(void **state)
{
	(void)state;
	near(dist_binom_cdf(8, 300, 0.05), 0.0340658135215066, 1e-11);
	near(dist_binom_cdf(9, 300, 0.05), 0.0649696808637897, 1e-11);
	near(dist_binom_cdf(10, 1800, 0.01), 0.0297679886160769, 1e-10);
	near(dist_binom_cdf(1483, 15709, 0.1), 0.00962965695392953, 1e-9);
	near(dist_binom_cdf(19800, 2000000, 0.01), 0.0779546028344897, 1e-7);
	near(dist_binom_cdf(19500, 2000000, 0.01), 0.000183035787027431, 1e-7);
}

static void binomial_agrees_with_its_own_sum(void **state)
{
	static const double qs[] = {0.5, 0.1, 0.05, 0.01, 0.001};

	(void)state;
	for (int j = 0; j < 5; j++)
		for (int64_t n = 1; n <= 700; n = n * 3 + 1)
			for (int64_t k = 0; k < n; k += 1 + n / 7) {
				double sum = summed_cdf(k, n, qs[j]);

				near(dist_binom_cdf(k, n, qs[j]), sum, 1e-9);
				near(dist_binom_tail(k + 1, n, qs[j]) + sum, 1, 1e-9);
			}
}

static void binomial_ends_are_certain(void **state)
{
	(void)state;
	assert_true(dist_binom_cdf(-1, 10, 0.1) == 0);
	assert_true(dist_binom_cdf(10, 10, 0.1) == 1);
	assert_true(dist_binom_tail(0, 10, 0.1) == 1);
	assert_true(dist_binom_tail(11, 10, 0.1) == 0);
	near(dist_binom_tail(1, 1, 0.05), 0.05, 1e-14);
	near(dist_binom_cdf(0, 299, 0.01), pow(0.99, 299), 1e-12);
}

static void limits_are_the_last_that_hold(void **state)
{
	(void)state;
	for (int64_t n = 1; n < 3000; n = n * 2 + 1) {
		int64_t few = dist_binom_few(n, 0.05, 0.05);
		int64_t many = dist_binom_many(n, 0.05, 0.05);

		assert_true(few < 0 || dist_binom_cdf(few, n, 0.05) <= 0.05);
		assert_true(dist_binom_cdf(few + 1, n, 0.05) > 0.05);
		assert_true(many > n || dist_binom_tail(many, n, 0.05) <= 0.05);
		assert_true(dist_binom_tail(many - 1, n, 0.05) > 0.05);
	}
}

static void student_quantiles_are_those_of_the_tables(void **state)
{
	(void)state;
	near(dist_t_quantile(0.95, 2), 2.91998558035372, 1e-12);
	near(dist_t_quantile(0.99, 9), 2.82143792502581, 1e-12);
	near(dist_t_quantile(0.95, 1), 6.31375151467504, 1e-12);
	near(dist_t_quantile(0.975, 4), 2.77644510519779, 1e-12);
	near(dist_t_quantile(0.999, 3), 10.2145318524074, 1e-12);
	near(dist_t_quantile(0.05, 2), -2.91998558035372, 1e-12);
	near(dist_t_cdf(dist_t_quantile(0.9, 7), 7), 0.9, 1e-13);
	near(dist_t_cdf(0, 5), 0.5, 1e-14);
}

static void chi_square_tails_are_those_of_the_tables(void **state)
{
	(void)state;
	near(dist_chi2_tail(6.634896601, 1), 0.0100000000001191, 1e-10);
	near(dist_chi2_tail(9.2103404, 2), 0.00999999985988092, 1e-12);
	near(dist_chi2_tail(18.47530691, 7), 0.00999999998702337, 1e-12);
	near(dist_chi2_tail(0.5, 2), 0.778800783071405, 1e-13);
	near(dist_chi2_tail(40, 2), 2.06115362243856e-9, 1e-11);
	assert_true(dist_chi2_tail(0, 3) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(incomplete_beta_is_exact),
		cmocka_unit_test(binomial_holds_from_three_hundred_to_two_million),
		cmocka_unit_test(binomial_agrees_with_its_own_sum),
		cmocka_unit_test(binomial_ends_are_certain),
		cmocka_unit_test(limits_are_the_last_that_hold),
		cmocka_unit_test(student_quantiles_are_those_of_the_tables),
		cmocka_unit_test(chi_square_tails_are_those_of_the_tables),
	};

	return cmocka_run_group_tests_name("dist", tests, NULL, NULL);
}
