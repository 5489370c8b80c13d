/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts; see verdict.h. */
#include "gate/verdict.h"

#include <stddef.h>

#include "base/exitcode.h"

/* A new gate is one line here. */
static const struct {
	const char *name;
	int exit_code;
	bool voids;    /* its failure makes speed and cost meaningless */
	bool voidable; /* it judges speed or cost */
} kinds[GATE_KINDS_END] = {
	[0] = {"unknown", EXIT_GATE},
	[GATE_KIND_EXECUTION] = {"execution", EXIT_GATE, .voids = true},
	[GATE_KIND_BUDGET] = {"budget", EXIT_BUDGET, .voidable = true},
	[GATE_KIND_REGRESSION] = {"regression", EXIT_REGRESSION, .voidable = true},
	[GATE_KIND_GOLDEN] = {"golden", EXIT_GOLDEN, .voids = true},
	[GATE_KIND_DRIFT] = {"drift", EXIT_GOLDEN},
	[GATE_KIND_COVERAGE] = {"coverage", EXIT_GATE},
	[GATE_KIND_THERMAL] = {"thermal", EXIT_GATE, .voidable = true},
	[GATE_KIND_ENERGY] = {"energy", EXIT_GATE, .voidable = true},
	[GATE_KIND_MEMORY] = {"memory", EXIT_GATE, .voidable = true},
};

static int known(int kind)
{
	return kind > 0 && kind < GATE_KINDS_END ? kind : 0;
}

const char *gate_kind_name(int kind)
{
	return kinds[known(kind)].name;
}

const char *gate_verdict_name(int verdict)
{
	static const char *const names[] = {"none", "pass", "fail", "inconclusive"};

	return verdict >= GATE_NONE && verdict <= GATE_INCONCLUSIVE ? names[verdict] : "unknown";
}

static void mark_void(struct gate_result *gates, int n)
{
	bool broken = false;

	for (int i = 0; i < n; i++)
		if (gates[i].verdict == GATE_FAIL && kinds[known(gates[i].kind)].voids)
			broken = true;
	for (int i = 0; i < n; i++)
		gates[i].voided = broken && kinds[known(gates[i].kind)].voidable;
}

/* What a single gate would make the run exit with. */
static int gate_exit(const struct gate_result *g)
{
	if (g->voided || g->verdict == GATE_PASS || g->verdict == GATE_NONE)
		return EXIT_PASS;
	if (g->verdict == GATE_FAIL)
		return kinds[known(g->kind)].exit_code;
	return EXIT_INCONCLUSIVE;
}

int gate_combine(struct gate_result *gates, int n, int *ret_exit, int *ret_decider)
{
	int code = EXIT_PASS, decider = -1;

	mark_void(gates, n);
	for (int i = 0; i < n; i++) {
		int mine = gate_exit(&gates[i]);

		if (mine != code && exit_code_combine(code, mine) == mine) {
			code = mine;
			decider = i;
		}
	}
	*ret_exit = code;
	if (ret_decider)
		*ret_decider = decider;
	if (code == EXIT_PASS)
		return GATE_PASS;
	return code == EXIT_INCONCLUSIVE ? GATE_INCONCLUSIVE : GATE_FAIL;
}
