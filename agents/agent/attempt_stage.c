/* SPDX-License-Identifier: Apache-2.0 */
/* From one stage of an attempt to the next, and its end. See attempt.h. */
#include "agent/attempt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/sampler.h"
#include "agent/shelf.h"
#include "runner.h"
#include "timesrc.h"

/* ---- the thermal gate ---- */

static void gate_opens(struct attempt *a, const char *answer)
{
	int32_t mc = sampler_hottest(a->env->sampler);

	record_str(&a->record, "thermal.gate", answer);
	record_int(&a->record, "thermal.wait_ms", (a->record.now_ns - a->gate_ns) / 1000000);
	if (mc != SAMPLER_TEMP_UNKNOWN)
		record_int(&a->record, "thermal.start_mc", mc);
	a->note[0] = '\0';
	attempt_run_begin(a);
}

static void note_wait(struct attempt *a, enum thermal_answer answer)
{
	static const char *const waits[] = {
		[THERMAL_RISING] = "still getting warmer",
		[THERMAL_TOO_NEW] = "its temperature is not watched long enough",
		[THERMAL_UNKNOWN] = "its temperature cannot be read",
	};
	int32_t mc = sampler_hottest(a->env->sampler);

	if (answer == THERMAL_HOT && mc != SAMPLER_TEMP_UNKNOWN)
		snprintf(a->note, sizeof(a->note), "cooling: %.1f C, starts at %.1f C", mc / 1e3,
			a->plan.thermal_start_mc / 1e3);
	else if (answer != THERMAL_HOT && answer != THERMAL_COOL)
		snprintf(a->note, sizeof(a->note), "cooling: %s", waits[answer]);
}

static void gate_tick(struct attempt *a)
{
	int64_t now_ns = a->record.now_ns;
	enum thermal_answer answer =
		thermal_gate_ask(a->env->gate, now_ns, a->plan.thermal_start_mc);

	note_wait(a, answer);
	if (answer == THERMAL_COOL)
		gate_opens(a, "passed");
	else if (now_ns >= a->stage_until_ns)
		gate_opens(a, "timeout");
}

/* Where no sensor exists nothing can be waited for, and the run says so; where one does, it must
 * speak. */
static void gate_begin(struct attempt *a)
{
	bool observed = sampler_has_temps(a->env->sampler);

	a->gate_ns = a->record.now_ns;
	if (!observed || !a->plan.thermal_wait_ms) {
		gate_opens(a, observed ? "off" : "unobserved");
		return;
	}
	attempt_enter_phase(a, PHASE_THERMAL, 0, a->gate_ns);
	attempt_set_stage(a, STAGE_GATE, a->gate_ns + a->plan.thermal_wait_ms * INT64_C(1000000));
}

/* ---- from stage to stage ---- */

void attempt_next(struct attempt *a)
{
	uint32_t n = runner_processes(&a->plan);

	if (a->condemned) {
		attempt_finish(a);
	} else if (a->process + 1 == n) {
		gate_begin(a);
	} else if (a->process < n) {
		attempt_run_begin(a);
	} else {
		attempt_enter_phase(a, PHASE_AFTER, 0, a->record.now_ns);
		attempt_set_stage(
			a, STAGE_AFTER, a->record.now_ns + a->plan.baseline_ms * INT64_C(1000000));
	}
}

static void kill_overdue(struct attempt *a)
{
	proc_kill(&a->proc);
	attempt_set_stage(a, STAGE_KILL, a->record.now_ns + ATTEMPT_KILL_NS);
}

/* A killed process that does not end hangs in the kernel. The attempt does not hang with it. */
static void give_up(struct attempt *a)
{
	log_err("event=runner-undead attempt=%lld pid=%d", (long long)a->id, (int)a->proc.pid);
	attempt_condemn(a, OUTCOME_INTERNAL, "the runner was killed and does not end");
	attempt_finish(a);
}

static void stage_ends(struct attempt *a)
{
	switch (a->stage) {
	case STAGE_BASELINE:
		attempt_next(a);
		break;
	case STAGE_LEAVE:
		record_int(&a->record, "runner.killed_after_done", a->process);
		kill_overdue(a);
		break;
	case STAGE_STOP:
		kill_overdue(a);
		break;
	case STAGE_KILL:
		give_up(a);
		break;
	case STAGE_AFTER:
		attempt_finish(a);
		break;
	default:
		break;
	}
}

void attempt_stage_tick(struct attempt *a)
{
	if (a->stage == STAGE_GATE)
		gate_tick(a);
	else if (a->record.now_ns >= a->stage_until_ns)
		stage_ends(a);
}

/* ---- the end ---- */

static void write_end(struct attempt *a)
{
	int rc;

	if (!a->record.rc)
		a->record.rc = spool_sync(&a->spool);
	if (a->record.rc && a->outcome != OUTCOME_STORAGE) {
		a->outcome = OUTCOME_STORAGE;
		snprintf(a->cause, sizeof(a->cause), "the spool could not be written: %s",
			strerror(-a->record.rc));
	}
	/* What could not be synced may be sent all the same: the end must come through. */
	a->spool.synced = a->spool.size;
	rc = spool_end(&a->spool, a->outcome, a->cause);
	if (rc) {
		log_err("event=end-not-written attempt=%lld error=%d", (long long)a->id, -rc);
		shelf_keep_end(a->env->shelf, a->id, a->spool.buf);
	}
	unlinkat(a->spool.dir, "ring", 0);
}

void attempt_finish(struct attempt *a)
{
	int64_t id = a->id, bytes;
	bool discard = a->discard;

	if (proc_is_alive(&a->proc))
		proc_kill(&a->proc);
	sampler_set_runner(a->env->sampler, 0);
	drain_all(&a->drain, &a->record);
	attempt_facts_end(a);
	record_seal(&a->record);
	write_end(a);
	log_info("event=attempt-end attempt=%lld outcome=%s iterations=%llu over=%llu",
		(long long)id, outcome_name(a->outcome), (unsigned long long)a->drain.iterations,
		(unsigned long long)a->drain.over_budget);
	bytes = a->spool.size;
	attempt_set_stage(a, STAGE_IDLE, INT64_MAX);
	attempt_clear(a);
	shelf_ended(a->env->shelf, id, bytes);
	if (discard)
		shelf_discard(a->env->shelf, id);
}
