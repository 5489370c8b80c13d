/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded inputs; see fill.h. */
#include "fill.h"

#include <math.h>

#define DRAWS      12
#define DRAWS_MEAN 393210.0 /* 12 × 65535 / 2 */

static uint64_t splitmix64(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

void fill_seed(struct fill *g, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		g->s[i] = splitmix64(&seed);
}

uint64_t fill_next(struct fill *g)
{
	uint64_t *s = g->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

double fill_unit(struct fill *g)
{
	return (double)(fill_next(g) >> 11) * 0x1p-53;
}

double fill_normal(struct fill *g)
{
	uint64_t v = 0;
	int64_t sum = 0;

	for (int i = 0; i < DRAWS; i++) {
		v = i % 4 ? v >> 16 : fill_next(g);
		sum += (int64_t)(v & 0xffff);
	}
	return ((double)sum - DRAWS_MEAN) * 0x1p-16;
}

void fill_tensor_uniform(struct tensor *t, uint64_t seed, double low, double high)
{
	bool whole = !tensor_type_is_float(t->type);
	struct fill g;
	double v;

	fill_seed(&g, seed);
	for (uint64_t i = 0; i < t->count; i++) {
		v = low + fill_unit(&g) * (high - low);
		tensor_set(t, i, whole ? floor(v) : v);
	}
}

void fill_tensor_normal(struct tensor *t, uint64_t seed)
{
	struct fill g;
	double v;

	fill_seed(&g, seed);
	for (uint64_t i = 0; i < t->count; i++) {
		v = fill_normal(&g);
		tensor_set(t, i, t->type == TENSOR_BOOL ? v > 0 : v);
	}
}
