/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller's clocks. Only the shell around the core (loop, store threads, CLI) reads them;
 * core, gate and drivers get time as a parameter. Any thread.
 */
#ifndef FRAMEFARM_BASE_CLOCK_H
#define FRAMEFARM_BASE_CLOCK_H

#include <stdint.h>

/* One reading of both clocks. Deadlines are monotonic; wall time is for people and rows only. */
struct now {
	int64_t mono_ms; /* CLOCK_MONOTONIC, milliseconds */
	int64_t wall_ms; /* CLOCK_REALTIME, milliseconds since 1970 */
};

struct now clock_now(void);
int64_t clock_mono_ns(void);
int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void);
/* "2026-01-31T12:34:56.789Z"; dst has 25 bytes. */
void clock_iso8601(char dst[25], int64_t wall_ms);

#endif
