/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: the list, one with its runs, and cancelling. */
#include "api/handlers.h"

#include "api/etag.h"
#include "api/http.h"
#include "api/internal.h"
#include "api/job.h"
#include "api/list.h"
#include "api/lookup.h"
#include "api/param.h"
#include "api/pins.h"
#include "api/rows.h"
#include "api/show.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/farm.h"
#include "core/rows.h"

/* ---- the list ---- */

static struct json *list_item(
	struct lookup *l, const void *row, const struct list_args *a, struct err *e)
{
	struct json *o = show_job(row, lookup_links(l));

	(void)a;
	if (!pins_show(o, l, ((const struct job_row *)row)->id, e))
		return o;
	json_free(o);
	return NULL;
}

static struct reply *list_work(const struct task_env *env, void *args)
{
	return list_reply(env, args, &job_table, "jobs", list_item);
}

void jobs_list(struct req *r)
{
	static const char *const known[] = {"state", "name", "branch", "limit", "cursor", NULL};
	static const struct task_kind kind = {list_work};
	struct list_args *a = mem_zalloc(sizeof(*a));
	char name[LIMIT_NAME] = "", branch[LIMIT_VALUE] = "";
	int64_t state = 0;

	if (!param_only(r, known) || !param_page(r, &a->page) ||
		!param_state(r, "state", job_state_name, JOB_STATES_END, &state) ||
		!param_text(r, "name", name, sizeof(name)) ||
		!param_text(r, "branch", branch, sizeof(branch))) {
		mem_free(a);
		return;
	}
	if (state)
		list_filter_num(a, "state", state);
	if (*name)
		list_filter_text(a, "name", name);
	if (*branch)
		list_filter_text(a, "branch", branch);
	req_read(r, &kind, a);
}

/* ---- one ---- */

static int add_runs(
	struct json *o, const struct task_env *env, struct lookup *l, int64_t job, struct err *e)
{
	struct store_page page = {
		.limit = API_RUNS_IN_JOB + 1, .n_filters = 1, .filters = {{"job", NULL, job}}};
	struct json *list = json_new_array(), *one;
	struct rows rows;
	int rc = rows_read(env->reader, &run_table, &page, &rows, e);

	for (int i = 0; i < rows.n && i < API_RUNS_IN_JOB && !rc; i++) {
		one = lookup_run(l, rows.all[i], true, NULL, e);
		if (one)
			json_push(list, one);
		else
			rc = e->code;
	}
	json_add(o, "runs", list);
	json_add_bool(o, "runs_cut", rows.n > API_RUNS_IN_JOB);
	rows_free(&rows);
	return rc;
}

struct reply *job_reply(const struct task_env *env, int64_t id, int status, bool *ret_over)
{
	struct lookup *l = lookup_new(env);
	struct err e = {0};
	const void *row;
	struct json *o = NULL;
	struct reply *p;
	char tag[ETAG_MAX];
	int rc;

	rc = lookup_need(l, &job_table, "job", 'j', id, &row, &e);
	if (!rc) {
		o = show_job(row, env->links);
		rc = pins_show(o, l, id, &e);
	}
	if (!rc) {
		rc = add_runs(o, env, l, id, &e);
		*ret_over = ((const struct job_row *)row)->ended_ms != 0;
	}
	if (rc) {
		json_free(o);
		p = reply_error(&e);
	} else {
		etag_of(o, tag);
		p = reply_json(status, o);
		reply_header(p, "ETag", "%s", tag);
	}
	lookup_free(l);
	return p;
}

struct get_args {
	int64_t id;
	char known[ETAG_KNOWN_MAX];
};

static struct reply *get_work(const struct task_env *env, void *args)
{
	const struct get_args *g = args;
	bool over;

	return etag_check(job_reply(env, g->id, 200, &over), g->known);
}

void jobs_get(struct req *r)
{
	static const char *const known[] = {"wait", NULL};
	static const struct task_kind kind = {get_work};
	struct get_args *g;
	int64_t id;

	if (!param_path_id(r, 'j', "job", &id) || !param_only(r, known))
		return;
	if (req_query(r, "wait")) {
		job_wait(r);
		return;
	}
	g = mem_zalloc(sizeof(*g));
	g->id = id;
	etag_read(r, g->known);
	req_read(r, &kind, g);
}

/* ---- cancelling ---- */

static void cancelled(struct req *r, const struct farm_answer *a)
{
	struct json *o;

	if (a->rc) {
		req_reply(r, ask_refused(a));
		return;
	}
	o = json_new_object();
	show_id(o, "id", 'j', a->id);
	json_add_str(o, "text", a->text);
	req_reply(r, reply_json(202, o));
}

void jobs_cancel(struct req *r)
{
	struct farm_event ev = {.kind = FARM_JOB_CANCEL};
	char reason[LIMIT_VALUE];

	if (!param_path_id(r, 'j', "job", &ev.u.cancel.job) ||
		!param_reason(r, reason, sizeof(reason)))
		return;
	ev.u.cancel.reason = reason;
	req_ask(r, &ev, cancelled);
}
