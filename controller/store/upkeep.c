/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what is old; see upkeep.h. The pieces run on the writers' threads. */
#include "store/upkeep.h"

#include <stdio.h>

#include "agents/msg.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/alone.h"
#include "store/db.h"
#include "store/readers.h"
#include "store/store.h"

#define FIND_ATTEMPTS 256 /* looked at in one call */
#define SHRINK_PAGES  32  /* between two looks at the clock */

/* What a chunk's time of keeping is about: series, but not the marks, which are summaries. */
#define IS_SERIES "kind NOT IN (1, 2, 7)"
#define IS_KEPT   "kind IN (1, 7)"
_Static_assert(STREAM_FACTS == 1 && STREAM_TEXT == 2 && STREAM_MARKS == 7, "the kinds in SQL");

/* ---- which attempt ---- */

static int next_with(
	struct store_reader *r, enum upkeep_part part, int64_t after, int64_t *ret_a, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = reader_begin(r, READER_SAMPLES, STORE_READ_MS, e);

	*ret_a = 0;
	if (rc)
		return rc;
	/* Rollups go from what has lost its values as well as from what has not yet. */
	rc = reader_prepare(r, &st,
		part == UPKEEP_RAW
			? "SELECT min(attempt) FROM streams WHERE kept = 2 AND attempt > ?1"
			: "SELECT min(a) FROM (SELECT min(attempt) AS a FROM streams WHERE kept = 2"
			  " AND attempt > ?1 UNION ALL SELECT min(attempt) FROM streams WHERE"
			  " kept = 1 AND attempt > ?1)",
		e);
	if (!rc) {
		sqlite3_bind_int64(st, 1, after);
		rc = reader_step(r, st, e);
		if (rc == 1) {
			*ret_a = sqlite3_column_int64(st, 0);
			rc = 0;
		}
	}
	db_finalize(&st);
	reader_end(r);
	return rc;
}

enum look { LOOK_NO, LOOK_YES, LOOK_TOO_NEW };

static int look_at(struct store_reader *r, int64_t attempt, int64_t before_ms, bool settled,
	enum look *ret_l, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = reader_begin(r, READER_CONTROL, STORE_READ_MS, e);

	*ret_l = LOOK_NO;
	if (rc)
		return rc;
	rc = reader_prepare(r, &st,
		"SELECT a.created_ms, j.ended_ms, a.spool, p.id IS NOT NULL FROM attempts AS a"
		" JOIN jobs AS j ON j.id = a.job LEFT JOIN pins AS p ON p.id = j.id WHERE a.id = "
		"?1",
		e);
	if (!rc) {
		sqlite3_bind_int64(st, 1, attempt);
		rc = reader_step(r, st, e);
	}
	if (rc == 1) {
		int64_t ended_ms = sqlite3_column_int64(st, 1);

		if (sqlite3_column_int64(st, 0) >= before_ms)
			*ret_l = LOOK_TOO_NEW;
		else if (ended_ms && ended_ms < before_ms && !sqlite3_column_int(st, 3) &&
			 !(settled && sqlite3_column_int(st, 2)))
			*ret_l = LOOK_YES;
		rc = 0;
	}
	db_finalize(&st);
	reader_end(r);
	return rc;
}

int upkeep_find(struct store_reader *r, enum upkeep_part part, int64_t before_ms, bool settled,
	int64_t *cursor, int64_t *ret_attempt, bool *ret_more, struct err *e)
{
	enum look look;

	*ret_attempt = 0;
	*ret_more = false;
	for (int i = 0; i < FIND_ATTEMPTS; i++) {
		int64_t attempt = 0;
		int rc = next_with(r, part, *cursor, &attempt, e);

		if (!rc && attempt)
			rc = look_at(r, attempt, before_ms, settled, &look, e);
		/* Ids rise with time: what follows was created later and cannot be old enough. */
		if (rc || !attempt || look == LOOK_TOO_NEW)
			return rc;
		*cursor = attempt;
		if (look == LOOK_YES) {
			*ret_attempt = attempt;
			*ret_more = true;
			return 0;
		}
	}
	*ret_more = true;
	return 0;
}

/* ---- pieces ---- */

struct piece {
	int64_t attempt, now_ms, before_ms;
	enum upkeep_part part;
	enum upkeep_table table;
	int64_t until_ms; /* monotonic */
	struct upkeep_done done;
};

static bool is_over(const struct piece *p)
{
	return clock_mono_ms() >= p->until_ms;
}

static int run_bound(struct db *db, const char *sql, int64_t a, int64_t b, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = db_prepare(db, &st, sql, e);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, a);
	if (sqlite3_bind_parameter_count(st) > 1)
		sqlite3_bind_int64(st, 2, b);
	rc = db_run(db, st, e, "removing what is old");
	db_finalize(&st);
	return rc;
}

/* Fills ids with what `sql` (bound to a, and b) gives, id and bytes; returns how many, or an error. */
static int collect(struct db *db, const char *sql, int64_t a, int64_t b,
	int64_t ids[UPKEEP_PIECE_ROWS], int64_t *bytes, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int n = 0, rc = db_prepare(db, &st, sql, e);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, a);
	if (sqlite3_bind_parameter_count(st) > 1)
		sqlite3_bind_int64(st, 2, b);
	while (n < UPKEEP_PIECE_ROWS && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		ids[n++] = sqlite3_column_int64(st, 0);
		if (bytes)
			*bytes += sqlite3_column_int64(st, 1);
	}
	rc = n < UPKEEP_PIECE_ROWS && rc != SQLITE_DONE
	             ? db_error(db, rc, e, "looking for what is old")
	             : n;
	db_finalize(&st);
	return rc;
}

/* Rows of one table that belong to a stream, gone, or what is to be kept of them moved before. *ret_all:
 * there are no more. */
static int remove_chunks(struct db *db, struct piece *p, int64_t stream, const char *find,
	const char *move, const char *del, bool *ret_all, struct err *e)
{
	int64_t ids[UPKEEP_PIECE_ROWS], bytes = 0;
	int n = collect(db, find, stream, 0, ids, &bytes, e), rc = 0;

	for (int i = 0; i < n && !rc && move; i++)
		rc = run_bound(db, move, ids[i], 0, e);
	for (int i = 0; i < n && !rc; i++)
		rc = run_bound(db, del, ids[i], 0, e);
	if (n < 0 || rc)
		return n < 0 ? n : rc;
	p->done.bytes += bytes;
	p->done.rows += n;
	*ret_all = n < UPKEEP_PIECE_ROWS;
	return 0;
}

static int remove_values(
	struct db *db, struct piece *p, int64_t stream, bool *ret_all, struct err *e)
{
	return remove_chunks(db, p, stream,
		"SELECT id, length(data) FROM chunks WHERE stream = ?1 ORDER BY seq LIMIT 64",
		"INSERT INTO aged (stream, seq, t_first, t_last, seconds) SELECT stream, seq, "
		"t_first,"
		" t_last, seconds FROM chunks WHERE id = ?1",
		"DELETE FROM chunks WHERE id = ?1", ret_all, e);
}

static int remove_everything(
	struct db *db, struct piece *p, int64_t stream, bool *ret_all, struct err *e)
{
	int rc = remove_chunks(db, p, stream,
		"SELECT id, length(data) + length(seconds) FROM chunks WHERE stream = ?1 LIMIT 64",
		NULL, "DELETE FROM chunks WHERE id = ?1", ret_all, e);

	if (rc || !*ret_all)
		return rc;
	return remove_chunks(db, p, stream,
		"SELECT id, length(seconds) FROM aged WHERE stream = ?1 LIMIT 64", NULL,
		"DELETE FROM aged WHERE id = ?1", ret_all, e);
}
_Static_assert(UPKEEP_PIECE_ROWS == 64, "the LIMITs above");

static int remove_of_stream(
	struct db *db, struct piece *p, int64_t stream, bool *ret_all, struct err *e)
{
	bool raw = p->part == UPKEEP_RAW;
	int rc;

	/* First of all it says so: from here on nobody takes what is left for all there was. */
	rc = run_bound(db,
		raw ? "UPDATE streams SET raw_removed_ms = ?2 WHERE id = ?1 AND raw_removed_ms = 0"
		    : "UPDATE streams SET rollups_removed_ms = ?2, raw_removed_ms ="
		      " iif(raw_removed_ms, raw_removed_ms, ?2) WHERE id = ?1 AND"
		      " rollups_removed_ms = 0",
		stream, p->now_ms, e);
	do
		rc = rc    ? rc
		     : raw ? remove_values(db, p, stream, ret_all, e)
		           : remove_everything(db, p, stream, ret_all, e);
	while (!rc && !*ret_all && !is_over(p));
	if (!rc && *ret_all)
		rc = run_bound(db,
			raw ? "UPDATE streams SET kept = 1 WHERE id = ?1"
			    : "UPDATE streams SET kept = 0 WHERE id = ?1",
			stream, 0, e);
	return rc;
}

static int remove_of_attempt(struct db *db, struct piece *p, struct err *e)
{
	bool raw = p->part == UPKEEP_RAW, all = true;
	int64_t ids[UPKEEP_PIECE_ROWS];
	int n, rc;

	/* What has nothing of the part is done with. */
	rc = run_bound(db,
		raw ? "UPDATE streams SET kept = 1 WHERE attempt = ?1 AND kept = 2 AND "
		      "NOT " IS_SERIES
		    : "UPDATE streams SET kept = 0 WHERE attempt = ?1 AND kept > 0 AND " IS_KEPT,
		p->attempt, 0, e);
	if (rc)
		return rc;
	n = collect(db,
		raw ? "SELECT id FROM streams WHERE attempt = ?1 AND kept = 2"
		    : "SELECT id FROM streams WHERE attempt = ?1 AND kept > 0",
		p->attempt, 0, ids, NULL, e);
	if (n < 0)
		return n;
	for (int i = 0; i < n && !rc; i++) {
		if (i && is_over(p)) {
			all = false;
			break;
		}
		rc = remove_of_stream(db, p, ids[i], &all, e);
		if (!all)
			break;
	}
	p->done.more = !all || n == UPKEEP_PIECE_ROWS;
	return rc;
}

/* Within a transaction of its own; what failed changed nothing. */
static int in_transaction(struct db *db, struct piece *p,
	int (*fn)(struct db *db, struct piece *p, struct err *e), struct err *e)
{
	int rc = db_exec(db, "BEGIN IMMEDIATE", e);

	p->until_ms = clock_mono_ms() + UPKEEP_PIECE_MS;
	if (!rc)
		rc = fn(db, p, e);
	if (!rc)
		rc = db_exec(db, "COMMIT", e);
	if (rc)
		db_rollback(db);
	return rc;
}

static int attempt_piece(struct db *db, void *arg, struct err *e)
{
	return in_transaction(db, arg, remove_of_attempt, e);
}

static int give(int rc, const struct piece *p, struct upkeep_done *ret_d)
{
	if (rc)
		*ret_d = (struct upkeep_done){0};
	else
		*ret_d = p->done;
	return rc;
}

int upkeep_remove(struct store *s, int64_t attempt, enum upkeep_part part, int64_t now_ms,
	struct upkeep_done *ret_d, struct err *e)
{
	struct piece p = {.attempt = attempt, .part = part, .now_ms = now_ms};

	return give(alone_run(s, UPKEEP_SAMPLES, attempt_piece, &p, e), &p, ret_d);
}

/* ---- rows of the control plane ---- */

/* In the order of ids, which is that of time. id, time, whether it stays. */
static const struct {
	const char *walk, *del;
} row_sql[UPKEEP_TABLES] = {
	[UPKEEP_EVENTS] =
		{"SELECT id, at_ms, job IN (SELECT id FROM pins) FROM events WHERE id > ?1"
		 " AND id < (SELECT max(id) FROM events) ORDER BY id",
			"DELETE FROM events WHERE id = ?1"},
	[UPKEEP_AUDIT] = {"SELECT id, at_ms, 0 FROM audit WHERE id > ?1"
			  " AND id < (SELECT max(id) FROM audit) ORDER BY id",
		"DELETE FROM audit WHERE id = ?1"},
	[UPKEEP_LEASES] = {"SELECT id, ended_ms, 0 FROM leases WHERE ended_ms > 0 AND id <> ?1"
			   " AND id < (SELECT max(id) FROM leases) ORDER BY ended_ms",
		"DELETE FROM leases WHERE id = ?1"},
};

/* The first that is young ends the walk, so what is kept is not walked over. Returns how many ids. */
static int collect_old(struct db *db, struct piece *p, int64_t *last,
	int64_t ids[UPKEEP_PIECE_ROWS], struct err *e)
{
	sqlite3_stmt *st = NULL;
	int n = 0, rc = db_prepare(db, &st, row_sql[p->table].walk, e);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, *last);
	while (n < UPKEEP_PIECE_ROWS && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (sqlite3_column_int64(st, 1) >= p->before_ms) {
			rc = SQLITE_DONE;
			break;
		}
		*last = sqlite3_column_int64(st, 0);
		if (!sqlite3_column_int(st, 2))
			ids[n++] = *last;
	}
	if (n < UPKEEP_PIECE_ROWS && rc != SQLITE_DONE)
		n = db_error(db, rc, e, "looking for old rows");
	db_finalize(&st);
	return n;
}

static int remove_rows(struct db *db, struct piece *p, struct err *e)
{
	int64_t ids[UPKEEP_PIECE_ROWS], walked = 0, removed = 0;
	char number[24];
	int n, rc = 0;

	do {
		n = collect_old(db, p, &walked, ids, e);
		for (int i = 0; i < n && !rc; i++)
			rc = run_bound(db, row_sql[p->table].del, ids[i], 0, e);
		if (n < 0 || rc)
			return n < 0 ? n : rc;
		p->done.rows += n;
		removed = n ? ids[n - 1] : removed;
	} while (n == UPKEEP_PIECE_ROWS && !is_over(p));
	p->done.more = n == UPKEEP_PIECE_ROWS;
	if (p->table != UPKEEP_EVENTS || !removed)
		return 0;
	snprintf(number, sizeof(number), "%lld", (long long)removed);
	return db_meta_put(db, UPKEEP_EVENTS_KEY, number, e);
}

static int rows_piece(struct db *db, void *arg, struct err *e)
{
	return in_transaction(db, arg, remove_rows, e);
}

int upkeep_rows(struct store *s, enum upkeep_table t, int64_t before_ms, struct upkeep_done *ret_d,
	struct err *e)
{
	struct piece p = {.table = t, .before_ms = before_ms};
	int rc = alone_run(s, UPKEEP_CONTROL, rows_piece, &p, e);

	if (!rc && t == UPKEEP_EVENTS && p.done.rows)
		rc = store_read_events_removed(s, e);
	return give(rc, &p, ret_d);
}

/* ---- room ---- */

int upkeep_room(
	struct store_reader *r, enum upkeep_file f, struct upkeep_room *ret_r, struct err *e)
{
	int64_t pages = 0, unused = 0, page_bytes = 0;
	int rc = reader_begin(
		r, f == UPKEEP_CONTROL ? READER_CONTROL : READER_SAMPLES, STORE_READ_MS, e);

	if (rc)
		return rc;
	rc = db_int(reader_db(r), "PRAGMA page_count", 0, &pages, e);
	if (!rc)
		rc = db_int(reader_db(r), "PRAGMA freelist_count", 0, &unused, e);
	if (!rc)
		rc = db_int(reader_db(r), "PRAGMA page_size", 0, &page_bytes, e);
	reader_end(r);
	*ret_r = (struct upkeep_room){pages * page_bytes, unused * page_bytes};
	return rc;
}

static int shrink(struct db *db, struct piece *p, struct err *e)
{
	int64_t before = 0, after = 0, page_bytes = 0;
	char sql[64];
	int rc = db_int(db, "PRAGMA freelist_count", 0, &before, e);

	if (!rc)
		rc = db_int(db, "PRAGMA page_size", 0, &page_bytes, e);
	after = before;
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
	while (!rc && after && !is_over(p)) {
		rc = db_exec(db, sql, e);
		if (!rc)
			rc = db_int(db, "PRAGMA freelist_count", 0, &after, e);
	}
	p->done.bytes = (before - after) * page_bytes;
	p->done.more = after > 0;
	return rc;
}

static int shrink_piece(struct db *db, void *arg, struct err *e)
{
	return in_transaction(db, arg, shrink, e);
}

int upkeep_shrink(struct store *s, enum upkeep_file f, struct upkeep_done *ret_d, struct err *e)
{
	struct piece p = {0};

	return give(alone_run(s, f, shrink_piece, &p, e), &p, ret_d);
}
