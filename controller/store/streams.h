/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of table `streams`, as the sample writer sees them: kept in memory while their chunks
 * come, read when they are not there, written back once a transaction. Writer's thread only.
 */
#ifndef FRAMEFARM_STORE_STREAMS_H
#define FRAMEFARM_STORE_STREAMS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct db;
struct err;
struct msg_decl;
struct store_chunk;
struct streams;

#define STREAM_KEY 64

struct stream {
	int64_t id;
	uint8_t kind;
	int64_t budget_ns;
	uint64_t mark;
	int64_t n_values, n_over, t_first, t_last;
	bool ordered; /* no chunk begins before the one before it ends */
	/* What follows is streams.c's. */
	bool changed;
	char key[STREAM_KEY];
	TAILQ_ENTRY(stream) by_use, by_change;
};

struct streams *streams_new(struct db *db, struct err *e);
void streams_free(struct streams *s); /* NULL is allowed */

/* The stream that the chunk names; *ret_st is NULL when it was never declared. What is found lives
 * until streams_settle(). */
int streams_find(
	struct streams *s, const struct store_chunk *c, struct stream **ret_st, struct err *e);
/* Adds it, with mark 1: its declaration is its first chunk. */
int streams_declare(struct streams *s, const struct store_chunk *c, const struct msg_decl *d,
	struct stream **ret_st, struct err *e);
/* Its mark or counts were changed by the caller. */
void streams_changed(struct streams *s, struct stream *st);
/* Before COMMIT: writes what changed. */
int streams_flush(struct streams *s, struct err *e);
/* After COMMIT or ROLLBACK. After a rollback memory is ahead of the file, so all of it goes. */
void streams_settle(struct streams *s, bool committed);

#endif
