/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published metrics of a block of iterations. Times are in ms, NaN where a metric is null: a
 * percentile below its least count, a retention of a block too short for it. Pure; any thread.
 */
#ifndef FRAMEFARM_GATE_METRICS_H
#define FRAMEFARM_GATE_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define METRICS_ES_CONFIDENCE 0.99

struct metrics_block {
	int64_t n;
	double p50_ms, p90_ms, p99_ms; /* nearest rank; null below n of 1, 10, 100 */
	double p99_es_ms;              /* LoadGen's early-stopping estimate; null below n = 662 */
	double min_ms, max_ms, mean_ms;
	double sd_ms, cv;          /* null for n < 2; cv is sd over mean */
	double jitter;             /* p99 over p50 */
	int64_t over, over_streak; /* > budget, and the longest run of such; 0 without a budget */
	double over_percent;       /* null without a budget */
};

/* budget_ns 0: none. Returns 0, ERR_TOOBIG or ERR_NOMEM; n = 0 gives nulls. */
int metrics_block(const int64_t *latency_ns, size_t n, int64_t budget_ns, struct metrics_block *ret,
	struct err *e);

/* Least duration of a sustained block whose retention is published, and what its windows are. */
#define METRICS_SUSTAINED_S      600
#define METRICS_RETENTION_FROM_S 10
#define METRICS_RETENTION_TO_S   60
#define METRICS_LAST_S           120
#define METRICS_THROTTLE_BASE_S  10
#define METRICS_THROTTLE_S       15 /* window of the rolling median, and how long it must hold */
#define METRICS_THROTTLE_RATIO   1.10

struct metrics_sustained {
	double duration_s;
	double p50_ms, p90_ms;    /* of the last 120 s; null below 600 s */
	double retention_percent; /* 100 · p50(10…60 s) / p50(last 120 s); null below 600 s */
	/* The first time at which the median of the last 15 s is over 1.10 · p50(first 10 s) and
	 * stays so for 15 s more; null: not reached. */
	double throttle_s;
};

/* Iterations in order: start_ns from the block's begin, rising. A block that ends less than 1 %
 * before 600 s is long enough. Returns as metrics_block(), and ERR_CORRUPT for times that fall
 * back, are negative or beyond any block. */
int metrics_sustained(const int64_t *start_ns, const int64_t *latency_ns, size_t n,
	struct metrics_sustained *ret, struct err *e);

#endif
