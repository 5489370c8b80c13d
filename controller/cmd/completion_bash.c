/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion for bash; see completion.h. The script finds the command among the words (one word or
 * two), then offers, by the table: the values of the option before the cursor, files, options.
 */
#include "cmd/completion.h"

#include <string.h>

#include "cmd/command.h"

/* Whether a value of this option is a file's or directory's name. */
static bool is_path(const struct option_row *row)
{
	return (row->type == OPTION_TEXT || row->type == OPTION_LIST) && row->unit &&
	       (!strcmp(row->unit, "FILE") || !strcmp(row->unit, "DIR"));
}

/* The first words, each once, then the second words of each. */
static void print_words(FILE *f)
{
	const char *last = "";
	size_t last_n = 0;

	fputs("\tlocal first=\"", f);
	for (int i = 0; i < n_commands; i++) {
		const char *word = commands[i].name;
		size_t n = strcspn(word, " ");

		if (n == last_n && !strncmp(word, last, n))
			continue;
		fprintf(f, "%s%.*s", i ? " " : "", (int)n, word);
		last = word;
		last_n = n;
	}
	fputs("\"\n\tlocal -A second=(", f);
	last_n = 0;
	for (int i = 0; i < n_commands; i++) {
		const char *word = commands[i].name, *blank = strchr(word, ' ');
		size_t n = strcspn(word, " ");

		if (!blank)
			continue;
		if (n != last_n || strncmp(word, last, n))
			fprintf(f, "%s[%.*s]=\"", last_n ? "\" " : "", (int)n, word);
		fprintf(f, " %s", blank + 1);
		last = word;
		last_n = n;
	}
	fputs(last_n ? "\")\n" : ")\n", f);
}

static void print_values(FILE *f, const struct command *c, const struct option_row *row)
{
	if (row->type != OPTION_WORD && !is_path(row))
		return;
	fprintf(f, "\t\"%s --%s\") _framefarm_offer ", c->name, row->name);
	if (is_path(row)) {
		fputs("-f", f);
	} else {
		fputs("-W \"", f);
		for (int i = 0; row->words[i]; i++)
			fprintf(f, "%s%s", i ? " " : "", row->words[i]);
		fputc('"', f);
	}
	fputs("; return ;;\n", f);
}

static void print_options(FILE *f, const struct command *c)
{
	static const char *const arguments[] = {
		[COMMAND_ARG_NONE] = "",
		[COMMAND_ARG_FILE] = "; args=(-f)",
		[COMMAND_ARG_COMMAND] = "; args=(-W \"$first\")",
		[COMMAND_ARG_SHELL] = "; args=(-W \"bash zsh\")",
	};
	struct option_row rows[OPTION_ROWS_MAX];
	int n = c->options ? options_rows(c->options, rows) : 0;

	fprintf(f, "\t\"%s\") opts=\"--help", c->name);
	for (int i = 0; i < n; i++)
		fprintf(f, " --%s", rows[i].name);
	fprintf(f, "\"%s ;;\n", arguments[c->arg]);
}

static void print_all_values(FILE *f)
{
	struct option_row rows[OPTION_ROWS_MAX];

	for (int i = 0; i < n_commands; i++) {
		int n = commands[i].options ? options_rows(commands[i].options, rows) : 0;

		for (int j = 0; j < n; j++)
			print_values(f, &commands[i], &rows[j]);
	}
}

void completion_print_bash(FILE *f)
{
	fputs("# bash completion of framefarm, made by `framefarm completion bash`\n"
	      "_framefarm() {\n"
	      "\t_framefarm_offer() { mapfile -t COMPREPLY < <(compgen \"$@\" -- \"$cur\"); }\n"
	      "\tlocal cur prev cmd opts= args=(-W \"\")\n",
		f);
	print_words(f);
	/* Bash takes the = of --name=value for a word of its own. */
	fputs("\tcur=${COMP_WORDS[COMP_CWORD]}; prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	      "\tif [ \"$cur\" = = ]; then cur=; fi\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then _framefarm_offer -W \"$first\"; return; fi\n"
	      "\tcmd=${COMP_WORDS[1]}\n"
	      "\tif [ -n \"${second[$cmd]-}\" ]; then\n"
	      "\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then _framefarm_offer -W \"${second[$cmd]}\"; "
	      "return; fi\n"
	      "\t\tcmd=\"$cmd ${COMP_WORDS[2]}\"\n"
	      "\tfi\n"
	      "\tcase \"$cmd $prev\" in\n",
		f);
	print_all_values(f);
	fputs("\tesac\n\tcase \"$cmd\" in\n", f);
	for (int i = 0; i < n_commands; i++)
		print_options(f, &commands[i]);
	fputs("\tesac\n"
	      "\tcase \"$cur\" in\n"
	      "\t-*) _framefarm_offer -W \"$opts\" ;;\n"
	      "\t*) _framefarm_offer \"${args[@]}\" ;;\n"
	      "\tesac\n"
	      "}\n"
	      "complete -o filenames -F _framefarm framefarm\n",
		f);
}
