/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: one model variant on one device, in rounds. A slot's runs are done one after the other
 * under
 * one lease; each round is one counted attempt, and the judge says whether another round is needed.
 */
#include "core/internal.h"

#include <assert.h>

#include "base/exitcode.h"
#include "base/map.h"
#include "base/str.h"

static struct run *next_queued(const struct lease *l)
{
	const struct job *j = l->job;

	for (int v = 0; v < j->n_variants; v++) {
		struct run *r = j->runs[l->row.slot * j->n_variants + v];

		if (r->row.state == RUN_QUEUED)
			return r;
	}
	return NULL;
}

void slot_next(struct farm *f, struct lease *l)
{
	struct run *r = next_queued(l);
	bool stop = l->row.ending || l->job->row.state == JOB_PAUSED || l->job->row.cancel_asked ||
	            l->device->quarantine_asked;

	if (!r || stop || !device_usable(l->device)) {
		lease_end(f, l, LEASE_RELEASED, NULL);
		return;
	}
	attempt_begin(f, r, l);
}

static int exit_code_of(enum failure why)
{
	switch (why) {
	case FAILURE_NONE:
		return EXIT_PASS;
	case FAILURE_CANCELLED:
		return EXIT_CANCELLED;
	case FAILURE_UNSATISFIABLE:
		return EXIT_UNSATISFIABLE;
	case FAILURE_INFRASTRUCTURE:
	case FAILURE_TIMED_OUT:
		break;
	}
	return EXIT_INFRASTRUCTURE;
}

void run_end(struct farm *f, struct run *r, enum run_state to, enum failure why, const char *cause)
{
	assert(!r->attempt);
	r->row.failure = why;
	if (why != FAILURE_NONE)
		r->row.exit_code = exit_code_of(why);
	str_copy(r->row.cause, sizeof(r->row.cause), cause ? cause : "");
	run_set_state(f, r, to, cause);
	job_run_ended(f, r);
}

/* Another round: when the gates cannot tell yet, or the preset wants more than one whatever they
 * say. What a repeat cannot change (wrong outputs, a crash) is not repeated. */
static bool wants_round(const struct run *r, const struct farm_judged *j)
{
	if (r->job->row.cancel_asked || r->row.round >= r->job->max_rounds)
		return false;
	if (j->verdict == VERDICT_INCONCLUSIVE)
		return true;
	return r->row.round < r->job->min_rounds &&
	       (j->verdict == VERDICT_PASS || j->exit_code == EXIT_BUDGET);
}

static void next_round(struct farm *f, struct run *r, struct lease *l)
{
	r->row.retries = 0;
	if (l && !l->row.ending && device_usable(l->device)) {
		attempt_begin(f, r, l);
		return;
	}
	run_set_state(f, r, RUN_QUEUED, "another round");
	if (l)
		slot_next(f, l);
	else
		job_requeue(f, r->job);
}

void run_judged(struct farm *f, struct run *r, const struct farm_event *ev)
{
	const struct farm_judged *j = ev->u.done.judged;
	struct attempt *a = r->attempt;
	struct lease *l;

	if (!a || a->row.state != ATTEMPT_STORED)
		return; /* cancelled meanwhile */
	if (ev->u.done.rc || !j) {
		attempt_fail(f, a, false, ev->u.done.text);
		return;
	}
	l = map_get(f->leases, a->row.lease);
	if (l && (!l->job || l->row.state == LEASE_RELEASING))
		l = NULL;
	if (l && l->device->row.failures) {
		l->device->row.failures = 0;
		ent_touch(f, &l->device->ent);
	}
	blame_worked(r->job, r->row.slot);
	a->row.counted = 1;
	r->attempt = NULL;
	attempt_set_state(f, a, ATTEMPT_DONE);
	attempt_discard(f, a);
	rstr_unref(r->row.result);
	r->row.result = rstr_ref(j->result);
	r->row.verdict = j->verdict;
	r->row.exit_code = j->exit_code;
	ent_touch(f, &r->ent);
	if (wants_round(r, j)) {
		r->row.round++;
		next_round(f, r, l);
		return;
	}
	run_end(f, r, RUN_COMPLETED, FAILURE_NONE, j->cause);
	if (l)
		slot_next(f, l);
}
