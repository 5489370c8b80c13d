/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's side of starting a runner: between fork() and exec. Only for proc.c.
 */
#ifndef FRAMEFARM_AGENT_LAUNCH_H
#define FRAMEFARM_AGENT_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

struct guards;
struct sandbox;

struct launch {
	const struct guards *guards;
	const struct sandbox *sandbox; /* with the program's descriptor */
	const char *clock_page;
	pid_t agent;
	int control, ring, output, null;
	bool loader; /* the program is one that loads the runner from LIBDIR */
	int report;  /* close-on-exec: a sentence is written there if the program does not begin */
};

_Noreturn void launch_run(const struct launch *l);

#endif
