/* SPDX-License-Identifier: Apache-2.0 */
/* A job's JSON as structs; see report.h. */
#include "cmd/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rfc3339.h"

/* ---- members, whatever they are ---- */

static void get_text(char *dst, size_t size, const struct json *obj, const char *key)
{
	const char *s = json_str(json_get(obj, key));

	str_copy_clean(dst, size, s, strlen(s));
}

static int64_t get_int(const struct json *obj, const char *key)
{
	int64_t v;

	return json_int(json_get(obj, key), &v) ? v : -1;
}

static int64_t get_time(const struct json *obj, const char *key)
{
	int64_t ms;

	return rfc3339_parse(json_str(json_get(obj, key)), &ms) ? ms : -1;
}

/* ---- a run ---- */

static void read_gates(struct report_run *run, const struct json *gates)
{
	int n = json_is_array(gates) ? json_count(gates) : 0;

	if (n > REPORT_GATES_MAX)
		n = REPORT_GATES_MAX;
	run->gates = mem_zalloc((n ? (size_t)n : 1) * sizeof(*run->gates));
	JSON_FOREACH (g, gates) {
		struct report_gate *gate = &run->gates[run->n_gates];

		if (run->n_gates == n || !json_is_object(g))
			break;
		get_text(gate->name, sizeof(gate->name), g, "name");
		get_text(gate->verdict, sizeof(gate->verdict), g, "verdict");
		get_text(gate->text, sizeof(gate->text), g, "text");
		gate->is_void = json_is_true(json_get(g, "void"));
		gate->json = g;
		run->n_gates++;
	}
}

/* The budget gate judges the paced block; a model without one shows its back-to-back block. */
static void read_metrics(struct report_run *run, const struct json *result)
{
	const struct json *m = json_get(result, "metrics"), *block = json_get(m, "paced");

	run->metrics = json_is_object(m) ? m : NULL;
	if (!json_is_object(block))
		block = json_get(m, "back_to_back");
	run->p50_ns = get_int(block, "p50_ns");
	run->p90_ns = get_int(block, "p90_ns");
	run->p99_ns = get_int(block, "p99_ns");
	run->n = get_int(block, "n");
	run->over = get_int(block, "over");
	run->budget_ns = -1;
	for (int i = 0; i < run->n_gates; i++)
		if (!strcmp(run->gates[i].name, "budget"))
			run->budget_ns = get_int(run->gates[i].json, "budget_ns");
}

static int64_t count_attempts(const struct json *run)
{
	const struct json *a = json_get(run, "attempts");

	return json_is_array(a) ? json_count(a) : get_int(run, "attempts");
}

static void read_run(struct report_run *run, const struct json *j)
{
	const struct json *device = json_get(j, "device"), *result = json_get(j, "result");

	*run = (struct report_run){.number = -1, .json = j};
	get_text(run->id, sizeof(run->id), j, "id");
	if (run->id[0] == 'r')
		str_to_i64(run->id + 1, &run->number);
	get_text(run->model, sizeof(run->model), j, "model");
	get_text(run->variant, sizeof(run->variant), j, "variant");
	get_text(run->device, sizeof(run->device), device, "name");
	get_text(run->device_model, sizeof(run->device_model), device, "model");
	run->is_virtual = json_is_true(json_get(device, "virtual"));
	get_text(run->state, sizeof(run->state), j, "state");
	get_text(run->verdict, sizeof(run->verdict), j, "verdict");
	get_text(run->failure, sizeof(run->failure), j, "failure");
	get_text(run->cause, sizeof(run->cause), j, "cause");
	run->exit_code = get_int(j, "exit_code");
	run->round = get_int(j, "round");
	run->attempts = count_attempts(j);
	run->started_ms = get_time(j, "started_at");
	run->ended_ms = get_time(j, "ended_at");
	read_gates(run, json_get(result, "gates"));
	read_metrics(run, result);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = ((const struct report_run *)a)->number;
	int64_t y = ((const struct report_run *)b)->number;

	return x < y ? -1 : x > y;
}

static void add_runs(struct report *r, const struct json *runs)
{
	int count = json_is_array(runs) ? json_count(runs) : 0, before = r->n;

	if (count > LIMIT_RUNS_PER_JOB - r->n)
		count = LIMIT_RUNS_PER_JOB - r->n;
	r->runs = mem_realloc(r->runs, (size_t)(r->n + count + 1), sizeof(*r->runs));
	JSON_FOREACH (j, runs) {
		const char *id = json_str(json_get(j, "id"));
		bool known = false;

		for (int i = 0; i < before && !known; i++)
			known = !strcmp(r->runs[i].id, id);
		if (r->n - before == count)
			break;
		if (!known && *id)
			read_run(&r->runs[r->n++], j);
	}
	qsort(r->runs, (size_t)r->n, sizeof(*r->runs), by_number);
}

static void get_pinned(struct report *r, const struct json *p)
{
	char actor[LIMIT_NAME], reason[LIMIT_VALUE - 2];

	if (!p || !json_is_object(p))
		return;
	get_text(actor, sizeof(actor), p, "actor");
	get_text(reason, sizeof(reason), p, "reason");
	snprintf(r->pinned, sizeof(r->pinned), "%s%s%s", actor, *reason ? ": " : "", reason);
}

static void keep_doc(struct report *r, struct json_doc *doc)
{
	r->docs = mem_realloc(r->docs, (size_t)r->n_docs + 1, sizeof(struct json_doc *));
	r->docs[r->n_docs++] = doc;
}

/* ---- the job ---- */

int report_new(struct json_doc *doc, struct report **ret_r, struct err *e)
{
	const struct json *j = json_root(doc);
	struct report *r;

	if (!json_is_object(j) || !*json_str(json_get(j, "id")) || !*json_str(json_get(j, "state")))
		return err_set(e, ERR_PROTO, "the daemon's answer is no job");
	r = mem_zalloc(sizeof(*r));
	get_text(r->id, sizeof(r->id), j, "id");
	get_text(r->name, sizeof(r->name), j, "name");
	get_text(r->state, sizeof(r->state), j, "state");
	get_text(r->verdict, sizeof(r->verdict), j, "verdict");
	get_text(r->cause, sizeof(r->cause), j, "cause");
	get_text(r->commit, sizeof(r->commit), j, "commit");
	get_text(r->branch, sizeof(r->branch), j, "branch");
	get_pinned(r, json_get(j, "pinned"));
	get_text(r->url, sizeof(r->url), j, "url");
	r->exit_code = get_int(j, "exit_code");
	r->n_runs = get_int(j, "n_runs");
	r->n_ended = get_int(j, "n_ended");
	r->started_ms = get_time(j, "started_at");
	r->ended_ms = get_time(j, "ended_at");
	keep_doc(r, doc);
	add_runs(r, json_get(j, "runs"));
	*ret_r = r;
	return 0;
}

int report_add(struct report *r, struct json_doc *doc, struct err *e)
{
	const struct json *runs = json_get(json_root(doc), "runs");

	if (!json_is_array(runs))
		return err_set(e, ERR_PROTO, "the daemon's answer is no list of runs");
	keep_doc(r, doc);
	add_runs(r, runs);
	return 0;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	for (int i = 0; i < r->n; i++)
		mem_free(r->runs[i].gates);
	for (int i = 0; i < r->n_docs; i++)
		json_doc_free(r->docs[i]);
	mem_free(r->runs);
	mem_free(r->docs);
	mem_free(r);
}

bool report_ended(const struct report *r)
{
	return !strcmp(r->state, "completed") || !strcmp(r->state, "errored") ||
	       !strcmp(r->state, "cancelled");
}

bool report_paused(const struct report *r)
{
	return !strcmp(r->state, "paused");
}

bool report_complete(const struct report *r)
{
	return r->n >= r->n_runs;
}

const struct report_run *report_run(const struct report *r, const char *id)
{
	for (int i = 0; i < r->n; i++)
		if (!strcmp(r->runs[i].id, id))
			return &r->runs[i];
	return NULL;
}

const char *report_run_word(const struct report_run *run)
{
	if (!strcmp(run->verdict, "pass") || !strcmp(run->verdict, "fail") ||
		!strcmp(run->verdict, "inconclusive"))
		return run->verdict;
	if (run->failure[0] && strcmp(run->failure, "none"))
		return run->failure;
	return run->state;
}

const char *report_run_cause(const struct report_run *run)
{
	for (int i = 0; i < run->n_gates; i++)
		if (!strncmp(run->gates[i].text, run->cause, sizeof(run->cause) - 1))
			return "";
	return run->cause;
}

void report_print_json(FILE *f, const struct report *r)
{
	const struct json *job = json_root(r->docs[0]);
	struct json *out = json_new_object(), *runs = json_new_array();
	char *text;

	JSON_FOREACH (m, job)
		if (strcmp(json_key(m), "runs"))
			json_add(out, json_key(m), json_dup(m));
	for (int i = 0; i < r->n; i++)
		json_push(runs, json_dup(r->runs[i].json));
	json_add(out, "runs", runs);
	text = json_print(out, true);
	fprintf(f, "%s\n", text);
	mem_free(text);
	json_free(out);
}
