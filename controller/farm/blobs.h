/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploaded files, by SHA-256: DIR/xx/SHA256. A file appears under its name only after its bytes
 * were
 * flushed and their hash was checked. blobs_has() and blobs_path() may be called on any thread; the
 * upload functions on the loop thread, and they hand what blocks to the pool.
 */
#ifndef FRAMEFARM_FARM_BLOBS_H
#define FRAMEFARM_FARM_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blobs;
struct ctl_env;
struct ctl_upload;
struct err;

/* Makes the directory, removes what unfinished uploads left, adds up what is there. Blocks. */
struct blobs *blobs_open(
	const struct ctl_env *env, const char *dir, int64_t max_bytes, struct err *e);
void blobs_close(struct blobs *b); /* no upload may be open; NULL allowed */

bool blobs_has(const struct blobs *b, const char *sha256, int64_t *ret_bytes);
void blobs_path(const struct blobs *b, const char *sha256, char *dst, size_t size);
int64_t blobs_bytes(const struct blobs *b);

/* As the functions of the same names in ctl.h. */
int blobs_begin(struct blobs *b, const char *sha256, int64_t bytes, struct ctl_upload **ret_u,
	struct err *e);

#endif
