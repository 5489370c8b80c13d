/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by description; see row.h. No state. */
#include "base/row.h"

#include <string.h>

#include "base/mem.h"

static struct rstr **long_at(const struct row_col *c, const void *row)
{
	return (struct rstr **)((char *)row + c->off);
}

int64_t row_id(const struct row_table *t, const void *row)
{
	return *(const int64_t *)((const char *)row + t->cols[0].off);
}

void *row_copy(const struct row_table *t, const void *row)
{
	void *copy = mem_alloc(t->size);

	memcpy(copy, row, t->size);
	for (int i = 0; i < t->n_cols; i++)
		if (t->cols[i].kind == ROW_LONG)
			rstr_ref(*long_at(&t->cols[i], copy));
	return copy;
}

void row_release(const struct row_table *t, void *row)
{
	for (int i = 0; i < t->n_cols; i++) {
		if (t->cols[i].kind != ROW_LONG)
			continue;
		rstr_unref(*long_at(&t->cols[i], row));
		*long_at(&t->cols[i], row) = NULL;
	}
}

void row_free(const struct row_table *t, void *row)
{
	if (!row)
		return;
	row_release(t, row);
	mem_free(row);
}

static bool col_equal(const struct row_col *c, const void *a, const void *b)
{
	const char *pa = (const char *)a + c->off, *pb = (const char *)b + c->off;

	switch (c->kind) {
	case ROW_INT:
		return *(const int64_t *)pa == *(const int64_t *)pb;
	case ROW_TEXT:
		return !strncmp(pa, pb, c->size);
	case ROW_LONG:
		return *(struct rstr *const *)pa == *(struct rstr *const *)pb ||
		       !strcmp(rstr_text(*(struct rstr *const *)pa),
			       rstr_text(*(struct rstr *const *)pb));
	}
	return false;
}

const char *row_differs(const struct row_table *t, const void *a, const void *b)
{
	for (int i = 0; i < t->n_cols; i++)
		if (!col_equal(&t->cols[i], a, b))
			return t->cols[i].name;
	return NULL;
}
