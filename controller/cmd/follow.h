/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for a job: reads it, follows its events until it ends or the stream breaks, reads it again.
 * So a daemon that is restarted in between costs nothing but a pause; what happened meanwhile is
 * replayed from its store. Needs stop_begin() where a signal shall end the waiting.
 */
#ifndef FRAMEFARM_CMD_FOLLOW_H
#define FRAMEFARM_CMD_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct err;
struct report;

enum follow_end {
	FOLLOW_ENDED,   /* *ret_r is the job with all its runs */
	FOLLOW_TIMEOUT, /* the time was over */
	FOLLOW_STOPPED, /* a signal came */
	FOLLOW_FAILED,  /* *e says why and *ret_rc is client_send()'s code */
};

/* How long a daemon may be away before the waiting is given up. */
#define FOLLOW_OUTAGE_MS (10 * 60 * 1000)

/* deadline_ms: monotonic; INT64_MAX for none. */
enum follow_end follow_job(struct client *c, const char *id, int64_t deadline_ms, bool quiet,
	struct report **ret_r, int *ret_rc, struct err *e);

/* One reading of a job with all its runs. Errors as client_send(). */
int follow_read(struct client *c, const char *id, struct report **ret_r, struct err *e);

#endif
