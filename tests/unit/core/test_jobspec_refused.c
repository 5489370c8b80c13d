/* SPDX-License-Identifier: Apache-2.0 */
/* The job format: what is refused, with which words, and where its bounds are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/jobspec.h"
#include "support_jobspec.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("jobspec_refused", tests, NULL, NULL);
}
