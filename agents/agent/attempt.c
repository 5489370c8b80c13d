/* SPDX-License-Identifier: Apache-2.0 */
/* The attempt's frame: stages, phases, sampling, the passing of time. See attempt.h. */
#include "agent/attempt.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/log.h"
#include "agent/ringfile.h"
#include "agent/sampler.h"
#include "agent/shelf.h"
#include "timesrc.h"

#define NEVER INT64_MAX
#define TEMPS_ONLY_NS                                                                              \
	1000000000LL /* when the plan wants no samples, the gate and STATUS still do */

static const char *const stage_names[STAGES] = {
	"idle",
	"baseline",
	"gate",
	"run",
	"leave",
	"stop",
	"kill",
	"after",
};

#define TO(stage) (1u << STAGE_##stage)
static const uint16_t legal[STAGES] = {
	[STAGE_IDLE] = TO(BASELINE),
	[STAGE_BASELINE] = TO(GATE) | TO(RUN) | TO(IDLE),
	[STAGE_GATE] = TO(RUN) | TO(IDLE),
	[STAGE_RUN] = TO(LEAVE) | TO(STOP) | TO(KILL) | TO(IDLE),
	[STAGE_LEAVE] = TO(GATE) | TO(RUN) | TO(KILL) | TO(AFTER) | TO(IDLE),
	[STAGE_STOP] = TO(KILL) | TO(IDLE),
	[STAGE_KILL] = TO(GATE) | TO(RUN) | TO(AFTER) | TO(IDLE),
	[STAGE_AFTER] = TO(IDLE),
};

void attempt_init(struct attempt *a, const struct attempt_env *env)
{
	memset(a, 0, sizeof(*a));
	a->env = env;
	a->stage_until_ns = NEVER;
	a->ring = a->scratch = a->netns = -1;
	a->spool.dir = a->spool.frames = -1;
	proc_init(&a->proc);
}

bool attempt_is_live(const struct attempt *a)
{
	return a->stage != STAGE_IDLE;
}

void attempt_set_stage(struct attempt *a, enum stage to, int64_t until_ns)
{
	assert(legal[a->stage] >> to & 1);
	log_info("event=stage attempt=%lld from=%s to=%s process=%u", (long long)a->id,
		stage_names[a->stage], stage_names[to], a->process);
	a->stage = to;
	a->stage_until_ns = until_ns;
}

bool attempt_is_timed(const struct attempt *a)
{
	return a->stage == STAGE_RUN && (a->phase == PHASE_BACK2BACK || a->phase == PHASE_PACED ||
						a->phase == PHASE_SUSTAINED);
}

void attempt_enter_phase(struct attempt *a, uint16_t phase, uint32_t block, int64_t t_ns)
{
	attempt_drain(a); /* a block that has ended is sealed here */
	record_seal_beside_block(&a->record);
	record_mark(&a->record, t_ns, phase, block);
	progress_enter(&a->progress, phase);
	a->phase = phase;
	a->block = block;
	a->phase_ns = t_ns;
	/* The rate may be another one from here on. */
	if (a->next_sample_ns > a->record.now_ns)
		a->next_sample_ns = a->record.now_ns;
}

void attempt_condemn(struct attempt *a, uint16_t outcome, const char *cause)
{
	if (a->condemned)
		return;
	log_warn("event=condemned attempt=%lld outcome=%s cause=\"%s\"", (long long)a->id,
		outcome_name(outcome), cause);
	a->condemned = true;
	a->outcome = outcome;
	snprintf(a->cause, sizeof(a->cause), "%s", cause);
}

/* ---- ending it early ---- */

void attempt_abort(struct attempt *a, uint16_t outcome, const char *cause, bool at_once)
{
	int64_t now_ns = timesrc_mono_ns(a->env->ts);

	if (!attempt_is_live(a))
		return;
	attempt_condemn(a, outcome, cause);
	if (!proc_is_alive(&a->proc)) {
		attempt_finish(a);
	} else if (a->stage == STAGE_RUN && !at_once) {
		proc_cancel(&a->proc);
		proc_send(&a->proc, now_ns);
		attempt_set_stage(a, STAGE_STOP, now_ns + ATTEMPT_STOP_NS);
	} else if (a->stage != STAGE_KILL && (at_once || a->stage != STAGE_STOP)) {
		proc_kill(&a->proc);
		attempt_set_stage(a, STAGE_KILL, now_ns + ATTEMPT_KILL_NS);
	}
}

void attempt_discard(struct attempt *a)
{
	a->discard = true;
	attempt_abort(a, OUTCOME_CANCELLED, "the controller does not know this attempt", true);
}

/* ---- sampling ---- */

static int64_t sample_period(const struct attempt *a)
{
	uint32_t hz = attempt_is_timed(a) ? a->plan.sample_hz_timed : a->plan.sample_hz;

	if (hz)
		return 1000000000 / hz;
	return attempt_is_timed(a) ? NEVER : TEMPS_ONLY_NS;
}

static void sample(struct attempt *a, int64_t now_ns)
{
	int64_t period_ns = sample_period(a);
	bool wanted = attempt_is_timed(a) ? a->plan.sample_hz_timed > 0 : a->plan.sample_hz > 0;

	if (period_ns == NEVER || now_ns < a->next_sample_ns)
		return;
	sampler_sweep(a->env->sampler, !wanted, wanted ? record_counter : NULL, &a->record);
	thermal_gate_note(a->env->gate, now_ns, sampler_hottest(a->env->sampler));
	/* What was missed is not made up for: a burst would be no sample of anything. */
	a->next_sample_ns += period_ns;
	if (a->next_sample_ns <= now_ns)
		a->next_sample_ns = now_ns + period_ns;
}

/* ---- time ---- */

static void check_storage(struct attempt *a)
{
	char cause[160];

	if (a->condemned && a->outcome == OUTCOME_STORAGE)
		return;
	if (a->record.rc) {
		snprintf(cause, sizeof(cause), "the spool could not be written: %s",
			strerror(-a->record.rc));
	} else if (shelf_is_over(a->env->shelf, ring_bytes(a->drain.capacity))) {
		snprintf(cause, sizeof(cause), "the spool has reached its bound of %lld bytes",
			(long long)a->env->shelf->max_bytes);
		a->record.rc = -ENOSPC;
	} else {
		return;
	}
	attempt_abort(a, OUTCOME_STORAGE, cause, true);
}

/* Frames are sent only when they are on the disk, so this is also how often they are. While the
 * runner is timing, the disk is left alone for as long as a chunk may take anyway: its write-back
 * would compete with what is measured. */
static void sync_spool(struct attempt *a, int64_t now_ns)
{
	int64_t pause_ns = attempt_is_timed(a) ? ATTEMPT_SYNC_TIMED : ATTEMPT_SYNC_NS;
	int rc;

	if (a->spool.synced == a->spool.size || now_ns - a->synced_ns < pause_ns)
		return;
	a->synced_ns = now_ns;
	rc = spool_sync(&a->spool);
	if (rc && !a->record.rc)
		a->record.rc = rc;
}

static void check_deadline(struct attempt *a, int64_t now_ns)
{
	char cause[160];

	if (now_ns < a->deadline_ns || a->condemned)
		return;
	snprintf(cause, sizeof(cause), "the attempt did not end within its %.1f s; it was in %s",
		(a->deadline_ns - a->begin_ns) / 1e9, phase_name(a->phase));
	attempt_abort(a, proc_is_alive(&a->proc) ? OUTCOME_HANG : OUTCOME_INTERNAL, cause, true);
}

void attempt_tick(struct attempt *a, int64_t now_ns)
{
	if (!attempt_is_live(a))
		return;
	record_tick(&a->record, now_ns);
	sample(a, now_ns);
	attempt_run_watch(a);
	check_deadline(a, now_ns);
	if (attempt_is_live(a))
		attempt_stage_tick(a);
	if (attempt_is_live(a))
		check_storage(a);
	if (attempt_is_live(a))
		sync_spool(a, now_ns);
}

static void earlier(int64_t *t_ns, int64_t than_ns)
{
	if (than_ns < *t_ns)
		*t_ns = than_ns;
}

int64_t attempt_deadline(const struct attempt *a)
{
	int64_t t_ns = a->stage_until_ns;

	if (!attempt_is_live(a))
		return NEVER;
	earlier(&t_ns, a->deadline_ns);
	earlier(&t_ns, proc_deadline(&a->proc));
	if (sample_period(a) != NEVER)
		earlier(&t_ns, a->next_sample_ns);
	if (a->record.oldest_ns != NEVER)
		earlier(&t_ns, a->record.oldest_ns + RECORD_AGE_NS);
	if (a->spool.synced != a->spool.size)
		earlier(&t_ns, a->synced_ns + (attempt_is_timed(a) ? ATTEMPT_SYNC_TIMED
								   : ATTEMPT_SYNC_NS));
	if (a->stage == STAGE_RUN)
		earlier(&t_ns,
			a->draining ? 0 : a->drained_ns + ATTEMPT_DRAIN_NS + ATTEMPT_SLACK_NS);
	return t_ns;
}

void attempt_status(struct attempt *a, int64_t now_ns, struct msg_status *m)
{
	if (!attempt_is_live(a))
		return;
	m->attempt = a->id;
	m->phase = a->phase;
	m->block = a->block;
	m->permille = progress_permille(
		&a->progress, now_ns > a->phase_ns ? (now_ns - a->phase_ns) / 1000000 : 0);
	m->iterations = a->drain.iterations;
	m->over_budget = a->drain.over_budget;
	memcpy(m->note, a->note, sizeof(m->note));
}
