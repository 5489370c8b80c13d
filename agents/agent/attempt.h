/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attempt, from START to its end: the stages below, the processes of the runner, what is sampled
 * beside them, and the outcome. Everything it learns goes into its spool; it knows nothing of
 * connections. One at a time, on the loop's thread.
 *
 *	idle → baseline → [gate →] run → leave → … (for each process) → after → idle
 *
 * The gate stands in front of the last process. Whatever goes wrong condemns the attempt: the first
 * cause stays, the runner is ended (stop, kill), and what was measured until then is kept.
 */
#ifndef FRAMEFARM_AGENT_ATTEMPT_H
#define FRAMEFARM_AGENT_ATTEMPT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/drain.h"
#include "agent/fileset.h"
#include "agent/output.h"
#include "agent/proc.h"
#include "agent/progress.h"
#include "agent/record.h"
#include "agent/sandbox.h"
#include "agent/spool.h"
#include "agent/thermal_gate.h"
#include "plan.h"

#define ATTEMPT_HZ_MAX      200
#define ATTEMPT_DEADLINE_MS (6 * 3600 * 1000) /* when the plan sets none */
#define ATTEMPT_LEAVE_NS    5000000000LL      /* from DONE to the end of the process */
#define ATTEMPT_STOP_NS     2000000000LL      /* from CANCEL to the kill */
#define ATTEMPT_KILL_NS     10000000000LL     /* after which a killed process is given up */
#define ATTEMPT_DRAIN_NS    500000000LL       /* between looks at the ring: as often as STATUS */
#define ATTEMPT_SLACK_NS    100000000LL       /* by which that may be late, to go with a sample */
#define ATTEMPT_SYNC_NS     1000000000LL      /* at most one fdatasync() in this time … */
#define ATTEMPT_SYNC_TIMED  RECORD_AGE_NS     /* … and in this while the runner is timing */

struct home;
struct ident;
struct root;
struct sampler;
struct shelf;
struct timesrc;

/* What every attempt of this agent has in common; borrowed from whoever set it up. */
struct attempt_env {
	struct timesrc *ts;
	const struct root *root;
	const struct home *home;
	const struct ident *ident;
	struct sampler *sampler;
	struct thermal_gate *gate;
	struct shelf *shelf;
	struct guards guards;
	int64_t runner_uid;                /* -1: none */
	const char *clock_page, *page_dir; /* or NULL */
	const char *protections;
	int *netns; /* of the agent's, for the attempt that begins next: it takes it; -1: none */
};

struct attempt_order {
	int64_t attempt, epoch;
	const char *farm;
	const uint8_t *plan;
	uint32_t plan_len;
};

enum stage {
	STAGE_IDLE,
	STAGE_BASELINE,
	STAGE_GATE,  /* waits until the device is cool */
	STAGE_RUN,   /* a process runs */
	STAGE_LEAVE, /* it said DONE and is to end */
	STAGE_STOP,  /* it was asked to stop */
	STAGE_KILL,  /* it was killed */
	STAGE_AFTER,
	STAGES
};

struct attempt {
	const struct attempt_env *env;
	enum stage stage;
	int64_t stage_until_ns; /* INT64_MAX: no deadline of its own */
	int64_t id, epoch;
	char farm[64];
	uint8_t *plan_bytes;
	uint32_t plan_len;
	struct plan plan;
	struct fileset files;
	struct spool spool;
	struct record record;
	struct drain drain;
	struct output output;
	struct progress progress;
	struct sandbox sandbox;
	struct proc proc;
	int ring, scratch, netns;
	uint32_t process; /* the one that runs or comes next */
	bool done;        /* it said DONE */
	bool draining;    /* the ring holds more than was taken */
	bool discard;     /* nobody wants it: its spool goes when it ends */
	uint16_t phase;
	uint32_t block;
	int64_t phase_ns; /* since when */
	bool condemned;
	uint16_t outcome;
	char cause[256];
	int64_t begin_ns, begin_boot_ns, deadline_ns;
	int64_t life_ns, alive_ns; /* when life was last seen; the ring's sign then */
	uint64_t alive_head;
	int64_t gate_ns; /* when the gate began to wait */
	int64_t next_sample_ns, drained_ns, synced_ns;
	int64_t oom_kills; /* of the device when the process began; -1: unknown */
	char note[96];
};

void attempt_init(struct attempt *a, const struct attempt_env *env);
bool attempt_is_live(const struct attempt *a);

/* Begins one. The order is copied. Returns 0, or an enum proto_refusal and a sentence. */
int attempt_start(struct attempt *a, const struct attempt_order *o, char *why, size_t size);

/* Ends it before its time. With `at_once` the runner is killed, else asked first. */
void attempt_abort(struct attempt *a, uint16_t outcome, const char *cause, bool at_once);

/* The controller wants nothing of the running attempt: kills the runner and deletes the spool. */
void attempt_discard(struct attempt *a);

/* The loop's: what to poll for, that something of it is ready, and the passing of time. */
int attempt_poll(const struct attempt *a, struct pollfd *fds, int64_t now_ns);
void attempt_ready(struct attempt *a, int64_t now_ns);
void attempt_child_ended(struct attempt *a, int64_t now_ns); /* after SIGCHLD */
void attempt_tick(struct attempt *a, int64_t now_ns);
int64_t attempt_deadline(const struct attempt *a);

/* Fills in what is known of it; zeros when idle. */
void attempt_status(struct attempt *a, int64_t now_ns, struct msg_status *m);

/* ---- between attempt*.c ---- */

void attempt_set_stage(struct attempt *a, enum stage to, int64_t until_ns);
void attempt_enter_phase(struct attempt *a, uint16_t phase, uint32_t block, int64_t t_ns);
/* The first one counts. */
void attempt_condemn(struct attempt *a, uint16_t outcome, const char *cause);
bool attempt_is_timed(const struct attempt *a);
/* Takes what the ring holds now. */
void attempt_drain(struct attempt *a);
/* attempt_stage.c: goes on to the next process, or to what comes behind the last. */
void attempt_next(struct attempt *a);
void attempt_finish(struct attempt *a);
void attempt_stage_tick(struct attempt *a);
/* attempt_start.c: gives back what attempt_start() took. */
void attempt_clear(struct attempt *a);
/* attempt_run.c: the running process. */
void attempt_run_begin(struct attempt *a);
void attempt_run_watch(struct attempt *a);
void attempt_run_ready(struct attempt *a);
void attempt_run_over(struct attempt *a);
/* attempt_facts.c */
void attempt_facts_begin(struct attempt *a);
void attempt_facts_process(struct attempt *a);
void attempt_facts_end(struct attempt *a);

#endif
