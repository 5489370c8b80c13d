/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts: what devices themselves wrote about attempts that failed. Lists of a job's and of a
 * run's attempts, and one file. Names were checked when they were collected; bytes are the device's
 * and are given as nothing that a browser would show.
 */
#include "api/handlers.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/list.h"
#include "api/lookup.h"
#include "api/param.h"
#include "api/rows.h"
#include "api/show.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/row.h"
#include "core/rows.h"
#include "farm/ctl.h"
#include "store/store.h"

#define ATTEMPTS_PAGE 200

/* ---- lists ---- */

struct artifacts_args {
	const struct row_table *of; /* job_table or run_table */
	int64_t id;
	struct param_page page;
	struct cursor at; /* behind what is listed */
	bool more;        /* there is something behind it */
};

static void add_attempt(const struct task_env *env, struct artifacts_args *l,
	const struct attempt_row *a, struct json *list)
{
	struct ctl_artifact *files = mem_alloc(CTL_ARTIFACTS_MAX * sizeof(*files));
	int n = ctl_artifacts(env->ctl, a->id, files);

	for (int i = a->id == l->page.at.id ? (int)l->page.at.item : 0; i < n && !l->more; i++) {
		struct json *o;

		if (json_count(list) == l->page.limit) {
			l->more = true;
			break;
		}
		l->at = (struct cursor){a->id, i + 1};
		o = json_new_object();

		show_id(o, "run", 'r', a->run);
		show_id(o, "attempt", 'a', a->id);
		show_id(o, "device", 'd', a->device);
		json_add_str(o, "name", files[i].name);
		json_add_int(o, "bytes", files[i].bytes);
		json_push(list, o);
	}
	mem_free(files);
}

/* Of an attempt that the page before ended in, the rest comes first. */
static int add_attempts(
	const struct task_env *env, struct artifacts_args *l, struct json *list, struct err *e)
{
	struct store_page page = {.limit = ATTEMPTS_PAGE,
		.after = l->page.at.id ? l->page.at.id - 1 : 0,
		.n_filters = 1,
		.filters = {{l->of == &job_table ? "job" : "run", NULL, l->id}}};
	struct rows rows;
	int rc, n;

	do {
		rc = rows_read(env->reader, &attempt_table, &page, &rows, e);
		n = rows.n;
		for (int i = 0; i < n && !l->more; i++)
			add_attempt(env, l, rows.all[i], list);
		if (n)
			page.after = row_id(rows.table, rows.all[n - 1]);
		rows_free(&rows);
	} while (!rc && n == ATTEMPTS_PAGE && !l->more);
	return rc;
}

static struct reply *list_work(const struct task_env *env, void *args)
{
	struct artifacts_args *l = args;
	bool job = l->of == &job_table;
	struct lookup *look = lookup_new(env);
	struct json *list = json_new_array(), *o;
	struct err e = {0};
	const void *row;
	int rc = lookup_need(look, l->of, job ? "job" : "run", job ? 'j' : 'r', l->id, &row, &e);

	lookup_free(look);
	if (!rc)
		rc = list_check_place(env, &l->page, &attempt_table, &e);
	if (!rc)
		rc = add_attempts(env, l, list, &e);
	if (rc) {
		json_free(list);
		return reply_error(&e);
	}
	o = json_new_object();
	json_add(o, "artifacts", list);
	list_add_next(o, &l->page, l->more ? &l->at : NULL);
	return reply_json(200, o);
}

static void list(struct req *r, const struct row_table *of)
{
	static const char *const known[] = {"limit", "cursor", NULL};
	static const struct task_kind kind = {list_work};
	struct artifacts_args *a = mem_zalloc(sizeof(*a));

	a->of = of;
	if (!param_path_id(
		    r, of == &job_table ? 'j' : 'r', of == &job_table ? "job" : "run", &a->id) ||
		!param_only(r, known) || !param_page(r, &a->page)) {
		mem_free(a);
		return;
	}
	req_read(r, &kind, a);
}

void artifacts_job(struct req *r)
{
	list(r, &job_table);
}

void artifacts_run(struct req *r)
{
	list(r, &run_table);
}

/* ---- one file ---- */

struct get_args {
	int64_t attempt;
	char name[LIMIT_NAME];
};

static int read_whole(int fd, char *dst, int64_t n)
{
	for (int64_t at = 0; at < n;) {
		ssize_t got = pread(fd, dst + at, n - at, at);

		if (got <= 0)
			return ERR_IO;
		at += got;
	}
	return 0;
}

static struct reply *get_work(const struct task_env *env, void *args)
{
	struct get_args *g = args;
	struct err e = {0};
	struct reply *p;
	int64_t bytes;
	char *text;
	int fd = ctl_artifact_open(env->ctl, g->attempt, g->name, &bytes, &e);

	if (fd < 0)
		return reply_error(&e);
	bytes = bytes < API_ARTIFACT_BYTES ? bytes : API_ARTIFACT_BYTES;
	text = mem_alloc(bytes + 1);
	if (read_whole(fd, text, bytes)) {
		close(fd);
		mem_free(text);
		return reply_problem(500, "internal", "the file cannot be read");
	}
	close(fd);
	p = reply_take(200, "application/octet-stream", text, bytes);
	reply_header(p, "Content-Disposition", "attachment; filename=\"a%" PRId64 "-%s\"",
		g->attempt, g->name);
	return p;
}

void artifacts_get(struct req *r)
{
	static const char *const known[] = {"name", NULL};
	static const struct task_kind kind = {get_work};
	struct get_args *g = mem_zalloc(sizeof(*g));

	if (!param_path_id(r, 'a', "attempt", &g->attempt) || !param_only(r, known) ||
		!param_text(r, "name", g->name, sizeof(g->name))) {
		mem_free(g);
		return;
	}
	req_read(r, &kind, g);
}
