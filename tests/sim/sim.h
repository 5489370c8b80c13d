/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulation: the real core and the real turn in virtual time, over a store in memory and a
 * world of phones that unplug, stall, answer late or twice as slow, fail, heat up and come back. A
 * seed decides everything, so a failing seed replays.
 *
 *	rng.c      the seed's random numbers
 *	memstore.c store.h in memory: commits in order, slow, failing, or never
 *	host.c     virtual time, timers, posts
 *	world.c    devices, agents, what actions do to them
 *	people.c   jobs, cancels, reservations, operators
 *	oracle.c   what must hold, from the outside: nothing lost, nothing doubled
 *	main.c     one seed's life: faults, then peace, then the end
 */
#ifndef FRAMEFARM_SIM_H
#define FRAMEFARM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/farm.h"
#include "farm/ctl.h"
#include "farm/turn.h"

struct sim;

/* ---- rng.c ---- */
struct rng {
	uint64_t s;
};
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
int64_t rng_range(struct rng *r, int64_t low, int64_t high); /* both included */
bool rng_chance(struct rng *r, double p);

/* ---- host.c: virtual time ---- */
struct host;
struct host *host_new(void);
void host_free(struct host *h);
struct driver_host *host_driver_host(struct host *h);
struct now host_now(void *h);
void host_post(void *h, void (*fn)(void *arg), void *arg);
/* Once, after ms of virtual time; the world's own, which a crash of the controller does not stop.
 * */
void host_after(struct host *h, int64_t ms, void (*fn)(void *arg), void *arg);
void host_step_wall(struct host *h, int64_t ms); /* somebody sets the clock */
/* Runs what is posted; else moves time to the next timer and runs what is due. False: nothing is
 * left to wait for. */
bool host_turn(struct host *h);
int64_t host_ms(const struct host *h);
void host_crash(struct host *h); /* timers and posts of the process are gone, the world's go on */

/* ---- memstore.c ---- */
struct memstore;
struct memstore *memstore_new(struct sim *s);
void memstore_free(struct memstore *m);
void memstore_crash(
	struct memstore *m, bool commit_first); /* what is under way is lost, or just made it */
void memstore_set_failing(struct memstore *m, bool on);
int memstore_load(struct memstore *m, struct farm *f);
/* NULL when the row is not there. */
const void *memstore_row(const struct memstore *m, const struct row_table *t, int64_t id);
int64_t memstore_count(const struct memstore *m, const struct row_table *t);
void memstore_each(const struct memstore *m, const struct row_table *t,
	void (*fn)(void *arg, const void *row), void *arg);
int64_t memstore_commits(const struct memstore *m);
bool memstore_idle(const struct memstore *m);

/* ---- world.c ---- */
struct world;
struct world *world_new(struct sim *s, int n_devices);
void world_free(struct world *w);
void world_action(struct world *w, const struct farm_action *a);
void world_fault(struct world *w);     /* one random thing goes wrong, or right again */
void world_peace(struct world *w);     /* everything is plugged in and works from now on */
void world_restarted(struct world *w); /* the controller is new: devices arrive again */
void world_crash(struct world *w);     /* it knows nothing of actions under way any more */

/* ---- people.c ---- */
struct people;
struct people *people_new(struct sim *s);
void people_free(struct people *p);
void people_act(struct people *p);
void people_answer(struct people *p, const struct farm_answer *a);
void people_peace(struct people *p); /* cancel what is paused, release what is reserved */
void people_crash(struct people *p); /* their open requests are never answered */

/* ---- oracle.c ---- */
struct oracle;
struct oracle *oracle_new(struct sim *s);
void oracle_free(struct oracle *o);
void oracle_event(struct oracle *o, const struct event_row *ev);
void oracle_accepted(struct oracle *o, int64_t job);
void oracle_logs(struct oracle *o, const struct farm_action *a);
void oracle_start(struct oracle *o, const struct farm_action *a);
void oracle_compare(struct oracle *o); /* stored rows equal memory */
void oracle_final(struct oracle *o);
bool oracle_all_ended(const struct oracle *o);
void oracle_print(const struct oracle *o);
int oracle_uncovered(void); /* transitions that no seed has taken; prints them */

/* ---- main.c ---- */
enum fault {
	FAULT_UNPLUG,
	FAULT_REPLUG,
	FAULT_SESSION,
	FAULT_AGENT_CRASH,
	FAULT_STALL,
	FAULT_ACTION_FAILS,
	FAULT_DISOBEY,
	FAULT_HUMAN,
	FAULT_STORE_FAILS,
	FAULT_CRASH_BEFORE,
	FAULT_CRASH_AFTER,
	FAULT_CLOCK,
	FAULT_HOT,
	FAULT_LOST_SPOOL,
	FAULT_LATE,
	FAULT_MOVE,
	FAULT_NO_AGENT,
	FAULTS
};

struct sim {
	struct rng rng;
	struct host *host;
	struct memstore *store;
	struct world *world;
	struct people *people;
	struct oracle *oracle;
	struct turn *turn;
	struct ctl_env env;
	bool peace;
	int64_t steps;
	bool trace;
	double p_fail, p_stall;
};

void sim_count_fault(enum fault f);
_Noreturn void sim_panic(const struct sim *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* An event from the world or from people into the turn. */
void sim_post(struct sim *s, const struct farm_event *ev);

#endif
