/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: exclusive right to a device, for a job's slot or for a person. Only a grant issues an
 * epoch. A lease that ends is releasing until its device is clean or quarantined, so that nobody
 * else gets a device that still carries the last one's things.
 */
#include "core/internal.h"

#include <assert.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/select.h"

#define RESERVATION_MAX_MS (24LL * 3600 * 1000)

static struct lease *lease_new(struct farm *f)
{
	struct lease *l = mem_zalloc(sizeof(*l));

	(void)f;
	ent_init(&l->ent, &lease_table, &l->row);
	timer_init(&l->timer, TIMER_LEASE, l);
	l->want.lease = l;
	return l;
}

void lease_load(struct farm *f, const struct lease_row *row)
{
	struct lease *l;

	if (lease_is_final(row->state))
		return;
	l = lease_new(f);
	l->row = *row;
	rstr_ref(l->row.selector);
	map_put(f->leases, row->id, l);
}

void lease_free(struct farm *f, struct lease *l)
{
	timer_clear(f, &l->timer);
	want_remove(f, &l->want);
	if (l->want.selq)
		selq_put(f, l->want.selq);
	if (l->device && l->device->lease == l)
		l->device->lease = NULL;
	if (l->job && l->job->slots[l->row.slot].lease == l)
		l->job->slots[l->row.slot].lease = NULL;
	map_del(f->leases, l->row.id);
	row_release(&lease_table, &l->row);
	mem_free(l);
}

void lease_extend_for(struct farm *f, struct lease *l, int64_t ms)
{
	timer_set(f, &l->timer, ms);
	l->row.expires_ms = f->now.wall_ms + ms;
	ent_touch(f, &l->ent);
}

static void granted(struct farm *f, struct device *d, struct lease *l)
{
	assert(!d->lease);
	l->device = d;
	d->lease = l;
	d->row.epoch++;
	l->row.device = d->row.id;
	l->row.epoch = d->row.epoch;
	l->row.granted_ms = f->now.wall_ms;
	ent_touch(f, &d->ent);
	lease_set_state(f, l, LEASE_GRANTED, NULL);
	device_set_state(f, d, DEVICE_LEASED, NULL);
}

struct lease *lease_grant_job(struct farm *f, struct device *d, struct job *j, int slot)
{
	struct lease *l = lease_new(f);
	struct slot *s = &j->slots[slot];

	assert(s->pending && !s->lease);
	l->row.id = farm_new_id(f, &lease_table);
	l->row.kind = LEASE_JOB;
	l->row.state = LEASE_WAITING;
	l->row.job = j->row.id;
	l->row.slot = slot;
	l->row.priority = j->row.priority;
	l->row.asked_ms = j->row.submitted_ms;
	str_copy(l->row.actor, sizeof(l->row.actor), j->row.actor);
	l->job = j;
	map_put(f->leases, l->row.id, l);
	s->pending = false;
	j->n_pending--;
	s->lease = l;
	s->device = d->row.id;
	granted(f, d, l);
	lease_extend_for(f, l, f->cfg.lease_grace_ms);
	/* Only this slot changed: where a job gets many devices in one step, a look at all of them behind
	 * each would cost their square. */
	job_settle(f, j);
	return l;
}

/* ---- the end ---- */

static struct attempt *live_attempt_of(const struct lease *l)
{
	if (!l->job)
		return NULL;
	for (int v = 0; v < l->job->n_variants; v++) {
		struct attempt *a = l->job->runs[l->row.slot * l->job->n_variants + v]->attempt;

		if (a && a->row.lease == l->row.id)
			return a;
	}
	return NULL;
}

static void leave_device(struct farm *f, struct lease *l, const char *cause)
{
	struct device *d = l->device;
	bool held = d->row.state == DEVICE_BUSY || d->row.state == DEVICE_LEASED;

	if (!held)
		return; /* it is coming back; device_settle() will clean it */
	if (!d->handle)
		device_set_state(f, d, DEVICE_ABSENT, cause);
	else if (!device_usable(d))
		device_fail(f, d, false, cause ? cause : "its agent is out of reach");
	else if (!l->job && l->exposed)
		l->action = action_issue(f, ACTION_UNEXPOSE, d, l, NULL, 0, 0, f->cfg.expose_ms);
	else
		device_clean(f, d);
}

void lease_end(struct farm *f, struct lease *l, enum lease_state ending, const char *cause)
{
	struct attempt *a = live_attempt_of(l);

	if (l->row.state == LEASE_RELEASING || lease_is_final(l->row.state))
		return;
	if (!l->row.ending) {
		l->row.ending = ending;
		ent_touch(f, &l->ent);
	}
	if (a) { /* its end brings us back here */
		attempt_stop(f, a, STOP_LEASE);
		return;
	}
	timer_clear(f, &l->timer);
	lease_set_state(f, l, LEASE_RELEASING, cause);
	if (l->job) {
		l->job->slots[l->row.slot].lease = NULL;
		job_requeue(f, l->job);
		l->job = NULL;
	}
	leave_device(f, l, cause);
}

void lease_finish(struct farm *f, struct lease *l)
{
	struct device *d = l->device;

	assert(l->row.state == LEASE_RELEASING && d->lease == l);
	if (l->action) { /* UNEXPOSE: its end finds no lease any more */
		action_cancel(f, l->action);
		l->action = 0;
	}
	lease_set_state(f, l, l->row.ending, NULL);
	d->lease = NULL;
	d->n_logs = 0;
	l->device = NULL;
}

void lease_timeout(struct farm *f, struct lease *l)
{
	struct attempt *a = live_attempt_of(l);

	if (l->row.state == LEASE_WAITING) {
		want_remove(f, &l->want);
		lease_set_state(f, l, LEASE_EXPIRED, "nobody waited for it any longer");
		return;
	}
	l->row.ending = LEASE_EXPIRED;
	ent_touch(f, &l->ent);
	if (a && !device_usable(l->device))
		attempt_fail(f, a, false, "the lease ran out while the device was out of reach");
	else
		lease_end(f, l, LEASE_EXPIRED, "the lease ran out");
}

/* ---- reservations ---- */

void lease_grant_waiting(struct farm *f, struct device *d, struct lease *l)
{
	want_remove(f, &l->want);
	granted(f, d, l);
	lease_extend_for(f, l, l->row.for_ms);
	if (d->can_expose)
		l->action = action_issue(f, ACTION_EXPOSE, d, l, NULL, 0, 0, f->cfg.expose_ms);
	else {
		lease_set_state(f, l, LEASE_ACTIVE, NULL);
		device_set_state(f, d, DEVICE_BUSY, NULL);
	}
}

void lease_action_done(
	struct farm *f, struct lease *l, enum action_kind kind, const struct farm_event *ev)
{
	struct device *d = l->device;
	bool held = d->row.state == DEVICE_BUSY || d->row.state == DEVICE_LEASED;

	if (kind == ACTION_UNEXPOSE) {
		l->exposed = ev->u.done.rc != 0;
		if (ev->u.done.rc)
			device_fail(f, d, ev->u.done.blame_device, ev->u.done.text);
		else if (held && device_usable(d))
			device_clean(f, d);
		return;
	}
	if (l->row.state != LEASE_GRANTED) /* ended meanwhile */
		return;
	if (ev->u.done.rc) {
		lease_end(f, l, LEASE_REVOKED, ev->u.done.text);
		return;
	}
	l->exposed = true;
	lease_set_state(f, l, LEASE_ACTIVE, NULL);
	if (held && d->row.state == DEVICE_LEASED)
		device_set_state(f, d, DEVICE_BUSY, NULL);
}

static bool for_ms_ok(struct farm *f, const struct farm_event *ev, int64_t ms)
{
	if (ms > 0 && ms <= RESERVATION_MAX_MS)
		return true;
	farm_answer(f, ev, ERR_RANGE, 0, "a reservation lasts from 1 ms to 24 h");
	return false;
}

void lease_ask(struct farm *f, const struct farm_event *ev)
{
	const char *json = rstr_text(ev->u.ask.selector);
	struct jobspec_selector sel;
	struct err e;
	struct lease *l;

	if (!for_ms_ok(f, ev, ev->u.ask.for_ms))
		return;
	if (selector_parse(json, rstr_len(ev->u.ask.selector), &sel, &e)) {
		farm_answer(f, ev, e.code, 0, "%s", e.text);
		return;
	}
	l = lease_new(f);
	l->row.id = farm_new_id(f, &lease_table);
	l->row.kind = LEASE_RESERVATION;
	l->row.state = LEASE_WAITING;
	l->row.priority = ev->u.ask.priority;
	l->row.asked_ms = f->now.wall_ms;
	l->row.selector = rstr_ref(ev->u.ask.selector);
	str_copy(l->row.actor, sizeof(l->row.actor), ev->actor ? ev->actor : "");
	str_copy(l->row.reason, sizeof(l->row.reason), ev->u.ask.reason);
	l->row.expires_ms = f->now.wall_ms + ev->u.ask.for_ms;
	l->row.for_ms = ev->u.ask.for_ms;
	map_put(f->leases, l->row.id, l);
	ent_touch(f, &l->ent);
	farm_audit(f, ev->actor, "lease.ask", 'l', l->row.id, l->row.reason);
	lease_enqueue(f, l, &sel);
	if (!selq_known(f, l->want.selq)) {
		want_remove(f, &l->want);
		lease_set_state(f, l, LEASE_REJECTED, "no known device matches");
		farm_answer(f, ev, ERR_NOTFOUND, l->row.id, "no known device matches %.200s", json);
		return;
	}
	farm_answer(f, ev, 0, l->row.id, "%s", lease_state_name(l->row.state));
}

void lease_enqueue(struct farm *f, struct lease *l, const struct jobspec_selector *sel)
{
	l->want.selq = selq_get(f, sel);
	l->want.priority = l->row.priority;
	l->want.seq = l->row.asked_ms;
	timer_set(f, &l->timer, l->row.for_ms);
	want_add(f, &l->want);
	queue_match_want(f, &l->want);
}

static struct lease *own_lease(struct farm *f, const struct farm_event *ev, int64_t id)
{
	struct lease *l = map_get(f->leases, id);

	if (l && l->row.kind == LEASE_RESERVATION && l->row.state != LEASE_RELEASING &&
		!lease_is_final(l->row.state))
		return l;
	farm_answer(f, ev, ERR_NOTFOUND, id, "there is no live reservation l%lld", (long long)id);
	return NULL;
}

void lease_extend(struct farm *f, const struct farm_event *ev)
{
	struct lease *l = own_lease(f, ev, ev->u.extend.lease);

	if (!l || !for_ms_ok(f, ev, ev->u.extend.for_ms))
		return;
	l->row.for_ms = ev->u.extend.for_ms;
	lease_extend_for(f, l, l->row.for_ms);
	farm_audit(f, ev->actor, "lease.extend", 'l', l->row.id, "");
	farm_answer(f, ev, 0, l->row.id, "extended");
}

void lease_release(struct farm *f, const struct farm_event *ev)
{
	struct lease *l = own_lease(f, ev, ev->u.release.lease);

	if (!l)
		return;
	farm_audit(f, ev->actor, "lease.release", 'l', l->row.id, "");
	if (l->row.state == LEASE_WAITING) {
		want_remove(f, &l->want);
		lease_set_state(f, l, LEASE_RELEASED, NULL);
	} else {
		lease_end(f, l, LEASE_RELEASED, NULL);
	}
	farm_answer(f, ev, 0, l->row.id, "released");
}
