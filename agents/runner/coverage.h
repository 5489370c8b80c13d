/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coverage run: a session of its own with the runtime's profiling on, a few inferences, and
 * from what the runtime wrote the answer to "who really ran this model". Two sources: the profile
 * (every runtime; kernels after all fusions, with their time) and, where the runtime grants API 24,
 * its own record of which node of the graph was assigned to whom, before later fusions.
 *
 * The profile is written into the working directory, which the agent gives the runner for such
 * things; it is bounded by RLIMIT_FSIZE while it is written and removed at once. Main thread.
 */
#ifndef FRAMEFARM_RUNNER_COVERAGE_H
#define FRAMEFARM_RUNNER_COVERAGE_H

#include "files.h"
#include "report.h"
#include "session.h"
#include "tensor.h"

#define COVERAGE_RUNS     4 /* the first of them untimed, see profile.h */
#define COVERAGE_FILE_MAX (64 * 1024 * 1024)

/* Runs it and reports the facts coverage.* and provider.used. A runtime that writes no profile is
 * no failure: coverage.fallback is then "unknown". */
int coverage_run(struct ort *o, const struct plan *plan, const struct map *model,
	const struct tensor *inputs, struct report *report, struct fail *f);

/* What can be said without it: provider.used where that is certain, coverage.fallback. */
void coverage_guess(const struct plan *plan, struct report *report);

#endif
