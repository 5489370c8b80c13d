/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: the list, one, and what an operator does with it. */
#include "api/handlers.h"

#include "api/http.h"
#include "api/internal.h"
#include "api/list.h"
#include "api/lookup.h"
#include "api/param.h"
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
	(void)l, (void)e;
	return show_device(row, a->full);
}

static struct reply *list_work(const struct task_env *env, void *args)
{
	return list_reply(env, args, &device_table, "devices", list_item);
}

void devices_list(struct req *r)
{
	static const char *const known[] = {"state", "limit", "cursor", NULL};
	static const struct task_kind kind = {list_work};
	struct list_args *a = mem_zalloc(sizeof(*a));
	int64_t state = 0;

	if (!param_only(r, known) || !param_page(r, &a->page) ||
		!param_state(r, "state", device_state_name, DEVICE_STATES_END, &state)) {
		mem_free(a);
		return;
	}
	if (state)
		list_filter_num(a, "state", state);
	req_read(r, &kind, a);
}

/* ---- one ---- */

static struct reply *get_work(const struct task_env *env, void *args)
{
	struct lookup *l = lookup_new(env);
	const int64_t *id = args;
	struct err e = {0};
	const void *row;
	struct reply *p;

	if (lookup_need(l, &device_table, "device", 'd', *id, &row, &e))
		p = reply_error(&e);
	else
		p = reply_json(200, show_device(row, true));
	lookup_free(l);
	return p;
}

void devices_get(struct req *r)
{
	static const char *const known[] = {NULL};
	static const struct task_kind kind = {get_work};
	int64_t id, *arg;

	if (!param_path_id(r, 'd', "device", &id) || !param_only(r, known))
		return;
	arg = mem_alloc(sizeof(*arg));
	*arg = id;
	req_read(r, &kind, arg);
}

/* ---- operators ---- */

static void answered(struct req *r, const struct farm_answer *a)
{
	struct json *o;

	if (a->rc) {
		req_reply(r, ask_refused(a));
		return;
	}
	o = json_new_object();
	show_id(o, "id", 'd', a->id);
	json_add_str(o, "text", a->text);
	req_reply(r, reply_json(200, o));
}

static void admin(struct req *r, enum farm_admin what)
{
	struct farm_event ev = {.kind = FARM_DEVICE_ADMIN};
	char reason[LIMIT_VALUE];

	if (!param_path_id(r, 'd', "device", &ev.u.admin.device) ||
		!param_reason(r, reason, sizeof(reason)))
		return;
	ev.u.admin.what = what;
	ev.u.admin.reason = reason;
	req_ask(r, &ev, answered);
}

void devices_quarantine(struct req *r)
{
	admin(r, FARM_ADMIN_QUARANTINE);
}

void devices_release(struct req *r)
{
	admin(r, FARM_ADMIN_RELEASE);
}

void devices_retire(struct req *r)
{
	admin(r, FARM_ADMIN_RETIRE);
}
