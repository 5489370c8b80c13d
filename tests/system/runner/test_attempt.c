/* SPDX-License-Identifier: Apache-2.0 */
/* The runner against the real runtime and real models: what an attempt reports, process by
 * process. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drive.h"

#define MS INT64_C(1000000)

static struct drive d;

static int stop(void **state)
{
	(void)state;
	drive_fini(&d);
	return 0;
}

static void use_mobilenet(const char *variant, uint32_t cases)
{
	char model[64], in[64], out[64];

	snprintf(model, sizeof(model), "mobilenet_v1_025_%s.onnx", variant);
	drive_init(&d, model);
	for (uint32_t i = 0; i < cases; i++) {
		snprintf(in, sizeof(in), "golden/mobilenet_v1_025/input_%u.pb", i);
		snprintf(out, sizeof(out), "golden/mobilenet_v1_025/%s_%u.pb", variant, i);
		drive_case(&d, "input", in, "probs", out);
	}
}

static void use_mlp(const char *model)
{
	drive_init(&d, model);
	drive_case(&d, "input", "golden/mlp/input_0.pb", "logits", "golden/mlp/logits_0.pb");
	d.plan.n_cases = 0; /* there when a test asks for it */
}

static void block(struct plan_block *b, uint32_t runs, int64_t period_ns)
{
	*b = (struct plan_block){1, runs, runs, 0, 60000, period_ns};
}

static void expect_int_above(const char *key, int64_t least)
{
	const struct fact *f = drive_fact(&d, key);

	assert_int_equal(f->kind, FACT_INT);
	if (f->i < least)
		fail_msg("%s is %lld", key, (long long)f->i);
}

static void expect_text(const char *key, const char *text)
{
	assert_int_equal(drive_fact(&d, key)->kind, FACT_TEXT);
	assert_string_equal(drive_fact(&d, key)->text, text);
}

static void a_whole_attempt_of_two_processes(void **state)
{
	static const enum phase first[] = {
		PHASE_LOAD_COLD, PHASE_FIRST, PHASE_GOLDEN, PHASE_COVERAGE};
	static const enum phase last[] = {PHASE_LOAD_WARM, PHASE_FIRST, PHASE_WARMUP,
		PHASE_BACK2BACK, PHASE_PACED, PHASE_SUSTAINED};
	struct ring_header *h;

	(void)state;
	use_mobilenet("fp32", 10);
	d.plan.cold_loads = d.plan.warm_loads = 1;
	d.plan.coverage = 1;
	d.plan.tolerance = (struct plan_tolerance){0.999, 40, 0.01, 1};
	d.plan.golden_stop = 1;
	d.plan.warmup_min_runs = 20;
	d.plan.warmup_max_ms = 5000;
	block(&d.plan.back2back, 200, 0);
	block(&d.plan.paced, 30, 5 * MS);
	block(&d.plan.sustained, 20, 0);

	drive_run(&d, 0, OUTCOME_OK, "");
	drive_expect_phases(&d, first, 4);
	expect_int_above("load.cold_ns", 1 * MS);
	assert_int_equal(drive_fact(&d, "load.cold_ns")->i,
		drive_fact(&d, "load.dlopen_ns")->i + drive_fact(&d, "load.env_ns")->i +
			drive_fact(&d, "load.session_ns")->i);
	assert_false(drive_has(&d, "load.warm_ns"));
	expect_int_above("first.inference_ns", 100000);
	expect_text("input.input", "float32[1,3,224,224]");
	expect_text("golden.verdict", "pass");
	assert_int_equal(drive_fact(&d, "golden.cases")->i, 10);
	assert_true(drive_fact(&d, "golden.cosine_min")->f > 0.99999);
	assert_true(drive_fact(&d, "golden.top1")->f == 1);
	assert_true(drive_fact(&d, "golden.case9.probs.sqnr_db")->f > 60);
	expect_text("provider.requested", "cpu");
	expect_text("provider.used", "cpu");
	expect_text("coverage.fallback", "none");
	expect_int_above("coverage.nodes_total", 20);
	assert_int_equal(
		drive_fact(&d, "coverage.nodes.cpu")->i, drive_fact(&d, "coverage.nodes_total")->i);
	assert_true(drive_fact(&d, "coverage.time_share")->f == 1);
	assert_int_equal(drive_scratch_entries(&d), 0); /* no profile is left behind */
	assert_int_equal(d.ring->head, 0);

	drive_run(&d, 1, OUTCOME_OK, "");
	drive_expect_phases(&d, last, 6);
	expect_int_above("load.warm_ns", 1 * MS);
	assert_false(drive_has(&d, "golden.verdict"));
	assert_false(drive_has(&d, "runtime.version"));
	expect_int_above("warmup.runs", 20);
	expect_int_above("warmup.median_ns", 100000);
	expect_int_above("memory.after_load_bytes", 10 << 20);
	expect_int_above("memory.rss_peak_bytes", drive_fact(&d, "memory.after_load_bytes")->i);
	h = d.ring;
	assert_int_equal(h->n_blocks, 3);
	assert_int_equal(h->closed, 3);
	assert_int_equal(h->head, 250);
	assert_int_equal(h->blocks[0].count, 200);
	expect_int_above("block.back_to_back.cpu_ns", h->blocks[0].count * 100000);
	assert_int_equal(drive_fact(&d, "block.back_to_back.cpu_ns")->i, h->blocks[0].cpu_ns);
	assert_int_equal(h->blocks[1].phase, PHASE_PACED);
	assert_int_equal(h->blocks[1].period_ns, 5 * MS);
	assert_int_equal(h->blocks[2].period_ns, 5 * MS); /* sustained is paced as paced is */
	assert_int_equal(h->alive_ns > ring_records(h)[249].end_ns, 1);
}

static void one_process_does_everything(void **state)
{
	static const enum phase all[] = {PHASE_LOAD_WARM, PHASE_FIRST, PHASE_GOLDEN, PHASE_COVERAGE,
		PHASE_WARMUP, PHASE_BACK2BACK};

	(void)state;
	use_mobilenet("int8", 3);
	d.plan.coverage = 1;
	d.plan.tolerance = (struct plan_tolerance){0.99, 20, NAN, 1};
	d.plan.golden_stop = 1;
	block(&d.plan.back2back, 100, 0);
	drive_run(&d, 0, OUTCOME_OK, "");
	drive_expect_phases(&d, all, 6);
	expect_text("golden.verdict", "pass");
	if (drive_fact(&d, "runtime.api")->i >= 24) { /* the graph as written, before fusions */
		expect_text("coverage.source", "assignment");
		assert_int_equal(drive_fact(&d, "coverage.nodes_total")->i, 149);
	} else {
		expect_text("coverage.source", "profile");
	}
	expect_int_above("coverage.kernels_total", 20);
	expect_int_above("memory.rss_peak_bytes", 10 << 20);
	assert_int_equal(d.ring->blocks[0].count, 100);
}

/* The tolerances of profiles/examples. */
static void every_example_answers_as_its_reference(void **state)
{
	static const struct {
		const char *model, *dir, *reference;
		struct plan_tolerance tolerance;
	} examples[] = {
		{"mobilenet_v1_025_int8.onnx", "mobilenet_v1_025", "int8", {0.99, 20, NAN, 1}},
		{"mobilenet_v2_100_fp32.onnx", "mobilenet_v2_100", "fp32", {0.9999, 40, 1e-3, 1}},
		{"mobilenet_v2_100_int8.onnx", "mobilenet_v2_100", "int8", {0.99, 20, NAN, 1}},
	};
	char in[64], out[64];

	(void)state;
	for (size_t e = 0; e < sizeof(examples) / sizeof(examples[0]); e++) {
		drive_init(&d, examples[e].model);
		for (uint32_t i = 0; i < 10; i++) {
			snprintf(in, sizeof(in), "golden/%s/input_%u.pb", examples[e].dir, i);
			snprintf(out, sizeof(out), "golden/%s/%s_%u.pb", examples[e].dir,
				examples[e].reference, i);
			drive_case(&d, "input", in, "probs", out);
		}
		d.plan.tolerance = examples[e].tolerance;
		d.plan.golden_stop = 1;
		drive_run(&d, 0, OUTCOME_OK, "");
		expect_text("golden.verdict", "pass");
		print_message("%s: cosine %.6f, SQNR %.1f dB\n", examples[e].model,
			drive_fact(&d, "golden.cosine_min")->f,
			drive_fact(&d, "golden.sqnr_db_min")->f);
		drive_fini(&d);
	}
	use_mlp("mlp_16_32_10.onnx");
	d.plan.n_cases = 1;
	d.plan.tolerance = (struct plan_tolerance){0.9999, 60, 1e-3, 1};
	d.plan.golden_stop = 1;
	drive_run(&d, 0, OUTCOME_OK, "");
	expect_text("golden.verdict", "pass");
}

static void a_transformer_takes_its_dimensions_from_the_job(void **state)
{
	struct plan_tensor *ids;

	(void)state;
	drive_init(&d, "transformer_4x256.onnx");
	d.plan.n_dimensions = 2;
	snprintf(d.plan.dimensions[0].name, PLAN_NAME, "batch");
	snprintf(d.plan.dimensions[1].name, PLAN_NAME, "seq");
	d.plan.dimensions[0].value = 1;
	d.plan.dimensions[1].value = 128;
	ids = drive_input(&d, "ids", NULL);
	ids->fill = PLAN_FILL_UNIFORM;
	ids->high = 2000;
	drive_case(&d, "ids", "golden/transformer/ids_0.pb", "hidden",
		"golden/transformer/hidden_0.pb");
	d.plan.tolerance = (struct plan_tolerance){0.9999, 60, NAN, NAN};
	block(&d.plan.back2back, 5, 0);
	drive_run(&d, 0, OUTCOME_OK, "");
	expect_text("golden.verdict", "pass");
	expect_text("input.ids", "int64[1,128]");
	assert_int_equal(d.ring->head, 5);

	d.plan.fix_dimensions = 1;
	drive_run(&d, 0, OUTCOME_OK, "");
	expect_text("golden.verdict", "pass");

	d.plan.n_dimensions = 1;
	d.plan.fix_dimensions = 0;
	drive_run(&d, 0, OUTCOME_MODEL, "dimension \"seq\" is free");
}

static void a_cancel_in_a_block_ends_it_at_once(void **state)
{
	(void)state;
	use_mobilenet("fp32", 0);
	block(&d.plan.back2back, 20000, 0);
	drive_start(&d, 0);
	drive_until_records(&d, 20, 30);
	drive_cancel(&d);
	drive_wait(&d, 5);
	assert_true(d.done);
	assert_int_equal(d.outcome, OUTCOME_CANCELLED);
	assert_string_equal(d.cause, "told to stop");
	assert_int_equal(d.ring->closed, 1);
	assert_in_range(d.ring->blocks[0].count, 20, 19999);
	assert_int_equal(d.ring->blocks[0].count, d.ring->head);
	expect_int_above("block.back_to_back.runs", 20);
}

static void an_inference_that_never_ends_can_be_cancelled(void **state)
{
	(void)state;
	use_mlp("bad/hang.onnx");
	drive_start(&d, 0);
	drive_until_phase(&d, PHASE_FIRST, 30);
	drive_cancel(&d);
	drive_wait(&d, 5);
	assert_true(d.done);
	assert_int_equal(d.outcome, OUTCOME_CANCELLED);
}

static void a_runner_without_an_agent_ends(void **state)
{
	(void)state;
	use_mobilenet("fp32", 0);
	block(&d.plan.back2back, 20000, 0);
	drive_start(&d, 0);
	drive_until_records(&d, 20, 30);
	shutdown(d.fd, SHUT_RDWR);
	drive_wait(&d, 5);
	assert_true(WIFEXITED(d.status));
	assert_true(d.ring->head < 20000);
}

static void a_killed_runner_leaves_its_iterations(void **state)
{
	const struct ring_record *r;
	uint64_t n;

	(void)state;
	use_mobilenet("fp32", 0);
	block(&d.plan.back2back, 20000, 0);
	drive_start(&d, 0);
	drive_until_records(&d, 20, 30);
	kill(d.pid, SIGKILL);
	drive_wait(&d, 5);
	assert_false(d.done);
	assert_true(WIFSIGNALED(d.status));
	n = d.ring->head;
	r = ring_records(d.ring);
	assert_true(n >= 20);
	assert_int_equal(d.ring->n_blocks, 1);
	assert_int_equal(d.ring->closed, 0);
	for (uint64_t i = 1; i < n; i++)
		assert_int_equal(r[i].start_ns, r[i - 1].end_ns);
}

static void ten_minutes_of_virtual_time_pass_at_once(void **state)
{
	const struct ring_record *r;

	(void)state;
	use_mobilenet("fp32", 0);
	d.virtual_time = true;
	d.plan.warmup_min_runs = 20;
	d.plan.warmup_min_ms = 2000;
	d.plan.warmup_max_ms = 30000;
	block(&d.plan.paced, 600, 1000 * MS);
	d.plan.paced.max_ms = 700000;
	drive_run(&d, 0, OUTCOME_OK, "");
	r = ring_records(d.ring);
	assert_int_equal(d.ring->head, 600);
	assert_int_equal(d.ring->blocks[0].skipped, 0);
	for (int i = 0; i < 600; i++) { /* an inference takes no virtual time */
		assert_int_equal(r[i].start_ns, r[i].release_ns);
		assert_int_equal(r[i].end_ns, r[i].start_ns);
		assert_int_equal(r[i].release_ns, r[0].release_ns + i * 1000 * MS);
	}
}

static void wrong_outputs_void_the_speed(void **state)
{
	(void)state;
	use_mlp("bad/constant.onnx");
	d.plan.n_cases = 1;
	d.plan.golden_stop = 1;
	d.plan.tolerance.cosine_min = 0.99;
	block(&d.plan.back2back, 10, 0);
	drive_run(&d, 0, OUTCOME_GOLDEN,
		"golden case 0, output \"logits\": every element has the same value");
	expect_text("golden.verdict", "fail");
	assert_int_equal(drive_fact(&d, "golden.constant")->i, 1);
	assert_int_equal(d.ring->head, 0);

	d.plan.golden_stop = 0; /* the verdict stands, the rest is measured */
	drive_run(&d, 0, OUTCOME_OK, "");
	expect_text("golden.verdict", "fail");
	assert_int_equal(d.ring->head, 10);
}

/* A TensorProto of string[1,16]: fifteen short ones and `last`. */
static void write_strings(char path[64], const char *last)
{
	FILE *f;

	snprintf(path, 64, "/tmp/framefarm-strings.XXXXXX");
	f = fdopen(mkstemp(path), "wb");
	assert_non_null(f);
	fwrite("\x08\x01\x08\x10\x10\x08", 1, 6, f);
	for (int i = 0; i < 15; i++)
		fprintf(f, "\x32\x03no%c", 'a' + i);
	fprintf(f, "\x32%c%s", (int)strlen(last), last);
	assert_int_equal(fclose(f), 0);
}

static void strings_go_in_and_come_out(void **state)
{
	char one[64], other[64];

	(void)state;
	write_strings(one, "end");
	write_strings(other, "END");
	drive_init(&d, "bad/string.onnx"); /* hands its input on */
	drive_input(&d, "input", one);
	drive_case(&d, "input", one, "logits", one);
	drive_case(&d, "input", other, "logits", one);
	d.plan.n_cases = 1;
	d.plan.golden_stop = 1;
	block(&d.plan.back2back, 10, 0);
	drive_run(&d, 0, OUTCOME_OK, "");
	expect_text("input.input", "string[1,16]");
	expect_text("golden.verdict", "pass");
	assert_int_equal(d.ring->head, 10);

	d.plan.n_cases = 2;
	drive_run(&d, 0, OUTCOME_GOLDEN, "golden case 1, output \"logits\": the strings differ");
	unlink(one);
	unlink(other);
}

static void nan_is_a_defect_without_any_tolerance(void **state)
{
	(void)state;
	use_mlp("bad/nan.onnx");
	d.plan.n_cases = 1;
	d.plan.golden_stop = 1;
	drive_run(&d, 0, OUTCOME_GOLDEN, "10 elements are NaN");
	assert_int_equal(drive_fact(&d, "golden.nan")->i, 10);
}

static void a_tolerance_that_is_missed_says_by_how_much(void **state)
{
	(void)state;
	use_mobilenet("int8", 0);
	drive_case(&d, "input", "golden/mobilenet_v1_025/input_0.pb", "probs",
		"golden/mobilenet_v1_025/int8_1.pb");
	d.plan.golden_stop = 1;
	d.plan.tolerance.top1_min = 1;
	drive_run(&d, 0, OUTCOME_GOLDEN, "golden cases: top-1 agrees in 0 of 1 rows");
	d.plan.tolerance.sqnr_db_min = 20;
	drive_run(&d, 0, OUTCOME_GOLDEN, "golden case 0, output \"probs\": SQNR");
	assert_true(drive_fact(&d, "golden.cosine_min")->f < 0.5);
}

#define STORY(fn) cmocka_unit_test_teardown(fn, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_whole_attempt_of_two_processes),
		STORY(one_process_does_everything),
		STORY(every_example_answers_as_its_reference),
		STORY(a_transformer_takes_its_dimensions_from_the_job),
		STORY(a_cancel_in_a_block_ends_it_at_once),
		STORY(an_inference_that_never_ends_can_be_cancelled),
		STORY(a_runner_without_an_agent_ends),
		STORY(a_killed_runner_leaves_its_iterations),
		STORY(ten_minutes_of_virtual_time_pass_at_once),
		STORY(wrong_outputs_void_the_speed),
		STORY(strings_go_in_and_come_out),
		STORY(nan_is_a_defect_without_any_tolerance),
		STORY(a_tolerance_that_is_missed_says_by_how_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
