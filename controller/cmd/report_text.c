/* SPDX-License-Identifier: Apache-2.0 */
/* A job's result as text; see report.h. */
#include "cmd/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/exitcode.h"
#include "cmd/table.h"
#include "cmd/units.h"

static void over_cell(char dst[UNITS_TEXT * 2], const struct report_run *run)
{
	if (run->n < 0 || run->over < 0)
		snprintf(dst, UNITS_TEXT * 2, "-");
	else
		snprintf(dst, UNITS_TEXT * 2, "%" PRId64 " of %" PRId64, run->over, run->n);
}

static void print_table(FILE *f, const struct report *r, bool color)
{
	static const char *const titles[] = {
		"RUN",
		"DEVICE",
		"MODEL",
		"VARIANT",
		"P50",
		"P90",
		"P99",
		"BUDGET",
		"OVER",
		"VERDICT",
	};
	struct table *t = table_new(titles, 10, 0x1f0);

	for (int i = 0; i < r->n; i++) {
		const struct report_run *run = &r->runs[i];
		char p50[UNITS_TEXT], p90[UNITS_TEXT], p99[UNITS_TEXT], budget[UNITS_TEXT];
		char over[UNITS_TEXT * 2], device[LIMIT_VALUE + 16];

		units_latency(p50, run->p50_ns);
		units_latency(p90, run->p90_ns);
		units_latency(p99, run->p99_ns);
		units_budget(budget, run->budget_ns);
		over_cell(over, run);
		snprintf(device, sizeof(device), "%s%s", run->device[0] ? run->device : "-",
			run->is_virtual ? " (virtual)" : "");
		table_add(t, (const char *const[]){run->id, device, run->model, run->variant, p50,
				     p90, p99, budget, over, report_run_word(run)});
	}
	table_print(f, t, color);
	table_free(t);
}

static void print_gates(FILE *f, const struct report_run *run, bool color)
{
	fprintf(f, "\n%s %s on %s%s: ", run->id, run->variant,
		run->device[0] ? run->device : "no device", run->is_virtual ? " (virtual)" : "");
	table_word(f, report_run_word(run), color);
	if (run->round > 1)
		fprintf(f, ", %" PRId64 " rounds", run->round);
	if (run->attempts > 1)
		fprintf(f, ", %" PRId64 " attempts", run->attempts);
	fputc('\n', f);
	if (*report_run_cause(run))
		fprintf(f, "  cause: %s\n", run->cause);
	for (int i = 0; i < run->n_gates; i++) {
		fprintf(f, "  %s: ", run->gates[i].name);
		table_word(f, run->gates[i].verdict, color);
		fprintf(f, "%s%s%s\n", run->gates[i].is_void ? " (void)" : "",
			run->gates[i].text[0] ? ": " : "", run->gates[i].text);
	}
}

void report_print_text(FILE *f, const struct report *r, bool color)
{
	const char *word = r->verdict[0] && strcmp(r->verdict, "none") ? r->verdict : r->state;

	fprintf(f, "%s %s: ", r->id, r->name);
	table_word(f, word, color);
	if (r->exit_code >= 0)
		fprintf(f, " (exit code %" PRId64 ": %s)", r->exit_code,
			exit_code_text((int)r->exit_code));
	fputc('\n', f);
	if (r->cause[0])
		fprintf(f, "cause: %s\n", r->cause);
	if (r->pinned[0])
		fprintf(f, "pinned by %s\n", r->pinned);
	if (r->url[0])
		fprintf(f, "%s\n", r->url);
	fputc('\n', f);
	print_table(f, r, color);
	for (int i = 0; i < r->n; i++)
		print_gates(f, &r->runs[i], color);
}
