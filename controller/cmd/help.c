/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm help`: the overview, one command, the man page, or an example of the configuration file. */
#include <stdio.h>

#include "base/exitcode.h"
#include "cmd/command.h"
#include "cmd/conffile.h"
#include "cmd/manpage.h"
#include "cmd/usage.h"

static const char name[] = "help";

struct help_options {
	bool man, config;
};

static const struct option_row rows[] = {
	{.name = "man",
		.type = OPTION_FLAG,
		OPTION_AT(struct help_options, man),
		.help = "print the manual page framefarm(1) as roff"},
	{.name = "config",
		.type = OPTION_FLAG,
		OPTION_AT(struct help_options, config),
		.help = "print an example of the configuration file, with every key and its "
			"default"},
};

const struct option_table help_options = OPTION_TABLE(rows, struct help_options);

int cmd_help(int argc, char **argv)
{
	struct help_options o;
	const struct command *c;
	struct err e = {0};
	int n, code, words = 0;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	if ((o.man || o.config) && n) {
		err_set(&e, ERR_INVAL, "there is one %s for all commands",
			o.man ? "manual page" : "configuration file");
		return command_fail(name, &e, EXIT_USAGE);
	}
	c = n ? command_find(n, argv + 1, &words) : NULL;
	if (n && (!c || words != n)) {
		err_set(&e, ERR_INVAL, "there is no command \"%.40s%s%.40s\"", argv[1],
			n > 1 ? " " : "", n > 1 ? argv[2] : "");
		return command_fail(name, &e, EXIT_USAGE);
	}
	if (o.man)
		manpage_print(stdout);
	else if (o.config)
		conffile_print(stdout);
	else if (c)
		usage_print_command(stdout, c);
	else
		usage_print_overview(stdout);
	return fflush(stdout) ? EXIT_GENERAL : EXIT_PASS;
}
