/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: what a user submits. A job has slots (one device each) and in each slot a run for every
 * model variant. It waits in the queue once; the fit decides which of its slots a device may have.
 */
#include "core/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/select.h"

int job_index(const struct run *r)
{
	return r->row.slot * r->job->n_variants + r->row.variant;
}

/* ---- the object ---- */

static struct job *job_new(const struct jobspec *s, int n_slots)
{
	struct job *j = mem_zalloc(sizeof(*j));

	ent_init(&j->ent, &job_table, &j->row);
	timer_init(&j->timer, TIMER_JOB, j);
	j->want.job = j;
	TAILQ_INIT(&j->attempts);
	j->n_variants = s->n_variants;
	j->n_slots = n_slots;
	j->min_rounds = s->measure.rounds;
	j->max_rounds = s->measure.max_rounds;
	j->retries = s->retries;
	j->deadline_ms = mem_zalloc(s->n_variants * sizeof(*j->deadline_ms));
	for (int v = 0; v < s->n_variants; v++)
		j->deadline_ms[v] = jobspec_deadline_ms(s, &s->variants[v]);
	j->slots = mem_zalloc(n_slots * sizeof(*j->slots));
	j->runs = mem_zalloc((size_t)n_slots * s->n_variants * sizeof(*j->runs));
	return j;
}

void job_free(struct farm *f, struct job *j)
{
	struct attempt *a;

	while ((a = TAILQ_FIRST(&j->attempts))) {
		TAILQ_REMOVE(&j->attempts, a, of_job);
		a->run = NULL;
	}
	for (int i = 0; i < j->n_slots * j->n_variants; i++) {
		struct run *r = j->runs[i];

		if (!r)
			continue;
		f->queued_runs -= r->row.state == RUN_QUEUED;
		assert(!r->ent.dirty); /* a job is let go behind a flush */
		map_del(f->runs, r->row.id);
		row_release(&run_table, &r->row);
		mem_free(r);
	}
	for (int i = 0; i < j->n_slots; i++)
		if (j->slots[i].lease)
			j->slots[i].lease->job = NULL;
	timer_clear(f, &j->timer);
	want_remove(f, &j->want);
	if (j->want.selq)
		selq_put(f, j->want.selq);
	map_del(f->jobs, j->row.id);
	if (*j->row.idempotency_key && map_get_str(f->job_keys, j->row.idempotency_key) == j)
		map_del_str(f->job_keys, j->row.idempotency_key);
	row_release(&job_table, &j->row);
	mem_free(j->deadline_ms);
	mem_free(j->slots);
	mem_free(j->by_pin);
	mem_free(j->runs);
	mem_free(j);
}

static struct run *run_new(struct farm *f, struct job *j, const struct run_row *row)
{
	struct run *r = mem_zalloc(sizeof(*r));

	r->row = *row;
	rstr_ref(r->row.result);
	r->job = j;
	ent_init(&r->ent, &run_table, &r->row);
	map_put(f->runs, r->row.id, r);
	j->runs[job_index(r)] = r;
	f->queued_runs += r->row.state == RUN_QUEUED;
	return r;
}

static struct jobspec *parse_spec(const struct rstr *spec, struct err *e)
{
	struct json_doc *doc = json_parse(rstr_text(spec), rstr_len(spec), e);
	struct jobspec *s = NULL;

	if (doc)
		jobspec_parse(doc, 0, &s, e);
	json_doc_free(doc);
	return s;
}

static void index_job(struct farm *f, struct job *j, const struct jobspec *s)
{
	j->want.selq = selq_get(f, &s->select);
	j->want.priority = j->row.priority;
	j->want.seq = j->row.id;
	map_put(f->jobs, j->row.id, j);
	if (*j->row.idempotency_key)
		map_put_str(f->job_keys, j->row.idempotency_key, j);
}

int job_load(struct farm *f, const struct job_row *row, struct err *e)
{
	struct jobspec *s;
	struct job *j;

	if (job_is_final(row->state))
		return 0;
	s = parse_spec(row->spec, e);
	if (!s)
		return err_wrap(e, "job j%lld", (long long)row->id);
	j = job_new(s, row->n_runs / s->n_variants);
	j->row = *row;
	rstr_ref(j->row.labels);
	rstr_ref(j->row.spec);
	index_job(f, j, s);
	jobspec_free(s);
	return 0;
}

int job_load_run(struct farm *f, const struct run_row *row, struct err *e)
{
	struct job *j = map_get(f->jobs, row->job);

	if (!j)
		return 0;
	if (row->slot < 0 || row->slot >= j->n_slots || row->variant < 0 ||
		row->variant >= j->n_variants || j->runs[row->slot * j->n_variants + row->variant])
		return err_set(e, ERR_CORRUPT, "run r%lld does not fit its job j%lld",
			(long long)row->id, (long long)row->job);
	j->slots[row->slot].pin = row->pin;
	run_new(f, j, row);
	return 0;
}

/* ---- submission ---- */

static bool submitted_before(struct farm *f, const struct farm_event *ev)
{
	const struct job *j = *ev->u.submit.idempotency_key
	                              ? map_get_str(f->job_keys, ev->u.submit.idempotency_key)
	                              : NULL;

	if (!j)
		return false;
	if (strcmp(j->row.spec_sha256, ev->u.submit.spec_sha256)) {
		farm_answer(f, ev, ERR_CONFLICT, j->row.id,
			"the idempotency key was used for another job (j%lld); use a new key",
			(long long)j->row.id);
		return true;
	}
	farm_answer(f, ev, 0, j->row.id, "submitted before");
	if (ev->token)
		f->out->answers[f->out->n_answers - 1].existed = true;
	return true;
}

/* "All" are the devices that match and can be used when the job comes; one that is just away (it
 * re-enumerates, or the daemon was started a moment ago) is among them. */
static int count_slots(struct farm *f, const struct jobspec *s, int64_t *pins)
{
	struct selq *q;
	int n = 0;

	if (s->count)
		return s->count;
	q = selq_get(f, &s->select);
	for (struct map_item *it = map_first(f->devices); it; it = map_next(it)) {
		const struct device *d = map_value(it);

		if (selq_matches(q, d) && !device_out_of_reach(f, d, f->cfg.rematch_ms))
			pins[n++] = d->row.id;
	}
	selq_put(f, q);
	return n ? n : 1; /* none is known yet: the job waits for one */
}

static struct rstr *labels_json(const struct jobspec *s)
{
	struct json *o = json_new_object();
	struct rstr *out;
	char *text;

	for (int i = 0; i < s->n_labels; i++)
		json_add_str(o, s->labels[i].key, s->labels[i].value);
	text = json_print(o, false);
	out = rstr_new(text, strlen(text));
	mem_free(text);
	json_free(o);
	return out;
}

static void fill_job(
	struct farm *f, struct job *j, const struct jobspec *s, const struct farm_event *ev)
{
	j->row.id = farm_new_id(f, &job_table);
	j->row.exit_code = -1;
	str_copy(j->row.name, sizeof(j->row.name), s->name);
	str_copy(j->row.actor, sizeof(j->row.actor), ev->actor ? ev->actor : "");
	str_copy(j->row.branch, sizeof(j->row.branch), s->branch);
	str_copy(j->row.commit_id, sizeof(j->row.commit_id), s->commit_id);
	j->row.labels = labels_json(s);
	j->row.spec = rstr_ref(ev->u.submit.spec);
	str_copy(j->row.spec_sha256, sizeof(j->row.spec_sha256), ev->u.submit.spec_sha256);
	str_copy(j->row.idempotency_key, sizeof(j->row.idempotency_key),
		ev->u.submit.idempotency_key);
	j->row.priority = s->priority;
	j->row.n_runs = (int64_t)j->n_slots * j->n_variants;
	j->row.submitted_ms = f->now.wall_ms;
}

static void add_runs(struct farm *f, struct job *j, const struct jobspec *s, const int64_t *pins)
{
	for (int slot = 0; slot < j->n_slots; slot++) {
		j->slots[slot].pin = s->count ? 0 : pins[slot];
		for (int v = 0; v < j->n_variants; v++) {
			struct run_row row = {.id = farm_new_id(f, &run_table),
				.job = j->row.id,
				.variant = v,
				.slot = slot,
				.pin = j->slots[slot].pin,
				.state = RUN_QUEUED,
				.exit_code = -1,
				.queued_ms = f->now.wall_ms};

			str_copy(row.variant_name, sizeof(row.variant_name), s->variants[v].name);
			ent_touch(f, &run_new(f, j, &row)->ent);
		}
	}
}

void job_accept(struct farm *f, const struct farm_event *ev)
{
	int64_t pins[LIMIT_DEVICES] = {0};
	struct jobspec *s;
	struct job *j;
	struct err e;
	int n_slots;

	if (submitted_before(f, ev))
		return;
	if (map_count(f->jobs) >= LIMIT_JOBS_LIVE) {
		farm_answer(
			f, ev, ERR_FULL, 0, "%d jobs are queued; try again later", LIMIT_JOBS_LIVE);
		return;
	}
	s = parse_spec(ev->u.submit.spec, &e);
	if (!s) {
		farm_answer(f, ev, e.code, 0, "%s", e.text);
		return;
	}
	n_slots = count_slots(f, s, pins);
	if ((int64_t)n_slots * s->n_variants > LIMIT_RUNS_PER_JOB ||
		f->queued_runs + (int64_t)n_slots * s->n_variants > LIMIT_RUNS_QUEUED) {
		farm_answer(f, ev, ERR_FULL, 0,
			"%d devices × %d variants are too many; at most %d runs a job and %d in "
			"the queue",
			n_slots, s->n_variants, LIMIT_RUNS_PER_JOB, LIMIT_RUNS_QUEUED);
		jobspec_free(s);
		return;
	}
	j = job_new(s, n_slots);
	fill_job(f, j, s, ev);
	index_job(f, j, s);
	job_set_state(f, j, JOB_QUEUED, ev->actor, NULL);
	farm_audit(f, ev->actor, "job.submit", 'j', j->row.id, j->row.name);
	add_runs(f, j, s, pins);
	jobspec_free(s);
	farm_answer(f, ev, 0, j->row.id, "submitted");
	job_requeue(f, j);
}

/* ---- slots and the queue ---- */

/* Where something else matches, a run is not tried again where it failed. */
static bool avoids(const struct job *j, int slot, const struct device *d)
{
	for (int v = 0; v < j->n_variants; v++) {
		const struct run *r = j->runs[slot * j->n_variants + v];

		if (r->row.state == RUN_QUEUED && r->row.avoid == d->row.id)
			return true;
	}
	return false;
}

static int by_pin(const void *a, const void *b)
{
	const struct pinned *x = a, *y = b;

	return x->pin < y->pin ? -1 : x->pin > y->pin;
}

/* Pins do not change, and either every slot has one or none. */
static void index_pins(struct job *j)
{
	if (j->by_pin || !j->slots[0].pin)
		return;
	j->by_pin = mem_zalloc(j->n_slots * sizeof(*j->by_pin));
	for (int s = 0; s < j->n_slots; s++)
		j->by_pin[s] = (struct pinned){j->slots[s].pin, s};
	qsort(j->by_pin, j->n_slots, sizeof(*j->by_pin), by_pin);
}

static int pinned_slot_for(const struct job *j, const struct device *d)
{
	struct pinned want = {.pin = d->row.id}, *hit;

	hit = bsearch(&want, j->by_pin, j->n_slots, sizeof(want), by_pin);
	return hit && j->slots[hit->slot].pending ? hit->slot : -1;
}

int job_slot_for(const struct job *j, const struct device *d)
{
	/* That match and are no other slot's. */
	int others = j->want.selq->n_match - 1 - (j->n_slots - j->n_pending);

	if (j->by_pin)
		return pinned_slot_for(j, d);
	for (int i = 0; i < j->n_slots; i++) {
		if (j->slots[i].pending)
			continue;
		if (j->slots[i].device == d->row.id)
			return -1; /* each slot is another device */
	}
	for (int i = 0; i < j->n_slots; i++)
		if (j->slots[i].pending && (others <= 0 || !avoids(j, i, d)))
			return i;
	return -1;
}

/* Brings the place in the queue in line with what is pending. */
void job_settle(struct farm *f, struct job *j)
{
	if (!j->n_pending || j->row.state == JOB_PAUSED || j->row.cancel_asked ||
		job_is_final(j->row.state)) {
		want_remove(f, &j->want);
		timer_clear(f, &j->timer);
		return;
	}
	if (!j->timer.pos)
		timer_set(f, &j->timer,
			j->row.state == JOB_QUEUED && !j->looked ? f->cfg.no_match_ms
								 : f->cfg.rematch_ms);
	want_add(f, &j->want);
	queue_match_want(f, &j->want);
}

/* And "pending" with the runs. */
void job_requeue(struct farm *f, struct job *j)
{
	index_pins(j);
	j->n_pending = 0;
	for (int s = 0; s < j->n_slots; s++) {
		bool queued = false;

		for (int v = 0; v < j->n_variants; v++)
			queued |= j->runs[s * j->n_variants + v]->row.state == RUN_QUEUED;
		j->slots[s].pending = queued && !j->slots[s].lease;
		j->n_pending += j->slots[s].pending;
	}
	job_settle(f, j);
}

/* ---- failures, ends ---- */

static void job_end(struct farm *f, struct job *j)
{
	int64_t verdict = VERDICT_PASS;
	bool cancelled = false, errored = false;
	int code = EXIT_PASS;

	for (int i = 0; i < j->n_slots * j->n_variants; i++) {
		const struct run_row *r = &j->runs[i]->row;

		code = exit_code_combine(code, r->exit_code);
		cancelled |= r->state == RUN_CANCELLED;
		errored |= r->state == RUN_ERRORED || r->state == RUN_TIMED_OUT;
		if (r->verdict == VERDICT_FAIL || verdict == VERDICT_FAIL)
			verdict = VERDICT_FAIL;
		else if (r->verdict != VERDICT_PASS)
			verdict = r->verdict == VERDICT_NONE || verdict == VERDICT_NONE
			                  ? VERDICT_NONE
			                  : VERDICT_INCONCLUSIVE;
	}
	j->row.exit_code = code;
	j->row.verdict = verdict;
	job_set_state(f, j,
		cancelled && j->row.cancel_asked        ? JOB_CANCELLED
		: errored || j->row.state == JOB_QUEUED ? JOB_ERRORED
							: JOB_COMPLETED,
		NULL, NULL);
	want_remove(f, &j->want);
	timer_clear(f, &j->timer);
	j->ent.forget = true;
}

void job_run_ended(struct farm *f, struct run *r)
{
	struct job *j = r->job;

	j->row.n_ended++;
	j->row.n_failed += r->row.failure != FAILURE_NONE;
	ent_touch(f, &j->ent);
	if (j->row.n_ended == j->row.n_runs)
		job_end(f, j);
}

void job_cancel(struct farm *f, const struct farm_event *ev)
{
	struct job *j = map_get(f->jobs, ev->u.cancel.job);

	if (!j) {
		farm_answer(f, ev, ERR_NOTFOUND, ev->u.cancel.job,
			"there is no live job j%lld; it may have ended",
			(long long)ev->u.cancel.job);
		return;
	}
	farm_answer(f, ev, 0, j->row.id, "cancelling");
	if (j->row.cancel_asked || job_is_final(j->row.state))
		return;
	farm_audit(f, ev->actor, "job.cancel", 'j', j->row.id, ev->u.cancel.reason);
	j->row.cancel_asked = 1;
	str_copy(j->row.cause, sizeof(j->row.cause), ev->u.cancel.reason);
	ent_touch(f, &j->ent);
	job_requeue(f, j); /* out of the queue first: a device that gets free must not come back */
	for (int i = 0; i < j->n_slots * j->n_variants; i++) {
		struct run *r = j->runs[i];

		if (r->row.state == RUN_QUEUED)
			run_end(f, r, RUN_CANCELLED, FAILURE_CANCELLED, ev->u.cancel.reason);
		else if (r->attempt)
			attempt_stop(f, r->attempt, STOP_CANCEL);
	}
}

/* What was paused goes on where it stopped; what failed before does not count again. */
void job_retry(struct farm *f, const struct farm_event *ev)
{
	struct job *j = map_get(f->jobs, ev->u.retry.job);

	if (!j) {
		farm_answer(f, ev, ERR_NOTFOUND, ev->u.retry.job, "there is no live job j%lld",
			(long long)ev->u.retry.job);
		return;
	}
	if (j->row.state != JOB_PAUSED || j->row.cancel_asked) {
		farm_answer(f, ev, ERR_WRONGSTATE, j->row.id,
			"j%lld is %s; only a job that is paused or has ended is tried again",
			(long long)j->row.id,
			j->row.cancel_asked ? "being cancelled" : job_state_name(j->row.state));
		return;
	}
	farm_audit(f, ev->actor, "job.retry", 'j', j->row.id, ev->u.retry.reason);
	blame_reset(j);
	j->row.cause[0] = '\0';
	j->row.exit_code = -1;
	job_set_state(f, j, JOB_RUNNING, ev->actor, ev->u.retry.reason);
	farm_answer(f, ev, 0, j->row.id, "goes on");
	job_requeue(f, j);
}
