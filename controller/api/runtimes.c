/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtimes: libraries that were registered under a name, which jobs may ask for. The file is uploaded
 * first, as every other; what is in it is read on a pool thread. That somebody asked is on the disk,
 * in the audit table, before anything is done.
 */
#include "api/handlers.h"

#include <stdio.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/param.h"
#include "api/show.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/farm.h"
#include "farm/ctl.h"

static struct json *show(const struct ctl_runtime *r)
{
	struct json *o = json_new_object(), *libs = json_new_array();

	json_add_str(o, "name", r->name);
	json_add_str(o, "sha256", r->sha256);
	show_time(o, "added", r->added_ms);
	for (int i = 0; i < r->n_libs; i++) {
		struct json *l = json_new_object();

		json_add_str(l, "abi", r->libs[i].abi);
		json_add_str(l, "libc", r->libs[i].libc);
		json_add_str(l, "sha256", r->libs[i].sha256);
		json_add_int(l, "bytes", r->libs[i].bytes);
		json_push(libs, l);
	}
	json_add(o, "libraries", libs);
	return o;
}

/* ---- the list ---- */

static struct reply *list_work(const struct task_env *env, void *args)
{
	struct ctl_runtime *all = mem_alloc(CTL_RUNTIMES_MAX * sizeof(*all));
	struct json *o = json_new_object(), *list = json_new_array();
	int n = ctl_runtimes(env->ctl, all);

	(void)args;
	for (int i = 0; i < n; i++)
		json_push(list, show(&all[i]));
	mem_free(all);
	json_add(o, "runtimes", list);
	return reply_json(200, o);
}

void runtimes_get(struct req *r)
{
	static const char *const known[] = {NULL};
	static const struct task_kind kind = {list_work};

	if (param_only(r, known))
		req_read(r, &kind, mem_zalloc(1));
}

/* ---- one more ---- */

struct body {
	char sha256[LIMIT_SHA256];
	char name[LIMIT_NAME];
};

static const struct json_field fields[] = {
	{"sha256", JSON_WANT_TEXT, offsetof(struct body, sha256), LIMIT_SHA256, 1,
		.required = true},
	{"name", JSON_WANT_NAME, offsetof(struct body, name), LIMIT_NAME, .required = true},
};

static int read_body(struct req *r, struct body *b, struct err *e)
{
	struct json_doc *doc = json_parse(buf_text(&r->body), r->body.len, e);
	int rc = doc ? json_read(doc, json_root(doc), "request", fields, 2, b, e) : e->code;

	json_doc_free(doc);
	if (!rc && !str_is_sha256(b->sha256))
		rc = err_set(e, ERR_PARSE,
			"\"sha256\" of a file must be 64 lower-case hexadecimal digits");
	if (rc)
		e->code = ERR_PARSE;
	return rc;
}

static struct reply *add_work(const struct task_env *env, void *args)
{
	struct ctl_runtime *r = mem_zalloc(sizeof(*r));
	const struct body *b = args;
	struct err e = {0};
	struct reply *p;

	if (ctl_runtime_add(env->ctl, b->sha256, b->name, r, &e))
		p = reply_error(&e);
	else
		p = reply_json(201, show(r));
	mem_free(r);
	return p;
}

static void add_noted(struct req *r, const struct farm_answer *a)
{
	static const struct task_kind kind = {add_work};
	struct body *b;
	struct err e = {0};

	if (a->rc) {
		req_reply(r, ask_refused(a));
		return;
	}
	b = mem_zalloc(sizeof(*b));
	read_body(r, b, &e); /* it was read before */
	req_read_for(r, &kind, b, API_HASH_MS);
}

static struct reply *missing(const char *sha256)
{
	struct json *more = json_new_object(), *list = json_new_array();

	json_push(list, json_new_string(sha256));
	json_add(more, "missing", list);
	return reply_problem_with(409, "missing-files", more,
		"the file is not here; PUT it to /api/v1/files/{sha256}, then ask again");
}

void runtimes_post(struct req *r)
{
	struct farm_event ev = {.kind = FARM_NOTE};
	char detail[LIMIT_SHA256 + LIMIT_NAME];
	struct api *a = r->api;
	struct body b = {"", ""};
	struct err e = {0};
	int64_t bytes;

	if (read_body(r, &b, &e)) {
		req_reply(r, reply_error(&e));
		return;
	}
	if (!ctl_blob_has(a->ctl, b.sha256, &bytes)) {
		req_reply(r, missing(b.sha256));
		return;
	}
	snprintf(detail, sizeof(detail), "%s %s", b.name, b.sha256);
	ev.u.note.action = "runtime.add";
	ev.u.note.detail = detail;
	req_ask(r, &ev, add_noted);
}

/* ---- one less ---- */

static struct reply *remove_work(const struct task_env *env, void *args)
{
	struct err e = {0};
	struct json *o;

	if (ctl_runtime_remove(env->ctl, args, &e))
		return reply_error(&e);
	o = json_new_object();
	json_add_str(o, "text", "removed");
	return reply_json(200, o);
}

static void remove_noted(struct req *r, const struct farm_answer *a)
{
	static const struct task_kind kind = {remove_work};

	if (a->rc)
		req_reply(r, ask_refused(a));
	else
		req_read(r, &kind, mem_strdup(r->param));
}

void runtimes_delete(struct req *r)
{
	static const char *const known[] = {NULL};
	struct farm_event ev = {.kind = FARM_NOTE};

	if (!param_only(r, known))
		return;
	ev.u.note.action = "runtime.remove";
	ev.u.note.detail = r->param;
	req_ask(r, &ev, remove_noted);
}
