/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The farm: the only place where the state of devices, jobs and leases changes. It is pure: an
 * event and the time go in, changed rows, actions and answers come out. No I/O, no clock, no
 * thread. See README.md for the turn that drives it and for the state machines.
 *
 * One step takes one event. What it changed is collected: farm_flush() hands out the changed rows
 * since the last flush, which the caller stores as one transaction; only when that is on the disk
 * may the caller perform the actions and send the answers that the steps before that flush gave.
 * Everything in an event is borrowed for the call.
 */
#ifndef FRAMEFARM_CORE_FARM_H
#define FRAMEFARM_CORE_FARM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"
#include "core/rows.h"

struct err;
struct farm;
struct rstr;

/* Every wait in the core, in milliseconds, and every count. farm_config_default() fills it. */
struct farm_config {
	char host_id[LIMIT_NAME];
	int64_t identify_ms, prepare_ms, stage_ms, start_ms, judge_ms, clean_ms, recover_ms,
		discard_ms, expose_ms, logs_ms, detach_ms, install_ms,
		provision_ms;       /* deadlines of the actions */
	int64_t stop_ms;            /* from STOP to the agent's END */
	int64_t cancel_grace_ms;    /* from an action's cancel to giving it up */
	int64_t reattach_ms;        /* a run whose agent is out of reach */
	int64_t collect_ms;         /* from END to the last chunk */
	int64_t lease_grace_ms;     /* a job's lease beyond its attempt's deadline */
	int64_t cool_max_ms;        /* cooling never lasts longer */
	int32_t cool_above_idle_mc; /* cool: at most this far above the unit's idle temperature */
	int64_t no_match_ms;        /* a job that no known device matches waits this long for one */
	int64_t rematch_ms;    /* … and looks again after this long: some may be retired since */
	int64_t backoff_ms[4]; /* before each rung of the recovery ladder */
	int64_t need_recheck_ms;       /* a device that needs what no driver will report as done */
	int64_t quarantine_recheck_ms; /* until its health check is tried again; 0: never */
	int max_failures;              /* in a row, then quarantine */
};

void farm_config_default(struct farm_config *cfg);

/* ---- events ---- */

enum farm_event_kind {
	FARM_BOOT, /* once, after farm_load(): believe nothing old */
	FARM_TIME, /* a deadline of farm_next_deadline() has come */
	FARM_DEVICE_ARRIVED,
	FARM_DEVICE_GONE,
	FARM_DEVICE_NEEDS_HUMAN,
	FARM_DEVICE_ADMIN, /* request */
	FARM_ACTION_DONE,  /* exactly one for each action given out */
	FARM_AGENT_LOST,   /* the session of a prepared device ended */
	FARM_AGENT_STATUS,
	FARM_AGENT_END,      /* an attempt ended on the agent */
	FARM_ATTEMPT_STORED, /* every stream of an ended attempt is in the store */
	FARM_JOB_SUBMIT,     /* request */
	FARM_JOB_CANCEL,     /* request */
	FARM_JOB_RETRY,      /* request: a paused job goes on */
	FARM_LEASE_ASK,      /* request: a reservation */
	FARM_LEASE_EXTEND,   /* request */
	FARM_LEASE_RELEASE,  /* request */
	FARM_NOTE,           /* request: somebody did what is not the core's; for the audit table */
	FARM_EVENT_KINDS
};

enum farm_admin {
	FARM_ADMIN_QUARANTINE = 1,
	FARM_ADMIN_RELEASE,
	FARM_ADMIN_RETIRE,
	/* These are done to the device; the answer comes when they are. */
	FARM_ADMIN_DETACH,  /* let go of it, so that another tool can have it */
	FARM_ADMIN_ATTACH,  /* take it back */
	FARM_ADMIN_INSTALL, /* more: JSON array of {"sha256", "name"} */
	FARM_ADMIN_PROVISION,
	FARM_ADMIN_END
};

/* The order of enum driver_provision in drivers/driver.h. */
enum farm_provision { FARM_PROVISION_CHECK, FARM_PROVISION_APPLY, FARM_PROVISION_UNDO };

struct farm_attr {
	char key[LIMIT_NAME];
	char value[LIMIT_VALUE];
};

struct farm_identity {
	char key[LIMIT_KEY];
	char name[LIMIT_NAME];
	char model[LIMIT_VALUE];
	char abi[32];
	char os[LIMIT_VALUE];
	char fingerprint[LIMIT_VALUE];
	int64_t caps;
	bool is_virtual;
	bool can_expose, can_power, can_reboot, can_collect, can_detach, can_install, can_provision;
	int n_attrs;
	struct farm_attr attrs[LIMIT_ATTRS];
};

#define FARM_AGENT_ATTEMPTS 64

struct farm_agent {
	char uuid[40];
	int64_t epoch;         /* newest it has seen from this farm */
	struct rstr *counters; /* JSON; a reference is taken */
	int n_attempts;
	struct {
		int64_t attempt;
		bool ended;
	} attempts[FARM_AGENT_ATTEMPTS];
};

struct farm_judged {
	enum verdict verdict;
	int exit_code;
	struct rstr *result; /* JSON; a reference is taken */
	char cause[LIMIT_CAUSE];
};

struct farm_event {
	enum farm_event_kind kind;
	int64_t token;     /* of a request: its answer carries it; 0 wants none */
	const char *actor; /* who asked; NULL for nobody */
	union {
		struct {
			int64_t handle; /* the caller's, not 0, new for each arrival */
			const char *driver;
			const char *where; /* "usb 1-4.2": for people, until identified */
		} arrived;
		struct {
			int64_t handle;
			const char *text; /* needs_human: what to do; "": no longer */
			bool authorizing; /* needs_human: it may come right by itself */
		} gone, needs_human;
		struct {
			int64_t device;
			enum farm_admin what;
			const char *reason;
			enum farm_provision provision;
			struct rstr *more; /* INSTALL; a reference is taken */
		} admin;
		struct {
			int64_t action;
			int rc;
			const char *text;
			bool blame_device;
			const struct farm_identity *identity; /* IDENTIFY */
			const struct farm_agent *agent;       /* PREPARE */
			const struct farm_judged *judged;     /* JUDGE */
			/* START: what was run; PROVISION: what was found. A reference is taken. */
			struct rstr *record;
		} done;
		struct {
			int64_t device;
			const char *text;
		} agent_lost;
		struct {
			int64_t device;
			bool thermal_known;
			int32_t hottest_mc;
		} status;
		struct {
			int64_t attempt;
			int outcome; /* enum outcome of agents/plan.h */
			enum farm_outcome {
				FARM_OUTCOME_RESULT, /* there is something to judge */
				FARM_OUTCOME_CANCELLED,
				FARM_OUTCOME_INFRASTRUCTURE,
			} means;
			bool blame_device;
			bool wants_logs; /* a crash, say: the device's logs may tell more */
			const char *cause;
		} end;
		struct {
			int64_t attempt;
		} stored;
		struct {
			struct rstr *spec; /* the wire form; a reference is taken */
			const char *spec_sha256;
			const char *idempotency_key;
		} submit;
		struct {
			int64_t job;
			const char *reason;
		} cancel, retry;
		struct {
			struct rstr *selector; /* JSON object of terms */
			int64_t for_ms;
			int64_t priority;
			const char *reason;
		} ask;
		struct {
			int64_t lease;
			int64_t for_ms;
		} extend, release;
		struct {
			const char *action; /* "device.connect" */
			const char *detail;
		} note;
	} u;
};

/* ---- what comes out ---- */

struct farm_action {
	int64_t id;
	enum action_kind kind;
	int64_t device, handle, lease, run, attempt, epoch;
	int64_t arg;
	int64_t ttl_ms;    /* START: how long the lease lives */
	struct rstr *more; /* INSTALL: as in the request; belongs to the farm_out */
	/* Not a new action: give up the one with this id; its FARM_ACTION_DONE is still awaited. */
	bool cancel;
};

struct farm_answer {
	int64_t token;
	int rc;       /* 0 or an enum err_code */
	int64_t id;   /* of the job or lease */
	bool existed; /* an idempotent repeat: nothing was changed */
	char text[LIMIT_CAUSE * 2];
	struct rstr *body; /* JSON, or NULL; belongs to the farm_out */
};

struct farm_out {
	struct farm_action *actions;
	int n_actions, cap_actions;
	struct farm_answer *answers;
	int n_answers, cap_answers;
};

void farm_out_init(struct farm_out *o);
void farm_out_clear(struct farm_out *o); /* empties, keeps the memory */
void farm_out_fini(struct farm_out *o);

/* ---- the farm ---- */

struct farm *farm_new(const struct farm_config *cfg);
void farm_free(struct farm *f); /* NULL is allowed */

/* Before FARM_BOOT: the rows of the last run that are not final, in the order of core_tables; rows
 * that are final may come too and are skipped. ERR_CORRUPT and *e when a row does not fit. */
int farm_load(struct farm *f, const struct row_table *t, const void *row, struct err *e);
/* The largest id that the table has ever held, so that none is used twice. */
void farm_set_last_id(struct farm *f, const struct row_table *t, int64_t id);

/* Before FARM_BOOT, when the rows came out of a backup: attempts up to this id have gone on behind it. */
void farm_set_restored(struct farm *f, int64_t attempt);

/* Appends to *out. */
void farm_step(struct farm *f, const struct farm_event *ev, struct now now, struct farm_out *out);

/* Hands out every row that changed since the last flush (put) or may be deleted (del), then lets go
 * of what has ended. Returns their number. */
int farm_flush(struct farm *f, void (*put)(void *arg, const struct row_table *t, const void *row),
	void (*del)(void *arg, const struct row_table *t, int64_t id), void *arg);

/* How many rows wait for the next flush. */
int farm_changed(const struct farm *f);

/* Monotonic ms of the earliest deadline, INT64_MAX for none. */
int64_t farm_next_deadline(const struct farm *f);

/* ---- looking in; rows are borrowed until the next step ---- */

const struct device_row *farm_device(const struct farm *f, int64_t id);
const struct job_row *farm_job(const struct farm *f, int64_t id);
const struct run_row *farm_run(const struct farm *f, int64_t id);
const struct attempt_row *farm_attempt(const struct farm *f, int64_t id);
const struct lease_row *farm_lease(const struct farm *f, int64_t id);
void farm_each(const struct farm *f, const struct row_table *t,
	void (*fn)(void *arg, const void *row), void *arg);

struct farm_counts {
	int64_t devices, ready, busy, queued_runs, live_jobs, leases, actions, late;
};
void farm_get_counts(const struct farm *f, struct farm_counts *ret_c);

/* Panics (assert) when an invariant of the core is broken, for the simulation. O(everything). */
void farm_check(const struct farm *f);
/* The same for one object, if it is there. */
void farm_check_one(const struct farm *f, const struct row_table *t, int64_t id);

/* Whether the device may go this way; the tables in states.c, for tests. */
bool farm_device_may(int64_t from, int64_t to);
bool farm_lease_may(int64_t from, int64_t to);
bool farm_run_may(int64_t from, int64_t to);
bool farm_job_may(int64_t from, int64_t to);
bool farm_attempt_may(int64_t from, int64_t to);

#endif
