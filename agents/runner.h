/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between agent and runner.
 *
 * The agent starts the runner's program with these descriptors and nothing else open but stdin
 * (/dev/null), stdout and stderr (one pipe to the agent, kept as the attempt's text stream):
 *	RUNNER_FD_CONTROL  a stream socket, frames of proto.h
 *	RUNNER_FD_RING     the attempt's ring (ring.h), already sized and initialised
 *
 * Agent → runner: one PROTO_RUN {u32 process, bytes plan, u32 n_files, n × text sha256}, then as
 * many PROTO_FILES {u32 first, u32 count} as needed, each sent by one sendmsg() that carries
 * `count` (1…RUNNER_FILES_BATCH) descriptors: files first…first+count-1 of that list, open for
 * reading. The model and the runtime library are among them. Later perhaps PROTO_CANCEL.
 *
 * Runner → agent: PROTO_PHASE at the begin of each phase, PROTO_FACT when something was learned,
 * PROTO_DONE last; then it exits 0. An end without PROTO_DONE is a crash, whatever the exit code.
 * Nothing is sent inside a timed block. Outside blocks the runner sets ring->alive_ns at each step
 * and each golden case; inside it sets it at each iteration.
 *
 * An attempt is a sequence of fresh processes, numbered from 0:
 *	process < cold_loads                the agent evicts the model's pages first; load (timed as
 *	                                    cold), first inference
 *	otherwise, up to cold + warm loads  load (timed as warm), first inference
 * Process 0 also checks the golden cases and, if asked, does the coverage run (a session of its
 * own with profiling, behind everything else it does unless it is also the last process). The last
 * process also warms up and runs the timed blocks: back to back, paced, sustained. There is always
 * at least one process. The thermal gate is the agent's, before it starts the last process.
 */
#ifndef FRAMEFARM_AGENTS_RUNNER_H
#define FRAMEFARM_AGENTS_RUNNER_H

#include "plan.h"

#define RUNNER_FD_CONTROL  3
#define RUNNER_FD_RING     4
#define RUNNER_FILES_BATCH 64
#define RUNNER_FILES_MAX   2048

#define PROTO_FILES 66

static inline uint32_t runner_processes(const struct plan *p)
{
	uint32_t n = p->cold_loads + p->warm_loads;

	return n ? n : 1;
}

#endif
