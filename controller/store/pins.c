/* SPDX-License-Identifier: Apache-2.0 */
/* The table of pins, a row table like the core's, but the store's own: the core never sees it, since it
 * knows only jobs that have not ended. Pure data. */
#include "base/row.h"
#include "store/store.h"

static const struct row_col cols[] = {
	ROW_COL_INT(store_pin, id),
	ROW_COL_INT(store_pin, at_ms),
	ROW_COL_TEXT(store_pin, actor),
	ROW_COL_TEXT(store_pin, reason),
};

const struct row_table store_pin_table = {
	"pins", sizeof(struct store_pin), cols, (int)(sizeof(cols) / sizeof(cols[0]))};
