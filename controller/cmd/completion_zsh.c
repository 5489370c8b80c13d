/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for zsh; see completion.h. One call of _arguments for each command. */
#include "cmd/completion.h"

#include <string.h>

#include "cmd/command.h"

/* Text in single quotes within a specification of _arguments, where []: have a meaning. */
static void quoted(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", f);
		else if (strchr("[]:\\", *s))
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
	}
}

static void print_option(FILE *f, const struct option_row *row)
{
	fprintf(f, " \\\n\t\t\t'%s--%s%s[", row->type == OPTION_LIST ? "*" : "", row->name,
		row->type == OPTION_FLAG ? "" : "=");
	quoted(f, row->help);
	fputc(']', f);
	if (row->type != OPTION_FLAG) {
		fputc(':', f);
		quoted(f, row->unit);
		fputc(':', f);
	}
	if (row->type == OPTION_FLAG) {
		/* no value */
	} else if (row->type == OPTION_WORD) {
		fputc('(', f);
		for (int i = 0; row->words[i]; i++)
			fprintf(f, "%s%s", i ? " " : "", row->words[i]);
		fputc(')', f);
	} else if (row->unit && !strcmp(row->unit, "FILE")) {
		fputs("_files", f);
	} else if (row->unit && !strcmp(row->unit, "DIR")) {
		fputs("_files -/", f);
	}
	fputc('\'', f);
}

static void print_command(FILE *f, const struct command *c)
{
	static const char *const arguments[] = {
		[COMMAND_ARG_NONE] = "",
		[COMMAND_ARG_FILE] = " \\\n\t\t\t'*:file:_files'",
		[COMMAND_ARG_COMMAND] = " \\\n\t\t\t'*:command:($first)'",
		[COMMAND_ARG_SHELL] = " \\\n\t\t\t'1:shell:(bash zsh)'",
	};
	struct option_row rows[OPTION_ROWS_MAX];
	int n = c->options ? options_rows(c->options, rows) : 0;

	fprintf(f, "\t'%s')\n\t\t_arguments '--help[print help]'", c->name);
	for (int i = 0; i < n; i++)
		print_option(f, &rows[i]);
	fprintf(f, "%s ;;\n", arguments[c->arg]);
}

void completion_print_zsh(FILE *f)
{
	fputs("#compdef framefarm\n"
	      "# zsh completion of framefarm, made by `framefarm completion zsh`\n"
	      "_framefarm() {\n"
	      "\tlocal -aU first second\n"
	      "\tlocal -a names\n"
	      "\tlocal cmd\n"
	      "\tnames=(",
		f);
	for (int i = 0; i < n_commands; i++)
		fprintf(f, " '%s'", commands[i].name);
	fputs(")\n"
	      "\tfirst=(${names%% *})\n"
	      "\tif (( CURRENT == 2 )); then compadd -a first; return; fi\n"
	      "\tcmd=${words[2]}\n"
	      "\tsecond=(${${(M)names:#$cmd *}#* })\n"
	      "\tif (( $#second )); then\n"
	      "\t\tif (( CURRENT == 3 )); then compadd -a second; return; fi\n"
	      "\t\tcmd=\"$cmd ${words[3]}\"\n"
	      "\t\tshift words; (( CURRENT-- ))\n"
	      "\tfi\n"
	      "\tshift words; (( CURRENT-- ))\n"
	      "\tcase \"$cmd\" in\n",
		f);
	for (int i = 0; i < n_commands; i++)
		print_command(f, &commands[i]);
	fputs("\tesac\n}\n_framefarm \"$@\"\n", f);
}
