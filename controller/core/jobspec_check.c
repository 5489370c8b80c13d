/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the parts of a job fit together: which gates are on, and contradictions that would waste
 * a run, each refused with a sentence that says what to change. Pure.
 */
#include "core/jobspec_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Bit i of the gates is word i. */
const char *const jobspec_gate_words[] = {"execution", "budget", "golden", "coverage", NULL};

/* The error a side of the budget gate; see controller/gate/budget.h. */
#define BUDGET_ALPHA 0.05

static const struct json *at(const struct json *job, const char *key)
{
	const struct json *n = json_get(job, key);

	return n ? n : job;
}

static bool measure_says(const struct json *job, const char *key)
{
	const struct json *measure = json_get(job, "measure");

	return measure && json_get(measure, key);
}

/* ---- gates ---- */

static int read_gates(struct jobspec_reader *r, const struct json *node, unsigned *ret)
{
	JSON_FOREACH (it, node) {
		int i = 0;

		while (jobspec_gate_words[i] && strcmp(jobspec_gate_words[i], json_str(it)))
			i++;
		if (!jobspec_gate_words[i])
			return jobspec_refuse(r, it, ERR_PARSE,
				"a gate must be one of execution, budget, golden, coverage");
		if (*ret & (1u << i))
			return jobspec_refuse(r, it, ERR_EXISTS, "the gate \"%s\" is there twice",
				jobspec_gate_words[i]);
		*ret |= 1u << i;
	}
	return 0;
}

static unsigned default_gates(const struct json *job, const struct jobspec *s)
{
	unsigned gates = 0;

	if (s->has_budget)
		gates |= GATE_BUDGET;
	if (json_get(job, "coverage_min"))
		gates |= GATE_COVERAGE;
	for (int i = 0; i < s->n_variants; i++)
		if (s->variants[i].golden.set)
			gates |= GATE_GOLDEN;
	return gates;
}

int jobspec_settle_gates(struct jobspec_reader *r, const struct json *job, const struct json *gates,
	struct jobspec *s)
{
	int rc = 0;

	if (gates)
		rc = read_gates(r, gates, &s->gates);
	else
		s->gates = default_gates(job, s);
	if (rc)
		return rc;
	/* A model that does not run has no other result. */
	s->gates |= GATE_EXECUTION;
	if ((s->gates & GATE_COVERAGE) && !measure_says(job, "coverage"))
		s->measure.coverage = true;
	return 0;
}

/* ---- contradictions ---- */

static int check_budget_gate(
	struct jobspec_reader *r, const struct json *job, const struct jobspec *s)
{
	int64_t most = s->measure.max_runs * s->measure.max_rounds;

	if (!(s->gates & GATE_BUDGET))
		return 0;
	if (!s->has_budget)
		return jobspec_refuse(r, at(job, "gates"), ERR_PARSE,
			"the budget gate is asked for, but the budget is null");
	if (!s->measure.paced)
		return jobspec_refuse(r, at(job, "measure"), ERR_PARSE,
			"the budget gate judges the paced block, and paced is false; turn it on, "
			"or set "
			"\"budget\": null");
	if (pow(s->percentile, most) > BUDGET_ALPHA)
		return jobspec_refuse(r, at(job, "measure"), ERR_RANGE,
			"%lld iterations at most (max_runs times max_rounds) can never pass the "
			"budget gate, "
			"which needs %.0f at p%g",
			(long long)most, ceil(log(BUDGET_ALPHA) / log(s->percentile)),
			100 * s->percentile);
	return 0;
}

/* Only a list that the job wrote can ask for what is not there; see default_gates(). */
static int check_golden_gate(
	struct jobspec_reader *r, const struct json *job, const struct jobspec *s)
{
	if (!(s->gates & GATE_GOLDEN) || !json_get(job, "gates"))
		return 0;
	for (int i = 0; i < s->n_variants; i++)
		if (!s->variants[i].golden.set)
			return jobspec_refuse(r, at(job, "gates"), ERR_PARSE,
				"the golden gate is asked for, but the variant \"%s\" has no "
				"golden data",
				s->variants[i].name);
	return 0;
}

static int check_coverage_gate(
	struct jobspec_reader *r, const struct json *job, const struct jobspec *s)
{
	if (!(s->gates & GATE_COVERAGE)) {
		if (json_get(job, "coverage_min"))
			return jobspec_refuse(r, at(job, "coverage_min"), ERR_PARSE,
				"coverage_min is the coverage gate's limit, but the gates leave it "
				"out");
		return 0;
	}
	if (!s->measure.coverage)
		return jobspec_refuse(r, at(job, "measure"), ERR_PARSE,
			"the coverage gate needs the coverage run that measure turns off");
	return 0;
}

static int check_time(struct jobspec_reader *r, const struct json *job, const struct jobspec *s)
{
	const struct jobspec_measure *m = &s->measure;
	int64_t least = m->sustained_ms + 2 * m->baseline_ms + m->warmup_min_ms +
	                (m->back_to_back + m->paced) * m->min_ms;

	if (s->timeout_ms && s->timeout_ms < least)
		return jobspec_refuse(r, at(job, "timeout_s"), ERR_RANGE,
			"timeout_s of %lld is less than the %lld s that measure asks for",
			(long long)s->timeout_ms / 1000, (long long)(least + 999) / 1000);
	return 0;
}

static int check_size(struct jobspec_reader *r, const struct json *job, const struct jobspec *s)
{
	if (s->n_variants * s->count > LIMIT_RUNS_PER_JOB)
		return jobspec_refuse(r, at(job, "devices"), ERR_RANGE,
			"%d variants on %lld devices are more than %d runs; split the job",
			s->n_variants, (long long)s->count, LIMIT_RUNS_PER_JOB);
	if (s->fix_dimensions && !s->n_dimensions)
		return jobspec_refuse(r, at(job, "fix_dimensions"), ERR_PARSE,
			"fix_dimensions is true, but the job names no dimensions");
	return 0;
}

int jobspec_check(struct jobspec_reader *r, const struct json *job, const struct jobspec *s)
{
	int rc = check_size(r, job, s);

	if (!rc)
		rc = check_budget_gate(r, job, s);
	if (!rc)
		rc = check_golden_gate(r, job, s);
	if (!rc)
		rc = check_coverage_gate(r, job, s);
	if (!rc)
		rc = check_time(r, job, s);
	return rc;
}
