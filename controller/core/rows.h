/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The persisted part of the core's state: one struct and one row table for each kind of thing. The
 * store writes them, the API reads them back, the simulation compares them. All integers are
 * int64_t; times are wall-clock milliseconds (0: not yet); enums are stored by number and never
 * renumbered. Schema: controller/store/schema. Pure data.
 */
#ifndef FRAMEFARM_CORE_ROWS_H
#define FRAMEFARM_CORE_ROWS_H

#include <stdint.h>

#include "base/limits.h"
#include "base/row.h"

enum device_state {
	DEVICE_ABSENT = 1,
	DEVICE_DETECTED,
	DEVICE_IDENTIFYING,
	DEVICE_AUTHORIZING,
	DEVICE_NEEDS_HUMAN,
	DEVICE_PREPARING,
	DEVICE_READY,
	DEVICE_LEASED,
	DEVICE_BUSY,
	DEVICE_CLEANING,
	DEVICE_COOLING,
	DEVICE_RECOVERING,
	DEVICE_QUARANTINED,
	DEVICE_RETIRED,
	DEVICE_SERVICE, /* free, and held while something is done to it that an operator asked for */
	DEVICE_STATES_END
};

enum device_link { LINK_DOWN = 1, LINK_UP, LINK_CUT };

enum lease_kind { LEASE_JOB = 1, LEASE_RESERVATION };

enum lease_state {
	LEASE_WAITING = 1,
	LEASE_GRANTED,
	LEASE_ACTIVE,
	LEASE_RELEASING,
	LEASE_RELEASED,
	LEASE_EXPIRED,
	LEASE_REVOKED,
	LEASE_REJECTED,
	LEASE_STATES_END
};

enum job_state {
	JOB_QUEUED = 1, /* no run has begun */
	JOB_RUNNING,
	JOB_PAUSED,    /* too many of its runs fail: the job is blamed, not the devices */
	JOB_COMPLETED, /* every run completed; see the verdict */
	JOB_ERRORED,   /* some run ended without a result */
	JOB_CANCELLED,
	JOB_STATES_END
};

enum run_state {
	RUN_QUEUED = 1,
	RUN_ASSIGNED,
	RUN_STAGING,
	RUN_RUNNING,
	RUN_REATTACHING,
	RUN_COLLECTING,
	RUN_COMPLETED,
	RUN_ERRORED,
	RUN_CANCELLED,
	RUN_TIMED_OUT,
	RUN_STATES_END
};

enum attempt_state {
	ATTEMPT_STAGING = 1,
	ATTEMPT_STARTED,    /* START is on its way or the runner runs */
	ATTEMPT_COLLECTING, /* END came, data are still on their way */
	ATTEMPT_STORED,     /* every stream is in the store; waits to be judged */
	ATTEMPT_DONE,       /* see failure; counted tells whether the run's result comes from it */
	ATTEMPT_STATES_END
};

enum verdict { VERDICT_NONE = 0, VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE };

/* Why something ended without a result. FAILURE_NONE: it has one. */
enum failure {
	FAILURE_NONE = 0,
	FAILURE_INFRASTRUCTURE,
	FAILURE_CANCELLED,
	FAILURE_TIMED_OUT,
	FAILURE_UNSATISFIABLE, /* no device can ever match */
};

enum action_kind {
	ACTION_IDENTIFY = 1, /* device */
	ACTION_PREPARE,      /* device: agent pushed, started, connected */
	ACTION_STAGE,        /* attempt: files pushed */
	ACTION_START,        /* attempt: START sent and taken */
	ACTION_STOP,         /* attempt: STOP sent */
	ACTION_JUDGE,        /* run: its rounds judged */
	ACTION_CLEAN,        /* device */
	ACTION_RECOVER,      /* device: arg is the rung of the ladder */
	ACTION_DISCARD,      /* attempt: the agent's spool may go */
	ACTION_EXPOSE,       /* lease: device handed to the engineer */
	ACTION_UNEXPOSE,     /* lease */
	ACTION_COLLECT,      /* device: logs into the directory of the attempt in arg */
	ACTION_DETACH,       /* device */
	ACTION_ATTACH,       /* device */
	ACTION_INSTALL,      /* device: the packages in more */
	ACTION_PROVISION,    /* device: arg is enum farm_provision */
	ACTION_KINDS_END
};

struct device_row {
	int64_t id;
	char key[LIMIT_KEY];
	char driver[LIMIT_NAME];
	char host_id[LIMIT_NAME];
	char name[LIMIT_NAME];
	char model[LIMIT_VALUE];
	char abi[32];
	char os[LIMIT_VALUE];
	char fingerprint[LIMIT_VALUE];
	char agent_uuid[40];
	char place[LIMIT_VALUE];      /* where it is or was last: "usb 1-4.2" */
	char detached_by[LIMIT_NAME]; /* who handed it to another tool; "": nobody */
	struct rstr *attrs;           /* JSON object of texts */
	struct rstr *counters;        /* JSON array: what the agent's probing found */
	int64_t caps;                 /* enum driver_cap */
	int64_t is_virtual;
	int64_t state;          /* enum device_state */
	int64_t link;           /* enum device_link */
	char need[LIMIT_CAUSE]; /* what a person must do, or why it is quarantined */
	int64_t failures;       /* in a row */
	int64_t rung;           /* of the recovery ladder */
	int64_t epoch;          /* newest issued or seen */
	int64_t first_seen_ms, last_seen_ms, state_ms;
};

struct lease_row {
	int64_t id;
	int64_t device; /* 0 while waiting */
	int64_t kind;   /* enum lease_kind */
	int64_t job;    /* 0 for a reservation */
	int64_t slot;   /* of the job */
	int64_t state;  /* enum lease_state */
	int64_t ending; /* the final state it is releasing towards; 0 before */
	int64_t epoch;  /* 0 until granted */
	int64_t priority;
	int64_t for_ms; /* how long a reservation is for, from its grant or its last extension */
	int64_t asked_ms, granted_ms, expires_ms, ended_ms;
	char actor[LIMIT_NAME];
	char reason[LIMIT_VALUE];
	struct rstr *selector; /* JSON, of a reservation */
};

struct job_row {
	int64_t id;
	int64_t state;     /* enum job_state */
	int64_t verdict;   /* enum verdict */
	int64_t exit_code; /* of the CLI; -1 until the end */
	char name[LIMIT_NAME];
	char actor[LIMIT_NAME];
	char branch[LIMIT_VALUE];
	char commit_id[LIMIT_VALUE];
	struct rstr *labels; /* JSON object of texts */
	struct rstr *spec;   /* the job as submitted */
	char spec_sha256[LIMIT_SHA256];
	char idempotency_key[LIMIT_VALUE];
	int64_t priority;
	int64_t n_runs, n_ended, n_failed; /* failed: ended without a result */
	int64_t cancel_asked;
	char cause[LIMIT_CAUSE];
	int64_t submitted_ms, started_ms, ended_ms;
};

struct run_row {
	int64_t id;
	int64_t job;
	int64_t variant;   /* index in the job's variants */
	int64_t slot;      /* index among the job's devices */
	int64_t pin;       /* the one device it is for, 0: any that matches */
	int64_t device;    /* the present or last one; 0: none yet */
	int64_t avoid;     /* device on which the last attempt failed */
	int64_t state;     /* enum run_state */
	int64_t verdict;   /* enum verdict */
	int64_t failure;   /* enum failure */
	int64_t exit_code; /* what it adds to the job's; -1 until the end */
	int64_t round;     /* from 1; 0 before the first */
	int64_t attempts;  /* in all */
	int64_t retries;   /* attempts that failed on infrastructure, this round */
	char variant_name[LIMIT_NAME];
	char cause[LIMIT_CAUSE];
	struct rstr *result; /* JSON: gates with their arithmetic, metrics; NULL until judged */
	int64_t queued_ms, started_ms, ended_ms;
};

struct attempt_row {
	int64_t id;
	int64_t run;
	int64_t job;
	int64_t device;
	int64_t lease;
	int64_t epoch;
	int64_t round;
	int64_t state;   /* enum attempt_state */
	int64_t outcome; /* enum outcome of agents/plan.h; -1 until the agent said END */
	int64_t failure; /* enum failure */
	int64_t counted; /* the one attempt of its round whose data count */
	int64_t spool;   /* the agent may still hold data of it */
	char cause[LIMIT_CAUSE];
	/* JSON: hashes of model, runtime, runner, agent and job, OS, boot id, context, protections. */
	struct rstr *record;
	int64_t created_ms, started_ms, ended_ms;
};

struct action_row {
	int64_t id;
	int64_t kind; /* enum action_kind */
	int64_t device, lease, run, attempt;
	int64_t arg;
	int64_t issued_ms;
};

/* What happened, for people and for server-sent events; appended, never changed. */
struct event_row {
	int64_t id;
	int64_t at_ms;
	char topic[16]; /* "device", "job", "run", "lease" */
	int64_t subject;
	int64_t job; /* the job it belongs to, 0 for none */
	char from_state[24], to_state[24];
	char actor[LIMIT_NAME]; /* "" when nobody asked for it */
	char cause[LIMIT_CAUSE];
};

/* What an operator or a token did. */
struct audit_row {
	int64_t id;
	int64_t at_ms;
	char actor[LIMIT_NAME];
	char action[LIMIT_NAME]; /* "job.submit", "job.cancel", "device.quarantine" … */
	char object[LIMIT_NAME]; /* "j17", "d2" */
	char detail[LIMIT_VALUE];
};

extern const struct row_table device_table, lease_table, job_table, run_table, attempt_table,
	action_table, event_table, audit_table;
/* All of them, NULL-terminated, in the order in which a restart loads them. */
extern const struct row_table *const core_tables[];

/* Names of the states, for people and for the API; "unknown" for a foreign number. */
const char *device_state_name(int64_t s);
const char *device_link_name(int64_t s);
const char *lease_state_name(int64_t s);
const char *job_state_name(int64_t s);
const char *run_state_name(int64_t s);
const char *attempt_state_name(int64_t s);
const char *verdict_name(int64_t v);
const char *failure_name(int64_t f);
const char *action_kind_name(int64_t k);

#endif
