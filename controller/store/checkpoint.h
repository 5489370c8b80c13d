/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the write-ahead log goes into the file. Belongs to a writer and runs on its thread: with one
 * connection that both writes and checkpoints, the race of SQLite 3.7.0 to 3.51.2 between a
 * checkpoint and another connection's commit cannot occur.
 *
 * A passive checkpoint follows a commit that leaves the log beyond its limit; when the writer is
 * idle, a log beyond a quarter of it is put into the file and begins anew on the blocks that it has. A
 * smaller one stays: the commit that begins a log flushes its head too, and one that lengthens the file
 * waits for the file system's journal. Readers that overlap without end would keep the log from ever being
 * reset, so beyond STARVED times the limit the pool's readers are held back for a moment. Where that does
 * not help, another program reads without end (a sqlite3 shell in a transaction): the log is pinned, which
 * is said once, and beyond CHECKPOINT_FULL times the limit nothing more is written until it ends.
 */
#ifndef FRAMEFARM_STORE_CHECKPOINT_H
#define FRAMEFARM_STORE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;
struct readers;

#define CHECKPOINT_FULL 64

struct checkpoint {
	struct db *db;
	struct readers *readers;
	int64_t limit_bytes, page_bytes;
	int64_t frames;      /* in the log that are not known to be in the file */
	int64_t tried;       /* frames at the last passive attempt */
	bool holding;        /* readers are held back … */
	int64_t held_ms;     /* … since */
	int64_t gave_up_ms;  /* when that did not help, last */
	bool failing;        /* the last attempt failed and was logged */
	_Atomic bool pinned; /* somebody else's reading keeps the log; any thread may look */
};

int checkpoint_init(
	struct checkpoint *c, struct db *db, struct readers *readers, int64_t limit_bytes);
void checkpoint_fini(struct checkpoint *c); /* a last one */
void checkpoint_after_commit(struct checkpoint *c, int64_t now_ms);
void checkpoint_when_idle(struct checkpoint *c, int64_t now_ms);
/* How long the writer may wait for work before checkpoint_when_idle(); -1: for ever. */
int checkpoint_wait_ms(const struct checkpoint *c);

/* Before anything is written: 0, or ERR_BUSY and what to do about a log that is full. */
int checkpoint_room(struct checkpoint *c, struct err *e);

#endif
