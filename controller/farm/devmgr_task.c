/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks: an action of the core as a sequence of driver operations.
 *	IDENTIFY  identify
 *	PREPARE   prepare, push the agent, start it, connect, shake hands
 *	STAGE     make the plan (on the pool), push each file it needs
 *	CLEAN     clean, keeping agent, runner and runtime
 *	RECOVER   a new session, power, or a reboot, by the rung
 * What is done to a device itself is in devmgr_service.c.
 * A task ends exactly once, with task_finish().
 */
#include "farm/devmgr_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/jobspec.h"
#include "farm/turn.h"

enum { RUNG_SESSION = 1, RUNG_POWER, RUNG_REBOOT };

struct task *task_find(struct devmgr *m, int64_t action)
{
	struct task *t;

	TAILQ_FOREACH (t, &m->tasks, link)
		if (t->act.id == action)
			return t;
	return NULL;
}

void task_finish(struct task *t, int rc, const char *text, bool blame, struct farm_event *ev)
{
	struct farm_event plain = {0};
	struct devmgr *m = t->m;

	assert(!t->op_pending && !t->work_pending);
	if (!ev)
		ev = &plain;
	ev->kind = FARM_ACTION_DONE;
	ev->u.done.action = t->act.id;
	ev->u.done.rc = rc;
	ev->u.done.text = text;
	ev->u.done.blame_device = blame;
	turn_post(t->m->turn, ev);
	TAILQ_REMOVE(&t->m->tasks, t, link);
	if (t->dev && t->dev->preparing == t)
		t->dev->preparing = NULL;
	if (t->planned)
		makeplan_fini(&t->plan);
	rstr_unref(t->spec);
	service_fini(t);
	mem_free(t->err);
	mem_free(t);
	devmgr_maybe_stopped(m);
}

/* ---- one driver operation ---- */

void task_submit(struct task *t, enum driver_op_kind kind)
{
	struct running *r = t->dev->run;
	struct err e = {0};
	int rc;

	t->op.kind = kind;
	t->op.dev = t->dev->dd;
	t->op.user = t;
	t->op.rc = 0;
	t->op.text[0] = '\0';
	t->op.blame_device = false;
	memset(&t->op.result, 0, sizeof(t->op.result));
	t->op_pending = true;
	rc = r->drv->submit(r->inst, &t->op, &e);
	if (rc) {
		t->op_pending = false;
		task_finish(t, rc, *e.text ? e.text : err_name(rc), false, NULL);
	}
}

void task_cancel(struct task *t)
{
	t->cancelled = true;
	if (t->op_pending && t->dev)
		t->dev->run->drv->cancel(t->dev->run->inst, &t->op);
	else if (!t->work_pending)
		task_finish(t, ERR_CANCELLED, "cancelled", false, NULL);
}

void task_device_gone(struct devmgr *m, struct dev *d, const char *why)
{
	struct task *t, *next;

	for (t = TAILQ_FIRST(&m->tasks); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->dev != d)
			continue;
		assert(!t->op_pending); /* the driver completed it first: the contract */
		t->dev = NULL;
		if (!t->work_pending)
			task_finish(t, ERR_GONE, why, false, NULL);
	}
}

/* ---- work on the pool ---- */

static void work_done(void *arg);

void task_on_pool(struct task *t, void (*work)(void *arg))
{
	struct driver_host *h = t->m->env.host;

	mem_free(t->err);
	t->err = mem_zalloc(sizeof(*t->err));
	t->work_pending = true;
	if (h->blocking(h, work, work_done, t)) {
		t->work_pending = false;
		task_finish(t, ERR_FULL, "too much work is queued", false, NULL);
	}
}

/* ---- IDENTIFY ---- */

static void identified(struct task *t)
{
	const struct driver_identity *id = &t->op.result.identity;
	struct farm_event ev = {0};
	struct farm_identity fi = {.caps = id->caps,
		.is_virtual = !!(id->caps & DRIVER_CAP_VIRTUAL),
		.can_expose = !!(id->caps & DRIVER_CAP_EXPOSE),
		.can_power = !!(id->caps & DRIVER_CAP_POWER),
		.can_reboot = !!(id->caps & DRIVER_CAP_REBOOT),
		.can_collect = !!(id->caps & DRIVER_CAP_COLLECT),
		.can_detach = !!(id->caps & DRIVER_CAP_DETACH),
		.can_install = !!(id->caps & DRIVER_CAP_INSTALL),
		.can_provision = !!(id->caps & DRIVER_CAP_PROVISION)};

	str_copy(fi.key, sizeof(fi.key), id->key);
	str_copy(fi.name, sizeof(fi.name), id->name);
	str_copy(fi.model, sizeof(fi.model), id->model);
	str_copy(fi.abi, sizeof(fi.abi), id->abi);
	str_copy(fi.os, sizeof(fi.os), id->os);
	str_copy(fi.fingerprint, sizeof(fi.fingerprint), id->fingerprint);
	for (int i = 0; i < id->n_attrs && i < LIMIT_ATTRS; i++) {
		str_copy(fi.attrs[i].key, sizeof(fi.attrs[i].key), id->attrs[i].key);
		str_copy(fi.attrs[i].value, sizeof(fi.attrs[i].value), id->attrs[i].value);
		fi.n_attrs = i + 1;
	}
	t->dev->identity = *id;
	ev.u.done.identity = &fi;
	task_finish(t, 0, "", false, &ev);
}

/* ---- PREPARE ---- */

static void prepare_work(void *arg)
{
	struct task *t = arg;

	t->rc = tools_agent(t->m->tools, t->on.abi, &t->agent, t->err);
}

static void push_agent(struct task *t)
{
	str_copy(t->op.in.push.src, sizeof(t->op.in.push.src), t->agent.path);
	str_copy(t->op.in.push.sha256, sizeof(t->op.in.push.sha256), t->agent.sha256);
	t->op.in.push.bytes = t->agent.bytes;
	t->op.in.push.executable = true;
	t->step = STEP_PUSH;
	task_submit(t, DRIVER_OP_PUSH);
}

static void start_agent(struct task *t)
{
	struct dev *d = t->dev;

	memset(&t->op.in, 0, sizeof(t->op.in));
	str_copy(t->op.in.start.agent_sha256, sizeof(t->op.in.start.agent_sha256), t->agent.sha256);
	t->m->env.random(t->m->env.ctx, t->op.in.start.secret, sizeof(t->op.in.start.secret));
	str_copy(d->agent_sha256, sizeof(d->agent_sha256), t->agent.sha256);
	t->step = STEP_START;
	task_submit(t, DRIVER_OP_START);
}

static void connect_agent(struct task *t)
{
	struct dev *d = t->dev;

	/* The driver put the secret of an agent that was running already in place of ours. */
	memcpy(d->secret, t->op.in.start.secret, sizeof(d->secret));
	str_copy(d->endpoint, sizeof(d->endpoint), t->op.result.start.endpoint);
	memset(&t->op.in, 0, sizeof(t->op.in));
	str_copy(t->op.in.connect.endpoint, sizeof(t->op.in.connect.endpoint), d->endpoint);
	t->step = STEP_CONNECT;
	task_submit(t, DRIVER_OP_CONNECT);
}

static void shake_hands(struct task *t)
{
	const struct device_row *row = farm_device(turn_farm(t->m->turn), t->act.device);

	t->step = STEP_HELLO;
	t->dev->preparing = t;
	agent_start_session(t->dev, t->op.result.stream, row ? row->epoch : 0);
}

static struct rstr *counters_json(const struct msg_welcome *w)
{
	struct json *arr = json_new_array();
	struct rstr *s;
	char *text;

	for (uint32_t i = 0; i < w->n_counters; i++) {
		const struct msg_counter *c = &w->counters[i];
		struct json *o = json_new_object();
		char clean[MSG_SOURCE];

		str_copy_clean(clean, sizeof(clean), c->name, sizeof(c->name));
		json_add_str(o, "name", clean);
		str_copy_clean(clean, sizeof(clean), c->unit, sizeof(c->unit));
		json_add_str(o, "unit", clean);
		str_copy_clean(clean, sizeof(clean), c->source, sizeof(c->source));
		json_add_str(o, "source", clean);
		json_add_bool(o, "available", c->available);
		if (!c->available)
			json_add_str(o, "error", strerror(c->error));
		json_push(arr, o);
	}
	text = json_print(arr, false);
	s = rstr_new(text, strlen(text));
	mem_free(text);
	json_free(arr);
	return s;
}

void task_welcome(struct task *t, int rc, const char *text, const struct msg_welcome *w)
{
	struct farm_event ev = {0};
	struct farm_agent agent = {0};

	if (rc) {
		task_finish(t, rc, text, rc != ERR_PERM && rc != ERR_VERSION, NULL);
		return;
	}
	str_copy_clean(agent.uuid, sizeof(agent.uuid), w->agent_uuid, sizeof(w->agent_uuid));
	/* Epochs of another farm fence nobody here. */
	agent.epoch = strcmp(w->farm_id, t->m->farm_id) ? 0 : w->epoch;
	agent.counters = counters_json(w);
	for (uint32_t i = 0; i < w->n_attempts && i < FARM_AGENT_ATTEMPTS; i++) {
		agent.attempts[i].attempt = w->attempts[i].attempt;
		agent.attempts[i].ended = w->attempts[i].state == ATTEMPT_ENDED;
		agent.n_attempts = i + 1;
	}
	ev.u.done.agent = &agent;
	task_finish(t, 0, "", false, &ev);
	rstr_unref(agent.counters);
}

/* ---- STAGE ---- */

static void stage_work(void *arg)
{
	struct task *t = arg;
	struct json_doc *doc = json_parse(rstr_text(t->spec), rstr_len(t->spec), t->err);
	struct jobspec *spec = NULL;

	t->rc = doc ? jobspec_parse(doc, 0, &spec, t->err) : ERR_PARSE;
	json_doc_free(doc);
	if (t->rc)
		return;
	t->planned = true;
	t->rc = makeplan_init(&t->plan, spec, t->variant, &t->on,
		&(struct makeplan_stock){t->m->blobs, t->m->tools, t->m->runtimes}, t->err);
	t->keep_files = spec->keep_files;
	jobspec_free(spec);
}

/* The job wants its files to stay: cleaning passes over them as long as the device is connected. */
static void keep_file(struct dev *d, const char *sha256)
{
	for (int i = 0; i < d->n_kept; i++)
		if (!strcmp(d->kept[i], sha256))
			return;
	str_copy(d->kept[d->next_kept], LIMIT_SHA256, sha256);
	d->next_kept = (d->next_kept + 1) % DEV_KEPT_MAX;
	if (d->n_kept < DEV_KEPT_MAX)
		d->n_kept++;
}

static void keep_plan(struct task *t)
{
	struct staged *s = mem_zalloc(sizeof(*s));
	char hex[LIMIT_SHA256];

	s->plan = mem_alloc(PROTO_PAYLOAD_MAX);
	s->plan_len = plan_encode(&t->plan.plan, s->plan, PROTO_PAYLOAD_MAX - 64);
	if (!s->plan_len) {
		mem_free(s->plan);
		mem_free(s);
		task_finish(t, ERR_TOOBIG,
			"the plan is larger than a message may be; use fewer golden "
			"cases or shorter names",
			false, NULL);
		return;
	}
	if (*t->plan.plan.loader_sha256 && t->dev->protocol < PLAN_SUPPORT_NEEDS) {
		mem_free(s->plan);
		mem_free(s);
		task_finish(t, ERR_VERSION,
			"the agent that runs on the device is of an older version and cannot start "
			"this runner; restart the device, or quarantine and release it",
			false, NULL);
		return;
	}
	for (int i = 0; t->keep_files && i < t->plan.n_files; i++)
		keep_file(t->dev, t->plan.files[i].sha256);
	hash_bytes(rstr_text(t->spec), rstr_len(t->spec), hex);
	s->record = agent_record(t->dev, &t->plan, hex);
	devmgr_drop_staged(t->m, t->act.attempt);
	map_put(t->m->staged, t->act.attempt, s);
	task_finish(t, 0, "", false, NULL);
}

static void push_next(struct task *t)
{
	const struct makeplan_file *f;

	if (t->file == t->plan.n_files) {
		keep_plan(t);
		return;
	}
	f = &t->plan.files[t->file];
	memset(&t->op.in, 0, sizeof(t->op.in));
	if (!str_copy(t->op.in.push.src, sizeof(t->op.in.push.src), f->path)) {
		task_finish(
			t, ERR_TOOBIG, "the path of the data directory is too long", false, NULL);
		return;
	}
	str_copy(t->op.in.push.sha256, sizeof(t->op.in.push.sha256), f->sha256);
	t->op.in.push.bytes = f->bytes;
	t->op.in.push.executable = f->executable;
	task_submit(t, DRIVER_OP_PUSH);
}

static bool stage_begin(struct task *t)
{
	struct farm *f = turn_farm(t->m->turn);
	const struct run_row *run = farm_run(f, t->act.run);
	const struct job_row *job = run ? farm_job(f, run->job) : NULL;

	if (!job)
		return false;
	t->spec = rstr_ref(job->spec);
	t->variant = run->variant;
	return true;
}

/* ---- CLEAN, RECOVER ---- */

static void clean_work(void *arg)
{
	struct task *t = arg;
	struct tool tool, *support = mem_zalloc(TOOLS_SUPPORT_MAX * sizeof(*support));
	int n;

	/* What every run needs is worth keeping; a tool that is missing is not there to be kept. */
	if (!tools_runner(t->m->tools, "onnxruntime", t->on.abi, &tool, NULL))
		str_copy(t->keep[t->n_keep++], LIMIT_SHA256, tool.sha256);
	if (!tools_runtime(t->m->tools, "onnxruntime", t->on.abi, &tool, NULL))
		str_copy(t->keep[t->n_keep++], LIMIT_SHA256, tool.sha256);
	if (!tools_support(t->m->tools, t->on.abi, t->on.foreign_libc, support, &n, NULL))
		for (int i = 0; i < n; i++)
			str_copy(t->keep[t->n_keep++], LIMIT_SHA256, support[i].sha256);
	mem_free(support);
}

static void clean(struct task *t)
{
	memset(&t->op.in, 0, sizeof(t->op.in));
	str_copy(t->keep[t->n_keep++], LIMIT_SHA256, t->dev->agent_sha256);
	for (int i = 0; i < t->n_keep; i++)
		t->keep_list[i] = t->keep[i];
	for (int i = 0; i < t->dev->n_kept; i++)
		t->keep_list[t->n_keep + i] = t->dev->kept[i];
	t->keep_list[t->n_keep + t->dev->n_kept] = NULL;
	t->op.in.clean.keep = t->keep_list;
	task_submit(t, DRIVER_OP_CLEAN);
}

static void recover(struct task *t)
{
	memset(&t->op.in, 0, sizeof(t->op.in));
	switch (t->act.arg) {
	case RUNG_SESSION:
		agent_end_session(t->dev);
		if (t->act.lease) /* what runs may still be alive: a new session must do */
			task_finish(t, 0, "", false, NULL);
		else
			task_submit(t, DRIVER_OP_STOP);
		return;
	case RUNG_POWER:
		t->op.in.power.on = t->step++ > 0;
		task_submit(t, DRIVER_OP_POWER);
		return;
	default:
		task_submit(t, DRIVER_OP_REBOOT);
	}
}

/* ---- the sequence ---- */

static void begin_on_device(struct task *t)
{
	switch (t->act.kind) {
	case ACTION_IDENTIFY:
		task_submit(t, DRIVER_OP_IDENTIFY);
		break;
	case ACTION_PREPARE:
		agent_end_session(t->dev);
		t->dev->id = t->act.device;
		task_on_pool(t, prepare_work);
		break;
	case ACTION_STAGE:
		if (stage_begin(t))
			task_on_pool(t, stage_work);
		else
			task_finish(t, ERR_GONE, "the job has ended", false, NULL);
		break;
	case ACTION_CLEAN:
		task_on_pool(t, clean_work);
		break;
	case ACTION_RECOVER:
		recover(t);
		break;
	default:
		if (!service_begin(t))
			task_finish(t, ERR_UNSUPPORTED, "the device cannot do that", false, NULL);
	}
}

void task_begin(struct devmgr *m, const struct farm_action *a)
{
	struct task *t = mem_zalloc(sizeof(*t));

	t->m = m;
	t->act = *a;
	rstr_ref(t->act.more);
	t->dev = devmgr_dev(m, a->handle);
	TAILQ_INSERT_TAIL(&m->tasks, t, link);
	if (!t->dev || m->stopping) {
		task_finish(t, ERR_GONE, "the device is gone", false, NULL);
		return;
	}
	makeplan_device(&t->dev->identity, &t->on);
	begin_on_device(t);
}

static void work_done(void *arg)
{
	struct task *t = arg;

	t->work_pending = false;
	if (!t->dev)
		task_finish(t, ERR_GONE, "the device is gone", false, NULL);
	else if (t->cancelled)
		task_finish(t, ERR_CANCELLED, "cancelled", false, NULL);
	else if (t->rc)
		task_finish(t, t->rc, t->err->text, false, NULL);
	else if (t->act.kind == ACTION_PREPARE) {
		t->step = STEP_PREPARE;
		task_submit(t, DRIVER_OP_PREPARE);
	} else if (t->act.kind == ACTION_STAGE) {
		push_next(t);
	} else if (t->act.kind == ACTION_COLLECT) {
		service_worked(t);
	} else {
		clean(t);
	}
}

static void prepare_step_done(struct task *t)
{
	switch (t->step) {
	case STEP_PREPARE:
		push_agent(t);
		break;
	case STEP_PUSH:
		start_agent(t);
		break;
	case STEP_START:
		connect_agent(t);
		break;
	default:
		shake_hands(t);
	}
}

void task_op_done(struct task *t)
{
	t->op_pending = false;
	if (service_op_done(t))
		return;
	if (t->op.rc) {
		task_finish(t, t->op.rc, t->op.text, t->op.blame_device, NULL);
		return;
	}
	if (t->cancelled) {
		if (t->op.kind == DRIVER_OP_CONNECT)
			session_drop_stream(t->op.result.stream);
		task_finish(t, ERR_CANCELLED, "cancelled", false, NULL);
		return;
	}
	switch (t->act.kind) {
	case ACTION_IDENTIFY:
		identified(t);
		break;
	case ACTION_PREPARE:
		prepare_step_done(t);
		break;
	case ACTION_STAGE:
		t->file++;
		push_next(t);
		break;
	case ACTION_RECOVER:
		if (t->act.arg == RUNG_POWER && t->step == 1)
			recover(t); /* off, then on */
		else
			task_finish(t, 0, "", false, NULL);
		break;
	default:
		task_finish(t, 0, "", false, NULL);
	}
}
