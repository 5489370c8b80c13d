/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thermal gate: whether the device is cool, and settled, enough to begin timing. It is asked
 * for two things: the hottest sensor is at or below the plan's start temperature, and it does not
 * rise by THERMAL_GATE_RISE_MC or more in 30 s (the slope of a least-squares line, since one
 * reading of a die sensor jumps by more than that). A temperature that is not known is never cool.
 * Pure; the history outlives attempts, so a device that was idle need not wait for one.
 */
#ifndef FRAMEFARM_AGENT_THERMAL_GATE_H
#define FRAMEFARM_AGENT_THERMAL_GATE_H

#include <stdbool.h>
#include <stdint.h>

#define THERMAL_GATE_RISE_MC   200
#define THERMAL_GATE_WINDOW_NS 30000000000LL
#define THERMAL_GATE_SPAN_NS   10000000000LL /* the least history that gives a slope */
#define THERMAL_GATE_STEP_NS   900000000LL   /* between two readings that are kept */
#define THERMAL_GATE_READINGS  40

enum thermal_answer { THERMAL_COOL, THERMAL_HOT, THERMAL_RISING, THERMAL_TOO_NEW, THERMAL_UNKNOWN };

struct thermal_gate {
	unsigned n, last;
	struct {
		int64_t t_ns;
		int32_t mc;
	} readings[THERMAL_GATE_READINGS]; /* a ring */
};

/* A reading, as often as there is one. INT32_MIN (unknown) clears the history. */
void thermal_gate_note(struct thermal_gate *g, int64_t now_ns, int32_t mc);

/* limit_mc INT32_MIN: none is set, only the slope counts. */
enum thermal_answer thermal_gate_ask(
	const struct thermal_gate *g, int64_t now_ns, int32_t limit_mc);

/* The slope in m°C per 30 s; false when the history is too short. */
bool thermal_gate_slope(const struct thermal_gate *g, int64_t now_ns, double *ret_mc);

#endif
