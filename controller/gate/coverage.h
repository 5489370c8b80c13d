/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coverage gate: how much of the model ran on the execution provider that was asked for. An
 * accelerator that quietly hands most of a graph back to the CPU looks like a slow accelerator;
 * this gate tells the two apart. Pure; any thread.
 */
#ifndef FRAMEFARM_GATE_COVERAGE_H
#define FRAMEFARM_GATE_COVERAGE_H

#include <stdint.h>

struct gate_result;

struct coverage {
	const char *provider;           /* asked for */
	int64_t nodes, nodes_total;     /* on it, of all; total 0: unknown */
	int64_t time_ns, time_total_ns; /* the same in a profiled run's operator time */
};

/* Holds the share of time, or of nodes where time is not known, against min_share (0…1). Unknown,
 * or more than there is in all, is inconclusive, never a pass. */
void coverage_judge(const struct coverage *c, double min_share, struct gate_result *ret);

#endif
