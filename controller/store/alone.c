/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a writer; see alone.h, and store_commit() in store.h. */
#include "store/alone.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "store/store.h"
#include "store/writer.h"

/* ---- one completion ---- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	int rc;
	char text[ERR_TEXT_MAX];
};

#define WAITER                                                                                     \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER             \
	}

static void completed(void *arg, int rc, const char *text)
{
	struct waiter *w = arg;

	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	str_copy(w->text, sizeof(w->text), text ? text : "");
	w->done = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* A writer completes everything, so this ends. */
static int await(struct waiter *w, struct err *e)
{
	pthread_mutex_lock(&w->lock);
	while (!w->done)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	return w->rc ? err_set(e, w->rc, "%s", w->text) : 0;
}

int store_commit(struct store *s, struct store_txn *t, struct err *e)
{
	struct waiter w = WAITER;

	store_submit(s, t, completed, &w);
	return await(&w, e);
}

/* ---- work that stands alone ---- */

struct alone {
	struct work work; /* first */
	int (*fn)(struct db *db, void *arg, struct err *e);
	void *arg;
};

static int call(struct db *db, struct work *w, struct err *e)
{
	struct alone *a = (struct alone *)w;

	return a->fn(db, a->arg, e);
}

int alone_run(struct store *s, enum upkeep_file f,
	int (*fn)(struct db *db, void *arg, struct err *e), void *arg, struct err *e)
{
	struct alone a = {.work = {.bytes = sizeof(a), .alone = call}, .fn = fn, .arg = arg};
	struct waiter w = WAITER;

	writer_submit(store_writer(s, f), &a.work, completed, &w);
	return await(&w, e);
}
