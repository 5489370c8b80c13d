/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distributions; see dist.h. Both continued fractions are evaluated by Lentz's method (Numerical
 * Recipes, 3rd edition, 6.2 and 6.4); each needs about the square root of its larger parameter in
 * steps. Logarithms of the gamma function come from lgamma_r(), since lgamma() writes the global
 * signgam.
 */
#include "gate/dist.h"

#include <assert.h>
#include <math.h>

#define EPSILON   1e-15
#define TINY      1e-300
#define STEPS_MAX 20000 /* enough for parameters of a hundred million */

static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

static double not_zero(double x)
{
	return fabs(x) < TINY ? TINY : x;
}

/* The continued fraction of I_x(a, b), which converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), h = d;

	for (int m = 1; m <= STEPS_MAX; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

		d = 1 / not_zero(1 + even * d);
		c = not_zero(1 + even / c);
		h *= d * c;
		d = 1 / not_zero(1 + odd * d);
		c = not_zero(1 + odd / c);
		h *= d * c;
		if (fabs(d * c - 1) < EPSILON)
			break;
	}
	return h;
}

double dist_beta(double a, double b, double x)
{
	double front;

	assert(a > 0 && b > 0);
	if (!(x > 0))
		return 0;
	if (x >= 1)
		return 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double dist_binom_cdf(int64_t k, int64_t n, double q)
{
	if (k < 0)
		return 0;
	if (k >= n)
		return 1;
	return dist_beta(n - k, k + 1.0, 1 - q);
}

double dist_binom_tail(int64_t k, int64_t n, double q)
{
	if (k <= 0)
		return 1;
	if (k > n)
		return 0;
	return dist_beta(k, n - k + 1.0, q);
}

int64_t dist_binom_few(int64_t n, double q, double alpha)
{
	int64_t low = -1, high = n; /* P(X <= low) <= alpha < P(X <= high) */

	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;

		if (dist_binom_cdf(mid, n, q) <= alpha)
			low = mid;
		else
			high = mid;
	}
	return low;
}

int64_t dist_binom_many(int64_t n, double q, double alpha)
{
	int64_t low = 0, high = n + 1; /* P(X >= low) > alpha >= P(X >= high) */

	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;

		if (dist_binom_tail(mid, n, q) <= alpha)
			high = mid;
		else
			low = mid;
	}
	return high;
}

double dist_t_cdf(double t, double df)
{
	double tail = 0.5 * dist_beta(df / 2, 0.5, df / (df + t * t));

	return t > 0 ? 1 - tail : tail;
}

/* Bisection: sixty halvings of a bracket that was doubled until it holds the quantile. */
double dist_t_quantile(double p, double df)
{
	double low = 0, high = 1, upper = p < 0.5 ? 1 - p : p;

	assert(p > 0 && p < 1);
	while (dist_t_cdf(high, df) < upper && high < 1e300)
		high *= 2;
	for (int i = 0; i < 60; i++) {
		double mid = (low + high) / 2;

		if (dist_t_cdf(mid, df) < upper)
			low = mid;
		else
			high = mid;
	}
	return p < 0.5 ? -high : high;
}

/* The lower regularised incomplete gamma function by its series, for x < a + 1. */
static double gamma_series(double a, double x)
{
	double term = 1 / a, sum = term;

	for (int i = 1; i <= STEPS_MAX && term > sum * EPSILON; i++) {
		term *= x / (a + i);
		sum += term;
	}
	return sum;
}

/* The upper one by its continued fraction, for x >= a + 1. */
static double gamma_fraction(double a, double x)
{
	double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;

	for (int i = 1; i <= STEPS_MAX; i++) {
		double an = -i * (i - a);

		b += 2;
		d = 1 / not_zero(an * d + b);
		c = not_zero(b + an / c);
		h *= d * c;
		if (fabs(d * c - 1) < EPSILON)
			break;
	}
	return h;
}

double dist_chi2_tail(double x, double df)
{
	double a = df / 2, half = x / 2, front;

	assert(df > 0);
	if (!(half > 0))
		return 1;
	front = exp(a * log(half) - half - log_gamma(a));
	return half < a + 1 ? 1 - front * gamma_series(a, half) : front * gamma_fraction(a, half);
}
