/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows by description, in SQL: the statements for a table, binding a row to one, reading one back.
 * Names in SQL come from row tables, which are ours; values are always bound.
 */
#ifndef FRAMEFARM_STORE_ROWSQL_H
#define FRAMEFARM_STORE_ROWSQL_H

#include <stddef.h>

#include <sqlite3.h>

struct db;
struct err;
struct row_table;

#define ROWSQL_MAX 4096 /* bytes of a statement; a table of ours has some 25 columns */

/* "INSERT … ON CONFLICT (id) DO UPDATE …": ?1… are the columns in the table's order. */
void rowsql_upsert(char dst[ROWSQL_MAX], const struct row_table *t);
/* "SELECT every column FROM table", to be continued by the caller. */
void rowsql_select(char dst[ROWSQL_MAX], const struct row_table *t);
/* Appends to a statement; a statement that grows too long is our mistake. */
void rowsql_add(char dst[ROWSQL_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Borrows the row's texts until the statement runs again. Returns SQLite's code (a text can be too
 * big for it). */
int rowsql_bind(sqlite3_stmt *st, const struct row_table *t, const void *row);
/* Fills *ret_row from the present row of a rowsql_select(); long texts are new references, drop
 * them with row_release(). ERR_CORRUPT when a text does not fit its column. */
int rowsql_read(
	struct db *db, sqlite3_stmt *st, const struct row_table *t, void *ret_row, struct err *e);

#endif
