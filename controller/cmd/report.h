/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as the API answers it, read once into what all printers use: the table on stdout, JUnit,
 * Markdown. All texts are cleaned of control characters here, since names come from jobs, phones and
 * runners; each printer still escapes for its own format. What is absent or of another type reads as
 * "" or -1: a newer daemon may say more or less. Pure; one owner.
 */
#ifndef FRAMEFARM_CMD_REPORT_H
#define FRAMEFARM_CMD_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/limits.h"

struct err;
struct json;
struct json_doc;

#define REPORT_GATES_MAX 16
#define REPORT_WORD      24   /* states, verdicts, ids */
#define REPORT_TEXT      1024 /* a gate's sentence */

struct report_gate {
	char name[LIMIT_NAME];
	char verdict[REPORT_WORD];
	char text[REPORT_TEXT];
	bool is_void;            /* the outputs were wrong, so the gate says nothing */
	const struct json *json; /* all its numbers; belongs to the report */
};

struct report_run {
	int64_t number; /* of the id "r5" */
	char id[REPORT_WORD];
	char model[LIMIT_NAME], variant[LIMIT_NAME];
	char device[LIMIT_VALUE], device_model[LIMIT_VALUE];
	bool is_virtual;
	char state[REPORT_WORD], verdict[REPORT_WORD], failure[REPORT_WORD];
	char cause[LIMIT_CAUSE];
	int64_t exit_code, round, attempts;
	int64_t started_ms, ended_ms; /* wall clock; -1: not yet */
	/* Of the block that the budget gate judges; -1: not known. */
	int64_t p50_ns, p90_ns, p99_ns, n, over, budget_ns;
	const struct json *json, *metrics; /* the whole run; NULL: no metrics */
	int n_gates;
	struct report_gate *gates;
};

struct report {
	char id[REPORT_WORD];
	char name[LIMIT_NAME];
	char state[REPORT_WORD], verdict[REPORT_WORD];
	char cause[LIMIT_CAUSE];
	char commit[LIMIT_VALUE], branch[LIMIT_VALUE];
	char url[512];
	char pinned[LIMIT_NAME + LIMIT_VALUE]; /* by whom and why; "": it is not */
	int64_t exit_code;                     /* -1 until the job has ended */
	int64_t n_runs, n_ended;
	int64_t started_ms, ended_ms;
	int n;                   /* runs that are here; see report_complete() */
	struct report_run *runs; /* in the order of their numbers */
	struct json_doc **docs;  /* what the runs point into */
	int n_docs;
};

/* Reads a job. Takes doc on success. ERR_PROTO when it is no job. */
int report_new(struct json_doc *doc, struct report **ret_r, struct err *e);
/* Adds the runs of a page of GET /api/v1/runs. Takes doc on success. A run that is here already is
 * not doubled. */
int report_add(struct report *r, struct json_doc *doc, struct err *e);
void report_free(struct report *r); /* NULL is allowed */

bool report_ended(const struct report *r);
/* The farm has stopped it, since too many of its runs fail: it waits for somebody. */
bool report_paused(const struct report *r);
/* Whether all runs are here; the daemon puts only so many into one answer. */
bool report_complete(const struct report *r);
const struct report_run *report_run(const struct report *r, const char *id); /* NULL: not here */
/* "pass", "fail", "inconclusive", or why there is no verdict: "infrastructure", "cancelled", … */
const char *report_run_word(const struct report_run *run);

/* The run's cause, "" when one of its gates says the same. */
const char *report_run_cause(const struct report_run *run);

/* ---- printers ---- */

/* What an inconclusive verdict means to the caller's CI. */
enum report_inconclusive { INCONCLUSIVE_FAIL, INCONCLUSIVE_WARN, INCONCLUSIVE_PASS };

/* The table and each gate's arithmetic. */
void report_print_text(FILE *f, const struct report *r, bool color);
void report_print_junit(FILE *f, const struct report *r, enum report_inconclusive inc);
void report_print_markdown(FILE *f, const struct report *r);
/* The daemon's answer, with all runs in it. */
void report_print_json(FILE *f, const struct report *r);

#endif
