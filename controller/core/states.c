/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machines: for each kind one table of legal transitions and one function that checks,
 * stamps and traces a change. A transition that is not in its table is a bug of ours and ends the
 * process. README.md draws them.
 */
#include "core/internal.h"

#include <assert.h>

#include "base/mem.h"
#include "base/str.h"

#define TO(s) (1u << (s))

/* Any state of a device that is connected or expected may become absent; quarantine and retirement
 * by an operator may come in any state without a lease. */
static const unsigned device_next[DEVICE_STATES_END] = {
	[DEVICE_ABSENT] = TO(DEVICE_DETECTED) | TO(DEVICE_QUARANTINED) | TO(DEVICE_RETIRED),
	[DEVICE_DETECTED] = TO(DEVICE_IDENTIFYING),
	[DEVICE_IDENTIFYING] = TO(DEVICE_PREPARING) | TO(DEVICE_SERVICE) | TO(DEVICE_AUTHORIZING) |
                               TO(DEVICE_NEEDS_HUMAN) | TO(DEVICE_RECOVERING) | TO(DEVICE_ABSENT) |
                               TO(DEVICE_QUARANTINED) | TO(DEVICE_RETIRED),
	[DEVICE_AUTHORIZING] = TO(DEVICE_NEEDS_HUMAN) | TO(DEVICE_IDENTIFYING) |
                               TO(DEVICE_SERVICE) | TO(DEVICE_ABSENT),
	[DEVICE_NEEDS_HUMAN] = TO(DEVICE_AUTHORIZING) | TO(DEVICE_IDENTIFYING) |
                               TO(DEVICE_SERVICE) | TO(DEVICE_ABSENT) | TO(DEVICE_QUARANTINED) |
                               TO(DEVICE_RETIRED),
	[DEVICE_PREPARING] = TO(DEVICE_READY) | TO(DEVICE_BUSY) | TO(DEVICE_CLEANING) |
                             TO(DEVICE_AUTHORIZING) | TO(DEVICE_NEEDS_HUMAN) |
                             TO(DEVICE_RECOVERING) | TO(DEVICE_ABSENT) | TO(DEVICE_QUARANTINED) |
                             TO(DEVICE_RETIRED),
	[DEVICE_READY] = TO(DEVICE_LEASED) | TO(DEVICE_SERVICE) | TO(DEVICE_AUTHORIZING) |
                         TO(DEVICE_NEEDS_HUMAN) | TO(DEVICE_RECOVERING) | TO(DEVICE_ABSENT) |
                         TO(DEVICE_QUARANTINED) | TO(DEVICE_RETIRED),
	[DEVICE_LEASED] =
		TO(DEVICE_BUSY) | TO(DEVICE_CLEANING) | TO(DEVICE_RECOVERING) | TO(DEVICE_ABSENT),
	[DEVICE_BUSY] = TO(DEVICE_CLEANING) | TO(DEVICE_RECOVERING) | TO(DEVICE_IDENTIFYING) |
                        TO(DEVICE_ABSENT),
	[DEVICE_CLEANING] = TO(DEVICE_COOLING) | TO(DEVICE_RECOVERING) | TO(DEVICE_ABSENT) |
                            TO(DEVICE_QUARANTINED),
	[DEVICE_COOLING] = TO(DEVICE_READY) | TO(DEVICE_AUTHORIZING) | TO(DEVICE_NEEDS_HUMAN) |
                           TO(DEVICE_RECOVERING) | TO(DEVICE_ABSENT) | TO(DEVICE_QUARANTINED) |
                           TO(DEVICE_RETIRED),
	[DEVICE_RECOVERING] = TO(DEVICE_IDENTIFYING) | TO(DEVICE_QUARANTINED) | TO(DEVICE_ABSENT) |
                              TO(DEVICE_AUTHORIZING) | TO(DEVICE_NEEDS_HUMAN) | TO(DEVICE_RETIRED),
	[DEVICE_QUARANTINED] = TO(DEVICE_IDENTIFYING) | TO(DEVICE_ABSENT) | TO(DEVICE_RETIRED),
	[DEVICE_RETIRED] = 0,
	[DEVICE_SERVICE] = TO(DEVICE_READY) | TO(DEVICE_IDENTIFYING) | TO(DEVICE_AUTHORIZING) |
                           TO(DEVICE_NEEDS_HUMAN) | TO(DEVICE_RECOVERING) | TO(DEVICE_ABSENT),
};

static const unsigned lease_next[LEASE_STATES_END] = {
	[LEASE_WAITING] =
		TO(LEASE_GRANTED) | TO(LEASE_RELEASED) | TO(LEASE_EXPIRED) | TO(LEASE_REJECTED),
	[LEASE_GRANTED] = TO(LEASE_ACTIVE) | TO(LEASE_RELEASING),
	[LEASE_ACTIVE] = TO(LEASE_RELEASING),
	[LEASE_RELEASING] = TO(LEASE_RELEASED) | TO(LEASE_EXPIRED) | TO(LEASE_REVOKED),
};

static const unsigned job_next[JOB_STATES_END] = {
	[JOB_QUEUED] = TO(JOB_RUNNING) | TO(JOB_ERRORED) | TO(JOB_CANCELLED),
	[JOB_RUNNING] = TO(JOB_PAUSED) | TO(JOB_COMPLETED) | TO(JOB_ERRORED) | TO(JOB_CANCELLED),
	[JOB_PAUSED] = TO(JOB_RUNNING) | TO(JOB_ERRORED) | TO(JOB_CANCELLED),
};

static const unsigned run_next[RUN_STATES_END] = {
	[RUN_QUEUED] = TO(RUN_ASSIGNED) | TO(RUN_ERRORED) | TO(RUN_CANCELLED),
	[RUN_ASSIGNED] = TO(RUN_STAGING),
	[RUN_STAGING] = TO(RUN_RUNNING) | TO(RUN_REATTACHING) | TO(RUN_QUEUED) | TO(RUN_ERRORED) |
                        TO(RUN_CANCELLED),
	[RUN_RUNNING] = TO(RUN_REATTACHING) | TO(RUN_COLLECTING) | TO(RUN_QUEUED) |
                        TO(RUN_ERRORED) | TO(RUN_CANCELLED) | TO(RUN_TIMED_OUT),
	[RUN_REATTACHING] = TO(RUN_RUNNING) | TO(RUN_COLLECTING) | TO(RUN_QUEUED) |
                            TO(RUN_ERRORED) | TO(RUN_CANCELLED),
	[RUN_COLLECTING] = TO(RUN_COMPLETED) | TO(RUN_ASSIGNED) | TO(RUN_REATTACHING) |
                           TO(RUN_QUEUED) | TO(RUN_ERRORED) | TO(RUN_CANCELLED),
};

static const unsigned attempt_next[ATTEMPT_STATES_END] = {
	[ATTEMPT_STAGING] = TO(ATTEMPT_STARTED) | TO(ATTEMPT_DONE),
	[ATTEMPT_STARTED] = TO(ATTEMPT_COLLECTING) | TO(ATTEMPT_DONE),
	[ATTEMPT_COLLECTING] = TO(ATTEMPT_STORED) | TO(ATTEMPT_DONE),
	[ATTEMPT_STORED] = TO(ATTEMPT_DONE),
};

static bool may(const unsigned *next, int end, int64_t from, int64_t to)
{
	return from > 0 && from < end && to > 0 && to < end && (next[from] & TO(to));
}

bool farm_device_may(int64_t from, int64_t to)
{
	return may(device_next, DEVICE_STATES_END, from, to);
}

bool farm_lease_may(int64_t from, int64_t to)
{
	return may(lease_next, LEASE_STATES_END, from, to);
}

bool farm_job_may(int64_t from, int64_t to)
{
	return may(job_next, JOB_STATES_END, from, to);
}

bool farm_run_may(int64_t from, int64_t to)
{
	return may(run_next, RUN_STATES_END, from, to);
}

bool farm_attempt_may(int64_t from, int64_t to)
{
	return may(attempt_next, ATTEMPT_STATES_END, from, to);
}

bool run_is_final(int64_t s)
{
	return s == RUN_COMPLETED || s == RUN_ERRORED || s == RUN_CANCELLED || s == RUN_TIMED_OUT;
}

bool job_is_final(int64_t s)
{
	return s == JOB_COMPLETED || s == JOB_ERRORED || s == JOB_CANCELLED;
}

bool lease_is_final(int64_t s)
{
	return s == LEASE_RELEASED || s == LEASE_EXPIRED || s == LEASE_REVOKED ||
	       s == LEASE_REJECTED;
}

/* ---- the trace ---- */

struct trace {
	const char *topic;
	int64_t subject, job;
	const char *from, *to;
	const char *actor; /* NULL: who asked for what is being handled, if anybody did */
	const char *cause;
};

struct event_obj {
	struct ent ent;
	struct event_row row;
};

static void emit(struct farm *f, const struct trace *t)
{
	const char *actor = t->actor ? t->actor : f->actor;
	struct event_obj *e = mem_zalloc(sizeof(*e));

	e->row.id = farm_new_id(f, &event_table);
	e->row.at_ms = f->now.wall_ms;
	e->row.subject = t->subject;
	e->row.job = t->job;
	str_copy(e->row.topic, sizeof(e->row.topic), t->topic);
	str_copy(e->row.from_state, sizeof(e->row.from_state), t->from);
	str_copy(e->row.to_state, sizeof(e->row.to_state), t->to);
	str_copy(e->row.actor, sizeof(e->row.actor), actor ? actor : "");
	str_copy(e->row.cause, sizeof(e->row.cause), t->cause ? t->cause : "");
	ent_init(&e->ent, &event_table, &e->row);
	e->ent.forget = true;
	ent_touch(f, &e->ent);
}

void device_set_state(struct farm *f, struct device *d, enum device_state to, const char *cause)
{
	int64_t from = d->row.state;

	assert(farm_device_may(from, to));
	if (from == DEVICE_READY)
		queue_device_unready(f, d);
	timer_clear(f, &d->timer);
	d->row.state = to;
	d->row.state_ms = f->now.wall_ms;
	ent_touch(f, &d->ent);
	emit(f, &(struct trace){"device", d->row.id, d->lease ? d->lease->row.job : 0,
			device_state_name(from), device_state_name(to), NULL, cause});
}

void lease_set_state(struct farm *f, struct lease *l, enum lease_state to, const char *cause)
{
	int64_t from = l->row.state;

	assert(farm_lease_may(from, to));
	l->row.state = to;
	if (lease_is_final(to)) {
		l->row.ended_ms = f->now.wall_ms;
		l->ent.forget = true;
	}
	ent_touch(f, &l->ent);
	emit(f, &(struct trace){"lease", l->row.id, l->row.job, lease_state_name(from),
			lease_state_name(to), l->row.actor, cause});
}

void job_set_state(
	struct farm *f, struct job *j, enum job_state to, const char *actor, const char *cause)
{
	int64_t from = j->row.state;

	if (from) /* 0: just submitted */
		assert(farm_job_may(from, to));
	j->row.state = to;
	if (job_is_final(to))
		j->row.ended_ms = f->now.wall_ms;
	ent_touch(f, &j->ent);
	emit(f, &(struct trace){"job", j->row.id, j->row.id, from ? job_state_name(from) : "",
			job_state_name(to), actor, cause});
}

void run_set_state(struct farm *f, struct run *r, enum run_state to, const char *cause)
{
	int64_t from = r->row.state;

	assert(farm_run_may(from, to));
	f->queued_runs += (to == RUN_QUEUED) - (from == RUN_QUEUED);
	r->row.state = to;
	if (run_is_final(to))
		r->row.ended_ms = f->now.wall_ms;
	ent_touch(f, &r->ent);
	emit(f, &(struct trace){"run", r->row.id, r->row.job, run_state_name(from),
			run_state_name(to), NULL, cause});
}

void attempt_set_state(struct farm *f, struct attempt *a, enum attempt_state to)
{
	assert(farm_attempt_may(a->row.state, to));
	a->row.state = to;
	if (to == ATTEMPT_DONE)
		a->row.ended_ms = f->now.wall_ms;
	ent_touch(f, &a->ent);
}
