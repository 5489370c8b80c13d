/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world: its phones, and the actions that the controller has given out. Each ends exactly once,
 * as the driver contract says, unless the controller dies first or its fate is one of those that
 * break the contract; a phone that goes completes its actions with ERR_GONE before it is gone.
 */
#include "world.h"

#include "base/err.h"
#include "base/mem.h"
#include "host.h"
#include "memstore.h"
#include "oracle.h"
#include "phone.h"
#include "sim.h"
#include "stats.h"

struct world *world_new(struct sim *s, int n_devices)
{
	struct world *w = mem_zalloc(sizeof(*w));

	w->s = s;
	w->n = n_devices;
	w->phones = mem_zalloc(n_devices * sizeof(*w->phones));
	TAILQ_INIT(&w->ops);
	for (int i = 0; i < n_devices; i++) {
		w->phones[i].w = w;
		w->phones[i].no = i;
		w->phones[i].exists = chance_happens(s->chance, SERIES_DEVICE, i);
		w->phones[i].plugged = w->phones[i].exists;
		w->phones[i].temp_mc = 30000;
	}
	return w;
}

void world_free(struct world *w)
{
	struct op *op;

	while ((op = TAILQ_FIRST(&w->ops))) {
		TAILQ_REMOVE(&w->ops, op, link);
		mem_free(op);
	}
	mem_free(w->phones);
	mem_free(w);
}

void world_restarted(struct world *w)
{
	for (int i = 0; i < w->n; i++)
		if (w->phones[i].plugged)
			phone_arrive(&w->phones[i]);
}

/* ---- ends of actions ---- */

static void op_due(void *arg);

static void reap_soon(struct op *op)
{
	if (op->waiting)
		host_after(op->w->s->host, 0, op_due, op);
	op->waiting = false;
}

struct late {
	struct phone *p;
	int64_t session;
	struct farm_event ev;
};

static void tell_late(void *arg)
{
	struct late *l = arg;

	if (l->p->session != l->session)
		l->ev.u.done.rc = ERR_GONE;
	sim_post(l->p->w->s, &l->ev);
	mem_free(l);
}

/* A START arrives in time or not at all, for it goes with its session; its answer may be late. */
static void answer_late(struct op *op, const struct farm_event *ev)
{
	struct late *l = mem_zalloc(sizeof(*l));

	*l = (struct late){op->p, op->p->session, *ev};
	host_after_own(op->w->s->host, op->fate.late_ms, tell_late, l);
}

void op_tell(struct op *op, struct farm_event *ev)
{
	reap_soon(op);
	op->done = true;
	if (op->silent)
		return;
	ev->kind = FARM_ACTION_DONE;
	ev->u.done.action = op->act.id;
	if (op->fate.kind == FATE_LATE)
		stats_count(FAULT_LATE);
	if (op->fate.kind == FATE_LATE && op->act.kind == ACTION_START && op->p) {
		answer_late(op, ev);
		return;
	}
	sim_post(op->w->s, ev);
	if (op->fate.kind == FATE_DOUBLED) {
		stats_count(FAULT_DOUBLED);
		sim_post(op->w->s, ev);
	}
}

void op_done(struct op *op, int rc, bool blame)
{
	struct farm_event ev = {
		.u.done = {.rc = rc, .text = rc ? err_name(rc) : "", .blame_device = blame}};

	op_tell(op, &ev);
}

void ops_gone(struct phone *p, enum action_kind only)
{
	struct op *op;

	TAILQ_FOREACH (op, &p->w->ops, link)
		if (!op->done && op->p == p && op->act.kind != ACTION_JUDGE &&
			(!only || op->act.kind == only))
			op_done(op, ERR_GONE, false);
}

void world_crash(struct world *w)
{
	struct op *op;

	TAILQ_FOREACH (op, &w->ops, link) {
		reap_soon(op);
		op->done = true;
	}
	for (int i = 0; i < w->n; i++)
		w->phones[i].handle = w->phones[i].id = w->phones[i].session = 0;
}

/* ---- from the turn to the phone ---- */

static void op_due(void *arg)
{
	struct op *op = arg;
	struct sim *s = op->w->s;

	if (op->waiting)
		return; /* until it is cancelled, or the phone goes */
	if (!op->done && op->fate.kind == FATE_FAILS && !s->peace) {
		stats_count(FAULT_FAILS);
		op_done(op, op->fate.rc, op->fate.blame);
	} else if (!op->done) {
		if (op->fate.kind == FATE_LOST) {
			stats_count(FAULT_LOST);
			op->silent = true;
		}
		op_perform(op);
	}
	TAILQ_REMOVE(&op->w->ops, op, link);
	mem_free(op);
}

static struct phone *phone_of(struct world *w, const struct farm_action *a)
{
	for (int i = 0; i < w->n; i++)
		if (w->phones[i].handle && w->phones[i].handle == a->handle)
			return &w->phones[i];
	return NULL;
}

static void cancel(struct world *w, int64_t action)
{
	struct op *op;

	TAILQ_FOREACH (op, &w->ops, link) {
		if (op->act.id != action || op->done)
			continue;
		if (op->fate.obeys || w->s->peace)
			op_done(op, ERR_CANCELLED, false);
		else
			stats_count(FAULT_DEAF); /* it is given up in the end */
		return;
	}
}

static void must_be_ours(const struct op *op)
{
	/* What was asked before it was let go and given up may still end. */
	if (op->p && op->p->let_go && op->act.kind != ACTION_ATTACH &&
		op->act.kind != ACTION_IDENTIFY && op->act.kind != ACTION_DETACH &&
		op->act.kind != ACTION_DISCARD)
		sim_panic(op->w->s, "a device that was handed over is left alone: %s of d%lld",
			action_kind_name(op->act.kind), (long long)op->act.device);
}

void world_action(struct world *w, const struct farm_action *a)
{
	struct op *op;

	if (a->cancel) {
		cancel(w, a->id);
		return;
	}
	oracle_action(w->s->oracle, a);
	op = mem_zalloc(sizeof(*op));
	op->w = w;
	op->act = *a;
	op->p = phone_of(w, a);
	op->fate = w->s->fate(w->s, a, op->p ? op->p->no : -1, op->p ? op->p->n_ops++ : w->n_ops++);
	TAILQ_INSERT_TAIL(&w->ops, op, link);
	if (!op->p && a->kind != ACTION_JUDGE) {
		op_done(op, ERR_GONE, false);
		host_after(w->s->host, 0, op_due, op);
		return;
	}
	must_be_ours(op);
	op->waiting = op->fate.kind == FATE_STALLS;
	if (op->waiting)
		stats_count(FAULT_STALL);
	else
		host_after(w->s->host, op->fate.after_ms, op_due, op);
}

/* ---- peace, and the end ---- */

void world_peace(struct world *w)
{
	struct op *op;

	memstore_set_failing(w->s->store, 0);
	memstore_set_slow(w->s->store, 0);
	for (int i = 0; i < w->n; i++) {
		struct phone *p = &w->phones[i];

		p->temp_mc = 30000;
		world_replug(w, i);
		if (p->handle)
			sim_post(w->s, &(struct farm_event){.kind = FARM_DEVICE_NEEDS_HUMAN,
					       .u.needs_human = {.handle = p->handle, .text = ""}});
		phone_status(p);
		for (int k = 0; k < p->n_spool; k++)
			p->spool[k].disobeys = false;
	}
	TAILQ_FOREACH (op, &w->ops, link)
		reap_soon(op);
}

/* The first attempt in the spool of a phone that the farm can reach; NULL: all have drained. */
static const struct kept *what_is_kept(const struct world *w, const struct phone **ret_p)
{
	for (int i = 0; i < w->n; i++) {
		const struct phone *p = &w->phones[i];
		const struct device_row *d = farm_device(turn_farm(w->s->turn), p->id);

		*ret_p = p;
		if (p->n_spool && p->session && d && d->state != DEVICE_QUARANTINED &&
			d->state != DEVICE_RETIRED)
			return &p->spool[0];
	}
	return NULL;
}

bool world_drained(const struct world *w)
{
	const struct phone *p;

	return !what_is_kept(w, &p);
}

void world_final(const struct world *w)
{
	const struct phone *p;
	const struct kept *k = what_is_kept(w, &p);

	if (k)
		sim_panic(w->s, "every spool drains: d%lld still has a%lld%s", (long long)p->id,
			(long long)k->id, k->running ? ", which runs" : "");
}
