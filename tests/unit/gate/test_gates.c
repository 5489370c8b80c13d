/* SPDX-License-Identifier: Apache-2.0 */
/* The small gates, and how answers become one verdict and one exit code. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/exitcode.h"
#include "gate/coverage.h"
#include "gate/execution.h"
#include "gate/golden.h"
#include "gate/verdict.h"

static void says(const struct gate_result *r, int kind, int verdict, const char *text)
{
	assert_int_equal(r->kind, kind);
	assert_int_equal(r->verdict, verdict);
	assert_string_equal(r->text, text);
}

/* ---- golden ---- */

static const struct golden_metrics good = {
	.cases = 10, .cosine_min = 0.99995, .sqnr_db_min = 42.5, .max_abs = 0.002, .top1 = 1};
static const struct golden_limits none = {NAN, NAN, NAN, NAN};

static void good_outputs_pass_the_defaults(void **state)
{
	struct gate_result r;

	(void)state;
	golden_judge(&good, &none, &r);
	says(&r, GATE_KIND_GOLDEN, GATE_PASS,
		"cases=10; cosine 0.99995 (at least 0.999); SQNR 42.5 dB (at least 30); PASS");
}

static void equal_outputs_have_an_infinite_ratio(void **state)
{
	struct golden_metrics m = good;
	struct gate_result r;

	(void)state;
	m.cosine_min = 1;
	m.sqnr_db_min = INFINITY;
	golden_judge(&m, &none, &r);
	assert_int_equal(r.verdict, GATE_PASS);
}

static void each_limit_fails_on_its_own(void **state)
{
	static const struct golden_limits limits[] = {{0.99999, NAN, NAN, NAN}, {NAN, 45, NAN, NAN},
		{NAN, NAN, 0.001, NAN}, {0.999, 30, 0.01, NAN}};
	static const char *const texts[] = {
		"cases=10; cosine 0.99995 is below the limit of 0.99999; FAIL",
		"cases=10; SQNR 42.5 dB is below the limit of 45; FAIL",
		"cases=10; largest error 0.002 is over the limit of 0.001; FAIL",
		"cases=10; cosine 0.99995 (at least 0.999); SQNR 42.5 dB (at least 30); largest "
		"error "
		"0.002 (at most 0.01); PASS",
	};
	struct gate_result r;

	(void)state;
	for (int i = 0; i < 4; i++) {
		golden_judge(&good, &limits[i], &r);
		assert_string_equal(r.text, texts[i]);
		assert_int_equal(r.verdict, i < 3 ? GATE_FAIL : GATE_PASS);
	}
}

static void naming_one_limit_waives_the_defaults(void **state)
{
	const struct golden_limits top1 = {NAN, NAN, NAN, 0.98};
	struct golden_metrics m = good;
	struct gate_result r;

	(void)state;
	m.cosine_min = 0.5;
	golden_judge(&m, &top1, &r);
	assert_int_equal(r.verdict, GATE_PASS);
	m.top1 = 0.97;
	golden_judge(&m, &top1, &r);
	says(&r, GATE_KIND_GOLDEN, GATE_FAIL,
		"cases=10; top-1 agreement 0.97 is below the limit of 0.98; FAIL");
}

static void broken_outputs_fail_whatever_the_limits(void **state)
{
	const struct golden_limits lax = {-1, NAN, NAN, NAN};
	struct golden_metrics nan = good, inf = good, flat = good;
	struct gate_result r;

	(void)state;
	nan.nan = 3;
	golden_judge(&nan, &lax, &r);
	says(&r, GATE_KIND_GOLDEN, GATE_FAIL,
		"cases=10; FAIL because 3 elements are NaN in output or reference alone");
	inf.inf = 1;
	golden_judge(&inf, &lax, &r);
	assert_int_equal(r.verdict, GATE_FAIL);
	flat.constant = 1;
	golden_judge(&flat, &lax, &r);
	says(&r, GATE_KIND_GOLDEN, GATE_FAIL, "cases=10; FAIL because 1 outputs are constant");
}

static void what_was_not_compared_is_not_a_pass(void **state)
{
	const struct golden_limits both = {0.999, NAN, NAN, 0.98};
	struct golden_metrics m = good, empty = {0};
	struct gate_result r;

	(void)state;
	golden_judge(&empty, &none, &r);
	assert_int_equal(r.verdict, GATE_INCONCLUSIVE);
	m.top1 = NAN;
	golden_judge(&m, &both, &r);
	assert_int_equal(r.verdict, GATE_INCONCLUSIVE);
	m.cosine_min = 0.9;
	golden_judge(&m, &both, &r);
	assert_int_equal(r.verdict, GATE_FAIL);
}

/* ---- execution and coverage ---- */

static void execution_fails_with_its_cause(void **state)
{
	struct gate_result r;

	(void)state;
	execution_judge(EXECUTION_OK, "", &r);
	says(&r, GATE_KIND_EXECUTION, GATE_PASS, "the model ran to its end; PASS");
	execution_judge(EXECUTION_CRASH, "killed by SIGSEGV in the paced block", &r);
	says(&r, GATE_KIND_EXECUTION, GATE_FAIL,
		"FAIL because the runner crashed: killed by SIGSEGV in the paced block; `framefarm "
		"job logs` has what it wrote before");
	for (int end = EXECUTION_REFUSED; end < EXECUTION_ENDS_END; end++) {
		execution_judge(end, NULL, &r);
		assert_int_equal(r.verdict, GATE_FAIL);
	}
	execution_judge(99, NULL, &r);
	assert_int_equal(r.verdict, GATE_INCONCLUSIVE);
}

/* However much the runtime says, the sentence still ends with what to do. */
static void an_execution_that_fails_says_what_to_do(void **state)
{
	static const char *const words[EXECUTION_ENDS_END] = {
		[EXECUTION_REFUSED] = "`framefarm job logs` has the runtime's own words",
		[EXECUTION_CRASH] = "`framefarm job logs` has what it wrote before",
		[EXECUTION_HANG] = "raise measure.stall_ms in the job",
		[EXECUTION_MEMORY] = "raise measure.memory_mb in the job",
	};
	char cause[2000];
	struct gate_result r;

	(void)state;
	memset(cause, 'x', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	for (int end = EXECUTION_REFUSED; end < EXECUTION_ENDS_END; end++) {
		execution_judge(end, cause, &r);
		assert_non_null(strstr(r.text, "xxx; "));
		assert_string_equal(r.text + strlen(r.text) - strlen(words[end]), words[end]);
	}
}

static void coverage_prefers_time_to_nodes(void **state)
{
	struct coverage c = {"xnnpack", 53, 87, 90, 100};
	struct gate_result r;

	(void)state;
	coverage_judge(&c, 0.9, &r);
	says(&r, GATE_KIND_COVERAGE, GATE_PASS,
		"PASS because 90 % of the operator time ran on xnnpack and at least 90 % is asked "
		"for");
	c.time_total_ns = 0;
	coverage_judge(&c, 0.9, &r);
	says(&r, GATE_KIND_COVERAGE, GATE_FAIL,
		"FAIL because 60.92 % of the nodes ran on xnnpack and at least 90 % is asked for");
}

static void unknown_coverage_is_inconclusive(void **state)
{
	static const struct coverage unknown[] = {
		{"nnapi", 0, 0, 0, 0}, {"nnapi", 9, 8, 0, 0}, {"nnapi", -1, 8, 5, 4}};
	struct gate_result r;

	(void)state;
	for (int i = 0; i < 3; i++) {
		coverage_judge(&unknown[i], 0, &r);
		says(&r, GATE_KIND_COVERAGE, GATE_INCONCLUSIVE,
			"INCONCLUSIVE because it is not known what ran on nnapi");
	}
}

/* ---- verdicts ---- */

#define GATE(k, v)                                                                                 \
	{                                                                                          \
		.kind = GATE_KIND_##k, .verdict = GATE_##v                                         \
	}

static void combines(struct gate_result *g, int n, int verdict, int code, int decider)
{
	int got_code, got_decider;

	assert_int_equal(gate_combine(g, n, &got_code, &got_decider), verdict);
	assert_int_equal(got_code, code);
	assert_int_equal(got_decider, decider);
}

static void gates_become_one_verdict(void **state)
{
	struct gate_result pass[] = {GATE(EXECUTION, PASS), GATE(BUDGET, PASS)};
	struct gate_result slow[] = {
		GATE(EXECUTION, PASS), GATE(COVERAGE, FAIL), GATE(BUDGET, FAIL)};
	struct gate_result open[] = {GATE(EXECUTION, PASS), GATE(BUDGET, INCONCLUSIVE)};
	struct gate_result both[] = {GATE(BUDGET, INCONCLUSIVE), GATE(COVERAGE, FAIL)};
	struct gate_result unasked[] = {GATE(EXECUTION, PASS), GATE(BUDGET, NONE)};

	(void)state;
	combines(pass, 2, GATE_PASS, EXIT_PASS, -1);
	combines(slow, 3, GATE_FAIL, EXIT_BUDGET, 2);
	combines(open, 2, GATE_INCONCLUSIVE, EXIT_INCONCLUSIVE, 1);
	combines(both, 2, GATE_FAIL, EXIT_GATE, 1);
	combines(unasked, 2, GATE_PASS, EXIT_PASS, -1);
	combines(NULL, 0, GATE_PASS, EXIT_PASS, -1);
	assert_int_equal(gate_combine(pass, 2, &(int){0}, NULL), GATE_PASS);
}

static void wrong_outputs_void_the_speed(void **state)
{
	struct gate_result wrong[] = {GATE(BUDGET, FAIL), GATE(GOLDEN, FAIL), GATE(COVERAGE, FAIL)};
	struct gate_result crash[] = {GATE(EXECUTION, FAIL), GATE(BUDGET, FAIL)};
	struct gate_result right[] = {GATE(GOLDEN, PASS), GATE(BUDGET, FAIL)};

	(void)state;
	combines(wrong, 3, GATE_FAIL, EXIT_GOLDEN, 1);
	assert_true(wrong[0].voided);
	assert_false(wrong[1].voided || wrong[2].voided);
	combines(crash, 2, GATE_FAIL, EXIT_GATE, 0);
	assert_true(crash[1].voided);
	combines(right, 2, GATE_FAIL, EXIT_BUDGET, 1);
	assert_false(right[1].voided);
}

/* Over the runs of a job, in whichever order they end. */
static void one_exit_code_for_several_runs(void **state)
{
	static const struct {
		int codes[4], want;
	} cases[] = {
		{{0, 0, 0, 0}, 0},
		{{13, 12, 11, 10}, 10},
		{{0, 13, 12, 0}, 12},
		{{20, 13, 0, 15}, 13},
		{{15, 20, 0, 0}, 20},
		{{15, 0, 0, 0}, 15},
		{{19, 15, 0, 0}, 19},
		{{19, 20, 18, 0}, 20},
		{{19, 18, 0, 15}, 18},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int forth = EXIT_PASS, back = EXIT_PASS;

		for (int j = 0; j < 4; j++) {
			forth = exit_code_combine(forth, cases[i].codes[j]);
			back = exit_code_combine(back, cases[i].codes[3 - j]);
		}
		assert_int_equal(forth, cases[i].want);
		assert_int_equal(back, cases[i].want);
	}
}

static void every_gate_has_a_name(void **state)
{
	(void)state;
	for (int k = 1; k < GATE_KINDS_END; k++)
		assert_string_not_equal(gate_kind_name(k), "unknown");
	assert_string_equal(gate_kind_name(GATE_KIND_BUDGET), "budget");
	assert_string_equal(gate_kind_name(-1), "unknown");
	assert_string_equal(gate_verdict_name(GATE_INCONCLUSIVE), "inconclusive");
	assert_string_equal(gate_verdict_name(7), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_outputs_pass_the_defaults),
		cmocka_unit_test(equal_outputs_have_an_infinite_ratio),
		cmocka_unit_test(each_limit_fails_on_its_own),
		cmocka_unit_test(naming_one_limit_waives_the_defaults),
		cmocka_unit_test(broken_outputs_fail_whatever_the_limits),
		cmocka_unit_test(what_was_not_compared_is_not_a_pass),
		cmocka_unit_test(execution_fails_with_its_cause),
		cmocka_unit_test(an_execution_that_fails_says_what_to_do),
		cmocka_unit_test(coverage_prefers_time_to_nodes),
		cmocka_unit_test(unknown_coverage_is_inconclusive),
		cmocka_unit_test(gates_become_one_verdict),
		cmocka_unit_test(wrong_outputs_void_the_speed),
		cmocka_unit_test(one_exit_code_for_several_runs),
		cmocka_unit_test(every_gate_has_a_name),
	};

	return cmocka_run_group_tests_name("gates", tests, NULL, NULL);
}
