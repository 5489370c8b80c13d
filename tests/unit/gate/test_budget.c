/* SPDX-License-Identifier: Apache-2.0 */
/* The budget gate: its tables, its worked examples, and the phones it was made for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gate/budget.h"
#include "gate/stats.h"
#include "support.h"

#define BUDGET (16 * MS)

static struct budget_result judge_rounds(
	const struct budget_round *rounds, int n, double p, double guard)
{
	struct budget_input in = {rounds, n, BUDGET, p, guard};
	struct budget_result r;
	struct err e = {0};

	if (budget_judge(&in, &r, &e))
		fail_msg("%s", e.text);
	assert_int_equal(r.gate.kind, GATE_KIND_BUDGET);
	return r;
}

static struct budget_result judge(const int64_t *v, size_t n, double p)
{
	struct budget_round round = {v, n, 0};

	return judge_rounds(&round, 1, p, 0);
}

/* n frames of which `slow` scattered ones take 20 ms. */
static int verdict_of(size_t n, size_t slow, double p)
{
	int64_t *v = mem_alloc(n * sizeof(*v));
	int verdict;

	scatter(v, n, slow, 20);
	verdict = judge(v, n, p).gate.verdict;
	mem_free(v);
	return verdict;
}

/* ---- the rule ---- */

static void limits_are_those_of_the_table(void **state)
{
	static const struct {
		int64_t n, pass95, fail95, pass99, fail99;
	} rows[] = {
		{300, 8, 22, 0, 7},
		{600, 20, 40, 1, 11},
		{1800, 74, 106, 10, 26},
		{3600, 158, 203, 25, 47},
	};
	int64_t pass, fail;

	(void)state;
	for (int i = 0; i < 4; i++) {
		budget_limits(rows[i].n, 0.95, &pass, &fail);
		assert_int_equal(pass, rows[i].pass95);
		assert_int_equal(fail, rows[i].fail95);
		budget_limits(rows[i].n, 0.99, &pass, &fail);
		assert_int_equal(pass, rows[i].pass99);
		assert_int_equal(fail, rows[i].fail99);
	}
}

static void the_table_is_what_real_frames_get(void **state)
{
	(void)state;
	assert_int_equal(verdict_of(1800, 10, 0.99), GATE_PASS);
	assert_int_equal(verdict_of(1800, 11, 0.99), GATE_INCONCLUSIVE);
	assert_int_equal(verdict_of(1800, 25, 0.99), GATE_INCONCLUSIVE);
	assert_int_equal(verdict_of(1800, 26, 0.99), GATE_FAIL);
	assert_int_equal(verdict_of(600, 20, 0.95), GATE_PASS);
	assert_int_equal(verdict_of(600, 21, 0.95), GATE_INCONCLUSIVE);
	assert_int_equal(verdict_of(600, 39, 0.95), GATE_INCONCLUSIVE);
	assert_int_equal(verdict_of(600, 40, 0.95), GATE_FAIL);
}

static void a_pass_needs_the_least_effective_samples(void **state)
{
	(void)state;
	assert_int_equal(budget_min_n(0.95), 59);
	assert_int_equal(budget_min_n(0.99), 299);
	assert_int_equal(verdict_of(58, 0, 0.95), GATE_INCONCLUSIVE);
	assert_int_equal(verdict_of(59, 0, 0.95), GATE_PASS);
	assert_int_equal(verdict_of(298, 0, 0.99), GATE_INCONCLUSIVE);
	assert_int_equal(verdict_of(299, 0, 0.99), GATE_PASS);
}

/* With independent frames the bounds are the plain order statistics, and the verdict is what they
 * say. */
static void bounds_and_counts_say_the_same(void **state)
{
	static int64_t v[3000], sorted[3000];
	static const double ps[] = {0.5, 0.9, 0.95, 0.99};
	struct dice d = {11};
	int verdicts[4] = {0};

	(void)state;
	for (int i = 0; i < 400; i++) {
		size_t n = 300 + dice_below(&d, 2700);
		double p = ps[dice_below(&d, 4)];
		struct budget_result r;
		int64_t lower, upper, pass, fail;

		autoregress(&d, v, n, 0, 6 - 3.5 * dice_uniform(&d));
		r = judge(v, n, p);
		memcpy(sorted, v, n * sizeof(*v));
		stats_sort(sorted, n);
		verdicts[r.gate.verdict]++;
		budget_limits(r.n_eff, p, &pass, &fail);
		assert_int_equal(r.gate.verdict, r.k_pass <= pass   ? GATE_PASS
						 : r.k_fail >= fail ? GATE_FAIL
								    : GATE_INCONCLUSIVE);
		assert_int_equal(r.value_ns, stats_percentile(sorted, n, p));
		if (r.tau > 1)
			continue;
		stats_order_ranks(n, p, BUDGET_ALPHA, &lower, &upper);
		assert_int_equal(r.lower_ns, sorted[lower - 1]);
		assert_int_equal(r.upper_ns, sorted[upper - 1]);
	}
	assert_true(verdicts[GATE_PASS] > 20 && verdicts[GATE_FAIL] > 20 &&
		    verdicts[GATE_INCONCLUSIVE] > 20);
}

/* ---- correlated frames ---- */

struct rates {
	double naive_fail, naive_pass, fail, pass;
};

/* Runs whose true share over the budget is exactly 5 %, judged at p95: any verdict is wrong. */
static struct rates simulate(double rho)
{
	static int64_t v[1800];
	struct budget_round round = {v, 1800, 0};
	struct budget_input in = {&round, 1, llround((10 + 1.6448536269514722) * MS), 0.95, 0};
	struct budget_result r;
	struct dice d = {42};
	struct rates rates = {0};
	int64_t pass, fail;

	budget_limits(1800, 0.95, &pass, &fail);
	for (int i = 0; i < 1000; i++) {
		autoregress(&d, v, 1800, rho, 0);
		assert_int_equal(budget_judge(&in, &r, NULL), 0);
		rates.naive_pass += (r.over <= pass) / 1000.0;
		rates.naive_fail += (r.over >= fail) / 1000.0;
		rates.pass += (r.gate.verdict == GATE_PASS) / 1000.0;
		rates.fail += (r.gate.verdict == GATE_FAIL) / 1000.0;
	}
	return rates;
}

static void correlated_frames_fool_the_plain_rule_and_not_this_one(void **state)
{
	struct rates none = simulate(0), strong = simulate(0.9), extreme = simulate(0.97);

	(void)state;
	assert_true(none.naive_fail < 0.07 && none.naive_pass < 0.07);
	assert_true(none.fail < 0.06 && none.pass < 0.06);
	assert_true(strong.naive_fail > 0.2 && strong.naive_pass > 0.2);
	assert_true(strong.fail < 0.04 && strong.pass < 0.08);
	assert_true(extreme.naive_fail > 0.28 && extreme.naive_pass > 0.35);
	assert_true(extreme.fail < 0.04 && extreme.pass < 0.14);
}

static void a_model_slow_from_half_way_on_fails(void **state)
{
	static int64_t v[1800];
	struct budget_result r;

	(void)state;
	for (size_t fast = 300; fast <= 1400; fast += 50) {
		fill(v, 0, fast, 10);
		fill(v, fast, 1800 - fast, 20);
		r = judge(v, 1800, 0.99);
		assert_int_equal(r.gate.verdict, GATE_FAIL);
		assert_true(r.n_eff < 10); /* and yet */
	}
}

/* One frame more or less must not turn the verdict over by rounding. */
static void half_is_half_whichever_way_it_rounds(void **state)
{
	static int64_t v[1800];

	(void)state;
	for (size_t fast = 898; fast <= 902; fast++) {
		fill(v, 0, fast, 10);
		fill(v, fast, 1800 - fast, 20);
		assert_int_equal(judge(v, 1800, 0.99).gate.verdict, GATE_FAIL);
	}
}

/* A tenth of the block in one stretch may be one disturbance; that it comes again settles it. */
static void one_stretch_repeats_before_it_fails(void **state)
{
	static int64_t v[1800];
	const struct budget_round rounds[] = {{v, 1800, 0}, {v, 1800, 0}, {v, 1800, 0}};

	(void)state;
	fill(v, 0, 1620, 10);
	fill(v, 1620, 180, 20);
	assert_int_equal(judge_rounds(rounds, 1, 0.99, 0).gate.verdict, GATE_INCONCLUSIVE);
	assert_int_equal(judge_rounds(rounds, 2, 0.99, 0).gate.verdict, GATE_FAIL);
	assert_int_equal(judge_rounds(rounds, 3, 0.99, 0).gate.verdict, GATE_FAIL);
}

static void one_frame_alone_never_fails(void **state)
{
	int64_t v[400];

	(void)state;
	for (size_t n = 1; n <= 400; n++) {
		fill(v, 0, n, 10);
		fill(v, 0, 1, 500);
		assert_int_not_equal(judge(v, n, 0.99).gate.verdict, GATE_FAIL);
		assert_int_not_equal(judge(v, n, 0.95).gate.verdict, GATE_FAIL);
		assert_int_not_equal(judge(v, n, 0.999).gate.verdict, GATE_FAIL);
	}
}

/* Half a second an inference gives few of them, and no doubt. */
static void a_very_slow_model_fails_on_ten_iterations(void **state)
{
	int64_t v[10];

	(void)state;
	fill(v, 0, 10, 500);
	assert_int_equal(judge(v, 9, 0.99).gate.verdict, GATE_INCONCLUSIVE);
	assert_int_equal(judge(v, 10, 0.99).gate.verdict, GATE_FAIL);
}

static void nothing_measured_is_no_verdict(void **state)
{
	const struct budget_round rounds[] = {{NULL, 0, 3}, {NULL, 0, 0}};
	struct budget_result r = judge_rounds(rounds, 2, 0.99, 0);

	(void)state;
	assert_int_equal(r.gate.verdict, GATE_INCONCLUSIVE);
	assert_non_null(strstr(r.gate.text, "no iteration"));
}

/* ---- rounds ---- */

static void interval_is(const double ms[3], const char *text)
{
	int64_t values[3];
	double mean, lower, upper;
	char got[32];

	for (int i = 0; i < 3; i++)
		values[i] = llround(ms[i] * MS);
	budget_interval(values, 3, &mean, &lower, &upper);
	snprintf(got, sizeof(got), "[%.2f,%.2f]", lower / MS, upper / MS);
	assert_string_equal(got, text);
}

static void intervals_are_the_worked_ones(void **state)
{
	(void)state;
	interval_is((double[]){15.2, 15.6, 15.4}, "[15.07,15.74]");
	interval_is((double[]){15.6, 16.2, 15.9}, "[15.40,16.41]");
	interval_is((double[]){16.6, 17.1, 17.3}, "[16.40,17.62]");
}

/* Three rounds of 1000 frames: upper[i] frames, more than 50, take p95_ms[i], fewer than 50 others
 * take 30 ms, the rest 10 ms. */
static struct budget_result rounds_at(
	const double p95_ms[3], const size_t upper[3], const size_t slow[3])
{
	static int64_t v[3][1000];
	struct budget_round rounds[3];

	for (int i = 0; i < 3; i++) {
		scatter(v[i], 1000, upper[i], p95_ms[i]);
		for (size_t at = 0, left = slow[i]; left; at += 7)
			if (v[i][at % 1000] == 10 * MS) {
				fill(v[i], at % 1000, 1, 30);
				left--;
			}
		rounds[i] = (struct budget_round){v[i], 1000, 0};
	}
	return judge_rounds(rounds, 3, 0.95, 0);
}

static void rounds_that_differ_are_judged_as_rounds(void **state)
{
	struct budget_result r;

	(void)state;
	r = rounds_at(
		(double[]){15.2, 15.6, 15.4}, (size_t[]){100, 100, 100}, (size_t[]){1, 1, 30});
	assert_int_equal(r.method, BUDGET_INTERVAL);
	assert_int_equal(r.gate.verdict, GATE_PASS);
	assert_non_null(strstr(r.gate.text,
		"PASS because the upper bound 15.74 ms of the rounds' p95 is within 16.00 ms"));
	r = rounds_at((double[]){15.6, 16.2, 15.9}, (size_t[]){100, 100, 100}, (size_t[]){1, 1, 1});
	assert_int_equal(r.method, BUDGET_INTERVAL);
	assert_int_equal(r.gate.verdict, GATE_INCONCLUSIVE);
	assert_non_null(strstr(r.gate.text, "INCONCLUSIVE because p95 is between 15.40 and 16.41 "
					    "ms, and the budget is 16.00 ms"));
	r = rounds_at((double[]){16.6, 17.1, 17.3}, (size_t[]){100, 100, 300}, (size_t[]){1, 1, 1});
	assert_int_equal(r.method, BUDGET_INTERVAL);
	assert_int_equal(r.gate.verdict, GATE_FAIL);
	assert_non_null(strstr(r.gate.text,
		"FAIL because the lower bound 16.40 ms of the rounds' p95 is over 16.00 ms"));
}

static void rounds_alike_are_one_sample(void **state)
{
	static int64_t v[3][300];
	struct budget_round rounds[3];
	struct budget_result r;

	(void)state;
	for (int i = 0; i < 3; i++) {
		scatter(v[i], 300, i, 20);
		rounds[i] = (struct budget_round){v[i], 300, i};
	}
	assert_int_equal(judge_rounds(&rounds[2], 1, 0.99, 0).gate.verdict, GATE_INCONCLUSIVE);
	r = judge_rounds(rounds, 3, 0.99, 0);
	assert_int_equal(r.method, BUDGET_POOLED);
	assert_int_equal(r.n, 900);
	assert_int_equal(r.over, 3);
	assert_int_equal(r.skipped, 3);
	assert_int_equal(r.gate.verdict, GATE_PASS);
}

/* Counts of correlated frames scatter tau times as much as the plain test expects, which would call
 * most such rounds different. */
static void correlated_rounds_are_still_alike(void **state)
{
	static int64_t v[3][1800];
	struct budget_round rounds[3];
	struct dice d = {9};
	int different = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		for (int k = 0; k < 3; k++) {
			autoregress(&d, v[k], 1800, 0.9, 4);
			rounds[k] = (struct budget_round){v[k], 1800, 0};
		}
		different += judge_rounds(rounds, 3, 0.95, 0).alike_p < BUDGET_ALIKE;
	}
	assert_true(different < 300 * 0.06);
}

/* Sampling error says nothing of the next run: one round in three over the budget everywhere is no
 * pass, and no fail, at any number of frames. */
static void a_run_that_differs_from_the_others_leaves_it_open(void **state)
{
	static int64_t v[3][20000];
	struct budget_round rounds[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		fill(v[i], 0, 20000, i == 2 ? 25 : 12);
		rounds[i] = (struct budget_round){v[i], 20000, 0};
	}
	assert_int_equal(judge_rounds(rounds, 3, 0.99, 0).gate.verdict, GATE_INCONCLUSIVE);
	assert_int_equal(judge_rounds(&rounds[1], 2, 0.99, 0).gate.verdict, GATE_INCONCLUSIVE);
	assert_string_equal(judge_rounds(&rounds[1], 2, 0.99, 0).gate.text,
		"rounds=2, n=40000, over=20000, tau=1.0, n_eff=40000; the rounds differ "
		"(chi-square "
		"p=0); INCONCLUSIVE because an interval of p99 takes at least 3 rounds with enough "
		"iterations for it");
}

/* 17, 25 and 40 ms are too scattered for an interval, and each is over. */
static void rounds_that_each_fail_fail_together(void **state)
{
	static int64_t v[3][1000];
	static const double ms[] = {17, 25, 40};
	static const size_t slow[] = {300, 600, 900};
	struct budget_round rounds[3];
	struct budget_result r;

	(void)state;
	for (int i = 0; i < 3; i++) {
		scatter(v[i], 1000, slow[i], ms[i]);
		rounds[i] = (struct budget_round){v[i], 1000, 0};
	}
	for (int n = 2; n <= 3; n++) {
		r = judge_rounds(rounds, n, 0.99, 0);
		assert_int_equal(r.method, BUDGET_EACH);
		assert_int_equal(r.gate.verdict, GATE_FAIL);
		assert_int_equal(r.lower_ns, 17 * MS);
	}
	scatter(v[1], 1000, 15, 25); /* one of them undecided, and it is open again */
	assert_int_equal(judge_rounds(rounds, 3, 0.99, 0).gate.verdict, GATE_INCONCLUSIVE);
}

/* ---- the guard band and the sentences ---- */

static void closer_than_the_noise_is_inconclusive(void **state)
{
	static int64_t v[1800];
	struct budget_round round = {v, 1800, 0};

	(void)state;
	fill(v, 0, 1800, 15.6);
	assert_int_equal(judge_rounds(&round, 1, 0.99, 0).gate.verdict, GATE_PASS);
	assert_int_equal(judge_rounds(&round, 1, 0.99, 0.02).gate.verdict, GATE_PASS);
	assert_int_equal(judge_rounds(&round, 1, 0.99, 0.03).gate.verdict, GATE_INCONCLUSIVE);
	fill(v, 0, 1800, 16.4);
	assert_int_equal(judge_rounds(&round, 1, 0.99, 0.02).gate.verdict, GATE_FAIL);
	assert_int_equal(judge_rounds(&round, 1, 0.99, 0.03).gate.verdict, GATE_INCONCLUSIVE);
	assert_string_equal(judge_rounds(&round, 1, 0.99, 0.03).gate.text,
		"n=1800, over=1800, tau=1.0, n_eff=1800; INCONCLUSIVE because p99 of 16.40 ms is "
		"closer "
		"to 16.00 ms than this device's noise of 3.0 %");
}

static void the_budget_to_the_nanosecond(void **state)
{
	static int64_t v[1800];
	struct budget_result r;

	(void)state;
	fill(v, 0, 1800, 16);
	r = judge(v, 1800, 0.99);
	assert_int_equal(r.gate.verdict, GATE_PASS);
	assert_string_equal(r.gate.text, "n=1800, over=0, tau=1.0, n_eff=1800; PASS because the "
					 "upper bound 16.00 ms of p99 is "
					 "within 16.00 ms");
	fill(v, 0, 1800, 16.000001);
	r = judge(v, 1800, 0.99);
	assert_int_equal(r.gate.verdict, GATE_FAIL);
	assert_string_equal(r.gate.text, "n=1800, over=1800, tau=1.0, n_eff=1800; FAIL because the "
					 "lower bound 16.000001 ms of "
					 "p99 is over 16.000000 ms");
}

static void a_budget_below_a_millisecond_is_shown(void **state)
{
	static int64_t v[1800];
	struct budget_round round = {v, 1800, 0};
	struct budget_input in = {&round, 1, 1000, 0.99, 0};
	struct budget_result r;
	struct err e = {0};

	(void)state;
	fill(v, 0, 1800, 0.69);
	assert_int_equal(budget_judge(&in, &r, &e), 0);
	assert_string_equal(r.gate.text, "n=1800, over=1800, tau=1.0, n_eff=1800; FAIL because the "
					 "lower bound 0.690000 ms of p99 is over 0.001000 ms");
}

static void the_arithmetic_is_shown(void **state)
{
	static int64_t v[1800];
	struct budget_round round = {v, 1800, 7};

	(void)state;
	scatter(v, 1800, 1203, 16.4);
	assert_string_equal(judge_rounds(&round, 1, 0.99, 0).gate.text,
		"n=1800, over=1203, tau=1.0, n_eff=1800, skipped=7; FAIL because the lower bound "
		"16.40 ms "
		"of p99 is over 16.00 ms");
	scatter(v, 1800, 15, 16.9);
	assert_string_equal(judge(v, 1800, 0.99).gate.text,
		"n=1800, over=15, tau=1.0, n_eff=1800; INCONCLUSIVE because p99 is between 10.00 "
		"and "
		"16.90 ms, and the budget is 16.00 ms");
	assert_string_equal(judge(v, 100, 0.99).gate.text,
		"n=100, over=1, tau=1.0, n_eff=100; INCONCLUSIVE because a pass at p99 needs n_eff "
		"of "
		"299, and 1 over of 100 effective are too few for a fail");
	assert_string_equal(judge(v, 3, 0.99).gate.text,
		"n=3, over=0, tau=1.0, n_eff=3; INCONCLUSIVE because no verdict is given on fewer "
		"than 10 "
		"iterations");
}

static void impossible_questions_are_refused(void **state)
{
	static int64_t v[10];
	struct budget_round round = {v, 10, 0}, many = {v, STATS_SAMPLES_MAX + 1, 0};
	const struct budget_input bad[] = {
		{&round, 0, BUDGET, 0.99, 0},
		{&round, LIMIT_ROUNDS + 1, BUDGET, 0.99, 0},
		{&round, 1, 0, 0.99, 0},
		{&round, 1, BUDGET, 1, 0},
		{&round, 1, BUDGET, NAN, 0},
		{&round, 1, BUDGET, 0.99, -1},
		{&many, 1, BUDGET, 0.99, 0},
	};
	struct budget_result r;
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(budget_judge(&bad[i], &r, &e), i < 6 ? ERR_INVAL : ERR_TOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_those_of_the_table),
		cmocka_unit_test(the_table_is_what_real_frames_get),
		cmocka_unit_test(a_pass_needs_the_least_effective_samples),
		cmocka_unit_test(bounds_and_counts_say_the_same),
		cmocka_unit_test(correlated_frames_fool_the_plain_rule_and_not_this_one),
		cmocka_unit_test(a_model_slow_from_half_way_on_fails),
		cmocka_unit_test(half_is_half_whichever_way_it_rounds),
		cmocka_unit_test(one_stretch_repeats_before_it_fails),
		cmocka_unit_test(one_frame_alone_never_fails),
		cmocka_unit_test(a_very_slow_model_fails_on_ten_iterations),
		cmocka_unit_test(nothing_measured_is_no_verdict),
		cmocka_unit_test(intervals_are_the_worked_ones),
		cmocka_unit_test(rounds_that_differ_are_judged_as_rounds),
		cmocka_unit_test(rounds_alike_are_one_sample),
		cmocka_unit_test(correlated_rounds_are_still_alike),
		cmocka_unit_test(a_run_that_differs_from_the_others_leaves_it_open),
		cmocka_unit_test(rounds_that_each_fail_fail_together),
		cmocka_unit_test(closer_than_the_noise_is_inconclusive),
		cmocka_unit_test(the_budget_to_the_nanosecond),
		cmocka_unit_test(a_budget_below_a_millisecond_is_shown),
		cmocka_unit_test(the_arithmetic_is_shown),
		cmocka_unit_test(impossible_questions_are_refused),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
