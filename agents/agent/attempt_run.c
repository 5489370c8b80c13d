/* SPDX-License-Identifier: Apache-2.0 */
/* One process of an attempt: starting it, listening, watching for signs of life, its end. See
 * attempt.h. */
#include "agent/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/cause.h"
#include "agent/home.h"
#include "agent/keyed.h"
#include "agent/log.h"
#include "agent/pidfile.h"
#include "agent/ringfile.h"
#include "agent/sampler.h"
#include "timesrc.h"

#define RING_DAMAGED "the runner broke its contract: its ring is damaged"

#define LAST_READS 1024 /* of 16 KiB: far more than a socket and a pipe can hold */

/* ---- beginning ---- */

/* Drops the model's pages, so that this load reads the storage. Dirty pages cannot be dropped, so they are
 * written first; that they outlive a power cut is asked of nobody here, so the disk's cache is not flushed. */
static void evict_model(struct attempt *a)
{
	int fd = *a->plan.model_sha256
	                 ? fileset_open(a->env->home->files, a->plan.model_sha256, false)
	                 : -1;
	int rc;

	if (fd < 0)
		return;
	rc = sync_file_range(fd, 0, 0,
		     SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			     SYNC_FILE_RANGE_WAIT_AFTER)
	             ? errno
	             : posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (rc)
		record_str(&a->record, "load.not_evicted", strerror(rc));
	close(fd);
}

static int64_t count_oom_kills(const struct attempt *a)
{
	int64_t n;

	return keyed_read_one(a->env->root, "/proc/vmstat", "oom_kill", &n) ? -1 : n;
}

void attempt_run_begin(struct attempt *a)
{
	const struct attempt_env *env = a->env;
	struct proc_order o = {
		.ts = env->ts,
		.guards = &env->guards,
		.sandbox = &a->sandbox,
		.files = &a->files,
		.runner_name = a->plan.runner_sha256,
		.loading = *a->plan.loader_sha256 ? &a->plan : NULL,
		.clock_page = env->clock_page,
		.ring = a->ring,
		.process = a->process,
		.plan = a->plan_bytes,
		.plan_len = a->plan_len,
	};
	char why[160];

	if (a->process < a->plan.cold_loads)
		evict_model(a);
	a->oom_kills = count_oom_kills(a);
	a->life_ns = a->phase_ns = a->drained_ns = a->record.now_ns;
	a->alive_ns = a->life_ns;
	a->done = false;
	a->phase = a->process < a->plan.cold_loads ? PHASE_LOAD_COLD : PHASE_LOAD_WARM;
	ringfile_set_alive(a->ring, a->life_ns);
	if (proc_start(&a->proc, &o, why, sizeof(why))) {
		attempt_condemn(a, OUTCOME_INTERNAL, why);
		attempt_finish(a);
		return;
	}
	attempt_set_stage(a, STAGE_RUN, INT64_MAX);
	sampler_set_runner(env->sampler, a->proc.pid);
	if (pidfile_write(a->spool.dir, a->proc.pid))
		log_warn(
			"event=no-pidfile attempt=%lld pid=%d", (long long)a->id, (int)a->proc.pid);
}

/* ---- what the runner says ---- */

static bool is_runners_phase(uint16_t phase)
{
	return phase >= PHASE_LOAD_COLD && phase <= PHASE_SUSTAINED && phase != PHASE_THERMAL;
}

static bool take_phase(struct attempt *a, struct proto_r *r)
{
	uint16_t phase = proto_get_u16(r);
	int64_t t_ns = proto_get_i64(r);
	uint32_t block = proto_get_u32(r);

	if (r->bad || !is_runners_phase(phase))
		return false;
	/* Its clock is ours; what lies elsewhere is no time of this attempt. */
	if (t_ns < a->begin_ns || t_ns > a->record.now_ns)
		t_ns = a->record.now_ns;
	attempt_enter_phase(a, phase, block, t_ns);
	return true;
}

static bool take_fact(struct attempt *a, struct proto_r *r)
{
	struct fact f;

	if (fact_get(r, &f))
		return false;
	record_fact(&a->record, &f);
	return true;
}

/* The runner may report what it can know; the rest is for the agent to say. */
static uint16_t reported(const struct attempt *a, uint16_t outcome)
{
	switch (outcome) {
	case OUTCOME_OK:
	case OUTCOME_GOLDEN:
	case OUTCOME_MODEL:
	case OUTCOME_MEMORY:
	case OUTCOME_RUNTIME:
		return outcome;
	case OUTCOME_CANCELLED:
		return a->condemned ? outcome : OUTCOME_INTERNAL;
	default:
		return OUTCOME_INTERNAL;
	}
}

static bool take_done(struct attempt *a, struct proto_r *r)
{
	uint16_t outcome = proto_get_u16(r);
	char cause[MSG_CAUSE];

	proto_get_text(r, cause, sizeof(cause));
	if (r->bad)
		return false;
	a->done = true;
	outcome = reported(a, outcome);
	if (outcome != OUTCOME_OK)
		attempt_condemn(a, outcome, *cause ? cause : "the runner gave no cause");
	if (a->stage == STAGE_RUN)
		attempt_set_stage(a, STAGE_LEAVE, a->record.now_ns + ATTEMPT_LEAVE_NS);
	return true;
}

static bool take_frame(struct attempt *a, const struct proto_frame *f)
{
	struct proto_r r;

	proto_r_init(&r, f->payload, f->len);
	switch (f->type) {
	case PROTO_PHASE:
		return take_phase(a, &r);
	case PROTO_FACT:
		return take_fact(a, &r);
	case PROTO_DONE:
		return take_done(a, &r);
	}
	return true; /* of a later version */
}

static void distrust(struct attempt *a, const char *cause)
{
	attempt_abort(a, OUTCOME_CRASH, cause, true);
}

static void take_frames(struct attempt *a)
{
	struct proto_frame f;
	int rc;

	while ((rc = proc_next(&a->proc, &f)) > 0) {
		a->life_ns = a->record.now_ns;
		if (!take_frame(a, &f))
			break;
	}
	if (rc && proc_is_alive(&a->proc))
		distrust(a, "the runner broke its contract: it sent what cannot be understood");
}

/* Returns whether there may be more now. */
static bool take_output(struct attempt *a)
{
	char buf[16384];

	for (size_t sum = 0; sum < PROC_TURN_OUTPUT;) {
		ssize_t n = proc_read_output(&a->proc, buf, sizeof(buf));

		if (n <= 0)
			return false;
		output_add(&a->output, &a->record, buf, n);
		sum += n;
	}
	return true;
}

void attempt_run_ready(struct attempt *a)
{
	proc_send(&a->proc, a->record.now_ns);
	take_output(a);
	if (proc_listen(&a->proc) > 0)
		take_frames(a);
}

/* ---- signs of life ---- */

void attempt_drain(struct attempt *a)
{
	a->draining = drain_pump(&a->drain, &a->record) == 1;
	a->drained_ns = a->record.now_ns;
}

static void note_life(struct attempt *a)
{
	if (a->drain.alive_ns == a->alive_ns && a->drain.head == a->alive_head)
		return;
	a->alive_ns = a->drain.alive_ns;
	a->alive_head = a->drain.head;
	a->life_ns = a->record.now_ns;
}

void attempt_run_watch(struct attempt *a)
{
	int64_t now_ns = a->record.now_ns, stall_ns = a->plan.stall_ms * INT64_C(1000000);
	char cause[160];

	if (a->stage != STAGE_RUN)
		return;
	if (a->drain.damaged) {
		distrust(a, RING_DAMAGED);
		return;
	}
	if (a->draining || now_ns - a->drained_ns >= ATTEMPT_DRAIN_NS) {
		attempt_drain(a);
		note_life(a);
	}
	if (!stall_ns || now_ns - a->life_ns < stall_ns)
		return;
	snprintf(cause, sizeof(cause), "the runner gave no sign of life for %.1f s in %s",
		(now_ns - a->life_ns) / 1e9, phase_name(a->phase));
	attempt_abort(a, OUTCOME_HANG, cause, false);
}

/* ---- the end of a process ---- */

/* What it said and printed before it died is still in the socket and the pipe. */
static void take_the_rest(struct attempt *a)
{
	for (int i = 0; i < LAST_READS && proc_listen(&a->proc) > 0; i++)
		take_frames(a);
	for (int i = 0; i < LAST_READS && a->proc.output >= 0; i++)
		if (!take_output(a))
			break;
}

static void explain_death(struct attempt *a)
{
	static const char *const memory_words[] = {
		"bad_alloc",
		"Cannot allocate memory",
		"out of memory",
		"Out of memory",
	};
	char words[96], cause[MSG_CAUSE];
	int64_t kills = count_oom_kills(a);
	struct death d = {
		.status = a->proc.status,
		.phase = phase_name(a->phase),
		.into_ns = a->record.now_ns - a->phase_ns,
		.oom_kills = kills < 0 || a->oom_kills < 0 ? -1 : kills - a->oom_kills,
		.memory_limit = a->plan.memory_bytes,
		.peak_rss = a->proc.usage.ru_maxrss * INT64_C(1024),
		.speaks_of_memory = output_mentions(&a->output, memory_words, 4),
		.last_words = words,
	};
	uint16_t outcome;

	output_last_line(&a->output, words, sizeof(words));
	outcome = cause_of_death(&d, cause, sizeof(cause));
	attempt_condemn(a, outcome, cause);
}

void attempt_run_over(struct attempt *a)
{
	char cause[200];

	take_the_rest(a);
	drain_all(&a->drain, &a->record);
	sampler_set_runner(a->env->sampler, 0);
	pidfile_remove(a->spool.dir);
	attempt_facts_process(a);
	if (*a->proc.launch_error) {
		snprintf(cause, sizeof(cause), "the runner could not be started: %s",
			a->proc.launch_error);
		attempt_condemn(a, OUTCOME_INTERNAL, cause);
	} else if (a->drain.damaged) {
		attempt_condemn(a, OUTCOME_CRASH, RING_DAMAGED);
	} else if (!a->done && !a->condemned) {
		explain_death(a);
	}
	proc_fini(&a->proc);
	proc_end_strays();
	a->process++;
	attempt_next(a);
}

void attempt_child_ended(struct attempt *a, int64_t now_ns)
{
	if (!proc_is_alive(&a->proc)) {
		proc_end_strays();
		return;
	}
	record_tick(&a->record, now_ns);
	if (proc_reap(&a->proc))
		attempt_run_over(a);
}

int attempt_poll(const struct attempt *a, struct pollfd *fds, int64_t now_ns)
{
	return proc_poll(&a->proc, fds, now_ns);
}

void attempt_ready(struct attempt *a, int64_t now_ns)
{
	if (!proc_is_alive(&a->proc))
		return;
	record_tick(&a->record, now_ns);
	attempt_run_ready(a);
}
