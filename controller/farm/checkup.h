/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads through the store now and then (store/verify.h), so that damage is found while the backups from before
 * it are still there. In pieces of some 10 ms on a pool thread: while devices measure one each second, else
 * one behind the other with a rest. Loop thread, but for checkup_get_stats().
 */
#ifndef FRAMEFARM_FARM_CHECKUP_H
#define FRAMEFARM_FARM_CHECKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "farm/ctl.h"

struct checkup;
struct farm;
struct store;

#define CHECKUP_FIRST_MS 60000 /* from the start to the first one, or every_ms where that is less */
#define CHECKUP_REST_MS  50
#define CHECKUP_BUSY_MS  1000 /* between two pieces while a device is busy */

/* every_ms: between two of them; 0: none. */
struct checkup *checkup_new(
	const struct ctl_env *env, int64_t every_ms, struct store *store, const struct farm *farm);
void checkup_start(struct checkup *c);
void checkup_stop(struct checkup *c);                                /* no piece begins any more */
bool checkup_idle(const struct checkup *c);                          /* none is under way */
void checkup_free(struct checkup *c);                                /* idle; NULL allowed */
void checkup_get_stats(struct checkup *c, struct ctl_check *ret_st); /* any thread */

#endif
