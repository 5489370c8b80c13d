/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The turn: what drives the core. Callbacks only append events; once behind each batch of callbacks
 * turn_run() reads the time once, steps each event, and hands the changed rows to the control
 * writer
 * as one transaction. Its completion, and nothing earlier, releases the actions and the answers of
 * that turn: persist before act. Transactions complete in order; one that fails for want of space
 * or
 * because of an I/O error is submitted again until it holds, and requests are refused meanwhile.
 *
 * Bounds. The queue has TURN_QUEUE slots. A request takes one only while slots are left for every
 * completion that is owed (one for each action given out) and for the devices' own reports, so a
 * full queue refuses new work and never loses a result. Loop thread only.
 */
#ifndef FRAMEFARM_FARM_TURN_H
#define FRAMEFARM_FARM_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/farm.h"
#include "farm/ctl.h"

struct store;
struct turn;

#define TURN_QUEUE    65536 /* events */
#define TURN_ROWS     16384 /* rows changed in one turn; what is left waits for the next */
#define TURN_COMMITS  64    /* transactions under way; then events wait */
#define TURN_RETRY_MS 1000  /* from a failed commit to its repetition */

struct turn_ops {
	void (*action)(void *arg, const struct farm_action *a);
	void (*answer)(void *arg, const struct farm_answer *a);
	void (*event)(void *arg, const struct event_row *e); /* stored; in order of id */
};

struct turn *turn_new(const struct farm_config *cfg, const struct ctl_env *env, struct store *store,
	const struct turn_ops *ops, void *arg);
/* The store must not call back any more: see turn_in_store(). NULL allowed. */
void turn_free(struct turn *t);
struct farm *turn_farm(struct turn *t); /* to load before the first run, and to look in */

/* An event that was bound to come: a completion, a report. Copied; always taken. */
void turn_post(struct turn *t, const struct farm_event *ev);
/* A request. ERR_FULL: no room; ERR_IO: the store does not take anything just now (see
 * turn_store_error()). Otherwise its answer comes when it is stored. */
int turn_request(struct turn *t, const struct farm_event *ev);
void turn_run(struct turn *t);

/* Before a stop: no event is stepped any more, so that the next start finds what a crash would have
 * left, which it knows how to go on from. What is under way is still stored and released. */
void turn_freeze(struct turn *t);

/* Whether nothing waits: no event, no transaction under way. */
bool turn_idle(const struct turn *t);
bool turn_in_store(const struct turn *t); /* a transaction is with the store */
bool turn_store_ok(const struct turn *t);
const char *turn_store_error(const struct turn *t);
/* Id of the newest event that is on the disk; the first is told by who has read the store. */
int64_t turn_last_event(const struct turn *t);
void turn_set_last_event(struct turn *t, int64_t id);
void turn_get_load(const struct turn *t, int64_t *ret_events, int64_t *ret_commits);

#endif
