/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaving the shell that started the agent. Whoever started it waits in the first process, which
 * ends only when the agent is ready or has failed, with the agent's own code; so one wait for the
 * end of the command is enough to know. Everything that may fail is done in between, with stderr
 * still at hand.
 */
#ifndef FRAMEFARM_AGENT_DETACH_H
#define FRAMEFARM_AGENT_DETACH_H

#include <stdbool.h>

struct detach {
	int report; /* to the process that waits, or -1 in the foreground */
};

/* Returns in the process that lives on: 0 or -errno. In the background the caller's process never
 * returns from here. */
int detach_begin(struct detach *d, bool foreground);

/* Prints "ready NAME" on stdout, then lets go of the terminal (the log takes stdout and stderr) and
 * of the process that waits. */
void detach_ready(struct detach *d, const char *name);

/* Lets the process that waits end with this code. */
void detach_failed(struct detach *d, int code);

#endif
