/* SPDX-License-Identifier: Apache-2.0 */
/* The world: phones with agents, what the controller's actions do to them, and what befalls them. */
#ifndef FRAMEFARM_SIM_WORLD_H
#define FRAMEFARM_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

struct farm_action;
struct sim;
struct world;

struct world *world_new(struct sim *s, int n_devices);
void world_free(struct world *w);
void world_action(struct world *w, const struct farm_action *a);
void world_peace(struct world *w);       /* everything is plugged in and works from now on */
void world_restarted(struct world *w);   /* the controller is new: devices arrive again */
void world_crash(struct world *w);       /* it knows nothing of actions under way any more */
void world_final(const struct world *w); /* nothing runs, and every spool has drained */
bool world_drained(const struct world *w);

/* ---- faults.c ---- */
void world_fault(struct world *w, int64_t number); /* the deed of that number */

/* By the phone's number, from 0. */
void world_unplug(struct world *w, int no);
void world_replug(struct world *w, int no);
void world_move(struct world *w, int no, int64_t lingers_ms);
void world_lose_session(struct world *w, int no);
void world_agent_dies(struct world *w, int no, bool with_spool);
void world_needs_human(struct world *w, int no, const char *text, bool may_pass);
void world_temperature(struct world *w, int no, int32_t mc);
void world_stray(struct world *w, int no, int64_t attempt); /* an attempt nobody knows */
void world_epoch(struct world *w, int no, int64_t epoch);   /* it has seen a newer one elsewhere */

/* ---- fate.c: what becomes of an operation ---- */

enum fate_kind {
	FATE_WORKS,
	FATE_FAILS,
	FATE_STALLS,  /* until it is cancelled */
	FATE_LOST,    /* done, but nobody is ever told, whatever is cancelled */
	FATE_LATE,    /* done and told long after its deadline, whatever is cancelled */
	FATE_DOUBLED, /* told twice */
	/* of START: what becomes of the attempt */
	FATE_BREAKS, /* an infrastructure error */
	FATE_LONG,   /* beyond its deadline */
	FATE_DISOBEYS,
	FATE_LATE_DATA,
	FATE_NO_AGENT, /* of PREPARE: there is none for its ABI */
	FATE_HOT,      /* of CLEAN: and it is hot */
};

enum fate_judged { JUDGED_PASS, JUDGED_SLOW, JUDGED_WRONG, JUDGED_INCONCLUSIVE };

struct fate {
	enum fate_kind kind;
	int64_t after_ms;  /* until it is done */
	int64_t late_ms;   /* FATE_LATE: … or a START is answered */
	int64_t run_ms;    /* of START: how long the attempt takes */
	int64_t stored_ms; /* … and then its last chunk */
	int rc;            /* FATE_FAILS: with what */
	bool blame;        /* a failure is the device's */
	bool logs;         /* of START: its end asks for the device's logs */
	bool away;         /* of RECOVER: power and reboot make it go and come back */
	bool obeys;        /* a cancel */
	enum fate_judged judged;
};

/* By the life's chance; the nth operation of that phone (-1: of none). */
struct fate fate_draw(struct sim *s, const struct farm_action *a, int phone, int64_t nth);

#endif
