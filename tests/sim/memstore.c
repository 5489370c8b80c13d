/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h's control writer in memory. A submitted transaction commits after a while, in order;
 * while
 * it fails, everything behind it fails too until store_retry(), as the real one does.
 */
#include "memstore.h"

#include <assert.h>
#include <string.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "drivers/driver.h"
#include "host.h"
#include "oracle.h"
#include "sim.h"
#include "store/store.h"

#define TABLES 8

struct op {
	const struct row_table *t;
	int64_t id;
	bool put; /* else its row is deleted */
	void *row;
};

struct store_txn {
	struct op *ops;
	int n, cap;
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
	TAILQ_ENTRY(store_txn) link;
};

TAILQ_HEAD(txn_list, store_txn);

struct memstore {
	struct sim *sim;
	struct map *rows[TABLES]; /* all but events and audit, which nobody reads again */
	struct map *open[TABLES]; /* of these, what a restart would load; it is pruned there */
	struct txn_list queue;
	struct rng rng;
	bool busy;     /* a commit is on its way */
	int failing;   /* with this */
	bool refusing; /* since a failure, until store_retry() */
	int64_t slow_ms;
	int64_t steps, commits;
	int64_t last_id[TABLES];
	struct touched {
		const struct row_table *t;
		int64_t id;
	} * newest; /* what the last transaction touched */
	int n_newest, cap_newest;
};

static int64_t turns;            /* transactions begun: turns in which the farm was stepped */
static struct store_txn *newest; /* of them */

static int table_no(const struct row_table *t)
{
	int i;

	for (i = 0; core_tables[i] != t; i++)
		assert(core_tables[i]);
	return i;
}

struct memstore *memstore_new(struct sim *s)
{
	struct memstore *m = mem_zalloc(sizeof(*m));

	m->sim = s;
	m->rng = chance_rng(s->chance, SERIES_STORE, 0);
	for (int i = 0; i < TABLES; i++) {
		m->rows[i] = map_new();
		m->open[i] = map_new();
	}
	TAILQ_INIT(&m->queue);
	return m;
}

void memstore_free(struct memstore *m)
{
	struct map_item *it;

	for (int i = 0; i < TABLES; i++) {
		while ((it = map_first(m->rows[i])))
			row_free(core_tables[i], map_del(m->rows[i], map_key(it)));
		map_free(m->rows[i]);
		map_free(m->open[i]);
	}
	mem_free(m->newest);
	mem_free(m);
}

/* ---- store.h ---- */

struct store_txn *store_txn_new(void)
{
	turns++;
	newest = mem_zalloc(sizeof(*newest));
	return newest;
}

void store_txn_free(struct store_txn *t)
{
	if (!t)
		return;
	if (newest == t)
		newest = NULL;
	for (int i = 0; i < t->n; i++)
		row_free(t->ops[i].t, t->ops[i].row);
	mem_free(t->ops);
	mem_free(t);
}

static void add_op(struct store_txn *t, const struct row_table *tab, int64_t id, void *row)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 8;
		t->ops = mem_realloc(t->ops, t->cap, sizeof(*t->ops));
	}
	t->ops[t->n++] = (struct op){tab, id, row != NULL, row};
}

void store_txn_put(struct store_txn *t, const struct row_table *tab, const void *row)
{
	add_op(t, tab, row_id(tab, row), row_copy(tab, row));
}

void store_txn_del(struct store_txn *t, const struct row_table *tab, int64_t id)
{
	add_op(t, tab, id, NULL);
}

size_t store_txn_count(const struct store_txn *t)
{
	return t->n;
}

/* Whether a restart would load it; a run is looked at there, with its job. */
static bool is_open(const struct row_table *t, const void *row)
{
	const struct attempt_row *a = row;

	if (t == &lease_table)
		return ((const struct lease_row *)row)->state < LEASE_RELEASED;
	if (t == &job_table)
		return ((const struct job_row *)row)->state < JOB_COMPLETED;
	return t != &attempt_table || a->state != ATTEMPT_DONE || a->spool;
}

static void touch(struct memstore *m, const struct op *o)
{
	if (m->n_newest == m->cap_newest) {
		m->cap_newest = m->cap_newest ? 2 * m->cap_newest : 64;
		m->newest = mem_realloc(m->newest, m->cap_newest, sizeof(*m->newest));
	}
	m->newest[m->n_newest++] = (struct touched){o->t, o->id};
}

/* Returns whether something is different now. The transaction is applied once: its rows move. */
static bool apply_op(struct memstore *m, struct op *o)
{
	int no = table_no(o->t);
	void *old;
	bool changed;

	if (o->id > m->last_id[no])
		m->last_id[no] = o->id;
	if (o->t == &event_table || o->t == &audit_table)
		return true;
	touch(m, o);
	old = map_del(m->rows[no], o->id);
	oracle_row(m->sim->oracle, o->t, old, o->row);
	changed = !o->put || !old || row_differs(o->t, old, o->row);
	row_free(o->t, old);
	if (o->put)
		map_put(m->rows[no], o->id, o->row);
	if (o->put && is_open(o->t, o->row))
		map_put(m->open[no], o->id, o->row);
	else
		map_del(m->open[no], o->id);
	o->row = NULL;
	return changed;
}

static void apply(struct memstore *m, struct store_txn *t)
{
	bool changed = false;

	m->n_newest = 0;
	for (int i = 0; i < t->n; i++)
		changed |= apply_op(m, &t->ops[i]);
	m->commits++;
	m->steps += changed;
}

static void begin(struct memstore *m);

static void commit(void *arg)
{
	struct memstore *m = arg;
	struct store_txn *t = TAILQ_FIRST(&m->queue);
	int rc = m->refusing ? ERR_IO : m->failing;

	m->busy = false;
	if (!t)
		return;
	TAILQ_REMOVE(&m->queue, t, link);
	if (rc)
		m->refusing = true;
	else
		apply(m, t);
	t->done(t->arg, rc, rc ? err_name(rc) : "");
	begin(m);
}

static void begin(struct memstore *m)
{
	struct driver_host *dh = host_driver_host(m->sim->host);

	if (m->busy || TAILQ_EMPTY(&m->queue))
		return;
	m->busy = true;
	/* A timer of the process: with it the commit under way dies. */
	dh->timer_add(dh, dh->now_ms(dh) + (m->slow_ms ? m->slow_ms : rng_range(&m->rng, 0, 40)),
		commit, m);
}

void store_submit(struct store *s, struct store_txn *t,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	struct memstore *m = (struct memstore *)s;

	t->done = done;
	t->arg = arg;
	TAILQ_INSERT_TAIL(&m->queue, t, link);
	begin(m);
}

void store_retry(struct store *s)
{
	((struct memstore *)s)->refusing = false;
}

/* ---- the simulation's side ---- */

/* The transactions themselves belong to the turn, which is freed too. */
bool memstore_crash(struct memstore *m, bool commit_first)
{
	struct store_txn *t = TAILQ_FIRST(&m->queue);
	bool busy = t && !m->failing && !m->refusing;

	if (busy && commit_first)
		apply(m, t);
	TAILQ_INIT(&m->queue);
	m->busy = m->refusing = false;
	return busy;
}

void memstore_set_failing(struct memstore *m, int rc)
{
	m->failing = rc;
}

void memstore_set_slow(struct memstore *m, int64_t ms)
{
	m->slow_ms = ms;
}

void memstore_each_changed(void (*fn)(void *arg, const struct row_table *t, int64_t id), void *arg)
{
	for (int i = 0; newest && i < newest->n; i++)
		fn(arg, newest->ops[i].t, newest->ops[i].id);
}

bool memstore_idle(const struct memstore *m)
{
	return TAILQ_EMPTY(&m->queue);
}

/* A run is loaded while its job is. */
static bool is_orphan(const struct memstore *m, const struct row_table *t, const void *row)
{
	return t == &run_table &&
	       !map_get(m->open[table_no(&job_table)], ((const struct run_row *)row)->job);
}

void memstore_load(struct memstore *m, struct farm *f)
{
	struct map_item *it, *next;
	struct err e;

	for (int i = 0; core_tables[i]; i++) {
		farm_set_last_id(f, core_tables[i], m->last_id[i]);
		for (it = map_first(m->open[i]); it; it = next) {
			next = map_next(it);
			if (is_orphan(m, core_tables[i], map_value(it)))
				map_del(m->open[i], map_key(it));
			else if (farm_load(f, core_tables[i], map_value(it), &e))
				sim_panic(m->sim, "cannot load: %s", e.text);
		}
	}
}

const void *memstore_row(const struct memstore *m, const struct row_table *t, int64_t id)
{
	return map_get(m->rows[table_no(t)], id);
}

void memstore_each(const struct memstore *m, const struct row_table *t,
	void (*fn)(void *arg, const void *row), void *arg)
{
	for (struct map_item *it = map_first(m->rows[table_no(t)]); it; it = map_next(it))
		fn(arg, map_value(it));
}

void memstore_each_open(const struct memstore *m, const struct row_table *t,
	void (*fn)(void *arg, const void *row), void *arg)
{
	for (struct map_item *it = map_first(m->open[table_no(t)]); it; it = map_next(it))
		if (!is_orphan(m, t, map_value(it)))
			fn(arg, map_value(it));
}

void memstore_each_new(const struct memstore *m,
	void (*fn)(void *arg, const struct row_table *t, int64_t id), void *arg)
{
	for (int i = 0; i < m->n_newest; i++)
		fn(arg, m->newest[i].t, m->newest[i].id);
}

int64_t memstore_commits(const struct memstore *m)
{
	return m->commits;
}

int64_t memstore_steps(const struct memstore *m)
{
	return m->steps;
}

int64_t memstore_turns(void)
{
	return turns;
}
