/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer: one thread that owns one file's only writing connection and its checkpoints. Work is
 * queued by any thread, committed in groups, and completed in the order of submission.
 *
 * Failure. A group whose commit fails is rolled back and each of its members fails with the group's
 * code; in the same moment everything queued behind it, and everything submitted from then on, is
 * marked as refused, until writer_retry(). So what is stored is always a prefix of what was
 * submitted, up to the first failure, and the owner, who submits again from there, keeps the order.
 *
 * Upkeep. Work that stands alone (`alone`) runs between two commits and outside of any transaction: it
 * makes its own, ends it, and is short, since all that is behind it waits. Its failure is its own: nothing
 * else is refused.
 */
#ifndef FRAMEFARM_STORE_WRITER_H
#define FRAMEFARM_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct err;
struct readers;
struct work;
struct writer;

/* The head of a submission; a transaction or a batch begins with it. The writer owns it from
 * writer_submit() until done(). */
struct work {
	struct work *next;
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
	size_t bytes;
	bool refused; /* was submitted behind a failure */
	/* Stands alone when not NULL: called instead of the writer's apply(), on its thread. */
	int (*alone)(struct db *db, struct work *w, struct err *e);
};

/* What is written: called on the writer's thread, between BEGIN and COMMIT. */
struct writer_ops {
	const char *thread; /* its name, 15 bytes at most */
	size_t max_items;   /* submitted and not yet done; beyond is the caller's mistake */
	size_t max_bytes;
	int gather_ms;       /* least time between the beginnings of two commits … */
	size_t gather_bytes; /* … unless so much waits */
	int (*apply)(void *ctx, struct work *w, struct err *e);
	int (*seal)(void *ctx, struct err *e);     /* behind the last apply(); NULL for none */
	void (*settle)(void *ctx, bool committed); /* the transaction has ended; NULL for none */
};

struct writer_stats {
	uint64_t commits, commit_ns, failures, queued, queued_bytes;
	int64_t file_bytes, wal_bytes;
	bool wal_pinned;
};

/* Starts the thread. Borrows db, ops, ctx and readers (those to hold back when a checkpoint
 * does not get through) until writer_stop(); the connection belongs to the thread until then. */
struct writer *writer_start(struct db *db, const struct writer_ops *ops, void *ctx,
	struct readers *readers, int64_t wal_limit_bytes, struct err *e);
/* Completes what was submitted, makes a last checkpoint, joins. NULL is allowed. */
void writer_stop(struct writer *w);
void writer_submit(
	struct writer *w, struct work *item, void (*done)(void *, int, const char *), void *arg);
void writer_retry(struct writer *w);
void writer_get_stats(struct writer *w, struct writer_stats *ret_st); /* does not block */

#endif
