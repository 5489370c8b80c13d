/* SPDX-License-Identifier: Apache-2.0 */
/* The job format: what a job means, and what its presets measure. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "core/jobspec.h"
#include "support_jobspec.h"

/* ---- what a job means ---- */

static void the_least_job_has_sensible_defaults(void **state)
{
	struct jobspec *s = parsed_with("");

	(void)state;
	assert_string_equal(s->name, "j");
	assert_string_equal(s->model_name, "m");
	assert_int_equal(s->n_variants, 1);
	assert_string_equal(s->variants[0].model.path, "m.onnx");
	assert_int_equal(s->variants[0].model.line, 2);
	assert_string_equal(s->variants[0].runner.name, "onnxruntime");
	assert_string_equal(s->variants[0].runner.provider, "cpu");
	assert_int_equal(s->variants[0].runner.threads, 1);
	assert_int_equal(s->variants[0].runner.optimization, 3);
	assert_int_equal(s->preset, PRESET_QUICK);
	assert_int_equal(s->count, 1);
	assert_int_equal(s->select.n_terms, 0);
	assert_true(s->has_budget);
	assert_int_equal(s->budget_ns, 16000000);
	assert_true(s->percentile == 0.99);
	assert_int_equal(s->gates, GATE_EXECUTION | GATE_BUDGET);
	assert_int_equal(s->retries, 2);
	assert_int_equal(s->timeout_ms, 0);
	jobspec_free(s);
}

static void the_whole_job_is_read(void **state)
{
	struct jobspec *s = parsed(job_whole);

	(void)state;
	assert_int_equal(s->n_dimensions, 2);
	assert_string_equal(s->dimensions[1].name, "seq");
	assert_int_equal(s->dimensions[1].value, 128);
	assert_true(s->fix_dimensions);
	assert_int_equal(s->preset, PRESET_STANDARD);
	assert_int_equal(s->measure.cold_loads, 1);
	assert_int_equal(s->measure.warm_loads, 3);
	assert_true(s->measure.pace_hz == 120 && s->measure.thermal_start_c == 30.5);
	assert_int_equal(s->select.n_terms, 2);
	assert_string_equal(s->select.terms[1].key, "abi");
	assert_string_equal(s->select.terms[1].value, "x86_64");
	assert_int_equal(s->count, 0);
	assert_int_equal(s->budget_ns, 8300000);
	assert_true(s->percentile == 0.95);
	assert_int_equal(s->gates, GATE_EXECUTION | GATE_BUDGET | GATE_GOLDEN);
	assert_int_equal(s->priority, -3);
	assert_int_equal(s->timeout_ms, 3600000);
	assert_string_equal(s->labels[0].key, "team");
	assert_string_equal(s->labels[0].value, "vision");
	assert_string_equal(s->commit_id, "abc");
	assert_string_equal(s->branch, "main");
	jobspec_free(s);
}

static void a_variant_inherits_runner_by_member_and_the_rest_whole(void **state)
{
	struct jobspec *s = parsed(job_whole);
	const struct jobspec_variant *fp32 = &s->variants[0], *int8 = &s->variants[1];

	(void)state;
	assert_int_equal(fp32->runner.threads, 2);
	assert_string_equal(fp32->runner.provider, "cpu");
	assert_int_equal(int8->runner.threads, 4);
	assert_int_equal(int8->runner.inter_threads, 1);
	assert_string_equal(int8->runner.provider, "xnnpack");
	assert_true(int8->runner.strict);
	assert_int_equal(int8->runner.optimization, 1);
	assert_int_equal(int8->runner.n_session_options, 1);
	assert_string_equal(int8->runner.session_options[0].value, "0");
	assert_string_equal(int8->runner.provider_options[0].key, "device_type");

	assert_int_equal(fp32->n_inputs, 2);
	assert_int_equal(fp32->inputs[0].fill, FILL_FILE);
	assert_string_equal(fp32->inputs[0].file.path, "in.pb");
	assert_int_equal(fp32->inputs[1].fill, FILL_UNIFORM);
	assert_int_equal(fp32->inputs[1].seed, 7);
	assert_true(fp32->inputs[1].low == 0 && fp32->inputs[1].high == 2000);
	assert_int_equal(fp32->inputs[1].n_dims, 2);
	assert_int_equal(fp32->inputs[1].dims[1], 128);
	assert_int_equal(int8->n_inputs, 1);
	assert_string_equal(int8->inputs[0].name, "x");

	assert_int_equal(fp32->golden.n_cases, 2);
	assert_int_equal(fp32->golden.cases[1].n_outputs, 2);
	assert_int_equal(fp32->golden.cases[1].n_inputs, 0);
	assert_true(fp32->golden.cosine == 0.999 && fp32->golden.sqnr_db == 30);
	assert_int_equal(int8->golden.n_cases, 1);
	assert_true(isnan(int8->golden.cosine) && int8->golden.top1 == 0.98);
	jobspec_free(s);
}

static void golden_data_without_tolerance_get_the_usual_ones(void **state)
{
	struct jobspec *s =
		parsed_with(", \"golden\": {\"cases\": [{\"outputs\": {\"y\": \"y.pb\"}}]}");

	(void)state;
	assert_true(s->variants[0].golden.cosine == 0.999);
	assert_true(s->variants[0].golden.sqnr_db == 30);
	assert_true(isnan(s->variants[0].golden.max_abs) && isnan(s->variants[0].golden.top1));
	assert_int_equal(s->gates, GATE_EXECUTION | GATE_BUDGET | GATE_GOLDEN);
	jobspec_free(s);
}

static void budgets_are_whole_nanoseconds(void **state)
{
	static const struct {
		const char *more;
		int64_t ns;
	} cases[] = {
		{", \"budget\": {\"ms\": 16}", 16000000},
		{", \"budget\": {\"ms\": 16.6}", 16600000},
		{", \"budget\": {\"ms\": 16.666667}", 16666667},
		{", \"budget\": {\"ms\": 8.3, \"share\": 0.9}", 7470000},
		{", \"budget\": {\"share\": 0.5}", 8000000},
		{", \"budget\": {}", 16000000},
		{", \"budget\": {\"ms\": 60000}", 60000000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jobspec *s = parsed_with(cases[i].more);

		assert_int_equal(s->budget_ns, cases[i].ns);
		jobspec_free(s);
	}
}

static void no_budget_no_budget_gate(void **state)
{
	struct jobspec *s = parsed_with(", \"budget\": null, \"measure\": {\"paced\": false}");

	(void)state;
	assert_false(s->has_budget);
	assert_int_equal(s->gates, GATE_EXECUTION);
	jobspec_free(s);
}

static void the_execution_gate_is_always_on(void **state)
{
	struct jobspec *s = parsed_with(", \"gates\": []");

	(void)state;
	assert_int_equal(s->gates, GATE_EXECUTION);
	jobspec_free(s);
}

static void the_coverage_gate_turns_the_coverage_run_on(void **state)
{
	struct jobspec *by_name = parsed_with(", \"gates\": [\"coverage\"]");
	struct jobspec *by_limit = parsed_with(", \"coverage_min\": 0.5");

	(void)state;
	assert_true(by_name->measure.coverage);
	assert_true(by_name->coverage_min == 0.9);
	assert_int_equal(by_name->gates, GATE_EXECUTION | GATE_COVERAGE);
	assert_true(by_limit->measure.coverage);
	assert_true(by_limit->coverage_min == 0.5);
	assert_int_equal(by_limit->gates, GATE_EXECUTION | GATE_BUDGET | GATE_COVERAGE);
	jobspec_free(by_name);
	jobspec_free(by_limit);
}

/* ---- presets ---- */

static void quick_fits_three_minutes_and_decides(void **state)
{
	struct jobspec_measure m;

	(void)state;
	jobspec_preset(PRESET_QUICK, &m);
	assert_true(m.thermal_wait_ms + m.warmup_max_ms + m.max_ms + 2 * m.baseline_ms < 180000);
	assert_true(m.paced && !m.back_to_back && !m.coverage && !m.sustained_ms);
	assert_true(m.cold_loads == 1 && m.warm_loads == 1 && m.thermal_wait_ms == 120000);
	assert_true(m.min_ms * 60 / 1000 >= 299 && m.min_runs >= 299);
}

static void standard_and_nightly_measure_more(void **state)
{
	struct jobspec_measure m;

	(void)state;
	jobspec_preset(PRESET_STANDARD, &m);
	assert_true(m.rounds == 3 && m.paced && m.back_to_back && m.coverage);
	assert_true(m.min_ms >= 60000 && m.min_runs >= 1024 && !m.sustained_ms);
	jobspec_preset(PRESET_NIGHTLY, &m);
	assert_true(m.rounds == 3 && m.paced && m.back_to_back && m.coverage);
	assert_true(m.sustained_ms == 600000);
}

static void bounds_of_the_preset_give_way(void **state)
{
	struct jobspec *longer = parsed_with(", \"measure\": {\"min_ms\": 90000}");
	struct jobspec *fewer = parsed_with(", \"measure\": {\"max_runs\": 400}");
	struct jobspec *once =
		parsed_with(", \"preset\": \"standard\", \"measure\": {\"max_rounds\": 1}");

	(void)state;
	assert_int_equal(longer->measure.max_ms, 90000);
	assert_int_equal(fewer->measure.min_runs, 400);
	assert_int_equal(once->measure.rounds, 1);
	jobspec_free(longer);
	jobspec_free(fewer);
	jobspec_free(once);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_job_has_sensible_defaults),
		cmocka_unit_test(the_whole_job_is_read),
		cmocka_unit_test(a_variant_inherits_runner_by_member_and_the_rest_whole),
		cmocka_unit_test(golden_data_without_tolerance_get_the_usual_ones),
		cmocka_unit_test(budgets_are_whole_nanoseconds),
		cmocka_unit_test(no_budget_no_budget_gate),
		cmocka_unit_test(the_execution_gate_is_always_on),
		cmocka_unit_test(the_coverage_gate_turns_the_coverage_run_on),
		cmocka_unit_test(quick_fits_three_minutes_and_decides),
		cmocka_unit_test(standard_and_nightly_measure_more),
		cmocka_unit_test(bounds_of_the_preset_give_way),
	};

	return cmocka_run_group_tests_name("jobspec", tests, NULL, NULL);
}
