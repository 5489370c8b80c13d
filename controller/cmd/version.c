/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm version`: the program's, and those of what it shares with others. */
#include <stdio.h>

#include "agents/proto.h"
#include "base/exitcode.h"
#include "cmd/command.h"
#include "core/jobspec.h"
#include "drivers/driver.h"
#include "store/store.h"

struct version_options {
	bool all;
};

static const struct option_row rows[] = {
	{.name = "all",
		.letter = 'a',
		.type = OPTION_FLAG,
		OPTION_AT(struct version_options, all),
		.help = "also the versions of the store, the agent protocol, the job format and "
			"the drivers' "
			"interface"},
};

const struct option_table version_options = OPTION_TABLE(rows, struct version_options);

static void print_all(void)
{
	printf("store           control %d, samples %d; older ones are raised at the start\n",
		STORE_SCHEMA_CONTROL, STORE_SCHEMA_SAMPLES);
	printf("agent protocol  %d; agents of %d too\n", PROTO_VERSION, PROTO_VERSION_MIN);
	printf("job format      %s\n", JOBSPEC_SCHEMA);
	printf("API             /api/v1\n");
	printf("driver API      %d\n", DRIVER_API_VERSION);
}

int cmd_version(int argc, char **argv)
{
	struct version_options o;
	int n, code;

	if (!command_parse("version", argc, argv, &o, &n, &code))
		return code;
	printf("framefarm %s\n", FRAMEFARM_VERSION);
	if (o.all)
		print_all();
	return fflush(stdout) ? EXIT_GENERAL : EXIT_PASS;
}
