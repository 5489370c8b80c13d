/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that belong to other rows, read once for one answer: a run's job and device. Pool threads;
 * one owner.
 */
#ifndef FRAMEFARM_API_LOOKUP_H
#define FRAMEFARM_API_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct device_row;
struct err;
struct job_row;
struct json;
struct lookup;
struct row_table;
struct run_row;
struct store_reader;
struct task_env;

struct lookup *lookup_new(const struct task_env *env);
const char *lookup_links(const struct lookup *l); /* what links begin with */
void lookup_free(struct lookup *l);

/* The row with this id, a copy, the lookup's. NULL with e->code 0 when there is none. */
const void *lookup_row(struct lookup *l, const struct row_table *t, int64_t id, struct err *e);

/* A run as JSON with all that belongs to it and its progress; NULL and *e on failure. full: with
 * its whole result. attempts: their list, taken, or NULL for their number. */
struct json *lookup_run(struct lookup *l, const struct run_row *run, bool full,
	struct json *attempts, struct err *e);

/* 0, ERR_NOTFOUND with a sentence, or the store's error; the row goes to *ret_row, the lookup's. */
int lookup_need(struct lookup *l, const struct row_table *t, const char *what, char letter,
	int64_t id, const void **ret_row, struct err *e);
/* The same of a row that is only to be there. */
int lookup_is_there(const struct task_env *env, const struct row_table *t, const char *what,
	char letter, int64_t id, struct err *e);

#endif
