/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job by long poll: the answer comes when the job has ended or the time is over; or, to a client
 * that says which version it has (If-None-Match), when there is another one. The waiter listens before
 * it reads, so what happens between reading and waiting is not missed: it reads again.
 */
#include "api/handlers.h"

#include "api/etag.h"
#include "api/http.h"
#include "api/internal.h"
#include "api/job.h"
#include "api/param.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/rows.h"

struct waiter {
	struct listener listener; /* first */
	struct api *api;
	struct req *req;
	struct task *task; /* reading, or NULL */
	int64_t job;
	int64_t until_ms;
	bool changed; /* something happened to the job since the reading began */
	bool last;    /* the next reading is the answer, whatever it says */
	bool answered;
	char known[ETAG_KNOWN_MAX]; /* "": waits for the end */
};

struct wait_args {
	int64_t job;
	bool over;
	char known[ETAG_KNOWN_MAX];
};

static void read_job(struct waiter *w);

static void answer(struct waiter *w, struct reply *p)
{
	w->answered = true;
	req_reply(w->req, p);
}

static struct reply *work(const struct task_env *env, void *args)
{
	struct wait_args *a = args;

	return etag_check(job_reply(env, a->job, 200, &a->over), a->known);
}

static void done(void *owner, void *args, struct reply *p)
{
	struct waiter *w = owner;
	struct wait_args *a = args;

	w->task = NULL;
	if (a->over || w->last || p->status != (*w->known ? 304 : 200)) {
		answer(w, p);
		return;
	}
	reply_free(p);
	if (w->changed)
		read_job(w);
	else
		req_wait_until(w->req, w->until_ms);
}

static void read_job(struct waiter *w)
{
	static const struct task_kind kind = {work, done};
	struct wait_args *a = mem_zalloc(sizeof(*a));
	struct err e;

	*a = (struct wait_args){.job = w->job};
	str_copy(a->known, sizeof(a->known), w->known);
	w->changed = false;
	req_wait_until(w->req, api_now_ms(w->api) + API_READ_MS);
	w->task = task_start(w->api, &kind, w, a, &e);
	if (!w->task)
		answer(w, reply_error(&e));
}

static void on_event(struct listener *l, const struct event_row *ev, struct rstr *text)
{
	struct waiter *w = (struct waiter *)l;

	(void)text;
	if (ev->job != w->job || w->answered || (ev->topic[0] != 'j' && !*w->known))
		return;
	w->changed = true;
	if (!w->task)
		read_job(w);
}

/* The time is over, or a reading takes too long. */
static void expired(struct req *r)
{
	struct waiter *w = r->data;

	if (w->task) {
		task_abandon(w->task);
		w->task = NULL;
		answer(w, reply_problem(
				  503, "timeout", "reading the store takes too long; try again"));
		return;
	}
	w->last = true;
	read_job(w);
}

static void drain(struct listener *l)
{
	struct waiter *w = (struct waiter *)l;

	if (w->answered || w->last)
		return;
	w->last = true;
	if (!w->task)
		read_job(w);
}

static void drop(struct req *r)
{
	struct waiter *w = r->data;

	task_abandon(w->task);
	hub_del(&w->listener);
	w->api->n_waiters--;
	mem_free(w);
}

void job_wait(struct req *r)
{
	struct api *a = r->api;
	struct waiter *w;
	int64_t job, ms = 0;

	if (!param_path_id(r, 'j', "job", &job) || !param_duration(r, "wait", API_WAIT_MS, &ms))
		return;
	if (a->n_waiters == API_WAITERS) {
		req_reply(r, reply_problem(503, "busy",
				     "%d clients wait for jobs already; ask "
				     "without ?wait=, or try again",
				     API_WAITERS));
		return;
	}
	a->n_waiters++;
	w = mem_zalloc(sizeof(*w));
	*w = (struct waiter){.listener = {.event = on_event, .drain = drain},
		.api = a,
		.req = r,
		.job = job,
		.until_ms = api_now_ms(a) + ms,
		.last = a->draining || !ms};
	etag_read(r, w->known);
	r->data = w;
	r->drop = drop;
	hub_add(a, &w->listener);
	req_wait(r, w->until_ms, expired);
	read_job(w);
}
