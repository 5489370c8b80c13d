/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm completion`: a script for bash or zsh. */
#include "cmd/completion.h"

#include <string.h>

#include "base/exitcode.h"
#include "cmd/command.h"

static const char name[] = "completion";

static const struct {
	const char *shell;
	void (*print)(FILE *f);
} shells[] = {
	{"bash", completion_print_bash},
	{"zsh", completion_print_zsh},
};

int cmd_completion(int argc, char **argv)
{
	struct err e = {0};
	char none;
	int n, code;

	if (!command_parse(name, argc, argv, &none, &n, &code))
		return code;
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shells[i].shell, argv[1]))
			continue;
		shells[i].print(stdout);
		return fflush(stdout) ? EXIT_GENERAL : EXIT_PASS;
	}
	err_set(&e, ERR_INVAL, "\"%.40s\" must be bash or zsh", argv[1]);
	return command_fail(name, &e, EXIT_USAGE);
}
