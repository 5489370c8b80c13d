/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store that came out of a backup lost: between the newest row of the backup and the first that is
 * given afterwards, each table leaves out as many ids as the lost store can have given meanwhile, since
 * agents and clients may know them. Kept in `meta`; several restores are one gap after the other, and the
 * last one reaches beyond those before.
 */
#ifndef FRAMEFARM_STORE_GAP_H
#define FRAMEFARM_STORE_GAP_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

struct db;
struct err;

#define GAP_TABLES 7

struct gaps {
	struct store_restored restored;
	struct {
		int64_t after, to; /* ids in (after, to] were never given here */
	} of[GAP_TABLES];
};

/* Into a control file that is about to be put in place. */
int gap_leave(struct db *db, int64_t made_ms, int64_t now_ms, struct err *e);
int gap_load(struct db *db, struct gaps *ret_g, struct err *e);
/* 0, 0 for a table that has none. */
void gap_of(const struct gaps *g, const char *table, int64_t *ret_after, int64_t *ret_to);

#endif
