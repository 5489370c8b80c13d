/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm version`. */
#include <stdio.h>

#include "base/exitcode.h"
#include "cmd/command.h"

int cmd_version(int argc, char **argv)
{
	char none;
	int n, code;

	if (!command_parse("version", argc, argv, &none, &n, &code))
		return code;
	printf("framefarm %s\n", FRAMEFARM_VERSION);
	return fflush(stdout) ? EXIT_GENERAL : EXIT_PASS;
}
