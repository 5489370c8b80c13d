/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runner tells the agent: phases, facts, signs of life, the end. Never used inside a timed block. A
 * broken socket is noticed by the channel's watch; here it only makes the rest a no-op. Main thread.
 */
#ifndef FRAMEFARM_RUNNER_REPORT_H
#define FRAMEFARM_RUNNER_REPORT_H

#include <stdatomic.h>
#include <stdint.h>

#include "plan.h"
#include "timesrc.h"

struct report {
	int fd; /* -1: nobody listens */
	struct timesrc *ts;
	_Atomic int64_t *alive_ns; /* in the ring */
};

/* The sign of life at the begin of a step; returns the time. */
int64_t report_alive(struct report *r);

void report_phase(struct report *r, enum phase phase, uint32_t block);
/* key as printf() would make it, cut to what a fact holds. */
void report_int(struct report *r, int64_t v, const char *key, ...)
	__attribute__((format(printf, 3, 4)));
void report_num(struct report *r, double v, const char *key, ...)
	__attribute__((format(printf, 3, 4)));
void report_text(struct report *r, const char *v, const char *key, ...)
	__attribute__((format(printf, 3, 4)));
void report_done(struct report *r, int outcome, const char *cause);

#endif
