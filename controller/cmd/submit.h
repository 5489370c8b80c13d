/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands a job to the daemon: submits it, uploads what the daemon says it lacks, submits it again. The
 * idempotency key makes all of that one job, however often it is sent.
 */
#ifndef FRAMEFARM_CMD_SUBMIT_H
#define FRAMEFARM_CMD_SUBMIT_H

#include <stdbool.h>

#include "cmd/report.h"

struct client;
struct err;
struct job_file;

#define SUBMIT_KEY_MAX 128

struct submitted {
	char id[REPORT_WORD];
	char url[512]; /* of the job's page */
	bool known;    /* the daemon had this job already */
};

/* A key that nobody else has. */
void submit_random_key(char dst[SUBMIT_KEY_MAX]);
/* Whether a key can stand in a header: 1 to SUBMIT_KEY_MAX-1 printable ASCII characters, no blank. */
bool submit_key_ok(const char *key);

/* Progress lines of uploads go to stderr unless quiet. Errors as client_send(), and ERR_CONFLICT when
 * the daemon keeps asking for files. */
int submit_job(struct client *c, const struct job_file *j, const char *key, bool quiet,
	struct submitted *ret_s, struct err *e);

#endif
