/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's result as JUnit XML; see report.h. There is no official schema; this keeps to what readers
 * agree upon (testsuite, testcase, failure, error, skipped, properties). One suite a run, one case a
 * gate, so a case is a model on a device before a gate. A failed gate is a `failure`; what gave no
 * verdict, for want of data or of a working farm, is an `error`, so that CI can tell slow from broken.
 */
#include "cmd/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/escape.h"

enum outcome { CASE_PASSED, CASE_FAILURE, CASE_ERROR, CASE_SKIPPED };

static const char *const elements[] = {NULL, "failure", "error", "skipped"};

struct counts {
	int cases, failures, errors, skipped;
};

/* ---- what each case is ---- */

static enum outcome of_verdict(const char *verdict, enum report_inconclusive inc)
{
	static const enum outcome of_inconclusive[] = {CASE_ERROR, CASE_SKIPPED, CASE_PASSED};

	if (!strcmp(verdict, "pass"))
		return CASE_PASSED;
	if (!strcmp(verdict, "fail"))
		return CASE_FAILURE;
	if (!strcmp(verdict, "inconclusive"))
		return of_inconclusive[inc];
	return CASE_SKIPPED; /* the gate could not be asked */
}

static enum outcome of_gate(const struct report_gate *g, enum report_inconclusive inc)
{
	return g->is_void ? CASE_SKIPPED : of_verdict(g->verdict, inc);
}

/* A run without a result has a case of its own, whatever its gates said of earlier rounds. */
static bool has_result(const struct report_run *run)
{
	return !strcmp(run->state, "completed");
}

static bool needs_run_case(const struct report_run *run)
{
	return !has_result(run) || !run->n_gates;
}

static enum outcome of_run(const struct report_run *run, enum report_inconclusive inc)
{
	return has_result(run) ? of_verdict(report_run_word(run), inc) : CASE_ERROR;
}

static void count(struct counts *c, enum outcome o)
{
	c->cases++;
	c->failures += o == CASE_FAILURE;
	c->errors += o == CASE_ERROR;
	c->skipped += o == CASE_SKIPPED;
}

static void count_run(struct counts *c, const struct report_run *run, enum report_inconclusive inc)
{
	if (needs_run_case(run))
		count(c, of_run(run, inc));
	for (int i = 0; i < run->n_gates; i++)
		count(c, of_gate(&run->gates[i], inc));
}

/* ---- printing ---- */

static void attribute(FILE *f, const char *name, const char *value)
{
	fprintf(f, " %s=\"", name);
	escape_xml(f, value);
	fputc('"', f);
}

static void counts_attributes(FILE *f, const struct counts *c)
{
	fprintf(f, " tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\"", c->cases,
		c->failures, c->errors, c->skipped);
}

static void seconds(FILE *f, int64_t from_ms, int64_t to_ms)
{
	int64_t ms = from_ms >= 0 && to_ms > from_ms ? to_ms - from_ms : 0;

	fprintf(f, " time=\"%" PRId64 ".%03d\"", ms / 1000, (int)(ms % 1000));
}

/* What is empty says nothing and is left out. */
static void property(FILE *f, const char *prefix, const char *name, const char *value)
{
	if (!*value)
		return;
	fputs("      <property name=\"", f);
	escape_xml(f, prefix);
	escape_xml(f, name);
	fputc('"', f);
	attribute(f, "value", value);
	fputs("/>\n", f);
}

/* Every number, word and truth value of obj that is not printed otherwise. */
static void member_properties(FILE *f, const char *prefix, const struct json *obj)
{
	JSON_FOREACH (m, obj) {
		const char *key = json_key(m);
		char *text;

		if (!strcmp(key, "name") || !strcmp(key, "verdict") || !strcmp(key, "text"))
			continue;
		if (json_is_string(m)) {
			property(f, prefix, key, json_str(m));
		} else if (json_is_number(m) || json_is_bool(m)) {
			text = json_print(m, false);
			property(f, prefix, key, text);
			mem_free(text);
		}
	}
}

static void run_properties(FILE *f, const struct report *r, const struct report_run *run)
{
	fputs("    <properties>\n", f);
	property(f, "", "job", r->id);
	property(f, "", "run", run->id);
	property(f, "", "device", run->device);
	property(f, "", "device_model", run->device_model);
	property(f, "", "virtual", run->is_virtual ? "true" : "false");
	property(f, "", "commit", r->commit);
	property(f, "", "branch", r->branch);
	property(f, "", "url", r->url);
	member_properties(f, "", run->metrics);
	JSON_FOREACH (block, run->metrics) {
		char prefix[LIMIT_NAME];

		if (!json_is_object(block))
			continue;
		snprintf(prefix, sizeof(prefix), "%s.", json_key(block));
		member_properties(f, prefix, block);
	}
	fputs("    </properties>\n", f);
}

static void open_case(FILE *f, const struct report_run *run, const char *gate)
{
	fputs("    <testcase classname=\"", f);
	escape_xml(f, run->model);
	fputc('.', f);
	escape_xml(f, run->variant);
	fputs("\" name=\"", f);
	escape_xml(f, gate);
	fputs(" on ", f);
	escape_xml(f, run->device[0] ? run->device : "no device");
	fputs("\">\n", f);
}

static void close_case(FILE *f, enum outcome o, const char *type, const char *text)
{
	if (elements[o]) {
		fprintf(f, "      <%s", elements[o]);
		if (o != CASE_SKIPPED)
			attribute(f, "type", type);
		attribute(f, "message", text);
		fputs("/>\n", f);
	}
	fputs("    </testcase>\n", f);
}

static void print_run(
	FILE *f, const struct report *r, const struct report_run *run, enum report_inconclusive inc)
{
	struct counts c = {0};
	char started[25];

	count_run(&c, run, inc);
	fputs("  <testsuite name=\"", f);
	escape_xml(f, run->model);
	fputs(" ", f);
	escape_xml(f, run->variant);
	fputs(" on ", f);
	escape_xml(f, run->device[0] ? run->device : "no device");
	fputc('"', f);
	counts_attributes(f, &c);
	seconds(f, run->started_ms, run->ended_ms);
	if (run->started_ms >= 0) {
		clock_iso8601(started, run->started_ms);
		attribute(f, "timestamp", started);
	}
	fputs(">\n", f);
	run_properties(f, r, run);
	if (needs_run_case(run)) {
		open_case(f, run, "run");
		close_case(f, of_run(run, inc), report_run_word(run), run->cause);
	}
	for (int i = 0; i < run->n_gates; i++) {
		const struct report_gate *g = &run->gates[i];
		enum outcome o = of_gate(g, inc);

		open_case(f, run, g->name);
		fputs("      <properties>\n", f);
		member_properties(f, "", g->json);
		fputs("      </properties>\n", f);
		close_case(f, o, o == CASE_FAILURE ? g->name : g->verdict, g->text);
	}
	fputs("  </testsuite>\n", f);
}

void report_print_junit(FILE *f, const struct report *r, enum report_inconclusive inc)
{
	struct counts c = {0};

	for (int i = 0; i < r->n; i++)
		count_run(&c, &r->runs[i], inc);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", f);
	attribute(f, "name", r->name);
	counts_attributes(f, &c);
	seconds(f, r->started_ms, r->ended_ms);
	fputs(">\n", f);
	for (int i = 0; i < r->n; i++)
		print_run(f, r, &r->runs[i], inc);
	fputs("</testsuites>\n", f);
}
