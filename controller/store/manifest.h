/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of what a backup consists of: the file MANIFEST in its directory, written last, so a directory without
 * one is no backup. Lines of text, which end with the hash of all before:
 *
 *	framefarm.backup/1
 *	farm_id 0011223344556677
 *	…
 *	file SHA-256 BYTES PATH
 *	end SHA-256
 * Blocks; any thread.
 */
#ifndef FRAMEFARM_STORE_MANIFEST_H
#define FRAMEFARM_STORE_MANIFEST_H

#include <stdint.h>

#include "base/limits.h"

struct err;

#define MANIFEST_NAME      "MANIFEST"
#define MANIFEST_FILES_MAX 100000
#define MANIFEST_PATH_MAX  160
#define MANIFEST_BYTES_MAX (32 * 1024 * 1024)

struct manifest_file {
	char path
		[MANIFEST_PATH_MAX]; /* below the directory; without "..", "." and a leading slash */
	int64_t bytes;
	char sha256[LIMIT_SHA256];
};

struct manifest {
	char farm_id[LIMIT_NAME];
	char framefarm[LIMIT_NAME]; /* the version that made it */
	int64_t made_ms;            /* wall clock */
	int64_t control_schema, samples_schema;
	struct manifest_file *files;
	int n, cap;
};

/* Hashes dir/path and adds it. ERR_TOOBIG beyond the bounds. */
int manifest_add(struct manifest *m, const char *dir, const char *path, struct err *e);
void manifest_fini(struct manifest *m);

/* Writes it to dir, at once or not at all, and syncs it. */
int manifest_write(const struct manifest *m, const char *dir, struct err *e);
/* Zeros are expected in *ret_m; manifest_fini() in any case. ERR_NOTFOUND: no (whole) backup. ERR_VERSION:
 * of a newer framefarm. ERR_CORRUPT. */
int manifest_read(struct manifest *ret_m, const char *dir, struct err *e);
/* Whether each file is there, of its size and with its hash: ERR_CORRUPT names the first that is not. */
int manifest_check(const struct manifest *m, const char *dir, struct err *e);

#endif
