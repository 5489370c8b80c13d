/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process of an attempt, as runner.h lays it out: load, first inference; in process 0 the
 * golden cases and the coverage run; in the last process the warm-up and the timed blocks. It owns
 * the order of phases and says each to the agent; what happens inside a phase is elsewhere.
 * Main thread.
 */
#ifndef FRAMEFARM_RUNNER_ATTEMPT_H
#define FRAMEFARM_RUNNER_ATTEMPT_H

#include "block.h"
#include "channel.h"
#include "report.h"

struct attempt {
	const struct assignment *a;
	struct channel *channel;
	struct report *report;
	struct ring *ring;
	struct timesrc *ts;
};

/* Does everything up to PROTO_DONE, whatever comes. What it opened stays open: the process ends now,
 * and a runtime that crashes while it is let go (Debian 13's with oneDNN does) shall not turn a
 * result into a crash. */
void attempt_run(struct attempt *at);

#endif
