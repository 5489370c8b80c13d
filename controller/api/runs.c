/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: the list, and one with its attempts and with what the shown attempt left in the store. */
#include "api/handlers.h"

#include <string.h>

#include "api/attempt.h"
#include "api/etag.h"
#include "api/http.h"
#include "api/internal.h"
#include "api/list.h"
#include "api/lookup.h"
#include "api/param.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/rows.h"

/* ---- the list ---- */

static struct json *list_item(
	struct lookup *l, const void *row, const struct list_args *a, struct err *e)
{
	return lookup_run(l, row, a->full, NULL, e);
}

static struct reply *list_work(const struct task_env *env, void *args)
{
	return list_reply(env, args, &run_table, "runs", list_item);
}

static bool read_filters(struct req *r, struct list_args *a)
{
	int64_t job = 0, device = 0, state = 0, verdict = 0;

	if (!param_id(r, "job", 'j', &job) || !param_id(r, "device", 'd', &device) ||
		!param_state(r, "state", run_state_name, RUN_STATES_END, &state) ||
		!param_state(r, "verdict", verdict_name, VERDICT_INCONCLUSIVE + 1, &verdict))
		return false;
	if (job)
		list_filter_num(a, "job", job);
	if (device)
		list_filter_num(a, "device", device);
	if (state)
		list_filter_num(a, "state", state);
	if (verdict)
		list_filter_num(a, "verdict", verdict);
	return true;
}

void runs_list(struct req *r)
{
	static const char *const known[] = {
		"job", "device", "state", "verdict", "view", "limit", "cursor", NULL};
	static const struct task_kind kind = {list_work};
	struct list_args *a = mem_zalloc(sizeof(*a));
	char view[16] = "full";
	bool ok;

	ok = param_only(r, known) && param_page(r, &a->page) &&
	     param_text(r, "view", view, sizeof(view)) && read_filters(r, a);
	a->full = strcmp(view, "summary") != 0;
	if (ok && a->full && strcmp(view, "full") != 0) {
		ok = false;
		req_reply(r, reply_problem(400, "invalid-request",
				     "the parameter 'view' should be full or summary"));
	}
	if (!ok) {
		mem_free(a);
		return;
	}
	req_read(r, &kind, a);
}

/* ---- one ---- */

struct get_args {
	int64_t run, attempt;
	char known[ETAG_KNOWN_MAX];
};

static int show_whole(const struct task_env *env, struct lookup *l, const struct get_args *g,
	struct json **ret_o, struct err *e)
{
	struct attempts list = {.items = json_new_array()};
	const void *row;
	int rc;

	rc = lookup_need(l, &run_table, "run", 'r', g->run, &row, e);
	if (!rc)
		rc = attempts_read(env->reader, g->run, g->attempt, &list, e);
	if (rc) {
		json_free(list.items);
		return rc;
	}
	*ret_o = lookup_run(l, row, true, list.items, e);
	return *ret_o ? attempt_show(env->reader, list.shown, *ret_o, e) : e->code;
}

static struct reply *get_work(const struct task_env *env, void *args)
{
	struct get_args *g = args;
	struct lookup *l = lookup_new(env);
	struct json *o = NULL;
	struct err e = {0};
	int rc = show_whole(env, l, g, &o, &e);
	char tag[ETAG_MAX];
	struct reply *p;

	lookup_free(l);
	if (!rc) {
		etag_of(o, tag);
		p = reply_json(200, o);
		reply_header(p, "ETag", "%s", tag);
		return etag_check(p, g->known);
	}
	json_free(o);
	return reply_error(&e);
}

void runs_get(struct req *r)
{
	static const char *const known[] = {"attempt", NULL};
	static const struct task_kind kind = {get_work};
	int64_t run, attempt = 0;
	struct get_args *g;

	if (!param_path_id(r, 'r', "run", &run) || !param_only(r, known) ||
		!param_id(r, "attempt", 'a', &attempt))
		return;
	g = mem_zalloc(sizeof(*g));
	*g = (struct get_args){.run = run, .attempt = attempt};
	etag_read(r, g->known);
	req_read(r, &kind, g);
}
