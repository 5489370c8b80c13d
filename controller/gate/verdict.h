/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gate answers, and how the answers of a run's gates become one verdict and one exit code.
 * Pure; any thread.
 */
#ifndef FRAMEFARM_GATE_VERDICT_H
#define FRAMEFARM_GATE_VERDICT_H

#include <stdbool.h>

/* The numbers are those of a stored verdict. */
enum gate_verdict { GATE_NONE = 0, GATE_PASS, GATE_FAIL, GATE_INCONCLUSIVE };

enum gate_kind {
	GATE_KIND_EXECUTION = 1,
	GATE_KIND_BUDGET,
	GATE_KIND_REGRESSION,
	GATE_KIND_GOLDEN,
	GATE_KIND_DRIFT,
	GATE_KIND_COVERAGE,
	GATE_KIND_THERMAL,
	GATE_KIND_ENERGY,
	GATE_KIND_MEMORY,
	GATE_KINDS_END
};

#define GATE_TEXT 640 /* bytes of a gate's sentences, with NUL */

struct gate_result {
	int kind;    /* enum gate_kind */
	int verdict; /* enum gate_verdict; GATE_NONE: it could not be asked */
	bool voided; /* set by gate_combine(): the run is broken, so its speed means nothing */
	char text[GATE_TEXT]; /* the arithmetic, for people */
};

const char *gate_kind_name(int kind);       /* "budget"; "unknown" for a foreign number */
const char *gate_verdict_name(int verdict); /* "pass"; "none" for GATE_NONE */

/*
 * The verdict of one run and its exit code (base/exitcode.h). One failed gate fails the run; else
 * one inconclusive gate makes it inconclusive; GATE_NONE counts for nothing. Where the program did
 * not run to its end or its outputs were wrong, the gates that judge speed or cost are marked void
 * and not counted, so that a run is never called slow for being broken. *ret_decider, if not NULL,
 * gets the index of the gate that decided, -1 when all passed.
 */
int gate_combine(struct gate_result *gates, int n, int *ret_exit, int *ret_decider);

#endif
