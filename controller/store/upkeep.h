/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps the store from growing for ever: removing what is old, and giving the room back. It decides
 * nothing: what is old enough is the caller's to say (farm/keep.h), and time is a parameter.
 *
 * Everything is done in small pieces. A piece runs on the writer's thread between two commits, in a
 * transaction of its own that ends after some UPKEEP_PIECE_MS, so commits wait no longer than for one
 * of another farm's chunks. The calls block until their piece is on the disk: for pool threads. They
 * return 0, or a negative code and a sentence (ERR_IO also while the writer refuses everything); a
 * piece that failed changed nothing.
 *
 * Raw values go first: of the chunks their rollups alone stay, in a table of their own. Then these go. What a stream was (its name, counts, first and last time), facts, and the marks where phases
 * begin are summaries and stay for ever.
 */
#ifndef FRAMEFARM_STORE_UPKEEP_H
#define FRAMEFARM_STORE_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;
struct store_reader;

#define UPKEEP_PIECE_MS   10 /* then a piece ends with what it has done */
#define UPKEEP_PIECE_ROWS 64 /* looked at between two looks at the clock */

struct upkeep_done {
	int64_t rows, bytes; /* removed; of samples: chunks, and what they held */
	bool more;           /* there is more of the same */
};

/* ---- samples, an attempt at a time ---- */

enum upkeep_part {
	UPKEEP_RAW,     /* values of series */
	UPKEEP_ROLLUPS, /* and then their rollups, and the runner's text */
};

/*
 * The next attempt behind *cursor (0: from the first) that still has the part, whose job ended before
 * before_ms (wall clock) and is not pinned; *ret_attempt is 0 when there is none. Looks at some hundred
 * attempts: *ret_more says that the cursor was moved and there are more to look at. settled: leave out
 * those whose device may still hold data of them.
 */
int upkeep_find(struct store_reader *r, enum upkeep_part part, int64_t before_ms, bool settled,
	int64_t *cursor, int64_t *ret_attempt, bool *ret_more, struct err *e);

/* A piece of it; call again while done.more. now_ms (wall clock) is what the streams say of it. */
int upkeep_remove(struct store *s, int64_t attempt, enum upkeep_part part, int64_t now_ms,
	struct upkeep_done *ret_d, struct err *e);

/* ---- rows of the control plane ---- */

enum upkeep_table {
	UPKEEP_EVENTS, /* but those of pinned jobs */
	UPKEEP_AUDIT,
	UPKEEP_LEASES, /* that have ended */
	UPKEEP_TABLES
};

/* A piece of the rows from before before_ms (wall clock). The newest row of a table always stays: its id
 * is how the next start knows which ids were given. */
int upkeep_rows(struct store *s, enum upkeep_table t, int64_t before_ms, struct upkeep_done *ret_d,
	struct err *e);

/* ---- room ---- */

enum upkeep_file { UPKEEP_CONTROL, UPKEEP_SAMPLES, UPKEEP_FILES };

struct upkeep_room {
	int64_t bytes; /* of the file, as it is with its log written into it */
	int64_t free;  /* of them, in pages that hold nothing */
};

int upkeep_room(
	struct store_reader *r, enum upkeep_file f, struct upkeep_room *ret_r, struct err *e);
/* A piece of giving free pages back to the file system; done.bytes of them. */
int upkeep_shrink(struct store *s, enum upkeep_file f, struct upkeep_done *ret_d, struct err *e);

#endif
