/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/hash.h"
#include "base/rstr.h"

int story_setup(void **state)
{
	struct story *s = calloc(1, sizeof(*s));

	farm_config_default(&s->cfg);
	s->farm = farm_new(&s->cfg);
	s->now = (struct now){.mono_ms = 1000, .wall_ms = 1700000000000};
	farm_out_init(&s->out);
	*state = s;
	step(s, &(struct farm_event){.kind = FARM_BOOT});
	return 0;
}

int story_teardown(void **state)
{
	struct story *s = *state;

	farm_out_fini(&s->out);
	farm_free(s->farm);
	free(s);
	return 0;
}

/* ---- stepping ---- */

static void put(void *arg, const struct row_table *t, const void *row)
{
	struct story *s = arg;
	const struct attempt_row *a = row;

	if (t == &attempt_table && a->failure != FAILURE_NONE)
		snprintf(s->last_cause, sizeof(s->last_cause), "%s", a->cause);
	if (t == &run_table)
		s->last_run = *(const struct run_row *)row;
	if (t != &audit_table)
		return;
	s->n_audits++;
	snprintf(s->last_audit, sizeof(s->last_audit), "%s",
		((const struct audit_row *)row)->action);
}

static void del(void *arg, const struct row_table *t, int64_t id)
{
	(void)arg, (void)t, (void)id;
}

static void forget_open(struct story *s, int64_t id)
{
	for (int i = 0; i < s->n_open; i++)
		if (s->open[i].id == id) {
			memmove(s->open + i, s->open + i + 1,
				(--s->n_open - i) * sizeof(s->open[0]));
			return;
		}
}

static void take_actions(struct story *s)
{
	for (int i = 0; i < s->out.n_actions; i++) {
		const struct farm_action *a = &s->out.actions[i];

		if (a->cancel)
			continue; /* it is still to be answered */
		assert_true(s->n_open < OPEN_MAX);
		if (a->more)
			snprintf(s->last_more, sizeof(s->last_more), "%s", rstr_text(a->more));
		s->open[s->n_open++] = *a;
	}
	for (int i = 0; i < s->out.n_answers; i++) {
		s->last = s->out.answers[i];
		snprintf(s->body, sizeof(s->body), "%s", rstr_text(s->last.body));
		s->n_answers++;
	}
	farm_out_clear(&s->out);
}

void step(struct story *s, const struct farm_event *ev)
{
	farm_step(s->farm, ev, s->now, &s->out);
	farm_flush(s->farm, put, del, s);
	farm_check(s->farm);
	take_actions(s);
}

void pass(struct story *s, int64_t ms)
{
	int64_t until = s->now.mono_ms + ms;

	while (farm_next_deadline(s->farm) <= until) {
		int64_t at = farm_next_deadline(s->farm);

		s->now.wall_ms += at - s->now.mono_ms;
		s->now.mono_ms = at;
		step(s, &(struct farm_event){.kind = FARM_TIME});
	}
	s->now.wall_ms += until - s->now.mono_ms;
	s->now.mono_ms = until;
	step(s, &(struct farm_event){.kind = FARM_TIME});
}

/* ---- actions ---- */

const struct farm_action *open_action(struct story *s, enum action_kind kind, int64_t device)
{
	for (int i = 0; i < s->n_open; i++)
		if (s->open[i].kind == kind && (!device || s->open[i].device == device))
			return &s->open[i];
	return NULL;
}

static void done(struct story *s, const struct farm_action *a, struct farm_event *ev)
{
	ev->kind = FARM_ACTION_DONE;
	ev->u.done.action = a->id;
	forget_open(s, a->id);
	step(s, ev);
}

static const struct farm_action *must_be_open(
	struct story *s, enum action_kind kind, int64_t device)
{
	const struct farm_action *a = open_action(s, kind, device);

	if (!a)
		fail_msg("no %s is open for d%lld", action_kind_name(kind), (long long)device);
	return a;
}

void answer(struct story *s, enum action_kind kind, int64_t device, int rc, const char *text)
{
	struct farm_event ev = {.u.done = {.rc = rc, .text = text}};

	done(s, must_be_open(s, kind, device), &ev);
}

void answer_blaming(
	struct story *s, enum action_kind kind, int64_t device, int rc, const char *text)
{
	struct farm_event ev = {.u.done = {.rc = rc, .text = text, .blame_device = true}};

	done(s, must_be_open(s, kind, device), &ev);
}

void answer_prepare(struct story *s, int64_t device)
{
	struct farm_agent agent = {.uuid = "uuid"};
	struct farm_event ev = {.u.done = {.text = "", .agent = &agent}};

	done(s, must_be_open(s, ACTION_PREPARE, device), &ev);
}

/* ---- devices ---- */

int64_t arrive(struct story *s, const char *where)
{
	int64_t handle = ++s->next_handle;

	step(s, &(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
			.u.arrived = {.handle = handle, .driver = "fake", .where = where}});
	return handle;
}

void identify_as(struct story *s, int64_t handle, int no)
{
	struct farm_identity id = {.is_virtual = s->is_virtual,
		.can_expose = s->can_expose,
		.can_collect = !s->no_caps,
		.can_detach = !s->no_caps,
		.can_install = !s->no_caps,
		.can_provision = !s->no_caps};
	struct farm_event ev = {.u.done = {.text = "", .identity = &id}};

	snprintf(id.key, sizeof(id.key), "fake:%d", no);
	snprintf(id.name, sizeof(id.name), "phone-%d", no);
	snprintf(id.model, sizeof(id.model), "Model");
	for (int i = 0; i < s->n_open; i++)
		if (s->open[i].kind == ACTION_IDENTIFY && s->open[i].handle == handle) {
			done(s, &(struct farm_action){.id = s->open[i].id}, &ev);
			return;
		}
	fail_msg("no identify is open for the handle %lld", (long long)handle);
}

struct find {
	char key[LIMIT_KEY];
	int64_t id;
};

static void match_key(void *arg, const void *row)
{
	const struct device_row *d = row;
	struct find *f = arg;

	if (!strcmp(d->key, f->key))
		f->id = d->id;
}

int64_t device_no(struct story *s, int no)
{
	struct find f = {.id = 0};

	snprintf(f.key, sizeof(f.key), "fake:%d", no);
	farm_each(s->farm, &device_table, match_key, &f);
	return f.id;
}

int64_t ready_device(struct story *s, int no)
{
	char where[32];
	int64_t id;

	snprintf(where, sizeof(where), "usb 1-%d", no);
	identify_as(s, arrive(s, where), no);
	id = device_no(s, no);
	answer_prepare(s, id);
	return id;
}

/* The contract: what is under way is done first. */
void unplug(struct story *s, int64_t handle)
{
	for (int i = 0; i < s->n_open; i++) {
		struct farm_event ev = {.u.done = {.rc = ERR_GONE, .text = "gone"}};

		if (s->open[i].handle != handle)
			continue;
		done(s, &(struct farm_action){.id = s->open[i].id}, &ev);
		i = -1;
	}
	step(s, &(struct farm_event){.kind = FARM_DEVICE_GONE,
			.u.gone = {.handle = handle, .text = "unplugged"}});
}

void need(struct story *s, int64_t handle, const char *text, bool may_pass)
{
	step(s, &(struct farm_event){.kind = FARM_DEVICE_NEEDS_HUMAN,
			.u.needs_human = {
				.handle = handle, .text = text, .authorizing = may_pass}});
}

const struct device_row *device(struct story *s, int64_t id)
{
	const struct device_row *d = farm_device(s->farm, id);

	assert_non_null(d);
	return d;
}

int64_t state_of(struct story *s, int64_t id)
{
	return device(s, id)->state;
}

int64_t admin(struct story *s, int64_t id, enum farm_admin what)
{
	int before = s->n_answers;
	struct farm_event ev = {.kind = FARM_DEVICE_ADMIN,
		.token = 7,
		.actor = "ada",
		.u.admin = {.device = id, .what = what, .reason = "told so"}};

	if (what == FARM_ADMIN_INSTALL)
		ev.u.admin.more = rstr_new("[1]", 3);
	step(s, &ev);
	rstr_unref(ev.u.admin.more);
	return s->n_answers > before ? s->last.rc : 1;
}

/* ---- jobs ---- */

int64_t submit(struct story *s, int count, const char *select)
{
	char text[1024], number[16], sha[LIMIT_SHA256];
	static int n;
	struct farm_event ev = {.kind = FARM_JOB_SUBMIT, .token = 1, .actor = "ci"};

	snprintf(number, sizeof(number), count ? "%d" : "\"all\"", count);
	snprintf(text, sizeof(text),
		"{\"schema\": \"framefarm.job/1\", \"name\": \"job\", \"retries\": %d, \"model\": "
		"{\"name\": \"m\", \"variants\": [{\"name\": \"v\", \"file\": {\"sha256\": "
		"\"%064d\", \"bytes\": 10, \"name\": \"m.onnx\"}}]}, \"devices\": {\"select\": %s, "
		"\"count\": %s}}",
		s->retries ? s->retries : 1, 0, select, number);
	hash_bytes(text, strlen(text), sha);
	snprintf(number, sizeof(number), "key-%d", ++n);
	ev.u.submit.spec = rstr_new(text, strlen(text));
	ev.u.submit.spec_sha256 = sha;
	ev.u.submit.idempotency_key = number;
	step(s, &ev);
	rstr_unref(ev.u.submit.spec);
	assert_int_equal(s->last.rc, 0);
	return s->last.id;
}

int64_t job_state(struct story *s, int64_t job)
{
	const struct job_row *j = farm_job(s->farm, job);

	return j ? j->state : 0; /* ended, and let go */
}

struct find_run {
	int64_t job, slot;
	const struct run_row *row;
};

static void match_run(void *arg, const void *row)
{
	const struct run_row *r = row;
	struct find_run *f = arg;

	if (r->job == f->job && r->slot == f->slot)
		f->row = r;
}

const struct run_row *run_of(struct story *s, int64_t job, int slot)
{
	struct find_run f = {job, slot, NULL};

	farm_each(s->farm, &run_table, match_run, &f);
	assert_non_null(f.row);
	return f.row;
}

struct find_attempt {
	int64_t device, id;
};

static void match_attempt(void *arg, const void *row)
{
	const struct attempt_row *a = row;
	struct find_attempt *f = arg;

	if (a->device == f->device && a->state != ATTEMPT_DONE)
		f->id = a->id;
}

int64_t attempt_on(struct story *s, int64_t id)
{
	struct find_attempt f = {id, 0};

	farm_each(s->farm, &attempt_table, match_attempt, &f);
	return f.id;
}

void let_start(struct story *s, int64_t id)
{
	answer(s, ACTION_STAGE, id, 0, "");
	answer(s, ACTION_START, id, 0, "");
}

void agent_end(struct story *s, int64_t id, enum farm_outcome means, bool logs, const char *cause)
{
	step(s, &(struct farm_event){.kind = FARM_AGENT_END,
			.u.end = {.attempt = attempt_on(s, id),
				.means = means,
				.wants_logs = logs,
				.cause = cause}});
}

void let_pass(struct story *s, int64_t id)
{
	struct farm_judged j = {.verdict = VERDICT_PASS, .exit_code = EXIT_PASS};
	struct farm_event ev = {.u.done = {.text = "", .judged = &j}};
	int64_t attempt = attempt_on(s, id);

	agent_end(s, id, FARM_OUTCOME_RESULT, false, "");
	step(s, &(struct farm_event){.kind = FARM_ATTEMPT_STORED, .u.stored.attempt = attempt});
	done(s, must_be_open(s, ACTION_JUDGE, 0), &ev);
}
