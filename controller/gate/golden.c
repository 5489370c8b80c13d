/* SPDX-License-Identifier: Apache-2.0 */
/* The golden gate; see golden.h. */
#include "gate/golden.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gate/verdict.h"

static void add(struct gate_result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct gate_result *r, const char *fmt, ...)
{
	size_t n = strlen(r->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->text + n, sizeof(r->text) - n, fmt, ap);
	va_end(ap);
}

/* What no tolerance excuses. */
static bool broken(const struct golden_metrics *m, struct gate_result *r)
{
	if (m->nan)
		add(r, "; FAIL because %lld elements are NaN in output or reference alone",
			(long long)m->nan);
	else if (m->inf)
		add(r, "; FAIL because %lld elements are infinite in output or reference alone",
			(long long)m->inf);
	else if (m->constant)
		add(r, "; FAIL because %lld outputs are constant", (long long)m->constant);
	else
		return false;
	r->verdict = GATE_FAIL;
	return true;
}

struct check {
	const char *name, *unit;
	double value, limit;
	bool at_most;
	int digits;
};

/* A failure outweighs a metric that is missing. */
static void hold(const struct check *c, struct gate_result *r)
{
	if (isnan(c->limit))
		return;
	if (isnan(c->value)) {
		add(r, "; %s was not measured", c->name);
		if (r->verdict == GATE_PASS)
			r->verdict = GATE_INCONCLUSIVE;
		return;
	}
	add(r, "; %s %.*g%s", c->name, c->digits, c->value, c->unit);
	if (c->at_most ? c->value <= c->limit : c->value >= c->limit) {
		add(r, " (%s %g)", c->at_most ? "at most" : "at least", c->limit);
		return;
	}
	add(r, " is %s the limit of %g", c->at_most ? "over" : "below", c->limit);
	r->verdict = GATE_FAIL;
}

void golden_judge(
	const struct golden_metrics *m, const struct golden_limits *limits, struct gate_result *ret)
{
	static const char *const words[] = {
		[GATE_PASS] = "PASS", [GATE_FAIL] = "FAIL", [GATE_INCONCLUSIVE] = "INCONCLUSIVE"};
	bool none = isnan(limits->cosine_min) && isnan(limits->sqnr_db_min) &&
	            isnan(limits->max_abs) && isnan(limits->top1_min);
	double cosine_min = none ? GOLDEN_COSINE_MIN : limits->cosine_min;
	double sqnr_db_min = none ? GOLDEN_SQNR_DB_MIN : limits->sqnr_db_min;
	const struct check checks[] = {
		{"cosine", "", m->cosine_min, cosine_min, false, 9},
		{"SQNR", " dB", m->sqnr_db_min, sqnr_db_min, false, 4},
		{"largest error", "", m->max_abs, limits->max_abs, true, 4},
		{"top-1 agreement", "", m->top1, limits->top1_min, false, 4},
	};

	memset(ret, 0, sizeof(*ret));
	ret->kind = GATE_KIND_GOLDEN;
	ret->verdict = m->cases > 0 ? GATE_PASS : GATE_INCONCLUSIVE;
	add(ret, "cases=%lld", (long long)m->cases);
	if (m->cases <= 0) {
		add(ret, "; INCONCLUSIVE because no output was compared");
		return;
	}
	if (broken(m, ret))
		return;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		hold(&checks[i], ret);
	add(ret, "; %s", words[ret->verdict]);
}
