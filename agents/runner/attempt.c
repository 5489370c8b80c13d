/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of one process; see attempt.h. */
#include "attempt.h"

#include <stdio.h>

#include "binding.h"
#include "cases.h"
#include "coverage.h"
#include "fault.h"
#include "inputs.h"
#include "memory.h"
#include "warmup.h"

/* What the phases hand on to each other. */
struct work {
	struct attempt *at;
	const struct plan *plan;
	struct ort *ort;
	struct session *session;
	struct tensor *inputs;
	struct binding binding;
	int64_t peak_bytes; /* of memory, before the coverage run */
};

static bool is_last(const struct work *w)
{
	return w->at->a->process + 1 == runner_processes(w->plan);
}

static bool is_cold(const struct work *w)
{
	return w->at->a->process < w->plan->cold_loads;
}

static int64_t step(struct work *w)
{
	return report_alive(w->at->report);
}

static void enter(struct work *w, enum phase phase)
{
	step(w);
	report_phase(w->at->report, phase, 0);
}

static int cancelled(struct work *w, struct fail *f)
{
	if (!channel_cancelled(w->at->channel))
		return 0;
	return fail_set(f, OUTCOME_CANCELLED,
		w->at->channel->agent_gone ? "the agent is gone" : "told to stop");
}

/* A run that a cancel terminated fails in the runtime's words; what counts is the cancel. */
static int failed(struct work *w, struct fail *f)
{
	cancelled(w, f);
	return -1;
}

/* ---- load ---- */

static int open_library(struct work *w, struct fail *f)
{
	int fd = files_fd(&w->at->a->files, w->plan->runtime_sha256);
	char path[64];

	if (fd < 0)
		return fail_set(
			f, OUTCOME_RUNTIME, "the runtime library did not come with the plan");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return ort_open(path, &w->ort, f);
}

/* Ends with a runtime that runs, and no model in sight. */
static int start_runtime(
	struct work *w, int64_t *ret_dlopen_ns, int64_t *ret_env_ns, struct fail *f)
{
	uint32_t stall_ms = w->plan->stall_ms;
	int rc;

	fault_watch(w->at->report, stall_ms - stall_ms / 4);
	rc = open_library(w, f);
	*ret_dlopen_ns = step(w);
	if (!rc)
		rc = ort_start(w->ort, f);
	if (!rc)
		channel_attach(w->at->channel, w->ort);
	*ret_env_ns = step(w);
	fault_unwatch();
	return rc;
}

static int open_model(struct work *w, struct fail *f)
{
	struct map model;
	int rc;

	if (files_map(&w->at->a->files, w->plan->model_sha256, &model, f))
		return -1;
	rc = session_open(w->ort, w->plan, model.data, model.n, NULL, &w->session, f);
	map_fini(&model);
	return rc;
}

static int load(struct work *w, struct fail *f)
{
	struct report *report = w->at->report;
	int64_t begin_ns, dlopen_ns, env_ns, ready_ns;

	enter(w, is_cold(w) ? PHASE_LOAD_COLD : PHASE_LOAD_WARM);
	begin_ns = step(w);
	if (start_runtime(w, &dlopen_ns, &env_ns, f) || open_model(w, f))
		return -1;
	ready_ns = step(w);
	report_int(report, ready_ns - begin_ns, "load.%s_ns", is_cold(w) ? "cold" : "warm");
	report_int(report, dlopen_ns - begin_ns, "load.dlopen_ns");
	report_int(report, env_ns - dlopen_ns, "load.env_ns");
	report_int(report, ready_ns - env_ns, "load.session_ns");
	return cancelled(w, f);
}

static int report_runtime(struct work *w, struct fail *f)
{
	struct report *report = w->at->report;
	char providers[512];

	report_text(report, w->ort->version, "runtime.version");
	report_text(report, w->ort->GetBuildInfoString(), "runtime.build");
	report_int(report, w->ort->api, "runtime.api");
	if (ort_providers(w->ort, providers, sizeof(providers), f))
		return -1;
	report_text(report, providers, "runtime.providers");
	report_text(report, w->plan->provider[0] ? w->plan->provider : "cpu", "provider.requested");
	return 0;
}

static void report_inputs(struct work *w)
{
	char text[TENSOR_TEXT], key[PLAN_NAME];

	for (uint32_t i = 0; i < w->session->n_inputs && i < PLAN_INPUTS_MAX; i++) {
		const struct tensor *t = &w->inputs[i];

		text_key(key, sizeof(key) - sizeof("input."), w->session->inputs[i].name);
		report_text(w->at->report, tensor_describe(text, t->type, t->n_dims, t->dims),
			"input.%s", key);
	}
}

static int first(struct work *w, struct fail *f)
{
	int64_t begin_ns;

	step(w);
	if (inputs_make(w->session, w->plan, NULL, &w->at->a->files, &w->inputs, f))
		return -1;
	if (w->at->a->process == 0)
		report_inputs(w);
	if (binding_init(&w->binding, w->session, w->inputs, f))
		return -1;
	enter(w, PHASE_FIRST);
	begin_ns = step(w);
	if (ort_check(w->ort, binding_run(&w->binding), f, "the first inference failed"))
		return failed(w, f);
	report_int(w->at->report, step(w) - begin_ns, "first.inference_ns");
	return cancelled(w, f);
}

/* ---- process 0 ---- */

static int golden(struct work *w, struct fail *f)
{
	struct attempt *at = w->at;
	struct fail why = {0};
	bool pass = true;

	if (!w->plan->n_cases)
		return 0;
	enter(w, PHASE_GOLDEN);
	if (cases_run(w->session, at->a, at->channel, at->report, &pass, &why, f))
		return failed(w, f);
	if (cancelled(w, f))
		return -1;
	if (!pass && w->plan->golden_stop) {
		*f = why;
		return -1;
	}
	return 0;
}

/* A second session lives beside the first: the peak of memory is taken before, and begins anew
 * behind it. That the coverage run fails is not the model's failure; it is then not known who runs
 * the nodes. */
static int coverage(struct work *w, struct fail *f)
{
	struct report *report = w->at->report;
	struct map model;

	if (!w->plan->coverage) {
		coverage_guess(w->plan, report);
		return 0;
	}
	enter(w, PHASE_COVERAGE);
	if (files_map(&w->at->a->files, w->plan->model_sha256, &model, f))
		return -1;
	w->peak_bytes = memory_rss_peak_bytes();
	if (coverage_run(w->ort, w->plan, &model, w->inputs, report, f)) {
		report_text(report, f->text, "coverage.error");
		coverage_guess(w->plan, report);
	}
	map_fini(&model);
	memory_give_back();
	if (!memory_peak_reset())
		report_int(report, 1, "memory.peak_has_coverage");
	return cancelled(w, f);
}

/* ---- the last process ---- */

static int warm_up(struct work *w, struct fail *f)
{
	const struct plan *p = w->plan;
	struct warmup warm;
	int64_t now_ns, end_ns;

	enter(w, PHASE_WARMUP);
	now_ns = step(w);
	warmup_init(&warm, p->warmup_min_runs, p->warmup_min_ms, p->warmup_max_ms, now_ns);
	while (warmup_more(&warm, now_ns) && !channel_cancelled(w->at->channel)) {
		if (ort_check(w->ort, binding_run(&w->binding), f, "a warm-up inference failed"))
			return failed(w, f);
		end_ns = step(w);
		warmup_add(&warm, end_ns - now_ns);
		now_ns = end_ns;
	}
	report_int(w->at->report, warm.runs, "warmup.runs");
	report_int(w->at->report, warm.median_ns, "warmup.median_ns");
	report_int(w->at->report, warm.stable, "warmup.stable");
	return cancelled(w, f);
}

static int timed(struct work *w, enum phase phase, const struct plan_block *spec, struct fail *f)
{
	struct block_run run = {w->at->ring, w->at->ts, &w->binding, w->at->channel};
	struct report *report = w->at->report;
	const char *name = phase_name(phase);
	struct block_result r;

	if (!spec->on)
		return 0;
	step(w);
	report_phase(report, phase, atomic_load(&w->at->ring->h->n_blocks));
	if (block_run(&run, phase, spec, &r, f))
		return fail_wrap(f, "block %s", name);
	step(w);
	report_int(report, (int64_t)r.runs, "block.%s.runs", name);
	report_int(report, r.skipped, "block.%s.skipped", name);
	report_int(report, r.wall_ns, "block.%s.wall_ns", name);
	report_int(report, r.cpu_ns, "block.%s.cpu_ns", name);
	return cancelled(w, f);
}

/* The sustained block is paced like the paced one, if there is one. */
static int timed_blocks(struct work *w, struct fail *f)
{
	struct plan_block sustained = w->plan->sustained;

	if (w->plan->paced.on && !sustained.period_ns)
		sustained.period_ns = w->plan->paced.period_ns;
	if (timed(w, PHASE_BACK2BACK, &w->plan->back2back, f) ||
		timed(w, PHASE_PACED, &w->plan->paced, f))
		return -1;
	return timed(w, PHASE_SUSTAINED, &sustained, f);
}

static void report_memory(struct work *w)
{
	int64_t peak = memory_rss_peak_bytes();

	report_int(w->at->report, peak > w->peak_bytes ? peak : w->peak_bytes,
		"memory.rss_peak_bytes");
}

static int run_phases(struct work *w, struct fail *f)
{
	bool is_zero = w->at->a->process == 0;

	if (load(w, f) || (is_zero && report_runtime(w, f)))
		return -1;
	if (is_last(w))
		report_int(w->at->report, memory_rss_bytes(), "memory.after_load_bytes");
	if (first(w, f) || (is_zero && golden(w, f)) || (is_zero && coverage(w, f)))
		return -1;
	if (!is_last(w))
		return 0;
	if (warm_up(w, f) || timed_blocks(w, f))
		return -1;
	report_memory(w);
	return 0;
}

void attempt_run(struct attempt *at)
{
	struct work w = {.at = at, .plan = &at->a->plan};
	struct fail f = {0};
	int rc = cancelled(&w, &f) ? -1 : run_phases(&w, &f);

	report_done(at->report, rc ? f.outcome : OUTCOME_OK, rc ? f.text : "");
}
