/* SPDX-License-Identifier: Apache-2.0 */
/* One SELECT; see query.h. */
#include "store/query.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/db.h"
#include "store/disk.h"
#include "store/schema.h"
#include "store/sqlrows.h"
#include "store/store.h"

#define PROGRESS_STEPS 10000
#define BUSY_MS        5000

static int is_late(void *arg)
{
	return clock_mono_ms() >= *(int64_t *)arg;
}

/* What reads passes; everything else does not: ATTACH, PRAGMA, CREATE, functions that load code. */
static int authorize(
	void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	(void)arg, (void)a, (void)c, (void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return b && !strcmp(b, "load_extension") ? SQLITE_DENY : SQLITE_OK;
	}
	return SQLITE_DENY;
}

/* The views are those of one schema. */
static int check_version(struct db *db, const char *pragma, int want, struct err *e)
{
	int64_t version = 0;
	int rc = db_int(db, pragma, 0, &version, e);

	if (rc || version == want)
		return rc;
	return err_set(e, ERR_VERSION,
		version < want ? "%s is of an older framefarm: start this one once, it brings it up"
			       : "%s is of a newer framefarm: ask with that one",
		db->dir);
}

static int open_both(struct db *db, const char *dir, struct err *e)
{
	char path[PATH_MAX];
	char *sql;
	int rc = disk_path(path, dir, "samples.db", e);

	if (!rc)
		rc = db_open_reader(db, dir, "control.db", e);
	if (rc)
		return rc;
	sqlite3_busy_timeout(db->h, BUSY_MS);
	sql = sqlite3_mprintf("PRAGMA query_only = OFF; ATTACH %Q AS s", path);
	rc = db_exec(db, sql, e);
	sqlite3_free(sql);
	if (!rc)
		rc = schema_look(db, &schema_control, e);
	if (!rc)
		rc = check_version(db, "PRAGMA main.user_version", STORE_SCHEMA_CONTROL, e);
	if (!rc)
		rc = check_version(db, "PRAGMA s.user_version", STORE_SCHEMA_SAMPLES, e);
	if (!rc && sqlrows_add(db->h))
		rc = db_error(db, sqlite3_errcode(db->h), e, "making the views");
	if (!rc)
		rc = db_exec(db, "PRAGMA query_only = ON", e);
	if (rc)
		db_close(db);
	return rc;
}

static void bound(struct db *db)
{
	sqlite3_hard_heap_limit64(QUERY_HEAP_MAX);
	sqlite3_limit(db->h, SQLITE_LIMIT_LENGTH, QUERY_VALUE_MAX);
	sqlite3_limit(db->h, SQLITE_LIMIT_SQL_LENGTH, QUERY_SQL_MAX);
	sqlite3_limit(db->h, SQLITE_LIMIT_COLUMN, QUERY_COLS_MAX);
	sqlite3_limit(db->h, SQLITE_LIMIT_EXPR_DEPTH, 200);
	sqlite3_limit(db->h, SQLITE_LIMIT_ATTACHED, 1);
	sqlite3_set_authorizer(db->h, authorize, NULL);
}

/* What SQLite says about a statement that somebody typed. */
static int refuse(struct db *db, int rc, const struct query *q, struct err *e)
{
	switch (rc & 0xff) {
	case SQLITE_AUTH:
		return err_set(
			e, ERR_INVAL, "only a SELECT may be asked: %s", sqlite3_errmsg(db->h));
	case SQLITE_ERROR:
		return err_set(e, ERR_INVAL,
			"%s (`framefarm sql --schema` lists what can be asked for)",
			sqlite3_errmsg(db->h));
	case SQLITE_INTERRUPT:
		return err_set(e, ERR_TIMEOUT,
			"it took longer than %lld ms; ask for less, or give --time",
			(long long)q->max_ms);
	case SQLITE_NOMEM:
	case SQLITE_TOOBIG:
		return err_set(e, ERR_TOOBIG,
			"it needs more memory than it may have; ask for less at once");
	}
	return db_error(db, rc, e, "reading");
}

static int prepare(struct db *db, const struct query *q, sqlite3_stmt **ret_st, struct err *e)
{
	const char *rest = "";
	sqlite3_stmt *more = NULL;
	int rc = sqlite3_prepare_v2(db->h, q->sql, -1, ret_st, &rest);

	if (rc)
		return refuse(db, rc, q, e);
	if (!*ret_st)
		return err_set(e, ERR_INVAL, "there is no statement");
	if (!sqlite3_prepare_v2(db->h, rest, -1, &more, NULL) && !more &&
		sqlite3_stmt_readonly(*ret_st) && sqlite3_column_count(*ret_st) > 0)
		return 0;
	sqlite3_finalize(more);
	return err_set(e, ERR_INVAL, "give one SELECT, and nothing behind it");
}

static void read_value(sqlite3_stmt *st, int i, struct query_value *v)
{
	static const enum query_type types[] = {[SQLITE_INTEGER] = QUERY_INT,
		[SQLITE_FLOAT] = QUERY_NUM,
		[SQLITE_TEXT] = QUERY_TEXT,
		[SQLITE_BLOB] = QUERY_BLOB,
		[SQLITE_NULL] = QUERY_NULL};

	*v = (struct query_value){.type = types[sqlite3_column_type(st, i)], .text = ""};
	v->i = sqlite3_column_int64(st, i);
	v->f = sqlite3_column_double(st, i);
	if (v->type == QUERY_BLOB)
		v->blob = sqlite3_column_blob(st, i);
	else if (v->type != QUERY_NULL)
		v->text = (const char *)sqlite3_column_text(st, i);
	v->bytes = sqlite3_column_bytes(st, i);
}

static int give_rows(
	struct db *db, sqlite3_stmt *st, const struct query *q, bool *ret_cut, struct err *e)
{
	struct query_value v[QUERY_COLS_MAX];
	const char *names[QUERY_COLS_MAX];
	int n = sqlite3_column_count(st), step, rc;
	int64_t rows = 0;

	for (int i = 0; i < n; i++)
		names[i] = sqlite3_column_name(st, i);
	rc = q->columns(q->arg, n, names);
	while (!rc && (step = sqlite3_step(st)) != SQLITE_DONE) {
		if (step != SQLITE_ROW)
			return refuse(db, step, q, e);
		if (rows++ == q->max_rows) {
			*ret_cut = true;
			return 0;
		}
		for (int i = 0; i < n; i++)
			read_value(st, i, &v[i]);
		rc = q->row(q->arg, n, v);
	}
	return rc;
}

int query_run(const struct query *q, bool *ret_cut, struct err *e)
{
	int64_t until = clock_mono_ms() + q->max_ms;
	sqlite3_stmt *st = NULL;
	struct db db;
	int rc = open_both(&db, q->dir, e);

	if (rc)
		return rc;
	bound(&db);
	*ret_cut = false;
	sqlite3_progress_handler(db.h, PROGRESS_STEPS, is_late, &until);
	rc = prepare(&db, q, &st, e);
	if (!rc)
		rc = give_rows(&db, st, q, ret_cut, e);
	sqlite3_finalize(st);
	db_close(&db);
	return rc;
}

int query_schema(const char *dir,
	int (*view)(void *arg, const char *name, const char *what, const char *columns), void *arg,
	struct err *e)
{
	char columns[2048], sql[128];
	struct db db;
	int rc = open_both(&db, dir, e);

	if (rc)
		return rc;
	for (const struct sqlrows_view *v = sqlrows_views; v->name && !rc; v++) {
		sqlite3_stmt *st;

		snprintf(sql, sizeof(sql), "SELECT * FROM temp.\"%s\"", v->name);
		rc = db_prepare(&db, &st, sql, e);
		if (rc)
			break;
		columns[0] = '\0';
		for (int i = 0; i < sqlite3_column_count(st); i++)
			snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns),
				"%s%s", i ? ", " : "", sqlite3_column_name(st, i));
		sqlite3_finalize(st);
		rc = view(arg, v->name, v->what, columns);
	}
	db_close(&db);
	return rc;
}
