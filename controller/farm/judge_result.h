/* SPDX-License-Identifier: Apache-2.0 */
/* What the judge found, on its way to JSON; shared by judge.c and judge_json.c alone. */
#ifndef FRAMEFARM_FARM_JUDGE_RESULT_H
#define FRAMEFARM_FARM_JUDGE_RESULT_H

#include <stdbool.h>

#include "agents/msg.h"
#include "base/limits.h"
#include "base/rstr.h"
#include "farm/judge_round.h"
#include "gate/budget.h"
#include "gate/coverage.h"
#include "gate/execution.h"
#include "gate/golden.h"
#include "gate/verdict.h"

#define MSG_KEY MSG_NAME

struct jobspec;

struct judgement {
	struct judge_round rounds[LIMIT_ROUNDS];
	int n_rounds;
	struct gate_result gates[GATE_KINDS_END];
	int n_gates;
	bool has_budget, has_golden;
	struct budget_result budget;
	struct golden_metrics golden;
	int verdict, exit_code, decider;
	char text[LIMIT_CAUSE]; /* written by judge_json() */
};

int judge_json(struct judgement *j, const struct jobspec *spec, int variant, struct rstr **ret_json,
	struct err *e);

#endif
