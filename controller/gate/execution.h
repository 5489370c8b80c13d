/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The execution gate: did the model run to its end? A crash, a hang, memory that ran out and a
 * model that the runtime refuses are results, and failures, of the model; what is the farm's own
 * fault never comes here. Pure; any thread.
 */
#ifndef FRAMEFARM_GATE_EXECUTION_H
#define FRAMEFARM_GATE_EXECUTION_H

struct gate_result;

enum execution_end {
	EXECUTION_OK = 0,
	EXECUTION_REFUSED, /* the runtime refused model, inputs or options */
	EXECUTION_CRASH,
	EXECUTION_HANG,
	EXECUTION_MEMORY,
	EXECUTION_ENDS_END
};

/* `cause` is the runner's or the agent's own sentence; NULL or "" when there is none. An end that
 * is not on the list is inconclusive. */
void execution_judge(int end, const char *cause, struct gate_result *ret);

#endif
