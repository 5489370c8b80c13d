/* SPDX-License-Identifier: Apache-2.0 */
/* A file of the host into a stream of the phone, as it is: how a package is installed without lying
 * on the phone first. Loop thread; the file is read on the pool. */
#ifndef FRAMEFARM_DRIVERS_ADB_FEED_H
#define FRAMEFARM_DRIVERS_ADB_FEED_H

#include "drivers/adb/conn.h"

struct adb_feed;

/* Sends the first `bytes` of path. done(arg, rc, text) comes once, later: 0 when the last of it is on
 * its way, ERR_CORRUPT when the file is shorter, ERR_IO. path is copied. The stream's drained() must
 * be passed on to adb_feed_drained(). */
struct adb_feed *adb_feed_new(struct adb_conn *c, struct stream *s, const char *path, int64_t bytes,
	void (*done)(void *arg, int rc, const char *text), void *arg);
void adb_feed_drained(struct adb_feed *f);
/* The stream is gone: done() does not come any more. */
void adb_feed_drop(struct adb_feed *f); /* NULL is allowed */

#endif
