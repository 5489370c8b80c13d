/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The budget gate: is the percentile p of a run's latency within the frame budget? It judges the
 * block paced at the display's rate, latency being the end of an inference minus its scheduled
 * release, and answers pass, fail or inconclusive with its arithmetic. Pure; any thread.
 *
 * The rule, for n iterations of which k are over the budget (> budget_ns), alpha = 0.05 a side and
 * F the cumulative binomial distribution:
 *
 *	tau    how many correlated frames are worth one (tau.h)
 *	PASS   F(k'; n', 1-p) <= alpha           n' = floor(n/tau), k' = ceil(k·n'/n)
 *	FAIL   1 - F(k'-1; n', 1-p) <= alpha     n' = floor(n/tau), k' = floor(k·n'/n)
 *
 * It is the same to say that an upper bound of the percentile, an element of the sample, is within
 * the budget, or that a lower bound is over it; both bounds are in the result.
 *
 * Few effective samples. No pass is possible below the n' at which F(0; n', 1-p) <= alpha: 59 at
 * p95, 299 at p99. A fail may be, since a model that is slow from half-way on is worth few
 * effective samples and is slow all the same: one stretch of slow frames over a good fifth of a
 * block has under 5 % chance where one frame in a hundred is slow. There, rounding n' down and then
 * k' down again would lose that one stretch (899 slow frames of 1800 would become 0 of 2), so below
 * the least n' of a pass each is rounded once, against the fail: n' = ceil(n/tau), k' =
 * floor(k/tau).
 *
 * And no verdict hangs on one frame. The exact rule fails a single slow frame out of up to 5 at
 * p99, as if a block's first frame were any frame. So a fail also needs BUDGET_FAIL_MIN_N
 * iterations, below which neither the correlation nor the effect of a beginning can be told from
 * the rest, and BUDGET_FAIL_MIN_OVER slow ones.
 *
 * Several rounds are pooled unless a chi-square test on their counts over and under the budget,
 * divided by tau, rejects at 1 % that they are alike. Then the round is the unit: with three or
 * more, exp(mean(ln y) ± t·s/sqrt(R)) of the rounds' percentiles y is held against the budget; and
 * where each round fails on its own the run fails, however much the rounds differ.
 */
#ifndef FRAMEFARM_GATE_BUDGET_H
#define FRAMEFARM_GATE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "gate/verdict.h"

struct err;

#define BUDGET_ALPHA        0.05 /* each side */
#define BUDGET_ALIKE        0.01 /* level of the homogeneity test */
#define BUDGET_INTERVAL_MIN 3    /* rounds from which an interval over rounds is taken */
/* Ten iterations: the least from which one frame weighs no more than a tenth. */
#define BUDGET_FAIL_MIN_N    10
#define BUDGET_FAIL_MIN_OVER 2

/* Borrowed for the call. */
struct budget_round {
	const int64_t *latency_ns; /* of the paced block, in order */
	size_t n;
	int64_t skipped; /* releases that a late iteration ran past; shown beside */
};

struct budget_input {
	const struct budget_round *rounds;
	int n_rounds;      /* 1…LIMIT_ROUNDS */
	int64_t budget_ns; /* > 0; exactly the budget is within it */
	double percentile; /* 0.5…0.999 */
	/* Relative noise of the unit from run to run, 0…1; 0 when unknown. A percentile that lies
	 * closer to the budget than this is inconclusive. */
	double guard;
};

enum budget_method {
	BUDGET_POOLED,   /* all rounds as one sample */
	BUDGET_INTERVAL, /* rounds differ: t-interval over their percentiles */
	BUDGET_EACH,     /* rounds differ, and each fails on its own */
};

struct budget_result {
	struct gate_result gate; /* the verdict, and the arithmetic as it is shown */
	int method;              /* enum budget_method */
	int rounds;              /* that have an iteration at all */
	int64_t n, over, skipped;
	double tau;
	int64_t n_eff;          /* floor(n/tau) */
	int64_t k_pass;         /* k' of the pass rule */
	int64_t n_fail, k_fail; /* n' and k' of the fail rule */
	int64_t min_n;          /* least n_eff of a pass */
	int64_t value_ns; /* the percentile, nearest rank; of BUDGET_INTERVAL the geometric mean */
	bool has_lower, has_upper;
	int64_t lower_ns, upper_ns;
	bool in_guard;  /* value_ns lies in the guard band, so the bounds do not decide */
	double alike_p; /* of the homogeneity test; NaN with one round */
};

/* Returns 0, ERR_INVAL for an input outside the ranges above, ERR_TOOBIG for more than
 * STATS_SAMPLES_MAX iterations, or ERR_NOMEM. */
int budget_judge(const struct budget_input *in, struct budget_result *ret, struct err *e);

/* The least number of effective samples of which a pass is possible. */
int64_t budget_min_n(double percentile);
/* The exact rule's limits for n independent samples: a pass allows up to *ret_pass slow ones (-1:
 * no pass is possible), a fail needs *ret_fail (n + 1: none is). */
void budget_limits(int64_t n, double percentile, int64_t *ret_pass, int64_t *ret_fail);
/* The t-interval over n >= 2 rounds' percentiles (each at least 1 ns). */
void budget_interval(
	const int64_t *values, int n, double *ret_mean, double *ret_lower, double *ret_upper);

/* Writes result->gate.text from the other members; of budget.c alone. */
void budget_explain(const struct budget_input *in, struct budget_result *r);

#endif
