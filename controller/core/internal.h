/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core's files share: the live objects around the rows, and the functions by which one
 * file asks another. Nobody outside core/ includes it.
 *
 * Ownership: the farm owns everything through its maps; a job owns its runs and slots. An object
 * that has ended is marked `forget` and freed by farm_flush(), once its last row is handed out, so
 * nothing frees itself inside a step.
 */
#ifndef FRAMEFARM_CORE_INTERNAL_H
#define FRAMEFARM_CORE_INTERNAL_H

#include <sys/queue.h>

#include "core/farm.h"
#include "core/jobspec.h"

struct map;

/* ---- objects ---- */

/* The head of everything that has a row. */
struct ent {
	const struct row_table *table;
	void *row;
	bool dirty;   /* in farm.dirty */
	bool deleted; /* its row is to be deleted */
	bool forget;  /* free it behind the next flush */
	TAILQ_ENTRY(ent) link;
};

enum timer_kind { TIMER_DEVICE, TIMER_LEASE, TIMER_ATTEMPT, TIMER_ACTION, TIMER_JOB };

struct timer {
	int64_t at;
	int pos; /* in the heap, from 1; 0: not set */
	enum timer_kind kind;
	void *owner;
};

struct selq;

/* An entry in the queue: a job that has slots without a device, or a waiting reservation. */
struct want {
	struct selq *selq;
	int64_t priority, seq; /* larger priority first, then smaller seq */
	struct job *job;       /* one of the two */
	struct lease *lease;
	bool queued;
	TAILQ_ENTRY(want) link;
};

#define LOGS_MAX   8
#define STRAYS_MAX 8

struct device {
	struct ent ent;
	struct device_row row;
	int64_t handle; /* 0: not connected */
	bool agent_up;
	int64_t action;      /* the device's own action that is under way, 0: none */
	struct lease *lease; /* granted, active or releasing */
	struct timer timer;  /* back-off, cooling, recheck: by state */
	int index;           /* of its bit in each selector's match set */
	struct selq **selqs; /* those that match it, in no order */
	int n_selqs, cap_selqs;
	bool can_expose, can_power, can_reboot, can_collect, can_detach, can_install, can_provision;
	bool quarantine_asked; /* as soon as its lease has ended */
	bool spared;  /* it failed, and what may still be measuring on it kept it from more */
	int64_t twin; /* the connected device that has its identity, 0: none */
	/* What its driver said that a person must do, in a state that cannot take it: kept until one
	 * can. */
	char later_need[LIMIT_CAUSE];
	bool later_may_pass;
	bool service_from_need, service_recheck; /* what was before service */
	char service_by[LIMIT_NAME];
	int64_t logs_of
		[LOGS_MAX]; /* attempts whose logs are to be collected before it is cleaned */
	int n_logs;
	int64_t strays[STRAYS_MAX]; /* attempts that nobody knows, to be discarded again */
	int n_strays;
	int n_attrs;
	struct farm_attr attrs[LIMIT_ATTRS];
	bool thermal_known;
	int32_t hottest_mc, idle_mc;
	bool in_ready;
	TAILQ_ENTRY(device) ready_link;
};

struct lease {
	struct ent ent;
	struct lease_row row;
	struct device *device;
	struct job *job;    /* NULL for a reservation */
	struct timer timer; /* its expiry */
	struct want want;   /* of a waiting reservation */
	int64_t action;     /* EXPOSE or UNEXPOSE under way */
	bool exposed;
};

TAILQ_HEAD(attempt_list, attempt);

struct slot {
	bool pending;   /* has queued runs and no lease */
	bool failed;    /* an attempt failed here on infrastructure */
	int64_t pin;    /* device id, 0: any that matches */
	int64_t device; /* the one it holds or held last */
	struct lease *lease;
};

struct pinned {
	int64_t pin;
	int slot;
};

/* What speaks against a job, since it last gave a result; see blame.c. */
struct blame {
	uint8_t failed_on[LIMIT_DEVICES / 8]; /* bits of device.index */
	uint8_t counted[LIMIT_DEVICES / 8];   /* of these, those to whom it was counted as well */
	int n_failed_on;
	int waves;        /* a failure of what began behind another's failure begins a new one */
	int64_t wave_end; /* the newest attempt that had begun when the present wave began */
};

struct job {
	struct ent ent;
	struct job_row row;
	struct want want;
	struct timer timer; /* while no known device matches */
	bool looked;        /* it has waited for one as long as it is to wait for the first */
	int n_variants, n_slots;
	int64_t min_rounds, max_rounds, retries;
	int64_t *deadline_ms; /* of one attempt, by variant */
	int64_t newest;       /* of its attempts */
	struct blame blame;
	struct slot *slots;
	int n_pending;         /* of them */
	struct pinned *by_pin; /* all of them in the order of their pins; NULL: they have none */
	struct run **runs;     /* [slot * n_variants + variant] */
	struct attempt_list attempts; /* that still are, ended ones too */
};

struct run {
	struct ent ent;
	struct run_row row;
	struct job *job;
	struct attempt *attempt; /* the live one */
	int64_t action;          /* JUDGE under way */
};

enum stop_why { STOP_NONE, STOP_CANCEL, STOP_TIMEOUT, STOP_LEASE };

struct attempt {
	struct ent ent;
	struct attempt_row row;
	struct run *run;             /* NULL once the job has been let go */
	TAILQ_ENTRY(attempt) of_job; /* while run is set */
	struct timer timer;          /* deadline, stop, reattach or collect: by state */
	int64_t action;              /* STAGE or START under way */
	int64_t deadline_at;         /* monotonic ms, of the whole attempt, once it is started */
	enum stop_why stopping;
	bool discarding;
	bool away; /* its device, while its last data are awaited */
};

struct action {
	struct ent ent;
	struct action_row row;
	struct timer timer;
	bool cancelled, overdue; /* the second: because its deadline passed */
	int64_t token;           /* of the request that is answered when it is done; 0: none */
};

TAILQ_HEAD(ent_list, ent);
TAILQ_HEAD(ready_list, device);
TAILQ_HEAD(selq_list, selq);

struct farm {
	struct farm_config cfg;
	struct now now;
	const char *actor;    /* who asked for the event that is being handled; NULL: nobody */
	struct farm_out *out; /* only inside a step */
	struct map *devices, *device_keys, *handles, *leases, *jobs, *job_keys, *runs, *attempts,
		*actions;
	int64_t next_id[8]; /* by position in core_tables */
	int64_t restored_to;
	struct ent_list dirty;
	int n_dirty;
	struct ready_list ready;
	struct selq_list selqs; /* those with something queued, or used by a live job */
	struct map *selq_keys;
	struct device *by_index[LIMIT_DEVICES]; /* by its bit in match sets; NULL: free */
	struct timer **heap;
	int n_heap, cap_heap;
	int64_t queued_runs;
	bool booted;
};

/* ---- farm.c ---- */
int64_t farm_new_id(struct farm *f, const struct row_table *t);
void ent_init(struct ent *e, const struct row_table *t, void *row);
void ent_touch(struct farm *f, struct ent *e);
void farm_answer(struct farm *f, const struct farm_event *ev, int rc, int64_t id, const char *fmt,
	...) __attribute__((format(printf, 5, 6)));
void farm_audit(struct farm *f, const char *actor, const char *action, char letter, int64_t id,
	const char *detail);

/* ---- states.c: check, trace, stamp ---- */
void device_set_state(struct farm *f, struct device *d, enum device_state to, const char *cause);
void lease_set_state(struct farm *f, struct lease *l, enum lease_state to, const char *cause);
void job_set_state(
	struct farm *f, struct job *j, enum job_state to, const char *actor, const char *cause);
void run_set_state(struct farm *f, struct run *r, enum run_state to, const char *cause);
void attempt_set_state(struct farm *f, struct attempt *a, enum attempt_state to);
bool run_is_final(int64_t s);
bool job_is_final(int64_t s);
bool lease_is_final(int64_t s);

/* ---- timer.c ---- */
void timer_init(struct timer *t, enum timer_kind kind, void *owner);
void timer_set(struct farm *f, struct timer *t, int64_t after_ms);
void timer_clear(struct farm *f, struct timer *t);
struct timer *timer_due(struct farm *f); /* the earliest that is due, cleared; NULL for none */

/* ---- action.c ---- */
/* Returns the id. The caller keeps it where the completion will look for it. */
int64_t action_issue(struct farm *f, enum action_kind kind, struct device *d, struct lease *l,
	struct attempt *a, int64_t run, int64_t arg, int64_t deadline_ms);
/* Who asked for it is answered when it is done. */
void action_owe(struct farm *f, int64_t id, const struct farm_event *ev);
void action_cancel(struct farm *f, int64_t id);
void action_timeout(struct farm *f, struct action *act);
void action_done(struct farm *f, const struct farm_event *ev);

/* ---- device.c, health.c, need.c, service.c, logs.c, strays.c ---- */
struct device *device_load(struct farm *f, const struct device_row *row);
void device_free(struct farm *f, struct device *d);
void device_arrived(struct farm *f, const struct farm_event *ev);
void device_gone(struct farm *f, const struct farm_event *ev);
void device_needs_human(struct farm *f, const struct farm_event *ev);
void device_admin(struct farm *f, const struct farm_event *ev);
void device_agent_lost(struct farm *f, const struct farm_event *ev);
void device_status(struct farm *f, const struct farm_event *ev);
void device_action_done(
	struct farm *f, struct device *d, enum action_kind kind, const struct farm_event *ev);
void device_timeout(struct farm *f, struct device *d);
void device_keep_unknown(struct farm *f, struct device *d); /* at the boot */
void device_identify(struct farm *f, struct device *d);
void device_settle(struct farm *f, struct device *d); /* prepared: what now? */
void device_clean(struct farm *f, struct device *d);  /* its lease is releasing */
/* Something on the device failed: the recovery ladder, then quarantine. */
void device_fail(struct farm *f, struct device *d, bool blame, const char *cause);
void device_blame(struct farm *f, struct device *d, const char *cause);
void device_recover_step(struct farm *f, struct device *d); /* the back-off is over */
void device_recovered(struct farm *f, struct device *d);    /* the rung was climbed */
void device_quarantine(struct farm *f, struct device *d, const char *cause);
bool device_usable(const struct device *d); /* connected, with its agent */
/* Its driver's need, if there is one that waits for a state that can take it. True: it is in that
 * state now. */
bool device_take_need(struct farm *f, struct device *d);
/* A need that the core itself found: looked at again after a while. */
void device_own_need(struct farm *f, struct device *d, const char *text);
/* The other connected device that has d's identity: d waits for it to go. */
void device_wait_for_twin(struct farm *f, struct device *d, const struct device *other);
void device_twin_gone(struct farm *f, const struct device *gone);
void device_set_need(struct farm *f, struct device *d, const char *text);
/* What an operator asks to be done to the device itself. */
void service_ask(struct farm *f, struct device *d, const struct farm_event *ev);
void service_detach_again(struct farm *f, struct device *d);
void service_done(
	struct farm *f, struct device *d, enum action_kind kind, const struct farm_event *ev);
void logs_wanted(struct device *d, int64_t attempt);
/* The next attempt's logs; false: there are none to collect (any more). */
bool logs_collect(struct farm *f, struct device *d);
void stray_discard(struct farm *f, struct device *d, int64_t attempt);
void stray_failed(struct farm *f, struct device *d, int64_t attempt);
void strays_discard(struct farm *f, struct device *d); /* those whose discard failed */

/* ---- lease.c ---- */
void lease_load(struct farm *f, const struct lease_row *row);
void lease_free(struct farm *f, struct lease *l);
struct lease *lease_grant_job(struct farm *f, struct device *d, struct job *j, int slot);
void lease_grant_waiting(struct farm *f, struct device *d, struct lease *l);
void lease_extend_for(struct farm *f, struct lease *l, int64_t ms);
void lease_end(struct farm *f, struct lease *l, enum lease_state ending, const char *cause);
void lease_finish(struct farm *f, struct lease *l); /* the device is clean or quarantined */
void lease_timeout(struct farm *f, struct lease *l);
void lease_enqueue(struct farm *f, struct lease *l, const struct jobspec_selector *sel);
void lease_ask(struct farm *f, const struct farm_event *ev);
void lease_extend(struct farm *f, const struct farm_event *ev);
void lease_release(struct farm *f, const struct farm_event *ev);
void lease_action_done(
	struct farm *f, struct lease *l, enum action_kind kind, const struct farm_event *ev);

/* ---- queue.c, select.c ---- */
struct selq *selq_get(struct farm *f, const struct jobspec_selector *sel);
void selq_device_changed(struct farm *f, struct device *d); /* attributes, or retired */
void selq_device_removed(struct farm *f, struct device *d);
int selq_known(
	const struct farm *f, const struct selq *q); /* devices that match, absent ones too */
bool selq_matches(const struct selq *q, const struct device *d);
void selq_put(struct farm *f, struct selq *q); /* the reference of selq_get() */
bool selector_matches(const struct jobspec_selector *sel, const struct device *d);
/* Reads {"kind": "local", …}. */
int selector_parse(const char *json, size_t n, struct jobspec_selector *ret_s, struct err *e);
void want_add(struct farm *f, struct want *w);
void want_remove(struct farm *f, struct want *w); /* a no-op when it is not queued */
void queue_device_ready(struct farm *f, struct device *d);
void queue_device_unready(struct farm *f, struct device *d);
/* Gives ready devices to what waits; called after a want was added or a device became ready. */
void queue_match_device(struct farm *f, struct device *d);
void queue_match_want(struct farm *f, struct want *w);

/* ---- job.c ---- */
int job_load(struct farm *f, const struct job_row *row, struct err *e);
int job_load_run(struct farm *f, const struct run_row *row, struct err *e);
void job_free(struct farm *f, struct job *j);
void job_accept(struct farm *f, const struct farm_event *ev);
void job_cancel(struct farm *f, const struct farm_event *ev);
void job_retry(struct farm *f, const struct farm_event *ev);
void job_run_ended(struct farm *f, struct run *r);
int job_slot_for(const struct job *j, const struct device *d); /* -1: none */
void job_requeue(struct farm *f, struct job *j);
void job_settle(struct farm *f, struct job *j); /* after one was granted, which the caller noted */
int job_index(const struct run *r);

/* ---- wait.c ---- */
void job_timeout(struct farm *f, struct job *j); /* it has waited for devices for long enough */
/* Nothing can run on it, and that for so long. */
bool device_out_of_reach(const struct farm *f, const struct device *d, int64_t for_ms);

/* ---- blame.c ---- */
/* An attempt failed on infrastructure, on d (or NULL). Counts it against d where blame_device says so,
 * unless it is the job's fault. Returns whether it is. */
bool blame_failed(struct farm *f, struct job *j, const struct attempt *a, struct device *d,
	bool blame_device, const char *cause);
/* The job's fault: nobody gets it until somebody has looked. A no-op unless it runs. */
void blame_pause(struct farm *f, struct job *j, const char *cause);
/* It gave a result after all, here or elsewhere. */
void blame_worked(struct job *j, int slot);
void blame_reset(struct job *j);
bool blame_is_jobs(const struct job *j);

/* ---- run.c, attempt.c ---- */
void slot_next(struct farm *f, struct lease *l); /* next run of the slot, or the end of the lease */
void run_end(struct farm *f, struct run *r, enum run_state to, enum failure why, const char *cause);
void run_judged(struct farm *f, struct run *r, const struct farm_event *ev);
void attempt_load(struct farm *f, const struct attempt_row *row);
void attempt_free(struct farm *f, struct attempt *a);
struct attempt *attempt_begin(struct farm *f, struct run *r, struct lease *l);
void attempt_action_done(
	struct farm *f, struct attempt *a, enum action_kind kind, const struct farm_event *ev);
void attempt_agent_end(struct farm *f, const struct farm_event *ev);
void attempt_stored(struct farm *f, const struct farm_event *ev);
void attempt_timeout(struct farm *f, struct attempt *a);
void attempt_stop(struct farm *f, struct attempt *a, enum stop_why why);
/* The link or the agent is away: wait for it. */
void attempt_detached(struct farm *f, struct attempt *a, const char *cause);
void attempt_reported(struct farm *f, struct device *d, int64_t id, bool ended);
void attempt_not_reported(struct farm *f, struct device *d, const struct farm_agent *agent);
/* Infrastructure: retried while the run may, on another device where one matches. */
void attempt_fail(struct farm *f, struct attempt *a, bool blame_device, const char *cause);
void attempt_finish(struct farm *f, struct attempt *a, enum failure why, const char *cause);
void attempt_forget_device(struct farm *f, const struct device *d);
void attempt_discard(struct farm *f, struct attempt *a);
bool attempt_is_live(const struct attempt *a);

/* ---- boot.c ---- */
void farm_boot(struct farm *f);

#endif
