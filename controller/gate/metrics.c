/* SPDX-License-Identifier: Apache-2.0 */
/* Published metrics; see metrics.h. */
#include "gate/metrics.h"

#include <math.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "gate/stats.h"

#define NS_PER_MS 1e6
#define NS_PER_S  1000000000LL
#define TIME_MAX  (1LL << 60) /* ns; some 36 years */

static int refuse_size(size_t n, struct err *e)
{
	if (n <= STATS_SAMPLES_MAX)
		return 0;
	return err_set(e, ERR_TOOBIG, "%zu iterations in one block; at most %d are taken", n,
		STATS_SAMPLES_MAX);
}

static int sorted_copy(const int64_t *values, size_t n, int64_t **ret, struct err *e)
{
	*ret = stats_sorted(values, n);
	return *ret ? 0 : err_set(e, ERR_NOMEM, "no memory to sort %zu iterations", n);
}

static double percentile_ms(const int64_t *sorted, size_t n, double p)
{
	if (n < (size_t)stats_percentile_min_n(p))
		return NAN;
	return stats_percentile(sorted, n, p) / NS_PER_MS;
}

int metrics_block(const int64_t *latency_ns, size_t n, int64_t budget_ns, struct metrics_block *ret,
	struct err *e)
{
	struct metrics_block m = {.n = n};
	int64_t *sorted, es;
	int rc = refuse_size(n, e);

	if (!rc)
		rc = sorted_copy(latency_ns, n, &sorted, e);
	if (rc)
		return rc;
	m.p50_ms = percentile_ms(sorted, n, 0.5);
	m.p90_ms = percentile_ms(sorted, n, 0.9);
	m.p99_ms = percentile_ms(sorted, n, 0.99);
	m.p99_es_ms = stats_early_stop(sorted, n, 0.99, METRICS_ES_CONFIDENCE, &es) ? es / NS_PER_MS
	                                                                            : NAN;
	m.min_ms = n ? sorted[0] / NS_PER_MS : NAN;
	m.max_ms = n ? sorted[n - 1] / NS_PER_MS : NAN;
	m.mean_ms = n ? stats_mean(latency_ns, n) / NS_PER_MS : NAN;
	m.sd_ms = n > 1 ? stats_sd(latency_ns, n, m.mean_ms * NS_PER_MS) / NS_PER_MS : NAN;
	m.cv = m.mean_ms > 0 ? m.sd_ms / m.mean_ms : NAN;
	m.jitter = m.p50_ms > 0 ? m.p99_ms / m.p50_ms : NAN;
	m.over_percent = NAN;
	if (budget_ns > 0 && n) {
		m.over = stats_count_over(latency_ns, n, budget_ns);
		m.over_streak = stats_streak_over(latency_ns, n, budget_ns);
		m.over_percent = 100.0 * m.over / n;
	}
	mem_free(sorted);
	*ret = m;
	return 0;
}

/* ---- the sustained block ---- */

/* The index of the first iteration that starts at or after `at`. */
static size_t first_at(const int64_t *start_ns, size_t n, int64_t at)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (start_ns[mid] < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* What a device sends may be anything; sums of these must not overflow. */
static int check_series(const int64_t *start_ns, const int64_t *latency_ns, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (start_ns[i] < (i ? start_ns[i - 1] : 0) || start_ns[i] > TIME_MAX ||
			latency_ns[i] < 0 || latency_ns[i] > TIME_MAX)
			return err_set(e, ERR_CORRUPT,
				"iteration %zu of the sustained block starts at %lld ns and takes "
				"%lld ns",
				i, (long long)start_ns[i], (long long)latency_ns[i]);
	return 0;
}

struct window {
	double p50_ms, p90_ms;
	int64_t p50_ns; /* -1 when the window is empty */
};

static int window_of(
	const int64_t *latency_ns, size_t from, size_t to, struct window *ret, struct err *e)
{
	size_t n = to > from ? to - from : 0;
	int64_t *sorted;
	int rc = sorted_copy(latency_ns + from, n, &sorted, e);

	if (rc)
		return rc;
	ret->p50_ms = percentile_ms(sorted, n, 0.5);
	ret->p90_ms = percentile_ms(sorted, n, 0.9);
	ret->p50_ns = n ? stats_percentile(sorted, n, 0.5) : -1;
	mem_free(sorted);
	return 0;
}

/*
 * The rolling median itself is never needed: by nearest rank it is over a limit exactly when fewer
 * than half of the window's iterations are within it. So two counts are moved along. A window ends
 * with the iteration that starts at its time, and only whole windows count.
 */
static double throttle_s(const int64_t *start_ns, const int64_t *latency_ns, size_t n, double limit)
{
	const int64_t span = METRICS_THROTTLE_S * NS_PER_S;
	size_t from = 0, within = 0;
	int64_t since = -1;

	for (size_t i = 0; i < n; i++) {
		within += latency_ns[i] <= limit;
		for (; start_ns[from] <= start_ns[i] - span; from++)
			within -= latency_ns[from] <= limit;
		if (start_ns[i] - start_ns[0] < span ||
			(int64_t)within >= stats_rank(i - from + 1, 0.5))
			since = -1;
		else if (since < 0)
			since = start_ns[i];
		if (since >= 0 && start_ns[i] - since >= span)
			return (double)since / NS_PER_S;
	}
	return NAN;
}

int metrics_sustained(const int64_t *start_ns, const int64_t *latency_ns, size_t n,
	struct metrics_sustained *ret, struct err *e)
{
	struct metrics_sustained m = {0, NAN, NAN, NAN, NAN};
	struct window base, early, last;
	int64_t end;
	size_t at[4];
	int rc = refuse_size(n, e);

	if (!rc)
		rc = check_series(start_ns, latency_ns, n, e);
	if (rc)
		return rc;
	end = n ? start_ns[n - 1] + latency_ns[n - 1] : 0;
	m.duration_s = (double)end / NS_PER_S;
	at[0] = first_at(start_ns, n, METRICS_THROTTLE_BASE_S * NS_PER_S);
	at[1] = first_at(start_ns, n, METRICS_RETENTION_FROM_S * NS_PER_S);
	at[2] = first_at(start_ns, n, METRICS_RETENTION_TO_S * NS_PER_S);
	at[3] = first_at(start_ns, n, end - METRICS_LAST_S * NS_PER_S);
	rc = window_of(latency_ns, 0, at[0], &base, e);
	if (!rc)
		rc = window_of(latency_ns, at[1], at[2], &early, e);
	if (!rc)
		rc = window_of(latency_ns, at[3], n, &last, e);
	if (rc)
		return rc;
	if (base.p50_ns >= 0)
		m.throttle_s =
			throttle_s(start_ns, latency_ns, n, METRICS_THROTTLE_RATIO * base.p50_ns);
	if (m.duration_s >= 0.99 * METRICS_SUSTAINED_S) {
		m.p50_ms = last.p50_ms;
		m.p90_ms = last.p90_ms;
		m.retention_percent = 100 * early.p50_ms / last.p50_ms;
	}
	*ret = m;
	return 0;
}
