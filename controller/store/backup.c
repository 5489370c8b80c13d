/* SPDX-License-Identifier: Apache-2.0 */
/* Copying the files while they are written; see backup.h. */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "store/alone.h"
#include "store/db.h"
#include "store/disk.h"
#include "store/schema.h"
#include "store/store.h"

#define PIECE_PAGES 64 /* between two looks at the clock */

static const char *const names[UPKEEP_FILES] = {"control.db", "samples.db"};

/* ---- one file ---- */

struct copy {
	sqlite3 *to;
	sqlite3_backup *b; /* of the writer's thread */
	bool done;
	int64_t page_bytes, left, all; /* pages */
};

static int copy_error(struct copy *c, int rc, struct err *e)
{
	struct db db = {.h = c->to, .name = "the copy", .dir = ""};

	return db_error(&db, rc, e, "writing it");
}

static int copy_piece(struct db *db, void *arg, struct err *e)
{
	int64_t until = clock_mono_ms() + UPKEEP_PIECE_MS;
	struct copy *c = arg;
	int rc = SQLITE_OK;

	if (!c->b) {
		rc = db_int(db, "PRAGMA page_size", 0, &c->page_bytes, e);
		if (rc)
			return rc;
		c->b = sqlite3_backup_init(c->to, "main", db->h, "main");
		if (!c->b)
			return copy_error(c, sqlite3_errcode(c->to), e);
	}
	while (rc == SQLITE_OK && clock_mono_ms() < until)
		rc = sqlite3_backup_step(c->b, PIECE_PAGES);
	c->left = sqlite3_backup_remaining(c->b);
	c->all = sqlite3_backup_pagecount(c->b);
	if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return 0;
	c->done = true;
	rc = sqlite3_backup_finish(c->b);
	c->b = NULL;
	return rc ? copy_error(c, rc, e) : 0;
}

static int copy_end(struct db *db, void *arg, struct err *e)
{
	struct copy *c = arg;

	(void)db, (void)e;
	if (c->b)
		sqlite3_backup_finish(c->b);
	c->b = NULL;
	return 0;
}

static int sync_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd))
		rc = err_errno(e, errno, "%s cannot be synced", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int copy_file(struct store *s, enum upkeep_file f, const char *path,
	backup_progress_fn *progress, void *arg, struct err *e)
{
	struct copy c = {0};
	int rc, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(e, errno, "%s cannot be written", path);
	close(fd);
	rc = sqlite3_open_v2(path, &c.to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
	if (!rc)
		rc = sqlite3_exec(c.to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL,
			NULL, NULL);
	if (rc)
		rc = copy_error(&c, rc, e);
	while (!rc && !c.done) {
		rc = alone_run(s, f, copy_piece, &c, e);
		if (!rc && !progress(arg, names[f], (c.all - c.left) * c.page_bytes,
				   c.all * c.page_bytes))
			rc = err_set(e, ERR_CANCELLED, "the backup was stopped");
	}
	if (c.b) { /* belongs to the writer's thread, whose connection it reads */
		struct err ignored;

		alone_run(s, f, copy_end, &c, &ignored);
	}
	/* One file, without a log beside it. */
	if (!rc && sqlite3_exec(c.to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL))
		rc = copy_error(&c, sqlite3_errcode(c.to), e);
	sqlite3_close(c.to);
	return rc ? rc : sync_file(path, e);
}

/* ---- the pair ---- */

/* Of attempts that the control file does not know: they began between the two copies. */
static int take_out_unknown(const char *dir, struct err *e)
{
	char control[PATH_MAX], sql[PATH_MAX + 1024];
	struct db db;
	char *quoted;
	int rc = disk_path(control, dir, names[UPKEEP_CONTROL], e);

	if (!rc)
		rc = db_open_file(&db, dir, names[UPKEEP_SAMPLES], SQLITE_OPEN_READWRITE, e);
	if (rc)
		return rc;
	quoted = sqlite3_mprintf("%Q", control);
	snprintf(sql, sizeof(sql),
		"PRAGMA foreign_keys = OFF; ATTACH %s AS c; BEGIN;"
		"CREATE TEMP TABLE gone AS SELECT id FROM streams WHERE attempt >"
		" (SELECT coalesce(max(id), 0) FROM c.attempts);"
		"DELETE FROM facts WHERE stream IN (SELECT id FROM gone);"
		"DELETE FROM chunks WHERE stream IN (SELECT id FROM gone);"
		"DELETE FROM aged WHERE stream IN (SELECT id FROM gone);"
		"DELETE FROM streams WHERE id IN (SELECT id FROM gone);"
		"COMMIT; DETACH c",
		quoted);
	sqlite3_free(quoted);
	rc = db_exec(&db, sql, e);
	db_close(&db);
	return rc;
}

int backup_store(struct store *s, const char *dir, struct manifest *m, backup_progress_fn *progress,
	void *arg, struct err *e)
{
	char path[PATH_MAX];
	int rc = 0;

	for (int f = 0; f < UPKEEP_FILES && !rc; f++) {
		rc = disk_path(path, dir, names[f], e);
		if (!rc)
			rc = copy_file(s, f, path, progress, arg, e);
	}
	if (!rc)
		rc = take_out_unknown(dir, e);
	for (int f = 0; f < UPKEEP_FILES && !rc; f++) {
		progress(arg, "checking", 0, 0);
		rc = backup_check_file(dir, names[f], e);
		if (!rc)
			rc = manifest_add(m, dir, names[f], e);
	}
	m->control_schema = STORE_SCHEMA_CONTROL;
	m->samples_schema = STORE_SCHEMA_SAMPLES;
	return rc;
}

/* ---- checking ---- */

static int check_rows(struct db *db, const char *sql, struct err *e)
{
	char found[256];
	sqlite3_stmt *st = NULL;
	int rc = db_prepare(db, &st, sql, e), step;

	if (rc)
		return rc;
	step = sqlite3_step(st);
	if (step == SQLITE_ROW && sqlite3_column_text(st, 0) &&
		strcmp((const char *)sqlite3_column_text(st, 0), "ok")) {
		str_copy_clean(found, sizeof(found), (const char *)sqlite3_column_text(st, 0),
			(size_t)sqlite3_column_bytes(st, 0));
		rc = err_set(e, ERR_CORRUPT, "%s is damaged: %s", db->path, found);
	} else if (step != SQLITE_ROW && step != SQLITE_DONE) {
		rc = db_error(db, step, e, "checking it");
	}
	db_finalize(&st);
	return rc;
}

int backup_check_file(const char *dir, const char *name, struct err *e)
{
	const struct schema *sc =
		!strcmp(name, names[UPKEEP_CONTROL]) ? &schema_control : &schema_samples;
	struct db db;
	int rc = db_open_file(&db, dir, name, SQLITE_OPEN_READONLY, e);

	if (rc)
		return rc;
	rc = schema_look(&db, sc, e);
	if (!rc)
		rc = check_rows(&db, "PRAGMA integrity_check(1)", e);
	if (!rc)
		rc = check_rows(&db, "PRAGMA foreign_key_check", e);
	db_close(&db);
	return rc;
}
