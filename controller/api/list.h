/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of rows, newest first, page by page. Pool threads.
 */
#ifndef FRAMEFARM_API_LIST_H
#define FRAMEFARM_API_LIST_H

#include <stdint.h>

#include "api/param.h"
#include "base/limits.h"
#include "store/store.h"

struct json;
struct lookup;
struct reply;
struct row_table;
struct task_env;

#define LIST_FILTERS 4

/* What a list request asks for; filled in on the loop thread. */
struct list_args {
	struct param_page page;
	bool full; /* each item whole */
	int n_filters;
	struct {
		const char *column; /* a literal */
		bool is_text;
		int64_t num;
		char text[LIMIT_VALUE];
	} filters[LIST_FILTERS];
};

void list_filter_num(struct list_args *a, const char *column, int64_t num);
void list_filter_text(struct list_args *a, const char *column, const char *text);

/* One row as JSON; NULL and *e on failure. */
typedef struct json *list_item_fn(
	struct lookup *l, const void *row, const struct list_args *a, struct err *e);

/* Adds "next": the cursor of the page behind `at`, null when that is NULL. */
void list_add_next(struct json *o, const struct param_page *page, const struct cursor *at);

/* {"<name>": [item…], "next": cursor or null}. */
struct reply *list_reply(const struct task_env *env, const struct list_args *a,
	const struct row_table *t, const char *name, list_item_fn *item);

/* ERR_INVAL with a sentence when what the cursor stands behind was lost as the farm was restored: the pages
 * of then do not go on here. */
int list_check_place(const struct task_env *env, const struct param_page *page,
	const struct row_table *t, struct err *e);

#endif
