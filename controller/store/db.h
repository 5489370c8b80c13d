/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to one SQLite file: opening it with our settings, errors in our codes, the few
 * calls that everything here is made of. A connection belongs to one thread at a time. This folder
 * alone includes sqlite3.h.
 */
#ifndef FRAMEFARM_STORE_DB_H
#define FRAMEFARM_STORE_DB_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

struct err;

struct db {
	sqlite3 *h;
	const char *name; /* "control.db" */
	int busy_ms;
	char dir[PATH_MAX];
	char path[PATH_MAX + 32];
};

/* What a writing connection is opened with. */
struct db_setup {
	const char *dir;
	const char *name;
	int page_bytes; /* of a file that is created now */
	int cache_kib;
	int busy_ms;
};

/* Opens, and creates with mode 0600 when it is not there, the file for its only writer. */
int db_open_writer(struct db *db, const struct db_setup *setup, struct err *e);
/* Opens for reading; the file must exist. This connection never writes nor checkpoints. */
int db_open_reader(struct db *db, const char *dir, const char *name, struct err *e);
/* Opens a file that is nobody's at this moment (a copy), as it is. flags: SQLITE_OPEN_READONLY or
 * _READWRITE. */
int db_open_file(struct db *db, const char *dir, const char *name, int flags, struct err *e);
void db_close(struct db *db); /* a db of zeros is allowed */

/* Fills *e with what SQLite says about its last failure on this connection and returns the code of
 * our list: ERR_NOSPACE, ERR_BUSY, ERR_CORRUPT, ERR_CONSTRAINT, ERR_TIMEOUT (interrupted) or
 * ERR_IO for all that may pass. `what` names the work, "storing jobs 17". */
int db_error(struct db *db, int rc, struct err *e, const char *what);

int db_exec(struct db *db, const char *sql, struct err *e);
/* A statement that lives as long as the connection's owner keeps it (db_finalize()). */
int db_prepare(struct db *db, sqlite3_stmt **ret_st, const char *sql, struct err *e);
void db_finalize(sqlite3_stmt **st); /* NULL within is allowed */
/* Runs a statement that gives no rows, and makes it ready for the next binding. */
int db_run(struct db *db, sqlite3_stmt *st, struct err *e, const char *what);
/* The one integer that `sql` gives; `fallback` when it gives no row. */
int db_int(struct db *db, const char *sql, int64_t fallback, int64_t *ret_v, struct err *e);
/* Ends a transaction that failed, whatever state it is in. */
void db_rollback(struct db *db);
/* sqlite3_wal_checkpoint_v2() that waits for nobody. Returns SQLite's code: SQLITE_BUSY when
 * readers kept it from finishing. */
int db_checkpoint(struct db *db, int mode, int *ret_frames, int *ret_done);
/* Whether the file is no longer at its path: deleted or replaced below us. */
bool db_moved(struct db *db);

/* meta: named settings, in both files. "" when there is none. */
int db_meta_get(struct db *db, const char *key, char *dst, size_t size, struct err *e);
int db_meta_put(struct db *db, const char *key, const char *value, struct err *e);

#endif
