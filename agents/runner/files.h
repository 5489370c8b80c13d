/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an attempt, which reach the runner as descriptors and are known by their SHA-256
 * (that the bytes have that hash is the agent's care). Standalone, names stand in place of hashes.
 * A file is mapped while somebody reads it. Main thread.
 */
#ifndef FRAMEFARM_RUNNER_FILES_H
#define FRAMEFARM_RUNNER_FILES_H

#include "fail.h"
#include "plan.h"
#include "runner.h"

#define FILES_TENSOR_MAX (INT64_C(2) << 30) /* of one mapped file */

struct files {
	uint32_t n;
	char (*sha256)[PLAN_SHA];
	int *fds; /* -1: not come yet */
};

struct map {
	const void *data; /* NULL for an empty file */
	size_t n;
};

/* Room for n files that have yet to come, or -1 when memory is out. */
int files_init(struct files *files, uint32_t n);
void files_fini(struct files *files); /* closes them; a zeroed struct is allowed */

/* The descriptor of a file, or -1. */
int files_fd(const struct files *files, const char *sha256);
int files_map(const struct files *files, const char *sha256, struct map *ret_m, struct fail *f);
/* Maps a file by its path. */
int map_path(const char *path, struct map *ret_m, struct fail *f);
void map_fini(struct map *m);

#endif
