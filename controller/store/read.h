/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers' files share, beside the contract in store.h. */
#ifndef FRAMEFARM_STORE_READ_H
#define FRAMEFARM_STORE_READ_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct row_table;
struct store_reader;

/* store_load(), without a deadline. */
int read_all_rows(struct store_reader *r, const struct row_table *t,
	int (*fn)(void *arg, const void *row), void *arg, struct err *e);

/* [t0, t1) without what no stored pair can be in, so that differences fit an int64. */
void read_clamp(int64_t *t0, int64_t *t1);

/* The rows of `streams` that are one stream of an attempt: more than one only when an attempt was
 * begun anew under another boot. */
#define READ_BOOTS_MAX 16
struct read_streams {
	int n;
	struct read_stream {
		int64_t id, budget_ns, mark, t_first, t_last;
		bool ordered; /* no chunk begins before the one before it ends */
	} row[READ_BOOTS_MAX];
	int64_t raw_removed_ms, rollups_removed_ms; /* as in struct store_stream */
};

/* ERR_REMOVED with a sentence: what is gone, since when, and what there is instead. */
int read_removed(struct err *e, const char *what, int64_t at_ms, const char *kept);

/* Within a read of READER_SAMPLES. */
int read_find_streams(struct store_reader *r, int64_t attempt, uint32_t stream,
	struct read_streams *ret_s, struct err *e);
/* Which chunks of a stream in a table ("chunks" or "aged") may have something of t0 <= t < t1: those with
 * first <= seq < end. Where they are ordered that is found by halving, not by a look at each; of other
 * streams it is all of them. */
struct read_seqs {
	int64_t first, end;
};
int read_find_seqs(struct store_reader *r, const char *table, const struct read_stream *s,
	int64_t t0, int64_t t1, struct read_seqs *ret_q, struct err *e);
/* Every pair with t0 <= t < t1 of these streams, in blocks of at most CHUNK_MAX. */
int read_pairs(struct store_reader *r, const struct read_streams *s, int64_t t0, int64_t t1,
	int (*fn)(void *arg, int64_t budget_ns, const int64_t *t, const int64_t *v, int n),
	void *arg, struct err *e);

#endif
