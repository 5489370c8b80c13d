/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as it lies on the user's disk: reads the job file, checks it, hashes every file it names
 * (paths are relative to the job file) and makes the text that is submitted. Nothing is sent here.
 */
#ifndef FRAMEFARM_CMD_JOB_FILE_H
#define FRAMEFARM_CMD_JOB_FILE_H

#include <stdint.h>

#include "base/limits.h"
#include "cmd/options.h"
#include "cmd/paths.h"

struct err;

struct job_upload {
	char path[PATHS_MAX];
	char sha256[LIMIT_SHA256];
	int64_t bytes;
};

struct job_file {
	char name[LIMIT_NAME];
	int n_uploads; /* each content once */
	struct job_upload *uploads;
	char *wire; /* what is submitted */
};

/* What the command line says over the file; "" and none leave the file's own. */
struct job_overrides {
	const char *commit, *branch;
	const struct option_list *labels; /* "key=value" */
};

/*
 * Reads path ("-": standard input). On failure returns ERR_PARSE, ERR_RANGE, ERR_EXISTS, ERR_TOOBIG,
 * ERR_INVAL, ERR_NOTFOUND, ERR_PERM or ERR_IO and a sentence with the file, and the line where there
 * is one. All of them are the user's to mend. Blocks while it hashes.
 */
int job_file_read(
	const char *path, const struct job_overrides *over, struct job_file **ret_j, struct err *e);
void job_file_free(struct job_file *j); /* NULL is allowed */
/* The file with this content, or NULL. */
const struct job_upload *job_file_find(const struct job_file *j, const char *sha256);

#endif
