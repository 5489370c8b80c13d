/* SPDX-License-Identifier: Apache-2.0 */
/* The budget gate's rule; see budget.h. Its sentences are in budget_text.c. */
#include "gate/budget.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gate/dist.h"
#include "gate/stats.h"
#include "gate/tau.h"

_Static_assert(LIMIT_ROUNDS <= TAU_SERIES_MAX, "the rounds of a run are one estimate of tau");

/* Products of a count and tau miss whole numbers by far less; it must not cost a sample. */
#define SLACK 1e-9

int64_t budget_min_n(double percentile)
{
	int64_t n = (int64_t)ceil(log(BUDGET_ALPHA) / log(percentile) - SLACK);

	return n < 1 ? 1 : n;
}

void budget_limits(int64_t n, double percentile, int64_t *ret_pass, int64_t *ret_fail)
{
	*ret_pass = dist_binom_few(n, 1 - percentile, BUDGET_ALPHA);
	*ret_fail = dist_binom_many(n, 1 - percentile, BUDGET_ALPHA);
}

/* ---- one sample ---- */

/* The most slow iterations of n with which the pass rule holds; -1 when none does. */
static int64_t pass_most(const struct budget_result *r, double percentile)
{
	int64_t few = dist_binom_few(r->n_eff, 1 - percentile, BUDGET_ALPHA);

	/* ceil(k·n'/n) <= few is k <= floor(few·n/n'). */
	return few < 0 ? -1 : few * r->n / r->n_eff;
}

/* The least slow iterations of n with which the fail rule holds; more than n when none does. */
static int64_t fail_least(const struct budget_result *r, double percentile)
{
	int64_t many = dist_binom_many(r->n_fail, 1 - percentile, BUDGET_ALPHA), least;

	if (r->n < BUDGET_FAIL_MIN_N || many > r->n_fail)
		return r->n + 1;
	if (r->n_eff >= r->min_n)
		least = (many * r->n + r->n_fail - 1) / r->n_fail; /* floor(k·n'/n) >= many */
	else
		least = (int64_t)ceil(many * r->tau - SLACK); /* floor(k/tau) >= many */
	return least < BUDGET_FAIL_MIN_OVER ? BUDGET_FAIL_MIN_OVER : least;
}

static void effective(struct budget_result *r)
{
	r->n_eff = (int64_t)floor(r->n / r->tau + SLACK);
	r->k_pass = (r->over * r->n_eff + r->n - 1) / r->n;
	if (r->n_eff >= r->min_n) {
		r->n_fail = r->n_eff;
		r->k_fail = r->over * r->n_fail / r->n;
	} else {
		r->n_fail = (int64_t)ceil(r->n / r->tau - SLACK);
		r->k_fail = (int64_t)floor(r->over / r->tau + SLACK);
	}
}

static void bounds(const int64_t *sorted, const struct budget_input *in, struct budget_result *r)
{
	int64_t most = pass_most(r, in->percentile), least = fail_least(r, in->percentile);

	r->value_ns = stats_percentile(sorted, r->n, in->percentile);
	r->has_upper = most >= 0;
	if (r->has_upper)
		r->upper_ns = sorted[r->n - most - 1];
	r->has_lower = least <= r->n;
	if (r->has_lower)
		r->lower_ns = sorted[r->n - least];
}

static int by_bounds(const struct budget_input *in, const struct budget_result *r)
{
	if (r->has_upper && r->upper_ns <= in->budget_ns)
		return GATE_PASS;
	if (r->has_lower && r->lower_ns > in->budget_ns)
		return GATE_FAIL;
	return GATE_INCONCLUSIVE;
}

/* Judges rounds [first, first + n_rounds) as one sample. */
static int pool(const struct budget_input *in, int first, int n_rounds, struct budget_result *r)
{
	struct tau_series series[LIMIT_ROUNDS];
	int64_t *all;

	r->n = r->over = r->skipped = r->rounds = 0;
	for (int i = 0; i < n_rounds; i++) {
		const struct budget_round *round = &in->rounds[first + i];

		series[i] = (struct tau_series){round->latency_ns, round->n};
		r->n += round->n;
		r->over += stats_count_over(round->latency_ns, round->n, in->budget_ns);
		r->skipped += round->skipped;
		r->rounds += round->n > 0;
	}
	r->min_n = budget_min_n(in->percentile);
	r->tau = tau_estimate(series, n_rounds, in->budget_ns);
	r->gate.verdict = GATE_INCONCLUSIVE;
	if (!r->n)
		return 0;
	all = mem_try(r->n * sizeof(*all));
	if (!all)
		return ERR_NOMEM;
	for (int64_t i = 0, at = 0; i < n_rounds; at += series[i++].n)
		if (series[i].n)
			memcpy(all + at, series[i].values, series[i].n * sizeof(*all));
	stats_sort(all, r->n);
	effective(r);
	bounds(all, in, r);
	r->gate.verdict = by_bounds(in, r);
	mem_free(all);
	return 0;
}

/* ---- several rounds ---- */

/* The p-value of "all rounds have the same share over the budget". Correlated frames make counts
 * scatter tau times as much, so the statistic is divided by it. */
static double alike(const struct budget_input *in, const struct budget_result *r)
{
	double share = (double)r->over / r->n, chi2 = 0;

	if (r->over == 0 || r->over == r->n)
		return 1;
	for (int i = 0; i < in->n_rounds; i++) {
		const struct budget_round *round = &in->rounds[i];
		double expected = round->n * share, diff;

		diff = stats_count_over(round->latency_ns, round->n, in->budget_ns) - expected;
		if (round->n)
			chi2 += diff * diff / (expected * (1 - share));
	}
	return dist_chi2_tail(chi2 / r->tau, r->rounds - 1);
}

void budget_interval(
	const int64_t *values, int n, double *ret_mean, double *ret_lower, double *ret_upper)
{
	double mean = 0, square = 0, reach;

	assert(n >= 2);
	for (int i = 0; i < n; i++)
		mean += log(values[i]) / n;
	for (int i = 0; i < n; i++)
		square += (log(values[i]) - mean) * (log(values[i]) - mean);
	reach = dist_t_quantile(1 - BUDGET_ALPHA, n - 1) * sqrt(square / (n - 1) / n);
	*ret_mean = exp(mean);
	*ret_lower = exp(mean - reach);
	*ret_upper = exp(mean + reach);
}

/* Bounds from the rounds' own percentiles, where there are enough rounds of enough iterations. */
static void by_interval(
	const struct budget_input *in, const struct budget_result *alone, struct budget_result *r)
{
	int64_t values[LIMIT_ROUNDS];
	double mean, lower, upper;
	int n = 0;

	r->method = BUDGET_INTERVAL;
	r->has_lower = r->has_upper = false;
	r->gate.verdict = GATE_INCONCLUSIVE;
	for (int i = 0; i < in->n_rounds; i++)
		if (alone[i].n >= stats_percentile_min_n(in->percentile))
			values[n++] = alone[i].value_ns > 1 ? alone[i].value_ns : 1;
	if (n < BUDGET_INTERVAL_MIN || n < r->rounds)
		return;
	budget_interval(values, n, &mean, &lower, &upper);
	r->value_ns = llround(mean);
	/* A year in nanoseconds fits; a wider bound says nothing more. */
	r->lower_ns = (int64_t)floor(lower);
	r->upper_ns = (int64_t)ceil(fmin(upper, 3.2e16));
	r->has_lower = r->has_upper = true;
	r->gate.verdict = by_bounds(in, r);
}

static void by_each(
	const struct budget_input *in, const struct budget_result *alone, struct budget_result *r)
{
	int64_t lowest = INT64_MAX, value = INT64_MAX;

	for (int i = 0; i < in->n_rounds; i++) {
		if (!alone[i].n)
			continue;
		if (alone[i].gate.verdict != GATE_FAIL)
			return;
		if (alone[i].lower_ns < lowest)
			lowest = alone[i].lower_ns;
		if (alone[i].value_ns < value)
			value = alone[i].value_ns;
	}
	r->method = BUDGET_EACH;
	r->gate.verdict = GATE_FAIL;
	r->value_ns = value;
	r->lower_ns = lowest;
	r->has_lower = true;
	r->has_upper = false;
}

static int differing(const struct budget_input *in, struct budget_result *r)
{
	struct budget_result alone[LIMIT_ROUNDS] = {0};
	int rc;

	for (int i = 0; i < in->n_rounds; i++) {
		rc = pool(in, i, 1, &alone[i]);
		if (rc)
			return rc;
	}
	by_interval(in, alone, r);
	if (r->gate.verdict == GATE_INCONCLUSIVE)
		by_each(in, alone, r);
	return 0;
}

/* ---- the gate ---- */

static int check(const struct budget_input *in, struct err *e)
{
	size_t n = 0;

	if (in->n_rounds < 1 || in->n_rounds > LIMIT_ROUNDS || in->budget_ns <= 0 ||
		!(in->percentile >= 0.5 && in->percentile <= 0.999) ||
		!(in->guard >= 0 && in->guard < 1))
		return err_set(e, ERR_INVAL,
			"the budget gate was asked about %d rounds, %lld ns, percentile %g, guard "
			"%g",
			in->n_rounds, (long long)in->budget_ns, in->percentile, in->guard);
	for (int i = 0; i < in->n_rounds; i++) {
		if (in->rounds[i].n > STATS_SAMPLES_MAX - n)
			return err_set(e, ERR_TOOBIG, "more than %d iterations to judge",
				STATS_SAMPLES_MAX);
		n += in->rounds[i].n;
	}
	return 0;
}

int budget_judge(const struct budget_input *in, struct budget_result *ret, struct err *e)
{
	struct budget_result r = {.gate.kind = GATE_KIND_BUDGET, .alike_p = NAN};
	int rc = check(in, e);

	if (rc)
		return rc;
	rc = pool(in, 0, in->n_rounds, &r);
	if (!rc && r.rounds > 1) {
		r.alike_p = alike(in, &r);
		if (r.alike_p < BUDGET_ALIKE)
			rc = differing(in, &r);
	}
	if (rc)
		return err_set(e, rc, "no memory to judge %lld iterations", (long long)r.n);
	r.in_guard =
		r.n > 0 && fabs((double)r.value_ns - in->budget_ns) < in->guard * in->budget_ns;
	if (r.in_guard)
		r.gate.verdict = GATE_INCONCLUSIVE;
	budget_explain(in, &r);
	*ret = r;
	return 0;
}
