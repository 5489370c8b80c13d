/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of a paced block: releases stand at begin + k × period, whatever happened before.
 * A release that is past when the last iteration ends is skipped, never caught up. Pure.
 */
#ifndef FRAMEFARM_RUNNER_PACE_H
#define FRAMEFARM_RUNNER_PACE_H

#include <stdint.h>

static inline int64_t pace_release(int64_t begin_ns, int64_t period_ns, int64_t k)
{
	return begin_ns + k * period_ns;
}

/* The release after number k, at now: the first behind k that is not past. One that is due this
 * very nanosecond is not past. ret_skipped: how many were left out. period_ns is positive. */
static inline int64_t pace_next(
	int64_t begin_ns, int64_t period_ns, int64_t k, int64_t now_ns, uint32_t *ret_skipped)
{
	int64_t next = k + 1, late = now_ns - pace_release(begin_ns, period_ns, next);
	int64_t skipped = late > 0 ? (late + period_ns - 1) / period_ns : 0;

	*ret_skipped = skipped > UINT32_MAX ? UINT32_MAX : (uint32_t)skipped;
	return next + skipped;
}

#endif
