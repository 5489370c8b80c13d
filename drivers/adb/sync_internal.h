/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the sync client share. A request is in `queue` from its submission to its
 * answer, in order, and in tx.jobs from when it may be sent until it is sent. While `filling`, the
 * pool owns `tx` and what a request marks as the pool's: it puts requests and file contents into one
 * buffer. The loop learns how far it came in filled().
 */
#ifndef FRAMEFARM_DRIVERS_ADB_SYNC_INTERNAL_H
#define FRAMEFARM_DRIVERS_ADB_SYNC_INTERNAL_H

#include <sys/queue.h>

#include "base/err.h"
#include "drivers/adb/sync.h"

struct adb_compress;
struct hash;

enum sync_kind { SYNC_STAT, SYNC_LIST, SYNC_PUSH, SYNC_PULL };

enum sync_stage { SYNC_REQUEST, SYNC_CONTENT, SYNC_DONE, SYNC_SENT };

struct sync_job {
	struct adb_sync *s;
	enum sync_kind kind;
	bool sent;     /* its request is in a buffer that goes to the link */
	bool in_tx;    /* in tx.jobs, not in waiting */
	bool complete; /* so is the last of its content */
	bool answered; /* a pull: the phone is through, the last piece is being written */
	char *path;
	adb_sync_fn done;
	void *arg;
	struct adb_sync_done result;

	/* The pool's while it is in tx.jobs */
	enum sync_stage stage;

	/* PUSH; the pool's as well */
	char *src;
	uint32_t mode, compress;
	int64_t expect_bytes, mtime_s;
	char sha256[LIMIT_SHA256]; /* "": not looked at */
	int fd;
	struct hash *hash;
	struct adb_compress *pack;

	/* LIST */
	int n_entries, max_entries;
	void (*entry)(void *arg, const char *name, const struct adb_sync_stat *st);

	/* PULL */
	struct sync_pull *pull;

	TAILQ_ENTRY(sync_job) link;    /* queue */
	TAILQ_ENTRY(sync_job) tx_link; /* waiting, then tx.jobs */
};

TAILQ_HEAD(sync_jobs, sync_job);

struct adb_sync {
	struct adb_conn *conn;
	struct driver_host *host;
	struct stream *stream; /* NULL once it is closed */
	struct adb_sync_parser parser;
	struct sync_jobs queue;
	struct sync_jobs waiting; /* came while the pool was filling */
	int n_jobs;
	bool opened, ended, closing;
	bool filling;
	bool full; /* the link takes no more at present; `out` waits */
	struct adb_buf *out;
	int rc; /* why the session ended, 0 while it lives */
	char text[LIMIT_CAUSE];
	int n_writes; /* pieces of pulled files on the pool */
	struct host_timer *reap;
	bool reaping;

	/* The pool's while filling. */
	struct {
		struct sync_jobs jobs; /* the first is under way; SENT ones are taken out later */
		struct sync_job *at;   /* the one that failed, or is not SENT; NULL: none left */
		struct adb_buf *buf;
		int rc;
		struct err err;
	} tx;
};

/* sync.c */
void sync_fail(struct adb_sync *s, int rc, const char *text);
void sync_job_add(struct sync_job *j); /* it goes its way */
void sync_job_done(struct sync_job *j, int rc, const char *text);
void sync_check_end(struct adb_sync *s);

/* sync_fill.c: fills tx.buf from tx.at on; on the pool. */
void sync_fill(void *arg);
void sync_fill_drop(struct sync_job *j); /* what a push holds */

/* sync_pull.c */
int sync_pull_begin(struct sync_job *j, const char *dst, int64_t max_bytes, struct err *e);
/* A piece of DATA; false ends the session (sync_fail() was called). */
bool sync_pull_data(struct sync_job *j, const uint8_t *data, size_t n);
/* The packet that the last pieces came in has no more of them: what lies in it is written now. */
void sync_pull_flush(struct sync_job *j);
/* The phone said DONE: the rest is written, then the job ends. */
void sync_pull_finish(struct sync_job *j);
/* Removes what was begun; what is on the pool ends first. */
void sync_pull_drop(struct sync_job *j);

#endif
