/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the farm at start-up; see restore.h. Only what is live is read: the rows of years of
 * ended
 * jobs stay where they are.
 */
#include "farm/restore.h"

#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/farm.h"
#include "store/store.h"

#define READ_WAIT_MS 10000
#define PAGE         1000

struct load {
	struct farm *farm;
	const struct row_table *table;
	struct err *err;
	int64_t last;
	int64_t event; /* the newest */
	int n;
	int64_t *ids; /* collected for the next step; NULL: not wanted */
	int n_ids, cap_ids;
};

static int load_row(void *arg, const void *row)
{
	struct load *l = arg;

	l->last = row_id(l->table, row);
	l->n++;
	if (l->ids) {
		if (l->n_ids == l->cap_ids) {
			l->cap_ids *= 2;
			l->ids = mem_realloc(l->ids, l->cap_ids, sizeof(*l->ids));
		}
		l->ids[l->n_ids++] = l->last;
	}
	return farm_load(l->farm, l->table, row, l->err);
}

/* All rows of a table whose column has the value, page by page. */
static int load_where(struct store_reader *rd, struct load *l, const char *column, int64_t value)
{
	struct store_page page = {.limit = PAGE};
	int rc;

	if (column) {
		page.n_filters = 1;
		page.filters[0] = (struct store_filter){.column = column, .num = value};
	}
	do {
		l->n = 0;
		rc = store_rows(rd, l->table, &page, load_row, l, l->err);
		page.after = l->last;
	} while (!rc && l->n == PAGE);
	l->last = 0;
	return rc;
}

static int set_last_id(void *arg, const void *row)
{
	struct load *l = arg;

	farm_set_last_id(l->farm, l->table, row_id(l->table, row));
	if (l->table == &event_table)
		l->event = row_id(l->table, row);
	return 0;
}

static int load_last_ids(struct store_reader *rd, struct load *l)
{
	struct store_page page = {.limit = 1, .descending = true};
	int rc = 0;

	for (int i = 0; core_tables[i] && !rc; i++) {
		l->table = core_tables[i];
		rc = store_rows(rd, l->table, &page, set_last_id, l, l->err);
	}
	return rc;
}

static int load_leases(struct store_reader *rd, struct load *l)
{
	static const int64_t live[] = {LEASE_WAITING, LEASE_GRANTED, LEASE_ACTIVE, LEASE_RELEASING};
	int rc = 0;

	l->table = &lease_table;
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]) && !rc; i++)
		rc = load_where(rd, l, "state", live[i]);
	return rc;
}

/* Live jobs, then the runs of each, then the attempts of each run and those that a spool may still
 * hold. */
static int load_jobs(struct store_reader *rd, struct load *l)
{
	static const int64_t live[] = {JOB_QUEUED, JOB_RUNNING, JOB_PAUSED};
	int64_t *jobs, *runs;
	int n_jobs, n_runs, rc = 0;

	l->cap_ids = 64;
	l->ids = mem_alloc(l->cap_ids * sizeof(*l->ids));
	l->table = &job_table;
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]) && !rc; i++)
		rc = load_where(rd, l, "state", live[i]);
	jobs = l->ids;
	n_jobs = l->n_ids;
	l->n_ids = 0;
	l->cap_ids = 64;
	l->ids = mem_alloc(l->cap_ids * sizeof(*l->ids));
	l->table = &run_table;
	for (int i = 0; i < n_jobs && !rc; i++)
		rc = load_where(rd, l, "job", jobs[i]);
	runs = l->ids;
	n_runs = l->n_ids;
	l->ids = NULL;
	l->table = &attempt_table;
	for (int i = 0; i < n_runs && !rc; i++)
		if (farm_run(l->farm, runs[i]) && farm_run(l->farm, runs[i])->state != RUN_QUEUED)
			rc = load_where(rd, l, "run", runs[i]);
	if (!rc)
		rc = load_where(rd, l, "spool", 1);
	mem_free(jobs);
	mem_free(runs);
	return rc;
}

/* Of a store that came out of a backup. */
static void leave_out_what_is_lost(struct farm *f, struct store *s)
{
	int64_t after, to;

	for (int i = 0; core_tables[i]; i++) {
		store_lost(s, core_tables[i], &after, &to);
		farm_set_last_id(f, core_tables[i], to);
	}
	store_lost(s, &attempt_table, &after, &to);
	farm_set_restored(f, after);
}

int restore_farm(struct farm *f, struct store *s, int64_t *ret_event, struct err *e)
{
	struct store_reader *rd = store_reader_get(s, READ_WAIT_MS, e);
	struct load l = {.farm = f, .err = e};
	int rc;

	if (!rd)
		return e->code;
	rc = load_last_ids(rd, &l);
	if (!rc)
		leave_out_what_is_lost(f, s);
	if (!rc) {
		l.table = &device_table;
		rc = load_where(rd, &l, NULL, 0);
	}
	if (!rc)
		rc = load_leases(rd, &l);
	if (!rc)
		rc = load_jobs(rd, &l);
	if (!rc) {
		l.table = &action_table;
		rc = load_where(rd, &l, NULL, 0);
	}
	store_reader_put(rd);
	if (!rc)
		*ret_event = l.event;
	return rc;
}

/* ---- the farm's id ---- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	int rc;
	char text[LIMIT_CAUSE];
};

static void written(void *arg, int rc, const char *text)
{
	struct waiter *w = arg;

	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	str_copy(w->text, sizeof(w->text), text ? text : "");
	w->done = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static int write_meta(struct store *s, const char *key, const char *value, struct err *e)
{
	struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
	struct store_txn *t = store_txn_new();

	store_txn_meta(t, key, value);
	store_submit(s, t, written, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	store_txn_free(t);
	return w.rc ? err_set(e, w.rc, "cannot write to the store: %s", w.text) : 0;
}

int restore_farm_id(struct store *s, char *dst, size_t size,
	void (*random)(void *ctx, void *p, size_t n), void *ctx, struct err *e)
{
	unsigned char bytes[8];
	char hex[17];
	int rc = store_meta(s, "farm_id", dst, size, e);

	if (rc || *dst)
		return rc;
	random(ctx, bytes, sizeof(bytes));
	str_hex(hex, bytes, sizeof(bytes));
	rc = write_meta(s, "farm_id", hex, e);
	if (!rc)
		str_copy(dst, size, hex);
	return rc;
}
