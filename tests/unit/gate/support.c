/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies for the gate's tests; see support.h. */
#include "support.h"

#include <math.h>

/* splitmix64 */
static uint64_t next(struct dice *d)
{
	uint64_t z = d->s += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

double dice_uniform(struct dice *d)
{
	return ((next(d) >> 11) + 0.5) / 9007199254740992.0;
}

double dice_normal(struct dice *d)
{
	double r = sqrt(-2 * log(dice_uniform(d)));

	return r * cos(2 * M_PI * dice_uniform(d));
}

size_t dice_below(struct dice *d, size_t n)
{
	return next(d) % n;
}

void fill(int64_t *values, size_t from, size_t n, double ms)
{
	for (size_t i = from; i < from + n; i++)
		values[i] = llround(ms * MS);
}

void scatter(int64_t *values, size_t n, size_t slow, double slow_ms)
{
	fill(values, 0, n, 10);
	for (size_t i = 0; i < slow; i++)
		fill(values, (2 * i + 1) * n / (2 * slow), 1, slow_ms);
}

void autoregress(struct dice *d, int64_t *values, size_t n, double rho, double offset)
{
	double x = dice_normal(d);

	for (size_t i = 0; i < n; i++) {
		values[i] = llround((10 + x + offset) * MS);
		x = rho * x + sqrt(1 - rho * rho) * dice_normal(d);
	}
}
