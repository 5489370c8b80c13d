/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invariants of the core, as code: farm_check() ends the process at the first that is broken.
 * It costs O(everything), so the simulation alone calls it: for all after every few steps and each
 * restart, for what a step has changed after each.
 */
#include "core/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "core/select.h"

static void broken(const char *what, char letter, int64_t id)
{
	fprintf(stderr, "invariant broken: %s (%c%lld)\n", what, letter, (long long)id);
	abort();
}

#define MUST(cond, what, letter, id)                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			broken(what, letter, id);                                                  \
	} while (0)

#define MUST_D(cond, what) MUST(cond, what, 'd', d->row.id)
#define MUST_L(cond, what) MUST(cond, what, 'l', l->row.id)
#define MUST_R(cond, what) MUST(cond, what, 'r', r->row.id)
#define MUST_A(cond, what) MUST(cond, what, 'a', a->row.id)
#define MUST_J(cond, what) MUST(cond, what, 'j', j->row.id)

static void check_device(const struct farm *f, const struct device *d)
{
	const struct lease *l = d->lease;

	MUST_D(!l || l->device == d, "a device and its lease know each other");
	MUST_D(!d->action || map_get(f->actions, d->action), "what it waits for is under way");
	MUST_D(d->in_ready == (d->row.state == DEVICE_READY), "the ready list holds the ready");
	MUST_D((d->row.link == LINK_UP) == (d->handle != 0), "the link says what is connected");
	MUST_D(!d->agent_up || d->handle, "no agent without a connection");
	switch ((enum device_state)d->row.state) {
	case DEVICE_READY:
		MUST_D(!l && device_usable(d) && !d->action, "ready means free and reachable");
		MUST_D(!d->quarantine_asked, "what is to be quarantined is given to nobody");
		break;
	case DEVICE_LEASED:
	case DEVICE_BUSY:
		MUST_D(l && (l->row.state == LEASE_ACTIVE || l->row.state == LEASE_GRANTED ||
				    l->action),
			"a busy device has an active lease");
		MUST_D(l->row.epoch == d->row.epoch || l->row.ending, "it has the newest epoch");
		break;
	case DEVICE_IDENTIFYING:
	case DEVICE_PREPARING:
	case DEVICE_CLEANING:
	case DEVICE_SERVICE:
		MUST_D(d->handle && d->action, "something moves it on");
		break;
	case DEVICE_RECOVERING:
		MUST_D(d->handle && (d->action || d->timer.pos), "something moves it on");
		break;
	case DEVICE_COOLING:
		MUST_D(!l && d->timer.pos, "cooling ends");
		break;
	case DEVICE_ABSENT:
		MUST_D(!d->handle, "an absent device is not connected");
		break;
	case DEVICE_NEEDS_HUMAN:
		MUST_D(!d->twin || d->timer.pos, "who waits for another looks again");
		MUST_D(d->handle && !d->action, "who needs somebody is there, and left alone");
		break;
	default:
		break;
	}
	MUST_D(!*d->row.detached_by || !d->in_ready, "what was handed over is given to nobody");
}

static void check_lease(const struct farm *f, const struct lease *l)
{
	bool held = l->row.state == LEASE_GRANTED || l->row.state == LEASE_ACTIVE;

	MUST_L(!lease_is_final(l->row.state) || l->ent.forget, "a final lease is let go");
	if (held || l->row.state == LEASE_RELEASING)
		MUST_L(l->device && l->device->lease == l, "at most one lease per device");
	if (held) {
		MUST_L(l->timer.pos || l->row.ending, "every lease ends");
		MUST_L(l->row.epoch > 0, "a grant issues an epoch");
		MUST_L(l->row.kind != LEASE_JOB || l->job, "a job's lease has its job");
	}
	if (l->job) {
		MUST_L(map_get(f->jobs, l->row.job) == l->job, "its job is there");
		MUST_L(l->job->slots[l->row.slot].lease == l, "the slot knows its lease");
	}
	if (l->row.state == LEASE_WAITING)
		MUST_L(l->want.queued && l->timer.pos, "a waiting lease is in the queue");
}

static void check_run(const struct farm *f, const struct run *r)
{
	const struct attempt *a = r->attempt;
	int64_t as = a ? a->row.state : 0;

	MUST_R(!a || (a->run == r && attempt_is_live(a)), "its attempt is its own, and live");
	switch ((enum run_state)r->row.state) {
	case RUN_STAGING:
		MUST_R(as == ATTEMPT_STAGING || as == ATTEMPT_STARTED, "staging has an attempt");
		break;
	case RUN_RUNNING:
		MUST_R(as == ATTEMPT_STARTED, "running has a started attempt");
		break;
	case RUN_REATTACHING:
		MUST_R(as == ATTEMPT_STARTED || as == ATTEMPT_COLLECTING,
			"reattaching has a started attempt");
		break;
	case RUN_COLLECTING:
		MUST_R(as == ATTEMPT_COLLECTING || as == ATTEMPT_STORED,
			"collecting has an ended attempt");
		break;
	default:
		MUST_R(!a, "no attempt without a device");
	}
	MUST_R(as != ATTEMPT_STORED || (r->action && map_get(f->actions, r->action)),
		"what is stored is being judged");
}

static void check_attempt(const struct farm *f, const struct attempt *a)
{
	if (!attempt_is_live(a)) {
		MUST_A(!a->run || a->run->attempt != a, "no run holds a dead attempt");
		MUST_A(a->row.spool || a->ent.forget, "a dead attempt is kept for its spool alone");
		return;
	}
	MUST_A(a->run && a->run->attempt == a, "at most one live attempt per run");
	switch ((enum attempt_state)a->row.state) {
	case ATTEMPT_STAGING:
		MUST_A(a->action && map_get(f->actions, a->action), "staging is under way");
		break;
	case ATTEMPT_STARTED:
		MUST_A(a->timer.pos || a->action, "a started attempt has a deadline");
		break;
	case ATTEMPT_COLLECTING:
		MUST_A(a->timer.pos, "collecting has a deadline");
		break;
	default:
		break;
	}
	if (a->row.state != ATTEMPT_STORED && a->row.state != ATTEMPT_COLLECTING) {
		const struct lease *l = map_get(f->leases, a->row.lease);

		MUST_A(l && l->job == a->run->job, "a live attempt holds a lease");
		MUST_A(l->row.epoch == a->row.epoch, "its commands carry the lease's epoch");
		MUST_A(a->stopping || !(l->row.ending || a->run->job->row.cancel_asked),
			"what is to end is being stopped");
	}
}

static void check_job(const struct farm *f, const struct job *j)
{
	int ended = 0, pending = 0;
	bool idle = j->row.state == JOB_PAUSED || j->row.cancel_asked || job_is_final(j->row.state);

	for (int i = 0; i < j->n_slots * j->n_variants; i++)
		ended += run_is_final(j->runs[i]->row.state);
	for (int s = 0; s < j->n_slots; s++)
		pending += j->slots[s].pending;
	MUST_J(j->row.state != JOB_RUNNING || j->row.cancel_asked || !blame_is_jobs(j),
		"a job that breaks what it gets is paused");
	MUST_J(ended == j->row.n_ended, "ended runs are counted once");
	MUST_J(job_is_final(j->row.state) == (ended == j->row.n_runs), "a job ends with its runs");
	MUST_J(pending == j->n_pending, "what is pending is counted");
	MUST_J(j->want.queued == (pending && !idle), "what waits is in the queue");
	(void)f;
}

/* No ready device beside something that waits for it. */
static void check_queue(const struct farm *f)
{
	struct device *d;
	struct selq *q;
	struct bucket *b;
	struct want *w;

	TAILQ_FOREACH (d, &f->ready, ready_link)
		TAILQ_FOREACH (q, &f->selqs, link) {
			if (!selq_matches(q, d))
				continue;
			TAILQ_FOREACH (b, &q->buckets, link)
				TAILQ_FOREACH (w, &b->wants, link)
					MUST_D(w->job && job_slot_for(w->job, d) < 0,
						"a ready device has nothing to do");
		}
}

static void check_timers(const struct farm *f)
{
	for (int i = 1; i <= f->n_heap; i++) {
		MUST(f->heap[i]->pos == i, "a timer knows its place", 't', i);
		MUST(i == 1 || f->heap[i / 2]->at <= f->heap[i]->at, "the heap is one", 't', i);
		MUST(f->heap[i]->at > f->now.mono_ms, "no deadline is missed", 't', i);
	}
}

#define EACH(map, type, fn)                                                                        \
	do {                                                                                       \
		for (struct map_item *it = map_first(f->map); it; it = map_next(it))               \
			fn(f, (const struct type *)map_value(it));                                 \
	} while (0)

#define ONE(tab, map, fn)                                                                          \
	do {                                                                                       \
		const void *o = t == &(tab) ? map_get(f->map, id) : NULL;                          \
		if (o)                                                                             \
			fn(f, o);                                                                  \
	} while (0)

void farm_check_one(const struct farm *f, const struct row_table *t, int64_t id)
{
	ONE(device_table, devices, check_device);
	ONE(lease_table, leases, check_lease);
	ONE(run_table, runs, check_run);
	ONE(attempt_table, attempts, check_attempt);
	ONE(job_table, jobs, check_job);
}

void farm_check(const struct farm *f)
{
	EACH(devices, device, check_device);
	EACH(leases, lease, check_lease);
	EACH(runs, run, check_run);
	EACH(attempts, attempt, check_attempt);
	EACH(jobs, job, check_job);
	check_queue(f);
	check_timers(f);
}
