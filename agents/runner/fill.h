/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded inputs. The generator is xoshiro256** (Blackman and Vigna, 2018), its state filled by
 * splitmix64 from the seed, as its authors advise. Every step is integer arithmetic or exact in a
 * double, so the same seed gives the same bytes on every ABI and C library:
 *	uniform  low + u × (high - low), u the upper 53 bits / 2^53; for integers and bool the floor
 *	         of it, so that [0, 2000) gives 0…1999
 *	normal   mean 0, deviation 1: the sum of twelve 16-bit draws (of three numbers), less its mean
 *	         of 393210, over 65536; |x| < 6. For integers it is rounded to nearest, a bool is x > 0.
 * Pure; any thread.
 */
#ifndef FRAMEFARM_RUNNER_FILL_H
#define FRAMEFARM_RUNNER_FILL_H

#include "tensor.h"

struct fill {
	uint64_t s[4];
};

void fill_seed(struct fill *g, uint64_t seed);
uint64_t fill_next(struct fill *g);
double fill_unit(struct fill *g); /* [0, 1) */
double fill_normal(struct fill *g);

void fill_tensor_uniform(struct tensor *t, uint64_t seed, double low, double high);
void fill_tensor_normal(struct tensor *t, uint64_t seed);

#endif
