/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit on one thread; see writer.h. */
#include "store/writer.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/checkpoint.h"
#include "store/db.h"

/* One commit takes at most so much; what is left follows in the next. */
#define GROUP_ITEMS 1024
#define GROUP_BYTES (16 * 1024 * 1024)

struct counters {
	_Atomic uint64_t commits, commit_ns, failures, queued, queued_bytes;
	_Atomic int64_t file_bytes, wal_bytes;
};

struct writer {
	struct db *db;
	const struct writer_ops *ops;
	void *ctx;
	struct checkpoint checkpoint;
	int64_t begun_ms; /* the last group; writer's thread only */
	struct err why;   /* of the last failure; writer's thread only */
	pthread_t thread;
	struct counters n;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	struct work *head, **tail;
	size_t items, bytes;  /* submitted and not yet done */
	size_t waiting_bytes; /* of them, not yet taken by the thread */
	bool failed;
	bool stopping;
};

/* ---- the queue ---- */

void writer_submit(
	struct writer *w, struct work *item, void (*done)(void *, int, const char *), void *arg)
{
	pthread_mutex_lock(&w->lock);
	assert(!w->stopping);
	assert(w->items < w->ops->max_items && item->bytes <= w->ops->max_bytes - w->bytes);
	item->next = NULL;
	item->done = done;
	item->arg = arg;
	item->refused = w->failed;
	*w->tail = item;
	w->tail = &item->next;
	w->items++;
	w->bytes += item->bytes;
	w->waiting_bytes += item->bytes;
	w->n.queued = w->items;
	w->n.queued_bytes = w->bytes;
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->wake); /* behind the lock, which the woken thread takes first */
}

void writer_retry(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->failed = false;
	pthread_mutex_unlock(&w->lock);
}

/* Waits for a signal, at most ms (-1: for ever). False when the time is over. */
static bool wait_for(struct writer *w, int64_t ms)
{
	struct timespec ts;

	if (ms < 0)
		return !pthread_cond_wait(&w->wake, &w->lock);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return !pthread_cond_timedwait(&w->wake, &w->lock, &ts);
}

/* With the lock held: how long what waits may still gather; 0: go. */
static int64_t gather_left(struct writer *w)
{
	int64_t left = w->begun_ms + w->ops->gather_ms - clock_mono_ms();

	if (w->stopping || w->head->refused || w->head->alone ||
		w->waiting_bytes >= w->ops->gather_bytes)
		return 0;
	return left > 0 ? left : 0;
}

/* With the lock held: takes from the head what goes into one commit, or a run of refused ones. */
static struct work *cut_group(struct writer *w)
{
	struct work *group = w->head, *last = group;
	size_t items = 1, bytes = group->bytes;

	while (last->next && !group->alone && !last->next->alone &&
		last->next->refused == group->refused && items < GROUP_ITEMS &&
		bytes + last->next->bytes <= GROUP_BYTES) {
		last = last->next;
		items++;
		bytes += last->bytes;
	}
	w->head = last->next;
	if (!w->head)
		w->tail = &w->head;
	last->next = NULL;
	w->waiting_bytes -= bytes;
	return group;
}

/* The next group; NULL when it is time for an idle checkpoint, or (*ret_end) for the end. */
static struct work *take(struct writer *w, bool *ret_end)
{
	struct work *group = NULL;
	int64_t left;

	pthread_mutex_lock(&w->lock);
	while (!w->head && !w->stopping)
		if (!wait_for(w, checkpoint_wait_ms(&w->checkpoint)))
			break;
	while (w->head && (left = gather_left(w)) > 0)
		wait_for(w, left);
	if (w->head)
		group = cut_group(w);
	*ret_end = !group && w->stopping;
	pthread_mutex_unlock(&w->lock);
	return group;
}

/* ---- committing ---- */

static int write_group(struct writer *w, struct work *group, struct err *e)
{
	int rc;

	/* Rows in a file that nobody can open again are not stored. */
	if (db_moved(w->db))
		return err_set(
			e, ERR_IO, "%s was deleted or replaced while framefarm ran", w->db->path);
	rc = checkpoint_room(&w->checkpoint, e);
	if (!rc)
		rc = db_exec(w->db, "BEGIN IMMEDIATE", e);
	for (struct work *it = group; it && !rc; it = it->next)
		rc = w->ops->apply(w->ctx, it, e);
	if (!rc && w->ops->seal)
		rc = w->ops->seal(w->ctx, e);
	if (!rc)
		rc = db_exec(w->db, "COMMIT", e);
	if (rc)
		db_rollback(w->db);
	if (w->ops->settle)
		w->ops->settle(w->ctx, !rc);
	return rc;
}

/* store.h promises these codes; the rest (a read-only mount, say) may pass like an I/O error. */
static int public_code(int rc)
{
	switch (rc) {
	case ERR_NOSPACE:
	case ERR_BUSY:
	case ERR_CONSTRAINT:
	case ERR_CORRUPT:
		return rc;
	}
	return ERR_IO;
}

/* From this moment nothing gets in before what failed: see the head of writer.h. Returns what was
 * queued behind the group. */
static struct work *shut(struct writer *w)
{
	struct work *behind;

	pthread_mutex_lock(&w->lock);
	w->failed = true;
	behind = w->head;
	w->head = NULL;
	w->tail = &w->head;
	w->waiting_bytes = 0;
	pthread_mutex_unlock(&w->lock);
	return behind;
}

static void measure(struct writer *w)
{
	char path[sizeof(w->db->path) + 8];
	struct stat st;

	if (!stat(w->db->path, &st))
		w->n.file_bytes = st.st_size;
	strcpy(path, w->db->path);
	strcat(path, "-wal");
	if (!stat(path, &st))
		w->n.wal_bytes = st.st_size;
}

static void finish(struct writer *w, struct work *list, int rc, const char *text)
{
	struct work *it, *next;
	size_t items = 0, bytes = 0;

	for (it = list; it; it = it->next) {
		items++;
		bytes += it->bytes;
	}
	pthread_mutex_lock(&w->lock);
	w->items -= items;
	w->bytes -= bytes;
	w->n.queued = w->items;
	w->n.queued_bytes = w->bytes;
	pthread_mutex_unlock(&w->lock);
	for (it = list; it; it = next) {
		next = it->next; /* done() may free it */
		it->done(it->arg, rc, text);
	}
}

static void refuse(struct writer *w, struct work *list)
{
	struct err e;

	err_set(&e, ERR_IO, "not tried, because an earlier one failed: %s", w->why.text);
	finish(w, list, ERR_IO, e.text);
}

static void commit(struct writer *w, struct work *group)
{
	int64_t start_ns = clock_mono_ns();
	struct work *behind;
	struct err e = {0};
	int rc;

	w->begun_ms = start_ns / 1000000;
	rc = write_group(w, group, &e);
	if (!rc) {
		w->n.commits++;
		w->n.commit_ns += (uint64_t)(clock_mono_ns() - start_ns);
		measure(w);
		finish(w, group, 0, "");
		checkpoint_after_commit(&w->checkpoint, clock_mono_ms());
		return;
	}
	w->n.failures++;
	w->why = e;
	behind = shut(w);
	finish(w, group, public_code(rc), e.text);
	refuse(w, behind);
}

static void run_alone(struct writer *w, struct work *item)
{
	struct err e = {0};
	int rc;

	if (db_moved(w->db))
		rc = err_set(
			&e, ERR_IO, "%s was deleted or replaced while framefarm ran", w->db->path);
	else if (!(rc = checkpoint_room(&w->checkpoint, &e)))
		rc = item->alone(w->db, item, &e);
	db_rollback(w->db); /* what it left open */
	measure(w);
	finish(w, item, rc, e.text);
	checkpoint_after_commit(&w->checkpoint, clock_mono_ms());
}

static void *run(void *arg)
{
	struct writer *w = arg;
	struct work *group;
	bool end = false;

	pthread_setname_np(pthread_self(), w->ops->thread);
	while (!end) {
		group = take(w, &end);
		if (!group)
			checkpoint_when_idle(&w->checkpoint, clock_mono_ms());
		else if (group->refused)
			refuse(w, group);
		else if (group->alone)
			run_alone(w, group);
		else
			commit(w, group);
		measure(w);
	}
	checkpoint_fini(&w->checkpoint);
	return NULL;
}

/* ---- start and end ---- */

static void init_lock(struct writer *w)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static void free_writer(struct writer *w)
{
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	mem_free(w);
}

struct writer *writer_start(struct db *db, const struct writer_ops *ops, void *ctx,
	struct readers *readers, int64_t wal_limit_bytes, struct err *e)
{
	struct writer *w = mem_zalloc(sizeof(*w));
	sigset_t all, old;
	int errnum;

	w->db = db;
	w->ops = ops;
	w->ctx = ctx;
	w->tail = &w->head;
	w->begun_ms = INT64_MIN / 2;
	init_lock(w);
	if (checkpoint_init(&w->checkpoint, db, readers, wal_limit_bytes)) {
		err_set(e, ERR_IO, "%s cannot be set up", db->path);
		free_writer(w);
		return NULL;
	}
	measure(w);
	/* Signals are the loop thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errnum = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (errnum) {
		err_errno(e, errnum, "the thread %s cannot be started", ops->thread);
		free_writer(w);
		return NULL;
	}
	return w;
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	assert(!w->items);
	free_writer(w);
}

void writer_get_stats(struct writer *w, struct writer_stats *ret_st)
{
	ret_st->commits = w->n.commits;
	ret_st->commit_ns = w->n.commit_ns;
	ret_st->failures = w->n.failures;
	ret_st->queued = w->n.queued;
	ret_st->queued_bytes = w->n.queued_bytes;
	ret_st->file_bytes = w->n.file_bytes;
	ret_st->wal_bytes = w->n.wal_bytes;
	ret_st->wal_pinned = w->checkpoint.pinned;
}
