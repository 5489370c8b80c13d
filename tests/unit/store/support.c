/* SPDX-License-Identifier: Apache-2.0 */
/* Directories, waiting, rows and chunks for the store's tests; see support.h. */
#define _XOPEN_SOURCE 700 /* nftw() */
#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "agents/chunk.h"

/* ---- directories ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void child_begin(void)
{
	setenv("CMOCKA_TEST_ABORT", "1", 1);
}

int rig_setup_closed(void **state)
{
	struct rig *r = mem_zalloc(sizeof(*r));
	const char *tmp = getenv("TMPDIR");

	snprintf(r->dir, sizeof(r->dir), "%s/framefarm store-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(r->dir))
		return -1;
	*state = r;
	return 0;
}

int rig_setup(void **state)
{
	if (rig_setup_closed(state))
		return -1;
	rig_open(*state);
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *r = *state;

	rig_close(r);
	remove_tree(r->dir);
	mem_free(r);
	return 0;
}

static struct store *try_open(struct rig *r, struct err *e)
{
	struct store_config cfg = {
		.dir = r->dir, .tables = core_tables, .wal_limit_bytes = r->wal_limit_bytes};

	return store_open(&cfg, &r->upgraded_from, e);
}

void rig_open(struct rig *r)
{
	struct err e = {0};

	r->store = try_open(r, &e);
	if (!r->store)
		fail_msg("store_open: %s", e.text);
}

void rig_open_fails(struct rig *r, int code, const char *says)
{
	struct err e = {0};

	r->store = try_open(r, &e);
	assert_null(r->store);
	if (e.code != code || !strstr(e.text, says))
		fail_msg("%d \"%s\" is not %d and \"%s\"", e.code, e.text, code, says);
}

void rig_close(struct rig *r)
{
	store_close(r->store);
	r->store = NULL;
}

void rig_reopen(struct rig *r)
{
	rig_close(r);
	rig_open(r);
}

void rig_path(const struct rig *r, char dst[PATH_MAX + 64], const char *name)
{
	snprintf(dst, PATH_MAX + 64, "%s/%s", r->dir, name);
}

void rig_sql(const struct rig *r, const char *name, const char *sql)
{
	char path[PATH_MAX + 64];
	sqlite3 *h;

	rig_path(r, path, name);
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	sqlite3_busy_timeout(h, 5000);
	if (sqlite3_exec(h, sql, NULL, NULL, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(h));
	sqlite3_close(h);
}

/* ---- waiting ---- */

void gate_init(struct gate *g)
{
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	g->open = false;
}

void gate_fini(struct gate *g)
{
	/* Whoever opened it may still hold it. */
	pthread_mutex_lock(&g->lock);
	pthread_mutex_unlock(&g->lock);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
}

void gate_open(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

void gate_wait(struct gate *g)
{
	struct timespec ts;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += SUPPORT_PATIENCE_S;
	pthread_mutex_lock(&g->lock);
	while (!g->open && !rc)
		rc = pthread_cond_timedwait(&g->changed, &g->lock, &ts);
	pthread_mutex_unlock(&g->lock);
	if (rc) {
		fprintf(stderr, "nothing came within %d s\n", SUPPORT_PATIENCE_S);
		abort(); /* other threads still hold what a failed test would free */
	}
}

void wait_until(bool (*holds)(void *arg), void *arg)
{
	const struct timespec between_looks = {.tv_nsec = 1000000};
	int64_t end = clock_mono_ms() + SUPPORT_PATIENCE_S * 1000;

	while (!holds(arg)) {
		if (clock_mono_ms() > end)
			fail_msg(
				"what was waited for did not come within %d s", SUPPORT_PATIENCE_S);
		nanosleep(&between_looks, NULL);
	}
}

struct ticket {
	struct tally *tally;
	int who;
};

struct tally *tally_new(int want)
{
	struct tally *t = mem_zalloc(sizeof(*t));

	gate_init(&t->all);
	t->want = want;
	return t;
}

void tally_free(struct tally *t)
{
	gate_fini(&t->all);
	mem_free(t);
}

static void count(void *arg, int rc, const char *text)
{
	struct ticket *k = arg;
	struct tally *t = k->tally;
	bool last;

	pthread_mutex_lock(&t->all.lock);
	t->rc[t->n] = rc;
	t->who[t->n] = k->who;
	if (rc)
		snprintf(t->text, sizeof(t->text), "%s", text);
	last = ++t->n == t->want;
	pthread_mutex_unlock(&t->all.lock);
	mem_free(k);
	if (last)
		gate_open(&t->all);
}

static struct ticket *ticket_new(struct tally *t, int who)
{
	struct ticket *k = mem_zalloc(sizeof(*k));

	k->tally = t;
	k->who = who;
	return k;
}

void tally_submit(struct tally *t, struct store *s, struct store_txn *txn, int who)
{
	store_submit(s, txn, count, ticket_new(t, who));
}

void tally_submit_batch(struct tally *t, struct store *s, struct store_batch *b, int who)
{
	store_samples(s, b, count, ticket_new(t, who));
}

void tally_wait(struct tally *t)
{
	gate_wait(&t->all);
}

int commit(struct store *s, struct store_txn *t, char text[ERR_TEXT_MAX])
{
	struct tally *tally = tally_new(1);
	int rc;

	tally_submit(tally, s, t, 0);
	tally_wait(tally);
	rc = tally->rc[0];
	if (text)
		strcpy(text, tally->text);
	tally_free(tally);
	return rc;
}

int commit_batch(struct store *s, struct store_batch *b)
{
	struct tally *tally = tally_new(1);
	int rc;

	tally_submit_batch(tally, s, b, 0);
	tally_wait(tally);
	rc = tally->rc[0];
	tally_free(tally);
	return rc;
}

/* ---- rows ---- */

void fill_job(struct job_row *j, int64_t id)
{
	memset(j, 0, sizeof(*j));
	j->id = id;
	j->state = JOB_QUEUED;
	snprintf(j->name, sizeof(j->name), "job-%lld", (long long)id);
	j->submitted_ms = 1700000000000 + id;
}

void fill_event(struct event_row *ev, int64_t id)
{
	memset(ev, 0, sizeof(*ev));
	ev->id = id;
	ev->subject = ev->job = id;
	strcpy(ev->topic, "job");
	strcpy(ev->to_state, "queued");
}

struct store_txn *txn_of(int64_t id)
{
	struct store_txn *t = store_txn_new();
	struct job_row j;
	struct event_row ev;

	fill_job(&j, id);
	fill_event(&ev, id);
	store_txn_put(t, &job_table, &j);
	store_txn_put(t, &event_table, &ev);
	return t;
}

static int count_row(void *arg, const void *row)
{
	(void)row;
	++*(int *)arg;
	return 0;
}

int count_rows(struct store *s, const struct row_table *t)
{
	struct err e = {0};
	int n = 0;

	if (store_load(s, t, count_row, &n, &e))
		fail_msg("store_load: %s", e.text);
	return n;
}

/* ---- samples ---- */

void add_raw(struct store_batch *b, struct stream_id id, uint64_t seq, uint32_t n,
	const void *payload, uint32_t len)
{
	struct store_chunk c = {.attempt = id.attempt,
		.boot = id.boot,
		.stream = id.stream,
		.seq = seq,
		.kind = (uint8_t)id.kind,
		.n = n,
		.payload = payload,
		.len = len};

	store_batch_add(b, &c);
}

void add_decl(struct store_batch *b, struct stream_id id, const struct msg_decl *d)
{
	uint8_t payload[1024];
	struct proto_w w;

	proto_w_init(&w, payload, sizeof(payload));
	msg_decl_put(&w, d);
	assert_false(w.full);
	add_raw(b, id, 1, 0, payload, (uint32_t)w.len);
}

void add_decl_plain(struct store_batch *b, struct stream_id id, int64_t budget_ns)
{
	struct msg_decl d = {.kind = (uint8_t)id.kind, .scale = 1, .budget_ns = budget_ns};

	strcpy(d.name, "latency");
	strcpy(d.unit, "ns");
	add_decl(b, id, &d);
}

void add_pairs(struct store_batch *b, struct stream_id id, uint64_t seq, const int64_t *t,
	const int64_t *v, int n)
{
	uint8_t packed[CHUNK_BYTES_MAX];
	size_t len = chunk_pack(packed, t, v, (uint32_t)n);

	add_raw(b, id, seq, (uint32_t)n, packed, (uint32_t)len);
}

void add_text(struct store_batch *b, struct stream_id id, uint64_t seq, const char *text)
{
	add_raw(b, id, seq, (uint32_t)strlen(text), text, (uint32_t)strlen(text));
}

void add_facts(
	struct store_batch *b, struct stream_id id, uint64_t seq, const struct fact *f, int n)
{
	uint8_t payload[16384];
	struct proto_w w;

	proto_w_init(&w, payload, sizeof(payload));
	for (int i = 0; i < n; i++)
		fact_put(&w, &f[i]);
	assert_false(w.full);
	add_raw(b, id, seq, (uint32_t)n, payload, (uint32_t)w.len);
}

int64_t mark_of(const struct store_batch *b, size_t i)
{
	int rc;
	uint64_t mark = store_batch_mark(b, i, &rc);

	if (rc)
		assert_int_equal(mark, 0);
	return rc ? rc : (int64_t)mark;
}

void store_all(struct store *s, struct store_batch *b)
{
	assert_int_equal(commit_batch(s, b), 0);
	for (size_t i = 0; i < store_batch_count(b); i++)
		assert_true(mark_of(b, i) > 0);
	store_batch_free(b);
}

struct store_reader *reader(struct store *s)
{
	struct err e = {0};
	struct store_reader *r = store_reader_get(s, SUPPORT_PATIENCE_S * 1000, &e);

	if (!r)
		fail_msg("store_reader_get: %s", e.text);
	return r;
}

/* ---- numbers ---- */

uint64_t rng_next(struct rng *r)
{
	/* splitmix64 */
	uint64_t z = r->s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

int64_t rng_range(struct rng *r, int64_t low, int64_t high)
{
	uint64_t span = (uint64_t)high - (uint64_t)low + 1;

	return (int64_t)((uint64_t)low + (span ? rng_next(r) % span : rng_next(r)));
}
