/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm restore`: a data directory out of a backup. No daemon takes part. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/str.h"
#include "cmd/command.h"
#include "cmd/paths.h"
#include "store/backup.h"

static const char name[] = "restore";

struct restore_options {
	char data[PATHS_MAX];
	bool replace;
};

static const struct option_row rows[] = {
	{.name = "data",
		.letter = 'd',
		.type = OPTION_TEXT,
		.unit = "DIR",
		OPTION_AT(struct restore_options, data),
		.help = "the data directory to make; it must be given"},
	{.name = "replace",
		.type = OPTION_FLAG,
		OPTION_AT(struct restore_options, replace),
		.help = "move what is in the data directory to a directory below it"},
};

const struct option_table restore_options = OPTION_TABLE(rows, struct restore_options);

static bool tell(void *arg, const char *what, int64_t done_bytes, int64_t of_bytes)
{
	char *last = arg;

	(void)done_bytes, (void)of_bytes;
	if (!strcmp(last, what) || (!strncmp(what, "files/", 6) && !strncmp(last, "files/", 6)))
		return true;
	fprintf(stderr, "restoring %s\n", strncmp(what, "files/", 6) ? what : "uploaded files");
	str_copy(last, 256, what);
	return true;
}

static void say_what_is_next(const struct restore_result *r, const char *data)
{
	char at[25];

	clock_iso8601(at, r->manifest.made_ms);
	if (*r->replaced)
		fprintf(stderr, "what was in %s is in %s now\n", data, r->replaced);
	fprintf(stderr,
		"%s holds the farm as it was at %s\n"
		"next:\n"
		"  framefarm serve --data %s\n"
		"  The admin token is a new one, unless the directory had one; TLS files and the "
		"key that\n"
		"  phones know (devices/adb/adbkey) are not in a backup: put them back, or phones "
		"ask once\n"
		"  more. A device that has seen a later lease raises the farm's count when it is\n"
		"  identified, so none is locked out; jobs that ran then are tried again.\n",
		data, at, data);
}

static int exit_of(int rc)
{
	return rc == ERR_PERM ? EXIT_PERMISSION : EXIT_GENERAL;
}

int cmd_restore(int argc, char **argv)
{
	struct restore_options o;
	struct restore_result r;
	struct err e = {0};
	char last[256] = "";
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	if (!*o.data) {
		err_set(&e, ERR_INVAL, "say with --data where the data directory shall be");
		return command_fail(name, &e, EXIT_USAGE);
	}
	rc = restore_store(argv[1], o.data, o.replace, clock_wall_ms(), &r, tell, last, &e);
	if (!rc)
		say_what_is_next(&r, o.data);
	manifest_fini(&r.manifest);
	return rc ? command_fail(name, &e, exit_of(rc)) : EXIT_PASS;
}
