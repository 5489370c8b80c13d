/* SPDX-License-Identifier: Apache-2.0 */
/* The execution gate; see execution.h. */
#include "gate/execution.h"

#include <stdio.h>
#include <string.h>

#include "gate/verdict.h"

static const char *const sentences[EXECUTION_ENDS_END] = {
	[EXECUTION_OK] = "the model ran to its end; PASS",
	[EXECUTION_REFUSED] =
		"FAIL because the runtime refused the model, its inputs or its options",
	[EXECUTION_CRASH] = "FAIL because the runner crashed",
	[EXECUTION_HANG] = "FAIL because the runner hung",
	[EXECUTION_MEMORY] = "FAIL because the runner ran out of memory",
};

void execution_judge(int end, const char *cause, struct gate_result *ret)
{
	const char *sentence = "INCONCLUSIVE because it is not known how the runner ended";

	memset(ret, 0, sizeof(*ret));
	ret->kind = GATE_KIND_EXECUTION;
	ret->verdict = GATE_INCONCLUSIVE;
	if (end >= EXECUTION_OK && end < EXECUTION_ENDS_END) {
		ret->verdict = end == EXECUTION_OK ? GATE_PASS : GATE_FAIL;
		sentence = sentences[end];
	}
	snprintf(ret->text, sizeof(ret->text), "%s%s%s", sentence, cause && *cause ? ": " : "",
		cause ? cause : "");
}
