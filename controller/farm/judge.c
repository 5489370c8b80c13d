/* SPDX-License-Identifier: Apache-2.0 */
/* The judge; see judge.h. It asks the gates and lets judge_json.c write down what they said. */
#include "farm/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agents/plan.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/farm.h"
#include "core/jobspec.h"
#include "farm/judge_result.h"

#define READ_WAIT_MS 20000

static int end_of(int outcome)
{
	switch (outcome) {
	case OUTCOME_MODEL:
		return EXECUTION_REFUSED;
	case OUTCOME_CRASH:
		return EXECUTION_CRASH;
	case OUTCOME_HANG:
		return EXECUTION_HANG;
	case OUTCOME_MEMORY:
		return EXECUTION_MEMORY;
	}
	return EXECUTION_OK;
}

static struct gate_result *add_gate(struct judgement *j, int kind)
{
	struct gate_result *g = &j->gates[j->n_gates++];

	memset(g, 0, sizeof(*g));
	g->kind = kind;
	return g;
}

static void ask_golden(struct judgement *j, const struct jobspec_golden *golden)
{
	const struct judge_round *r = &j->rounds[j->n_rounds - 1];
	struct golden_limits limits = {.cosine_min = golden->cosine,
		.sqnr_db_min = golden->sqnr_db,
		.max_abs = golden->max_abs,
		.top1_min = golden->top1};
	struct golden_metrics *m = &j->golden;

	*m = (struct golden_metrics){.cosine_min = judge_fact_num(r, "golden.cosine_min"),
		.sqnr_db_min = judge_fact_num(r, "golden.sqnr_db_min"),
		.max_abs = judge_fact_num(r, "golden.max_abs"),
		.top1 = judge_fact_num(r, "golden.top1")};
	judge_fact_int(r, "golden.cases", &m->cases);
	judge_fact_int(r, "golden.nan", &m->nan);
	judge_fact_int(r, "golden.inf", &m->inf);
	judge_fact_int(r, "golden.constant", &m->constant);
	j->has_golden = true;
	golden_judge(m, &limits, add_gate(j, GATE_KIND_GOLDEN));
}

static int ask_budget(struct judgement *j, const struct jobspec *spec, struct err *e)
{
	struct budget_round rounds[LIMIT_ROUNDS];
	struct budget_input in = {.rounds = rounds,
		.n_rounds = j->n_rounds,
		.budget_ns = spec->budget_ns,
		.percentile = spec->percentile};
	int rc;

	for (int i = 0; i < j->n_rounds; i++) {
		rounds[i].latency_ns = j->rounds[i].paced.v;
		rounds[i].n = j->rounds[i].paced.n;
		rounds[i].skipped = 0;
		judge_fact_int(&j->rounds[i], "block.paced.skipped", &rounds[i].skipped);
	}
	rc = budget_judge(&in, &j->budget, e);
	if (rc)
		return rc;
	j->has_budget = true;
	*add_gate(j, GATE_KIND_BUDGET) = j->budget.gate;
	j->gates[j->n_gates - 1].kind = GATE_KIND_BUDGET;
	return 0;
}

static void ask_coverage(
	struct judgement *j, const struct jobspec *spec, const struct jobspec_runner *runner)
{
	const struct judge_round *r = &j->rounds[j->n_rounds - 1];
	struct coverage c = {.provider = runner->provider};
	char key[MSG_KEY];

	judge_fact_int(r, "coverage.nodes_total", &c.nodes_total);
	snprintf(key, sizeof(key), "coverage.nodes.%.40s", runner->provider);
	judge_fact_int(r, key, &c.nodes);
	snprintf(key, sizeof(key), "coverage.time_ns.%.40s", runner->provider);
	judge_fact_int(r, key, &c.time_ns);
	judge_fact_int(r, "coverage.time_total_ns", &c.time_total_ns);
	coverage_judge(&c, spec->coverage_min, add_gate(j, GATE_KIND_COVERAGE));
}

static int ask_gates(struct judgement *j, const struct jobspec *spec, int variant, int outcome,
	const char *cause, struct err *e)
{
	const struct jobspec_variant *v = &spec->variants[variant];
	int rc = 0;

	execution_judge(end_of(outcome), cause, add_gate(j, GATE_KIND_EXECUTION));
	if (end_of(outcome) != EXECUTION_OK)
		return 0; /* nothing else can be said */
	if ((spec->gates & GATE_GOLDEN) && v->golden.set)
		ask_golden(j, &v->golden);
	if (outcome == OUTCOME_GOLDEN)
		return 0; /* nothing was timed */
	if (spec->gates & GATE_BUDGET)
		rc = ask_budget(j, spec, e);
	if (!rc && (spec->gates & GATE_COVERAGE))
		ask_coverage(j, spec, &v->runner);
	return rc;
}

static int read_rounds(
	struct judgement *j, struct store *s, const int64_t *attempts, int n, struct err *e)
{
	struct store_reader *rd = store_reader_get(s, READ_WAIT_MS, e);
	int rc = 0;

	if (!rd)
		return e->code;
	for (int i = 0; i < n && !rc; i++) {
		rc = judge_round_read(rd, attempts[i], &j->rounds[i], e);
		j->n_rounds = i + 1;
	}
	store_reader_put(rd);
	return rc;
}

int judge_run(struct store *s, const struct jobspec *spec, int variant, const int64_t *attempts,
	const int *outcomes, const char *const *causes, int n_attempts, struct farm_judged *ret_j,
	struct err *e)
{
	struct judgement *j = mem_zalloc(sizeof(*j));
	int decider, rc;

	rc = read_rounds(j, s, attempts, n_attempts, e);
	if (!rc)
		rc = ask_gates(
			j, spec, variant, outcomes[n_attempts - 1], causes[n_attempts - 1], e);
	if (!rc) {
		j->verdict = gate_combine(j->gates, j->n_gates, &j->exit_code, &decider);
		j->decider = decider;
		rc = judge_json(j, spec, variant, &ret_j->result, e);
	}
	if (!rc) {
		ret_j->verdict = (enum verdict)j->verdict;
		ret_j->exit_code = j->exit_code;
		str_copy(ret_j->cause, sizeof(ret_j->cause), j->text);
	}
	for (int i = 0; i < j->n_rounds; i++)
		judge_round_free(&j->rounds[i]);
	mem_free(j);
	return rc;
}
