/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device itself wrote about an attempt that failed (logcat, tombstones): plain files in
 * DATA/artifacts/aN, within a quota for each attempt. Names and bytes come from the device and are
 * hostile. All of it blocks; any thread, as long as each attempt is collected by one at a time.
 */
#ifndef FRAMEFARM_FARM_ARTIFACTS_H
#define FRAMEFARM_FARM_ARTIFACTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "farm/ctl.h"

struct err;

#define ARTIFACTS_BYTES    (16LL * 1024 * 1024) /* of one attempt */
#define ARTIFACTS_ATTEMPTS 1000                 /* the oldest go */

/* Makes the attempt's directory, empty or as it was, and lets the oldest attempts go. */
int artifacts_begin(const char *data_dir, int64_t attempt, char *dst, size_t size, struct err *e);
/* Deletes what is no plain file with a plain name, cuts what is beyond the quota, and the directory
 * when nothing is left. */
void artifacts_end(const char *data_dir, int64_t attempt);
/* At most max of them, by name; returns how many. */
int artifacts_list(const char *data_dir, int64_t attempt, struct ctl_artifact *ret, int max);
/* A descriptor for reading, and the file's size; or ERR_NOTFOUND, ERR_IO. */
int artifacts_open(
	const char *data_dir, int64_t attempt, const char *name, int64_t *ret_bytes, struct err *e);

#endif
