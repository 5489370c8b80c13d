/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: what a user submits. A job has slots (one device each) and in each slot a run for every
 * model variant. It waits in the queue once; the fit decides which of its slots a device may have.
 */
#include "core/internal.h"

#include <assert.h>
#include <stdio.h>
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
	for (struct map_item *it = map_first(f->attempts); it; it = map_next(it)) {
		struct attempt *a = map_value(it);

		if (a->run && a->run->job == j)
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
	for (struct map_item *it = map_first(f->leases); it; it = map_next(it)) {
		struct lease *l = map_value(it);

		if (l->job == j)
			l->job = NULL;
	}
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

/* Nothing can run on it, and that for so long. */
static bool out_of_reach(const struct farm *f, const struct device *d, int64_t for_ms)
{
	switch (d->row.state) {
	case DEVICE_ABSENT:
	case DEVICE_AUTHORIZING:
	case DEVICE_NEEDS_HUMAN:
	case DEVICE_QUARANTINED:
		return f->now.wall_ms - d->row.state_ms > for_ms;
	default:
		return false;
	}
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

		if (selq_matches(q, d) && !out_of_reach(f, d, f->cfg.rematch_ms))
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

static bool slot_fits(const struct job *j, int slot, const struct device *d)
{
	const struct slot *s = &j->slots[slot];
	int others = j->want.selq->n_match - 1;

	if (!s->pending || (s->pin && s->pin != d->row.id))
		return false;
	for (int i = 0; i < j->n_slots; i++) {
		if (i == slot || j->slots[i].pending)
			continue;
		if (j->slots[i].device == d->row.id)
			return false; /* each slot is another device */
		others--;
	}
	/* Where something else matches, a run is not tried again where it failed. */
	for (int v = 0; v < j->n_variants && others > 0 && !s->pin; v++) {
		const struct run *r = j->runs[slot * j->n_variants + v];

		if (r->row.state == RUN_QUEUED && r->row.avoid == d->row.id)
			return false;
	}
	return true;
}

int job_slot_for(const struct job *j, const struct device *d)
{
	for (int i = 0; i < j->n_slots; i++)
		if (slot_fits(j, i, d))
			return i;
	return -1;
}

/* Brings "pending" and the place in the queue in line with the runs. */
void job_requeue(struct farm *f, struct job *j)
{
	bool any = false;

	for (int s = 0; s < j->n_slots; s++) {
		bool queued = false;

		for (int v = 0; v < j->n_variants; v++)
			queued |= j->runs[s * j->n_variants + v]->row.state == RUN_QUEUED;
		j->slots[s].pending = queued && !j->slots[s].lease;
		any |= j->slots[s].pending;
	}
	if (!any || j->row.state == JOB_PAUSED || j->row.cancel_asked ||
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

/* A device that may still be given to the slot: known, and not another slot's. */
static bool may_have(const struct job *j, int slot, const struct device *d)
{
	for (int i = 0; i < j->n_slots; i++)
		if (i != slot && !j->slots[i].pending && j->slots[i].device == d->row.id)
			return false;
	return selq_matches(j->want.selq, d) &&
	       (!j->slots[slot].pin || j->slots[slot].pin == d->row.id);
}

/* How many devices could still come for the job's pending slots. Those that have been in quarantine for
 * longer than a run would wait count in *ret_shut instead; *ret_one is one of them. */
static int devices_left(
	struct farm *f, const struct job *j, int slot, int *ret_shut, const struct device **ret_one)
{
	int n = 0;

	*ret_shut = 0;
	for (struct map_item *it = map_first(f->devices); it; it = map_next(it)) {
		const struct device *d = map_value(it);

		if (!may_have(j, slot, d))
			continue;
		if (d->row.state == DEVICE_QUARANTINED && out_of_reach(f, d, f->cfg.reattach_ms)) {
			++*ret_shut;
			*ret_one = d;
		} else {
			n++;
		}
	}
	return n;
}

/* Quarantine ends when somebody ends it; nobody who waits for a job can know. */
static void say_shut(const struct device *d, char *cause, size_t size)
{
	snprintf(cause, size,
		"all devices that match are quarantined; %.30s (d%lld)%s%.88s; `framefarm device "
		"release d%lld` when that is mended",
		d->row.name, (long long)d->row.id, d->row.need[0] ? ": " : "", d->row.need,
		(long long)d->row.id);
}

static void give_up_slot(
	struct farm *f, struct job *j, int slot, enum failure why, const char *cause)
{
	for (int v = 0; v < j->n_variants; v++) {
		struct run *r = j->runs[slot * j->n_variants + v];

		if (r->row.state == RUN_QUEUED)
			run_end(f, r, RUN_ERRORED, why, cause);
	}
}

/* It has waited long enough: a device on which it failed before is better than none. */
static void forgive(struct farm *f, struct job *j, int slot)
{
	for (int v = 0; v < j->n_variants; v++) {
		struct run *r = j->runs[slot * j->n_variants + v];

		if (r->row.state != RUN_QUEUED || !r->row.avoid)
			continue;
		r->row.avoid = 0;
		ent_touch(f, &r->ent);
	}
}

/* The one device that the slot is for is away for longer than a run would wait for it. */
static bool lost_its_device(struct farm *f, const struct job *j, int slot, char *cause, size_t size)
{
	const struct device *d =
		j->slots[slot].pin ? map_get(f->devices, j->slots[slot].pin) : NULL;

	if (!d || !out_of_reach(f, d, f->cfg.reattach_ms))
		return false;
	snprintf(cause, size, "%.40s (d%lld) has been %s for more than %lld s", d->row.name,
		(long long)d->row.id, device_state_name(d->row.state),
		(long long)(f->cfg.reattach_ms / 1000));
	return true;
}

/* Slots that no known device can take, be it that none matches, that the job wants more devices than
 * there are, or that what is left is in quarantine, end; the others wait on. */
void job_timeout(struct farm *f, struct job *j)
{
	const struct device *shut = NULL;
	char cause[LIMIT_CAUSE];
	int wanted = 0, n_shut;

	j->looked = true;
	for (int s = 0; s < j->n_slots; s++) {
		int least, left;

		if (!j->slots[s].pending)
			continue;
		if (!j->slots[s].pin)
			wanted++;
		least = j->slots[s].pin ? 1 : wanted;
		left = devices_left(f, j, s, &n_shut, &shut);
		if (left + n_shut < least) {
			give_up_slot(f, j, s, FAILURE_UNSATISFIABLE,
				"no device that the farm knows, or too few, match the selector");
		} else if (lost_its_device(f, j, s, cause, sizeof(cause))) {
			give_up_slot(f, j, s, FAILURE_INFRASTRUCTURE, cause);
		} else if (left < least) {
			say_shut(shut, cause, sizeof(cause));
			give_up_slot(f, j, s, FAILURE_INFRASTRUCTURE, cause);
		} else {
			forgive(f, j, s);
		}
	}
	job_requeue(f, j);
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
