/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The budget gate's sentences: the counts, the verdict, and the one comparison that decided, so
 * that a reader can redo it. Pure.
 */
#include "gate/budget.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1e6

static void add(struct budget_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct budget_result *r, const char *fmt, ...)
{
	size_t n = strlen(r->gate.text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->gate.text + n, sizeof(r->gate.text) - n, fmt, ap);
	va_end(ap);
}

/* A time and the budget beside it, in ms: two decimals, or all six where two would show unequal
 * times as equal, or little of a budget of less than a millisecond. */
struct ms_pair {
	char time[32], budget[32];
};

static struct ms_pair beside(int64_t ns, int64_t budget_ns)
{
	struct ms_pair p;
	int digits = budget_ns < NS_PER_MS ? 6 : 2;

	do {
		snprintf(p.time, sizeof(p.time), "%.*f", digits, ns / NS_PER_MS);
		snprintf(p.budget, sizeof(p.budget), "%.*f", digits, budget_ns / NS_PER_MS);
		digits += 4;
	} while (digits <= 6 && ns != budget_ns && !strcmp(p.time, p.budget));
	return p;
}

static void counts(struct budget_result *r)
{
	if (r->rounds > 1)
		add(r, "rounds=%d, ", r->rounds);
	add(r, "n=%lld, over=%lld, tau=%.1f, n_eff=%lld", (long long)r->n, (long long)r->over,
		r->tau, (long long)r->n_eff);
	if (r->skipped)
		add(r, ", skipped=%lld", (long long)r->skipped);
	if (r->method != BUDGET_POOLED)
		add(r, "; the rounds differ (chi-square p=%.2g)", r->alike_p);
}

static const char *bound_of(const struct budget_result *r)
{
	switch (r->method) {
	case BUDGET_INTERVAL:
		return " of the rounds'";
	case BUDGET_EACH:
		return ", even of the fastest round, of";
	}
	return " of";
}

static void decided(const struct budget_input *in, struct budget_result *r, const char *p)
{
	bool pass = r->gate.verdict == GATE_PASS;
	struct ms_pair ms = beside(pass ? r->upper_ns : r->lower_ns, in->budget_ns);

	add(r, "; %s because the %s bound %s ms%s %s is %s %s ms", pass ? "PASS" : "FAIL",
		pass ? "upper" : "lower", ms.time, bound_of(r), p, pass ? "within" : "over",
		ms.budget);
}

static void undecided(const struct budget_input *in, struct budget_result *r, const char *p)
{
	struct ms_pair upper = beside(r->upper_ns, in->budget_ns);
	struct ms_pair lower = beside(r->lower_ns, in->budget_ns);

	add(r, "; INCONCLUSIVE because ");
	if (r->has_lower && r->has_upper)
		add(r, "%s is between %s and %s ms, and the budget is %s ms", p, lower.time,
			upper.time, lower.budget);
	else if (r->method == BUDGET_INTERVAL)
		add(r, "an interval of %s takes at least %d rounds with enough iterations for it",
			p, BUDGET_INTERVAL_MIN);
	else if (r->n < BUDGET_FAIL_MIN_N)
		add(r, "no verdict is given on fewer than %d iterations", BUDGET_FAIL_MIN_N);
	else
		add(r,
			"a pass at %s needs n_eff of %lld, and %lld over of %lld effective are too "
			"few "
			"for a fail",
			p, (long long)r->min_n, (long long)r->k_fail, (long long)r->n_fail);
}

void budget_explain(const struct budget_input *in, struct budget_result *r)
{
	char p[16];

	snprintf(p, sizeof(p), "p%g", 100 * in->percentile);
	r->gate.text[0] = '\0';
	counts(r);
	if (!r->n)
		add(r, "; INCONCLUSIVE because no iteration of the paced block was measured");
	else if (r->in_guard)
		add(r,
			"; INCONCLUSIVE because %s of %s ms is closer to %s ms than this device's "
			"noise of %.1f %%",
			p, beside(r->value_ns, in->budget_ns).time,
			beside(r->value_ns, in->budget_ns).budget, 100 * in->guard);
	else if (r->gate.verdict == GATE_INCONCLUSIVE)
		undecided(in, r, p);
	else
		decided(in, r, p);
}
