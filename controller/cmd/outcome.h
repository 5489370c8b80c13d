/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `run` and `job wait` have in common: wait for a job, write its result in the forms that were
 * asked for, and end with its exit code.
 */
#ifndef FRAMEFARM_CMD_OUTCOME_H
#define FRAMEFARM_CMD_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/options.h"
#include "cmd/paths.h"

struct client;
struct err;
struct outcome;

struct outcome_options {
	char json[PATHS_MAX], junit[PATHS_MAX], markdown[PATHS_MAX];
	int inconclusive; /* enum report_inconclusive */
	int64_t wait_ms;
	bool cancel_on_exit, quiet, no_color;
};

extern const struct option_table outcome_options; /* see OPTION_PART */

/* Opens the files that were asked for, so that a bad name is found before anything is measured. */
int outcome_open(const struct outcome_options *o, struct outcome **ret_out, struct err *e);
/* Closes them, and removes those into which nothing was written; NULL is allowed. */
void outcome_free(struct outcome *out);

/* Waits for the job, writes the result, says what is to be said and returns the exit code. `name` is
 * the command, for messages. Call between stop_begin() and stop_end(). */
int outcome_wait(struct outcome *out, struct client *c, const char *id, const char *name);

#endif
