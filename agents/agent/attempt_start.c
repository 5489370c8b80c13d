/* SPDX-License-Identifier: Apache-2.0 */
/* From START to the first stage: checks, then everything that an attempt needs. See attempt.h. */
#include "agent/attempt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/home.h"
#include "agent/ident.h"
#include "agent/log.h"
#include "agent/ringfile.h"
#include "agent/scratch.h"
#include "agent/shelf.h"
#include "timesrc.h"

#define LOADS_MAX   100
#define THREADS_MAX 1024

/* What START is refused with, for each way in which preparing may fail. */
static int refusal(int rc)
{
	return rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG || rc == -EROFS || rc == -EIO
	               ? PROTO_REFUSE_SPACE
	               : PROTO_REFUSE_PLAN;
}

static uint64_t iterations_max(const struct plan *p)
{
	const struct plan_block *blocks[] = {&p->back2back, &p->paced, &p->sustained};
	uint64_t sum = 0;

	for (int i = 0; i < 3; i++)
		sum += blocks[i]->on ? blocks[i]->max_runs : 0;
	return sum;
}

static const char *plan_error(const struct plan *p)
{
	if (!*p->runner_sha256)
		return "it names no runner";
	if (p->cold_loads > LOADS_MAX || p->warm_loads > LOADS_MAX)
		return "it asks for too many loads";
	if (iterations_max(p) > RINGFILE_RECORDS_MAX)
		return "its blocks may have too many iterations";
	if (p->sample_hz > ATTEMPT_HZ_MAX || p->sample_hz_timed > ATTEMPT_HZ_MAX)
		return "it asks for samples too often";
	if (p->back2back.period_ns < 0 || p->paced.period_ns < 0 || p->sustained.period_ns < 0 ||
		p->budget_ns < 0 || p->memory_bytes < 0 || p->model_bytes < 0)
		return "it has a negative time or size";
	return NULL;
}

static int read_plan(struct attempt *a, const struct attempt_order *o, char *why, size_t size)
{
	const char *error;
	int rc;

	a->plan_bytes = malloc(o->plan_len + 1);
	if (!a->plan_bytes)
		return -ENOMEM;
	memcpy(a->plan_bytes, o->plan, o->plan_len);
	a->plan_len = o->plan_len;
	snprintf(why, size, "the plan cannot be decoded");
	if (plan_decode(a->plan_bytes, a->plan_len, &a->plan))
		return -EINVAL;
	error = plan_error(&a->plan);
	if (error) {
		snprintf(why, size, "the plan cannot be done: %s", error);
		return -EINVAL;
	}
	rc = fileset_init(&a->files, &a->plan);
	snprintf(why, size, "the plan names too many files");
	if (!rc &&
		PROTO_HEADER + a->plan_len + 16 + a->files.n * (PLAN_SHA + 1) > PROTO_PAYLOAD_MAX)
		rc = -E2BIG;
	return rc ? rc : fileset_check(&a->files, a->env->home->files, &a->plan, why, size);
}

static int make_spool(struct attempt *a)
{
	const struct attempt_env *env = a->env;
	struct spool_meta m = {
		.attempt = a->id,
		.epoch = a->epoch,
		.boot = env->ident->boot,
		.mono_ns = a->begin_ns,
		.boot_ns = a->begin_boot_ns,
		.wall_ns = timesrc_wall_ns(env->ts),
		.plan = a->plan_bytes,
		.plan_len = a->plan_len,
	};
	uint64_t records = iterations_max(&a->plan);
	int rc;

	memcpy(m.farm, a->farm, sizeof(m.farm));
	memcpy(m.kernel_boot_id, env->ident->kernel_boot_id, sizeof(m.kernel_boot_id));
	rc = spool_create(&a->spool, env->home->spool, &m);
	if (rc)
		return rc;
	a->ring = ringfile_create(a->spool.dir, records);
	if (a->ring < 0)
		return a->ring;
	drain_init(&a->drain, a->ring, records, a->plan.budget_ns);
	return record_init(&a->record, &a->spool, &a->plan, env->sampler,
		a->plan.sample_hz > a->plan.sample_hz_timed ? a->plan.sample_hz
							    : a->plan.sample_hz_timed);
}

static int64_t threads(const struct plan *p)
{
	int64_t cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t n = (p->threads > 0 ? p->threads : cpus) +
	            (p->inter_threads > 0 ? p->inter_threads : 1);

	return n < THREADS_MAX ? n : THREADS_MAX;
}

static int make_sandbox(struct attempt *a)
{
	const struct attempt_env *env = a->env;

	a->scratch = scratch_make(env->home->scratch, a->id, env->runner_uid);
	if (a->scratch < 0)
		return a->scratch;
	a->netns = *env->netns;
	*env->netns = -1;
	a->sandbox = (struct sandbox){
		.uid = env->runner_uid,
		.memory_bytes = a->plan.memory_bytes,
		.threads = threads(&a->plan),
		.scratch = a->scratch,
		.files_dir = env->home->files,
		.exe = -1,
		.netns = a->netns,
		.page_dir = env->page_dir,
	};
	return 0;
}

static int prepare(struct attempt *a, char *why, size_t size)
{
	int rc = shelf_has_room(a->env->shelf, ring_bytes(iterations_max(&a->plan)), why, size);

	if (rc)
		return rc;
	rc = make_spool(a);
	if (!rc)
		rc = make_sandbox(a);
	if (rc)
		snprintf(why, size, "the attempt cannot be prepared on this device: %s",
			strerror(-rc));
	return rc;
}

void attempt_clear(struct attempt *a)
{
	const struct attempt_env *env = a->env;

	proc_fini(&a->proc);
	record_fini(&a->record);
	if (a->ring >= 0)
		close(a->ring);
	if (a->netns >= 0)
		close(a->netns);
	if (a->scratch >= 0) {
		close(a->scratch);
		scratch_remove(env->home->scratch, a->id);
	}
	spool_close(&a->spool);
	fileset_fini(&a->files);
	plan_fini(&a->plan);
	free(a->plan_bytes);
	attempt_init(a, env);
}

static void begin(struct attempt *a)
{
	int64_t deadline_ms = a->plan.deadline_ms ? a->plan.deadline_ms : ATTEMPT_DEADLINE_MS;

	a->deadline_ns = a->begin_ns + deadline_ms * 1000000;
	a->next_sample_ns = a->begin_ns;
	a->synced_ns = a->begin_ns;
	output_init(&a->output);
	progress_init(&a->progress, &a->plan);
	shelf_add(a->env->shelf, a->id, a->spool.boot, &a->spool);
	record_tick(&a->record, a->begin_ns);
	attempt_facts_begin(a);
	attempt_enter_phase(a, PHASE_BASELINE, 0, a->begin_ns);
	attempt_set_stage(a, STAGE_BASELINE, a->begin_ns + a->plan.baseline_ms * INT64_C(1000000));
}

int attempt_start(struct attempt *a, const struct attempt_order *o, char *why, size_t size)
{
	bool created;
	int rc;

	if (attempt_is_live(a)) {
		if (a->id == o->attempt && a->epoch == o->epoch && !strcmp(a->farm, o->farm))
			return 0;
		snprintf(why, size, "attempt %lld runs", (long long)a->id);
		return PROTO_REFUSE_BUSY;
	}
	if (o->attempt <= 0) {
		snprintf(why, size, "an attempt's number is above 0");
		return PROTO_REFUSE_PLAN;
	}
	a->id = o->attempt;
	a->epoch = o->epoch;
	snprintf(a->farm, sizeof(a->farm), "%s", o->farm);
	a->begin_ns = timesrc_mono_ns(a->env->ts);
	a->begin_boot_ns = timesrc_boot_ns(a->env->ts);
	rc = read_plan(a, o, why, size);
	if (!rc)
		rc = prepare(a, why, size);
	if (!rc) {
		begin(a);
		return 0;
	}
	created = a->spool.dir >= 0;
	log_warn("event=start-refused attempt=%lld why=\"%s\"", (long long)a->id, why);
	attempt_clear(a);
	if (created)
		spool_remove(a->env->home->spool, o->attempt);
	return refusal(rc);
}
