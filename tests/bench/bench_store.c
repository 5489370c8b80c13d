/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast samples become durable: values a second through store_samples(), against a bare SQLite
 * loop that stores the same chunks with the same number in each commit. The bare loop does nothing
 * but insert (stream, seq, blob) under a primary key: no check of the payload, no rollups, no
 * marks. It runs twice, with the store's page size and with SQLite's default. All three take
 * turns, so that a slow moment of the disk meets each.
 *
 *	bench_store [DIR]     (default: below the build directory, so on the disk that will be used)
 *
 * Prints one line for each kind of stream: the rates, the store's ratio to each bare loop, bytes a
 * value on the disk (rows, indexes and all) beside those of the payload alone.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "agents/chunk.h"
#include "core/rows.h"
#include "agents/msg.h"
#include "store/store.h"
#include "series.h"

#define STREAMS   40  /* two phones' worth, say: their chunks come in turn */
#define BATCH     256 /* chunks in a commit, some 800 kB */
#define ROUNDS    12
#define PER_ROUND 8 /* batches of each side in one turn */
#define WAL_BYTES (16 * 1024 * 1024)

/* ---- the data ---- */

struct chunk {
	uint8_t *data;
	uint32_t len, n;
};

static struct chunk *make_chunks(const struct series *s, int count)
{
	static uint8_t packed[CHUNK_BYTES_MAX];
	struct chunk *c = mem_zalloc((size_t)count * sizeof(*c));
	int64_t t[CHUNK_MAX], v[CHUNK_MAX], clock[STREAMS];

	for (int i = 0; i < STREAMS; i++)
		clock[i] = 1000000000000LL + i * 7654321;
	for (int i = 0; i < count; i++) {
		c[i].n = series_fill(s, &clock[i % STREAMS], t, v);
		c[i].len = (uint32_t)chunk_pack(packed, t, v, c[i].n);
		c[i].data = mem_alloc(c[i].len);
		memcpy(c[i].data, packed, c[i].len);
	}
	return c;
}

static void free_chunks(struct chunk *c, int count)
{
	for (int i = 0; i < count; i++)
		mem_free(c[i].data);
	mem_free(c);
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, why);
	exit(1);
}

/* ---- the bare loop ---- */

struct bare {
	sqlite3 *h;
	sqlite3_stmt *add;
};

static void bare_exec(struct bare *b, const char *sql)
{
	if (sqlite3_exec(b->h, sql, NULL, NULL, NULL))
		fail(sql, sqlite3_errmsg(b->h));
}

static void bare_open(struct bare *b, const char *dir, int page_bytes)
{
	char sql[256], path[4200];

	snprintf(path, sizeof(path), "%s/bare%d.db", dir, page_bytes);

	if (sqlite3_open(path, &b->h))
		fail(path, sqlite3_errmsg(b->h));
	snprintf(sql, sizeof(sql),
		"PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = "
		"WAL;"
		"PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %d; PRAGMA cache_size = "
		"-16384",
		page_bytes, WAL_BYTES / page_bytes);
	bare_exec(b, sql);
	bare_exec(b, "CREATE TABLE chunks (stream INTEGER NOT NULL, seq INTEGER NOT NULL,"
		     " data BLOB NOT NULL, PRIMARY KEY (stream, seq)) STRICT");
	if (sqlite3_prepare_v2(b->h, "INSERT INTO chunks VALUES (?1, ?2, ?3)", -1, &b->add, NULL))
		fail("INSERT", sqlite3_errmsg(b->h));
}

static void bare_store(struct bare *b, const struct chunk *c, int first)
{
	bare_exec(b, "BEGIN IMMEDIATE");
	for (int i = first; i < first + BATCH; i++) {
		sqlite3_bind_int(b->add, 1, i % STREAMS + 1);
		sqlite3_bind_int(b->add, 2, i / STREAMS + 2);
		sqlite3_bind_blob(b->add, 3, c[i].data, (int)c[i].len, SQLITE_STATIC);
		if (sqlite3_step(b->add) != SQLITE_DONE)
			fail("INSERT", sqlite3_errmsg(b->h));
		sqlite3_reset(b->add);
	}
	bare_exec(b, "COMMIT");
}

/* ---- the store ---- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	int rc;
};

static void on_done(void *arg, int rc, const char *text)
{
	struct waiter *w = arg;

	if (rc)
		fprintf(stderr, "bench_store: %s\n", text);
	pthread_mutex_lock(&w->lock);
	w->done = true;
	w->rc = rc;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static void submit(struct store *s, struct store_batch *b)
{
	struct waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
	int rc = 0;

	store_samples(s, b, on_done, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	for (size_t i = 0; i < store_batch_count(b) && !rc; i++)
		store_batch_mark(b, i, &rc);
	if (w.rc || rc)
		fail("store_samples", err_name(w.rc ? w.rc : rc));
	store_batch_free(b);
}

static void declare(struct store *s, const struct series *kind)
{
	struct msg_decl d = {.kind = (uint8_t)kind->kind,
		.name = "bench",
		.unit = "ns",
		.scale = 1,
		.source = "bench",
		.budget_ns = kind->budget_ns};
	struct store_batch *b = store_batch_new();
	uint8_t payload[512];
	struct proto_w w;

	proto_w_init(&w, payload, sizeof(payload));
	msg_decl_put(&w, &d);
	for (int i = 0; i < STREAMS; i++)
		store_batch_add(b, &(struct store_chunk){.attempt = 1 + i / 20,
					   .boot = 7,
					   .stream = (uint32_t)(STREAM_ID_FIRST + i % 20),
					   .seq = 1,
					   .kind = (uint8_t)kind->kind,
					   .payload = payload,
					   .len = (uint32_t)w.len});
	submit(s, b);
}

static void store_store(
	struct store *s, const struct series *kind, const struct chunk *c, int first)
{
	struct store_batch *b = store_batch_new();

	for (int i = first; i < first + BATCH; i++)
		store_batch_add(b, &(struct store_chunk){.attempt = 1 + i % STREAMS / 20,
					   .boot = 7,
					   .stream = (uint32_t)(STREAM_ID_FIRST + i % STREAMS % 20),
					   .seq = (uint64_t)(i / STREAMS + 2),
					   .kind = (uint8_t)kind->kind,
					   .n = c[i].n,
					   .payload = c[i].data,
					   .len = c[i].len});
	submit(s, b);
}

static void bare_close(struct bare *b)
{
	sqlite3_finalize(b->add);
	sqlite3_close(b->h);
}

/* ---- one kind of stream ---- */

enum side { SIDE_STORE, SIDE_BARE, SIDE_BARE_DEFAULT, SIDES };

static const int bare_pages[SIDES] = {0, 1024, 4096};

struct race {
	const struct series *kind;
	struct chunk *chunks;
	struct store *store;
	struct bare bare[SIDES];
	int64_t ns[SIDES];
};

/* One side's turn with the chunks of this round. */
static void turn(struct race *r, enum side side, int round)
{
	int64_t begin = clock_mono_ns();

	for (int i = 0; i < PER_ROUND; i++) {
		int first = (round * PER_ROUND + i) * BATCH;

		if (side == SIDE_STORE)
			store_store(r->store, r->kind, r->chunks, first);
		else
			bare_store(&r->bare[side], r->chunks, first);
	}
	r->ns[side] += clock_mono_ns() - begin;
}

static void race(struct race *r)
{
	for (int round = 0; round < ROUNDS; round++) /* forth and back: no side is always first */
		for (int i = 0; i < SIDES; i++)
			turn(r, (enum side)(round % 2 ? SIDES - 1 - i : i), round);
}

static void report(const struct race *r, const char *dir, int count)
{
	int64_t payload = 0, values = 0;
	double rate[SIDES];
	char path[4200];
	struct stat st;

	for (int i = 0; i < count; i++) {
		values += r->chunks[i].n;
		payload += r->chunks[i].len;
	}
	for (int side = 0; side < SIDES; side++)
		rate[side] = (double)values * 1e3 / (double)r->ns[side];
	snprintf(path, sizeof(path), "%s/samples.db", dir);
	if (stat(path, &st))
		fail(path, "is gone");
	printf("%-19s %5.1f M values/s; bare loop %5.1f (ratio %.2f), with pages of %d bytes %5.1f"
	       " (ratio %.2f); %.2f bytes/value, payload %.2f\n",
		r->kind->name, rate[SIDE_STORE], rate[SIDE_BARE],
		rate[SIDE_STORE] / rate[SIDE_BARE], bare_pages[SIDE_BARE_DEFAULT],
		rate[SIDE_BARE_DEFAULT], rate[SIDE_STORE] / rate[SIDE_BARE_DEFAULT],
		(double)st.st_size / (double)values, (double)payload / (double)values);
	fflush(stdout);
}

static void run(const struct series *kind, const char *dir)
{
	const int count = ROUNDS * PER_ROUND * BATCH;
	struct store_config cfg = {.dir = dir, .tables = core_tables, .wal_limit_bytes = WAL_BYTES};
	struct race r = {.kind = kind};
	struct err e = {0};

	r.store = store_open(&cfg, NULL, &e);
	if (!r.store)
		fail(dir, e.text);
	for (int side = SIDE_BARE; side < SIDES; side++)
		bare_open(&r.bare[side], dir, bare_pages[side]);
	r.chunks = make_chunks(kind, count);
	declare(r.store, kind);
	race(&r);
	store_close(r.store);
	for (int side = SIDE_BARE; side < SIDES; side++)
		bare_close(&r.bare[side]);
	report(&r, dir, count);
	free_chunks(r.chunks, count);
}

static void remove_dir(const char *dir)
{
	static const char *const names[] = {"control.db", "control.db-wal", "control.db-shm",
		"samples.db", "samples.db-wal", "samples.db-shm", "bare1024.db", "bare1024.db-wal",
		"bare1024.db-shm", "bare4096.db", "bare4096.db-wal", "bare4096.db-shm", "lock"};
	char path[4200];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

int main(int argc, char **argv)
{
	char base[4096], dir[4120];

	if (argc > 1) {
		snprintf(base, sizeof(base), "%s", argv[1]);
	} else {
		snprintf(base, sizeof(base), "%s", argv[0]);
		*(strrchr(base, '/') ? strrchr(base, '/') : base) = '\0';
	}
	for (size_t i = 0; i < series_count; i++) {
		snprintf(dir, sizeof(dir), "%s/bench-XXXXXX", base[0] ? base : ".");
		if (!mkdtemp(dir))
			fail(dir, "cannot be created");
		run(&series_kinds[i], dir);
		remove_dir(dir);
	}
	return 0;
}
