/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's result as Markdown for a CI system's summary; see report.h. What needs eyes comes first:
 * failures, then what has no verdict, then passes. GitHub cuts a summary at 1 MiB, so rows are
 * bounded and the cut is said.
 */
#include "cmd/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/exitcode.h"
#include "cmd/escape.h"
#include "cmd/units.h"

#define ROWS_MAX 200

static int urgency(const struct report_run *run)
{
	const char *word = report_run_word(run);

	if (!strcmp(word, "fail"))
		return 0;
	return strcmp(word, "pass") ? 1 : 2;
}

static void cell(FILE *f, const char *text)
{
	escape_markdown(f, text);
	fputs(" | ", f);
}

static void latency_cell(FILE *f, int64_t ns)
{
	char text[UNITS_TEXT];

	units_latency(text, ns);
	cell(f, text);
}

static void print_row(FILE *f, const struct report_run *run)
{
	char text[UNITS_TEXT];

	fputs("| ", f);
	cell(f, run->device[0] ? run->device : "-");
	cell(f, run->model);
	cell(f, run->variant);
	latency_cell(f, run->p50_ns);
	latency_cell(f, run->p90_ns);
	latency_cell(f, run->p99_ns);
	units_budget(text, run->budget_ns);
	cell(f, text);
	if (run->n >= 0 && run->over >= 0)
		fprintf(f, "%" PRId64 " of %" PRId64 " | ", run->over, run->n);
	else
		fputs("- | ", f);
	fputs("**", f);
	escape_markdown(f, report_run_word(run));
	fputs("** |\n", f);
}

static void print_arithmetic(FILE *f, const struct report_run *run)
{
	fputs("\n**", f);
	escape_markdown(f, run->variant);
	fputs(" on ", f);
	escape_markdown(f, run->device[0] ? run->device : "no device");
	fputs("**", f);
	if (run->is_virtual)
		fputs(" (virtual)", f);
	fputs("\n\n", f);
	if (*report_run_cause(run)) {
		fputs("- cause: ", f);
		escape_markdown(f, run->cause);
		fputc('\n', f);
	}
	for (int i = 0; i < run->n_gates; i++) {
		fputs("- ", f);
		escape_markdown(f, run->gates[i].name);
		fputs(": **", f);
		escape_markdown(f, run->gates[i].verdict);
		fputs(run->gates[i].is_void ? "** (void) " : "** ", f);
		escape_markdown(f, run->gates[i].text);
		fputc('\n', f);
	}
}

/* Calls fn for each run, the urgent ones first, up to ROWS_MAX; returns how many were left out. */
static int by_urgency(FILE *f, const struct report *r, int worst, int best,
	void (*fn)(FILE *f, const struct report_run *run))
{
	int done = 0, left = 0;

	for (int u = worst; u <= best; u++)
		for (int i = 0; i < r->n; i++) {
			if (urgency(&r->runs[i]) != u)
				continue;
			if (done < ROWS_MAX)
				fn(f, &r->runs[i]);
			else
				left++;
			done++;
		}
	return left;
}

void report_print_markdown(FILE *f, const struct report *r)
{
	const char *word = r->verdict[0] && strcmp(r->verdict, "none") ? r->verdict : r->state;
	int left;

	fputs("### ", f);
	escape_markdown(f, r->name);
	fputs(": ", f);
	escape_markdown(f, word);
	fputs("\n\n", f);
	escape_markdown(f, r->id);
	if (r->exit_code >= 0)
		fprintf(f, ", exit code %" PRId64 ": %s", r->exit_code,
			exit_code_text((int)r->exit_code));
	fputs(".\n", f);
	if (r->cause[0]) {
		fputs("\nCause: ", f);
		escape_markdown(f, r->cause);
		fputc('\n', f);
	}
	if (r->url[0] && !strpbrk(r->url, " <>"))
		fprintf(f, "\n<%s>\n", r->url);
	fputs("\n| Device | Model | Variant | P50 | P90 | P99 | Budget | Over budget | Verdict |\n"
	      "|---|---|---|---:|---:|---:|---:|---:|---|\n",
		f);
	left = by_urgency(f, r, 0, 2, print_row);
	if (left)
		fprintf(f, "\n%d further runs are not shown.\n", left);
	by_urgency(f, r, 0, 2, print_arithmetic);
}
