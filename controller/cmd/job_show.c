/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm job show`. */
#include <stdio.h>

#include "base/exitcode.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/follow.h"
#include "cmd/report.h"
#include "cmd/table.h"

static const char name[] = "job show";

/* In the order of enum form. */
static const char *const form_words[] = {"text", "json", "junit", "markdown", NULL};

enum form { FORM_TEXT, FORM_JSON, FORM_JUNIT, FORM_MARKDOWN };

struct show_options {
	int form;
	bool no_color;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "format",
		.letter = 'f',
		.type = OPTION_WORD,
		.unit = "FORMAT",
		.fallback = "text",
		.words = form_words,
		OPTION_AT(struct show_options, form),
		.help = "how to print it"},
	{.name = "no-color",
		.type = OPTION_FLAG,
		OPTION_AT(struct show_options, no_color),
		.help = "no colour on a terminal"},
	OPTION_PART(struct show_options, client, client_options),
};

const struct option_table job_show_options = OPTION_TABLE(rows, struct show_options);

static void print(const struct show_options *o, const struct report *r)
{
	switch (o->form) {
	case FORM_JSON:
		report_print_json(stdout, r);
		break;
	case FORM_JUNIT:
		report_print_junit(stdout, r, INCONCLUSIVE_FAIL);
		break;
	case FORM_MARKDOWN:
		report_print_markdown(stdout, r);
		break;
	default:
		report_print_text(stdout, r, table_color(stdout, o->no_color));
	}
}

int cmd_job_show(int argc, char **argv)
{
	struct show_options o;
	struct report *r = NULL;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = follow_read(c, argv[1], &r, &e);
	if (!rc)
		print(&o, r);
	report_free(r);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
