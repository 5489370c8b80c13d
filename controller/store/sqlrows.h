/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks as rows of SQL, for `framefarm sql` and, built as build/framefarm_sql.so, for the stock sqlite3
 * shell:
 *
 *	framefarm_values(DATA)      i, t, v               of chunks.data
 *	framefarm_seconds(SECONDS)  second, n, over, first, min, max, last, mean   of chunks.seconds
 *	framefarm_state(KIND, N)    the name of a number: 'job', 'run', 'device', 'verdict', …
 *
 * and, on top of these, views with readable names (sqlviews.c). One connection's thread.
 */
#ifndef FRAMEFARM_STORE_SQLROWS_H
#define FRAMEFARM_STORE_SQLROWS_H

/* An extension calls SQLite through a table that the shell hands it. */
#ifdef FRAMEFARM_SQL_EXTENSION
#include <sqlite3ext.h>
#else
#include <sqlite3.h>
#endif

/* Adds all to a connection whose files are attached already: the views are made of those that are there.
 * SQLite's code. */
int sqlrows_add(sqlite3 *h);

/* The views, for --schema: name, what it is for, its columns; NULL-terminated by name. */
struct sqlrows_view {
	const char *name;
	const char *needs; /* the table by which it is known that its file is attached */
	const char *what;
	const char *select; /* {c}: the schema of control.db, {s}: that of samples.db */
};
extern const struct sqlrows_view sqlrows_views[];

#endif
