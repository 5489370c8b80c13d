/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of rows, copied out of the store: a reader does one thing at a time, so what is to be read
 * for each row is read behind the page, not from inside it. Pool threads; one owner.
 */
#ifndef FRAMEFARM_API_ROWS_H
#define FRAMEFARM_API_ROWS_H

struct err;
struct row_table;
struct store_page;
struct store_reader;

struct rows {
	const struct row_table *table;
	void **all;
	int n;
};

/* Returns 0 or the store's error; rows_free() in both cases. */
int rows_read(struct store_reader *r, const struct row_table *t, const struct store_page *page,
	struct rows *ret_rows, struct err *e);
void rows_free(struct rows *rows);

#endif
