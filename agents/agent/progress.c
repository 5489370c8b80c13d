/* SPDX-License-Identifier: Apache-2.0 */
/* Progress of an attempt; see progress.h. */
#include "agent/progress.h"

#include <string.h>

#include "plan.h"
#include "runner.h"

#define LOAD_MS   1000
#define CASE_MS   100
#define WARMUP_MS 500

static void add(struct progress *p, uint16_t phase, uint64_t ms)
{
	if (p->n == PROGRESS_STEPS)
		return;
	p->steps[p->n].phase = phase;
	p->steps[p->n++].ms = ms < UINT32_MAX ? ms : UINT32_MAX;
	p->total_ms += p->steps[p->n - 1].ms;
}

static void add_block(struct progress *p, uint16_t phase, const struct plan_block *b)
{
	uint64_t ms = b->period_ns > 0 ? b->min_runs * (uint64_t)b->period_ns / 1000000 : 0;

	if (b->on)
		add(p, phase, ms > b->min_ms ? ms : b->min_ms);
}

static void add_process(struct progress *p, const struct plan *plan, uint32_t k)
{
	bool last = k + 1 == runner_processes(plan);

	if (last)
		add(p, PHASE_THERMAL, 0);
	add(p, k < plan->cold_loads ? PHASE_LOAD_COLD : PHASE_LOAD_WARM, LOAD_MS);
	add(p, PHASE_FIRST, 0);
	if (!k && plan->n_cases)
		add(p, PHASE_GOLDEN, (uint64_t)CASE_MS * plan->n_cases);
	if (!k && plan->coverage)
		add(p, PHASE_COVERAGE, LOAD_MS);
	if (!last)
		return;
	add(p, PHASE_WARMUP, plan->warmup_min_ms ? plan->warmup_min_ms : WARMUP_MS);
	add_block(p, PHASE_BACK2BACK, &plan->back2back);
	add_block(p, PHASE_PACED, &plan->paced);
	add_block(p, PHASE_SUSTAINED, &plan->sustained);
}

void progress_init(struct progress *p, const struct plan *plan)
{
	memset(p, 0, sizeof(*p));
	add(p, PHASE_BASELINE, plan->baseline_ms);
	for (uint32_t k = 0; k < runner_processes(plan) && p->n < PROGRESS_STEPS; k++)
		add_process(p, plan, k);
	add(p, PHASE_AFTER, plan->baseline_ms);
}

void progress_enter(struct progress *p, uint16_t phase)
{
	unsigned to = p->current;

	while (to < p->n && p->steps[to].phase != phase)
		to++;
	if (to == p->n)
		return;
	for (; p->current < to; p->current++)
		p->done_ms += p->steps[p->current].ms;
}

uint32_t progress_permille(struct progress *p, uint64_t elapsed_ms)
{
	uint64_t step_ms = p->current < p->n ? p->steps[p->current].ms : 0;
	uint64_t ms = p->done_ms + (elapsed_ms < step_ms ? elapsed_ms : step_ms);
	uint64_t permille = p->total_ms ? ms * 1000 / p->total_ms : 0;

	if (permille > 999)
		permille = 999;
	if (permille > p->last_permille)
		p->last_permille = permille;
	return p->last_permille;
}
