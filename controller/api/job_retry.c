/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying a job again. One that is paused goes on; one that has ended is submitted once more, as a
 * new job, under a key made of the old one's id, so that asking twice makes one job.
 */
#include "api/handlers.h"

#include <stdio.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/job.h"
#include "api/lookup.h"
#include "api/param.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "core/farm.h"
#include "core/rows.h"
#include "farm/ctl.h"

struct retry {
	int64_t job;
	char reason[LIMIT_VALUE];
	bool over;
	struct rstr *spec;
};

static void retry_free(void *args)
{
	struct retry *t = args;

	rstr_unref(t->spec);
	mem_free(t);
}

static struct reply *look_work(const struct task_env *env, void *args)
{
	struct lookup *l = lookup_new(env);
	struct retry *t = args;
	struct reply *p = NULL;
	struct err e = {0};
	const void *row;

	if (lookup_need(l, &job_table, "job", 'j', t->job, &row, &e)) {
		p = reply_error(&e);
	} else {
		t->over = ((const struct job_row *)row)->ended_ms != 0;
		t->spec = rstr_ref(((const struct job_row *)row)->spec);
	}
	lookup_free(l);
	return p;
}

/* ---- one that is paused ---- */

static struct reply *shown_work(const struct task_env *env, void *args)
{
	bool over;

	return job_reply(env, *(const int64_t *)args, 200, &over);
}

static void goes_on(struct req *r, const struct farm_answer *a)
{
	static const struct task_kind kind = {shown_work};
	int64_t *id;

	if (a->rc) {
		req_reply(r, ask_refused(a));
		return;
	}
	id = mem_alloc(sizeof(*id));
	*id = a->id;
	req_read(r, &kind, id);
}

static void looked(void *owner, void *args, struct reply *p)
{
	struct farm_event ev = {.kind = FARM_JOB_RETRY};
	struct retry *t = args;
	struct req *r = owner;
	char key[LIMIT_VALUE];

	if (p) {
		req_reply(r, p);
		return;
	}
	if (t->over) {
		snprintf(key, sizeof(key), "retry:j%lld", (long long)t->job);
		job_resubmit(r, t->spec, key);
		return;
	}
	ev.u.retry.job = t->job;
	ev.u.retry.reason = t->reason;
	req_ask(r, &ev, goes_on);
}

void job_retry_post(struct req *r)
{
	static const struct task_kind kind = {look_work, looked, retry_free};
	struct retry *t = mem_zalloc(sizeof(*t));

	if (!param_path_id(r, 'j', "job", &t->job) ||
		!param_reason(r, t->reason, sizeof(t->reason))) {
		mem_free(t);
		return;
	}
	req_read(r, &kind, t);
}
