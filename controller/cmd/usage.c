/* SPDX-License-Identifier: Apache-2.0 */
/* Help as text; see usage.h. */
#include "cmd/usage.h"

#include <string.h>

#include "base/exitcode.h"
#include "cmd/command.h"

#define COLUMNS 88
#define INDENT  6

void usage_wrap(FILE *f, const char *text, const char *before, int columns)
{
	int indent = (int)strlen(before), col = 0;

	while (*text) {
		int n = (int)strcspn(text, " \n");

		if (col && indent + col + 1 + n > columns) {
			fputc('\n', f);
			col = 0;
		}
		fprintf(f, "%s%.*s", col ? " " : before, n, text);
		col += n + (col ? 1 : 0);
		text += n;
		if (text[0] == '\n' && text[1] == '\n') {
			fputs("\n\n", f);
			col = 0;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', f);
}

static void wrap(FILE *f, const char *text, int indent)
{
	char before[2 * INDENT + 1];

	snprintf(before, sizeof(before), "%*s", indent, "");
	usage_wrap(f, text, before, COLUMNS);
}

void usage_label(char dst[USAGE_LABEL_MAX], const struct option_row *row)
{
	int n = row->letter ? snprintf(dst, USAGE_LABEL_MAX, "-%c, ", row->letter)
	                    : snprintf(dst, USAGE_LABEL_MAX, "    ");

	snprintf(dst + n, (size_t)(USAGE_LABEL_MAX - n), "--%s%s%s", row->name,
		row->type == OPTION_FLAG ? "" : "=", row->type == OPTION_FLAG ? "" : row->unit);
}

void usage_text(char dst[USAGE_TEXT_MAX], const struct option_row *row)
{
	char range[USAGE_TEXT_MAX / 2];

	option_range(range, sizeof(range), row);
	if (range[0])
		snprintf(dst, USAGE_TEXT_MAX, "%s (%s)", row->help, range);
	else
		snprintf(dst, USAGE_TEXT_MAX, "%s", row->help);
}

static void print_options(FILE *f, const struct command *c)
{
	struct option_row rows[OPTION_ROWS_MAX];
	int n = c->options ? options_rows(c->options, rows) : 0;

	fputs("\nOptions:\n", f);
	for (int i = 0; i < n; i++) {
		char label[USAGE_LABEL_MAX], text[USAGE_TEXT_MAX];

		usage_label(label, &rows[i]);
		usage_text(text, &rows[i]);
		fprintf(f, "  %s\n", label);
		wrap(f, text, 2 * INDENT);
	}
	fputs("  -h, --help\n", f);
	wrap(f, "print this", 2 * INDENT);
}

void usage_print_command(FILE *f, const struct command *c)
{
	fprintf(f, "framefarm %s [options]%s%s\n\n", c->name, *c->args ? " " : "", c->args);
	wrap(f, c->summary, 0);
	if (*c->help) {
		fputc('\n', f);
		wrap(f, c->help, 0);
	}
	print_options(f, c);
}

void usage_print_overview(FILE *f)
{
	fputs("framefarm: a device farm that judges on-device models against the frame budget\n\n"
	      "framefarm COMMAND [options] [arguments]\n\n",
		f);
	for (int i = 0; i < n_commands; i++)
		fprintf(f, "  %-18s  %s\n", commands[i].name, commands[i].summary);
	fputs("\n`framefarm help COMMAND` tells more about one. Exit codes:\n\n", f);
	for (int code = 0; code <= 20; code++)
		if (strcmp(exit_code_text(code), "unknown"))
			fprintf(f, "  %2d  %s\n", code, exit_code_text(code));
}
