/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storing chunks; see samples.h. What comes here was sent by a phone: a chunk is stored when its
 * stream was declared, its number is the next one and its payload is what it says; otherwise that
 * stream is refused and the rest of the batch goes on. Only the file's own errors fail a batch.
 */
#include "store/samples.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "agents/chunk.h"
#include "agents/msg.h"
#include "store/batch.h"
#include "store/db.h"
#include "store/latency.h"
#include "store/rollup.h"
#include "store/streams.h"

/* Under load, commits begin at least so far apart: a hundred phones that each send a chunk of some
 * hundred bytes share one. An idle writer commits at once. */
#define GATHER_MS    20
#define GATHER_BYTES (256 * 1024)

struct samples {
	struct db *db;
	struct streams *streams;
	sqlite3_stmt *add_chunk, *add_fact;
	struct samples_stats pending; /* of the present transaction */
	pthread_mutex_t lock;
	struct samples_stats done; /* of all before it; behind the lock */
	/* Of the chunk at hand. */
	int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	struct rollup rollups[ROLLUP_MAX];
	uint8_t packed[ROLLUP_BYTES_MAX];
};

static const char add_chunk_sql[] =
	"INSERT INTO chunks (stream, seq, n, late, t_first, t_last, seconds, data)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char add_fact_sql[] = "INSERT INTO facts (attempt, stream, t, key, kind, i, f, text)"
				   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

struct samples *samples_new(struct db *db, struct err *e)
{
	struct samples *s = mem_zalloc(sizeof(*s));

	s->db = db;
	pthread_mutex_init(&s->lock, NULL);
	s->streams = streams_new(db, e);
	if (!s->streams || db_prepare(db, &s->add_chunk, add_chunk_sql, e) ||
		db_prepare(db, &s->add_fact, add_fact_sql, e)) {
		samples_free(s);
		return NULL;
	}
	return s;
}

void samples_free(struct samples *s)
{
	if (!s)
		return;
	streams_free(s->streams);
	db_finalize(&s->add_chunk);
	db_finalize(&s->add_fact);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

/* ---- the three shapes of a chunk; 0, ERR_PROTO for a bad one, else the file's error ---- */

struct span {
	int64_t first, last;
};

static int add_chunk(struct samples *s, const struct store_chunk *c, const struct stream *st,
	struct span span, size_t n_packed, struct err *e)
{
	sqlite3_stmt *q = s->add_chunk;

	sqlite3_bind_int64(q, 1, st->id);
	sqlite3_bind_int64(q, 2, (int64_t)c->seq);
	sqlite3_bind_int64(q, 3, c->n);
	sqlite3_bind_int(q, 4, c->late);
	sqlite3_bind_int64(q, 5, span.first);
	sqlite3_bind_int64(q, 6, span.last);
	sqlite3_bind_blob(q, 7, s->packed, (int)n_packed, SQLITE_STATIC);
	sqlite3_bind_blob(q, 8, c->payload, (int)c->len, SQLITE_STATIC);
	return db_run(s->db, q, e, "storing a chunk");
}

static struct span span_of(const int64_t *t, int n)
{
	struct span span = {t[0], t[0]};

	for (int i = 1; i < n; i++) {
		span.first = t[i] < span.first ? t[i] : span.first;
		span.last = t[i] > span.last ? t[i] : span.last;
	}
	return span;
}

/* What is kept of the chunk's seconds beside their rows. */
static void count_seconds(struct samples *s, struct stream *st, int seconds)
{
	int kind = latency_kind(st->kind);
	const int64_t *v = s->v;

	for (int i = 0; i < seconds; v += s->rollups[i++].n) {
		st->n_over += s->rollups[i].over;
		if (kind >= 0)
			latency_count(&s->pending.latency[kind], &s->rollups[i], v);
	}
}

static int store_series_chunk(
	struct samples *s, const struct store_chunk *c, struct stream *st, struct err *e)
{
	int n = chunk_unpack(c->payload, c->len, s->t, s->v);
	struct span span;
	int seconds, rc;

	if (n < 1 || (uint32_t)n != c->n)
		return ERR_PROTO;
	span = span_of(s->t, n);
	if (span.first < -STORE_TIME_MAX || span.last > STORE_TIME_MAX)
		return ERR_PROTO;
	seconds = rollup_build(s->rollups, s->t, s->v, n, st->budget_ns);
	rc = add_chunk(s, c, st, span, rollup_pack(s->packed, s->rollups, seconds), e);
	if (rc)
		return rc;
	if (st->n_values && span.first < st->t_last)
		st->ordered = false;
	if (!st->n_values || span.first < st->t_first)
		st->t_first = span.first;
	if (!st->n_values || span.last > st->t_last)
		st->t_last = span.last;
	st->n_values += n;
	s->pending.values += (uint64_t)n;
	count_seconds(s, st, seconds);
	return 0;
}

/* Of a text, the place of a chunk is the offset of its bytes, so store_text() finds it by the same
 * index. */
static int store_text_chunk(
	struct samples *s, const struct store_chunk *c, struct stream *st, struct err *e)
{
	struct span span = {st->n_values, st->n_values + c->len - 1};
	int rc;

	if (c->n != c->len)
		return ERR_PROTO;
	if (!c->len)
		return 0;
	rc = add_chunk(s, c, st, span, 0, e);
	if (!rc)
		st->n_values += c->len;
	return rc;
}

static int add_fact(struct samples *s, const struct store_chunk *c, const struct stream *st,
	const struct fact *f, struct err *e)
{
	char key[sizeof(f->key)], text[sizeof(f->text)];
	sqlite3_stmt *q = s->add_fact;
	int rc;

	str_copy_clean(key, sizeof(key), f->key, strlen(f->key));
	sqlite3_clear_bindings(q);
	sqlite3_bind_int64(q, 1, c->attempt);
	sqlite3_bind_int64(q, 2, st->id);
	sqlite3_bind_int64(q, 3, f->mono_ns);
	sqlite3_bind_text(q, 4, key, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 5, f->kind);
	if (f->kind == FACT_INT)
		sqlite3_bind_int64(q, 6, f->i);
	if (f->kind == FACT_NUM)
		sqlite3_bind_double(q, 7, f->f);
	if (f->kind == FACT_TEXT) {
		str_copy_clean(text, sizeof(text), f->text, strlen(f->text));
		sqlite3_bind_text(q, 8, text, -1, SQLITE_STATIC);
	}
	rc = db_run(s->db, q, e, "storing a fact");
	sqlite3_clear_bindings(q);
	return rc;
}

static bool facts_are_whole(const struct store_chunk *c)
{
	struct proto_r r;
	struct fact f;

	proto_r_init(&r, c->payload, c->len);
	for (uint32_t i = 0; i < c->n; i++)
		if (fact_get(&r, &f))
			return false;
	return !proto_left(&r);
}

static int store_facts_chunk(
	struct samples *s, const struct store_chunk *c, struct stream *st, struct err *e)
{
	struct proto_r r;
	struct fact f;
	int rc = 0;

	if (!facts_are_whole(c))
		return ERR_PROTO;
	proto_r_init(&r, c->payload, c->len);
	for (uint32_t i = 0; i < c->n && !rc && !fact_get(&r, &f); i++)
		rc = add_fact(s, c, st, &f, e);
	if (!rc)
		st->n_values += c->n;
	return rc;
}

/* ---- the rules of a stream ---- */

static int declare(struct samples *s, struct batch_item *item, struct err *e)
{
	const struct store_chunk *c = &item->chunk;
	struct msg_decl d;

	if (msg_decl_get(c->payload, c->len, &d) || d.kind != c->kind)
		return ERR_PROTO;
	return streams_declare(s->streams, c, &d, &item->stream, e);
}

static int store_next(struct samples *s, struct batch_item *item, struct err *e)
{
	const struct store_chunk *c = &item->chunk;
	struct stream *st = item->stream;
	int rc;

	if (c->kind != st->kind)
		return ERR_PROTO;
	if (st->kind == STREAM_FACTS)
		rc = store_facts_chunk(s, c, st, e);
	else if (st->kind == STREAM_TEXT)
		rc = store_text_chunk(s, c, st, e);
	else
		rc = store_series_chunk(s, c, st, e);
	if (rc)
		return rc;
	st->mark = c->seq;
	streams_changed(s->streams, st);
	return 0;
}

static int store_item(struct samples *s, struct batch_item *item, struct err *e)
{
	const struct store_chunk *c = &item->chunk;
	uint64_t mark;
	int rc;

	if (!c->seq || c->attempt < 1 || c->stream > SAMPLES_STREAM_MAX)
		return ERR_PROTO;
	rc = streams_find(s->streams, c, &item->stream, e);
	if (rc)
		return rc;
	mark = item->stream ? item->stream->mark : 0;
	if (c->seq <= mark) {
		s->pending.resends++;
		return 0;
	}
	if (c->seq != mark + 1)
		return ERR_PROTO;
	rc = item->stream ? store_next(s, item, e) : declare(s, item, e);
	if (!rc)
		s->pending.chunks++;
	return rc;
}

/* ---- what the writer calls ---- */

static int apply(void *ctx, struct work *w, struct err *e)
{
	struct store_batch *b = (struct store_batch *)w;

	for (size_t i = 0; i < b->n; i++) {
		struct batch_item *item = &b->items[i];

		item->stream = NULL;
		item->rc = store_item(ctx, item, e);
		if (item->rc && item->rc != ERR_PROTO)
			return item->rc;
	}
	for (size_t i = 0; i < b->n; i++) {
		struct batch_item *item = &b->items[i];

		item->mark = item->rc ? 0 : item->stream->mark;
		item->stream = NULL;
	}
	return 0;
}

static int seal(void *ctx, struct err *e)
{
	struct samples *s = ctx;

	return streams_flush(s->streams, e);
}

static void settle(void *ctx, bool committed)
{
	struct samples *s = ctx;

	streams_settle(s->streams, committed);
	if (committed) {
		pthread_mutex_lock(&s->lock);
		s->done.chunks += s->pending.chunks;
		s->done.values += s->pending.values;
		s->done.resends += s->pending.resends;
		for (int i = 0; i < STORE_LATENCY_KINDS; i++)
			latency_add(&s->done.latency[i], &s->pending.latency[i]);
		pthread_mutex_unlock(&s->lock);
	}
	memset(&s->pending, 0, sizeof(s->pending));
}

void samples_get_stats(struct samples *s, struct samples_stats *ret_st)
{
	pthread_mutex_lock(&s->lock);
	*ret_st = s->done;
	pthread_mutex_unlock(&s->lock);
}

const struct writer_ops samples_ops = {
	.thread = "store-samples",
	.max_items = STORE_QUEUE_BATCHES,
	.max_bytes = STORE_QUEUE_BYTES,
	.gather_ms = GATHER_MS,
	.gather_bytes = GATHER_BYTES,
	.apply = apply,
	.seal = seal,
	.settle = settle,
};
