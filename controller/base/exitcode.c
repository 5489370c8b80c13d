/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes; see exitcode.h. Pure. */
#include "base/exitcode.h"

#include <stddef.h>

/* Strongest first. */
static const struct {
	int code;
	const char *text;
} order[] = {
	{EXIT_BUDGET, "the budget gate failed"},
	{EXIT_REGRESSION, "the regression gate failed"},
	{EXIT_GOLDEN, "the outputs are wrong"},
	{EXIT_GATE, "a gate failed"},
	{EXIT_GENERAL, "general error"},
	{EXIT_USAGE, "wrong usage or an invalid job"},
	{EXIT_PERMISSION, "not permitted"},
	{EXIT_UNREACHABLE, "the server cannot be reached"},
	{EXIT_INFRASTRUCTURE, "infrastructure error: no result"},
	{EXIT_UNSATISFIABLE, "no device can ever match"},
	{EXIT_CANCELLED, "cancelled"},
	{EXIT_INCONCLUSIVE, "inconclusive"},
	{EXIT_WAIT, "stopped waiting; the job goes on"},
	{EXIT_PASS, "all gates pass"},
};

#define N_CODES (sizeof(order) / sizeof(order[0]))

static size_t rank(int code)
{
	size_t i;

	for (i = 0; i < N_CODES && order[i].code != code; i++)
		;
	return i;
}

/* A code that this list does not know is an error of a later version: stronger than a pass. */
int exit_code_combine(int a, int b)
{
	size_t ra = rank(a), rb = rank(b);

	if (ra == N_CODES)
		ra = rank(EXIT_GENERAL);
	if (rb == N_CODES)
		rb = rank(EXIT_GENERAL);
	return ra <= rb ? a : b;
}

const char *exit_code_text(int code)
{
	size_t i = rank(code);

	return i < N_CODES ? order[i].text : "unknown";
}
