/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies for the gate's tests: a seeded generator, and series of known shape. */
#ifndef FRAMEFARM_TESTS_GATE_SUPPORT_H
#define FRAMEFARM_TESTS_GATE_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#define MS 1000000LL

struct dice {
	uint64_t s;
};

double dice_uniform(struct dice *d); /* 0…1, both exclusive */
double dice_normal(struct dice *d);
size_t dice_below(struct dice *d, size_t n);

/* values[from…from+n) = ms. */
void fill(int64_t *values, size_t from, size_t n, double ms);
/* A copy of n fast frames of 10 ms of which the given number, spread evenly, take slow_ms. */
void scatter(int64_t *values, size_t n, size_t slow, double slow_ms);
/* n frames of 10 ms ± 1 ms whose deviations are an AR(1) process with the given rho; in units of
 * their deviation, `offset` is added to all. */
void autoregress(struct dice *d, int64_t *values, size_t n, double rho, double offset);

#endif
