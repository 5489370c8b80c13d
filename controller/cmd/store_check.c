/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm store check`: both files of a data directory, or of a backup, as a whole. */
#include <stdio.h>

#include "base/exitcode.h"
#include "cmd/command.h"
#include "cmd/paths.h"
#include "store/backup.h"

static const char name[] = "store check";

struct check_options {
	char data[PATHS_MAX];
};

static const struct option_row rows[] = {
	{.name = "data",
		.letter = 'd',
		.type = OPTION_TEXT,
		.unit = "DIR",
		OPTION_AT(struct check_options, data),
		.help = "the data directory, or a backup; default: as for serve"},
};

const struct option_table store_check_options = OPTION_TABLE(rows, struct check_options);

int cmd_store_check(int argc, char **argv)
{
	static const char *const files[] = {"control.db", "samples.db"};
	struct check_options o;
	struct err e = {0};
	int n, rc = 0, bad = 0, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	if (!*o.data && (rc = paths_data_dir(o.data, &e)))
		return command_fail(name, &e, EXIT_GENERAL);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		fprintf(stderr, "checking %s/%s\n", o.data, files[i]);
		rc = backup_check_file(o.data, files[i], &e);
		if (rc)
			bad = command_fail(
				name, &e, rc == ERR_PERM ? EXIT_PERMISSION : EXIT_GENERAL);
		else
			printf("%s/%s is whole\n", o.data, files[i]);
	}
	return bad;
}
