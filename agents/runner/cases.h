/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The golden cases of a plan: each is run once and every output that the case names is compared
 * with its reference (golden.h has the arithmetic). Facts go out per case and output, up to a
 * bound, and over everything. Main thread.
 */
#ifndef FRAMEFARM_RUNNER_CASES_H
#define FRAMEFARM_RUNNER_CASES_H

#include "channel.h"
#include "report.h"
#include "session.h"

#define CASES_FACTS_MAX 512 /* outputs that get facts of their own; all count in the totals */

/* ret_pass: whether all are within the tolerance; if not, ret_why says which output of which case
 * was the first to miss it. Fails when a case cannot be run, or its shapes are not the model's. A
 * cancel ends it early with success. */
int cases_run(struct session *s, const struct assignment *a, const struct channel *channel,
	struct report *report, bool *ret_pass, struct fail *ret_why, struct fail *f);

#endif
