/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas and migrations; see schema.h. The SQL files are embedded by the assembler. */
#include "store/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/row.h"
#include "base/str.h"
#include "store/db.h"
#include "store/store.h"

/* Up to this size the whole file is checked at each start (some hundred milliseconds from a cold
 * disk); a farm's years of results would take minutes. */
#define QUICK_CHECK_BYTES (64 * 1024 * 1024)

#define AUTO_VACUUM_INCREMENTAL 2

/* The text of a file of the tree as a C string. The path is relative to the tree's root, where
 * make runs; etc/build/store.mk tells make of the dependency. */
#define EMBED(symbol, path)                                                                        \
	__asm__(".section .rodata\n" #symbol ":\n.incbin \"" path "\"\n.byte 0\n.previous\n");     \
	extern const char symbol[] __attribute__((visibility("hidden")))

EMBED(schema_control_1_sql, "controller/store/schema/control_1.sql");
EMBED(schema_control_2_sql, "controller/store/schema/control_2.sql");
EMBED(schema_control_3_sql, "controller/store/schema/control_3.sql");
EMBED(schema_samples_1_sql, "controller/store/schema/samples_1.sql");
EMBED(schema_samples_2_sql, "controller/store/schema/samples_2.sql");
EMBED(schema_samples_3_sql, "controller/store/schema/samples_3.sql");

static const char *const control_steps[] = {
	schema_control_1_sql,
	schema_control_2_sql,
	schema_control_3_sql,
};

static const char *const samples_steps[] = {
	schema_samples_1_sql,
	schema_samples_2_sql,
	schema_samples_3_sql,
};

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
_Static_assert(COUNT(control_steps) == STORE_SCHEMA_CONTROL, "a step for each version");
_Static_assert(COUNT(samples_steps) == STORE_SCHEMA_SAMPLES, "a step for each version");

const struct schema schema_control = {0x46466374 /* "FFct" */, COUNT(control_steps), control_steps};
const struct schema schema_samples = {0x4646736d /* "FFsm" */, COUNT(samples_steps), samples_steps};

/* ---- looking ---- */

/* A new file has neither tables nor our mark. A file of somebody else's has tables. */
static int look(struct db *db, const struct schema *sc, int *ret_version, struct err *e)
{
	int64_t app = 0, version = 0, tables = 0;
	int rc;

	rc = db_int(db, "PRAGMA application_id", 0, &app, e);
	if (!rc)
		rc = db_int(db, "PRAGMA user_version", 0, &version, e);
	if (!rc)
		rc = db_int(db, "SELECT count(*) FROM sqlite_schema", 0, &tables, e);
	if (rc)
		return rc;
	if (app != sc->application_id && (app || version || tables))
		return err_set(e, ERR_CORRUPT,
			"%s is not a file of framefarm's: move it away, or choose another data"
			" directory",
			db->path);
	if (version > sc->version)
		return err_set(e, ERR_VERSION,
			"%s has schema %d, this framefarm knows up to %d: start the newer framefarm"
			" that wrote it, or restore a backup from before the upgrade",
			db->path, (int)version, sc->version);
	*ret_version = (int)version;
	return 0;
}

int schema_look(struct db *db, const struct schema *sc, struct err *e)
{
	int version = 0, rc = look(db, sc, &version, e);

	if (!rc && !version)
		rc = err_set(e, ERR_CORRUPT, "%s is empty", db->path);
	return rc;
}

static int quick_check(struct db *db, struct err *e)
{
	char found[256];
	sqlite3_stmt *st = NULL;
	int rc, code;

	code = db_prepare(db, &st, "PRAGMA quick_check(1)", e);
	if (code)
		return code;
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW) {
		code = db_error(db, rc, e, "checking it");
	} else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok")) {
		str_copy_clean(found, sizeof(found), (const char *)sqlite3_column_text(st, 0),
			(size_t)sqlite3_column_bytes(st, 0));
		code = db_error(db, SQLITE_CORRUPT, e, found);
	}
	db_finalize(&st);
	return code;
}

/* Of a large file: both ends of each table, so its root, a leaf at each edge and the way there. */
static int check_edges(struct db *db, struct err *e)
{
	char name[128], sql[384];
	sqlite3_stmt *tables = NULL;
	int64_t ignored;
	int rc, code;

	code = db_prepare(db, &tables,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'meta'"
		" AND name NOT LIKE 'sqlite_%'",
		e);
	if (code)
		return code;
	while ((rc = sqlite3_step(tables)) == SQLITE_ROW) {
		snprintf(name, sizeof(name), "%s", (const char *)sqlite3_column_text(tables, 0));
		snprintf(sql, sizeof(sql),
			"SELECT (SELECT min(id) FROM \"%s\") | (SELECT max(id) FROM \"%s\")", name,
			name);
		code = db_int(db, sql, 0, &ignored, e);
		if (code)
			break;
	}
	if (!code && rc != SQLITE_DONE)
		code = db_error(db, rc, e, "reading its schema");
	db_finalize(&tables);
	return code;
}

static int check_health(struct db *db, struct err *e)
{
	int64_t pages = 0, page_bytes = 0;
	int rc = db_int(db, "PRAGMA page_count", 0, &pages, e);

	if (!rc)
		rc = db_int(db, "PRAGMA page_size", 0, &page_bytes, e);
	if (rc)
		return rc;
	return pages * page_bytes <= QUICK_CHECK_BYTES ? quick_check(db, e) : check_edges(db, e);
}

/* ---- raising ---- */

/*
 * A file that another tool wrote (sqlite3's .recover or .dump, which our own advice names) has no map of
 * its pages, so what is removed from it would never leave it. Making the map rewrites the file once.
 */
static int make_shrinkable(struct db *db, struct err *e)
{
	int64_t mode = 0, pages = 0, page_bytes = 0;
	int rc = db_int(db, "PRAGMA auto_vacuum", 0, &mode, e);

	if (!rc)
		rc = db_int(db, "PRAGMA page_count", 0, &pages, e);
	if (!rc)
		rc = db_int(db, "PRAGMA page_size", 0, &page_bytes, e);
	if (rc || mode == AUTO_VACUUM_INCREMENTAL)
		return rc;
	log_info("event=store_rewritten file=%s bytes=%lld cause=\"it cannot shrink as it is; this "
		 "is"
		 " done once\"",
		db->path, (long long)(pages * page_bytes));
	/* The mode takes effect with VACUUM, and VACUUM changes it outside WAL mode alone. */
	rc = db_exec(db,
		"PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = INCREMENTAL; VACUUM;"
		"PRAGMA journal_mode = WAL",
		e);
	return rc ? err_wrap(e, "rewriting it, so that it can shrink") : 0;
}

static int step(struct db *db, const struct schema *sc, int version, struct err *e)
{
	char sql[128];
	int rc = db_exec(db, "BEGIN IMMEDIATE", e);

	if (rc)
		return rc;
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		sc->application_id, version);
	rc = db_exec(db, sc->steps[version - 1], e);
	if (!rc)
		rc = db_exec(db, sql, e);
	if (!rc)
		rc = db_exec(db, "COMMIT", e);
	if (rc)
		db_rollback(db);
	return rc;
}

int schema_apply(struct db *db, const struct schema *sc, int *ret_from, struct err *e)
{
	int from = 0, rc;

	rc = look(db, sc, &from, e);
	if (!rc)
		rc = check_health(db, e);
	if (rc)
		return rc;
	for (int version = from + 1; version <= sc->version; version++) {
		rc = step(db, sc, version, e);
		if (rc) {
			err_wrap(e, "raising the schema from %d to %d", version - 1, version);
			return rc;
		}
	}
	rc = make_shrinkable(db, e);
	if (rc)
		return rc;
	*ret_from = from;
	return 0;
}

/* ---- columns ---- */

static int check_column(
	struct db *db, const struct row_table *t, const struct row_col *c, struct err *e)
{
	const char *type = NULL, *want = c->kind == ROW_INT ? "INTEGER" : "TEXT";
	int not_null = 0, rc;

	rc = sqlite3_table_column_metadata(
		db->h, "main", t->name, c->name, &type, NULL, &not_null, NULL, NULL);
	if (rc == SQLITE_ERROR)
		return err_set(e, ERR_CORRUPT, "%s: table %s has no column %s", db->path, t->name,
			c->name);
	if (rc)
		return db_error(db, rc, e, "reading its schema");
	if (strcmp(type, want) || (c->kind == ROW_LONG && not_null))
		return err_set(e, ERR_CORRUPT, "%s: column %s of table %s is %s%s, not %s",
			db->path, c->name, t->name, type, not_null ? " NOT NULL" : "", want);
	return 0;
}

int schema_check_table(struct db *db, const struct row_table *t, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < t->n_cols && !rc; i++)
		rc = check_column(db, t, &t->cols[i], e);
	return rc;
}
