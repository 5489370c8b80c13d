/* SPDX-License-Identifier: Apache-2.0 */
/* The execution gate; see execution.h. */
#include "gate/execution.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "gate/verdict.h"

static const char *const sentences[EXECUTION_ENDS_END] = {
	[EXECUTION_OK] = "the model ran to its end; PASS",
	[EXECUTION_REFUSED] =
		"FAIL because the runtime refused the model, its inputs or its options",
	[EXECUTION_CRASH] = "FAIL because the runner crashed",
	[EXECUTION_HANG] = "FAIL because the runner hung",
	[EXECUTION_MEMORY] = "FAIL because the runner ran out of memory",
};

/* What the job's author can do about it. */
static const char *const advice[EXECUTION_ENDS_END] = {
	[EXECUTION_REFUSED] =
		"mend the model file, its inputs or the job; `framefarm job logs` has "
		"the runtime's own words",
	[EXECUTION_CRASH] = "`framefarm job logs` has what it wrote before",
	[EXECUTION_HANG] = "if the model may take that long, raise measure.stall_ms in the job",
	[EXECUTION_MEMORY] =
		"if the device can give the model more, raise measure.memory_mb in the job",
};

void execution_judge(int end, const char *cause, struct gate_result *ret)
{
	const char *sentence = "INCONCLUSIVE because it is not known how the runner ended";
	const char *what_to_do = NULL;

	memset(ret, 0, sizeof(*ret));
	ret->kind = GATE_KIND_EXECUTION;
	ret->verdict = GATE_INCONCLUSIVE;
	if (end >= EXECUTION_OK && end < EXECUTION_ENDS_END) {
		ret->verdict = end == EXECUTION_OK ? GATE_PASS : GATE_FAIL;
		sentence = sentences[end];
		what_to_do = advice[end];
	}
	/* A cause is a runtime's text of any length; it must not push out what helps. */
	snprintf(ret->text, sizeof(ret->text), "%s%s%.*s%s%s", sentence,
		cause && *cause ? ": " : "", LIMIT_CAUSE, cause ? cause : "",
		what_to_do ? "; " : "", what_to_do ? what_to_do : "");
}
