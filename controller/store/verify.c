/* SPDX-License-Identifier: Apache-2.0 */
/* Reading through the files; see verify.h. */
#include "store/verify.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "store/db.h"
#include "store/readers.h"
#include "store/store.h"

/* The one that follows v->table; "" for none. `meta` has no rowid and is read at each start. */
static int next_table(struct store_reader *r, struct verify *v, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = reader_prepare(r, &st,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name > ?1"
		" AND name <> 'meta' AND name NOT LIKE 'sqlite_%' ORDER BY name LIMIT 1",
		e);

	if (rc)
		return rc;
	sqlite3_bind_text(st, 1, v->table, -1, SQLITE_STATIC);
	rc = reader_step(r, st, e);
	if (rc >= 0) {
		str_copy(v->table, sizeof(v->table),
			rc ? (const char *)sqlite3_column_text(st, 0) : "");
		v->after = INT64_MIN;
		rc = 0;
	}
	db_finalize(&st);
	return rc;
}

/* Values are asked for, so that the pages which a long one goes on in are read too. */
static void read_row(sqlite3_stmt *st, struct verify *v)
{
	v->after = sqlite3_column_int64(st, 0);
	v->n++;
	for (int i = 1; i < sqlite3_column_count(st); i++)
		if (sqlite3_column_blob(st, i))
			v->size += sqlite3_column_bytes(st, i);
}

static int read_rows(struct store_reader *r, struct verify *v, bool *ret_more, struct err *e)
{
	int64_t until = clock_mono_ms() + VERIFY_PIECE_MS;
	sqlite3_stmt *st = NULL;
	char sql[128];
	int rc, n = 0;

	snprintf(sql, sizeof(sql), "SELECT rowid, * FROM \"%s\" WHERE rowid > ?1 ORDER BY rowid",
		v->table);
	rc = reader_prepare(r, &st, sql, e);
	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, v->after);
	*ret_more = true;
	while (n++ < VERIFY_PIECE_ROWS && clock_mono_ms() < until) {
		rc = reader_step(r, st, e);
		if (rc != 1)
			break;
		read_row(st, v);
		if ((sqlite3_errcode(reader_db(r)->h) & 0xff) == SQLITE_CORRUPT) {
			rc = reader_error(r, SQLITE_CORRUPT, e);
			break;
		}
	}
	*ret_more = rc == 1;
	db_finalize(&st);
	return rc < 0 ? rc : 0;
}

int verify_piece(struct store_reader *r, struct verify *v, bool *ret_done, struct err *e)
{
	bool more = false;
	int rc = reader_begin(r, v->file, STORE_READ_MS, e);

	*ret_done = false;
	if (rc)
		return rc;
	if (!*v->table)
		rc = next_table(r, v, e);
	if (!rc && *v->table)
		rc = read_rows(r, v, &more, e);
	if (!rc && *v->table && !more)
		rc = next_table(r, v, e);
	reader_end(r);
	if (!rc && !*v->table)
		*ret_done = ++v->file == READER_FILES;
	return rc;
}
