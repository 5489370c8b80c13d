/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h's control writer in memory. A submitted transaction commits after a while, in order;
 * while
 * it fails, everything behind it fails too until store_retry(), as the real one does.
 */
#include "sim.h"

#include <assert.h>
#include <string.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/store.h"

#define TABLES 8

struct op {
	const struct row_table *t;
	int64_t id;
	void *row; /* NULL: delete */
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
	struct map *rows[TABLES];
	struct txn_list queue;
	bool busy;     /* a commit is on its way */
	bool failing;  /* the disk is full */
	bool refusing; /* since a failure, until store_retry() */
	int64_t commits;
	int64_t last_id[TABLES];
};

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
	for (int i = 0; i < TABLES; i++)
		m->rows[i] = map_new();
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
	}
	mem_free(m);
}

/* ---- store.h ---- */

struct store_txn *store_txn_new(void)
{
	return mem_zalloc(sizeof(struct store_txn));
}

void store_txn_free(struct store_txn *t)
{
	if (!t)
		return;
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
	t->ops[t->n++] = (struct op){tab, id, row};
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

static void apply(struct memstore *m, const struct store_txn *t)
{
	for (int i = 0; i < t->n; i++) {
		const struct op *o = &t->ops[i];
		int no = table_no(o->t);

		row_free(o->t, map_del(m->rows[no], o->id));
		if (o->row)
			map_put(m->rows[no], o->id, row_copy(o->t, o->row));
		if (o->id > m->last_id[no])
			m->last_id[no] = o->id;
	}
	m->commits++;
}

static void begin(struct memstore *m);

static void commit(void *arg)
{
	struct memstore *m = arg;
	struct store_txn *t = TAILQ_FIRST(&m->queue);
	int rc = m->refusing ? ERR_IO : m->failing ? ERR_NOSPACE : 0;

	m->busy = false;
	if (!t)
		return;
	TAILQ_REMOVE(&m->queue, t, link);
	if (rc)
		m->refusing = true;
	else
		apply(m, t);
	t->done(t->arg, rc, rc ? "the disk is full" : "");
	begin(m);
}

static void begin(struct memstore *m)
{
	if (m->busy || TAILQ_EMPTY(&m->queue))
		return;
	m->busy = true;
	host_after(m->sim->host, rng_range(&m->sim->rng, 0, 40), commit, m);
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
void memstore_crash(struct memstore *m, bool commit_first)
{
	struct store_txn *t = TAILQ_FIRST(&m->queue);

	if (t && commit_first && !m->failing && !m->refusing)
		apply(m, t);
	TAILQ_INIT(&m->queue);
	m->busy = m->refusing = false;
}

void memstore_set_failing(struct memstore *m, bool on)
{
	m->failing = on;
}

bool memstore_idle(const struct memstore *m)
{
	return TAILQ_EMPTY(&m->queue);
}

int memstore_load(struct memstore *m, struct farm *f)
{
	struct err e;

	for (int i = 0; core_tables[i]; i++) {
		farm_set_last_id(f, core_tables[i], m->last_id[i]);
		if (core_tables[i] == &event_table || core_tables[i] == &audit_table)
			continue;
		for (struct map_item *it = map_first(m->rows[i]); it; it = map_next(it))
			if (farm_load(f, core_tables[i], map_value(it), &e))
				sim_panic(m->sim, "cannot load: %s", e.text);
	}
	return 0;
}

const void *memstore_row(const struct memstore *m, const struct row_table *t, int64_t id)
{
	return map_get(m->rows[table_no(t)], id);
}

int64_t memstore_count(const struct memstore *m, const struct row_table *t)
{
	return map_count(m->rows[table_no(t)]);
}

void memstore_each(const struct memstore *m, const struct row_table *t,
	void (*fn)(void *arg, const void *row), void *arg)
{
	for (struct map_item *it = map_first(m->rows[table_no(t)]); it; it = map_next(it))
		fn(arg, map_value(it));
}

int64_t memstore_commits(const struct memstore *m)
{
	return m->commits;
}
