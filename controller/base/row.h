/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows described by data. A room that wants its state stored declares a struct and a table of its
 * columns; the store binds and reads by that table, and the simulation compares by it, so a column
 * is written down once.
 *
 * Column 0 is the id: an int64_t, greater than 0, unique in its table.
 */
#ifndef FRAMEFARM_BASE_ROW_H
#define FRAMEFARM_BASE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rstr.h"

enum row_kind {
	ROW_INT,  /* int64_t */
	ROW_TEXT, /* char[size], closed with NUL, UTF-8 */
	ROW_LONG, /* struct rstr *, may be NULL (stored as NULL) */
};

struct row_col {
	const char *name;
	enum row_kind kind;
	size_t off;
	size_t size; /* of a ROW_TEXT, with its NUL */
};

struct row_table {
	const char *name; /* the SQL table */
	size_t size;      /* sizeof the struct */
	const struct row_col *cols;
	int n_cols;
};

#define ROW_COL_INT(type, field)                                                                   \
	{                                                                                          \
#field, ROW_INT, offsetof(struct type, field), sizeof(int64_t)                     \
	}
#define ROW_COL_TEXT(type, field)                                                                  \
	{                                                                                          \
#field, ROW_TEXT, offsetof(struct type, field), sizeof(((struct type *)0)->field)  \
	}
#define ROW_COL_LONG(type, field)                                                                  \
	{                                                                                          \
#field, ROW_LONG, offsetof(struct type, field), sizeof(struct rstr *)              \
	}

int64_t row_id(const struct row_table *t, const void *row);
/* A copy that holds references of its own to the long texts; free with row_free(). */
void *row_copy(const struct row_table *t, const void *row);
void row_free(const struct row_table *t, void *row);    /* a row from row_copy(); NULL allowed */
void row_release(const struct row_table *t, void *row); /* drops the long texts, not the struct */
/* NULL when equal, else the name of the first column that differs. */
const char *row_differs(const struct row_table *t, const void *a, const void *b);

#endif
