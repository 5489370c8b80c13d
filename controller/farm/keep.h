/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long things are kept: which old values, rollups, rows and uploads go, and when a quota is over
 * which. Decides, and has the store (store/upkeep.h) and the uploads (blobs.h) do it, in slices on a
 * pool thread; a slice ends after KEEP_SLICE_MS and the next one waits for a turn of the loop. What is
 * running, and what belongs to a pinned job, stays. Loop thread, but for keep_slice().
 */
#ifndef FRAMEFARM_FARM_KEEP_H
#define FRAMEFARM_FARM_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "farm/ctl.h"

struct blobs;
struct ctl_env;
struct err;
struct keep;
struct runtimes;
struct store;

#define KEEP_EVERY_MS                                                                              \
	60000            /* also from the start to the first look; a clock may be set in between */
#define KEEP_REST_MS  20 /* between two slices */
#define KEEP_SLICE_MS 200
#define KEEP_FILES_MS 3600000 /* between two looks at all uploads */

struct keep *keep_new(const struct ctl_env *env, const struct ctl_keep *cfg, struct store *store,
	struct blobs *blobs, struct runtimes *runtimes);
void keep_start(struct keep *k);
void keep_stop(struct keep *k);                               /* no slice begins any more */
bool keep_idle(const struct keep *k);                         /* none is under way */
void keep_free(struct keep *k);                               /* idle; NULL allowed */
void keep_get_stats(struct keep *k, struct ctl_kept *ret_st); /* any thread */

/* One slice at the wall-clock time now_ms; blocks. *ret_more: the round is not over. A failure ends the
 * round. */
int keep_slice(struct keep *k, int64_t now_ms, bool *ret_more, struct err *e);

#endif
