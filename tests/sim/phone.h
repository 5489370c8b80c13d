/* SPDX-License-Identifier: Apache-2.0 */
/* What the world's files share: phones with what their agents keep, and actions under way. */
#ifndef FRAMEFARM_SIM_PHONE_H
#define FRAMEFARM_SIM_PHONE_H

#include <sys/queue.h>

#include "core/farm.h"
#include "world.h"

#define SPOOL_MAX 48

/* An attempt in the agent's spool. */
struct kept {
	int64_t id;
	bool running, disobeys;
	int64_t start_no; /* tells a timer of another attempt in the same place */
	enum farm_outcome means;
	int outcome;
	struct fate fate;
};

struct phone {
	struct world *w;
	int no;
	bool exists; /* it does not, where its deed is left out */
	bool plugged, exposed;
	bool let_go;     /* handed to another tool */
	int64_t handle;  /* 0: the controller does not see it */
	int64_t id;      /* the core's */
	int64_t session; /* number of the present session, 0: none */
	int64_t epoch;
	int32_t temp_mc;
	int64_t n_ops; /* asked of it so far */
	struct kept spool[SPOOL_MAX];
	int n_spool;
};

/* An action under way. */
struct op {
	struct world *w;
	struct farm_action act;
	struct phone *p;
	struct fate fate;
	bool done;    /* its completion was posted, or nobody waits for it any more */
	bool silent;  /* nobody will ever be told */
	bool waiting; /* has no timer that would reap it: it stalls */
	TAILQ_ENTRY(op) link;
};

TAILQ_HEAD(op_list, op);

struct world {
	struct sim *s;
	struct phone *phones;
	int n;
	struct op_list ops;
	int64_t next_handle, next_session, next_start, n_ops;
	int store_rc;
	bool store_slow;
};

/* ---- world.c ---- */
/* Ends the action; told twice where its fate has it so. */
void op_done(struct op *op, int rc, bool blame);
void op_tell(struct op *op, struct farm_event *ev);
void ops_gone(struct phone *p, enum action_kind only); /* those of the phone; 0: of every kind */

/* ---- phone.c ---- */
void phone_arrive(struct phone *p);
void phone_depart(struct phone *p);
void phone_lose_session(struct phone *p, const char *why);
void phone_status(struct phone *p);
struct kept *phone_kept(struct phone *p, int64_t attempt);
void phone_discard(struct phone *p, int64_t attempt);
void phone_begin(struct phone *p, int64_t attempt, const struct fate *fate);
void phone_end(struct phone *p, struct kept *k, enum farm_outcome means);
void phone_say_end(struct phone *p, struct kept *k);

/* ---- perform.c ---- */
void op_perform(struct op *op);

#endif
