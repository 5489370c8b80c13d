/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's clocks; see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

struct now clock_now(void)
{
	return (struct now){.mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms()};
}

void clock_iso8601(char dst[25], int64_t wall_ms)
{
	time_t s = wall_ms / 1000;
	int ms = wall_ms % 1000;
	struct tm tm;
	char tmp[64];

	if (ms < 0) {
		ms += 1000;
		s--;
	}
	gmtime_r(&s, &tm);
	snprintf(tmp, sizeof(tmp), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
	snprintf(dst, 25, "%.24s", tmp);
}
