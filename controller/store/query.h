/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SELECT over a data directory, with or without a daemon at work there, for `framefarm sql`. It cannot
 * write, whatever the statement says: both files are opened for reading, and only what reads is let through.
 * Bounded in rows, time, memory and length. Blocks; one owner.
 */
#ifndef FRAMEFARM_STORE_QUERY_H
#define FRAMEFARM_STORE_QUERY_H

#include <stdbool.h>
#include <stdint.h>

struct err;

#define QUERY_COLS_MAX  64
#define QUERY_SQL_MAX   (64 * 1024)
#define QUERY_VALUE_MAX (16 * 1024 * 1024) /* bytes of one value */
#define QUERY_HEAP_MAX  (512LL * 1024 * 1024)

enum query_type { QUERY_NULL, QUERY_INT, QUERY_NUM, QUERY_TEXT, QUERY_BLOB };

struct query_value {
	enum query_type type;
	int64_t i;
	double f;
	const char *text; /* of all but blobs: as text, "" for NULL; until the callback returns */
	const void *blob;
	int bytes;
};

struct query {
	const char *dir;
	const char *sql;
	int64_t max_ms, max_rows;
	/* Once, before the rows. Both: a non-zero return ends it, and is returned. */
	int (*columns)(void *arg, int n, const char *const *names);
	int (*row)(void *arg, int n, const struct query_value *v);
	void *arg;
};

/* 0, with *ret_cut when there were more rows than max_rows; ERR_INVAL (no SELECT, or not one; what the
 * statement may not do), ERR_TIMEOUT, ERR_NOTFOUND (no data directory), ERR_PERM, ERR_TOOBIG, ERR_CORRUPT,
 * ERR_BUSY. */
int query_run(const struct query *q, bool *ret_cut, struct err *e);

/* The views: each with what it is for and its columns. */
int query_schema(const char *dir,
	int (*view)(void *arg, const char *name, const char *what, const char *columns), void *arg,
	struct err *e);

#endif
