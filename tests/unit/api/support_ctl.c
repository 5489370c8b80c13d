/* SPDX-License-Identifier: Apache-2.0 */
/* See support_ctl.h. Everything on the loop's (the test's) thread, but for the pool. */
#include "support_ctl.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/jobspec.h"
#include "core/rows.h"
#include "store/store.h"

#define POOL_THREADS 2

struct posted {
	TAILQ_ENTRY(posted) entry;
	void (*fn)(void *arg);
	void *arg;
};

struct work {
	TAILQ_ENTRY(work) entry;
	struct ctl *ctl;
	void (*work)(void *arg), (*done)(void *arg);
	void *arg;
};

struct ctl_watch {
	LIST_ENTRY(ctl_watch) entry;
	ctl_event_fn *event;
	ctl_progress_fn *progress;
	void *arg;
};

struct answer {
	TAILQ_ENTRY(answer) entry;
	struct ctl *ctl;
	ctl_answer_fn *fn;
	void *arg;
	struct farm_answer answer;
};

struct ctl_upload {
	struct ctl *ctl;
	struct hash *hash;
	char sha256[LIMIT_SHA256];
	int64_t want, got;
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
};

struct ctl {
	struct store *store;
	int64_t skew_ms;
	int64_t last_id[8], last_event;
	LIST_HEAD(, ctl_watch) watches;
	TAILQ_HEAD(, answer) answers;
	bool hold_answers;
	int refuse, forgotten, uploads_open;
	bool frozen;
	const char *broken;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	TAILQ_HEAD(, posted) posted;
	int wake_fd;
	TAILQ_HEAD(, work) works;
	int n_works; /* taken and not yet done */
	bool hold_pool, stopping;
	pthread_t threads[POOL_THREADS];
	struct map *blobs; /* sha256 → bytes + 1 */
};

/* ---- the loop ---- */

static void post(struct ctl *c, void (*fn)(void *arg), void *arg)
{
	struct posted *p = mem_alloc(sizeof(*p));

	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&c->lock);
	TAILQ_INSERT_TAIL(&c->posted, p, entry);
	pthread_mutex_unlock(&c->lock);
	eventfd_write(c->wake_fd, 1);
}

int fake_fd(const struct ctl *c)
{
	return c->wake_fd;
}

void fake_run(struct ctl *c)
{
	struct posted *p;
	eventfd_t n;

	eventfd_read(c->wake_fd, &n);
	for (;;) {
		pthread_mutex_lock(&c->lock);
		p = TAILQ_FIRST(&c->posted);
		if (p)
			TAILQ_REMOVE(&c->posted, p, entry);
		pthread_mutex_unlock(&c->lock);
		if (!p)
			return;
		p->fn(p->arg);
		mem_free(p);
	}
}

struct now ctl_now(const struct ctl *c)
{
	struct now now = clock_now();

	now.mono_ms += c->skew_ms;
	return now;
}

void fake_advance(struct ctl *c, int64_t ms)
{
	c->skew_ms += ms;
}

/* ---- the pool ---- */

static void work_done(void *arg)
{
	struct work *w = arg;

	w->done(w->arg);
	pthread_mutex_lock(&w->ctl->lock);
	w->ctl->n_works--;
	pthread_mutex_unlock(&w->ctl->lock);
	mem_free(w);
}

static void *pool_thread(void *arg)
{
	struct ctl *c = arg;
	struct work *w;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		while (!c->stopping && (c->hold_pool || c->frozen || TAILQ_EMPTY(&c->works)))
			pthread_cond_wait(&c->changed, &c->lock);
		w = TAILQ_FIRST(&c->works);
		if (!w)
			break;
		TAILQ_REMOVE(&c->works, w, entry);
		pthread_mutex_unlock(&c->lock);
		w->work(w->arg);
		post(c, work_done, w);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* What a frozen controller's threads leave alone. */
static void work_here(struct ctl *c)
{
	struct work *w;

	while ((w = TAILQ_FIRST(&c->works))) {
		TAILQ_REMOVE(&c->works, w, entry);
		w->work(w->arg);
		post(c, work_done, w);
	}
}

int ctl_blocking(struct ctl *c, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct work *w = mem_alloc(sizeof(*w));

	*w = (struct work){.ctl = c, .work = work, .done = done, .arg = arg};
	pthread_mutex_lock(&c->lock);
	TAILQ_INSERT_TAIL(&c->works, w, entry);
	c->n_works++;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (c->frozen && !c->hold_pool)
		work_here(c);
	return 0;
}

void fake_freeze(struct ctl *c)
{
	pthread_mutex_lock(&c->lock);
	c->frozen = true;
	pthread_mutex_unlock(&c->lock);
}

void fake_hold_pool(struct ctl *c, bool on)
{
	pthread_mutex_lock(&c->lock);
	c->hold_pool = on;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (c->frozen && !on)
		work_here(c);
}

bool fake_pool_idle(const struct ctl *c)
{
	struct ctl *m = (struct ctl *)c;
	bool idle;

	pthread_mutex_lock(&m->lock);
	idle = !m->n_works;
	pthread_mutex_unlock(&m->lock);
	return idle;
}

/* ---- the store ---- */

struct commit {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
	int rc;
};

static void committed(void *arg, int rc, const char *text)
{
	struct commit *w = arg;

	if (rc)
		fprintf(stderr, "the store: %s\n", text);
	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	w->is_done = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

static void commit(struct ctl *c, struct store_txn *t)
{
	struct commit w = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

	store_submit(c->store, t, committed, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.is_done)
		pthread_cond_wait(&w.done, &w.lock);
	pthread_mutex_unlock(&w.lock);
	assert(!w.rc);
	store_txn_free(t);
}

void fake_put(struct ctl *c, const struct row_table *t, const void *row)
{
	struct store_txn *txn = store_txn_new();

	store_txn_put(txn, t, row);
	commit(c, txn);
}

void fake_del(struct ctl *c, const struct row_table *t, int64_t id)
{
	struct store_txn *txn = store_txn_new();

	store_txn_del(txn, t, id);
	commit(c, txn);
}

struct store *ctl_store(struct ctl *c)
{
	return c->store;
}

/* ---- what happens ---- */

struct ctl_watch *ctl_watch_add(struct ctl *c, ctl_event_fn *ev, ctl_progress_fn *pr, void *arg)
{
	struct ctl_watch *w = mem_zalloc(sizeof(*w));

	w->event = ev;
	w->progress = pr;
	w->arg = arg;
	LIST_INSERT_HEAD(&c->watches, w, entry);
	return w;
}

void ctl_watch_del(struct ctl *c, struct ctl_watch *w)
{
	(void)c;
	LIST_REMOVE(w, entry);
	mem_free(w);
}

int64_t ctl_last_event(const struct ctl *c)
{
	return c->last_event;
}

int64_t fake_event(struct ctl *c, const char *topic, int64_t subject, int64_t job, const char *from,
	const char *to)
{
	struct event_row row = {
		.id = c->last_event + 1, .at_ms = clock_wall_ms(), .subject = subject, .job = job};
	struct ctl_watch *w;

	str_copy(row.topic, sizeof(row.topic), topic);
	str_copy(row.from_state, sizeof(row.from_state), from);
	str_copy(row.to_state, sizeof(row.to_state), to);
	if (!c->frozen) {
		fake_put(c, &event_table, &row);
		c->last_event = row.id;
	}
	LIST_FOREACH (w, &c->watches, entry)
		w->event(w->arg, &row);
	return row.id;
}

void fake_progress(struct ctl *c, const struct ctl_progress *p)
{
	struct ctl_watch *w;

	LIST_FOREACH (w, &c->watches, entry)
		w->progress(w->arg, p);
}

bool ctl_progress(const struct ctl *c, int64_t run, struct ctl_progress *ret_p)
{
	(void)c, (void)run, (void)ret_p;
	return false;
}

/* ---- requests ---- */

struct find_job {
	const char *key;
	struct job_row found;
};

static int match_key(void *arg, const void *row)
{
	struct find_job *f = arg;
	const struct job_row *j = row;

	if (!strcmp(j->idempotency_key, f->key))
		f->found.id = j->id;
	return 0;
}

static int64_t job_by_key(struct ctl *c, const char *key)
{
	struct find_job f = {.key = key};
	struct err e;

	assert(!store_load(c->store, &job_table, match_key, &f, &e));
	return f.found.id;
}

static int submit(struct ctl *c, const struct farm_event *ev, struct farm_answer *a)
{
	struct job_row j = {.state = JOB_QUEUED, .exit_code = -1, .n_runs = 1};
	struct run_row r = {.state = RUN_QUEUED, .exit_code = -1, .variant_name = "fp32"};
	const struct rstr *text = ev->u.submit.spec;
	struct json_doc *doc = json_parse(rstr_text(text), rstr_len(text), NULL);

	a->id = job_by_key(c, ev->u.submit.idempotency_key);
	a->existed = a->id != 0;
	if (!a->existed && c->frozen) {
		a->id = 1;
	} else if (!a->existed) {
		a->id = j.id = r.job = ++c->last_id[0];
		r.id = ++c->last_id[1];
		j.submitted_ms = r.queued_ms = clock_wall_ms();
		j.spec = ev->u.submit.spec;
		str_copy(j.name, sizeof(j.name), json_str(json_get(json_root(doc), "name")));
		str_copy(j.actor, sizeof(j.actor), ev->actor);
		str_copy(
			j.idempotency_key, sizeof(j.idempotency_key), ev->u.submit.idempotency_key);
		str_copy(j.spec_sha256, sizeof(j.spec_sha256), ev->u.submit.spec_sha256);
		fake_put(c, &job_table, &j);
		fake_put(c, &run_table, &r);
		fake_event(c, "job", j.id, j.id, "", "queued");
	}
	json_doc_free(doc);
	return 0;
}

/* Tells back what was asked for, so that a test sees that it came through. */
static void service(const struct farm_event *ev, struct farm_answer *a)
{
	static const char *const words[] = {"check", "apply", "undo"};
	char text[128];

	if (ev->u.admin.what == FARM_ADMIN_INSTALL) {
		str_copy(a->text, sizeof(a->text), rstr_text(ev->u.admin.more));
	} else if (ev->u.admin.what == FARM_ADMIN_PROVISION) {
		snprintf(text, sizeof(text), "[{\"setting\": \"%s\", \"ok\": true}]",
			words[ev->u.admin.provision]);
		a->body = rstr_new(text, strlen(text));
	}
}

static int device_admin(const struct farm_event *ev, struct farm_answer *a)
{
	a->id = ev->u.admin.device;
	if (a->id == 99) {
		str_copy(a->text, sizeof(a->text), "INSTALL_FAILED_NO_MATCHING_ABIS");
		return ERR_UNREACHABLE;
	}
	if (a->id > 100) {
		str_copy(a->text, sizeof(a->text), "there is no such device");
		return ERR_NOTFOUND;
	}
	if (ev->u.admin.what == FARM_ADMIN_RELEASE) {
		str_copy(a->text, sizeof(a->text), "it is ready, not quarantined");
		return ERR_WRONGSTATE;
	}
	str_copy(a->text, sizeof(a->text), ev->u.admin.reason);
	service(ev, a);
	return 0;
}

static int job_retry(const struct farm_event *ev, struct farm_answer *a)
{
	a->id = ev->u.retry.job;
	str_copy(a->text, sizeof(a->text), "j1 is running");
	return strcmp(ev->u.retry.reason, "it is paused") ? ERR_WRONGSTATE : 0;
}

static void answer_now(void *arg)
{
	struct answer *w = arg;

	TAILQ_REMOVE(&w->ctl->answers, w, entry);
	if (w->fn)
		w->fn(w->arg, &w->answer);
	rstr_unref(w->answer.body);
	mem_free(w);
}

int ctl_request(struct ctl *c, const struct farm_event *ev, ctl_answer_fn *fn, void *arg)
{
	struct answer *w;

	if (c->refuse)
		return c->refuse;
	w = mem_zalloc(sizeof(*w));
	*w = (struct answer){.ctl = c, .fn = fn, .arg = arg};
	if (ev->kind == FARM_JOB_SUBMIT) {
		w->answer.rc = submit(c, ev, &w->answer);
	} else if (ev->kind == FARM_DEVICE_ADMIN) {
		w->answer.rc = device_admin(ev, &w->answer);
	} else if (ev->kind == FARM_JOB_RETRY) {
		w->answer.rc = job_retry(ev, &w->answer);
	} else if (ev->kind == FARM_NOTE) {
		snprintf(w->answer.text, sizeof(w->answer.text), "%s %s by %s", ev->u.note.action,
			ev->u.note.detail, ev->actor);
	} else {
		w->answer.id = ev->u.cancel.job;
		str_copy(w->answer.text, sizeof(w->answer.text), "cancelling");
	}
	TAILQ_INSERT_TAIL(&c->answers, w, entry);
	if (!c->hold_answers)
		post(c, answer_now, w);
	return 0;
}

void ctl_forget(struct ctl *c, void *arg)
{
	struct answer *w;

	TAILQ_FOREACH (w, &c->answers, entry)
		if (w->arg == arg && w->fn) {
			w->fn = NULL;
			c->forgotten++;
		}
}

void fake_hold_answers(struct ctl *c, bool on)
{
	struct answer *w;

	c->hold_answers = on;
	if (!on)
		TAILQ_FOREACH (w, &c->answers, entry)
			post(c, answer_now, w);
}

void fake_answer_all(struct ctl *c, int rc, const char *text)
{
	struct answer *w;

	TAILQ_FOREACH (w, &c->answers, entry) {
		w->answer.rc = rc;
		str_copy(w->answer.text, sizeof(w->answer.text), text);
	}
	fake_hold_answers(c, false);
}

void fake_refuse(struct ctl *c, int rc)
{
	c->refuse = rc;
}

int fake_forgotten(const struct ctl *c)
{
	return c->forgotten;
}

/* ---- health ---- */

void fake_break_store(struct ctl *c, const char *why)
{
	c->broken = why;
}

void ctl_get_health(const struct ctl *c, struct ctl_health *ret_h)
{
	*ret_h = (struct ctl_health){.store_ok = !c->broken,
		.sessions = 1,
		.chunks = 10,
		.samples = 123456,
		.started_ms = 1700000000000,
		.farm = {.devices = 3, .ready = 2, .busy = 1, .queued_runs = 7}};
	str_copy(ret_h->store_text, sizeof(ret_h->store_text), c->broken ? c->broken : "");
}

/* ---- files ---- */

void fake_blob(struct ctl *c, const char *sha256, int64_t bytes)
{
	pthread_mutex_lock(&c->lock);
	map_put_str(c->blobs, sha256, (void *)(intptr_t)(bytes + 1));
	pthread_mutex_unlock(&c->lock);
}

bool ctl_blob_has(struct ctl *c, const char *sha256, int64_t *ret_bytes)
{
	intptr_t v;

	pthread_mutex_lock(&c->lock);
	v = (intptr_t)map_get_str(c->blobs, sha256);
	pthread_mutex_unlock(&c->lock);
	if (v && ret_bytes)
		*ret_bytes = v - 1;
	return v != 0;
}

int fake_uploads_open(const struct ctl *c)
{
	return c->uploads_open;
}

#define UPLOAD_QUOTA (64 * 1024 * 1024)

int ctl_upload_begin(
	struct ctl *c, const char *sha256, int64_t bytes, struct ctl_upload **ret_u, struct err *e)
{
	struct ctl_upload *u;

	if (ctl_blob_has(c, sha256, NULL))
		return err_set(e, ERR_EXISTS, "it is there");
	if (bytes > UPLOAD_QUOTA)
		return err_set(e, ERR_NOSPACE, "the quota of uploads is reached; delete old ones");
	u = mem_zalloc(sizeof(*u));
	u->ctl = c;
	u->hash = hash_new();
	u->want = bytes;
	str_copy(u->sha256, sizeof(u->sha256), sha256);
	c->uploads_open++;
	*ret_u = u;
	return 0;
}

int ctl_upload_write(struct ctl_upload *u, const void *data, size_t n, struct err *e)
{
	/* A file whose first byte is this one finds the disk full. */
	if (!u->got && *(const char *)data == '\xff')
		return err_set(e, ERR_NOSPACE, "the disk is full");
	hash_add(u->hash, data, n);
	u->got += (int64_t)n;
	return 0;
}

static void upload_done(void *arg)
{
	struct ctl_upload *u = arg;
	char sum[LIMIT_SHA256];
	bool right;

	hash_finish(u->hash, sum);
	right = !strcmp(sum, u->sha256) && u->got == u->want;
	if (right && !u->ctl->frozen)
		fake_blob(u->ctl, u->sha256, u->got);
	u->done(u->arg, right ? 0 : ERR_CORRUPT, right ? "" : "their SHA-256 is another");
	u->ctl->uploads_open--;
	mem_free(u);
}

static void upload_work(void *arg)
{
	(void)arg;
}

void ctl_upload_finish(
	struct ctl_upload *u, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	u->done = done;
	u->arg = arg;
	ctl_blocking(u->ctl, upload_work, upload_done, u);
}

void ctl_upload_abort(struct ctl_upload *u)
{
	if (!u)
		return;
	u->ctl->uploads_open--;
	hash_free(u->hash);
	mem_free(u);
}

/* ---- life ---- */

/* ---- addresses, artifacts ---- */

int ctl_address(struct ctl *c, const char *address, bool add, struct err *e)
{
	(void)c;
	if (!strchr(address, ':'))
		return err_set(e, ERR_INVAL, "\"%s\" is no HOST:PORT", address);
	if (!strcmp(address, "nodriver:1"))
		return err_set(e, ERR_UNSUPPORTED, "no driver knows addresses");
	if (!add)
		return err_set(e, ERR_NOTFOUND, "%s was never connected", address);
	return 0;
}

void ctl_addresses(struct ctl *c, ctl_address_fn *each, void *arg)
{
	(void)c;
	each(arg, "127.0.0.1:5555", false, "");
	each(arg, "pixel.lab:5555", true, "cannot connect: Connection refused");
}

/* a1 has two, and so have a401 of the browser's world and those from a9000 on; the others none. */
int ctl_artifacts(struct ctl *c, int64_t attempt, struct ctl_artifact ret[CTL_ARTIFACTS_MAX])
{
	(void)c;
	if (attempt != 1 && attempt != 401 && attempt < 9000)
		return 0;
	ret[0] = (struct ctl_artifact){.name = "logcat.txt", .bytes = 6};
	ret[1] = (struct ctl_artifact){.name = "tombstone_00", .bytes = 3};
	return 2;
}

int ctl_artifact_open(
	struct ctl *c, int64_t attempt, const char *name, int64_t *ret_bytes, struct err *e)
{
	int fd;

	(void)c;
	if ((attempt != 1 && attempt != 401) || strcmp(name, "logcat.txt"))
		return err_set(e, ERR_NOTFOUND, "there is none");
	fd = memfd_create("logcat", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, "F boom", 6) == 6);
	*ret_bytes = 6;
	return fd;
}

struct ctl *fake_new(const char *dir)
{
	struct ctl *c = mem_zalloc(sizeof(*c));
	struct store_config cfg = {.dir = dir, .tables = core_tables};
	struct err e = {0};
	int from;

	c->store = store_open(&cfg, &from, &e);
	if (!c->store) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	LIST_INIT(&c->watches);
	TAILQ_INIT(&c->answers);
	TAILQ_INIT(&c->posted);
	TAILQ_INIT(&c->works);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->blobs = map_new();
	c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (int i = 0; i < POOL_THREADS; i++)
		assert(!pthread_create(&c->threads[i], NULL, pool_thread, c));
	return c;
}

void fake_free(struct ctl *c)
{
	struct answer *w;

	fake_hold_pool(c, false);
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	for (int i = 0; i < POOL_THREADS; i++)
		pthread_join(c->threads[i], NULL);
	fake_run(c);
	while ((w = TAILQ_FIRST(&c->answers))) {
		TAILQ_REMOVE(&c->answers, w, entry);
		mem_free(w);
	}
	store_close(c->store);
	map_free(c->blobs);
	close(c->wake_fd);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
}
