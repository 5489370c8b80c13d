/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm`: finds the subcommand and runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "cmd/command.h"
#include "cmd/usage.h"

static int no_such_command(int argc, char **argv)
{
	fprintf(stderr,
		"framefarm: there is no command \"%.40s%s%.40s\"; `framefarm help` lists them\n",
		argv[1], argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static char help[] = "help", version[] = "version";
	const struct command *c;
	int words = 0;

	/* A reader that closes its pipe, or a peer its socket, is an error of that write. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		usage_print_overview(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		argv[1] = help;
	else if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		argv[1] = version;
	c = command_find(argc - 1, argv + 1, &words);
	if (!c)
		return no_such_command(argc, argv);
	return c->run(argc - words, argv + words);
}
