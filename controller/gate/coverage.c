/* SPDX-License-Identifier: Apache-2.0 */
/* The coverage gate; see coverage.h. */
#include "gate/coverage.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gate/verdict.h"

static bool is_share(int64_t part, int64_t total)
{
	return total > 0 && part >= 0 && part <= total;
}

void coverage_judge(const struct coverage *c, double min_share, struct gate_result *ret)
{
	bool by_time = is_share(c->time_ns, c->time_total_ns);
	double share;

	memset(ret, 0, sizeof(*ret));
	ret->kind = GATE_KIND_COVERAGE;
	ret->verdict = GATE_INCONCLUSIVE;
	if (!by_time && !is_share(c->nodes, c->nodes_total)) {
		snprintf(ret->text, sizeof(ret->text),
			"INCONCLUSIVE because it is not known what ran on %s", c->provider);
		return;
	}
	share = by_time ? (double)c->time_ns / c->time_total_ns : (double)c->nodes / c->nodes_total;
	ret->verdict = share >= min_share ? GATE_PASS : GATE_FAIL;
	snprintf(ret->text, sizeof(ret->text),
		"%s because %.4g %% of the %s ran on %s and at least %.4g %% is asked for",
		ret->verdict == GATE_PASS ? "PASS" : "FAIL", 100 * share,
		by_time ? "operator time" : "nodes", c->provider, 100 * min_share);
}
