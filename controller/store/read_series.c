/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chart's view of a series. The stretch [t0, t1) is laid over a grid of equal buckets:
 *
 *  - wide ones, of whole seconds, whose grid begins at t0's second. What lies in whole seconds
 *    comes from the chunks' rollups; the pieces of a second at both ends come from the chunks
 *    themselves.
 *  - narrow ones, whose grid begins at t0, from the chunks.
 *
 * Where the values were removed there are wide buckets alone, and the stretch is widened to the whole
 * seconds that it touches.
 */
#include "store/store.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/read.h"
#include "store/readers.h"
#include "store/rollup.h"

struct grid {
	int64_t t0, t1; /* the stretch asked for */
	int64_t begin;  /* of the grid, at or before t0 */
	int64_t width;  /* of a bucket, ns */
	bool wide;
	int n;
	struct rollup *bucket;
};

static int64_t ceil_div(int64_t a, int64_t b)
{
	return a / b + (a % b != 0);
}

static void grid_init(struct grid *g, int64_t t0, int64_t t1, int buckets, bool rollups_alone)
{
	memset(g, 0, sizeof(*g));
	g->t0 = t0;
	g->t1 = t1;
	g->begin = t0;
	g->width = ceil_div(t1 - t0, buckets);
	if (g->width >= ROLLUP_NS || rollups_alone) {
		g->wide = true;
		g->begin = rollup_second(t0) * ROLLUP_NS;
		g->width = ceil_div(ceil_div(t1 - g->begin, buckets), ROLLUP_NS) * ROLLUP_NS;
	}
	g->n = (int)ceil_div(t1 - g->begin, g->width);
	assert(g->n <= buckets);
	g->bucket = mem_zalloc((size_t)g->n * sizeof(*g->bucket));
}

/* What rollups alone can answer. */
static void widen(int64_t *t0, int64_t *t1)
{
	*t0 = rollup_second(*t0) * ROLLUP_NS;
	*t1 = (rollup_second(*t1 - 1) + 1) * ROLLUP_NS;
}

static struct rollup *bucket_at(struct grid *g, int64_t t)
{
	int64_t k = (t - g->begin) / g->width;

	assert(k >= 0 && k < g->n);
	return &g->bucket[k];
}

/* Pairs in the stream's order: runs of them fall into one bucket. */
static int add_pairs(void *arg, int64_t budget_ns, const int64_t *t, const int64_t *v, int n)
{
	struct grid *g = arg;

	for (int i = 0, end; i < n; i = end) {
		struct rollup *bucket = bucket_at(g, t[i]);
		int64_t low = g->begin + (bucket - g->bucket) * g->width, high = low + g->width;

		for (end = i + 1; end < n && t[end] >= low && t[end] < high; end++)
			;
		rollup_add(bucket, v + i, end - i, budget_ns);
	}
	return 0;
}

static int add_rollups(struct store_reader *r, struct grid *g, sqlite3_stmt *st, int64_t low,
	int64_t high, struct rollup *buf, struct err *e)
{
	int n = rollup_unpack(buf, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));

	if (n < 0)
		return err_set(e, ERR_CORRUPT,
			"%s: the rollups of chunk %lld do not unpack; the file is damaged",
			reader_db(r)->path, (long long)sqlite3_column_int64(st, 1));
	for (int i = 0; i < n; i++)
		if (buf[i].second >= low && buf[i].second < high)
			rollup_merge(bucket_at(g, buf[i].second * ROLLUP_NS), &buf[i]);
	return 0;
}

/* Binds what a stretch touches of a table: ?at and the one behind it. */
static int bind_seqs(struct store_reader *r, sqlite3_stmt *st, int at, const char *table,
	const struct read_stream *s, int64_t t0, int64_t t1, struct err *e)
{
	struct read_seqs q;
	int rc = read_find_seqs(r, table, s, t0, t1, &q, e);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, at, q.first);
	sqlite3_bind_int64(st, at + 1, q.end);
	return 0;
}

static int bind_stretch(struct store_reader *r, sqlite3_stmt *st, const struct read_stream *s,
	bool aged, int64_t t0, int64_t t1, struct err *e)
{
	int rc;

	sqlite3_reset(st);
	sqlite3_bind_int64(st, 1, s->id);
	sqlite3_bind_int64(st, 2, t0);
	sqlite3_bind_int64(st, 3, t1);
	rc = bind_seqs(r, st, 4, "chunks", s, t0, t1, e);
	return rc || !aged ? rc : bind_seqs(r, st, 6, "aged", s, t0, t1, e);
}

/* Whole seconds low <= s < high. */
static int read_rollups(struct store_reader *r, const struct read_streams *s, struct grid *g,
	int64_t low, int64_t high, struct err *e)
{
	struct rollup *buf = mem_alloc(ROLLUP_MAX * sizeof(*buf));
	sqlite3_stmt *st = NULL;
	int rc;

	rc = reader_prepare(r, &st,
		s->raw_removed_ms
			? "SELECT seconds, id FROM (SELECT seconds, id, seq FROM chunks WHERE"
			  " stream = ?1 AND seq >= ?4 AND seq < ?5 AND t_last >= ?2 AND"
			  " t_first < ?3 UNION ALL SELECT seconds, id, seq FROM aged WHERE"
			  " stream = ?1 AND seq >= ?6 AND seq < ?7 AND t_last >= ?2 AND"
			  " t_first < ?3) ORDER BY seq"
			: "SELECT seconds, id FROM chunks WHERE stream = ?1 AND seq >= ?4 AND"
			  " seq < ?5 AND t_last >= ?2 AND t_first < ?3 ORDER BY seq",
		e);
	for (int i = 0; i < s->n && !rc; i++) {
		rc = bind_stretch(r, st, &s->row[i], s->raw_removed_ms != 0, low * ROLLUP_NS,
			high * ROLLUP_NS, e);
		if (rc)
			break;
		while ((rc = reader_step(r, st, e)) == 1) {
			rc = add_rollups(r, g, st, low, high, buf, e);
			if (rc)
				break;
		}
	}
	db_finalize(&st);
	mem_free(buf);
	return rc;
}

static int read_wide(
	struct store_reader *r, const struct read_streams *s, struct grid *g, struct err *e)
{
	int64_t low = rollup_second(g->t0), high = rollup_second(g->t1);
	int rc = 0;

	if (g->t0 != low * ROLLUP_NS)
		rc = read_pairs(r, s, g->t0, ++low * ROLLUP_NS, add_pairs, g, e);
	if (!rc && low < high)
		rc = read_rollups(r, s, g, low, high, e);
	if (!rc && g->t1 != high * ROLLUP_NS)
		rc = read_pairs(r, s, high * ROLLUP_NS, g->t1, add_pairs, g, e);
	return rc;
}

static int give(const struct grid *g, int (*fn)(void *arg, const struct store_bucket *b), void *arg)
{
	for (int k = 0; k < g->n; k++) {
		const struct rollup *s = &g->bucket[k];
		struct store_bucket b = {
			.t0 = k == 0 ? g->t0 : g->begin + k * g->width,
			.t1 = k == g->n - 1 ? g->t1 : g->begin + (k + 1) * g->width,
			.first = s->first,
			.min = s->min,
			.max = s->max,
			.last = s->last,
			.mean = rollup_mean(s),
			.n = s->n,
			.over = s->over,
		};
		int rc;

		if (!s->n)
			continue;
		rc = fn(arg, &b);
		if (rc)
			return rc;
	}
	return 0;
}

int store_series(struct store_reader *r, int64_t attempt, uint32_t stream, int64_t t0, int64_t t1,
	int buckets, int (*fn)(void *arg, const struct store_bucket *b), void *arg, struct err *e)
{
	struct read_streams s;
	struct grid g;
	int rc;

	assert(buckets >= 1 && buckets <= STORE_BUCKETS_MAX);
	read_clamp(&t0, &t1);
	if (t0 >= t1)
		return 0;
	rc = reader_begin(r, READER_SAMPLES, STORE_READ_MS, e);
	if (rc)
		return rc;
	memset(&g, 0, sizeof(g));
	rc = read_find_streams(r, attempt, stream, &s, e);
	if (!rc && s.rollups_removed_ms)
		rc = read_removed(
			e, "values and rollups", s.rollups_removed_ms, "its summary is kept");
	if (!rc && s.raw_removed_ms)
		widen(&t0, &t1);
	if (!rc)
		grid_init(&g, t0, t1, buckets, s.raw_removed_ms != 0);
	if (!rc)
		rc = g.wide ? read_wide(r, &s, &g, e) : read_pairs(r, &s, t0, t1, add_pairs, &g, e);
	reader_end(r);
	if (!rc)
		rc = give(&g, fn, arg);
	mem_free(g.bucket);
	return rc;
}
