/* SPDX-License-Identifier: Apache-2.0 */
/* Work that a writer does between two commits, for a thread that waits for it; see writer.h. */
#ifndef FRAMEFARM_STORE_ALONE_H
#define FRAMEFARM_STORE_ALONE_H

#include "store/upkeep.h"

struct db;
struct err;
struct store;
struct writer;

struct writer *store_writer(struct store *s, enum upkeep_file f);

/* meta of control.db: the greatest id of an event that was removed. */
#define UPKEEP_EVENTS_KEY "events.removed_to"
/* Reads it again, for store_events_removed_to(). */
int store_read_events_removed(struct store *s, struct err *e);

/* Calls fn(db, arg, e) on the thread of the file's writer, with its connection, and returns what it
 * returned: 0, or a code and *e. Blocks; never on a writer's thread. */
int alone_run(struct store *s, enum upkeep_file f,
	int (*fn)(struct db *db, void *arg, struct err *e), void *arg, struct err *e);

#endif
