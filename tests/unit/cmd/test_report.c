/* SPDX-License-Identifier: Apache-2.0 */
/* A job's JSON as a table, as JUnit and as Markdown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/escape.h"
#include "cmd/report.h"

#define DEVICE                                                                                     \
	"\"device\": {\"id\": \"d1\", \"name\": \"local\", \"model\": \"Debian\", \"virtual\": "   \
	"false}"
#define TIMES                                                                                      \
	"\"started_at\": \"2026-01-31T12:00:01.000Z\", \"ended_at\": \"2026-01-31T12:00:31.500Z\""
#define PACED                                                                                      \
	"\"metrics\": {\"paced\": {\"n\": 1800, \"p50_ns\": 9100000, \"p90_ns\": null, "           \
	"\"p99_ns\": 16001000, \"over\": 700}}"

/* Slow, inconclusive with wrong outputs (so the budget is void), and lost. */
static const char job[] =
	"{\"id\": \"j17\", \"name\": \"demo\", \"state\": \"completed\", \"verdict\": \"fail\", "
	"\"exit_code\": 10, \"n_runs\": 3, \"n_ended\": 3, \"url\": "
	"\"http://127.0.0.1:8765/?job=j17\", " TIMES ", \"runs\": ["
	"{\"id\": \"r2\", \"model\": \"m\", \"variant\": \"int8\", " DEVICE ", " TIMES
	", \"state\": \"completed\", \"verdict\": \"inconclusive\", \"failure\": \"none\", "
	"\"attempts\": [1, 2], "
	"\"result\": {\"gates\": ["
	"{\"name\": \"budget\", \"verdict\": \"fail\", \"void\": true, \"text\": \"t\", "
	"\"budget_ns\": 16000000},"
	"{\"name\": \"golden\", \"verdict\": \"inconclusive\", \"void\": false, \"text\": \"no "
	"cases\"}]}},"
	"{\"id\": \"r1\", \"model\": \"m\", \"variant\": \"fp32\", " DEVICE ", " TIMES
	", \"state\": \"completed\", \"verdict\": \"fail\", \"failure\": \"none\", \"attempts\": "
	"1, "
	"\"result\": {\"gates\": [{\"name\": \"budget\", \"verdict\": \"fail\", \"void\": false, "
	"\"text\": \"700 of 1800 over\", \"budget_ns\": 16000000, \"n_eff\": 900}], " PACED "}},"
	"{\"id\": \"r3\", \"model\": \"m\", \"variant\": \"fp32\", \"device\": null, \"state\": "
	"\"errored\", "
	"\"verdict\": \"none\", \"failure\": \"infrastructure\", \"cause\": \"the agent was "
	"lost\", "
	"\"result\": null}]}";

static struct report *report_of(const char *text)
{
	struct json_doc *doc;
	struct report *r = NULL;
	struct err e = {0};

	doc = json_parse(text, strlen(text), &e);
	if (!doc || report_new(doc, &r, &e))
		fail_msg("%s", e.text);
	return r;
}

enum form { TEXT, JUNIT, JUNIT_WARN, MARKDOWN, JSON };

static char *printed(const char *text, enum form form)
{
	struct report *r = report_of(text);
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	assert_non_null(f);
	if (form == TEXT)
		report_print_text(f, r, false);
	else if (form == MARKDOWN)
		report_print_markdown(f, r);
	else if (form == JSON)
		report_print_json(f, r);
	else
		report_print_junit(f, r, form == JUNIT ? INCONCLUSIVE_FAIL : INCONCLUSIVE_WARN);
	fclose(f);
	report_free(r);
	return out;
}

static void says(const char *out, const char *part)
{
	if (!out || !strstr(out, part))
		fail_msg("no \"%s\" in:\n%s", part, out ? out : "");
}

static void a_job_is_read(void **state)
{
	struct report *r = report_of(job);

	(void)state;
	assert_true(report_ended(r));
	assert_true(report_complete(r));
	assert_int_equal(r->exit_code, 10);
	assert_int_equal(r->n, 3);
	assert_string_equal(r->runs[0].id, "r1"); /* in the order of their numbers */
	assert_int_equal(r->runs[0].p99_ns, 16001000);
	assert_int_equal(r->runs[0].p90_ns, -1); /* null */
	assert_int_equal(r->runs[0].budget_ns, 16000000);
	assert_int_equal(r->runs[1].attempts, 2);
	assert_int_equal(r->runs[2].p99_ns, -1);
	assert_string_equal(report_run_word(&r->runs[2]), "infrastructure");
	assert_non_null(report_run(r, "r3"));
	assert_null(report_run(r, "r4"));
	report_free(r);
}

static void what_is_no_job_is_refused(void **state)
{
	static const char *const texts[] = {"[]", "{}", "{\"id\": 1, \"state\": \"x\"}", "\"j1\""};
	struct report *r = NULL;
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_doc *doc = json_parse(texts[i], strlen(texts[i]), &e);

		assert_int_equal(report_new(doc, &r, &e), ERR_PROTO);
		json_doc_free(doc);
	}
	assert_null(r);
}

static void pages_add_the_runs_that_are_not_here(void **state)
{
	static const char first[] = "{\"id\": \"j1\", \"state\": \"completed\", \"n_runs\": 3, "
				    "\"runs\": [{\"id\": \"r1\"}, {\"id\": \"r2\"}]}";
	static const char page[] = "{\"runs\": [{\"id\": \"r3\"}, {\"id\": \"r2\"}]}";
	struct report *r = report_of(first);
	struct err e = {0};

	(void)state;
	assert_false(report_complete(r));
	assert_int_equal(report_add(r, json_parse(page, strlen(page), &e), &e), 0);
	assert_true(report_complete(r));
	assert_int_equal(r->n, 3);
	assert_string_equal(r->runs[2].id, "r3");
	report_free(r);
}

static void more_gates_than_there_can_be_are_cut(void **state)
{
	char text[4096] = "{\"id\": \"j1\", \"state\": \"completed\", \"runs\": [{\"id\": \"r1\", "
			  "\"result\": {\"gates\": [0";
	struct report *r;

	(void)state;
	for (int i = 0; i < REPORT_GATES_MAX + 20; i++)
		strcat(text, ", {\"name\": \"budget\"}");
	strcat(text, "]}}]}");
	r = report_of(text);
	assert_int_equal(r->runs[0].n_gates, 0); /* the first one is no gate: nothing is believed */
	report_free(r);
	memcpy(strstr(text, "[0"), "[ ", 2);
	*strstr(text, ", {\"name") = ' ';
	r = report_of(text);
	assert_int_equal(r->runs[0].n_gates, REPORT_GATES_MAX);
	report_free(r);
}

static void the_table_shows_numbers_with_units_and_the_arithmetic(void **state)
{
	char *out = printed(job, TEXT);

	(void)state;
	says(out, "j17 demo: fail (exit code 10: the budget gate "
		  "failed)\nhttp://127.0.0.1:8765/?job=j17\n");
	says(out, "RUN  DEVICE  MODEL  VARIANT       P50  P90        P99  BUDGET         OVER  "
		  "VERDICT\n");
	says(out, "r1   local   m      fp32     9.100 ms    -  16.001 ms   16 ms  700 of 1800  "
		  "fail\n");
	says(out, "  budget: fail: 700 of 1800 over\n");
	says(out, "  budget: fail (void): t\n");
	says(out, "r3 fp32 on no device: infrastructure\n  cause: the agent was lost\n");
	says(out, ", 2 attempts\n");
	free(out);
}

static void junit_tells_failures_from_errors(void **state)
{
	char *out = printed(job, JUNIT);

	(void)state;
	says(out, "<testsuites name=\"demo\" tests=\"4\" failures=\"1\" errors=\"2\" skipped=\"1\" "
		  "time=\"30.500\">");
	says(out, "<testsuite name=\"m fp32 on local\" tests=\"1\" failures=\"1\" errors=\"0\" "
		  "skipped=\"0\"");
	says(out, "timestamp=\"2026-01-31T12:00:01.000Z\"");
	says(out, "<testcase classname=\"m.fp32\" name=\"budget on local\">");
	says(out, "<failure type=\"budget\" message=\"700 of 1800 over\"/>");
	says(out, "<property name=\"n_eff\" value=\"900\"/>");
	says(out, "<property name=\"paced.p99_ns\" value=\"16001000\"/>");
	says(out, "<error type=\"inconclusive\" message=\"no cases\"/>");
	says(out, "<skipped message=\"t\"/>"); /* void: the outputs are wrong, so it is not slow */
	says(out, "<error type=\"infrastructure\" message=\"the agent was lost\"/>");
	free(out);
}

static void an_inconclusive_gate_is_what_the_caller_makes_of_it(void **state)
{
	char *out = printed(job, JUNIT_WARN);

	(void)state;
	says(out, "errors=\"1\" skipped=\"2\" time=\"30.500\">");
	says(out, "<skipped message=\"no cases\"/>");
	free(out);
}

static void markdown_begins_with_what_failed(void **state)
{
	char *out = printed(job, MARKDOWN);

	(void)state;
	says(out, "### demo: fail\n");
	says(out, "| local | m | fp32 | 9.100 ms | - | 16.001 ms | 16 ms | 700 of 1800 | **fail** "
		  "|\n");
	assert_true(strstr(out, "| fp32 | 9.100") < strstr(out, "| int8 |"));
	says(out, "- budget: **fail** 700 of 1800 over\n");
	free(out);
}

static void json_is_the_daemons_answer(void **state)
{
	char *out = printed(job, JSON);
	struct json_doc *doc = json_parse(out, strlen(out), NULL);

	(void)state;
	assert_non_null(doc);
	assert_int_equal(json_count(json_get(json_root(doc), "runs")), 3);
	assert_string_equal(json_str(json_get(json_root(doc), "id")), "j17");
	json_doc_free(doc);
	free(out);
}

/* ---- escaping ---- */

static char *escaped(void (*fn)(FILE *f, const char *s), const char *s)
{
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	assert_non_null(f);
	fn(f, s);
	fclose(f);
	return out;
}

static void escapes_to(void (*fn)(FILE *f, const char *s), const char *s, const char *want)
{
	char *out = escaped(fn, s);

	assert_string_equal(out, want);
	free(out);
}

static void xml_holds_no_text_that_it_cannot(void **state)
{
	(void)state;
	escapes_to(escape_xml, "a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;");
	escapes_to(escape_xml, "\x1b[2J\a\x7f\xc2\x9b", "?[2J???");
	escapes_to(escape_xml, "]]>", "]]&gt;");
	escapes_to(escape_xml, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	escapes_to(escape_xml, "\xff\xc3", "??");
	escapes_to(escape_xml, "\xef\xbf\xbe\xef\xbf\xbf!", "?\?!");
	escapes_to(escape_xml, "\xed\xa0\x80", "???"); /* a surrogate */
	escapes_to(escape_xml, "", "");
}

static void markdown_gives_no_meaning_to_names(void **state)
{
	(void)state;
	escapes_to(escape_markdown, "a|b`c`*d*_e_", "a\\|b\\`c\\`\\*d\\*\\_e\\_");
	escapes_to(escape_markdown, "<img src=x>", "\\<img src=x\\>");
	escapes_to(escape_markdown, "@team &amp;", "&#64;team &amp;amp;");
	escapes_to(escape_markdown, "[x](http://y)", "\\[x\\](http:\\//y)");
	escapes_to(escape_markdown, "a\nb\x1b", "a b ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_read),
		cmocka_unit_test(what_is_no_job_is_refused),
		cmocka_unit_test(pages_add_the_runs_that_are_not_here),
		cmocka_unit_test(more_gates_than_there_can_be_are_cut),
		cmocka_unit_test(the_table_shows_numbers_with_units_and_the_arithmetic),
		cmocka_unit_test(junit_tells_failures_from_errors),
		cmocka_unit_test(an_inconclusive_gate_is_what_the_caller_makes_of_it),
		cmocka_unit_test(markdown_begins_with_what_failed),
		cmocka_unit_test(json_is_the_daemons_answer),
		cmocka_unit_test(xml_holds_no_text_that_it_cannot),
		cmocka_unit_test(markdown_gives_no_meaning_to_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
