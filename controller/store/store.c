/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as a whole: opening and closing in the right order, and the way from the contract's
 * functions to the two writers and the readers.
 *
 * control.db and samples.db are a pair: attempts' ids are given by the one and used by the other,
 * so samples beside a foreign control.db would be shown as those of other attempts. Both carry the
 * same random id.
 */
#include "store/store.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/row.h"
#include "base/str.h"
#include "store/alone.h"
#include "store/batch.h"
#include "store/control.h"
#include "store/db.h"
#include "store/dirlock.h"
#include "store/gap.h"
#include "store/read.h"
#include "store/readers.h"
#include "store/samples.h"
#include "store/schema.h"
#include "store/writer.h"

#define BUSY_MS      5000
#define WAL_LIMIT    (16 * 1024 * 1024)
#define LOAD_WAIT_MS 1000 /* for a reader, at start, when nobody else reads */
#define PAIR_KEY     "store.pair"
#define PAIR_SIZE    33

/* A chunk has some three or four kilobytes. Most of it goes into overflow pages that SQLite
 * fills to the last byte, so small pages waste least, and a commit of a few chunks rewrites a
 * few kilobytes of index and marks. The README has the measurements. */
#define CONTROL_PAGE_BYTES 4096
#define SAMPLES_PAGE_BYTES 1024
#define CONTROL_CACHE_KIB  8192
#define SAMPLES_CACHE_KIB  16384

struct store {
	int lock;
	struct db control_db, samples_db;
	struct control *control;
	struct samples *samples;
	struct readers *readers;
	struct writer *control_writer, *samples_writer;
	_Atomic int64_t events_removed_to;
	struct gaps gaps; /* as it was opened */
};

/* ---- opening ---- */

static int open_files(struct store *s, const struct store_config *cfg, int *ret_from, struct err *e)
{
	struct db_setup setup = {
		.dir = cfg->dir,
		.name = "control.db",
		.page_bytes = CONTROL_PAGE_BYTES,
		.cache_kib = CONTROL_CACHE_KIB,
		.busy_ms = cfg->busy_ms ? cfg->busy_ms : BUSY_MS,
	};
	int from_control = 0, from_samples = 0;
	int rc = db_open_writer(&s->control_db, &setup, e);

	if (!rc)
		rc = schema_apply(&s->control_db, &schema_control, &from_control, e);
	if (rc)
		return rc;
	setup.name = "samples.db";
	setup.page_bytes = SAMPLES_PAGE_BYTES;
	setup.cache_kib = SAMPLES_CACHE_KIB;
	rc = db_open_writer(&s->samples_db, &setup, e);
	if (!rc)
		rc = schema_apply(&s->samples_db, &schema_samples, &from_samples, e);
	if (rc)
		return rc;
	if (from_control && from_control < schema_control.version)
		*ret_from = from_control;
	else if (from_samples && from_samples < schema_samples.version)
		*ret_from = from_samples;
	else
		*ret_from = 0;
	return 0;
}

static int make_pair_id(char id[PAIR_SIZE], struct err *e)
{
	uint8_t random[(PAIR_SIZE - 1) / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_errno(e, errno, "no random numbers");
	str_hex(id, random, sizeof(random));
	return 0;
}

static int check_pair(struct store *s, struct err *e)
{
	char control[PAIR_SIZE], samples[PAIR_SIZE];
	int rc;

	rc = db_meta_get(&s->control_db, PAIR_KEY, control, sizeof(control), e);
	if (!rc)
		rc = db_meta_get(&s->samples_db, PAIR_KEY, samples, sizeof(samples), e);
	if (rc)
		return rc;
	if (samples[0] && strcmp(samples, control))
		return err_set(e, ERR_CORRUPT,
			"%s does not belong to %s: restore both from one backup, or move"
			" samples.db away to begin with an empty one",
			s->samples_db.path, s->control_db.path);
	if (!control[0]) {
		rc = make_pair_id(control, e);
		if (!rc)
			rc = db_meta_put(&s->control_db, PAIR_KEY, control, e);
	}
	if (!rc && !samples[0])
		rc = db_meta_put(&s->samples_db, PAIR_KEY, control, e);
	return rc;
}

static int start(struct store *s, const struct store_config *cfg, struct err *e)
{
	int64_t wal_limit = cfg->wal_limit_bytes ? cfg->wal_limit_bytes : WAL_LIMIT;
	int rc;

	for (int i = 0; cfg->tables[i]; i++) {
		rc = schema_check_table(&s->control_db, cfg->tables[i], e);
		if (rc)
			return rc;
	}
	s->control = control_new(&s->control_db, cfg->tables, e);
	if (s->control)
		s->samples = samples_new(&s->samples_db, e);
	if (s->samples)
		s->readers = readers_new(cfg->dir, e);
	if (s->readers)
		s->control_writer = writer_start(
			&s->control_db, &control_ops, s->control, s->readers, wal_limit, e);
	if (s->control_writer)
		s->samples_writer = writer_start(
			&s->samples_db, &samples_ops, s->samples, s->readers, wal_limit, e);
	return s->samples_writer ? 0 : ERR_IO;
}

int store_read_events_removed(struct store *s, struct err *e)
{
	char text[24];
	int rc = store_meta(s, UPKEEP_EVENTS_KEY, text, sizeof(text), e);

	if (!rc)
		s->events_removed_to = strtoll(text, NULL, 10);
	return rc;
}

int64_t store_events_removed_to(struct store *s)
{
	return s->events_removed_to;
}

/* ---- what a restored store lost ---- */

void store_get_restored(struct store *s, struct store_restored *ret_r)
{
	*ret_r = s->gaps.restored;
}

bool store_is_lost(struct store *s, const struct row_table *t, int64_t id)
{
	int64_t after, to;

	gap_of(&s->gaps, t->name, &after, &to);
	return id > after && id <= to;
}

void store_lost(struct store *s, const struct row_table *t, int64_t *ret_after, int64_t *ret_to)
{
	gap_of(&s->gaps, t->name, ret_after, ret_to);
}

/* ---- opening and closing ---- */

struct store *store_open(const struct store_config *cfg, int *ret_upgraded_from, struct err *e)
{
	struct store *s = mem_zalloc(sizeof(*s));
	int from = 0, rc = 0;

	s->lock = dirlock_take(cfg->dir, e);
	if (s->lock < 0)
		rc = s->lock;
	if (!rc)
		rc = open_files(s, cfg, &from, e);
	if (!rc)
		rc = check_pair(s, e);
	if (!rc)
		rc = gap_load(&s->control_db, &s->gaps, e);
	if (!rc)
		rc = start(s, cfg, e);
	if (!rc)
		rc = store_read_events_removed(s, e);
	if (rc) {
		store_close(s);
		return NULL;
	}
	if (ret_upgraded_from)
		*ret_upgraded_from = from;
	return s;
}

/* Readers close before the writers' connections: these make the last checkpoint. */
void store_close(struct store *s)
{
	if (!s)
		return;
	writer_stop(s->control_writer);
	writer_stop(s->samples_writer);
	readers_free(s->readers);
	control_free(s->control);
	samples_free(s->samples);
	db_close(&s->control_db);
	db_close(&s->samples_db);
	dirlock_drop(s->lock);
	mem_free(s);
}

/* ---- start-up reads ---- */

int store_load(struct store *s, const struct row_table *t, int (*fn)(void *arg, const void *row),
	void *arg, struct err *e)
{
	struct store_reader *r = readers_get(s->readers, LOAD_WAIT_MS, e);
	int rc;

	if (!r)
		return ERR_BUSY;
	rc = read_all_rows(r, t, fn, arg, e);
	store_reader_put(r);
	return rc;
}

int store_meta(struct store *s, const char *key, char *dst, size_t size, struct err *e)
{
	struct store_reader *r = readers_get(s->readers, LOAD_WAIT_MS, e);
	int rc;

	if (!r)
		return ERR_BUSY;
	rc = reader_begin(r, READER_CONTROL, STORE_READ_MS, e);
	if (!rc) {
		rc = db_meta_get(reader_db(r), key, dst, size, e);
		reader_end(r);
	}
	store_reader_put(r);
	return rc;
}

struct store_reader *store_reader_get(struct store *s, int wait_ms, struct err *e)
{
	return readers_get(s->readers, wait_ms, e);
}

/* ---- the writers ---- */

struct writer *store_writer(struct store *s, enum upkeep_file f)
{
	return f == UPKEEP_CONTROL ? s->control_writer : s->samples_writer;
}

void store_submit(struct store *s, struct store_txn *t,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	writer_submit(s->control_writer, control_work(t), done, arg);
}

void store_retry(struct store *s)
{
	writer_retry(s->control_writer);
}

void store_samples(struct store *s, struct store_batch *b,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	writer_submit(s->samples_writer, &b->work, done, arg);
}

void store_samples_retry(struct store *s)
{
	writer_retry(s->samples_writer);
}

void store_get_stats(struct store *s, struct store_stats *ret_st)
{
	struct writer_stats control, samples;
	struct samples_stats chunks;

	writer_get_stats(s->control_writer, &control);
	writer_get_stats(s->samples_writer, &samples);
	samples_get_stats(s->samples, &chunks);
	*ret_st = (struct store_stats){
		.commits = control.commits,
		.commit_ns = control.commit_ns,
		.failures = control.failures,
		.batches = samples.commits,
		.batch_ns = samples.commit_ns,
		.chunks = chunks.chunks,
		.values = chunks.values,
		.resends = chunks.resends,
		.control_wal_pinned = control.wal_pinned,
		.samples_wal_pinned = samples.wal_pinned,
		.control_bytes = control.file_bytes,
		.control_wal_bytes = control.wal_bytes,
		.samples_bytes = samples.file_bytes,
		.samples_wal_bytes = samples.wal_bytes,
		.damaged = readers_damaged(s->readers),
		.queued = control.queued + samples.queued,
		.queued_bytes = control.queued_bytes + samples.queued_bytes,
	};
	memcpy(ret_st->latency, chunks.latency, sizeof(ret_st->latency));
}
