/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of text for a terminal or a log: columns as wide as their widest cell, titles in capitals.
 * A cell that is a verdict or a state is coloured by its word when asked to; the word is always
 * there. One owner.
 */
#ifndef FRAMEFARM_CMD_TABLE_H
#define FRAMEFARM_CMD_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLS_MAX 64

struct table;

/* Columns whose bit is set in `right` are aligned to the right. Titles are borrowed. */
struct table *table_new(const char *const *titles, int n_cols, unsigned right);
void table_free(struct table *t); /* NULL is allowed */
/* Adds a row of n_cols cells, which are copied. */
void table_add(struct table *t, const char *const *cells);
void table_print(FILE *f, const struct table *t, bool color);

/* The word in its colour (pass green, fail red, …) or as it is. */
void table_word(FILE *f, const char *word, bool color);
/* Whether a stream wants colour: a terminal, and neither NO_COLOR nor TERM=dumb stands against it. */
bool table_color(FILE *f, bool no_color);

#endif
