/* SPDX-License-Identifier: Apache-2.0 */
/* store.h's control writer in memory, with disks that fail, stall and fill up. */
#ifndef FRAMEFARM_SIM_MEMSTORE_H
#define FRAMEFARM_SIM_MEMSTORE_H

#include <stdbool.h>
#include <stdint.h>

struct farm;
struct memstore;
struct row_table;
struct sim;

struct memstore *memstore_new(struct sim *s);
void memstore_free(struct memstore *m);
/* What is under way is lost, or just made it; returns whether one was. */
bool memstore_crash(struct memstore *m, bool commit_first);
/* While it is on, every commit fails with rc (an enum err_code). 0: no more. */
void memstore_set_failing(struct memstore *m, int rc);
/* Each commit takes so long; 0: as usual. */
void memstore_set_slow(struct memstore *m, int64_t ms);
/* What a restart reads, as farm/restore.c does. */
void memstore_load(struct memstore *m, struct farm *f);
/* NULL when the row is not there. Events and audit are counted, not kept. */
const void *memstore_row(const struct memstore *m, const struct row_table *t, int64_t id);
void memstore_each(const struct memstore *m, const struct row_table *t,
	void (*fn)(void *arg, const void *row), void *arg);
/* What a restart would load. */
void memstore_each_open(const struct memstore *m, const struct row_table *t,
	void (*fn)(void *arg, const void *row), void *arg);
/* What the newest transaction touched. */
void memstore_each_new(const struct memstore *m,
	void (*fn)(void *arg, const struct row_table *t, int64_t id), void *arg);
/* What the newest turn changed, as long as its transaction is there. */
void memstore_each_changed(void (*fn)(void *arg, const struct row_table *t, int64_t id), void *arg);
bool memstore_idle(const struct memstore *m);
int64_t memstore_commits(const struct memstore *m);
/* Of these, those that changed a row. */
int64_t memstore_steps(const struct memstore *m);
/* How often the farm was stepped at all, by any life of this process. */
int64_t memstore_turns(void);

#endif
