/* SPDX-License-Identifier: Apache-2.0 */
/* How long an attempt may take on the device; its deadline is made of this. Pure. */
#include "core/jobspec.h"

#define LOAD_MS   60000 /* one process: load and first inference of a large model on a slow phone */
#define CASE_MS   2000  /* one golden case */
#define MARGIN_MS 60000

int64_t jobspec_deadline_ms(const struct jobspec *s, const struct jobspec_variant *v)
{
	const struct jobspec_measure *m = &s->measure;
	int64_t blocks = m->back_to_back + m->paced;
	int64_t processes = m->cold_loads + m->warm_loads;

	if (s->timeout_ms)
		return s->timeout_ms;
	return (processes > 0 ? processes : 1) * LOAD_MS + 2 * m->baseline_ms +
	       v->golden.n_cases * CASE_MS + (m->coverage ? LOAD_MS : 0) + m->warmup_max_ms +
	       m->thermal_wait_ms + blocks * m->max_ms + 2 * m->sustained_ms + MARGIN_MS;
}
