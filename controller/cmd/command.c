/* SPDX-License-Identifier: Apache-2.0 */
/* What all subcommands share; see command.h. */
#include "cmd/command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "cmd/usage.h"

const struct command *command_find(int argc, char *const *argv, int *ret_words)
{
	for (int words = 2; words >= 1; words--) {
		for (int i = 0; i < n_commands && words <= argc; i++) {
			const char *name = commands[i].name, *blank = strchr(name, ' ');
			size_t n = blank ? (size_t)(blank - name) : strlen(name);

			if ((blank != NULL) != (words == 2) || strlen(argv[0]) != n ||
				memcmp(argv[0], name, n) || (blank && strcmp(argv[1], blank + 1)))
				continue;
			if (ret_words)
				*ret_words = words;
			return &commands[i];
		}
	}
	return NULL;
}

static const struct command *by_name(const char *name)
{
	for (int i = 0; i < n_commands; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	assert(!"a command that is not in the table");
	return NULL;
}

static int check_count(const struct command *c, int n, char **argv, struct err *e)
{
	if (n > c->max_args)
		return err_set(
			e, ERR_INVAL, "\"%.80s\" is one argument too many", argv[1 + c->max_args]);
	if (n < c->min_args)
		return err_set(e, ERR_INVAL, "an argument is missing: %s", c->args);
	return 0;
}

bool command_parse_set(const char *name, int argc, char **argv, struct option_set *set, void *out,
	int *ret_n, int *ret_exit)
{
	static const struct option_table none;
	const struct command *c = by_name(name);
	struct err e = {0};
	int n = 0, rc;

	options_init(set, c->options ? c->options : &none, out);
	rc = options_parse(set, argc, argv, &n, &e);
	if (rc == OPTIONS_HELP) {
		usage_print_command(stdout, c);
		*ret_exit = EXIT_PASS;
		return false;
	}
	if (!rc)
		rc = check_count(c, n, argv, &e);
	if (rc) {
		*ret_exit = command_fail(name, &e, EXIT_USAGE);
		fprintf(stderr, "`framefarm %s --help` tells how it is used.\n", name);
		return false;
	}
	*ret_n = n;
	return true;
}

bool command_parse(const char *name, int argc, char **argv, void *out, int *ret_n, int *ret_exit)
{
	struct option_set set;

	return command_parse_set(name, argc, argv, &set, out, ret_n, ret_exit);
}

int command_fail(const char *name, const struct err *e, int exit_code)
{
	fprintf(stderr, "framefarm %s: %s\n", name, e->text);
	return exit_code;
}
