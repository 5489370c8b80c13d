/* SPDX-License-Identifier: Apache-2.0 */
/* The job format: what a job means, what is refused and how, what is submitted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/jobspec.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- helpers ---- */

static int try_parse(const char *text, unsigned flags, struct jobspec **ret, struct err *e)
{
	struct json_doc *d = json_parse(text, strlen(text), e);
	int rc;

	if (!d)
		return e->code;
	rc = jobspec_parse(d, flags, ret, e);
	json_doc_free(d);
	return rc;
}

static struct jobspec *parsed(const char *text)
{
	struct jobspec *s = NULL;
	struct err e = {0};

	if (try_parse(text, JOBSPEC_PATHS, &s, &e))
		fail_msg("%s", e.text);
	return s;
}

/* A job with one variant and, behind it, more members: "," and so on. */
static char *job_with(const char *more)
{
	return mem_printf(
		"{\"schema\": \"framefarm.job/1\", \"name\": \"j\",\n"
		"\"model\": {\"name\": \"m\", \"variants\": [{\"name\": \"fp32\", \"file\": "
		"\"m.onnx\"}]}\n%s}",
		more);
}

static struct jobspec *parsed_with(const char *more)
{
	char *text = job_with(more);
	struct jobspec *s = parsed(text);

	mem_free(text);
	return s;
}

static void text_refused(const char *text, int code, const char *says)
{
	struct jobspec *s = (struct jobspec *)1;
	struct err e = {0};

	assert_int_equal(try_parse(text, JOBSPEC_PATHS, &s, &e), code);
	assert_ptr_equal(s, (struct jobspec *)1);
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

static void refused(const char *more, int code, const char *says)
{
	char *text = job_with(more);

	text_refused(text, code, says);
	mem_free(text);
}

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

static const char whole[] =
	"{ // the job of jobspec.h\n"
	"  \"schema\": \"framefarm.job/1\",\n"
	"  \"name\": \"mobilenet-v1\",\n"
	"  \"model\": {\n"
	"    \"name\": \"mobilenet-v1-0.25-224\",\n"
	"    \"variants\": [\n"
	"      {\"name\": \"fp32\", \"file\": \"models/mbv1_fp32.onnx\"},\n"
	"      {\"name\": \"int8\", \"file\": \"models/mbv1_int8.onnx\",\n"
	"       \"golden\": {\"top1\": 0.98, \"cases\": [{\"outputs\": {\"probs\": \"q0.pb\"}}]},\n"
	"       \"runner\": {\"threads\": 4, \"provider\": \"xnnpack\", \"strict\": true},\n"
	"       \"inputs\": [{\"name\": \"x\", \"file\": \"in.pb\"}]}\n"
	"    ]\n"
	"  },\n"
	"  \"runner\": {\"name\": \"onnxruntime\", \"threads\": 2, \"inter_threads\": 1,\n"
	"    \"provider_options\": {\"device_type\": \"CPU\"},\n"
	"    \"session_options\": {\"session.intra_op.allow_spinning\": \"0\"},\n"
	"    \"optimization\": \"basic\"},\n"
	"  \"dimensions\": {\"batch\": 1, \"seq\": 128}, \"fix_dimensions\": true,\n"
	"  \"inputs\": [{\"name\": \"input\", \"file\": \"in.pb\"},\n"
	"    {\"name\": \"ids\", \"seed\": 7, \"fill\": \"uniform\", \"low\": 0, \"high\": 2000,\n"
	"     \"shape\": [1, 128]}],\n"
	"  \"golden\": {\"cosine\": 0.999, \"sqnr_db\": 30, \"max_abs\": 0.01, \"top1\": 0.98,\n"
	"    \"cases\": [{\"inputs\": {\"input\": \"in0.pb\"}, \"outputs\": {\"probs\": "
	"\"out0.pb\"}},\n"
	"      {\"outputs\": {\"probs\": \"out1.pb\", \"mask\": \"m1.pb\"}}]},\n"
	"  \"preset\": \"standard\",\n"
	"  \"measure\": {\"cold_loads\": 1, \"pace_hz\": 120, \"thermal_start_c\": 30.5},\n"
	"  \"devices\": {\"select\": {\"kind\": \"local\", \"abi\": \"x86_64\"}, \"count\": "
	"\"all\"},\n"
	"  \"budget\": {\"ms\": 16.6, \"percentile\": 0.95, \"share\": 0.5},\n"
	"  \"gates\": [\"budget\", \"golden\", \"execution\"],\n"
	"  \"priority\": -3, \"retries\": 0, \"timeout_s\": 3600, \"labels\": {\"team\": "
	"\"vision\"},\n"
	"  \"commit\": \"abc\", \"branch\": \"main\"\n"
	"}\n";

static void the_whole_job_is_read(void **state)
{
	struct jobspec *s = parsed(whole);

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
	struct jobspec *s = parsed(whole);
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

/* ---- what is refused ---- */

static void what_is_no_job_is_refused(void **state)
{
	(void)state;
	text_refused("{}", ERR_PARSE, "the job lacks the key \"schema\"");
	text_refused("[]", ERR_PARSE, "the job must be an object");
	text_refused(
		"{\"schema\": \"framefarm.job/2\"}", ERR_PARSE, "must be one of framefarm.job/1");
	text_refused("{\"schema\": \"framefarm.job/1\",\n\"name\": 5}", ERR_PARSE,
		"line 2: \"name\" of the job must be a string");
	refused(", \"nmae\": 1", ERR_PARSE, "line 3: the job has no key \"nmae\"");
	refused(",\n\"runner\": {\"thread\": 1}", ERR_PARSE,
		"line 4: the runner has no key \"thread\"");
	refused(", \"name\": \"k\"", ERR_EXISTS, "\"name\" is there twice");
	refused(", \"measure\": {\"min_s\": 1}", ERR_PARSE, "measure has no key \"min_s\"");
	refused(", \"branch\": \"a\\u001b[31m\"", ERR_PARSE, "control character");
	refused(", \"labels\": {\"a\\u0085\": \"b\"}", ERR_PARSE, "control character");
}

static void numbers_are_held_to_their_bounds(void **state)
{
	static const char *const bad[] = {
		", \"priority\": 101",
		", \"priority\": 1.5",
		", \"retries\": 9",
		", \"timeout_s\": -1",
		", \"coverage_min\": 1.1",
		", \"budget\": {\"ms\": 0}",
		", \"budget\": {\"percentile\": 1}",
		", \"budget\": {\"share\": 1.01}",
		", \"measure\": {\"min_runs\": 0}",
		", \"measure\": {\"pace_hz\": 1001}",
		", \"measure\": {\"pace_hz\": 0.5}",
		", \"measure\": {\"rounds\": 9}",
		", \"measure\": {\"memory_mb\": 1e300}",
		", \"runner\": {\"threads\": -1}",
		", \"devices\": {\"count\": 0}",
		", \"devices\": {\"count\": 1025}",
		", \"devices\": {\"count\": \"some\"}",
		", \"devices\": {\"count\": \"3\"}",
		", \"dimensions\": {\"batch\": 0}",
		", \"dimensions\": {\"batch\": \"x\"}",
		", \"golden\": {\"top1\": 1.5, \"cases\": []}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct jobspec *s = NULL;
		struct err e = {0};
		char *text = job_with(bad[i]);

		try_parse(text, JOBSPEC_PATHS, &s, &e);
		if (s)
			fail_msg("%s was taken", bad[i]);
		assert_true(e.code == ERR_RANGE || e.code == ERR_PARSE);
		assert_non_null(strstr(e.text, "line 3"));
		mem_free(text);
	}
}

static void bounds_must_not_cross(void **state)
{
	(void)state;
	refused(", \"measure\": {\"min_ms\": 5000, \"max_ms\": 4000}", ERR_RANGE,
		"min_ms of 5000 is more than max_ms of 4000");
	refused(", \"measure\": {\"rounds\": 3, \"max_rounds\": 2}", ERR_RANGE, "rounds of 3");
}

static void inputs_come_from_a_file_or_a_seed(void **state)
{
	(void)state;
	refused(", \"inputs\": [{\"name\": \"x\"}]", ERR_PARSE, "needs a file or a seed");
	refused(", \"inputs\": [{\"name\": \"x\", \"file\": \"a\", \"seed\": 1}]", ERR_PARSE,
		"has a file and also \"seed\"");
	refused(", \"inputs\": [{\"name\": \"x\", \"seed\": 1, \"low\": 3}]", ERR_PARSE,
		"need \"fill\": \"uniform\"");
	refused(", \"inputs\": [{\"name\": \"x\", \"seed\": 1, \"fill\": \"uniform\", \"low\": 1}]",
		ERR_RANGE, "less than high");
	refused(", \"inputs\": [{\"name\": \"x\", \"seed\": 1, \"shape\": []}]", ERR_RANGE,
		"is empty");
	refused(", \"inputs\": [{\"name\": \"x\", \"seed\": 1, \"shape\": [65536, 65536]}]",
		ERR_RANGE, "more than 268435456 elements");
	refused(", \"inputs\": [{\"name\": \"x\", \"seed\": 1, \"shape\": [1,1,1,1,1,1,1,1,1]}]",
		ERR_RANGE, "at most 8");
	refused(", \"inputs\": [{\"name\": \"x\", \"seed\": 1}, {\"name\": \"x\", \"seed\": 2}]",
		ERR_EXISTS, "\"x\" is there twice");
	refused(", \"golden\": {\"cases\": [{\"outputs\": {}}]}", ERR_RANGE, "at least one output");
	refused(", \"golden\": {\"cases\": []}", ERR_RANGE, "no case");
	refused(", \"golden\": {\"cases\": [{\"outputs\": {\"y\": 5}}]}", ERR_PARSE,
		"a file must be an object");
}

static void contradictions_are_told(void **state)
{
	(void)state;
	refused(", \"gates\": [\"golden\"]", ERR_PARSE, "the variant \"fp32\" has no golden data");
	refused(", \"gates\": [\"budget\"], \"budget\": null", ERR_PARSE, "but the budget is null");
	refused(", \"measure\": {\"paced\": false}", ERR_PARSE, "judges the paced block");
	refused(", \"measure\": {\"max_runs\": 149}", ERR_RANGE, "which needs 299 at p99");
	refused(", \"runner\": {\"strict\": true}", ERR_PARSE, "its provider is cpu");
	refused(", \"gates\": [\"coverage\"], \"measure\": {\"coverage\": false}", ERR_PARSE,
		"needs the coverage run");
	refused(", \"gates\": [], \"coverage_min\": 0.5", ERR_PARSE, "the gates leave it out");
	refused(", \"gates\": [\"speed\"]", ERR_PARSE, "must be one of execution, budget");
	refused(", \"gates\": [\"budget\", \"budget\"]", ERR_EXISTS, "twice");
	refused(", \"fix_dimensions\": true", ERR_PARSE, "names no dimensions");
	refused(", \"timeout_s\": 30", ERR_RANGE, "less than the 34 s that measure asks for");
}

static void strict_may_stand_where_the_variants_name_the_provider(void **state)
{
	struct jobspec *s = parsed(
		"{\"schema\": \"framefarm.job/1\", \"name\": \"j\", \"runner\": {\"strict\": "
		"true},\n"
		"\"model\": {\"name\": \"m\", \"variants\": [{\"name\": \"a\", \"file\": \"m\",\n"
		"\"runner\": {\"provider\": \"nnapi\"}}]}}");

	(void)state;
	assert_true(s->variants[0].runner.strict);
	jobspec_free(s);
}

static void variants_are_held_together(void **state)
{
	static const char head[] = "{\"schema\": \"framefarm.job/1\", \"name\": \"j\", \"model\": "
				   "{\"name\": \"m\", \"variants\": [";
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	buf_printf(&b, "%s]}}", head);
	text_refused(buf_text(&b), ERR_RANGE, "no variant");
	buf_drop(&b, b.len);
	buf_printf(&b,
		"%s{\"name\": \"a\", \"file\": \"a\"}, {\"name\": \"a\", \"file\": \"b\"}]}}",
		head);
	text_refused(buf_text(&b), ERR_EXISTS, "two variants have the name \"a\"");
	buf_drop(&b, b.len);
	buf_printf(&b,
		"%s{\"name\": \"a\", \"file\": \"a\", \"inputs\": []}]},\n\"inputs\": "
		"[{\"name\": \"x\", \"seed\": 1}]}",
		head);
	text_refused(buf_text(&b), ERR_PARSE, "line 2: every variant has inputs of its own");
	buf_fini(&b);
}

/* ---- limits ---- */

/* n elements of the form `one`, which has one %d, separated by commas. */
static char *repeated(const char *before, const char *one, int n, const char *after)
{
	struct buf b;
	char *text;

	buf_init(&b, 0);
	buf_puts(&b, before);
	for (int i = 0; i < n; i++) {
		char item[256];
		const char *mark = strchr(one, '#');

		snprintf(item, sizeof(item), "%s%.*s%d%s", i ? "," : "", (int)(mark - one), one, i,
			mark + 1);
		buf_puts(&b, item);
	}
	buf_puts(&b, after);
	text = mem_strdup(buf_text(&b));
	buf_fini(&b);
	return text;
}

static void lists_end_at_their_bounds(void **state)
{
	static const struct {
		const char *before, *one, *after;
		int max;
	} cases[] = {
		{", \"devices\": {\"select\": {", "\"k#\": \"v\"", "}}", LIMIT_SELECTOR_TERMS},
		{", \"labels\": {", "\"k#\": \"v\"", "}", LIMIT_ATTRS},
		{", \"dimensions\": {", "\"d#\": 1", "}", LIMIT_OPTIONS},
		{", \"runner\": {\"session_options\": {", "\"o#\": \"1\"", "}}", LIMIT_OPTIONS},
		{", \"inputs\": [", "{\"name\": \"x#\", \"seed\": 1}", "]", LIMIT_INPUTS},
		{", \"golden\": {\"cases\": [", "{\"outputs\": {\"y\": \"#.pb\"}}", "]}",
			LIMIT_GOLDEN_CASES},
		{", \"golden\": {\"cases\": [{\"outputs\": {", "\"y#\": \"y.pb\"", "}}]}",
			LIMIT_INPUTS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int over = 0; over < 2; over++) {
			char *more = repeated(
				cases[i].before, cases[i].one, cases[i].max + over, cases[i].after);
			char limit[32];

			snprintf(limit, sizeof(limit), "at most %d", cases[i].max);
			if (over)
				refused(more, ERR_RANGE, limit);
			else
				jobspec_free(parsed_with(more));
			mem_free(more);
		}
}

static void runs_end_at_their_bound(void **state)
{
	static const char *const counts[] = {
		"]}, \"devices\": {\"count\": 64}}", "]}, \"devices\": {\"count\": 65}}"};

	(void)state;
	for (int over = 0; over < 2; over++) {
		char *text =
			repeated("{\"schema\": \"framefarm.job/1\", \"name\": \"j\", \"model\": "
				 "{\"name\": \"m\", \"variants\": [",
				"{\"name\": \"v#\", \"file\": \"m.onnx\"}", 64, counts[over]);

		if (over)
			text_refused(text, ERR_RANGE, "more than 4096 runs");
		else
			jobspec_free(parsed(text));
		mem_free(text);
	}
}

/* Sixty-four variants that each inherit 128 cases of 3 outputs are 24 576 tensors out of a text of
 * 20 KB: memory must not grow with the product. */
static void inheritance_does_not_multiply_without_bound(void **state)
{
	char *cases = repeated("]}, \"golden\": {\"cases\": [",
		"{\"outputs\": {\"a\": \"#.pb\", \"b\": \"b.pb\", \"c\": \"c.pb\"}}", 128, "]}}");
	char *text =
		repeated("{\"schema\": \"framefarm.job/1\", \"name\": \"j\", \"model\": {\"name\": "
			 "\"m\", \"variants\": [",
			"{\"name\": \"v#\", \"file\": \"m.onnx\"}", 64, cases);

	(void)state;
	text_refused(text, ERR_RANGE, "more than 16384 tensors");
	mem_free(text);
	mem_free(cases);
}

static void long_texts_are_refused(void **state)
{
	char *path = mem_alloc(JOBSPEC_PATH_MAX + 100), *more;

	(void)state;
	memset(path, 'a', JOBSPEC_PATH_MAX);
	path[JOBSPEC_PATH_MAX] = '\0';
	more = mem_printf(", \"inputs\": [{\"name\": \"x\", \"file\": \"%s\"}]", path);
	refused(more, ERR_RANGE, "1 to 1023 bytes");
	mem_free(more);
	more = mem_printf(", \"labels\": {\"%s\": \"\"}", path);
	refused(more, ERR_RANGE, "1 to 63 bytes");
	mem_free(more);
	more = mem_printf(", \"commit\": \"%s\"", path);
	refused(more, ERR_RANGE, "\"commit\"");
	mem_free(more);
	mem_free(path);
	refused(", \"inputs\": [{\"name\": \"x\", \"file\": \"dir/\"}]", ERR_RANGE, "not end in /");
	refused(", \"devices\": {\"select\": {\"kind\": \"\"}}", ERR_RANGE, "1 to 127 bytes");
	refused(", \"devices\": {\"select\": {\"virtual\": \"true\"}}", ERR_PARSE,
		"\"yes\", \"no\" or \"any\"");
}

/* ---- files and the wire ---- */

struct seen {
	int n;
	char text[1024];
};

static int fill_in(void *arg, struct jobspec_file *f)
{
	struct seen *s = arg;

	snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%s ", f->path);
	snprintf(f->sha256, sizeof(f->sha256), "%064x", (unsigned)strlen(f->path));
	f->bytes = 1000 + strlen(f->path);
	s->n++;
	return 0;
}

static int stop_at_once(void *arg, struct jobspec_file *f)
{
	(void)arg;
	(void)f;
	return 7;
}

static void every_file_is_visited(void **state)
{
	struct jobspec *s = parsed(whole);
	struct seen seen = {0};

	(void)state;
	assert_int_equal(jobspec_files(s, fill_in, &seen), 0);
	assert_string_equal(seen.text, "models/mbv1_fp32.onnx in.pb in0.pb out0.pb out1.pb m1.pb "
				       "models/mbv1_int8.onnx in.pb q0.pb ");
	assert_string_equal(s->variants[0].model.name, "mbv1_fp32.onnx");
	assert_int_equal(s->variants[1].golden.cases[0].outputs[0].file.line, 9);
	assert_int_equal(jobspec_files(s, stop_at_once, NULL), 7);
	jobspec_free(s);
}

static void a_path_is_only_for_the_command_line(void **state)
{
	struct jobspec *s = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(try_parse(whole, 0, &s, &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "framefarm run"));
	assert_null(s);
}

static void what_is_submitted_means_the_same(void **state)
{
	struct err e = {0};
	struct json_doc *doc = json_parse(whole, strlen(whole), &e);
	struct jobspec *s = NULL, *again = NULL;
	struct seen seen = {0};
	struct json *wire;
	char *text;

	(void)state;
	assert_int_equal(jobspec_parse(doc, JOBSPEC_PATHS, &s, &e), 0);
	jobspec_files(s, fill_in, &seen);
	wire = jobspec_wire(doc, s);
	text = json_print(wire, false);
	assert_null(strstr(text, ".pb\",")); /* no path is left, and no path's directory */
	assert_null(strstr(text, "models/"));
	if (try_parse(text, 0, &again, &e))
		fail_msg("%s", e.text);
	assert_int_equal(again->n_variants, 2);
	assert_string_equal(again->variants[0].model.name, "mbv1_fp32.onnx");
	assert_int_equal(again->variants[0].model.bytes, 1021);
	assert_string_equal(again->variants[0].model.sha256, s->variants[0].model.sha256);
	assert_string_equal(again->variants[0].model.path, "");
	assert_int_equal(again->variants[0].golden.cases[1].outputs[1].file.bytes, 1005);
	assert_int_equal(again->budget_ns, s->budget_ns);
	assert_memory_equal(&again->measure, &s->measure, sizeof(s->measure));
	assert_memory_equal(&again->select, &s->select, sizeof(s->select));
	assert_int_equal(again->gates, s->gates);
	mem_free(text);
	json_free(wire);
	jobspec_free(again);
	jobspec_free(s);
	json_doc_free(doc);
}

static void uploaded_files_are_checked(void **state)
{
	struct jobspec *s;
	char *more = mem_printf(", \"inputs\": [{\"name\": \"x\", \"file\": {\"sha256\": \"%s\", "
				"\"bytes\": 5, \"name\": \"x.pb\"}}]",
		HASH);

	(void)state;
	s = parsed_with(more);
	assert_string_equal(s->variants[0].inputs[0].file.sha256, HASH);
	assert_int_equal(s->variants[0].inputs[0].file.bytes, 5);
	jobspec_free(s);
	memset(strstr(more, HASH), 'G', 64);
	refused(more, ERR_PARSE, "64 lower-case hexadecimal digits");
	mem_free(more);
	refused(", \"inputs\": [{\"name\": \"x\", \"file\": {\"sha256\": \"" HASH
		"\", \"bytes\": 0, "
		"\"name\": \"x\"}}]",
		ERR_RANGE, "\"bytes\" of a file");
	refused(", \"inputs\": [{\"name\": \"x\", \"file\": {\"sha256\": \"" HASH
		"\", \"bytes\": 1}}]",
		ERR_PARSE, "a file lacks the key \"name\"");
}

/* ---- examples and hostile input ---- */

static void every_example_is_a_job(void **state)
{
	glob_t g = {0};

	(void)state;
	glob("profiles/examples/*.json", 0, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		FILE *f = fopen(g.gl_pathv[i], "r");
		struct err e = {0};
		struct jobspec *s = NULL;
		char *text = mem_zalloc(LIMIT_JSON_BYTES + 1);

		assert_non_null(f);
		text[fread(text, 1, LIMIT_JSON_BYTES, f)] = '\0';
		fclose(f);
		if (try_parse(text, JOBSPEC_PATHS, &s, &e))
			fail_msg("%s: %s", g.gl_pathv[i], e.text);
		jobspec_free(s);
		mem_free(text);
	}
	globfree(&g);
}

static uint32_t dice(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)*seed * n) >> 32);
}

/* One of: a byte changed, a stretch removed, doubled, or replaced by a piece of another place. */
static void mutate(struct buf *b, uint32_t *seed)
{
	static const char *const pieces[] = {"{", "}", "[", "]", "\"", ",", ":", "null", "true",
		"-1", "1e999", "9007199254740993", "\"\\u0000\"", "\"\\u0061\"", "{\"file\":\"x\"}",
		"[[[[", "/*", "//", "0.5", "\"all\""};
	size_t at = dice(seed, b->len), n = 1 + dice(seed, 12);
	char *rest = mem_strdup(buf_text(b) + at);
	size_t skip = n < strlen(rest) ? n : strlen(rest);

	b->len = at;
	switch (dice(seed, 4)) {
	case 0:
		rest[0] ^= 1 << dice(seed, 7);
		buf_puts(b, rest);
		break;
	case 1:
		buf_puts(b, rest + skip);
		break;
	case 2:
		buf_put(b, rest, skip);
		buf_puts(b, rest);
		break;
	default:
		buf_puts(b, pieces[dice(seed, sizeof(pieces) / sizeof(pieces[0]))]);
		buf_puts(b, rest + skip);
	}
	mem_free(rest);
}

/* Twenty thousand seeded mutations: each is taken or refused with a sentence, never anything else.
 * Under the sanitizers this is also the proof that nothing leaks. */
static void mutated_jobs_are_taken_or_refused(void **state)
{
	uint32_t seed = 1;
	int taken = 0, told = 0;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	for (int i = 0; i < 20000; i++) {
		struct jobspec *s = NULL;
		struct err e = {0};

		buf_drop(&b, b.len);
		buf_puts(&b, whole);
		for (uint32_t k = 0; k <= dice(&seed, 3); k++)
			mutate(&b, &seed);
		if (try_parse(buf_text(&b), JOBSPEC_PATHS, &s, &e)) {
			assert_null(s);
			assert_true(e.code < 0 && e.text[0]);
			told++;
		} else {
			jobspec_free(s);
			taken++;
		}
	}
	buf_fini(&b);
	/* Mutations of comments, names and numbers are still jobs; that both happen shows that the
	 * mutations reach beyond the JSON parser. */
	assert_true(taken > 1000 && told > 1000);
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
		cmocka_unit_test(what_is_no_job_is_refused),
		cmocka_unit_test(numbers_are_held_to_their_bounds),
		cmocka_unit_test(bounds_must_not_cross),
		cmocka_unit_test(inputs_come_from_a_file_or_a_seed),
		cmocka_unit_test(contradictions_are_told),
		cmocka_unit_test(strict_may_stand_where_the_variants_name_the_provider),
		cmocka_unit_test(variants_are_held_together),
		cmocka_unit_test(lists_end_at_their_bounds),
		cmocka_unit_test(runs_end_at_their_bound),
		cmocka_unit_test(inheritance_does_not_multiply_without_bound),
		cmocka_unit_test(long_texts_are_refused),
		cmocka_unit_test(every_file_is_visited),
		cmocka_unit_test(a_path_is_only_for_the_command_line),
		cmocka_unit_test(what_is_submitted_means_the_same),
		cmocka_unit_test(uploaded_files_are_checked),
		cmocka_unit_test(every_example_is_a_job),
		cmocka_unit_test(mutated_jobs_are_taken_or_refused),
	};

	return cmocka_run_group_tests_name("jobspec", tests, NULL, NULL);
}
