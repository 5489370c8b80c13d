/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit codes of `framefarm`, which CI builds upon: a slow model, a broken model and a broken
 * farm are told apart. The same numbers stand in runs and jobs, in the store and in the API.
 */
#ifndef FRAMEFARM_BASE_EXITCODE_H
#define FRAMEFARM_BASE_EXITCODE_H

enum exit_code {
	EXIT_PASS = 0, /* all gates pass */
	EXIT_GENERAL = 1,
	EXIT_USAGE = 2, /* wrong usage or an invalid job */
	EXIT_PERMISSION = 3,
	EXIT_UNREACHABLE = 4, /* no server, after retries */
	EXIT_BUDGET = 10,     /* the budget gate failed */
	EXIT_REGRESSION = 11,
	EXIT_GOLDEN = 12, /* wrong outputs, or drift */
	EXIT_GATE = 13,   /* another gate: execution, thermal, energy, memory, coverage */
	EXIT_INCONCLUSIVE = 15,
	EXIT_WAIT = 16,          /* the client stopped waiting; the job goes on */
	EXIT_UNSATISFIABLE = 18, /* no device can ever match */
	EXIT_CANCELLED = 19,
	EXIT_INFRASTRUCTURE = 20,
};

/* One code for several: the lowest of 10 to 13 wins, then 20, 18, 19, 15, then 0. */
int exit_code_combine(int a, int b);
const char *exit_code_text(int code); /* a short sentence */

#endif
