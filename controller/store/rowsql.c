/* SPDX-License-Identifier: Apache-2.0 */
/* SQL by row tables; see rowsql.h. */
#include "store/rowsql.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/row.h"
#include "base/rstr.h"
#include "base/str.h"
#include "store/db.h"

void rowsql_add(char dst[ROWSQL_MAX], const char *fmt, ...)
{
	size_t n = strlen(dst);
	va_list ap;
	int added;

	va_start(ap, fmt);
	added = vsnprintf(dst + n, ROWSQL_MAX - n, fmt, ap);
	va_end(ap);
	assert(added >= 0 && n + (size_t)added < ROWSQL_MAX);
}

static void add_columns(char dst[ROWSQL_MAX], const struct row_table *t)
{
	for (int i = 0; i < t->n_cols; i++)
		rowsql_add(dst, "%s\"%s\"", i ? ", " : "", t->cols[i].name);
}

void rowsql_upsert(char dst[ROWSQL_MAX], const struct row_table *t)
{
	dst[0] = '\0';
	rowsql_add(dst, "INSERT INTO \"%s\" (", t->name);
	add_columns(dst, t);
	rowsql_add(dst, ") VALUES (");
	for (int i = 0; i < t->n_cols; i++)
		rowsql_add(dst, "%s?%d", i ? ", " : "", i + 1);
	rowsql_add(dst, ") ON CONFLICT (\"%s\") DO UPDATE SET ", t->cols[0].name);
	for (int i = 1; i < t->n_cols; i++)
		rowsql_add(dst, "%s\"%s\" = excluded.\"%s\"", i > 1 ? ", " : "", t->cols[i].name,
			t->cols[i].name);
}

void rowsql_select(char dst[ROWSQL_MAX], const struct row_table *t)
{
	dst[0] = '\0';
	rowsql_add(dst, "SELECT ");
	add_columns(dst, t);
	rowsql_add(dst, " FROM \"%s\"", t->name);
}

static int bind_column(sqlite3_stmt *st, int i, const struct row_col *c, const void *row)
{
	const char *p = (const char *)row + c->off;
	const struct rstr *s;

	switch (c->kind) {
	case ROW_INT:
		return sqlite3_bind_int64(st, i, *(const int64_t *)p);
	case ROW_TEXT:
		return sqlite3_bind_text(st, i, p, (int)strnlen(p, c->size), SQLITE_STATIC);
	case ROW_LONG:
		s = *(struct rstr *const *)p;
		if (!s)
			return sqlite3_bind_null(st, i);
		return sqlite3_bind_text64(
			st, i, rstr_text(s), rstr_len(s), SQLITE_STATIC, SQLITE_UTF8);
	}
	return SQLITE_MISUSE;
}

int rowsql_bind(sqlite3_stmt *st, const struct row_table *t, const void *row)
{
	int rc = SQLITE_OK;

	for (int i = 0; i < t->n_cols && !rc; i++)
		rc = bind_column(st, i + 1, &t->cols[i], row);
	return rc;
}

static int read_column(sqlite3_stmt *st, int i, const struct row_col *c, void *row)
{
	char *p = (char *)row + c->off;
	const char *text;

	switch (c->kind) {
	case ROW_INT:
		*(int64_t *)p = sqlite3_column_int64(st, i);
		return 0;
	case ROW_TEXT:
		text = (const char *)sqlite3_column_text(st, i);
		return str_copy(p, c->size, text ? text : "") ? 0 : -1;
	case ROW_LONG:
		text = (const char *)sqlite3_column_text(st, i);
		if (text)
			*(struct rstr **)p = rstr_new(text, (size_t)sqlite3_column_bytes(st, i));
		return 0;
	}
	return 0;
}

int rowsql_read(
	struct db *db, sqlite3_stmt *st, const struct row_table *t, void *ret_row, struct err *e)
{
	memset(ret_row, 0, t->size);
	for (int i = 0; i < t->n_cols; i++) {
		if (!read_column(st, i, &t->cols[i], ret_row))
			continue;
		row_release(t, ret_row);
		return err_set(e, ERR_CORRUPT, "%s: %s %lld: column %s is longer than %zu bytes",
			db->path, t->name, (long long)sqlite3_column_int64(st, 0), t->cols[i].name,
			t->cols[i].size - 1);
	}
	return 0;
}
