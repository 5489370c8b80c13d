/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a backup, on a disk that may be full or fail: what returns 0 is synced. Blocks; any thread. */
#ifndef FRAMEFARM_STORE_DISK_H
#define FRAMEFARM_STORE_DISK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/* "dir/path"; ERR_TOOBIG when it does not fit. */
int disk_path(char dst[PATH_MAX], const char *dir, const char *path, struct err *e);
/* Appends the whole file to b, within its bound. ERR_NOTFOUND. */
int disk_read(const char *dir, const char *path, struct buf *b, struct err *e);
/* A file of mode 0600, whole or not at all: written beside it and renamed. */
int disk_write(const char *dir, const char *path, const void *data, size_t n, struct err *e);
/* A copy of mode 0600 (or `mode`); its directory is made where it is missing. go_on (NULL allowed) is asked
 * now and then: false ends it with ERR_CANCELLED. */
int disk_copy(const char *from_dir, const char *to_dir, const char *path, unsigned mode,
	bool (*go_on)(void *arg), void *arg, struct err *e);
int disk_sync_dir(const char *dir, struct err *e);
/* 1: nothing is in it, or it is not there; 0: something is; or an error. */
int disk_is_empty(const char *dir, struct err *e);

#endif
