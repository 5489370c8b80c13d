/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulation: the real core and the real turn in virtual time, over a store in memory and a
 * world of phones that unplug, stall, answer late, twice or never, fail, heat up and come back. A
 * seed decides everything, so a failing seed replays; README.md says which file is what.
 *
 * One life is one struct sim: life.c lives it by chance, story.c by a script.
 */
#ifndef FRAMEFARM_SIM_H
#define FRAMEFARM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "chance.h"
#include "farm/ctl.h"
#include "farm/turn.h"
#include "world.h"

struct sim {
	uint64_t seed;
	struct chance *chance;
	struct host *host;
	struct memstore *store;
	struct world *world;
	struct people *people;
	struct oracle *oracle;
	struct turn *turn;
	struct ctl_env env;
	struct fate (*fate)(struct sim *s, const struct farm_action *a, int phone, int64_t nth);
	void (*tell)(struct sim *s, const char *line); /* NULL: nobody listens */
	void *tell_arg;
	bool peace;
	bool dying;    /* the process is dead, and its turn has not ended yet */
	bool die_amid; /* … as soon as it has given out one of the next commit's actions */
	int64_t steps; /* transactions that changed a row */
	int64_t checks;
	bool compare_all; /* as soon as the store is idle */
	double p_fail, p_stall, p_odd;
};

/* ---- life.c ---- */

struct life {
	uint64_t seed;
	int64_t salt;     /* other delays and fates for the same deeds; 0: as the seed has them */
	int64_t steps;    /* then peace */
	int64_t until_ms; /* … or after so much virtual time; 0: no such end */
	const struct deed *keep; /* nothing but these happens; NULL: everything does */
	int n_keep;
	bool trace;          /* on stdout */
	bool no_peace;       /* it ends where peace would begin */
	struct deed *record; /* its deeds go here, their number into *progress; NULL: nowhere */
	size_t max_record;
};
void life_live(const struct life *l); /* returns unless something is broken */

/* How far the present life is, in memory that a watching process may share. */
struct progress {
	uint64_t seed;
	int64_t steps, ms;
	int64_t calm_steps, calm_ms; /* when peace began */
	bool peace;
	size_t n_deeds;
};
extern struct progress *progress;

/* What a life by chance and one by a script have in common. */
void sim_init(struct sim *s, int n_devices);
void sim_fini(struct sim *s);
void sim_boot(struct sim *s);
enum sim_crash { CRASH_BEFORE, CRASH_AFTER, CRASH_IDLE };
void sim_crash(struct sim *s, enum sim_crash how);
void sim_step(struct sim *s); /* one turn of the loop, and every invariant */
void sim_peace(struct sim *s);

/* Ends the process: an invariant is broken. */
_Noreturn void sim_panic(const struct sim *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* To the trace, with the time in front. */
void sim_tell(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An event from the world into the turn. */
void sim_post(struct sim *s, const struct farm_event *ev);

/* ---- shrink.c ---- */
/* Finds a short story of a life that fails, and prints it. 0: found; 1: it does not fail. */
int shrink(const struct life *l, int64_t seconds);

/* ---- pool.c ---- */
/* Lives of the seeds, so many at a time; 0 unless one failed. Counts are in *stats. */
int pool_run(const struct life *first, int64_t seeds, int jobs);

/* ---- story.c ---- */
/* Runs the stories and holds them against their traces, as TAP; bless writes the traces. */
int story_run(char **files, int n, bool bless);

#endif
