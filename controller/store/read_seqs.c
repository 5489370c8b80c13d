/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a stream's chunks a stretch of time touches; see read.h. By the index alone, whose pages lie
 * all over the file: each one not looked at is a wait for the disk less. */
#include "store/read.h"

#include <stdio.h>

#include "store/db.h"
#include "store/readers.h"

#define GUESS_EARLY 2 /* chunks */

struct search {
	struct store_reader *r;
	sqlite3_stmt *probe;
	bool by_end; /* the first that ends at or behind t; else that begins there */
	int64_t t;
};

/* 1: the first chunk from seq on is what is looked for, or there is none; 0: it is not, and its number is
 * *ret_seq. */
static int reaches(struct search *s, int64_t seq, int64_t *ret_seq, struct err *e)
{
	int rc;

	sqlite3_bind_int64(s->probe, 2, seq);
	rc = reader_step(s->r, s->probe, e);
	if (rc == 1) {
		*ret_seq = sqlite3_column_int64(s->probe, 0);
		rc = sqlite3_column_int64(s->probe, s->by_end ? 2 : 1) >= s->t;
	} else if (!rc) {
		rc = 1;
	}
	sqlite3_reset(s->probe);
	return rc;
}

/* The first in from <= seq < end, or end. Begins at a guess and goes on from there in steps that double;
 * one that was too far is followed by halving. */
static int find_first(
	struct search *s, int64_t from, int64_t end, int64_t guess, int64_t *ret_seq, struct err *e)
{
	int64_t step = 1, at = guess, seq;

	while (from < end) {
		int rc;

		at = at < from ? from : at < end ? at : end - 1;
		rc = reaches(s, at, &seq, e);
		if (rc < 0)
			return rc;
		if (rc) {
			end = at;
			at = from + (end - from) / 2;
			step = 0;
		} else {
			from = seq + 1;
			at = step ? from + step : from + (end - from) / 2;
			step *= 2;
		}
	}
	*ret_seq = end;
	return 0;
}

/* A few before where it is when chunks come evenly, as most do. */
static int64_t guess_seq(const struct read_stream *s, int64_t t)
{
	double whole = (double)s->t_last - (double)s->t_first;
	double share = ((double)t - (double)s->t_first) / (whole > 0 ? whole : 1);

	return share > 0 ? (int64_t)((share < 1 ? share : 1) * (double)s->mark) - GUESS_EARLY : 0;
}

int read_find_seqs(struct store_reader *r, const char *table, const struct read_stream *stream,
	int64_t t0, int64_t t1, struct read_seqs *ret_q, struct err *e)
{
	struct search s = {.r = r, .by_end = true, .t = t0};
	struct read_seqs q = {0, stream->mark + 1};
	char sql[128];
	int rc;

	if (!stream->ordered) {
		*ret_q = q;
		return 0;
	}
	snprintf(sql, sizeof(sql),
		"SELECT seq, t_first, t_last FROM %s WHERE stream = ?1 AND seq >= ?2"
		" ORDER BY seq LIMIT 1",
		table);
	rc = reader_prepare(r, &s.probe, sql, e);
	if (rc)
		return rc;
	sqlite3_bind_int64(s.probe, 1, stream->id);
	rc = find_first(&s, q.first, q.end, guess_seq(stream, t0), &q.first, e);
	s.by_end = false;
	s.t = t1;
	if (!rc)
		rc = find_first(&s, q.first, q.end, q.first, &q.end, e);
	db_finalize(&s.probe);
	if (!rc)
		*ret_q = q;
	return rc;
}
