/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-second rollups of a series, and sums over any stretch of it. Each chunk carries the packed
 * rollups of its own pairs; a second that two chunks share is merged when it is read, so storing a
 * chunk touches no row but its own. (A table with one row a second was measured: for a stream of
 * 100 values a second it halves the rate at which chunks can be stored.) Pure.
 *
 * Packed, each second is: zigzag(second - the one before), varint n, varint over, zigzag(min - the
 * one before), then as varints max - min, first - min, last - min and the sum of all (value - min),
 * low and high word. Differences wrap around as unsigned numbers do.
 */
#ifndef FRAMEFARM_STORE_ROLLUP_H
#define FRAMEFARM_STORE_ROLLUP_H

#include <stddef.h>
#include <stdint.h>

#include "agents/chunk.h"

#define ROLLUP_NS        1000000000LL
#define ROLLUP_MAX       CHUNK_MAX             /* of one chunk: each pair in a second of its own */
#define ROLLUP_BYTES_MAX (ROLLUP_MAX * 9 * 10) /* nine varints of at most ten bytes */

struct rollup {
	int64_t second;                /* of the device's monotonic clock, rounded down */
	int64_t n;                     /* 0: nothing yet, the rest has no meaning */
	int64_t over;                  /* values above the budget */
	int64_t first, min, max, last; /* first and last in the stream's order */
	__int128 sum;                  /* exact */
};

/* Rounds down, below zero too. */
int64_t rollup_second(int64_t t_ns);

/* Adds n pairs that all belong together; budget 0: nothing is over. */
void rollup_add(struct rollup *r, const int64_t *v, int n, int64_t budget);
/* Adds what comes behind it. */
void rollup_merge(struct rollup *into, const struct rollup *next);
double rollup_mean(const struct rollup *r);

/* The rollups of a chunk in its order: a second that the chunk leaves and returns to comes twice.
 * Returns their number, at most n. */
int rollup_build(
	struct rollup dst[ROLLUP_MAX], const int64_t *t, const int64_t *v, int n, int64_t budget);
size_t rollup_pack(uint8_t dst[ROLLUP_BYTES_MAX], const struct rollup *r, int n);
/* Returns their number, or -1 for bytes that are no rollups. */
int rollup_unpack(struct rollup dst[ROLLUP_MAX], const uint8_t *src, size_t len);

#endif
