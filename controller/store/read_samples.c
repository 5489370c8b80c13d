/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what attempts measured: streams, pairs, facts, text. What is unpacked here was checked
 * when it was stored; that it does not unpack means a damaged file. */
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "agents/chunk.h"
#include "agents/msg.h"
#include "store/db.h"
#include "store/read.h"
#include "store/readers.h"

static void copy_text(sqlite3_stmt *st, int i, char *dst, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	str_copy(dst, size, text ? text : "");
}

/* ---- streams ---- */

static void read_stream(sqlite3_stmt *st, struct store_stream *s)
{
	memset(s, 0, sizeof(*s));
	s->attempt = sqlite3_column_int64(st, 0);
	s->stream = (uint32_t)sqlite3_column_int64(st, 1);
	s->boot = sqlite3_column_int64(st, 2);
	s->kind = (uint8_t)sqlite3_column_int(st, 3);
	copy_text(st, 4, s->name, sizeof(s->name));
	copy_text(st, 5, s->unit, sizeof(s->unit));
	s->scale = sqlite3_column_int64(st, 6);
	copy_text(st, 7, s->source, sizeof(s->source));
	s->budget_ns = sqlite3_column_int64(st, 8);
	s->period_ns = sqlite3_column_int64(st, 9);
	s->mark = (uint64_t)sqlite3_column_int64(st, 10);
	s->n_values = sqlite3_column_int64(st, 11);
	s->n_over = sqlite3_column_int64(st, 12);
	s->t_first = sqlite3_column_int64(st, 13);
	s->t_last = sqlite3_column_int64(st, 14);
	s->raw_removed_ms = sqlite3_column_int64(st, 15);
	s->rollups_removed_ms = sqlite3_column_int64(st, 16);
}

int store_streams(struct store_reader *r, int64_t attempt,
	int (*fn)(void *arg, const struct store_stream *s), void *arg, struct err *e)
{
	struct store_stream s;
	sqlite3_stmt *st = NULL;
	int rc;

	rc = reader_begin(r, READER_SAMPLES, STORE_READ_MS, e);
	if (rc)
		return rc;
	rc = reader_prepare(r, &st,
		"SELECT attempt, stream, boot, kind, name, unit, scale, source, budget_ns,"
		" period_ns, mark, n_values, n_over, t_first, t_last, raw_removed_ms,"
		" rollups_removed_ms FROM streams"
		" WHERE attempt = ?1 ORDER BY stream, id",
		e);
	if (rc)
		goto out;
	sqlite3_bind_int64(st, 1, attempt);
	while ((rc = reader_step(r, st, e)) == 1) {
		read_stream(st, &s);
		rc = fn(arg, &s);
		if (rc)
			break;
	}
out:
	db_finalize(&st);
	reader_end(r);
	return rc;
}

int read_find_streams(struct store_reader *r, int64_t attempt, uint32_t stream,
	struct read_streams *ret_s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int n = 0, rc;

	memset(ret_s, 0, sizeof(*ret_s));
	rc = reader_prepare(r, &st,
		"SELECT id, budget_ns, raw_removed_ms, rollups_removed_ms, mark, ordered, "
		"t_first, t_last FROM streams"
		" WHERE attempt = ?1 AND stream = ?2"
		" ORDER BY id LIMIT ?3",
		e);
	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, attempt);
	sqlite3_bind_int64(st, 2, stream);
	sqlite3_bind_int(st, 3, READ_BOOTS_MAX);
	while ((rc = reader_step(r, st, e)) == 1) {
		ret_s->row[n].id = sqlite3_column_int64(st, 0);
		ret_s->row[n].budget_ns = sqlite3_column_int64(st, 1);
		ret_s->row[n].mark = sqlite3_column_int64(st, 4);
		ret_s->row[n].ordered = sqlite3_column_int(st, 5) != 0;
		ret_s->row[n].t_first = sqlite3_column_int64(st, 6);
		ret_s->row[n].t_last = sqlite3_column_int64(st, 7);
		/* The boots of one stream share an age, so of several the latest will do. */
		if (sqlite3_column_int64(st, 2))
			ret_s->raw_removed_ms = sqlite3_column_int64(st, 2);
		if (sqlite3_column_int64(st, 3))
			ret_s->rollups_removed_ms = sqlite3_column_int64(st, 3);
		n++;
	}
	ret_s->n = n;
	db_finalize(&st);
	return rc;
}

int read_removed(struct err *e, const char *what, int64_t at_ms, const char *kept)
{
	char day[25];

	clock_iso8601(day, at_ms);
	return err_set(e, ERR_REMOVED,
		"%s of this stream were removed on %.10s, because of their age or"
		" for want of space; %s",
		what, day, kept);
}

/* ---- pairs ---- */

void read_clamp(int64_t *t0, int64_t *t1)
{
	if (*t0 < -STORE_TIME_MAX)
		*t0 = -STORE_TIME_MAX;
	if (*t1 > STORE_TIME_MAX + 1)
		*t1 = STORE_TIME_MAX + 1;
}

/* Keeps the pairs with t0 <= t < t1, in place; returns their number. */
static int keep(int64_t *t, int64_t *v, int n, int64_t t0, int64_t t1)
{
	int kept = 0;

	for (int i = 0; i < n; i++) {
		if (t[i] < t0 || t[i] >= t1)
			continue;
		t[kept] = t[i];
		v[kept++] = v[i];
	}
	return kept;
}

static int pairs_of_row(
	struct store_reader *r, sqlite3_stmt *st, int64_t *t, int64_t *v, struct err *e)
{
	int n = chunk_unpack(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), t, v);

	if (n < 0)
		return err_set(e, ERR_CORRUPT,
			"%s: chunk %lld does not unpack; the file is damaged", reader_db(r)->path,
			(long long)sqlite3_column_int64(st, 3));
	return n;
}

int read_pairs(struct store_reader *r, const struct read_streams *s, int64_t t0, int64_t t1,
	int (*fn)(void *arg, int64_t budget_ns, const int64_t *t, const int64_t *v, int n),
	void *arg, struct err *e)
{
	int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	sqlite3_stmt *st = NULL;
	struct read_seqs seqs;
	int rc;

	rc = reader_prepare(r, &st,
		"SELECT data, t_first, t_last, id FROM chunks WHERE stream = ?1 AND seq >= ?4"
		" AND seq < ?5 AND t_last >= ?2 AND t_first < ?3 ORDER BY seq",
		e);
	for (int i = 0; i < s->n && !rc; i++) {
		rc = read_find_seqs(r, "chunks", &s->row[i], t0, t1, &seqs, e);
		if (rc)
			break;
		sqlite3_reset(st);
		sqlite3_bind_int64(st, 1, s->row[i].id);
		sqlite3_bind_int64(st, 2, t0);
		sqlite3_bind_int64(st, 3, t1);
		sqlite3_bind_int64(st, 4, seqs.first);
		sqlite3_bind_int64(st, 5, seqs.end);
		while ((rc = reader_step(r, st, e)) == 1) {
			int n = pairs_of_row(r, st, t, v, e);

			if (n > 0 && (sqlite3_column_int64(st, 1) < t0 ||
					     sqlite3_column_int64(st, 2) >= t1))
				n = keep(t, v, n, t0, t1);
			rc = n > 0 ? fn(arg, s->row[i].budget_ns, t, v, n) : n;
			if (rc)
				break;
		}
	}
	db_finalize(&st);
	return rc;
}

struct values_to {
	int (*fn)(void *arg, const int64_t *t, const int64_t *v, int n);
	void *arg;
};

static int give_values(void *arg, int64_t budget_ns, const int64_t *t, const int64_t *v, int n)
{
	struct values_to *to = arg;

	(void)budget_ns;
	return to->fn(to->arg, t, v, n);
}

int store_values(struct store_reader *r, int64_t attempt, uint32_t stream, int64_t t0, int64_t t1,
	int (*fn)(void *arg, const int64_t *t, const int64_t *v, int n), void *arg, struct err *e)
{
	struct values_to to = {fn, arg};
	struct read_streams s;
	int rc;

	rc = reader_begin(r, READER_SAMPLES, STORE_READ_MS, e);
	if (rc)
		return rc;
	rc = read_find_streams(r, attempt, stream, &s, e);
	if (!rc && s.raw_removed_ms)
		rc = read_removed(e, "the values", s.raw_removed_ms,
			s.rollups_removed_ms ? "its summary is kept"
					     : "its one-second rollups are kept");
	if (!rc)
		rc = read_pairs(r, &s, t0, t1, give_values, &to, e);
	reader_end(r);
	return rc;
}

/* ---- facts ---- */

static void read_fact(sqlite3_stmt *st, struct store_fact *f)
{
	memset(f, 0, sizeof(*f));
	f->t = sqlite3_column_int64(st, 0);
	copy_text(st, 1, f->key, sizeof(f->key));
	f->kind = sqlite3_column_int(st, 2);
	f->i = sqlite3_column_int64(st, 3);
	if (f->kind == FACT_NUM) /* SQLite keeps no NaN: it is NULL there */
		f->f = sqlite3_column_type(st, 4) == SQLITE_NULL ? NAN
		                                                 : sqlite3_column_double(st, 4);
	copy_text(st, 5, f->text, sizeof(f->text));
}

int store_facts(struct store_reader *r, int64_t attempt,
	int (*fn)(void *arg, const struct store_fact *f), void *arg, struct err *e)
{
	sqlite3_stmt *st = NULL;
	struct store_fact f;
	int rc;

	rc = reader_begin(r, READER_SAMPLES, STORE_READ_MS, e);
	if (rc)
		return rc;
	rc = reader_prepare(r, &st,
		"SELECT t, key, kind, i, f, text FROM facts WHERE attempt = ?1 ORDER BY id", e);
	if (rc)
		goto out;
	sqlite3_bind_int64(st, 1, attempt);
	while ((rc = reader_step(r, st, e)) == 1) {
		read_fact(st, &f);
		rc = fn(arg, &f);
		if (rc)
			break;
	}
out:
	db_finalize(&st);
	reader_end(r);
	return rc;
}

/* ---- text ---- */

/* Of one chunk that begins at byte `at` of the whole, what lies in [offset, offset + max). */
static size_t cut_text(sqlite3_stmt *st, int64_t at, int64_t offset, char *dst, size_t max)
{
	const char *data = sqlite3_column_blob(st, 0);
	int64_t n = sqlite3_column_bytes(st, 0);
	int64_t from = offset > at ? offset - at : 0;
	int64_t place = at + from - offset;
	size_t len;

	if (!data || from >= n || place < 0 || (uint64_t)place >= max)
		return 0;
	len = (size_t)(n - from);
	if (len > max - (size_t)place)
		len = max - (size_t)place;
	memcpy(dst + place, data + from, len);
	return len;
}

int64_t store_text(struct store_reader *r, int64_t attempt, int64_t offset, char *dst, size_t max,
	struct err *e)
{
	sqlite3_stmt *st = NULL;
	int64_t got = 0;
	int rc;

	if (offset < 0)
		return err_set(e, ERR_RANGE, "a text has no byte %lld", (long long)offset);
	rc = reader_begin(r, READER_SAMPLES, STORE_READ_MS, e);
	if (rc)
		return rc;
	/* Texts of several boots stand one behind the other. */
	rc = reader_prepare(r, &st,
		"WITH texts AS (SELECT id, sum(n_values) OVER (ORDER BY id) - n_values AS base"
		" FROM streams WHERE attempt = ?1 AND kind = ?2)"
		" SELECT c.data, x.base + c.t_first FROM texts AS x JOIN chunks AS c"
		" ON c.stream = x.id WHERE x.base + c.t_last >= ?3 AND x.base + c.t_first < ?4"
		" ORDER BY x.id, c.seq",
		e);
	if (rc)
		goto out;
	sqlite3_bind_int64(st, 1, attempt);
	sqlite3_bind_int(st, 2, STREAM_TEXT);
	sqlite3_bind_int64(st, 3, offset);
	sqlite3_bind_int64(
		st, 4, max < (uint64_t)(INT64_MAX - offset) ? offset + (int64_t)max : INT64_MAX);
	while ((rc = reader_step(r, st, e)) == 1)
		got += (int64_t)cut_text(st, sqlite3_column_int64(st, 1), offset, dst, max);
out:
	db_finalize(&st);
	reader_end(r);
	return rc ? rc : got;
}
