/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far an attempt is, by the plan's own figures: the phases in the order in which they come,
 * each with the time it should take. Loads, which nobody can foretell, count a little. Never goes
 * back; 1000 only at the end. Pure.
 */
#ifndef FRAMEFARM_AGENT_PROGRESS_H
#define FRAMEFARM_AGENT_PROGRESS_H

#include <stdint.h>

struct plan;

#define PROGRESS_STEPS 160 /* a phase of a process each; loads beyond that are not counted */

struct progress {
	unsigned n, current;
	uint64_t total_ms, done_ms; /* done: of the steps in front of the current one */
	uint32_t last_permille;
	struct {
		uint16_t phase;
		uint32_t ms;
	} steps[PROGRESS_STEPS];
};

void progress_init(struct progress *p, const struct plan *plan);
/* A phase has begun; one that is not ahead changes nothing. */
void progress_enter(struct progress *p, uint16_t phase);
/* 0…999. elapsed_ms: since the present phase began. */
uint32_t progress_permille(struct progress *p, uint64_t elapsed_ms);

#endif
