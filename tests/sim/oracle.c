/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold, seen from outside the core: from the stored events and rows, and from what was
 * asked of the phones. farm_check() looks from inside.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

#define STATES 16

struct oracle {
	struct sim *s;
	struct map *accepted;   /* jobs that somebody was told of */
	struct map *started;    /* attempts that a START was given for */
	struct map *last_epoch; /* by device */
};

/* Over all seeds of this process. */
static int64_t taken[5][STATES][STATES];
static const char *const topics[] = {"device", "lease", "job", "run"};

struct oracle *oracle_new(struct sim *s)
{
	struct oracle *o = mem_zalloc(sizeof(*o));

	o->s = s;
	o->accepted = map_new();
	o->started = map_new();
	o->last_epoch = map_new();
	return o;
}

void oracle_free(struct oracle *o)
{
	map_free(o->accepted);
	map_free(o->started);
	map_free(o->last_epoch);
	mem_free(o);
}

/* ---- coverage of the transition tables ---- */

static const struct machine {
	const char *(*name)(int64_t s);
	bool (*may)(int64_t from, int64_t to);
	int end;
} machines[] = {
	{device_state_name, farm_device_may, DEVICE_STATES_END},
	{lease_state_name, farm_lease_may, LEASE_STATES_END},
	{job_state_name, farm_job_may, JOB_STATES_END},
	{run_state_name, farm_run_may, RUN_STATES_END},
};

static int state_no(const struct machine *m, const char *name)
{
	for (int i = 1; i < m->end; i++)
		if (!strcmp(m->name(i), name))
			return i;
	return 0;
}

void oracle_event(struct oracle *o, const struct event_row *ev)
{
	for (int t = 0; t < 4; t++) {
		const struct machine *m = &machines[t];
		int from, to;

		if (strcmp(topics[t], ev->topic))
			continue;
		from = state_no(m, ev->from_state);
		to = state_no(m, ev->to_state);
		if (from && !m->may(from, to))
			sim_panic(o->s, "%s %lld went from %s to %s", ev->topic,
				(long long)ev->subject, ev->from_state, ev->to_state);
		taken[t][from][to]++;
	}
}

int oracle_uncovered(void)
{
	int n = 0, legal = 0;

	for (int t = 0; t < 4; t++)
		for (int from = 1; from < machines[t].end; from++)
			for (int to = 1; to < machines[t].end; to++) {
				if (!machines[t].may(from, to))
					continue;
				legal++;
				if (taken[t][from][to])
					continue;
				printf("never taken: %s %s -> %s\n", topics[t],
					machines[t].name(from), machines[t].name(to));
				n++;
			}
	printf("transitions: %d of %d legal ones taken\n", legal - n, legal);
	return n;
}

/* ---- nothing lost, nothing doubled ---- */

void oracle_accepted(struct oracle *o, int64_t job)
{
	if (!memstore_row(o->s->store, &job_table, job))
		sim_panic(o->s, "j%lld was accepted but is not stored", (long long)job);
	map_put(o->accepted, job, o);
}

void oracle_start(struct oracle *o, const struct farm_action *a)
{
	int64_t last = (intptr_t)map_get(o->last_epoch, a->device);

	if (map_get(o->started, a->attempt))
		sim_panic(o->s, "a%lld was started twice", (long long)a->attempt);
	map_put(o->started, a->attempt, o);
	if (a->epoch < last)
		sim_panic(o->s, "epoch %lld of d%lld after %lld", (long long)a->epoch,
			(long long)a->device, (long long)last);
	map_put(o->last_epoch, a->device, (void *)(intptr_t)a->epoch);
	if (!memstore_row(o->s->store, &attempt_table, a->attempt))
		sim_panic(o->s, "a%lld was started before it was stored", (long long)a->attempt);
}

/* Logs are fetched for an attempt of that very device that is over and whose device is not cleaned
 * yet. */
void oracle_logs(struct oracle *o, const struct farm_action *a)
{
	const struct attempt_row *row = memstore_row(o->s->store, &attempt_table, a->arg);

	if (!row || row->device != a->device)
		sim_panic(o->s, "logs of a%lld are fetched from d%lld", (long long)a->arg,
			(long long)a->device);
	if (row->state < ATTEMPT_COLLECTING)
		sim_panic(o->s, "logs of a%lld are fetched while it runs", (long long)a->arg);
}

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
		sim_panic(c->o->s, "%s %lld differs from its stored row in %s", c->t->name,
			(long long)row_id(c->t, row), col);
}

void oracle_compare(struct oracle *o)
{
	for (int i = 0; core_tables[i]; i++) {
		struct compare c = {o, core_tables[i]};

		farm_each(turn_farm(o->s->turn), core_tables[i], compare_row, &c);
	}
}

static void check_final_job(struct oracle *o, int64_t id)
{
	const struct job_row *j = memstore_row(o->s->store, &job_table, id);

	if (!j)
		sim_panic(o->s, "the accepted job j%lld is lost", (long long)id);
	if (j->state != JOB_COMPLETED && j->state != JOB_ERRORED && j->state != JOB_CANCELLED)
		sim_panic(o->s, "j%lld never ended: it is %s", (long long)id,
			job_state_name(j->state));
	if (j->exit_code < 0 || j->n_ended != j->n_runs)
		sim_panic(o->s, "j%lld ended with exit code %lld, %lld of %lld runs", (long long)id,
			(long long)j->exit_code, (long long)j->n_ended, (long long)j->n_runs);
}

struct tally {
	struct oracle *o;
	struct map *counted; /* by run: number of counted attempts */
	struct map *rounds;  /* by run and round */
};

static void tally_attempt(void *arg, const void *row)
{
	const struct attempt_row *a = row;
	struct tally *t = arg;
	int64_t key = a->run * 64 + a->round;

	if (a->state != ATTEMPT_DONE)
		sim_panic(t->o->s, "a%lld is %s at the end", (long long)a->id,
			attempt_state_name(a->state));
	if (a->spool)
		sim_panic(t->o->s, "the spool of a%lld never drained", (long long)a->id);
	if (!a->counted)
		return;
	if (map_get(t->rounds, key))
		sim_panic(t->o->s, "round %lld of r%lld was counted twice", (long long)a->round,
			(long long)a->run);
	map_put(t->rounds, key, t);
	map_put(t->counted, a->run, (void *)((intptr_t)map_get(t->counted, a->run) + 1));
}

static void check_run(void *arg, const void *row)
{
	const struct run_row *r = row;
	struct tally *t = arg;
	int64_t counted = (intptr_t)map_get(t->counted, r->id);

	if (r->state == RUN_COMPLETED && counted != r->round)
		sim_panic(t->o->s, "r%lld completed in round %lld with %lld counted attempts",
			(long long)r->id, (long long)r->round, (long long)counted);
	if (r->exit_code < 0)
		sim_panic(t->o->s, "r%lld ended without an exit code", (long long)r->id);
}

static void check_lease(void *arg, const void *row)
{
	const struct lease_row *l = row;
	struct oracle *o = arg;

	if (l->kind == LEASE_JOB && l->state < LEASE_RELEASED)
		sim_panic(o->s, "l%lld is %s at the end", (long long)l->id,
			lease_state_name(l->state));
}

void oracle_final(struct oracle *o)
{
	struct tally t = {o, map_new(), map_new()};

	for (struct map_item *it = map_first(o->accepted); it; it = map_next(it))
		check_final_job(o, map_key(it));
	memstore_each(o->s->store, &attempt_table, tally_attempt, &t);
	memstore_each(o->s->store, &run_table, check_run, &t);
	memstore_each(o->s->store, &lease_table, check_lease, o);
	oracle_compare(o);
	map_free(t.counted);
	map_free(t.rounds);
}

bool oracle_all_ended(const struct oracle *o)
{
	struct farm_counts c;

	farm_get_counts(turn_farm(o->s->turn), &c);
	/* late counts ended attempts whose spool is still on a phone */
	return !c.live_jobs && !c.late && !c.actions && !c.busy;
}
