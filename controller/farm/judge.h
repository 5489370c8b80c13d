/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge: reads what the rounds of a run left in the store, puts it before the gates and writes
 * the result. Blocks (it reads samples), so it runs on a pool thread.
 *
 * The result, JSON, stored with the run and shown to users:
 *	{"schema": "framefarm.result/1", "verdict": "pass", "exit_code": 0,
 *	 "text": "one sentence",
 *	 "gates": [{"name": "budget", "verdict": "pass", "text": "the arithmetic in a sentence",
 *	            "budget_ns", "percentile", "percentile_method": "nearest_rank", "value_ns",
 *	            "lower_ns", "upper_ns", "confidence", "n", "n_eff", "tau", "over", "over_eff_pass",
 *	            "over_eff_fail", "rounds", "pooled"}, {"name": "golden", …}, {"name": "execution", …}],
 *	 "metrics": {"paced": {"n", "p50_ns", "p90_ns", "p99_ns" (null below their minimum counts), "mean_ns",
 *	             "sd_ns", "over", "over_percent", "longest_streak", "skipped", …},
 *	             "exec": {…}, "back_to_back": {…}, "load_cold_ns", "load_warm_ns", "first_ns",
 *	             "rss_peak_bytes", …},
 *	 "device": {…}, "environment": {"thermal", "labels": […]},
 *	 "provider": {"requested", "used", "fallback", "nodes": {"cpu": 33}},
 *	 "rounds": [{"round", "attempt", "p99_ns", "n", "over"}]}
 */
#ifndef FRAMEFARM_FARM_JUDGE_H
#define FRAMEFARM_FARM_JUDGE_H

#include <stdint.h>

struct err;
struct farm_judged;
struct jobspec;
struct store;

/* attempts: ids of the counted attempt of each earlier round and of the one being judged, in order.
 * outcomes and causes: how the agent said each ended. Fills ret_j; the caller drops ret_j->result.
 * */
int judge_run(struct store *s, const struct jobspec *spec, int variant, const int64_t *attempts,
	const int *outcomes, const char *const *causes, int n_attempts, struct farm_judged *ret_j,
	struct err *e);

#endif
