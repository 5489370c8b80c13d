/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may block, done on pool threads with one of the store's readers. A task outlives its
 * owner: who goes away abandons it, its work ends in its own time, and nobody is told.
 */
#include "api/internal.h"

#include <assert.h>

#include "api/http.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "farm/ctl.h"
#include "store/store.h"

struct task {
	LIST_ENTRY(task) entry;
	struct api *api; /* NULL: it is gone */
	struct ctl *ctl;
	struct live *live;
	struct rstr *links;
	const struct task_kind *kind;
	void *owner; /* NULL: abandoned */
	void *args;
	struct reply *reply;
};

static void free_args(const struct task_kind *k, void *args)
{
	if (k->free)
		k->free(args);
	else
		mem_free(args);
}

static void task_free(struct task *t)
{
	free_args(t->kind, t->args);
	live_unref(t->live);
	rstr_unref(t->links);
	mem_free(t);
}

static void work(void *arg)
{
	struct task *t = arg;
	struct err e = {0};
	struct task_env env = {.ctl = t->ctl, .live = t->live, .links = rstr_text(t->links)};

	env.reader = store_reader_get(ctl_store(t->ctl), API_READER_WAIT_MS, &e);
	if (!env.reader) {
		t->reply = reply_error(&e);
		return;
	}
	t->reply = t->kind->work(&env, t->args);
	store_reader_put(env.reader);
}

static void done(void *arg)
{
	struct task *t = arg;

	if (t->api) {
		LIST_REMOVE(t, entry);
		t->api->n_tasks--;
	}
	if (t->owner)
		t->kind->done(t->owner, t->args, t->reply);
	else
		reply_free(t->reply);
	task_free(t);
}

struct task *task_start(
	struct api *a, const struct task_kind *k, void *owner, void *args, struct err *e)
{
	struct task *t;
	int rc = ERR_FULL;

	assert(owner);
	t = mem_zalloc(sizeof(*t));
	*t = (struct task){.api = a, .ctl = a->ctl, .kind = k, .owner = owner, .args = args};
	t->live = live_ref(a->live);
	t->links = rstr_ref(a->links);
	if (a->n_tasks < API_TASKS)
		rc = ctl_blocking(a->ctl, work, done, t);
	if (!rc) {
		LIST_INSERT_HEAD(&a->tasks, t, entry);
		a->n_tasks++;
		return t;
	}
	task_free(t);
	err_set(e, ERR_FULL, "too many requests are being read at this moment; try again");
	return NULL;
}

void task_abandon(struct task *t)
{
	if (t)
		t->owner = NULL;
}

void task_abandon_all(struct api *a)
{
	struct task *t;

	while ((t = LIST_FIRST(&a->tasks))) {
		LIST_REMOVE(t, entry);
		t->owner = NULL;
		t->api = NULL;
	}
	a->n_tasks = 0;
}

/* ---- for one request ---- */

/* A task of its own kind around the caller's, so that the request forgets it when it is done. */
struct read {
	const struct task_kind *kind;
	void *args;
};

static void read_free(void *args)
{
	struct read *rd = args;

	free_args(rd->kind, rd->args);
	mem_free(rd);
}

static struct reply *read_work(const struct task_env *env, void *args)
{
	struct read *rd = args;

	return rd->kind->work(env, rd->args);
}

static void read_done(void *owner, void *args, struct reply *p)
{
	struct req *r = owner;
	struct read *rd = args;

	r->data = NULL;
	r->drop = NULL;
	if (rd->kind->done)
		rd->kind->done(r, rd->args, p);
	else
		req_reply(r, p);
}

static const struct task_kind read_kind = {read_work, read_done, read_free};

static void read_drop(struct req *r)
{
	task_abandon(r->data);
}

/* The deadline has passed: the answer is not awaited any more. */
static void read_expired(struct req *r)
{
	read_drop(r);
	r->data = NULL;
	r->drop = NULL;
	req_reply(r,
		reply_problem(503, "timeout", "this takes too long; try again, or ask for less"));
}

void req_read(struct req *r, const struct task_kind *k, void *args)
{
	req_read_for(r, k, args, API_READ_MS);
}

void req_read_for(struct req *r, const struct task_kind *k, void *args, int64_t ms)
{
	struct read *rd = mem_zalloc(sizeof(*rd));
	struct api *a = r->api;
	struct err e = {0};

	*rd = (struct read){k, args};
	r->data = task_start(a, &read_kind, r, rd, &e);
	if (!r->data) {
		req_reply(r, reply_error(&e));
		return;
	}
	r->drop = read_drop;
	req_wait(r, api_now_ms(a) + ms, read_expired);
}
