/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to judge 200 000 iterations: the budget gate on the three kinds of block that cost
 * it most, and the published metrics. Prints the least of five repeats in ms; exits 1 when any is
 * over 100 ms.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "gate/budget.h"
#include "gate/metrics.h"

#define N       200000
#define REPEATS 5
#define MS      1000000LL
#define MOST_MS 100.0

struct block {
	int64_t latency_ns[N], start_ns[N];
};

static uint64_t seed = 1;

static uint64_t next(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 33;
}

/* One frame in ten is slow, at random. */
static void at_random(struct block *b)
{
	for (size_t i = 0; i < N; i++)
		b->latency_ns[i] = next() % 10 ? 10 * MS + next() % MS : 20 * MS;
}

/* Slow from half-way on: the correlation never dies out, so every lag is summed. */
static void from_half_way_on(struct block *b)
{
	for (size_t i = 0; i < N; i++)
		b->latency_ns[i] = i < N / 2 ? 10 * MS : 20 * MS + next() % MS;
}

/* The same behind noise, so that the bits are not all alike. */
static void half_and_noise(struct block *b)
{
	for (size_t i = 0; i < N; i++)
		b->latency_ns[i] = next() % 100 < (i < N / 2 ? 2 : 60) ? 20 * MS : 10 * MS;
}

static void judge(struct block *b)
{
	struct budget_round round = {b->latency_ns, N, 0};
	struct budget_input in = {&round, 1, 16 * MS, 0.99, 0};
	struct budget_result r;

	if (!budget_judge(&in, &r, NULL))
		printf("  %s\n", r.gate.text);
}

static void measure(struct block *b)
{
	struct metrics_block m;

	metrics_block(b->latency_ns, N, 16 * MS, &m, NULL);
}

static void sustain(struct block *b)
{
	struct metrics_sustained m;

	metrics_sustained(b->start_ns, b->latency_ns, N, &m, NULL);
}

static const struct {
	const char *name;
	void (*fill)(struct block *b);
	void (*run)(struct block *b);
} benches[] = {
	{"budget, random", at_random, judge},
	{"budget, slow from half-way on", from_half_way_on, judge},
	{"budget, the same behind noise", half_and_noise, judge},
	{"metrics of a block", at_random, measure},
	{"metrics of a sustained block", half_and_noise, sustain},
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(void)
{
	struct block *b = mem_zalloc(sizeof(*b));
	bool late = false;

	for (size_t i = 0; i < N; i++)
		b->start_ns[i] = i * 10 * MS;
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		double best = 1e9;

		benches[i].fill(b);
		for (int k = 0; k < REPEATS; k++) {
			double begin = now_ms(), took;

			benches[i].run(b);
			took = now_ms() - begin;
			best = took < best ? took : best;
		}
		printf("%-32s %6.1f ms\n", benches[i].name, best);
		late |= best > MOST_MS;
	}
	mem_free(b);
	return late;
}
