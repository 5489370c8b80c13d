/* SPDX-License-Identifier: Apache-2.0 */
/* A page of rows; see rows.h. */
#include "api/rows.h"

#include "base/mem.h"
#include "base/row.h"
#include "store/store.h"

static int keep(void *arg, const void *row)
{
	struct rows *rows = arg;

	rows->all[rows->n++] = row_copy(rows->table, row);
	return 0;
}

int rows_read(struct store_reader *r, const struct row_table *t, const struct store_page *page,
	struct rows *ret_rows, struct err *e)
{
	*ret_rows = (struct rows){.table = t, .all = mem_zalloc(page->limit * sizeof(void *))};
	return store_rows(r, t, page, keep, ret_rows, e);
}

void rows_free(struct rows *rows)
{
	for (int i = 0; i < rows->n; i++)
		row_free(rows->table, rows->all[i]);
	mem_free(rows->all);
}
