/* SPDX-License-Identifier: Apache-2.0 */
/* Debian 13's ONNX Runtime has a provider that takes a part of a graph: who really ran what is
 * told, and strict mode refuses to fall back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "drive.h"

static struct drive d;

static int stop(void **state)
{
	(void)state;
	drive_fini(&d);
	return 0;
}

static void use_provider(const char *name)
{
	drive_init(&d, "mobilenet_v1_025_fp32.onnx");
	drive_case(&d, "input", "golden/mobilenet_v1_025/input_0.pb", "probs",
		"golden/mobilenet_v1_025/fp32_0.pb");
	d.plan.golden_stop = 1;
	d.plan.tolerance.sqnr_db_min = 60;
	d.plan.coverage = 1;
	snprintf(d.plan.provider, PLAN_NAME, "%s", name);
}

static void expect_text(const char *key, const char *text)
{
	assert_string_equal(drive_fact(&d, key)->text, text);
}

static void xnnpack_takes_a_part_and_both_parts_are_counted(void **state)
{
	(void)state;
	use_provider("xnnpack");
	drive_run(&d, 0, OUTCOME_OK, "");
	expect_text("provider.requested", "xnnpack");
	expect_text("provider.used", "cpu,xnnpack");
	expect_text("coverage.fallback", "partial");
	expect_text("coverage.source", "profile");
	assert_true(drive_fact(&d, "coverage.nodes.xnnpack")->i > 20);
	assert_true(drive_fact(&d, "coverage.nodes.cpu")->i > 0);
	assert_int_equal(drive_fact(&d, "coverage.nodes_total")->i,
		drive_fact(&d, "coverage.nodes.xnnpack")->i +
			drive_fact(&d, "coverage.nodes.cpu")->i);
	assert_true(drive_fact(&d, "coverage.time_share")->f > 0.5);
	assert_true(drive_fact(&d, "coverage.time_share")->f < 1);
	assert_int_equal(drive_scratch_entries(&d), 0);
}

static void strict_mode_refuses_what_xnnpack_leaves(void **state)
{
	(void)state;
	use_provider("xnnpack");
	d.plan.strict = 1;
	drive_run(&d, 0, OUTCOME_MODEL, "the runtime refuses the model: ");
	assert_non_null(strstr(d.cause, "default CPU EP"));
}

static void the_cpu_alone_is_no_fallback(void **state)
{
	(void)state;
	use_provider("cpu");
	d.plan.strict = 1; /* means nothing where nothing else was asked for */
	drive_run(&d, 0, OUTCOME_OK, "");
	expect_text("provider.used", "cpu");
	expect_text("coverage.fallback", "none");
	assert_int_equal(drive_fact(&d, "runtime.api")->i, 16);
}

/* oneDNN's provider has no name in the table, only a function; and it crashes when it is let go. */
static void a_runtime_that_crashes_at_its_end_does_not_take_the_result_along(void **state)
{
	(void)state;
	use_provider("dnnl");
	drive_run(&d, 0, OUTCOME_OK, "");
	assert_true(drive_fact(&d, "coverage.nodes.dnnl")->i > 0);
}

static void what_the_library_prints_at_its_start_is_kept_short(void **state)
{
	(void)state;
	use_provider("cpu");
	drive_run(&d, 0, OUTCOME_OK, "");
	assert_non_null(strstr(d.text, "Schema error"));
	assert_non_null(strstr(d.text, "are left out"));
	assert_true(strlen(d.text) < 8192);
}

#define STORY(fn) cmocka_unit_test_teardown(fn, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(xnnpack_takes_a_part_and_both_parts_are_counted),
		STORY(strict_mode_refuses_what_xnnpack_leaves),
		STORY(the_cpu_alone_is_no_fallback),
		STORY(a_runtime_that_crashes_at_its_end_does_not_take_the_result_along),
		STORY(what_the_library_prints_at_its_start_is_kept_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
