/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies by bounds; see latency.h. */
#include "store/latency.h"

#include <stdbool.h>

#include "agents/msg.h"
#include "store/rollup.h"

#define LATENCY_MAX_NS (3600 * 1000000000LL) /* a sum of these does not overflow in a century */

/* Frames at 120, 90 and 60 Hz and the budget itself are bounds, so that how many kept within them is a
 * count and no estimate. */
const int64_t store_latency_bounds_ns[STORE_LATENCY_BOUNDS] = {1000000, 2000000, 4000000, 8000000,
	8333333, 11111111, 16000000, 16666667, 20000000, 33333333, 50000000, 100000000, 250000000,
	1000000000};

int latency_kind(int stream_kind)
{
	if (stream_kind == STREAM_PACED)
		return STORE_LATENCY_PACED;
	return stream_kind == STREAM_ITER ? STORE_LATENCY_BACK_TO_BACK : -1;
}

static bool measurable(int64_t ns)
{
	return ns >= 0 && ns <= LATENCY_MAX_NS;
}

static uint64_t sum_of(const struct rollup *r, const int64_t *v)
{
	uint64_t sum = 0;

	if (measurable(r->min) && measurable(r->max))
		return (uint64_t)r->sum;
	for (int64_t i = 0; i < r->n; i++)
		sum += (uint64_t)(measurable(v[i]) ? v[i] : v[i] < 0 ? 0 : LATENCY_MAX_NS);
	return sum;
}

static uint64_t count_over(const int64_t *v, int64_t n, int64_t bound)
{
	uint64_t over = 0;

	for (int64_t i = 0; i < n; i++)
		over += v[i] > bound;
	return over;
}

/* Of a second's latencies most lie between the same two bounds, so only bounds that lie between the least
 * and the greatest are looked at. */
void latency_count(struct store_latency *l, const struct rollup *r, const int64_t *v)
{
	uint64_t left = (uint64_t)r->n;
	int b = 0;

	while (b < STORE_LATENCY_BOUNDS && r->min > store_latency_bounds_ns[b])
		b++;
	for (; b < STORE_LATENCY_BOUNDS && r->max > store_latency_bounds_ns[b]; b++) {
		uint64_t over = count_over(v, r->n, store_latency_bounds_ns[b]);

		l->n[b] += left - over;
		left = over;
	}
	l->n[b] += left;
	l->sum_ns += sum_of(r, v);
}

void latency_add(struct store_latency *into, const struct store_latency *l)
{
	for (int b = 0; b <= STORE_LATENCY_BOUNDS; b++)
		into->n[b] += l->n[b];
	into->sum_ns += l->sum_ns;
}
