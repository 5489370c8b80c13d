/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm job list`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/table.h"

static const char name[] = "job list";

#define PAGE 50

struct list_options {
	char state[LIMIT_NAME], job[LIMIT_NAME], branch[LIMIT_VALUE];
	int64_t limit;
	bool json, no_color;
	struct client_options client;
};

#define AT(field) OPTION_AT(struct list_options, field)

static const struct option_row rows[] = {
	{.name = "state",
		.type = OPTION_TEXT,
		.unit = "STATE",
		AT(state),
		.help = "only jobs in this state: queued, running, paused, completed, errored or "
			"cancelled"},
	{.name = "name",
		.type = OPTION_TEXT,
		.unit = "NAME",
		AT(job),
		.help = "only jobs of this name"},
	{.name = "branch",
		.type = OPTION_TEXT,
		.unit = "NAME",
		AT(branch),
		.help = "only jobs of this branch"},
	{.name = "limit",
		.letter = 'n',
		.type = OPTION_INT,
		.unit = "N",
		.min = 1,
		.max = 10000,
		.fallback = "20",
		AT(limit),
		.help = "at most so many"},
	{.name = "json", .type = OPTION_FLAG, AT(json), .help = "print JSON, one array"},
	{.name = "no-color", .type = OPTION_FLAG, AT(no_color), .help = "no colour on a terminal"},
	OPTION_PART(struct list_options, client, client_options),
};

const struct option_table job_list_options = OPTION_TABLE(rows, struct list_options);

/* ---- what comes back ---- */

static const char *const titles[] = {
	"JOB", "NAME", "STATE", "VERDICT", "RUNS", "SUBMITTED", "BRANCH", "COMMIT", "ACTOR"};
static const char *const keys[] = {
	"id", "name", "state", "verdict", NULL, "submitted_at", "branch", "commit", "actor"};

#define COLS ((int)(sizeof(keys) / sizeof(keys[0])))

static void add_row(struct table *t, const struct json *job)
{
	char texts[COLS][LIMIT_VALUE];
	const char *cells[COLS];
	int64_t n = 0, ended = 0;

	for (int i = 0; i < COLS; i++) {
		const char *s = keys[i] ? json_str(json_get(job, keys[i])) : "";

		str_copy_clean(texts[i], sizeof(texts[i]), s, strlen(s));
		cells[i] = texts[i];
	}
	json_int(json_get(job, "n_runs"), &n);
	json_int(json_get(job, "n_ended"), &ended);
	snprintf(texts[4], sizeof(texts[4]), "%" PRId64 "/%" PRId64, ended, n);
	table_add(t, cells);
}

static int list(struct client *c, const struct list_options *o, struct table *t, struct json *all,
	struct err *e)
{
	struct client_pages p = {
		.path = "/api/v1/jobs",
		.filters = {{"state", o->state}, {"name", o->job}, {"branch", o->branch}},
		.page = o->limit < PAGE ? (int)o->limit : PAGE,
	};
	int64_t left = o->limit;
	struct json_doc *d;
	int rc;

	while ((rc = client_page(c, &p, &d, e)) > 0) {
		JSON_FOREACH (job, json_get(json_root(d), "jobs")) {
			if (left-- <= 0)
				break;
			add_row(t, job);
			json_push(all, json_dup(job));
		}
		json_doc_free(d);
		if (left <= 0)
			return 0;
	}
	return rc;
}

static void print(const struct list_options *o, const struct table *t, const struct json *all)
{
	char *text;

	if (!o->json) {
		table_print(stdout, t, table_color(stdout, o->no_color));
		return;
	}
	text = json_print(all, true);
	printf("%s\n", text);
	mem_free(text);
}

int cmd_job_list(int argc, char **argv)
{
	struct table *t = table_new(titles, COLS, 1u << 4);
	struct json *all = json_new_array();
	struct list_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (command_parse(name, argc, argv, &o, &n, &code)) {
		rc = client_new(&o.client, &c, &e);
		if (!rc)
			rc = list(c, &o, t, all, &e);
		if (!rc)
			print(&o, t, all);
		code = rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
	}
	client_free(c);
	json_free(all);
	table_free(t);
	return code;
}
