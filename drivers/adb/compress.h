/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compressions of sync: version 2, as streams, in both directions and for both roles: Brotli,
 * LZ4 (frame format), Zstandard. One object is one direction of one file. Any thread, one at a time.
 *
 * What comes from a peer is hostile: output goes where the caller has room for it and is never
 * gathered here, and windows are bounded (ADB_COMPRESS_WINDOW), so a small input cannot ask for much
 * memory.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_COMPRESS_H
#define FRAMEFARM_DRIVERS_ADB_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/adb/syncmsg.h"

#define ADB_COMPRESS_WINDOW_LOG 23 /* 8 MiB, what zstd takes by default */

struct adb_compress;

/* kind: one of ADB_SYNC_BROTLI, _LZ4, _ZSTD. NULL when memory is out or the kind is foreign. */
struct adb_compress *adb_compress_new(uint32_t kind, bool decompress);
void adb_compress_free(struct adb_compress *c); /* NULL is allowed */

/* Takes from `in`, writes to `out`. Both may be used in part: call again with the rest. finish: no
 * input comes behind this. Returns 1 when the stream is complete (compressing: only with finish;
 * decompressing: its end was read), 0 when it goes on, ERR_CORRUPT. */
int adb_compress_run(struct adb_compress *c, const void *in, size_t n_in, size_t *ret_used,
	void *out, size_t cap, size_t *ret_made, bool finish);

#endif
