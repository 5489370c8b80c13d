/* SPDX-License-Identifier: Apache-2.0 */
/* The warm-up rule; see warmup.h. */
#include "warmup.h"

#include <string.h>

#define NS_PER_MS INT64_C(1000000)

void warmup_init(
	struct warmup *w, uint32_t min_runs, uint32_t min_ms, uint32_t max_ms, int64_t now_ns)
{
	memset(w, 0, sizeof(*w));
	w->min_runs = min_runs;
	w->begin_ns = now_ns;
	w->min_end_ns = now_ns + min_ms * NS_PER_MS;
	w->max_end_ns = now_ns + max_ms * NS_PER_MS;
}

/* Nearest rank: of an even number, the lower of the middle two. */
static int64_t median(const int64_t *v, uint32_t n)
{
	int64_t sorted[WARMUP_WINDOW];

	for (uint32_t i = 0, j; i < n; i++) {
		for (j = i; j && sorted[j - 1] > v[i]; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = v[i];
	}
	return sorted[(n - 1) / 2];
}

void warmup_add(struct warmup *w, int64_t duration_ns)
{
	uint32_t at = w->runs++ % WARMUP_WINDOW;
	int64_t diff;

	w->window_ns[at] = duration_ns;
	if (at == WARMUP_WINDOW - 1) {
		w->last_median_ns = w->runs > WARMUP_WINDOW ? w->median_ns : 0;
		w->median_ns = median(w->window_ns, WARMUP_WINDOW);
		diff = w->median_ns - w->last_median_ns;
		w->stable = w->last_median_ns &&
		            (diff < 0 ? -diff : diff) * 100 < WARMUP_PERCENT * w->last_median_ns;
	} else if (w->runs < WARMUP_WINDOW) {
		w->median_ns = median(w->window_ns, w->runs);
	}
}

bool warmup_more(const struct warmup *w, int64_t now_ns)
{
	if (now_ns >= w->max_end_ns || (w->runs >= WARMUP_STILL && now_ns == w->begin_ns))
		return false;
	return w->runs < w->min_runs || now_ns < w->min_end_ns || !w->stable;
}
