/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold, seen from outside the core: from the stored events and rows, and from what was
 * asked of the phones. farm_check() looks from inside.
 */
#include "oracle.h"

#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "host.h"
#include "memstore.h"
#include "people.h"
#include "sim.h"
#include "stats.h"

/* Virtual ms in which what ran out lets go of its device: a stop, five minutes for its last data or for
 * its agent, a judge, and the grace of a cancel. What ends for another reason has at most until then. */
#define GRACE_MS 420000
#define LEASE_MS 7200000

struct oracle {
	struct sim *s;
	struct map *accepted;  /* jobs that somebody was told of */
	struct map *given_out; /* actions, of this controller */
	struct map *started;   /* attempts that a START was given for */
	struct map *held;      /* stored: the lease by device */
	struct map *live;      /* stored: the live attempt by run */
	struct map *counted;   /* stored: the counted attempt by run and round */
	struct map *ending; /* leases that are ending, with the time since when they were seen so */
};

struct oracle *oracle_new(struct sim *s)
{
	struct oracle *o = mem_zalloc(sizeof(*o));

	o->s = s;
	o->accepted = map_new();
	o->given_out = map_new();
	o->started = map_new();
	o->held = map_new();
	o->live = map_new();
	o->counted = map_new();
	o->ending = map_new();
	return o;
}

void oracle_free(struct oracle *o)
{
	map_free(o->accepted);
	map_free(o->given_out);
	map_free(o->started);
	map_free(o->held);
	map_free(o->live);
	map_free(o->counted);
	map_free(o->ending);
	mem_free(o);
}

static void forget(struct map **m)
{
	map_free(*m);
	*m = map_new();
}

void oracle_restarted(struct oracle *o)
{
	forget(&o->given_out);
	forget(&o->ending);
}

static int64_t number(const struct map *m, int64_t key)
{
	return (intptr_t)map_get(m, key);
}

static void set_number(struct map *m, int64_t key, int64_t n)
{
	map_put(m, key, (void *)(intptr_t)n);
}

void oracle_event(struct oracle *o, const struct event_row *ev)
{
	if (stats_transition(ev->topic, ev->from_state, ev->to_state))
		sim_panic(o->s, "transitions are legal: %s %lld went from %s to %s", ev->topic,
			(long long)ev->subject, ev->from_state, ev->to_state);
}

/* ---- what is stored ---- */

static void row_device(struct oracle *o, const struct device_row *old, const struct device_row *d)
{
	if (old && d && d->epoch < old->epoch)
		sim_panic(o->s, "epochs never fall: d%lld from %lld to %lld", (long long)d->id,
			(long long)old->epoch, (long long)d->epoch);
	if (old && !d && old->key[0] != '?')
		sim_panic(o->s, "a known device is kept: d%lld", (long long)old->id);
}

static bool holds(const struct lease_row *l)
{
	return l && l->state >= LEASE_GRANTED && l->state <= LEASE_RELEASING;
}

static void row_lease(struct oracle *o, const struct lease_row *old, const struct lease_row *l)
{
	if (holds(old) && number(o->held, old->device) == old->id)
		map_del(o->held, old->device);
	if (!holds(l))
		return;
	if (number(o->held, l->device))
		sim_panic(o->s,
			"at most one lease per device is stored: l%lld and l%lld hold d%lld",
			(long long)number(o->held, l->device), (long long)l->id,
			(long long)l->device);
	set_number(o->held, l->device, l->id);
	if (holds(old) && old->epoch != l->epoch)
		sim_panic(o->s, "only a grant issues an epoch: l%lld", (long long)l->id);
}

static void row_job(struct oracle *o, const struct job_row *old, const struct job_row *j)
{
	if (!j)
		sim_panic(o->s, "no job is lost: j%lld is deleted", (long long)old->id);
	if (old && old->state >= JOB_COMPLETED && old->state != j->state)
		sim_panic(o->s, "what ended stays so: j%lld", (long long)j->id);
}

static void row_run(struct oracle *o, const struct run_row *old, const struct run_row *r)
{
	if (!r)
		sim_panic(o->s, "no run is lost: r%lld is deleted", (long long)old->id);
	if (old && old->state >= RUN_COMPLETED && old->state != r->state)
		sim_panic(o->s, "what ended stays so: r%lld", (long long)r->id);
	if (old && r->round < old->round)
		sim_panic(o->s, "rounds go on: r%lld", (long long)r->id);
}

static void row_attempt(
	struct oracle *o, const struct attempt_row *old, const struct attempt_row *a)
{
	int64_t key;

	if (!a)
		sim_panic(o->s, "no attempt is lost: a%lld is deleted", (long long)old->id);
	key = a->run * 64 + a->round;
	if (a->state == ATTEMPT_DONE) {
		if (number(o->live, a->run) == a->id)
			map_del(o->live, a->run);
	} else if (number(o->live, a->run) && number(o->live, a->run) != a->id) {
		sim_panic(o->s,
			"at most one live attempt per run is stored: a%lld and a%lld of r%lld",
			(long long)number(o->live, a->run), (long long)a->id, (long long)a->run);
	} else {
		set_number(o->live, a->run, a->id);
	}
	if (old && old->counted && !a->counted)
		sim_panic(o->s, "what counted once counts: a%lld", (long long)a->id);
	if (!a->counted)
		return;
	if (number(o->counted, key) && number(o->counted, key) != a->id)
		sim_panic(o->s, "exactly one is counted: a%lld and a%lld in round %lld of r%lld",
			(long long)number(o->counted, key), (long long)a->id, (long long)a->round,
			(long long)a->run);
	set_number(o->counted, key, a->id);
}

void oracle_row(struct oracle *o, const struct row_table *t, const void *old, const void *row)
{
	if (t == &device_table)
		row_device(o, old, row);
	else if (t == &lease_table)
		row_lease(o, old, row);
	else if (t == &job_table)
		row_job(o, old, row);
	else if (t == &run_table)
		row_run(o, old, row);
	else if (t == &attempt_table)
		row_attempt(o, old, row);
}

/* ---- what is done ---- */

void oracle_action(struct oracle *o, const struct farm_action *a)
{
	if (map_get(o->given_out, a->id))
		sim_panic(o->s, "every action is given out once: %s %lld again",
			action_kind_name(a->kind), (long long)a->id);
	map_put(o->given_out, a->id, o);
	if (a->attempt && !memstore_row(o->s->store, &attempt_table, a->attempt))
		sim_panic(o->s, "what is done is stored first: %s of a%lld",
			action_kind_name(a->kind), (long long)a->attempt);
}

void oracle_accepted(struct oracle *o, int64_t job)
{
	if (!memstore_row(o->s->store, &job_table, job))
		sim_panic(o->s, "what is accepted is stored: j%lld is not", (long long)job);
	stats->jobs += !map_get(o->accepted, job);
	map_put(o->accepted, job, o);
}

void oracle_start(struct oracle *o, const struct farm_action *a)
{
	const struct lease_row *l = memstore_row(o->s->store, &lease_table, a->lease);

	if (map_get(o->started, a->attempt))
		sim_panic(o->s, "an attempt is started once: a%lld", (long long)a->attempt);
	map_put(o->started, a->attempt, o);
	stats->attempts++;
	if (!memstore_row(o->s->store, &attempt_table, a->attempt))
		sim_panic(o->s, "what is done is stored first: START of a%lld",
			(long long)a->attempt);
	if (!l || l->device != a->device || l->epoch != a->epoch || l->kind != LEASE_JOB)
		sim_panic(o->s, "a start has a lease of its device: a%lld on d%lld",
			(long long)a->attempt, (long long)a->device);
}

/* Logs are fetched for an attempt of that very device that is over and whose device is not cleaned
 * yet. */
void oracle_logs(struct oracle *o, const struct farm_action *a)
{
	const struct attempt_row *row = memstore_row(o->s->store, &attempt_table, a->arg);

	if (!row || row->device != a->device || row->state < ATTEMPT_COLLECTING)
		sim_panic(o->s, "logs are fetched where an attempt was: a%lld from d%lld",
			(long long)a->arg, (long long)a->device);
}

/* ---- stored rows equal memory ---- */

struct compare {
	struct oracle *o;
	const struct row_table *t;
};

static void compare_row(void *arg, const void *row)
{
	struct compare *c = arg;
	const void *stored = memstore_row(c->o->s->store, c->t, row_id(c->t, row));
	const char *col = stored ? row_differs(c->t, row, stored) : "everything";

	if (col)
		sim_panic(c->o->s, "stored rows equal memory: %s %lld differs in %s", c->t->name,
			(long long)row_id(c->t, row), col);
}

static const void *in_memory(const struct oracle *o, const struct row_table *t, int64_t id)
{
	const struct farm *f = turn_farm(o->s->turn);

	return t == &device_table    ? (const void *)farm_device(f, id)
	       : t == &lease_table   ? (const void *)farm_lease(f, id)
	       : t == &job_table     ? (const void *)farm_job(f, id)
	       : t == &run_table     ? (const void *)farm_run(f, id)
	       : t == &attempt_table ? (const void *)farm_attempt(f, id)
	                             : NULL;
}

/* What a restart would load is known. */
static void compare_open(void *arg, const void *row)
{
	struct compare *c = arg;

	if (!in_memory(c->o, c->t, row_id(c->t, row)))
		sim_panic(c->o->s, "stored rows equal memory: %s %lld is live in the store alone",
			c->t->name, (long long)row_id(c->t, row));
}

static void compare_new(void *arg, const struct row_table *t, int64_t id)
{
	struct compare c = {arg, t};
	const void *row = in_memory(c.o, t, id);

	if (row)
		compare_row(&c, row);
}

void oracle_compare_new(struct oracle *o)
{
	memstore_each_new(o->s->store, compare_new, o);
}

void oracle_compare(struct oracle *o)
{
	for (int i = 0; core_tables[i]; i++) {
		struct compare c = {o, core_tables[i]};

		farm_each(turn_farm(o->s->turn), core_tables[i], compare_row, &c);
		if (core_tables[i] != &action_table)
			memstore_each_open(o->s->store, core_tables[i], compare_open, &c);
	}
}

/* ---- now and then ---- */

static void look_at_lease(void *arg, const void *row)
{
	const struct lease_row *l = row;
	struct oracle *o = arg;
	int64_t key = l->id * 2 + (l->ending == LEASE_EXPIRED);
	int64_t now = host_ms(o->s->host), since = number(o->ending, key);
	int64_t most = l->ending == LEASE_EXPIRED ? GRACE_MS : LEASE_MS;

	if (!holds(l) || l->state == LEASE_RELEASING || !l->ending)
		return;
	if (!since)
		set_number(o->ending, key, now);
	else if (now - since > most)
		sim_panic(o->s, "nothing outlives its lease plus grace: l%lld is %s after %lld s",
			(long long)l->id, lease_state_name(l->state),
			(long long)(now - since) / 1000);
}

void oracle_look(struct oracle *o)
{
	farm_each(turn_farm(o->s->turn), &lease_table, look_at_lease, o);
}

/* With too many transactions under way nothing is stepped, and nothing can end. */
void oracle_stalled(struct oracle *o)
{
	if (map_count(o->ending))
		forget(&o->ending);
}

/* ---- the end ---- */

static void check_final_job(struct oracle *o, int64_t id)
{
	const struct job_row *j = memstore_row(o->s->store, &job_table, id);

	if (!j)
		sim_panic(o->s, "no accepted job is lost: j%lld", (long long)id);
	if (j->state != JOB_COMPLETED && j->state != JOB_ERRORED && j->state != JOB_CANCELLED)
		sim_panic(o->s, "every job ends: j%lld is %s", (long long)id,
			job_state_name(j->state));
	if (j->exit_code < 0 || j->n_ended != j->n_runs)
		sim_panic(o->s,
			"a job ends with its runs: j%lld has exit code %lld, %lld of %lld runs",
			(long long)id, (long long)j->exit_code, (long long)j->n_ended,
			(long long)j->n_runs);
}

struct tally {
	struct oracle *o;
	struct map *counted; /* by run: number of counted attempts */
};

static void tally_attempt(void *arg, const void *row)
{
	const struct attempt_row *a = row;
	struct tally *t = arg;

	if (a->state != ATTEMPT_DONE)
		sim_panic(t->o->s, "every attempt ends: a%lld is %s", (long long)a->id,
			attempt_state_name(a->state));
	if (a->spool)
		sim_panic(t->o->s, "every spool drains: that of a%lld did not", (long long)a->id);
	if (!a->counted)
		return;
	map_put(t->counted, a->run, (void *)((intptr_t)map_get(t->counted, a->run) + 1));
}

static void check_run(void *arg, const void *row)
{
	const struct run_row *r = row;
	struct tally *t = arg;
	int64_t counted = (intptr_t)map_get(t->counted, r->id);

	if (r->state == RUN_COMPLETED && counted != r->round)
		sim_panic(t->o->s,
			"exactly one attempt counts for a round: r%lld completed round %lld with "
			"%lld",
			(long long)r->id, (long long)r->round, (long long)counted);
	if (r->exit_code < 0)
		sim_panic(t->o->s, "a run ends with an exit code: r%lld", (long long)r->id);
}

static void check_lease(void *arg, const void *row)
{
	const struct lease_row *l = row;
	struct oracle *o = arg;

	if (l->kind == LEASE_JOB && l->state < LEASE_RELEASED)
		sim_panic(o->s, "every lease of a job ends: l%lld is %s", (long long)l->id,
			lease_state_name(l->state));
}

void oracle_final(struct oracle *o)
{
	struct tally t = {o, map_new()};

	for (struct map_item *it = map_first(o->accepted); it; it = map_next(it))
		check_final_job(o, map_key(it));
	memstore_each(o->s->store, &attempt_table, tally_attempt, &t);
	memstore_each(o->s->store, &run_table, check_run, &t);
	memstore_each(o->s->store, &lease_table, check_lease, o);
	oracle_compare(o);
	people_final(o->s->people);
	world_final(o->s->world);
	map_free(t.counted);
}

bool oracle_all_ended(const struct oracle *o)
{
	struct farm_counts c;

	farm_get_counts(turn_farm(o->s->turn), &c);
	/* late counts ended attempts whose spool is still on a phone */
	return !c.live_jobs && !c.late && !c.actions && !c.busy;
}
