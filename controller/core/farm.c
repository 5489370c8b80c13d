/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The farm as a whole: its maps, the dispatch of events, the flush of changed rows. What an event
 * means stands in the file of the thing it concerns. Pure; see farm.h.
 */
#include "core/farm.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/internal.h"

void farm_config_default(struct farm_config *cfg)
{
	*cfg = (struct farm_config){
		.host_id = "localhost",
		.identify_ms = 20000,
		.prepare_ms = 120000,
		.stage_ms = 600000,
		.start_ms = 30000,
		.judge_ms = 60000,
		.clean_ms = 60000,
		.recover_ms = 120000,
		.discard_ms = 30000,
		.expose_ms = 30000,
		.logs_ms = 60000,
		.detach_ms = 30000,
		.install_ms = 600000,
		.provision_ms = 120000,
		.stop_ms = 15000,
		.cancel_grace_ms = 15000,
		.reattach_ms = 300000,
		.collect_ms = 300000,
		.lease_grace_ms = 60000,
		.cool_max_ms = 120000,
		.cool_above_idle_mc = 8000,
		.no_match_ms = 10000,
		.rematch_ms = 60000,
		.backoff_ms = {1000, 5000, 30000, 120000},
		.need_recheck_ms = 60000,
		.quarantine_recheck_ms = 900000,
		.max_failures = 5,
	};
}

/* ---- ids, rows ---- */

static int table_pos(const struct row_table *t)
{
	int i;

	for (i = 0; core_tables[i] && core_tables[i] != t; i++)
		;
	assert(core_tables[i]);
	return i;
}

int64_t farm_new_id(struct farm *f, const struct row_table *t)
{
	return f->next_id[table_pos(t)]++;
}

void farm_set_last_id(struct farm *f, const struct row_table *t, int64_t id)
{
	int64_t *next = &f->next_id[table_pos(t)];

	if (id >= *next)
		*next = id + 1;
}

void farm_set_restored(struct farm *f, int64_t attempt)
{
	assert(!f->booted);
	f->restored_to = attempt;
}

void ent_init(struct ent *e, const struct row_table *t, void *row)
{
	*e = (struct ent){.table = t, .row = row};
}

void ent_touch(struct farm *f, struct ent *e)
{
	if (e->dirty)
		return;
	e->dirty = true;
	f->n_dirty++;
	TAILQ_INSERT_TAIL(&f->dirty, e, link);
}

struct audit_obj {
	struct ent ent;
	struct audit_row row;
};

void farm_audit(struct farm *f, const char *actor, const char *action, char letter, int64_t id,
	const char *detail)
{
	struct audit_obj *a = mem_zalloc(sizeof(*a));

	a->row.id = farm_new_id(f, &audit_table);
	a->row.at_ms = f->now.wall_ms;
	str_copy(a->row.actor, sizeof(a->row.actor), actor ? actor : "");
	str_copy(a->row.action, sizeof(a->row.action), action);
	snprintf(a->row.object, sizeof(a->row.object), "%c%lld", letter, (long long)id);
	str_copy(a->row.detail, sizeof(a->row.detail), detail ? detail : "");
	ent_init(&a->ent, &audit_table, &a->row);
	a->ent.forget = true;
	ent_touch(f, &a->ent);
}

/* ---- what comes out ---- */

void farm_out_init(struct farm_out *o)
{
	memset(o, 0, sizeof(*o));
}

void farm_out_clear(struct farm_out *o)
{
	for (int i = 0; i < o->n_actions; i++)
		rstr_unref(o->actions[i].more);
	for (int i = 0; i < o->n_answers; i++)
		rstr_unref(o->answers[i].body);
	o->n_actions = o->n_answers = 0;
}

void farm_out_fini(struct farm_out *o)
{
	farm_out_clear(o);
	mem_free(o->actions);
	mem_free(o->answers);
	farm_out_init(o);
}

void farm_answer(
	struct farm *f, const struct farm_event *ev, int rc, int64_t id, const char *fmt, ...)
{
	struct farm_out *o = f->out;
	struct farm_answer *a;
	va_list ap;

	if (!ev->token)
		return;
	if (o->n_answers == o->cap_answers) {
		o->cap_answers = o->cap_answers ? 2 * o->cap_answers : 16;
		o->answers = mem_realloc(o->answers, o->cap_answers, sizeof(*o->answers));
	}
	a = &o->answers[o->n_answers++];
	*a = (struct farm_answer){.token = ev->token, .rc = rc, .id = id};
	va_start(ap, fmt);
	vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
}

/* ---- life ---- */

struct farm *farm_new(const struct farm_config *cfg)
{
	struct farm *f = mem_zalloc(sizeof(*f));

	f->cfg = *cfg;
	f->devices = map_new();
	f->device_keys = map_new();
	f->handles = map_new();
	f->leases = map_new();
	f->jobs = map_new();
	f->job_keys = map_new();
	f->runs = map_new();
	f->attempts = map_new();
	f->actions = map_new();
	f->selq_keys = map_new();
	TAILQ_INIT(&f->dirty);
	TAILQ_INIT(&f->ready);
	TAILQ_INIT(&f->selqs);
	for (size_t i = 0; i < sizeof(f->next_id) / sizeof(f->next_id[0]); i++)
		f->next_id[i] = 1;
	return f;
}

/* Takes the object out of its maps and frees it; its last row has been handed out. */
static void forget(struct farm *f, struct ent *e)
{
	if (e->table == &device_table)
		device_free(f, (struct device *)e);
	else if (e->table == &lease_table)
		lease_free(f, (struct lease *)e);
	else if (e->table == &job_table)
		job_free(f, (struct job *)e);
	else if (e->table == &attempt_table)
		attempt_free(f, (struct attempt *)e);
	else
		mem_free(e); /* actions, events, audit: nothing points at them */
}

int farm_flush(struct farm *f, void (*put)(void *arg, const struct row_table *t, const void *row),
	void (*del)(void *arg, const struct row_table *t, int64_t id), void *arg)
{
	struct ent_list ended = TAILQ_HEAD_INITIALIZER(ended);
	struct ent *e;
	int n = 0;

	while ((e = TAILQ_FIRST(&f->dirty))) {
		TAILQ_REMOVE(&f->dirty, e, link);
		e->dirty = false;
		f->n_dirty--;
		if (e->deleted)
			del(arg, e->table, row_id(e->table, e->row));
		else
			put(arg, e->table, e->row);
		n++;
		if (e->forget)
			TAILQ_INSERT_TAIL(&ended, e, link);
	}
	while ((e = TAILQ_FIRST(&ended))) {
		TAILQ_REMOVE(&ended, e, link);
		forget(f, e);
	}
	return n;
}

static void drop_nothing(void *arg, const struct row_table *t, const void *row)
{
	(void)arg, (void)t, (void)row;
}

static void drop_id(void *arg, const struct row_table *t, int64_t id)
{
	(void)arg, (void)t, (void)id;
}

void farm_free(struct farm *f)
{
	struct map_item *it;

	if (!f)
		return;
	farm_flush(f, drop_nothing, drop_id, NULL);
	while ((it = map_first(f->actions))) {
		struct action *a = map_value(it);

		timer_clear(f, &a->timer);
		map_del(f->actions, a->row.id);
		mem_free(a);
	}
	while ((it = map_first(f->attempts)))
		attempt_free(f, map_value(it));
	while ((it = map_first(f->jobs)))
		job_free(f, map_value(it));
	while ((it = map_first(f->leases)))
		lease_free(f, map_value(it));
	while ((it = map_first(f->devices)))
		device_free(f, map_value(it));
	map_free(f->devices);
	map_free(f->device_keys);
	map_free(f->handles);
	map_free(f->leases);
	map_free(f->jobs);
	map_free(f->job_keys);
	map_free(f->runs);
	map_free(f->attempts);
	map_free(f->actions);
	map_free(f->selq_keys);
	mem_free(f->heap);
	mem_free(f);
}

int farm_load(struct farm *f, const struct row_table *t, const void *row, struct err *e)
{
	assert(!f->booted);
	farm_set_last_id(f, t, row_id(t, row));
	if (t == &device_table)
		return device_load(f, row) ? 0 : err_set(e, ERR_CORRUPT, "too many devices");
	if (t == &lease_table)
		lease_load(f, row);
	else if (t == &job_table)
		return job_load(f, row, e);
	else if (t == &run_table)
		return job_load_run(f, row, e);
	else if (t == &attempt_table)
		attempt_load(f, row);
	else if (t == &action_table) {
		/* Nothing that was under way is believed: its row goes. */
		struct action *a = mem_zalloc(sizeof(*a));

		a->row = *(const struct action_row *)row;
		ent_init(&a->ent, t, &a->row);
		a->ent.deleted = a->ent.forget = true;
		ent_touch(f, &a->ent);
	}
	return 0;
}

/* ---- events ---- */

static void time_passed(struct farm *f)
{
	struct timer *t;

	while ((t = timer_due(f))) {
		switch (t->kind) {
		case TIMER_DEVICE:
			device_timeout(f, t->owner);
			break;
		case TIMER_LEASE:
			lease_timeout(f, t->owner);
			break;
		case TIMER_ATTEMPT:
			attempt_timeout(f, t->owner);
			break;
		case TIMER_ACTION:
			action_timeout(f, t->owner);
			break;
		case TIMER_JOB:
			job_timeout(f, t->owner);
			break;
		}
	}
}

static void boot(struct farm *f, const struct farm_event *ev)
{
	(void)ev;
	farm_boot(f);
}

static void time_event(struct farm *f, const struct farm_event *ev)
{
	(void)f, (void)ev; /* every step looks at the deadlines */
}

static void note(struct farm *f, const struct farm_event *ev)
{
	farm_audit(f, ev->actor, ev->u.note.action, 'h', 0, ev->u.note.detail);
	farm_answer(f, ev, 0, 0, "done");
}

static void (*const handlers[FARM_EVENT_KINDS])(struct farm *f, const struct farm_event *ev) = {
	[FARM_BOOT] = boot,
	[FARM_TIME] = time_event,
	[FARM_DEVICE_ARRIVED] = device_arrived,
	[FARM_DEVICE_GONE] = device_gone,
	[FARM_DEVICE_NEEDS_HUMAN] = device_needs_human,
	[FARM_DEVICE_ADMIN] = device_admin,
	[FARM_ACTION_DONE] = action_done,
	[FARM_AGENT_LOST] = device_agent_lost,
	[FARM_AGENT_STATUS] = device_status,
	[FARM_AGENT_END] = attempt_agent_end,
	[FARM_ATTEMPT_STORED] = attempt_stored,
	[FARM_JOB_SUBMIT] = job_accept,
	[FARM_JOB_CANCEL] = job_cancel,
	[FARM_JOB_RETRY] = job_retry,
	[FARM_LEASE_ASK] = lease_ask,
	[FARM_LEASE_EXTEND] = lease_extend,
	[FARM_LEASE_RELEASE] = lease_release,
	[FARM_NOTE] = note,
};

void farm_step(struct farm *f, const struct farm_event *ev, struct now now, struct farm_out *out)
{
	assert(ev->kind >= 0 && ev->kind < FARM_EVENT_KINDS);
	assert(f->booted || ev->kind == FARM_BOOT);
	assert(now.mono_ms >= f->now.mono_ms);
	f->now = now;
	f->out = out;
	f->actor = ev->actor;
	handlers[ev->kind](f, ev);
	f->actor = NULL; /* what falls due is nobody's wish */
	time_passed(f);
	f->out = NULL;
}

int farm_changed(const struct farm *f)
{
	return f->n_dirty;
}

int64_t farm_next_deadline(const struct farm *f)
{
	return f->n_heap ? f->heap[1]->at : INT64_MAX;
}

/* ---- looking in ---- */

#define LOOK(fn, type, map)                                                                        \
	const struct type##_row *fn(const struct farm *f, int64_t id)                              \
	{                                                                                          \
		const struct type *o = map_get(f->map, id);                                        \
                                                                                                   \
		return o ? &o->row : NULL;                                                         \
	}

LOOK(farm_device, device, devices)
LOOK(farm_job, job, jobs)
LOOK(farm_run, run, runs)
LOOK(farm_attempt, attempt, attempts)
LOOK(farm_lease, lease, leases)

static struct map *map_of(const struct farm *f, const struct row_table *t)
{
	return t == &device_table    ? f->devices
	       : t == &lease_table   ? f->leases
	       : t == &job_table     ? f->jobs
	       : t == &run_table     ? f->runs
	       : t == &attempt_table ? f->attempts
	       : t == &action_table  ? f->actions
	                             : NULL;
}

void farm_each(const struct farm *f, const struct row_table *t,
	void (*fn)(void *arg, const void *row), void *arg)
{
	struct map *m = map_of(f, t);

	for (struct map_item *it = m ? map_first(m) : NULL; it; it = map_next(it)) {
		const struct ent *e = map_value(it);

		if (!e->deleted)
			fn(arg, e->row);
	}
}

void farm_get_counts(const struct farm *f, struct farm_counts *ret_c)
{
	struct farm_counts c = {
		.devices = map_count(f->devices),
		.queued_runs = f->queued_runs,
		.leases = map_count(f->leases),
		.actions = map_count(f->actions),
	};

	for (struct map_item *it = map_first(f->devices); it; it = map_next(it)) {
		const struct device *d = map_value(it);

		c.ready += d->row.state == DEVICE_READY;
		c.busy += d->row.state == DEVICE_BUSY || d->row.state == DEVICE_LEASED;
	}
	for (struct map_item *it = map_first(f->jobs); it; it = map_next(it))
		c.live_jobs += !job_is_final(((const struct job *)map_value(it))->row.state);
	for (struct map_item *it = map_first(f->attempts); it; it = map_next(it))
		c.late += ((const struct attempt *)map_value(it))->row.state == ATTEMPT_DONE;
	*ret_c = c;
}
