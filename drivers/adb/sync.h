/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sync: service, host role: files and directories of a phone. One session is one stream that
 * carries any number of requests; they are sent one behind the other without waiting for answers,
 * small files packed together, since a round trip a file is what makes a thousand files slow.
 *
 * Files of the host are read and written on the pool. After a failure that the phone reports, its
 * service ends: that request and every one behind it fail, and a new session is needed. Loop thread.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_SYNC_H
#define FRAMEFARM_DRIVERS_ADB_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "drivers/adb/conn.h"
#include "drivers/adb/syncmsg.h"

#define ADB_SYNC_QUEUE_MAX 4096 /* requests that have no answer yet */

struct adb_sync;

/* The end of a request, once, later, on the loop. rc 0, or: ERR_NOTFOUND, ERR_NOSPACE, ERR_PERM and
 * ERR_IO as the phone's text reads, ERR_TOOBIG, ERR_CORRUPT (the host's file is not what was
 * promised), ERR_PROTO, ERR_GONE, ERR_CANCELLED. */
struct adb_sync_done {
	int rc;
	const char *text;          /* on failure: a sentence */
	bool ours;                 /* on failure: the host's file is at fault, not the phone */
	struct adb_sync_stat stat; /* STAT */
	int64_t bytes;             /* PUSH, PULL: of the file */
};

typedef void (*adb_sync_fn)(void *arg, const struct adb_sync_done *d);

/* NULL and *e when the stream cannot be opened. */
struct adb_sync *adb_sync_new(struct adb_conn *c, struct err *e);
/* Ends the session: requests without an answer are done with ERR_CANCELLED, later, on the loop. The
 * pointer is not to be used any more. */
void adb_sync_end(struct adb_sync *s);

/* Each returns 0 and done() will come, or ERR_FULL, ERR_TOOBIG (a path beyond ADB_SYNC_PATH_MAX) or
 * the session's end as a code, and it will not. */

/* lstat(), in version 2 where the phone has it. ERR_NOTFOUND when there is nothing. */
int adb_sync_stat(struct adb_sync *s, const char *path, adb_sync_fn done, void *arg);

/* entry() for each name but "." and ".."; a name with a slash or NUL is a broken protocol. A
 * directory that is not there has no entries. At most `max` entries, then ERR_TOOBIG. */
int adb_sync_list(struct adb_sync *s, const char *path, int max,
	void (*entry)(void *arg, const char *name, const struct adb_sync_stat *st),
	adb_sync_fn done, void *arg);

struct adb_sync_push {
	const char *src;  /* a regular file of the host; or NULL, and */
	const void *data; /* … these bytes, which are copied */
	size_t n;
	const char *dst;    /* on the phone */
	uint32_t mode;      /* st_mode's permission bits; the phone copies the owner's to all */
	int64_t bytes;      /* expected size; -1: whatever it has */
	const char *sha256; /* expected; NULL: not looked at. A file that does not fit is
			       ERR_CORRUPT, and what lies on the phone is to be thrown away */
	uint32_t compress;  /* 0, or one of ADB_SYNC_BROTLI, _LZ4, _ZSTD that the phone has */
};
int adb_sync_push(struct adb_sync *s, const struct adb_sync_push *p, adb_sync_fn done, void *arg);

/* Into dst (made or replaced, whole or not at all). More than max_bytes is ERR_TOOBIG. */
int adb_sync_pull(struct adb_sync *s, const char *src, const char *dst, int64_t max_bytes,
	uint32_t compress, adb_sync_fn done, void *arg);

#endif
