/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the control plane's rows: all of them at start, pages of them for the API. */
#include "store/store.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/readers.h"
#include "store/read.h"
#include "store/rowsql.h"

/* Runs a bound statement and hands its rows on. */
static int each_row(struct store_reader *r, sqlite3_stmt *st, const struct row_table *t,
	int (*fn)(void *arg, const void *row), void *arg, struct err *e)
{
	void *row = mem_alloc(t->size);
	int rc;

	while ((rc = reader_step(r, st, e)) == 1) {
		rc = rowsql_read(reader_db(r), st, t, row, e);
		if (rc)
			break;
		rc = fn(arg, row);
		row_release(t, row);
		if (rc)
			break;
	}
	mem_free(row);
	return rc;
}

int read_all_rows(struct store_reader *r, const struct row_table *t,
	int (*fn)(void *arg, const void *row), void *arg, struct err *e)
{
	sqlite3_stmt *st = NULL;
	char sql[ROWSQL_MAX];
	int rc;

	rowsql_select(sql, t);
	rowsql_add(sql, " ORDER BY \"%s\"", t->cols[0].name);
	rc = reader_begin(r, READER_CONTROL, 0, e);
	if (rc)
		return rc;
	rc = reader_prepare(r, &st, sql, e);
	if (!rc)
		rc = each_row(r, st, t, fn, arg, e);
	db_finalize(&st);
	reader_end(r);
	return rc;
}

/* ---- pages ---- */

static const struct row_col *find_column(const struct row_table *t, const char *name)
{
	for (int i = 0; i < t->n_cols; i++)
		if (!strcmp(t->cols[i].name, name))
			return &t->cols[i];
	return NULL;
}

/* Filters' columns may come from a URL: only the table's own name of a column enters the SQL. */
static int add_filters(char sql[ROWSQL_MAX], const struct row_table *t,
	const struct store_page *page, const char *before, struct err *e)
{
	for (int i = 0; i < page->n_filters; i++) {
		const struct row_col *c = find_column(t, page->filters[i].column);

		if (!c || c->kind == ROW_LONG)
			return err_set(e, ERR_INVAL, "%s cannot be selected by %.64s", t->name,
				page->filters[i].column);
		if ((c->kind == ROW_TEXT) != (page->filters[i].text != NULL))
			return err_set(e, ERR_INVAL, "%s of %s is %s", c->name, t->name,
				c->kind == ROW_TEXT ? "a text" : "a number");
		rowsql_add(sql, "%s \"%s\" = ?%d", i ? " AND" : before, c->name, i + 1);
	}
	return 0;
}

static void bind_filters(sqlite3_stmt *st, const struct store_page *page)
{
	for (int i = 0; i < page->n_filters; i++) {
		const struct store_filter *f = &page->filters[i];

		if (f->text)
			sqlite3_bind_text(st, i + 1, f->text, -1, SQLITE_STATIC);
		else
			sqlite3_bind_int64(st, i + 1, f->num);
	}
}

#define FILTERS_MAX ((int)(sizeof(((struct store_page *)0)->filters) / sizeof(struct store_filter)))
#define AT_AFTER    (FILTERS_MAX + 1)
#define AT_BEFORE   (FILTERS_MAX + 2)
#define AT_LIMIT    (FILTERS_MAX + 3)

static int page_sql(char sql[ROWSQL_MAX], const struct row_table *t, const struct store_page *page,
	struct err *e)
{
	const char *id = t->cols[0].name;
	int rc;

	rowsql_select(sql, t);
	rowsql_add(sql, " WHERE \"%s\" > ?%d", id, AT_AFTER);
	if (page->before)
		rowsql_add(sql, " AND \"%s\" < ?%d", id, AT_BEFORE);
	rc = add_filters(sql, t, page, " AND", e);
	rowsql_add(sql, " ORDER BY \"%s\"%s LIMIT ?%d", id,
		page->before || page->descending ? " DESC" : "", AT_LIMIT);
	return rc;
}

int store_rows(struct store_reader *r, const struct row_table *t, const struct store_page *page,
	int (*fn)(void *arg, const void *row), void *arg, struct err *e)
{
	sqlite3_stmt *st = NULL;
	char sql[ROWSQL_MAX];
	int rc;

	assert(page->limit >= 1 && page->limit <= STORE_ROWS_MAX);
	assert(page->n_filters >= 0 && page->n_filters <= FILTERS_MAX);
	rc = page_sql(sql, t, page, e);
	if (!rc)
		rc = reader_begin(r, READER_CONTROL, STORE_READ_MS, e);
	if (rc)
		return rc;
	rc = reader_prepare(r, &st, sql, e);
	if (!rc) {
		bind_filters(st, page);
		sqlite3_bind_int64(st, AT_AFTER, page->after);
		if (page->before)
			sqlite3_bind_int64(st, AT_BEFORE, page->before);
		sqlite3_bind_int(st, AT_LIMIT, page->limit);
		rc = each_row(r, st, t, fn, arg, e);
	}
	db_finalize(&st);
	reader_end(r);
	return rc;
}

int64_t store_row_count(struct store_reader *r, const struct row_table *t,
	const struct store_page *page, struct err *e)
{
	sqlite3_stmt *st = NULL;
	char sql[ROWSQL_MAX] = "";
	int64_t n = 0;
	int rc;

	rowsql_add(sql, "SELECT count(*) FROM \"%s\"", t->name);
	rc = add_filters(sql, t, page, " WHERE", e);
	if (!rc)
		rc = reader_begin(r, READER_CONTROL, STORE_READ_MS, e);
	if (rc)
		return rc;
	rc = reader_prepare(r, &st, sql, e);
	if (!rc) {
		bind_filters(st, page);
		rc = reader_step(r, st, e);
		if (rc == 1)
			n = sqlite3_column_int64(st, 0);
	}
	db_finalize(&st);
	reader_end(r);
	return rc < 0 ? rc : n;
}
