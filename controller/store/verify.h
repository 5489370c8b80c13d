/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading through both files in small pieces, while they are written, to find damage before somebody needs
 * what is damaged. Each row of each table is read whole, so every page that holds data is; pages of indexes
 * are not, and a page that is well-formed and wrong is not noticed: that is for `framefarm store check`
 * (PRAGMA integrity_check), which cannot be had in pieces. Blocks; pool threads.
 */
#ifndef FRAMEFARM_STORE_VERIFY_H
#define FRAMEFARM_STORE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store_reader;

#define VERIFY_PIECE_MS   10 /* then a piece ends */
#define VERIFY_PIECE_ROWS 256

/* Where it stands; all zeros to begin. */
struct verify {
	int file;        /* of control.db, samples.db */
	char table[64];  /* "": the first one is next */
	int64_t after;   /* rowid */
	int64_t n, size; /* rows read, and their bytes */
};

/* The next piece. *ret_done: both files have been read. ERR_CORRUPT: what is damaged, and what to do;
 * others of store.h: nothing was found out. */
int verify_piece(struct store_reader *r, struct verify *v, bool *ret_done, struct err *e);

#endif
