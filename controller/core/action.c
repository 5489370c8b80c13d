/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions: what the core asks the world to do. Each is a row until it is done, so that a crash
 * leaves a record of what was under way. Each has a deadline; at the deadline it is cancelled, and
 * when even that brings no completion within the grace it is given up and treated as timed out (a
 * completion that still comes finds nothing and is ignored).
 */
#include "core/internal.h"

#include <assert.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"

static void give_out(struct farm *f, const struct farm_action *a)
{
	struct farm_out *o = f->out;

	if (o->n_actions == o->cap_actions) {
		o->cap_actions = o->cap_actions ? 2 * o->cap_actions : 16;
		o->actions = mem_realloc(o->actions, o->cap_actions, sizeof(*o->actions));
	}
	o->actions[o->n_actions++] = *a;
}

int64_t action_issue(struct farm *f, enum action_kind kind, struct device *d, struct lease *l,
	struct attempt *a, int64_t run, int64_t arg, int64_t deadline_ms)
{
	struct action *act = mem_zalloc(sizeof(*act));
	struct farm_action out = {.kind = kind, .run = run, .arg = arg};

	act->row.id = farm_new_id(f, &action_table);
	act->row.kind = kind;
	act->row.device = d ? d->row.id : 0;
	act->row.lease = l ? l->row.id : 0;
	act->row.run = run;
	act->row.attempt = a ? a->row.id : 0;
	act->row.arg = arg;
	act->row.issued_ms = f->now.wall_ms;
	ent_init(&act->ent, &action_table, &act->row);
	timer_init(&act->timer, TIMER_ACTION, act);
	timer_set(f, &act->timer, deadline_ms);
	map_put(f->actions, act->row.id, act);
	ent_touch(f, &act->ent);

	out.id = act->row.id;
	out.device = act->row.device;
	out.handle = d ? d->handle : 0;
	out.lease = act->row.lease;
	out.attempt = act->row.attempt;
	out.epoch = l ? l->row.epoch : 0;
	out.ttl_ms = l && l->timer.pos ? l->timer.at - f->now.mono_ms : 0;
	give_out(f, &out);
	return out.id;
}

void action_owe(struct farm *f, int64_t id, const struct farm_event *ev)
{
	struct action *act = map_get(f->actions, id);
	struct farm_action *out = &f->out->actions[f->out->n_actions - 1];

	assert(out->id == id);
	act->token = ev->token;
	out->more = rstr_ref(ev->u.admin.more);
}

void action_cancel(struct farm *f, int64_t id)
{
	struct action *act = map_get(f->actions, id);

	if (!act || act->cancelled)
		return;
	act->cancelled = true;
	timer_set(f, &act->timer, f->cfg.cancel_grace_ms);
	give_out(f, &(struct farm_action){.id = id,
			    .kind = act->row.kind,
			    .device = act->row.device,
			    .attempt = act->row.attempt,
			    .run = act->row.run,
			    .cancel = true});
}

static void dispatch(struct farm *f, const struct action_row *row, const struct farm_event *ev)
{
	struct device *d;
	struct attempt *a;
	struct lease *l;
	struct run *r;

	switch ((enum action_kind)row->kind) {
	case ACTION_IDENTIFY:
	case ACTION_PREPARE:
	case ACTION_CLEAN:
	case ACTION_RECOVER:
	case ACTION_COLLECT:
	case ACTION_DETACH:
	case ACTION_ATTACH:
	case ACTION_INSTALL:
	case ACTION_PROVISION:
		d = map_get(f->devices, row->device);
		if (d && d->action == row->id) {
			d->action = 0;
			device_action_done(f, d, row->kind, ev);
		}
		return;
	case ACTION_STAGE:
	case ACTION_START:
		a = map_get(f->attempts, row->attempt);
		if (a && a->action == row->id) {
			a->action = 0;
			attempt_action_done(f, a, row->kind, ev);
		}
		return;
	case ACTION_DISCARD:
		a = map_get(f->attempts, row->attempt);
		d = map_get(f->devices, row->device);
		if (a)
			attempt_action_done(f, a, row->kind, ev);
		else if (d && ev->u.done.rc)
			stray_failed(f, d, row->arg);
		return;
	case ACTION_JUDGE:
		r = map_get(f->runs, row->run);
		if (r && r->action == row->id) {
			r->action = 0;
			run_judged(f, r, ev);
		}
		return;
	case ACTION_EXPOSE:
	case ACTION_UNEXPOSE:
		l = map_get(f->leases, row->lease);
		if (l && l->action == row->id) {
			l->action = 0;
			lease_action_done(f, l, row->kind, ev);
		}
		return;
	case ACTION_STOP: /* its effect is the agent's END */
	case ACTION_KINDS_END:
		return;
	}
}

/* What a device failed at is its asker's to know, and never a reason to ask again by itself. */
static int answer_rc(int rc)
{
	return !rc || rc == ERR_GONE || rc == ERR_UNSUPPORTED ? rc : ERR_UNREACHABLE;
}

static void answer(struct farm *f, const struct action *act, const struct farm_event *ev)
{
	static const char *const done[ACTION_KINDS_END] = {
		[ACTION_DETACH] = "detached",
		[ACTION_ATTACH] = "taken back",
		[ACTION_INSTALL] = "installed",
		[ACTION_PROVISION] = "provisioned",
	};
	struct farm_event asked = {.token = act->token};

	if (!act->token)
		return;
	farm_answer(f, &asked, answer_rc(ev->u.done.rc), act->row.device, "%s",
		ev->u.done.rc ? ev->u.done.text : done[act->row.kind]);
	f->out->answers[f->out->n_answers - 1].body =
		ev->u.done.rc ? NULL : rstr_ref(ev->u.done.record);
}

static void finish(struct farm *f, struct action *act, const struct farm_event *ev)
{
	struct action_row row = act->row;

	timer_clear(f, &act->timer);
	map_del(f->actions, row.id);
	act->ent.deleted = act->ent.forget = true;
	ent_touch(f, &act->ent);
	answer(f, act, ev);
	dispatch(f, &row, ev);
}

#define NO_ANSWER "no answer within its deadline"

void action_done(struct farm *f, const struct farm_event *ev)
{
	struct action *act = map_get(f->actions, ev->u.done.action);
	struct farm_event why = *ev;

	if (!act)
		return;
	/* That it was cancelled is what we did about it; a person wants to know why. */
	if (act->overdue && ev->u.done.rc == ERR_CANCELLED)
		why.u.done.text = NO_ANSWER;
	finish(f, act, &why);
}

void action_timeout(struct farm *f, struct action *act)
{
	struct farm_event ev = {.kind = FARM_ACTION_DONE,
		.u.done = {.action = act->row.id,
			.rc = ERR_TIMEOUT,
			.text = NO_ANSWER,
			.blame_device = true}};

	if (act->cancelled) {
		finish(f, act, &ev);
		return;
	}
	act->overdue = true;
	action_cancel(f, act->row.id);
}
