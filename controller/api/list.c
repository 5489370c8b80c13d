/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of rows; see list.h. */
#include "api/list.h"

#include <assert.h>

#include "api/internal.h"
#include "api/lookup.h"
#include "api/rows.h"
#include "base/err.h"
#include "base/json.h"
#include "base/row.h"
#include "base/str.h"
#include "farm/ctl.h"

void list_filter_num(struct list_args *a, const char *column, int64_t num)
{
	assert(a->n_filters < LIST_FILTERS);
	a->filters[a->n_filters].column = column;
	a->filters[a->n_filters++].num = num;
}

void list_filter_text(struct list_args *a, const char *column, const char *text)
{
	assert(a->n_filters < LIST_FILTERS);
	a->filters[a->n_filters].column = column;
	a->filters[a->n_filters].is_text = true;
	str_copy(a->filters[a->n_filters++].text, LIMIT_VALUE, text);
}

/* One row more than the page is read, to know whether there is a next one. */
static int read_page(const struct task_env *env, const struct list_args *a,
	const struct row_table *t, struct rows *ret_rows, struct err *e)
{
	struct store_page page = {
		.before = a->page.at.id ? a->page.at.id : INT64_MAX,
		.limit = (int)a->page.limit + 1,
		.descending = true,
		.n_filters = a->n_filters,
	};

	for (int i = 0; i < a->n_filters; i++)
		page.filters[i] = (struct store_filter){a->filters[i].column,
			a->filters[i].is_text ? a->filters[i].text : NULL, a->filters[i].num};
	return rows_read(env->reader, t, &page, ret_rows, e);
}

static int show_items(const struct task_env *env, const struct list_args *a,
	const struct rows *rows, int n, list_item_fn *item, struct json *items, struct err *e)
{
	struct lookup *l = lookup_new(env);
	struct json *one;
	int rc = 0;

	for (int i = 0; i < n && !rc; i++) {
		one = item(l, rows->all[i], a, e);
		if (one)
			json_push(items, one);
		else
			rc = e->code;
	}
	lookup_free(l);
	return rc;
}

void list_add_next(struct json *o, const struct param_page *page, const struct cursor *at)
{
	char next[CURSOR_MAX];

	if (!at) {
		json_add_null(o, "next");
		return;
	}
	cursor_write(next, page->scope, at);
	json_add_str(o, "next", next);
}

int list_check_place(const struct task_env *env, const struct param_page *page,
	const struct row_table *t, struct err *e)
{
	if (!page->at.id || !store_is_lost(ctl_store(env->ctl), t, page->at.id))
		return 0;
	return err_set(e, ERR_INVAL,
		"the cursor's place is not there: this farm was restored from a backup since; "
		"begin the list anew");
}

struct reply *list_reply(const struct task_env *env, const struct list_args *a,
	const struct row_table *t, const char *name, list_item_fn *item)
{
	struct json *o = json_new_object(), *items = json_new_array();
	struct err e = {0};
	struct rows rows;
	struct cursor at = {0, 0};
	int n, rc;

	rc = list_check_place(env, &a->page, t, &e);
	if (rc) {
		json_free(items);
		json_free(o);
		return reply_error(&e);
	}
	rc = read_page(env, a, t, &rows, &e);
	n = rows.n < (int)a->page.limit ? rows.n : (int)a->page.limit;
	if (!rc)
		rc = show_items(env, a, &rows, n, item, items, &e);
	json_add(o, name, items);
	if (!rc && n < rows.n)
		at.id = row_id(rows.table, rows.all[n - 1]);
	if (!rc)
		list_add_next(o, &a->page, at.id ? &at : NULL);
	rows_free(&rows);
	if (!rc)
		return reply_json(200, o);
	json_free(o);
	return reply_error(&e);
}
