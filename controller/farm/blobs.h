/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploaded files, by SHA-256: DIR/xx/SHA256. A file appears under its name only after its bytes
 * were
 * flushed and their hash was checked. The upload functions are for the loop thread, and hand what
 * blocks to the pool; the others for any thread. A file's modification time is that of its last use.
 */
#ifndef FRAMEFARM_FARM_BLOBS_H
#define FRAMEFARM_FARM_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct blobs;
struct ctl_env;
struct ctl_upload;
struct err;

/* Makes the directory, removes what unfinished uploads left, adds up what is there. Blocks. */
struct blobs *blobs_open(
	const struct ctl_env *env, const char *dir, int64_t max_bytes, struct err *e);
void blobs_close(struct blobs *b); /* no upload may be open; NULL allowed */

bool blobs_has(const struct blobs *b, const char *sha256, int64_t *ret_bytes);
/* The same, and it is as young as a new one again. */
bool blobs_use(struct blobs *b, const char *sha256, int64_t *ret_bytes);
void blobs_path(const struct blobs *b, const char *sha256, char *dst, size_t size);
int64_t blobs_bytes(const struct blobs *b);

/* Bytes that the daemon makes itself, from what it was sent: at most `bytes` of them, until read()
 * gives 0. read() returns how many it put into dst, or a negative code and a sentence. *ret_new: it
 * was not there before. ERR_TOOBIG when there were more, ERR_NOSPACE, ERR_IO. Blocks. */
struct blobs_source {
	int64_t (*read)(void *arg, void *dst, size_t size, struct err *e);
	void *arg;
	int64_t bytes;
};
int blobs_add(struct blobs *b, const struct blobs_source *src, char ret_sha256[LIMIT_SHA256],
	int64_t *ret_bytes, bool *ret_new, struct err *e);
/* What is no longer wanted by anybody; one that is not there is no error. Blocks. */
void blobs_remove(struct blobs *b, const char *sha256);

/* Removes from directory dir (0…255) what was last used before before_ms (wall clock) and is not wanted.
 * *n and *bytes are added to. Blocks. */
void blobs_sweep(struct blobs *b, int dir, int64_t before_ms,
	bool (*wanted)(void *arg, const char *sha256), void *arg, int64_t *n, int64_t *bytes);

/* As the functions of the same names in ctl.h. */
int blobs_begin(struct blobs *b, const char *sha256, int64_t bytes, struct ctl_upload **ret_u,
	struct err *e);

#endif
