/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the local driver's files share. One struct local is both the driver's instance and its only
 * device. One struct local_op stands for an operation from submit() to its completion; `why` alone
 * is touched by two threads: work on the pool asks it whether anybody still waits.
 */
#ifndef FRAMEFARM_DRIVERS_LOCAL_LOCAL_H
#define FRAMEFARM_DRIVERS_LOCAL_LOCAL_H

#include <limits.h>
#include <stdatomic.h>

#include "base/err.h"
#include "drivers/driver.h"

#define LOCAL_SOCKET_MAX 107 /* of a path in struct sockaddr_un, unix(7) */
#define LOCAL_STREAMS    16
#define LOCAL_STREAM_OUT (256 * 1024)
#define LOCAL_READ_CHUNK (64 * 1024)
#define LOCAL_SECRET     32

struct local;
struct local_op;
struct local_stream;

struct local_config {
	char root[DRIVER_PATH_MAX];       /* the tree whose /proc, /sys and /etc tell who we are */
	char socket_dir[DRIVER_PATH_MAX]; /* where the socket goes when its own path is too long */
	char runner_user[LIMIT_NAME];
	int64_t min_free_mb;
};

struct local {
	struct driver_host *host;
	struct local_config cfg;
	char dir[DRIVER_PATH_MAX];     /* absolute; the driver's own */
	char workdir[DRIVER_PATH_MAX]; /* dir/device: the device's, and the agent's --dir */
	bool arrived;
	bool ending; /* gone() was called or is not needed: nothing but stopped() is left */

	struct local_op *ops;
	int n_of[DRIVER_OP_KINDS]; /* operations under way */
	struct local_stream *streams;
	int n_streams;
	uint8_t *chunk; /* LOCAL_READ_CHUNK bytes, for one read at a time */

	struct host_timer *soon; /* the arrival, later the end */
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* How one kind of operation is done: by work() on the pool alone, or by begin(), which arranges for
 * local_op_finish(). cancel() hastens the end of what is not on the pool. */
struct local_kind {
	int (*work)(struct local_op *lo, struct err *e);
	int (*begin)(struct local_op *lo, struct err *e);
	void (*cancel)(struct local_op *lo);
	int (*check)(const struct local *l, const struct driver_op *op, struct err *e);
};

struct local_op {
	struct local *l;
	struct driver_op *op;
	const struct local_kind *kind;
	struct local_op *next, **prev;
	atomic_int why; /* 0, ERR_CANCELLED or ERR_GONE: why it should end early */
	bool blame;     /* work() sets it: the failure is the device's */
	int (*work)(struct local_op *lo, struct err *e);
	void (*worked)(struct local_op *lo, int rc);
	int rc;
	struct err err;
	struct host_timer *soon;
	void *data; /* of begin(); freed by it before the end */
};

/* ---- local.c ---- */

/* The one way an operation ends; frees lo. rc with lo->err.text where it failed. Never called from
 * inside submit() or cancel(): there, local_op_finish_soon(). */
void local_op_finish(struct local_op *lo, int rc);
void local_op_finish_soon(struct local_op *lo, int rc);
/* work() on the pool, then worked() here with what it returned (or ERR_FULL at once, returned and
 * not called). lo->err is filled by work(). */
int local_op_on_pool(struct local_op *lo, int (*work)(struct local_op *lo, struct err *e),
	void (*worked)(struct local_op *lo, int rc));
/* 0, or the code with which work on the pool should end; fills *e then. */
int local_op_stopped(struct local_op *lo, struct err *e);
void local_check_end(struct local *l);

/* ---- the kinds ---- */

int local_identify(struct local_op *lo, struct err *e);
int local_prepare(struct local_op *lo, struct err *e);
int local_push(struct local_op *lo, struct err *e);
int local_push_check(const struct local *l, const struct driver_op *op, struct err *e);
int local_pull(struct local_op *lo, struct err *e);
int local_collect(struct local_op *lo, struct err *e);
int local_clean(struct local_op *lo, struct err *e);
int local_clean_check(const struct local *l, const struct driver_op *op, struct err *e);
int local_exec(struct local_op *lo, struct err *e);
void local_exec_cancel(struct local_op *lo);
int local_exec_check(const struct local *l, const struct driver_op *op, struct err *e);
int local_start(struct local_op *lo, struct err *e);
void local_start_cancel(struct local_op *lo);
int local_start_check(const struct local *l, const struct driver_op *op, struct err *e);
int local_stop(struct local_op *lo, struct err *e);
void local_stop_cancel(struct local_op *lo);
int local_stop_check(const struct local *l, const struct driver_op *op, struct err *e);
int local_connect(struct local_op *lo, struct err *e);
void local_connect_cancel(struct local_op *lo);

/* ---- stream.c ---- */

void local_streams_end(struct local *l); /* the device goes */
/* Ends a stream that nobody has received. */
void local_stream_drop(struct stream *s);

/* ---- fs.c: small files, all blocking, for the pool alone ---- */

/* Joins to an absolute path; ERR_TOOBIG when it does not fit. */
int local_path(char dst[DRIVER_PATH_MAX], const char *dir, const char *name, struct err *e);
/* Up to size-1 bytes and a NUL; returns how many, 0 for a file that cannot be read. */
size_t local_read_text(const char *path, char *dst, size_t size);
/* A private directory, made or mended; ERR_PERM for what is none or belongs to somebody else. */
int local_private_dir(const char *path, struct err *e);
/* A file of mode 0600, whole or not at all, also over a power cut. */
int local_write_file(const char *path, const void *data, size_t n, struct err *e);
int local_sync_dir(const char *path, struct err *e);

/* ---- agent.c: what is known of an agent in the working directory; for the pool alone ---- */

/* A pidfd of the living agent; -1 when there is none. */
int local_agent_pidfd(const struct local *l);
/* "unix:PATH"; makes the short directory when one is needed. */
int local_agent_endpoint(const struct local *l, char *dst, size_t size, struct err *e);
int local_agent_secret_path(const struct local *l, char dst[DRIVER_PATH_MAX], struct err *e);
/* The user for runners, or 0 when we are not root and there is none. */
int local_runner_uid(const struct local *l, uint32_t *ret_uid, struct err *e);

/* ---- proc.c: a child and what it prints ---- */

struct local_proc;

struct local_proc_result {
	int status;      /* as from waitpid() */
	char *out, *err; /* NUL-terminated; the receiver takes them */
	size_t n_out, n_err;
	bool cut;
};

/* Runs argv to its end, with `input` (borrowed until done()) on its stdin. done() comes once. */
struct local_proc *local_proc_new(struct local *l, const char *path, char *const *argv,
	const void *input, size_t n_input, size_t max_output,
	void (*done)(void *arg, struct local_proc_result *r), void *arg, struct err *e);
void local_proc_kill(struct local_proc *p);

#endif
