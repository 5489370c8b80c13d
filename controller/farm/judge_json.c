/* SPDX-License-Identifier: Apache-2.0 */
/* The judge's result as JSON, in the shape that judge.h gives. */
#include "farm/judge_result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/jobspec.h"
#include "gate/metrics.h"

/* ---- gates ---- */

static void add_bound(struct json *o, const char *key, bool has, int64_t ns)
{
	if (has)
		json_add_int(o, key, ns);
	else
		json_add_null(o, key);
}

static void budget_members(struct json *o, const struct judgement *j, const struct jobspec *spec)
{
	static const char *const methods[] = {"pooled", "interval", "each"};
	const struct budget_result *b = &j->budget;

	json_add_int(o, "budget_ns", spec->budget_ns);
	json_add_num(o, "percentile", spec->percentile);
	json_add_str(o, "percentile_method", "nearest_rank");
	json_add_int(o, "value_ns", b->value_ns);
	add_bound(o, "lower_ns", b->has_lower, b->lower_ns);
	add_bound(o, "upper_ns", b->has_upper, b->upper_ns);
	json_add_num(o, "confidence", 1 - BUDGET_ALPHA);
	json_add_int(o, "n", b->n);
	json_add_int(o, "over", b->over);
	json_add_int(o, "skipped", b->skipped);
	json_add_num(o, "tau", b->tau);
	json_add_int(o, "n_eff", b->n_eff);
	json_add_int(o, "over_eff_pass", b->k_pass);
	json_add_int(o, "n_eff_fail", b->n_fail);
	json_add_int(o, "over_eff_fail", b->k_fail);
	json_add_int(o, "min_n", b->min_n);
	json_add_int(o, "rounds", b->rounds);
	json_add_str(o, "method", methods[b->method]);
}

static void golden_members(struct json *o, const struct golden_metrics *g)
{
	json_add_int(o, "cases", g->cases);
	json_add_num(o, "cosine_min", g->cosine_min);
	if (isinf(g->sqnr_db_min)) /* JSON has no infinity: the outputs are equal */
		json_add_str(o, "sqnr_db_min", "inf");
	else
		json_add_num(o, "sqnr_db_min", g->sqnr_db_min);
	json_add_num(o, "max_abs", g->max_abs);
	json_add_num(o, "top1", g->top1);
	json_add_int(o, "nan", g->nan);
	json_add_int(o, "inf", g->inf);
	json_add_int(o, "constant", g->constant);
}

static struct json *gates_json(const struct judgement *j, const struct jobspec *spec)
{
	struct json *arr = json_new_array();

	for (int i = 0; i < j->n_gates; i++) {
		const struct gate_result *g = &j->gates[i];
		struct json *o = json_new_object();

		json_add_str(o, "name", gate_kind_name(g->kind));
		json_add_str(o, "verdict", gate_verdict_name(g->verdict));
		json_add_bool(o, "void", g->voided);
		json_add_str(o, "text", g->text);
		if (g->kind == GATE_KIND_BUDGET && j->has_budget)
			budget_members(o, j, spec);
		if (g->kind == GATE_KIND_GOLDEN && j->has_golden)
			golden_members(o, &j->golden);
		json_push(arr, o);
	}
	return arr;
}

/* ---- metrics ---- */

static void add_ns(struct json *o, const char *key, double ms)
{
	if (isnan(ms))
		json_add_null(o, key);
	else
		json_add_int(o, key, llround(ms * 1e6));
}

/* All rounds of a block as one. */
static void pool(const struct judgement *j, size_t member, struct judge_block *ret_b)
{
	memset(ret_b, 0, sizeof(*ret_b));
	for (int i = 0; i < j->n_rounds; i++) {
		const struct judge_block *b =
			(const struct judge_block *)((const char *)&j->rounds[i] + member);

		ret_b->v = mem_realloc(ret_b->v, ret_b->n + b->n, sizeof(*ret_b->v));
		if (b->n)
			memcpy(ret_b->v + ret_b->n, b->v, b->n * sizeof(*b->v));
		ret_b->n += b->n;
	}
}

static int add_block(struct json *o, const char *key, const struct judgement *j, size_t member,
	int64_t budget_ns, struct err *e)
{
	struct judge_block all;
	struct metrics_block m;
	struct json *b;
	int rc;

	pool(j, member, &all);
	if (!all.n) {
		mem_free(all.v);
		return 0;
	}
	rc = metrics_block(all.v, all.n, budget_ns, &m, e);
	mem_free(all.v);
	if (rc)
		return rc;
	b = json_new_object();
	json_add_int(b, "n", m.n);
	add_ns(b, "p50_ns", m.p50_ms);
	add_ns(b, "p90_ns", m.p90_ms);
	add_ns(b, "p99_ns", m.p99_ms);
	add_ns(b, "p99_early_stopping_ns", m.p99_es_ms);
	add_ns(b, "min_ns", m.min_ms);
	add_ns(b, "max_ns", m.max_ms);
	add_ns(b, "mean_ns", m.mean_ms);
	add_ns(b, "sd_ns", m.sd_ms);
	json_add_num(b, "cv", m.cv);
	json_add_num(b, "jitter", m.jitter);
	json_add_int(b, "over", m.over);
	json_add_num(b, "over_percent", m.over_percent);
	json_add_int(b, "longest_streak", m.over_streak);
	json_add(o, key, b);
	return 0;
}

static void add_sustained(struct json *o, const struct judgement *j)
{
	const struct judge_block *b = &j->rounds[j->n_rounds - 1].sustained;
	struct metrics_sustained m;
	struct json *s;
	int64_t *start;

	if (!b->n)
		return;
	start = mem_alloc(b->n * sizeof(*start));
	for (size_t i = 0; i < b->n; i++)
		start[i] = b->t[i] - b->t[0];
	if (!metrics_sustained(start, b->v, b->n, &m, NULL)) {
		s = json_new_object();
		json_add_num(s, "duration_s", m.duration_s);
		add_ns(s, "p50_ns", m.p50_ms);
		add_ns(s, "p90_ns", m.p90_ms);
		json_add_num(s, "retention_percent", m.retention_percent);
		json_add_num(s, "throttle_s", m.throttle_s);
		json_add(o, "sustained_last", s);
	}
	mem_free(start);
}

/* Facts that are metrics, under their names here. */
static const struct {
	const char *fact, *key;
} fact_metrics[] = {
	{"load.cold_ns", "load_cold_ns"},
	{"load.warm_ns", "load_warm_ns"},
	{"first.inference_ns", "first_ns"},
	{"warmup.runs", "warmup_runs"},
	{"warmup.median_ns", "warmup_median_ns"},
	{"warmup.stable", "warmup_stable"},
	{"memory.rss_peak_bytes", "rss_peak_bytes"},
	{"memory.after_load_bytes", "rss_after_load_bytes"},
};

static int metrics_json(
	const struct judgement *j, const struct jobspec *spec, struct json **ret_o, struct err *e)
{
	static const struct {
		const char *key;
		size_t member;
	} blocks[] = {
		{"paced", offsetof(struct judge_round, paced)},
		{"exec", offsetof(struct judge_round, exec)},
		{"back_to_back", offsetof(struct judge_round, back_to_back)},
		{"sustained", offsetof(struct judge_round, sustained)},
	};
	const struct judge_round *last = &j->rounds[j->n_rounds - 1];
	int64_t budget_ns = spec->has_budget ? spec->budget_ns : 0;
	struct json *o = json_new_object();
	int rc = 0;

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]) && !rc; i++)
		rc = add_block(o, blocks[i].key, j, blocks[i].member, budget_ns, e);
	if (rc) {
		json_free(o);
		return rc;
	}
	add_sustained(o, j);
	for (size_t i = 0; i < sizeof(fact_metrics) / sizeof(fact_metrics[0]); i++) {
		double v = judge_fact_num(last, fact_metrics[i].fact);

		if (!isnan(v))
			json_add_int(o, fact_metrics[i].key, llround(v));
	}
	*ret_o = o;
	return 0;
}

/* ---- the rest ---- */

static struct json *provider_json(const struct judge_round *r)
{
	static const char prefix[] = "coverage.nodes.";
	struct json *o = json_new_object(), *nodes = json_new_object();

	json_add_str(o, "requested", judge_fact_text(r, "provider.requested"));
	json_add_str(o, "used", judge_fact_text(r, "provider.used"));
	json_add_str(o, "fallback", judge_fact_text(r, "coverage.fallback"));
	json_add_num(o, "time_share", judge_fact_num(r, "coverage.time_share"));
	for (int i = 0; i < r->n_facts; i++)
		if (!strncmp(r->facts[i].key, prefix, sizeof(prefix) - 1) &&
			!json_get(nodes, r->facts[i].key + sizeof(prefix) - 1))
			json_add_int(nodes, r->facts[i].key + sizeof(prefix) - 1, r->facts[i].i);
	json_add(o, "nodes", nodes);
	json_add_str(o, "runtime", judge_fact_text(r, "runtime.version"));
	return o;
}

static struct json *environment_json(const struct judge_round *r)
{
	struct json *o = json_new_object(), *labels = json_new_array();
	const char *thermal = judge_fact_text(r, "thermal");
	const char *gate = judge_fact_text(r, "thermal.gate");

	json_add_str(o, "thermal", *thermal ? thermal : "unknown");
	json_add_str(o, "thermal_gate", *gate ? gate : "none");
	if (!strcmp(thermal, "unobserved"))
		json_push(labels, json_new_string("thermal=unobserved"));
	if (!strcmp(gate, "timeout"))
		json_push(labels, json_new_string("started_hot"));
	json_add(o, "labels", labels);
	return o;
}

static struct json *rounds_json(const struct judgement *j, int64_t budget_ns)
{
	struct json *arr = json_new_array();

	for (int i = 0; i < j->n_rounds; i++) {
		const struct judge_round *r = &j->rounds[i];
		struct metrics_block m;
		struct json *o = json_new_object();

		json_add_int(o, "round", i + 1);
		json_add_int(o, "attempt", r->attempt);
		json_add_int(o, "n", r->paced.n);
		if (r->paced.n && !metrics_block(r->paced.v, r->paced.n, budget_ns, &m, NULL)) {
			add_ns(o, "p50_ns", m.p50_ms);
			add_ns(o, "p99_ns", m.p99_ms);
			json_add_int(o, "over", m.over);
		}
		json_push(arr, o);
	}
	return arr;
}

static void set_text(struct judgement *j)
{
	const char *text = "every gate passes";

	if (j->decider >= 0 && j->decider < j->n_gates)
		text = j->gates[j->decider].text;
	else if (j->has_budget)
		text = j->budget.gate.text;
	str_copy(j->text, sizeof(j->text), text);
}

int judge_json(struct judgement *j, const struct jobspec *spec, int variant, struct rstr **ret_json,
	struct err *e)
{
	const struct judge_round *last = &j->rounds[j->n_rounds - 1];
	struct json *o, *metrics;
	char *text;
	int rc = metrics_json(j, spec, &metrics, e);

	if (rc)
		return rc;
	set_text(j);
	o = json_new_object();
	json_add_str(o, "schema", "framefarm.result/1");
	json_add_str(o, "model", spec->model_name);
	json_add_str(o, "variant", spec->variants[variant].name);
	json_add_str(o, "verdict", gate_verdict_name(j->verdict));
	json_add_int(o, "exit_code", j->exit_code);
	json_add_str(o, "text", j->text);
	json_add(o, "gates", gates_json(j, spec));
	json_add(o, "metrics", metrics);
	json_add(o, "provider", provider_json(last));
	json_add(o, "environment", environment_json(last));
	json_add(o, "rounds", rounds_json(j, spec->has_budget ? spec->budget_ns : 0));
	text = json_print(o, false);
	*ret_json = rstr_new(text, strlen(text));
	mem_free(text);
	json_free(o);
	return 0;
}
