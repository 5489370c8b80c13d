/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Effective sample size; see tau.h. A series is kept as one bit a frame, so the number of pairs of
 * slow frames j apart is the population count of the bits and the bits shifted by j.
 */
#include "gate/tau.h"

#include <assert.h>
#include <stdbool.h>

#include "base/mem.h"
#include "gate/stats.h"

#define WORD 64

struct bits {
	uint64_t *words; /* one more than needed, so that a shifted read stays inside */
	size_t n;        /* frames */
	size_t over;     /* slow ones among them */
	double share;
	size_t head, tail; /* slow ones among the first, and the last, n - lag frames */
};

static bool bit(const struct bits *b, size_t i)
{
	return b->words[i / WORD] >> (i % WORD) & 1;
}

static void bits_init(struct bits *b, const struct tau_series *s, int64_t limit)
{
	b->n = s->n;
	b->over = 0;
	b->words = mem_zalloc((s->n / WORD + 2) * sizeof(*b->words));
	for (size_t i = 0; i < s->n; i++) {
		uint64_t over = s->values[i] > limit;

		b->words[i / WORD] |= over << (i % WORD);
		b->over += over;
	}
	b->share = s->n ? (double)b->over / s->n : 0;
	b->head = b->tail = b->over;
}

/* The number of i with frames i and i + lag both slow. */
static size_t pairs(const struct bits *b, size_t lag)
{
	size_t off = lag / WORD, shift = lag % WORD, n_words = b->n / WORD + 1, count = 0;

	for (size_t i = 0; i + off < n_words; i++) {
		uint64_t far = b->words[i + off] >> shift;

		if (shift)
			far |= b->words[i + off + 1] << (WORD - shift);
		count += __builtin_popcountll(b->words[i] & far);
	}
	return count;
}

/* The sum of (I_i - share)(I_i+lag - share). Lags must be asked for in order from 1, since head and
 * tail move along. */
static double covariance(struct bits *b, size_t lag)
{
	if (lag >= b->n)
		return 0;
	b->head -= bit(b, b->n - lag);
	b->tail -= bit(b, lag - 1);
	return pairs(b, lag) - b->share * (b->head + b->tail) + (b->n - lag) * b->share * b->share;
}

/* What lies behind the last summed lag; see tau.h. */
static double straight_tail(double half, double last, size_t n)
{
	double left = n - TAU_LAGS_MAX, drop = (half - last) / (TAU_LAGS_MAX / 2);

	if (drop * left > last)
		left = last / drop;
	return last * left / 2;
}

/* Sums up to the stop; `zero` is the variance times the number of frames. */
static double sum_lags(struct bits *b, int n_series, double zero, size_t longest)
{
	double tau = 1, half = 0, rho;

	for (size_t lag = 1; lag < longest; lag++) {
		rho = 0;
		for (int i = 0; i < n_series; i++)
			rho += covariance(&b[i], lag);
		rho /= zero;
		if (rho <= 0)
			break;
		tau += 2 * rho;
		if (lag >= 5 * tau)
			break;
		if (lag == TAU_LAGS_MAX / 2)
			half = rho;
		if (lag == TAU_LAGS_MAX)
			return tau + 2 * straight_tail(half, rho, longest);
	}
	return tau;
}

double tau_estimate(const struct tau_series *series, int n_series, int64_t limit)
{
	struct bits b[TAU_SERIES_MAX];
	double zero = 0, tau = 1;
	size_t longest = 0;

	assert(n_series >= 0 && n_series <= TAU_SERIES_MAX);
	for (int i = 0; i < n_series; i++) {
		bits_init(&b[i], &series[i], limit);
		zero += b[i].over * (1 - b[i].share);
		if (b[i].n > longest)
			longest = b[i].n;
	}
	assert(longest <= STATS_SAMPLES_MAX);
	if (zero > 0)
		tau = sum_lags(b, n_series, zero, longest);
	for (int i = 0; i < n_series; i++)
		mem_free(b[i].words);
	return tau;
}
