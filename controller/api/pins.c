/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: a pinned job's samples, events and files are kept whatever their age and whatever the quotas. That
 * somebody asked is on the disk, in the audit table, before anything is done.
 */
#include "api/pins.h"

#include <string.h>

#include "api/handlers.h"
#include "api/http.h"
#include "api/internal.h"
#include "api/lookup.h"
#include "api/param.h"
#include "api/show.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/farm.h"
#include "core/rows.h"
#include "farm/ctl.h"
#include "store/store.h"

int pins_show(struct json *o, struct lookup *l, int64_t job, struct err *e)
{
	const struct store_pin *pin;
	struct json *p;

	e->code = 0;
	pin = lookup_row(l, &store_pin_table, job, e);
	if (!pin) {
		json_add_null(o, "pinned");
		return e->code;
	}
	p = json_new_object();
	show_time(p, "at", pin->at_ms);
	json_add_str(p, "actor", pin->actor);
	json_add_str(p, "reason", pin->reason);
	json_add(o, "pinned", p);
	return 0;
}

/* ---- changing ---- */

struct args {
	struct store_pin pin;
	bool off;
};

static int store_it(const struct task_env *env, const struct args *a, struct err *e)
{
	struct store_txn *t = store_txn_new();
	int rc;

	if (a->off)
		store_txn_del(t, &store_pin_table, a->pin.id);
	else
		store_txn_put(t, &store_pin_table, &a->pin);
	rc = store_commit(ctl_store(env->ctl), t, e);
	store_txn_free(t);
	return rc;
}

static struct reply *work(const struct task_env *env, void *args)
{
	const struct args *a = args;
	struct lookup *l = lookup_new(env);
	const void *row;
	struct err e = {0};
	struct json *o;
	int rc = lookup_need(l, &job_table, "job", 'j', a->pin.id, &row, &e);

	if (!rc)
		rc = store_it(env, a, &e);
	if (rc) {
		lookup_free(l);
		return reply_error(&e);
	}
	o = show_job(row, env->links);
	rc = pins_show(o, l, a->pin.id, &e);
	lookup_free(l);
	if (!rc)
		return reply_json(200, o);
	json_free(o);
	return reply_error(&e);
}

static void noted(struct req *r, const struct farm_answer *answer)
{
	static const struct task_kind kind = {work};
	struct api *api = r->api;
	struct args *a;

	if (answer->rc) {
		req_reply(r, ask_refused(answer));
		return;
	}
	a = mem_zalloc(sizeof(*a));
	a->off = !strcmp(strrchr(r->path, '/'), "/unpin");
	a->pin.at_ms = ctl_now(api->ctl).wall_ms;
	str_copy(a->pin.actor, sizeof(a->pin.actor), r->who.actor);
	param_path_id(r, 'j', "job", &a->pin.id); /* both were read before */
	param_reason(r, a->pin.reason, sizeof(a->pin.reason));
	req_read(r, &kind, a);
}

static void change(struct req *r, const char *action)
{
	struct farm_event ev = {.kind = FARM_NOTE};
	char reason[LIMIT_VALUE];
	int64_t job;

	if (!param_path_id(r, 'j', "job", &job) || !param_reason(r, reason, sizeof(reason)))
		return;
	ev.u.note.action = action;
	ev.u.note.detail = r->param;
	req_ask(r, &ev, noted);
}

void pins_pin(struct req *r)
{
	change(r, "job.pin");
}

void pins_unpin(struct req *r)
{
	change(r, "job.unpin");
}
