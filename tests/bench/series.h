/* SPDX-License-Identifier: Apache-2.0 */
/* The made series that bench_store and bench_chunk measure: streams of 100 values a second and more,
 * with the noise of latencies and of a timer. */
#ifndef FRAMEFARM_TESTS_BENCH_SERIES_H
#define FRAMEFARM_TESTS_BENCH_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "agents/msg.h"

#define SERIES_CHUNK_NS 10000000000LL /* a chunk is sealed after so long */

struct series {
	const char *name;
	enum stream_kind kind;
	double rate;        /* values a second */
	double mean, noise; /* of a value, in its unit */
	int64_t budget_ns;
};

extern const struct series series_kinds[];
extern const size_t series_count;

/* The next chunk of a series: at most CHUNK_MAX pairs; returns how many. Moves *clock on. */
uint32_t series_fill(const struct series *s, int64_t *clock, int64_t *t, int64_t *v);

#endif
