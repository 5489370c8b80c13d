/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distributions: the binomial, Student's t and chi-square, all through the regularised incomplete
 * beta and gamma functions, in logarithms, so that two million samples do not underflow. Relative
 * accuracy is about 1e-8 at that size and 1e-12 at a few thousand. Pure; any thread.
 */
#ifndef FRAMEFARM_GATE_DIST_H
#define FRAMEFARM_GATE_DIST_H

#include <stdint.h>

/* The regularised incomplete beta function I_x(a, b); a, b > 0, x within 0…1. */
double dist_beta(double a, double b, double x);

/* X is the number of successes in n independent trials of probability q. */
double dist_binom_cdf(int64_t k, int64_t n, double q);  /* P(X <= k) */
double dist_binom_tail(int64_t k, int64_t n, double q); /* P(X >= k) */

/* The largest k with P(X <= k) <= alpha, or -1: so few successes are no chance. */
int64_t dist_binom_few(int64_t n, double q, double alpha);
/* The smallest k with P(X >= k) <= alpha, or n + 1: so many successes are no chance. */
int64_t dist_binom_many(int64_t n, double q, double alpha);

/* Student's t; df > 0. The quantile is for p within 0…1, both exclusive. */
double dist_t_cdf(double t, double df);
double dist_t_quantile(double p, double df);

/* P(chi-square with df degrees of freedom > x); x >= 0, df > 0. */
double dist_chi2_tail(double x, double df);

#endif
