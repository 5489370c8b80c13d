/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller: puts turn, device manager, ingestion, store and uploads together, and is what the
 * API talks to; see ctl.h.
 */
#include "farm/ctl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "agents/plan.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/jobspec.h"
#include "drivers/driver.h"
#include "farm/artifacts.h"
#include "farm/backup.h"
#include "farm/blobs.h"
#include "farm/devmgr.h"
#include "farm/ingest.h"
#include "farm/judge.h"
#include "farm/checkup.h"
#include "farm/keep.h"
#include "farm/restore.h"
#include "farm/runtimes.h"
#include "farm/tools.h"
#include "farm/turn.h"
#include "store/store.h"

#define WATCHES_MAX 1024

struct ctl_watch {
	ctl_event_fn *event;
	ctl_progress_fn *progress;
	void *arg;
	bool dead;
	TAILQ_ENTRY(ctl_watch) link;
};

TAILQ_HEAD(watch_list, ctl_watch);

struct asker {
	ctl_answer_fn *fn;
	void *arg;
};

struct ctl {
	struct ctl_env env;
	char data_dir[512];
	struct store *store;
	struct blobs *blobs;
	struct tools *tools;
	struct runtimes *runtimes;
	struct turn *turn;
	struct ingest *ingest;
	struct devmgr *devmgr;
	struct keep *keep;
	struct checkup *checkup;
	struct backup *backup;
	char farm_id[64];
	struct map *askers; /* by token */
	int64_t next_token;
	struct map *progress; /* by run */
	struct watch_list watches;
	int watching; /* inside a call to the watches */
	int judging;
	int64_t started_ms;
	bool stopping, devices_stopped;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* ---- judging ---- */

struct judge_job {
	struct ctl *c;
	int64_t action;
	struct rstr *spec;
	int variant;
	int64_t run, attempt;
	int64_t attempts[LIMIT_ROUNDS];
	int outcomes[LIMIT_ROUNDS];
	char causes[LIMIT_ROUNDS][LIMIT_CAUSE];
	int n;
	struct farm_judged judged;
	struct err err;
	int rc;
};

static int collect_round(void *arg, const void *row)
{
	const struct attempt_row *a = row;
	struct judge_job *j = arg;

	if ((!a->counted && a->id != j->attempt) || j->n == LIMIT_ROUNDS)
		return 0;
	j->attempts[j->n] = a->id;
	j->outcomes[j->n] = a->outcome;
	str_copy(j->causes[j->n], sizeof(j->causes[0]), a->cause);
	j->n++;
	return 0;
}

static int find_rounds(struct judge_job *j)
{
	struct store_page page = {
		.limit = 1000, .n_filters = 1, .filters = {{.column = "run", .num = j->run}}};
	struct store_reader *rd = store_reader_get(j->c->store, 20000, &j->err);
	int rc;

	if (!rd)
		return j->err.code;
	rc = store_rows(rd, &attempt_table, &page, collect_round, j, &j->err);
	store_reader_put(rd);
	if (!rc && !j->n)
		rc = err_set(&j->err, ERR_NOTFOUND, "the run has no round to judge");
	return rc;
}

static void judge_work(void *arg)
{
	struct judge_job *j = arg;
	struct json_doc *doc = json_parse(rstr_text(j->spec), rstr_len(j->spec), &j->err);
	const char *causes[LIMIT_ROUNDS];
	struct jobspec *spec = NULL;

	j->rc = doc ? jobspec_parse(doc, 0, &spec, &j->err) : ERR_PARSE;
	json_doc_free(doc);
	if (!j->rc)
		j->rc = find_rounds(j);
	for (int i = 0; i < LIMIT_ROUNDS; i++)
		causes[i] = j->causes[i];
	if (!j->rc)
		j->rc = judge_run(j->c->store, spec, j->variant, j->attempts, j->outcomes, causes,
			j->n, &j->judged, &j->err);
	jobspec_free(spec);
}

static void maybe_stopped(struct ctl *c);

static void judge_done(void *arg)
{
	struct judge_job *j = arg;
	struct ctl *c = j->c;

	if (j->rc)
		log_err("event=judge_failed run=r%lld cause=\"%s\"", (long long)j->run,
			j->err.text);
	turn_post(c->turn, &(struct farm_event){.kind = FARM_ACTION_DONE,
				   .u.done = {.action = j->action,
					   .rc = j->rc,
					   .text = j->err.text,
					   .judged = j->rc ? NULL : &j->judged}});
	rstr_unref(j->judged.result);
	rstr_unref(j->spec);
	mem_free(j);
	c->judging--;
	maybe_stopped(c);
}

static void action_failed(struct ctl *c, const struct farm_action *a, int rc, const char *text)
{
	turn_post(c->turn, &(struct farm_event){.kind = FARM_ACTION_DONE,
				   .u.done = {.action = a->id, .rc = rc, .text = text}});
}

static void judge(struct ctl *c, const struct farm_action *a)
{
	const struct run_row *run = farm_run(turn_farm(c->turn), a->run);
	const struct job_row *job = run ? farm_job(turn_farm(c->turn), run->job) : NULL;
	struct driver_host *h = c->env.host;
	struct judge_job *j;

	if (!job) {
		action_failed(c, a, ERR_GONE, "the run has ended");
		return;
	}
	j = mem_zalloc(sizeof(*j));
	j->c = c;
	j->action = a->id;
	j->spec = rstr_ref(job->spec);
	j->variant = run->variant;
	j->run = a->run;
	j->attempt = a->attempt;
	c->judging++;
	if (!h->blocking(h, judge_work, judge_done, j))
		return;
	c->judging--;
	rstr_unref(j->spec);
	mem_free(j);
	action_failed(c, a, ERR_FULL, "too much work is queued");
}

/* ---- what the turn releases ---- */

static void do_action(void *arg, const struct farm_action *a)
{
	struct ctl *c = arg;

	if (a->kind == ACTION_EXPOSE || a->kind == ACTION_UNEXPOSE) {
		if (!a->cancel)
			action_failed(c, a, ERR_UNSUPPORTED, "this driver exposes no device");
	} else if (a->kind != ACTION_JUDGE) {
		devmgr_action(c->devmgr, a);
	} else if (!a->cancel) {
		judge(c, a);
	}
}

static void do_answer(void *arg, const struct farm_answer *a)
{
	struct ctl *c = arg;
	struct asker *as = map_del(c->askers, a->token);

	if (!as)
		return;
	as->fn(as->arg, a);
	mem_free(as);
}

static void reap_watches(struct ctl *c)
{
	struct ctl_watch *w, *next;

	if (c->watching)
		return;
	for (w = TAILQ_FIRST(&c->watches); w; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!w->dead)
			continue;
		TAILQ_REMOVE(&c->watches, w, link);
		mem_free(w);
	}
}

static void do_event(void *arg, const struct event_row *ev)
{
	struct ctl *c = arg;
	struct ctl_watch *w;

	if (!strcmp(ev->topic, "run") && strcmp(ev->to_state, run_state_name(RUN_RUNNING)))
		mem_free(map_del(c->progress, ev->subject)); /* it only runs while it is running */
	log_debug("event=state topic=%s subject=%lld from=%s to=%s cause=\"%s\"", ev->topic,
		(long long)ev->subject, ev->from_state, ev->to_state, ev->cause);
	c->watching++;
	TAILQ_FOREACH (w, &c->watches, link)
		if (!w->dead && w->event)
			w->event(w->arg, ev);
	c->watching--;
	reap_watches(c);
}

static const struct turn_ops turn_ops = {
	.action = do_action,
	.answer = do_answer,
	.event = do_event,
};

static void all_stored(void *arg, int64_t attempt)
{
	struct ctl *c = arg;

	turn_post(c->turn,
		&(struct farm_event){.kind = FARM_ATTEMPT_STORED, .u.stored.attempt = attempt});
}

static void on_status(void *arg, int64_t device, const struct msg_status *st)
{
	struct ctl *c = arg;
	const struct attempt_row *a = farm_attempt(turn_farm(c->turn), st->attempt);
	struct ctl_progress *p;
	struct ctl_watch *w;

	if (!a || a->state != ATTEMPT_STARTED)
		return;
	p = map_get(c->progress, a->run);
	if (!p) {
		p = mem_zalloc(sizeof(*p));
		map_put(c->progress, a->run, p);
	}
	*p = (struct ctl_progress){.job = a->job,
		.run = a->run,
		.attempt = a->id,
		.device = device,
		.phase = phase_name(st->phase),
		.permille = st->permille,
		.iterations = st->iterations,
		.over_budget = st->over_budget,
		.thermal_known = st->thermal_known,
		.hottest_mc = st->hottest_mc};
	str_copy_clean(p->note, sizeof(p->note), st->note, sizeof(st->note));
	c->watching++;
	TAILQ_FOREACH (w, &c->watches, link)
		if (!w->dead && w->progress)
			w->progress(w->arg, p);
	c->watching--;
	reap_watches(c);
}

static const struct devmgr_ops devmgr_ops = {.status = on_status};

/* ---- life ---- */

static int start_drivers(struct ctl *c, const struct ctl_config *cfg, struct err *e)
{
	for (int i = 0; i < cfg->n_drivers; i++) {
		const struct ctl_driver *d = &cfg->drivers[i];
		const struct driver *drv = driver_find(d->name);
		struct err why = {0};
		int rc = drv ? devmgr_start(c->devmgr, drv, d->opts, d->n_opts, &why)
		             : err_set(&why, ERR_UNSUPPORTED,
				       "this framefarm was built without the driver \"%s\"",
				       d->name);

		if (rc && d->required) {
			*e = why;
			return rc;
		}
		if (rc)
			log_warn("event=driver_failed driver=%s cause=\"%s\"", d->name, why.text);
	}
	return 0;
}

static int open_parts(struct ctl *c, const struct ctl_config *cfg, struct err *e)
{
	struct store_config sc = {.dir = cfg->data_dir, .tables = core_tables};
	struct farm_config fc = cfg->farm;
	struct devmgr_config dc = {.data_dir = cfg->data_dir};
	char farm_id[64], dir[600];
	int upgraded = 0, rc;
	int64_t event;

	c->store = store_open(&sc, &upgraded, e);
	if (!c->store)
		return e->code;
	if (upgraded)
		log_info("event=store_upgraded from=%d to=%d", upgraded, STORE_SCHEMA_CONTROL);
	rc = restore_farm_id(c->store, farm_id, sizeof(farm_id), c->env.random, c->env.ctx, e);
	if (rc)
		return rc;
	snprintf(dir, sizeof(dir), "%s/files", cfg->data_dir);
	c->blobs = blobs_open(&c->env, dir, cfg->blobs_max_bytes, e);
	if (!c->blobs)
		return e->code;
	snprintf(dir, sizeof(dir), "%s/runtimes.json", cfg->data_dir);
	c->runtimes = runtimes_open(c->blobs, dir, e);
	if (!c->runtimes)
		return e->code;
	c->keep = keep_new(&c->env, &cfg->keep, c->store, c->blobs, c->runtimes);
	c->backup = backup_new(&c->env, c->data_dir, c->store, c->blobs, c->runtimes);
	str_copy(c->farm_id, sizeof(c->farm_id), farm_id);
	c->tools = tools_new(cfg->tools_dir, cfg->ort_path);
	c->turn = turn_new(&fc, &c->env, c->store, &turn_ops, c);
	c->checkup = checkup_new(&c->env, cfg->check_every_ms, c->store, turn_farm(c->turn));
	rc = restore_farm(turn_farm(c->turn), c->store, &event, e);
	if (rc)
		return rc;
	turn_set_last_event(c->turn, event);
	c->ingest = ingest_new(&c->env, c->store, all_stored, c);
	dc.farm_id = farm_id;
	dc.runtimes = c->runtimes;
	c->devmgr =
		devmgr_new(&c->env, &dc, c->turn, c->ingest, c->blobs, c->tools, &devmgr_ops, c);
	turn_post(c->turn, &(struct farm_event){.kind = FARM_BOOT});
	keep_start(c->keep);
	checkup_start(c->checkup);
	return start_drivers(c, cfg, e);
}

struct ctl *ctl_new(const struct ctl_config *cfg, const struct ctl_env *env, struct err *e)
{
	struct ctl *c = mem_zalloc(sizeof(*c));

	c->env = *env;
	str_copy(c->data_dir, sizeof(c->data_dir), cfg->data_dir);
	c->askers = map_new();
	c->progress = map_new();
	TAILQ_INIT(&c->watches);
	c->started_ms = env->now(env->ctx).wall_ms;
	if (open_parts(c, cfg, e)) {
		ctl_free(c);
		return NULL;
	}
	return c;
}

/* Their events were never stepped. */
static void refuse_askers(struct ctl *c)
{
	struct farm_answer a = {.rc = ERR_CANCELLED};
	struct map_item *it;

	snprintf(a.text, sizeof(a.text), "the daemon is stopping; try again when it is back");
	while ((it = map_first(c->askers))) {
		a.token = map_key(it);
		do_answer(c, &a);
	}
}

static void maybe_stopped(struct ctl *c)
{
	void (*fn)(void *arg) = c->stopped;

	if (!c->stopping || !c->stopped || !c->devices_stopped || c->judging ||
		!keep_idle(c->keep) || !checkup_idle(c->checkup) || !backup_idle(c->backup) ||
		!ingest_idle(c->ingest) || turn_in_store(c->turn) ||
		(turn_store_ok(c->turn) && !turn_idle(c->turn)))
		return;
	c->stopped = NULL;
	refuse_askers(c);
	fn(c->stopped_arg);
}

static void devices_stopped(void *arg)
{
	struct ctl *c = arg;

	c->devices_stopped = true;
}

void ctl_stop(struct ctl *c, void (*stopped)(void *arg), void *arg)
{
	assert(!c->stopping);
	c->stopping = true;
	c->stopped = stopped;
	c->stopped_arg = arg;
	turn_freeze(c->turn);
	keep_stop(c->keep);
	checkup_stop(c->checkup);
	backup_stop(c->backup);
	devmgr_stop(c->devmgr, devices_stopped, c);
}

static void free_values(struct map *m)
{
	struct map_item *it;

	while (m && (it = map_first(m)))
		mem_free(map_del(m, map_key(it)));
	map_free(m);
}

void ctl_free(struct ctl *c)
{
	struct ctl_watch *w;

	if (!c)
		return;
	devmgr_free(c->devmgr);
	ingest_free(c->ingest);
	turn_free(c->turn);
	keep_free(c->keep);
	checkup_free(c->checkup);
	backup_free(c->backup);
	store_close(c->store);
	tools_free(c->tools);
	runtimes_close(c->runtimes);
	blobs_close(c->blobs);
	free_values(c->askers);
	free_values(c->progress);
	while ((w = TAILQ_FIRST(&c->watches))) {
		TAILQ_REMOVE(&c->watches, w, link);
		mem_free(w);
	}
	mem_free(c);
}

void ctl_turn(struct ctl *c)
{
	turn_run(c->turn);
	if (c->stopping)
		maybe_stopped(c);
}

/* ---- requests ---- */

int ctl_request(struct ctl *c, const struct farm_event *ev, ctl_answer_fn *fn, void *arg)
{
	struct farm_event with = *ev;
	struct asker *as;
	int rc;

	with.token = ++c->next_token;
	rc = c->stopping ? ERR_FULL : turn_request(c->turn, &with);
	if (rc)
		return rc;
	as = mem_zalloc(sizeof(*as));
	as->fn = fn;
	as->arg = arg;
	map_put(c->askers, with.token, as);
	return 0;
}

static void no_answer(void *arg, const struct farm_answer *a)
{
	(void)arg, (void)a;
}

void ctl_forget(struct ctl *c, void *arg)
{
	for (struct map_item *it = map_first(c->askers); it; it = map_next(it)) {
		struct asker *as = map_value(it);

		if (as->arg == arg)
			as->fn = no_answer;
	}
}

/* ---- watching ---- */

struct ctl_watch *ctl_watch_add(struct ctl *c, ctl_event_fn *ev, ctl_progress_fn *pr, void *arg)
{
	struct ctl_watch *w = mem_zalloc(sizeof(*w));

	w->event = ev;
	w->progress = pr;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&c->watches, w, link);
	return w;
}

void ctl_watch_del(struct ctl *c, struct ctl_watch *w)
{
	w->dead = true;
	reap_watches(c);
}

int64_t ctl_last_event(const struct ctl *c)
{
	return turn_last_event(c->turn);
}

bool ctl_progress(const struct ctl *c, int64_t run, struct ctl_progress *ret_p)
{
	const struct ctl_progress *p = map_get(c->progress, run);

	if (p)
		*ret_p = *p;
	return p != NULL;
}

void ctl_get_health(const struct ctl *c, struct ctl_health *ret_h)
{
	const char *samples = ingest_trouble(c->ingest);
	struct ingest_stats st;

	memset(ret_h, 0, sizeof(*ret_h));
	ret_h->store_ok = turn_store_ok(c->turn) && !*samples;
	str_copy(ret_h->store_text, sizeof(ret_h->store_text),
		turn_store_ok(c->turn) ? samples : turn_store_error(c->turn));
	turn_get_load(c->turn, &ret_h->queued_events, &ret_h->pending_commits);
	farm_get_counts(turn_farm(c->turn), &ret_h->farm);
	ingest_get_stats(c->ingest, &st);
	ret_h->sessions = devmgr_sessions(c->devmgr);
	ret_h->chunks = st.chunks;
	ret_h->samples = st.values;
	ret_h->started_ms = c->started_ms;
	keep_get_stats(c->keep, &ret_h->kept);
	checkup_get_stats(c->checkup, &ret_h->check);
}

/* ---- lent to the API ---- */

struct store *ctl_store(struct ctl *c)
{
	return c->store;
}

struct now ctl_now(const struct ctl *c)
{
	return c->env.now(c->env.ctx);
}

int ctl_blocking(struct ctl *c, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	return c->env.host->blocking(c->env.host, work, done, arg);
}

bool ctl_blob_has(struct ctl *c, const char *sha256, int64_t *ret_bytes)
{
	return blobs_use(c->blobs, sha256, ret_bytes);
}

int ctl_upload_begin(
	struct ctl *c, const char *sha256, int64_t bytes, struct ctl_upload **ret_u, struct err *e)
{
	return blobs_begin(c->blobs, sha256, bytes, ret_u, e);
}

int ctl_address(struct ctl *c, const char *address, bool add, struct err *e)
{
	if (c->stopping)
		return err_set(e, ERR_BUSY, "the daemon is stopping; try again when it is back");
	return devmgr_address(c->devmgr, address, add, e);
}

void ctl_addresses(struct ctl *c, ctl_address_fn *each, void *arg)
{
	if (!c->stopping)
		devmgr_addresses(c->devmgr, each, arg);
}

int ctl_runtimes(struct ctl *c, struct ctl_runtime ret[CTL_RUNTIMES_MAX])
{
	return runtimes_list(c->runtimes, ret);
}

int ctl_runtime_add(struct ctl *c, const char *sha256, const char *name, struct ctl_runtime *ret_r,
	struct err *e)
{
	return runtimes_add(c->runtimes, sha256, name, ctl_now(c).wall_ms, ret_r, e);
}

int ctl_runtime_remove(struct ctl *c, const char *called, struct err *e)
{
	return runtimes_remove(c->runtimes, called, e);
}

bool ctl_runtime_known(struct ctl *c, const char *called)
{
	return runtimes_known(c->runtimes, called);
}

int ctl_backup_begin(struct ctl *c, const char *dir, struct err *e)
{
	return backup_begin(c->backup, dir, c->farm_id, ctl_now(c).wall_ms, e);
}

void ctl_backup_get(struct ctl *c, struct ctl_backup *ret_b)
{
	backup_get(c->backup, ret_b);
}

int ctl_artifacts(struct ctl *c, int64_t attempt, struct ctl_artifact ret[CTL_ARTIFACTS_MAX])
{
	return artifacts_list(c->data_dir, attempt, ret, CTL_ARTIFACTS_MAX);
}

int ctl_artifact_open(
	struct ctl *c, int64_t attempt, const char *name, int64_t *ret_bytes, struct err *e)
{
	return artifacts_open(c->data_dir, attempt, name, ret_bytes, e);
}
