/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies by bounds; see latency.h. */
#include "store/latency.h"

#include "agents/msg.h"

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

void latency_count(struct store_latency *l, const int64_t *v, int n)
{
	for (int i = 0; i < n; i++) {
		int64_t ns = v[i] < 0 ? 0 : v[i] > LATENCY_MAX_NS ? LATENCY_MAX_NS : v[i];
		int at = 0;

		for (int b = 0; b < STORE_LATENCY_BOUNDS; b++)
			at += ns > store_latency_bounds_ns[b];
		l->n[at]++;
		l->sum_ns += (uint64_t)ns;
	}
}

void latency_add(struct store_latency *into, const struct store_latency *l)
{
	for (int b = 0; b <= STORE_LATENCY_BOUNDS; b++)
		into->n[b] += l->n[b];
	into->sum_ns += l->sum_ns;
}
