/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of readers; see readers.h. */
#include "store/readers.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/store.h"

/* SQLite's steps between two looks at the clock: some ten microseconds. */
#define PROGRESS_STEPS 1000

struct store_reader {
	struct readers *pool;
	struct db db[READER_FILES];
	enum reader_file file; /* of the present read */
	int64_t deadline_ms;   /* 0: none */
	bool lent;
};

struct readers {
	struct store_reader reader[STORE_READERS];
	pthread_mutex_t lock; /* of lent and held */
	pthread_cond_t changed;
	int held;
	atomic_bool damaged;
};

static const char *const file_names[READER_FILES] = {"control.db", "samples.db"};

/* ---- the pool ---- */

static int is_late(void *arg)
{
	struct store_reader *r = arg;

	return r->deadline_ms && clock_mono_ms() >= r->deadline_ms;
}

static int open_reader(struct store_reader *r, const char *dir, struct err *e)
{
	for (int i = 0; i < READER_FILES; i++) {
		int rc = db_open_reader(&r->db[i], dir, file_names[i], e);

		if (rc)
			return rc;
		sqlite3_progress_handler(r->db[i].h, PROGRESS_STEPS, is_late, r);
	}
	return 0;
}

struct readers *readers_new(const char *dir, struct err *e)
{
	struct readers *p = mem_zalloc(sizeof(*p));
	pthread_condattr_t attr;

	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	for (int i = 0; i < STORE_READERS; i++) {
		p->reader[i].pool = p;
		if (open_reader(&p->reader[i], dir, e)) {
			readers_free(p);
			return NULL;
		}
	}
	return p;
}

void readers_free(struct readers *p)
{
	if (!p)
		return;
	for (int i = 0; i < STORE_READERS; i++) {
		assert(!p->reader[i].lent);
		for (int k = 0; k < READER_FILES; k++)
			db_close(&p->reader[i].db[k]);
	}
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

/* With the lock held: waits for a change until the monotonic time; false when it has come. */
static bool wait_until(struct readers *p, int64_t ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	return !pthread_cond_timedwait(&p->changed, &p->lock, &ts);
}

/* With the lock held. */
static struct store_reader *find_free(struct readers *p)
{
	for (int i = 0; i < STORE_READERS; i++)
		if (!p->reader[i].lent)
			return &p->reader[i];
	return NULL;
}

struct store_reader *readers_get(struct readers *p, int wait_ms, struct err *e)
{
	int64_t until = clock_mono_ms() + wait_ms;
	struct store_reader *r;

	pthread_mutex_lock(&p->lock);
	while (!(r = find_free(p)) && wait_until(p, until))
		;
	if (r)
		r->lent = true;
	pthread_mutex_unlock(&p->lock);
	if (!r)
		err_set(e, ERR_BUSY, "all %d readers of the store are busy; try again",
			STORE_READERS);
	return r;
}

void store_reader_put(struct store_reader *r)
{
	struct readers *p = r->pool;

	assert(!r->deadline_ms);
	pthread_mutex_lock(&p->lock);
	assert(r->lent);
	r->lent = false;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

void readers_hold(struct readers *p)
{
	pthread_mutex_lock(&p->lock);
	p->held++;
	pthread_mutex_unlock(&p->lock);
}

void readers_release(struct readers *p)
{
	pthread_mutex_lock(&p->lock);
	assert(p->held > 0);
	p->held--;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static int wait_for_release(struct readers *p, int64_t until, struct err *e)
{
	bool held;

	pthread_mutex_lock(&p->lock);
	while ((held = p->held > 0) && wait_until(p, until))
		;
	pthread_mutex_unlock(&p->lock);
	return held ? err_set(e, ERR_BUSY, "the store is being tidied up; try again") : 0;
}

/* ---- a read ---- */

struct db *reader_db(struct store_reader *r)
{
	return &r->db[r->file];
}

int reader_begin(struct store_reader *r, enum reader_file file, int ms, struct err *e)
{
	int rc;

	r->file = file;
	if (ms) {
		rc = wait_for_release(r->pool, clock_mono_ms() + ms, e);
		if (rc)
			return rc;
		r->deadline_ms = clock_mono_ms() + ms;
	}
	rc = db_exec(reader_db(r), "BEGIN", e);
	if (rc)
		r->deadline_ms = 0;
	return rc;
}

int reader_prepare(struct store_reader *r, sqlite3_stmt **ret_st, const char *sql, struct err *e)
{
	return db_prepare(reader_db(r), ret_st, sql, e);
}

/* Who asked is told, and once the log: the others go on with what is whole. */
int reader_error(struct store_reader *r, int sqlite_rc, struct err *e)
{
	int rc = db_error(reader_db(r), sqlite_rc, e, "reading");

	if (rc == ERR_CORRUPT && !atomic_exchange(&r->pool->damaged, true))
		log_err("event=store_damaged cause=\"%s\"", e->text);
	return rc;
}

int reader_step(struct store_reader *r, sqlite3_stmt *st, struct err *e)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_DONE)
		return 0;
	/* Rows that come fast reach no progress callback, and fn() may be slow. */
	if (rc == SQLITE_ROW && !is_late(r))
		return 1;
	if (rc == SQLITE_ROW || rc == SQLITE_INTERRUPT)
		return err_set(e, ERR_TIMEOUT,
			"reading took longer than %d ms; ask for less at once", STORE_READ_MS);
	return reader_error(r, rc, e);
}

bool readers_damaged(const struct readers *p)
{
	return p->damaged;
}

void reader_end(struct store_reader *r)
{
	r->deadline_ms = 0;
	db_rollback(reader_db(r));
}
