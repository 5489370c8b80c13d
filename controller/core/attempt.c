/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts: one try of one round on one device. Infrastructure errors end an attempt and begin
 * another, elsewhere where something else matches; whatever the model did is a result and is
 * judged.
 * A link that is down does not end an attempt: the run is reattaching until the agent answers or a
 * deadline passes.
 */
#include "core/internal.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

bool attempt_is_live(const struct attempt *a)
{
	return a->row.state != ATTEMPT_DONE;
}

static struct attempt *attempt_new(void)
{
	struct attempt *a = mem_zalloc(sizeof(*a));

	ent_init(&a->ent, &attempt_table, &a->row);
	timer_init(&a->timer, TIMER_ATTEMPT, a);
	return a;
}

void attempt_load(struct farm *f, const struct attempt_row *row)
{
	struct run *r = map_get(f->runs, row->run);
	struct attempt *a;

	if ((row->state == ATTEMPT_DONE && !row->spool) || map_get(f->attempts, row->id))
		return; /* nothing is left of it, or it was loaded already */
	a = attempt_new();
	a->row = *row;
	rstr_ref(a->row.record);
	a->run = r;
	if (r)
		TAILQ_INSERT_TAIL(&r->job->attempts, a, of_job);
	map_put(f->attempts, row->id, a);
	if (r && attempt_is_live(a))
		r->attempt = a;
}

void attempt_free(struct farm *f, struct attempt *a)
{
	timer_clear(f, &a->timer);
	map_del(f->attempts, a->row.id);
	if (a->run) {
		TAILQ_REMOVE(&a->run->job->attempts, a, of_job);
		if (a->run->attempt == a)
			a->run->attempt = NULL;
	}
	row_release(&attempt_table, &a->row);
	mem_free(a);
}

static struct device *device_of(struct farm *f, const struct attempt *a)
{
	return map_get(f->devices, a->row.device);
}

/* Its lease, while that is not releasing. */
static struct lease *lease_of(struct farm *f, const struct attempt *a)
{
	struct lease *l = map_get(f->leases, a->row.lease);

	return l && l->job && l->row.state != LEASE_RELEASING ? l : NULL;
}

static int64_t length_ms(const struct attempt *a)
{
	return a->run->job->deadline_ms[a->run->row.variant];
}

struct attempt *attempt_begin(struct farm *f, struct run *r, struct lease *l)
{
	struct attempt *a = attempt_new();
	struct job *j = r->job;

	assert(!r->attempt && device_usable(l->device));
	a->run = r;
	TAILQ_INSERT_TAIL(&r->job->attempts, a, of_job);
	a->row.id = farm_new_id(f, &attempt_table);
	a->row.run = r->row.id;
	a->row.job = j->row.id;
	a->row.device = l->row.device;
	a->row.lease = l->row.id;
	a->row.epoch = l->row.epoch;
	a->row.state = ATTEMPT_STAGING;
	a->row.outcome = -1;
	a->row.created_ms = f->now.wall_ms;
	if (!r->row.round)
		r->row.round = 1;
	a->row.round = r->row.round;
	map_put(f->attempts, a->row.id, a);
	ent_touch(f, &a->ent);

	j->newest = a->row.id;
	r->attempt = a;
	r->row.device = l->row.device;
	r->row.attempts++;
	if (!r->row.started_ms)
		r->row.started_ms = f->now.wall_ms;
	run_set_state(f, r, RUN_ASSIGNED, NULL);
	run_set_state(f, r, RUN_STAGING, NULL);
	if (j->row.state == JOB_QUEUED) {
		j->row.started_ms = f->now.wall_ms;
		job_set_state(f, j, JOB_RUNNING, NULL, NULL);
	}
	if (l->row.state == LEASE_GRANTED)
		lease_set_state(f, l, LEASE_ACTIVE, NULL);
	if (l->device->row.state == DEVICE_LEASED)
		device_set_state(f, l->device, DEVICE_BUSY, NULL);
	lease_extend_for(f, l, f->cfg.stage_ms + length_ms(a) + f->cfg.lease_grace_ms);
	a->action = action_issue(f, ACTION_STAGE, l->device, l, a, r->row.id, 0, f->cfg.stage_ms);
	return a;
}

/* ---- ends ---- */

static void close_attempt(struct farm *f, struct attempt *a, enum failure why, const char *cause)
{
	bool stored = a->row.state == ATTEMPT_STORED;
	struct run *r = a->run;

	timer_clear(f, &a->timer);
	if (a->action) {
		action_cancel(f, a->action);
		a->action = 0;
	}
	if (r->action) {
		action_cancel(f, r->action);
		r->action = 0;
	}
	a->row.failure = why;
	str_copy(a->row.cause, sizeof(a->row.cause), cause ? cause : "");
	r->attempt = NULL;
	attempt_set_state(f, a, ATTEMPT_DONE);
	if (stored || !a->row.spool)
		attempt_discard(f, a); /* else when the last of its data has come */
}

static void go_on(struct farm *f, struct lease *l)
{
	if (!l)
		return;
	if (l->row.ending)
		lease_end(f, l, l->row.ending, NULL);
	else
		slot_next(f, l);
}

void attempt_finish(struct farm *f, struct attempt *a, enum failure why, const char *cause)
{
	struct lease *l = lease_of(f, a);
	struct run *r = a->run;

	close_attempt(f, a, why, cause);
	run_end(f, r, why == FAILURE_TIMED_OUT ? RUN_TIMED_OUT : RUN_CANCELLED, why, cause);
	go_on(f, l);
}

void attempt_fail(struct farm *f, struct attempt *a, bool blame_device, const char *cause)
{
	struct lease *l = lease_of(f, a);
	struct device *d = device_of(f, a);
	struct run *r = a->run;
	struct job *j = r->job;
	bool bad;

	close_attempt(f, a, FAILURE_INFRASTRUCTURE, cause);
	if (d)
		logs_wanted(d, a->row.id);
	r->row.retries++;
	r->row.avoid = a->row.device;
	bad = blame_failed(f, j, a, d, blame_device, cause);
	if (j->row.cancel_asked)
		run_end(f, r, RUN_CANCELLED, FAILURE_CANCELLED, cause);
	else if (r->row.retries <= j->retries)
		run_set_state(f, r, RUN_QUEUED, cause);
	else
		run_end(f, r, RUN_ERRORED, FAILURE_INFRASTRUCTURE, cause);
	if (bad)
		blame_pause(f, j, cause);
	if (l)
		lease_end(f, l, l->row.ending ? l->row.ending : LEASE_RELEASED, cause);
	else
		job_requeue(f, j);
}

static void stopped(struct farm *f, struct attempt *a, const char *cause)
{
	switch (a->stopping) {
	case STOP_CANCEL:
		attempt_finish(f, a, FAILURE_CANCELLED, "cancelled");
		break;
	case STOP_TIMEOUT:
		attempt_finish(f, a, FAILURE_TIMED_OUT, "it took longer than its deadline");
		break;
	case STOP_LEASE:
	case STOP_NONE:
		attempt_fail(f, a, false, cause);
		break;
	}
}

void attempt_stop(struct farm *f, struct attempt *a, enum stop_why why)
{
	struct device *d = device_of(f, a);

	if (!a->stopping || why == STOP_CANCEL)
		a->stopping = why;
	if (a->row.state == ATTEMPT_STAGING) {
		action_cancel(f, a->action);
		return;
	}
	if (a->row.state == ATTEMPT_STARTED && d && device_usable(d)) {
		action_issue(f, ACTION_STOP, d, map_get(f->leases, a->row.lease), a, a->row.run,
			a->row.id, f->cfg.stop_ms);
		timer_set(f, &a->timer, f->cfg.stop_ms);
		return;
	}
	if (a->row.state == ATTEMPT_STORED && why == STOP_LEASE)
		return; /* all is there; the judge may still speak */
	stopped(f, a, "the lease ended while the device was out of reach");
}

/* ---- completions ---- */

static void staged(struct farm *f, struct attempt *a, const struct farm_event *ev)
{
	struct lease *l = lease_of(f, a);

	if (a->stopping) {
		/* A copy: the row's is written over with it. */
		char cause[LIMIT_CAUSE];

		str_copy(cause, sizeof(cause), *a->row.cause ? a->row.cause : "the lease ended");
		stopped(f, a, cause);
		return;
	}
	if (ev->u.done.rc || !l || !device_usable(l->device)) {
		attempt_fail(f, a, ev->u.done.blame_device,
			ev->u.done.rc ? ev->u.done.text : "the agent was lost while staging");
		return;
	}
	a->row.spool = 1;
	attempt_set_state(f, a, ATTEMPT_STARTED);
	a->deadline_at = f->now.mono_ms + length_ms(a) + f->cfg.start_ms;
	lease_extend_for(f, l, length_ms(a) + f->cfg.start_ms + f->cfg.lease_grace_ms);
	a->action = action_issue(f, ACTION_START, l->device, l, a, a->row.run, 0, f->cfg.start_ms);
}

static void set_deadline(struct farm *f, struct attempt *a)
{
	int64_t left = a->deadline_at - f->now.mono_ms;

	timer_set(f, &a->timer, left > 0 ? left : 0);
}

/* Whether START arrived is not known. A new session will tell, for the agent then says what it
 * has. */
static void nobody_knows(struct farm *f, struct attempt *a, const char *cause)
{
	struct device *d = device_of(f, a);
	bool up = d && device_usable(d);

	if (up)
		d->agent_up = false;
	attempt_detached(f, a, cause);
	if (up)
		device_fail(f, d, false, cause);
}

static void started(struct farm *f, struct attempt *a, const struct farm_event *ev)
{
	if (a->row.state != ATTEMPT_STARTED)
		return; /* its END was faster */
	if (ev->u.done.rc == ERR_GONE || ev->u.done.rc == ERR_TIMEOUT ||
		ev->u.done.rc == ERR_CANCELLED) {
		nobody_knows(f, a, ev->u.done.text);
		return;
	}
	if (ev->u.done.rc) {
		a->row.spool = 0;
		attempt_fail(f, a, ev->u.done.blame_device, ev->u.done.text);
		return;
	}
	a->row.started_ms = f->now.wall_ms;
	rstr_unref(a->row.record);
	a->row.record = rstr_ref(ev->u.done.record);
	ent_touch(f, &a->ent);
	if (a->run->row.state != RUN_RUNNING)
		run_set_state(f, a->run, RUN_RUNNING, NULL);
	if (!a->stopping)
		set_deadline(f, a);
}

static void discarded(struct farm *f, struct attempt *a, const struct farm_event *ev)
{
	a->discarding = false;
	if (ev->u.done.rc) {
		/* Again after a while, or when the agent reports it at its next session. */
		timer_set(f, &a->timer, f->cfg.discard_ms);
		return;
	}
	timer_clear(f, &a->timer);
	a->row.spool = 0;
	a->ent.forget = true;
	ent_touch(f, &a->ent);
}

void attempt_action_done(
	struct farm *f, struct attempt *a, enum action_kind kind, const struct farm_event *ev)
{
	switch (kind) {
	case ACTION_STAGE:
		staged(f, a, ev);
		break;
	case ACTION_START:
		started(f, a, ev);
		break;
	case ACTION_DISCARD:
		discarded(f, a, ev);
		break;
	default:
		assert(!"no action of an attempt");
	}
}

void attempt_discard(struct farm *f, struct attempt *a)
{
	struct device *d = device_of(f, a);

	if (!a->row.spool) {
		a->ent.forget = true;
		ent_touch(f, &a->ent);
		return;
	}
	if (a->discarding || !d || !device_usable(d))
		return; /* when the agent reports it */
	a->discarding = true;
	action_issue(f, ACTION_DISCARD, d, NULL, a, 0, a->row.id, f->cfg.discard_ms);
}

/* ---- what the agent says ---- */

static void collecting(struct farm *f, struct attempt *a)
{
	/* What was collected already, with its device here, gets no more time by another END. */
	bool fresh =
		a->row.state == ATTEMPT_STARTED || a->away || a->run->row.state == RUN_REATTACHING;

	a->away = false;
	if (a->run->row.state == RUN_STAGING) { /* the answer to its START is late, or lost */
		a->row.started_ms = f->now.wall_ms;
		run_set_state(f, a->run, RUN_RUNNING, "its agent has ended it");
	}
	if (a->row.state == ATTEMPT_STARTED)
		attempt_set_state(f, a, ATTEMPT_COLLECTING);
	if (a->run->row.state != RUN_COLLECTING)
		run_set_state(f, a->run, RUN_COLLECTING, NULL);
	if (a->row.state == ATTEMPT_COLLECTING && fresh)
		timer_set(f, &a->timer, f->cfg.collect_ms);
}

void attempt_agent_end(struct farm *f, const struct farm_event *ev)
{
	struct attempt *a = map_get(f->attempts, ev->u.end.attempt);
	struct device *d = a ? device_of(f, a) : NULL;

	if (!a || !attempt_is_live(a) || a->row.state == ATTEMPT_STAGING ||
		a->row.state == ATTEMPT_STORED)
		return; /* late, or repeated: END comes at each connection until DISCARD */
	a->row.outcome = ev->u.end.outcome;
	str_copy(a->row.cause, sizeof(a->row.cause), ev->u.end.cause);
	ent_touch(f, &a->ent);
	if (d && ev->u.end.wants_logs)
		logs_wanted(d, a->row.id);
	switch (ev->u.end.means) {
	case FARM_OUTCOME_RESULT:
		if (a->stopping == STOP_CANCEL)
			stopped(f, a, "cancelled");
		else
			collecting(f, a);
		break;
	case FARM_OUTCOME_CANCELLED:
		stopped(f, a, "the agent ended it");
		break;
	case FARM_OUTCOME_INFRASTRUCTURE:
		if (a->stopping == STOP_CANCEL || a->stopping == STOP_TIMEOUT)
			stopped(f, a, ev->u.end.cause);
		else
			attempt_fail(f, a, ev->u.end.blame_device, ev->u.end.cause);
		break;
	}
}

void attempt_stored(struct farm *f, const struct farm_event *ev)
{
	struct attempt *a = map_get(f->attempts, ev->u.stored.attempt);

	if (!a)
		return;
	if (!attempt_is_live(a)) {
		attempt_discard(f, a);
		return;
	}
	if (a->row.state != ATTEMPT_COLLECTING)
		return;
	timer_clear(f, &a->timer);
	attempt_set_state(f, a, ATTEMPT_STORED);
	if (a->run->row.state != RUN_COLLECTING)
		run_set_state(f, a->run, RUN_COLLECTING, NULL);
	a->run->action = action_issue(
		f, ACTION_JUDGE, device_of(f, a), NULL, a, a->row.run, 0, f->cfg.judge_ms);
}

void attempt_detached(struct farm *f, struct attempt *a, const char *cause)
{
	switch (a->row.state) {
	case ATTEMPT_STAGING:
		if (!a->stopping) {
			a->stopping = STOP_LEASE;
			str_copy(a->row.cause, sizeof(a->row.cause), cause);
			ent_touch(f, &a->ent);
		}
		action_cancel(f, a->action);
		break;
	case ATTEMPT_STARTED:
		if (a->stopping) {
			stopped(f, a, cause);
			break;
		}
		if (a->run->row.state != RUN_REATTACHING)
			run_set_state(f, a->run, RUN_REATTACHING, cause);
		timer_set(f, &a->timer, f->cfg.reattach_ms);
		break;
	case ATTEMPT_COLLECTING: /* its END comes again when the device is back */
		a->away = true;
		timer_set(f, &a->timer, f->cfg.reattach_ms);
		break;
	default: /* stored waits for the judge alone */
		break;
	}
}

/* The agent of d has this attempt in its spool. */
void attempt_reported(struct farm *f, struct device *d, int64_t id, bool ended)
{
	struct attempt *a = map_get(f->attempts, id);

	if (!a || a->row.device != d->row.id || a->row.state == ATTEMPT_STAGING) {
		/* Nobody knows it: an explicit discard, so that the spool drains. */
		stray_discard(f, d, id);
		return;
	}
	if (!attempt_is_live(a)) {
		if (a->row.counted)
			attempt_discard(f, a);
		else if (!ended)
			action_issue(f, ACTION_STOP, d, NULL, a, a->row.run, id, f->cfg.stop_ms);
		return;
	}
	if (ended || a->row.state != ATTEMPT_STARTED || a->action)
		return; /* its END comes by itself */
	if (a->run->row.state == RUN_REATTACHING) {
		run_set_state(f, a->run, RUN_RUNNING, "its agent answers again");
		set_deadline(f, a);
		if (a->stopping) /* since before a restart */
			attempt_stop(f, a, a->stopping);
	}
}

static bool listed(const struct farm_agent *agent, int64_t id)
{
	for (int i = 0; i < agent->n_attempts; i++)
		if (agent->attempts[i].attempt == id)
			return true;
	return false;
}

void attempt_not_reported(struct farm *f, struct device *d, const struct farm_agent *agent)
{
	for (struct map_item *it = map_first(f->attempts); it; it = map_next(it)) {
		struct attempt *a = map_value(it);

		if (a->row.device != d->row.id || !a->row.spool || listed(agent, a->row.id))
			continue;
		if (a->action || a->row.state == ATTEMPT_STORED)
			continue; /* START is on its way; or it is all here */
		a->row.spool = 0;
		if (attempt_is_live(a))
			attempt_fail(f, a, true, "the agent no longer knows the attempt");
		else
			a->ent.forget = true;
		ent_touch(f, &a->ent);
	}
}

/* The device is retired: what its agent still holds will never come. */
void attempt_forget_device(struct farm *f, const struct device *d)
{
	for (struct map_item *it = map_first(f->attempts); it; it = map_next(it)) {
		struct attempt *a = map_value(it);

		if (a->row.device != d->row.id || attempt_is_live(a))
			continue;
		a->row.spool = 0;
		timer_clear(f, &a->timer);
		attempt_discard(f, a);
	}
}

/* ---- deadlines ---- */

static void out_of_reach(struct farm *f, struct attempt *a)
{
	char text[LIMIT_CAUSE];

	if (a->stopping == STOP_CANCEL) {
		stopped(f, a, "cancelled");
		return;
	}

	snprintf(text, sizeof(text), "its agent was out of reach for %lld s",
		(long long)(f->cfg.reattach_ms / 1000));
	attempt_fail(f, a, false, text);
}

void attempt_timeout(struct farm *f, struct attempt *a)
{
	struct device *d = device_of(f, a);

	if (a->row.state == ATTEMPT_DONE) {
		attempt_discard(f, a);
		return;
	}
	if (a->row.state == ATTEMPT_COLLECTING && !(d && device_usable(d))) {
		out_of_reach(f, a);
		return;
	}
	if (a->row.state == ATTEMPT_COLLECTING) {
		attempt_fail(f, a, true, "its last data did not come within the deadline");
		return;
	}
	assert(a->row.state == ATTEMPT_STARTED);
	if (a->stopping && a->run->row.state != RUN_REATTACHING) {
		/* The agent does not obey: no device to go on with, until it has a new session. */
		if (d && device_usable(d)) {
			d->agent_up = false;
			device_blame(f, d, "the agent did not stop an attempt");
		}
		stopped(f, a, "the agent did not stop it");
		return;
	}
	if (a->run->row.state == RUN_RUNNING) {
		attempt_stop(f, a, STOP_TIMEOUT);
		return;
	}
	out_of_reach(f, a);
}
