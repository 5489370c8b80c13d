/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite connections; see db.h. */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

#define READER_CACHE_KIB 2048

static int set_path(struct db *db, const char *dir, const char *name, struct err *e)
{
	memset(db, 0, sizeof(*db));
	db->name = name;
	if (!str_copy(db->dir, sizeof(db->dir), dir))
		return err_set(e, ERR_TOOBIG, "the data directory's path is longer than %d bytes",
			PATH_MAX - 1);
	snprintf(db->path, sizeof(db->path), "%s/%s", dir, name);
	return 0;
}

/*
 * An empty file with mode 0600, before SQLite makes one by the umask; the -wal and -shm files take
 * over its mode. The directory is synced, so that the name survives a power cut as the rows do.
 */
static int create_private(struct db *db, struct err *e)
{
	int fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int dirfd, rc = 0;

	if (fd < 0)
		return errno == EEXIST ? 0 : err_errno(e, errno, "%s cannot be created", db->path);
	close(fd);
	dirfd = open(db->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || fsync(dirfd))
		rc = err_errno(e, errno, "%s cannot be synced", db->dir);
	if (dirfd >= 0)
		close(dirfd);
	return rc;
}

static int open_handle(struct db *db, int flags, struct err *e)
{
	int rc = sqlite3_open_v2(db->path, &db->h, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc)
		return db_error(db, rc, e, "opening it");
	sqlite3_extended_result_codes(db->h, 1);
	/* A mistyped column in double quotes is an error, not a text. */
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return db_exec(db,
		"PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;"
		"PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON",
		e);
}

/* A file system that cannot share memory (a network share) leaves SQLite in another mode,
 * without an error. */
static int set_wal(struct db *db, struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool wal = false;
	int rc, code;

	code = db_prepare(db, &st, "PRAGMA journal_mode = WAL", e);
	if (code)
		return code;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		wal = !strcmp((const char *)sqlite3_column_text(st, 0), "wal");
	else
		code = db_error(db, rc, e, "setting WAL mode");
	db_finalize(&st);
	if (!code && !wal)
		code = err_set(e, ERR_UNSUPPORTED,
			"%s: this file system cannot carry SQLite's WAL mode; choose a data "
			"directory"
			" on a local disk",
			db->path);
	return code;
}

int db_open_writer(struct db *db, const struct db_setup *setup, struct err *e)
{
	char sql[256];
	int rc;

	rc = set_path(db, setup->dir, setup->name, e);
	if (!rc)
		rc = create_private(db, e);
	if (!rc)
		rc = open_handle(db, SQLITE_OPEN_READWRITE, e);
	if (rc)
		goto out;
	db->busy_ms = setup->busy_ms;
	sqlite3_busy_timeout(db->h, db->busy_ms);
	/* Page size and auto_vacuum count only before the first page is written, WAL writes it. */
	snprintf(sql, sizeof(sql),
		"PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA cache_size = -%d;"
		"PRAGMA synchronous = FULL",
		setup->page_bytes, setup->cache_kib);
	rc = db_exec(db, sql, e);
	if (!rc)
		rc = set_wal(db, e);
out:
	if (rc)
		db_close(db);
	return rc;
}

int db_open_reader(struct db *db, const char *dir, const char *name, struct err *e)
{
	char sql[96];
	int rc = set_path(db, dir, name, e);

	if (!rc)
		rc = open_handle(db, SQLITE_OPEN_READONLY, e);
	if (rc)
		goto out;
	/* Checkpoints belong to the writer alone; by default the last to close makes one. */
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	snprintf(sql, sizeof(sql), "PRAGMA query_only = ON; PRAGMA cache_size = -%d",
		READER_CACHE_KIB);
	rc = db_exec(db, sql, e);
out:
	if (rc)
		db_close(db);
	return rc;
}

int db_open_file(struct db *db, const char *dir, const char *name, int flags, struct err *e)
{
	int rc = set_path(db, dir, name, e);

	if (!rc)
		rc = open_handle(db, flags, e);
	if (rc)
		db_close(db);
	return rc;
}

void db_close(struct db *db)
{
	int rc;

	if (!db->h)
		return;
	rc = sqlite3_close(db->h);
	assert(rc != SQLITE_BUSY); /* a statement of ours was not finalized */
	(void)rc;
	db->h = NULL;
}

static int code_of_io(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_NOSPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERM;
	}
	return ERR_IO;
}

static int code_of(struct db *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return ERR_NOSPACE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return ERR_CONSTRAINT;
	case SQLITE_INTERRUPT:
		return ERR_TIMEOUT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return ERR_PERM;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return code_of_io(db->h ? sqlite3_system_errno(db->h) : 0);
	}
	return ERR_IO;
}

/* Codes that a person mends get what to do; the others say what SQLite says. */
static const char *advice(int code)
{
	switch (code) {
	case ERR_CORRUPT:
		return "; the file is damaged: stop framefarm, keep a copy of the data directory, "
		       "then"
		       " restore a backup (or save what can be read with sqlite3's .recover)";
	case ERR_NOSPACE:
		return "; free some space on this file system";
	}
	return "";
}

int db_error(struct db *db, int rc, struct err *e, const char *what)
{
	const char *says = db->h ? sqlite3_errmsg(db->h) : sqlite3_errstr(rc);
	int errnum = db->h ? sqlite3_system_errno(db->h) : 0;
	bool io = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
	int code = code_of(db, rc);

	assert(rc != SQLITE_MISUSE && rc != SQLITE_RANGE);
	return err_set(e, code, "%s in %s: %s: %s (SQLite %d%s%s)%s", db->name, db->dir, what, says,
		rc, io && errnum ? ", " : "", io && errnum ? strerror(errnum) : "", advice(code));
}

int db_exec(struct db *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);
	char what[48];

	if (!rc)
		return 0;
	str_copy(what, sizeof(what), sql);
	return db_error(db, rc, e, what);
}

int db_prepare(struct db *db, sqlite3_stmt **ret_st, const char *sql, struct err *e)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);

	if (rc)
		return db_error(db, rc, e, "preparing a statement");
	*ret_st = st;
	return 0;
}

void db_finalize(sqlite3_stmt **st)
{
	sqlite3_finalize(*st);
	*st = NULL;
}

int db_run(struct db *db, sqlite3_stmt *st, struct err *e, const char *what)
{
	int rc = sqlite3_step(st), code = 0;

	assert(rc != SQLITE_ROW);
	if (rc != SQLITE_DONE)
		code = db_error(db, rc, e, what);
	sqlite3_reset(st);
	return code;
}

int db_int(struct db *db, const char *sql, int64_t fallback, int64_t *ret_v, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc, code;

	code = db_prepare(db, &st, sql, e);
	if (code)
		return code;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret_v = sqlite3_column_int64(st, 0);
	else if (rc == SQLITE_DONE)
		*ret_v = fallback;
	else
		code = db_error(db, rc, e, sql);
	db_finalize(&st);
	return code;
}

void db_rollback(struct db *db)
{
	/* Some failures (a full disk, say) have rolled back already. */
	if (!sqlite3_get_autocommit(db->h))
		sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
}

int db_checkpoint(struct db *db, int mode, int *ret_frames, int *ret_done)
{
	int rc;

	sqlite3_busy_timeout(db->h, 0);
	rc = sqlite3_wal_checkpoint_v2(db->h, "main", mode, ret_frames, ret_done);
	sqlite3_busy_timeout(db->h, db->busy_ms);
	return rc;
}

bool db_moved(struct db *db)
{
	int moved = 0;

	if (sqlite3_file_control(db->h, "main", SQLITE_FCNTL_HAS_MOVED, &moved))
		return false;
	return moved;
}

int db_meta_get(struct db *db, const char *key, char *dst, size_t size, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc, code;

	code = db_prepare(db, &st, "SELECT value FROM meta WHERE key = ?1", e);
	if (code)
		return code;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const char *value = (const char *)sqlite3_column_text(st, 0);

		if (!str_copy(dst, size, value ? value : ""))
			code = err_set(e, ERR_TOOBIG, "%s: meta %s has more than %zu bytes",
				db->path, key, size - 1);
	} else if (rc == SQLITE_DONE) {
		dst[0] = '\0';
	} else {
		code = db_error(db, rc, e, "reading meta");
	}
	db_finalize(&st);
	return code;
}

int db_meta_put(struct db *db, const char *key, const char *value, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int code;

	code = db_prepare(db, &st,
		"INSERT INTO meta (key, value) VALUES (?1, ?2)"
		" ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		e);
	if (code)
		return code;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, value, -1, SQLITE_STATIC);
	code = db_run(db, st, e, "storing meta");
	db_finalize(&st);
	return code;
}
