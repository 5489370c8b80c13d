/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a waiting user sees on stderr: a line for each step of a run, and how far the measuring is.
 * On a terminal the latter is one line that changes; in a log it is a line a phase and one now and
 * then. One owner.
 */
#ifndef FRAMEFARM_CMD_PROGRESS_H
#define FRAMEFARM_CMD_PROGRESS_H

#include <stdbool.h>

struct json;
struct progress;
struct report;

struct progress *progress_new(bool quiet); /* quiet: nothing is printed */
void progress_free(struct progress *p);    /* clears the changing line; NULL is allowed */

/* Learns the names of the runs. */
void progress_names(struct progress *p, const struct report *r);
/* A stored event: a run's or the job's change of state. */
void progress_event(struct progress *p, const struct json *ev);
/* A progress report of a run. */
void progress_update(struct progress *p, const struct json *ev);
/* The daemon does not answer; said once for each outage. The next event ends it. */
void progress_outage(struct progress *p, const char *why);
void progress_back(struct progress *p);

#endif
