/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of sync:, as a machine that is fed bytes and gives buffers: both versions, with
 * compression. It does the file work itself and may block, so it runs on a pool thread, one call at
 * a time (service_sync.c); no part of it knows of streams or loops.
 *
 * What it does with each request, and how it fails, is AOSP's file_sync_service: a FAIL may come
 * early, the DATA behind it is read and thrown away up to DONE, and then the service ends.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_SYNCER_H
#define FRAMEFARM_DRIVERS_VIRTUAL_SYNCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adb_buf;
struct syncer;

#define SYNCER_OUT 4 /* buffers made by one run at most */

/* root: the phone's; a copy is kept. max: the longest buffer that is made. compress: enum adb_sync flags
 * that are understood. */
struct syncer *syncer_new(int root, uint32_t max, uint32_t compress);
void syncer_free(struct syncer *y); /* NULL is allowed */

/* Takes what it can of the input; stops when max_out (at most SYNCER_OUT) buffers are full. Returns how
 * much it took. */
size_t syncer_run(struct syncer *y, const uint8_t *in, size_t n, int max_out);
/* Buffers that are ready, in their order; NULL when none is left. The caller's. */
struct adb_buf *syncer_take(struct syncer *y);
/* The path of the last request, until it was asked for; NULL. */
const char *syncer_asked(struct syncer *y);
/* Another run makes more, even without input. */
bool syncer_has_more(const struct syncer *y);
/* The service is over: QUIT, or a failure that was told. */
bool syncer_ended(const struct syncer *y);

#endif
