/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Execution providers: from the name in a job to the runtime's call. Names are lower-case in jobs
 * and facts; the table in provider.c says how the runtime spells those that differ, and a name that
 * is not in it is handed on as it stands, so a provider that a later release brings needs no change
 * here. Options go to the provider as written.
 */
#ifndef FRAMEFARM_RUNNER_PROVIDER_H
#define FRAMEFARM_RUNNER_PROVIDER_H

#include <stdbool.h>

#include "ort.h"
#include "plan.h"

/* "cpu" or none: nothing is asked for, and nothing can be missed. */
bool provider_is_cpu(const char *name);
/* Puts the plan's provider in front of the CPU. OUTCOME_MODEL where this build has none such. */
int provider_append(
	struct ort *o, struct ort_options *options, const struct plan *plan, struct fail *f);

#endif
