/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, runs, attempts and events as JSON; see show.h. */
#include "api/show.h"

#include <string.h>

#include "agents/plan.h"
#include "api/param.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/rows.h"
#include "farm/ctl.h"

void show_id(struct json *o, const char *key, char letter, int64_t id)
{
	char text[PARAM_ID];

	param_id_text(text, letter, id);
	json_add_str(o, key, id ? text : NULL);
}

void show_time(struct json *o, const char *key, int64_t wall_ms)
{
	char text[25];

	clock_iso8601(text, wall_ms);
	json_add_str(o, key, wall_ms ? text : NULL);
}

void show_stored(struct json *o, const char *key, const struct rstr *text)
{
	struct json_doc *doc =
		rstr_len(text) ? json_parse(rstr_text(text), rstr_len(text), NULL) : NULL;

	if (doc)
		json_add(o, key, json_dup(json_root(doc)));
	else
		json_add_null(o, key);
	json_doc_free(doc);
}

static void show_url(struct json *o, const char *links, const char *path, char letter, int64_t id)
{
	char text[PARAM_ID], *url;

	param_id_text(text, letter, id);
	url = mem_printf("%s%s%s", links, path, text);
	json_add_str(o, "url", url);
	mem_free(url);
}

/* ---- what happens ---- */

struct json *show_event(const struct event_row *ev)
{
	struct json *o = json_new_object();

	json_add_int(o, "id", ev->id);
	show_time(o, "at", ev->at_ms);
	json_add_str(o, "topic", ev->topic);
	show_id(o, "subject", ev->topic[0], ev->subject);
	show_id(o, "job", 'j', ev->job);
	json_add_str(o, "from", ev->from_state);
	json_add_str(o, "to", ev->to_state);
	json_add_str(o, "actor", ev->actor);
	json_add_str(o, "cause", ev->cause);
	return o;
}

struct json *show_progress(const struct ctl_progress *p)
{
	struct json *o = json_new_object();

	show_id(o, "job", 'j', p->job);
	show_id(o, "run", 'r', p->run);
	show_id(o, "attempt", 'a', p->attempt);
	show_id(o, "device", 'd', p->device);
	json_add_str(o, "phase", p->phase);
	json_add_int(o, "permille", p->permille);
	json_add_int(o, "iterations", p->iterations);
	json_add_int(o, "over_budget", p->over_budget);
	if (p->thermal_known)
		json_add_int(o, "hottest_mc", p->hottest_mc);
	else
		json_add_null(o, "hottest_mc");
	json_add_str(o, "note", p->note);
	return o;
}

/* ---- jobs ---- */

struct json *show_job(const struct job_row *j, const char *links)
{
	struct json *o = json_new_object();

	show_id(o, "id", 'j', j->id);
	json_add_str(o, "name", j->name);
	json_add_str(o, "state", job_state_name(j->state));
	json_add_str(o, "verdict", verdict_name(j->verdict));
	json_add_int(o, "exit_code", j->exit_code);
	json_add_str(o, "actor", j->actor);
	json_add_str(o, "commit", j->commit_id);
	json_add_str(o, "branch", j->branch);
	show_stored(o, "labels", j->labels);
	json_add_int(o, "priority", j->priority);
	show_time(o, "submitted_at", j->submitted_ms);
	show_time(o, "started_at", j->started_ms);
	show_time(o, "ended_at", j->ended_ms);
	json_add_str(o, "cause", j->cause);
	json_add_int(o, "n_runs", j->n_runs);
	json_add_int(o, "n_ended", j->n_ended);
	json_add_int(o, "n_failed", j->n_failed);
	show_url(o, links, "/?job=", 'j', j->id);
	return o;
}

void show_model_name(const struct rstr *spec, char *dst, unsigned size)
{
	struct json_doc *doc =
		rstr_len(spec) ? json_parse(rstr_text(spec), rstr_len(spec), NULL) : NULL;
	const struct json *model = doc ? json_get(json_root(doc), "model") : NULL;
	const char *name = model ? json_str(json_get(model, "name")) : "";

	str_copy_clean(dst, size, name, strlen(name));
	json_doc_free(doc);
}

/* ---- runs ---- */

static void copy_member(struct json *to, const char *as, const struct json *from, const char *key)
{
	const struct json *v = from ? json_get(from, key) : NULL;

	if (v)
		json_add(to, as, json_dup(v));
	else
		json_add_null(to, as);
}

static const struct json *gate_of(const struct json *result, const char *name)
{
	JSON_FOREACH (g, json_get(result, "gates"))
		if (!strcmp(json_str(json_get(g, "name")), name))
			return g;
	return NULL;
}

static void summarize_budget(struct json *o, const struct json *result)
{
	static const char *const of_gate[] = {
		"budget_ns", "percentile", "value_ns", "lower_ns", "upper_ns", "skipped"};
	static const char *const of_block[] = {
		"n", "over", "over_percent", "longest_streak", "p50_ns", "p90_ns", "p99_ns"};
	const struct json *gate = gate_of(result, "budget");
	const struct json *metrics = json_get(result, "metrics"), *block;
	const char *name = "paced";

	block = metrics ? json_get(metrics, name) : NULL;
	if (!block && metrics) {
		block = json_get(metrics, "back_to_back");
		name = "back_to_back";
	}
	json_add_str(o, "block", block ? name : NULL);
	for (unsigned i = 0; i < sizeof(of_gate) / sizeof(*of_gate); i++)
		copy_member(o, of_gate[i], gate, of_gate[i]);
	for (unsigned i = 0; i < sizeof(of_block) / sizeof(*of_block); i++)
		copy_member(o, of_block[i], block, of_block[i]);
}

static void summarize_gates(struct json *o, const struct json *result)
{
	struct json *list = json_new_array();

	JSON_FOREACH (g, json_get(result, "gates")) {
		struct json *one = json_new_object();

		copy_member(one, "name", g, "name");
		copy_member(one, "verdict", g, "verdict");
		json_push(list, one);
	}
	json_add(o, "gates", list);
}

struct json *show_summary(const struct rstr *result)
{
	struct json_doc *doc =
		rstr_len(result) ? json_parse(rstr_text(result), rstr_len(result), NULL) : NULL;
	const struct json *root = doc ? json_root(doc) : NULL;
	struct json *o = NULL;

	if (root && json_is_object(root)) {
		o = json_new_object();
		copy_member(o, "text", root, "text");
		summarize_budget(o, root);
		summarize_gates(o, root);
		copy_member(o, "environment", root, "environment");
	}
	json_doc_free(doc);
	return o;
}

static void show_run_device(struct json *o, const struct show_run *s)
{
	struct json *d;

	if (!s->device) {
		json_add_null(o, "device");
		return;
	}
	d = json_new_object();
	show_id(d, "id", 'd', s->device->id);
	json_add_str(d, "name", s->device->name);
	json_add_str(d, "model", s->device->model);
	json_add_bool(d, "virtual", s->device->is_virtual);
	json_add(o, "device", d);
}

static void show_run_result(struct json *o, const struct show_run *s)
{
	struct json *summary = show_summary(s->run->result);

	if (summary)
		json_add(o, "summary", summary);
	else
		json_add_null(o, "summary");
	if (s->full)
		show_stored(o, "result", s->run->result);
}

struct json *show_run(const struct show_run *s)
{
	const struct run_row *r = s->run;
	struct json *o = json_new_object();

	show_id(o, "id", 'r', r->id);
	show_id(o, "job", 'j', r->job);
	json_add_str(o, "job_name", s->job ? s->job->name : "");
	json_add_str(o, "model", s->model);
	json_add_str(o, "variant", r->variant_name);
	json_add_int(o, "slot", r->slot);
	show_run_device(o, s);
	json_add_str(o, "state", run_state_name(r->state));
	json_add_str(o, "verdict", verdict_name(r->verdict));
	json_add_str(o, "failure", failure_name(r->failure));
	json_add_int(o, "exit_code", r->exit_code);
	json_add_int(o, "round", r->round);
	if (s->attempts)
		json_add(o, "attempts", s->attempts);
	else
		json_add_int(o, "attempts", r->attempts);
	json_add_str(o, "cause", r->cause);
	show_time(o, "queued_at", r->queued_ms);
	show_time(o, "started_at", r->started_ms);
	show_time(o, "ended_at", r->ended_ms);
	show_url(o, s->links, "/runs/", 'r', r->id);
	if (s->progress)
		json_add(o, "progress", show_progress(s->progress));
	else
		json_add_null(o, "progress");
	show_run_result(o, s);
	return o;
}

struct json *show_attempt(const struct attempt_row *a)
{
	struct json *o = json_new_object();

	show_id(o, "id", 'a', a->id);
	json_add_int(o, "round", a->round);
	show_id(o, "device", 'd', a->device);
	json_add_str(o, "state", attempt_state_name(a->state));
	json_add_str(o, "outcome", a->outcome < 0 ? NULL : outcome_name(a->outcome));
	json_add_str(o, "failure", failure_name(a->failure));
	json_add_bool(o, "counted", a->counted);
	json_add_str(o, "cause", a->cause);
	show_time(o, "created_at", a->created_ms);
	show_time(o, "started_at", a->started_ms);
	show_time(o, "ended_at", a->ended_ms);
	show_stored(o, "record", a->record);
	return o;
}
