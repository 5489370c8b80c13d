/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded set of read-only connections, and the frame in which every read runs: one snapshot,
 * one deadline. Any thread; a reader belongs to whoever borrowed it.
 */
#ifndef FRAMEFARM_STORE_READERS_H
#define FRAMEFARM_STORE_READERS_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

struct db;
struct err;
struct readers;
struct store_reader;

enum reader_file { READER_CONTROL, READER_SAMPLES, READER_FILES };

struct readers *readers_new(const char *dir, struct err *e);
void readers_free(struct readers *r); /* every reader is back; NULL is allowed */
struct store_reader *readers_get(struct readers *r, int wait_ms, struct err *e);

/* Whether one has met damage; any thread. */
bool readers_damaged(const struct readers *r);

/* While held, no read begins; those that run end by their deadline. Counted. */
void readers_hold(struct readers *r);
void readers_release(struct readers *r);

/*
 * A read: begin, then reader_prepare(), reader_step() …, and reader_end() whatever happened. After
 * `ms` (0: never, for start-up) statements end with ERR_TIMEOUT. reader_step() returns 1 for a row,
 * 0 for the end, or an error.
 */
int reader_begin(struct store_reader *r, enum reader_file file, int ms, struct err *e);
int reader_prepare(struct store_reader *r, sqlite3_stmt **ret_st, const char *sql, struct err *e);
int reader_step(struct store_reader *r, sqlite3_stmt *st, struct err *e);
int reader_error(
	struct store_reader *r, int sqlite_rc, struct err *e); /* what SQLite said of one */
void reader_end(struct store_reader *r);
struct db *reader_db(struct store_reader *r); /* of the read that has begun */

#endif
