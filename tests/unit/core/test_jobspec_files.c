/* SPDX-License-Identifier: Apache-2.0 */
/* The job format: its files, what is submitted, the examples, and hostile input. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/jobspec.h"
#include "support_jobspec.h"

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
	struct jobspec *s = parsed(job_whole);
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
	assert_int_equal(try_parse(job_whole, 0, &s, &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "framefarm run"));
	assert_null(s);
}

static void what_is_submitted_means_the_same(void **state)
{
	struct err e = {0};
	struct json_doc *doc = json_parse(job_whole, strlen(job_whole), &e);
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
		buf_puts(&b, job_whole);
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
		cmocka_unit_test(every_file_is_visited),
		cmocka_unit_test(a_path_is_only_for_the_command_line),
		cmocka_unit_test(what_is_submitted_means_the_same),
		cmocka_unit_test(uploaded_files_are_checked),
		cmocka_unit_test(every_example_is_a_job),
		cmocka_unit_test(mutated_jobs_are_taken_or_refused),
	};

	return cmocka_run_group_tests_name("jobspec_files", tests, NULL, NULL);
}
