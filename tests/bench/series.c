/* SPDX-License-Identifier: Apache-2.0 */
/* Made series; see series.h. */
#include "series.h"

#include "agents/chunk.h"

const struct series series_kinds[] = {
	{"iterations, 120/s", STREAM_ITER, 120, 8300000, 25000, 16000000},
	{"paced, 100/s", STREAM_PACED, 100, 7000000, 25000, 10000000},
	{"counter, 100/s", STREAM_COUNTER, 100, 41000, 30, 0},
	{"iterations, 2000/s", STREAM_ITER, 2000, 499000, 3000, 16000000},
};
const size_t series_count = sizeof(series_kinds) / sizeof(series_kinds[0]);

static uint64_t rng = 88172645463325252u;

static double uniform(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (double)(rng >> 11) / 9007199254740992.0;
}

/* About normal, and one in two hundred far out, as latencies are. */
static double noise(void)
{
	double sum = uniform() + uniform() + uniform() + uniform() - 2;

	return sum * 1.7 + (uniform() < 0.005 ? 20 * uniform() : 0);
}

uint32_t series_fill(const struct series *s, int64_t *clock, int64_t *t, int64_t *v)
{
	int64_t period = (int64_t)(1e9 / s->rate), begin = *clock;
	uint32_t n = 0;

	while (n < CHUNK_MAX && *clock - begin < SERIES_CHUNK_NS) {
		v[n] = (int64_t)(s->mean + s->noise * noise());
		t[n] = *clock;
		if (s->kind == STREAM_COUNTER)
			t[n] += (int64_t)(60000 * noise()); /* a timer's jitter */
		*clock += s->kind == STREAM_ITER ? v[n] + 400 + (int64_t)(200 * uniform()) : period;
		n++;
	}
	return n;
}
