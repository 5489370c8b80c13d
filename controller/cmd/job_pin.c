/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm job pin` and `job unpin`. */
#include <stdio.h>

#include "base/exitcode.h"
#include "base/limits.h"
#include "cmd/client.h"
#include "cmd/command.h"

struct pin_options {
	char reason[LIMIT_VALUE];
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "reason",
		.letter = 'r',
		.type = OPTION_TEXT,
		.unit = "TEXT",
		OPTION_AT(struct pin_options, reason),
		.help = "why, for whoever looks at the job"},
	OPTION_PART(struct pin_options, client, client_options),
};

const struct option_table job_pin_options = OPTION_TABLE(rows, struct pin_options);

static int change(const char *name, const char *verb, const char *said, int argc, char **argv)
{
	char path[CLIENT_PATH_MAX];
	struct pin_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_path(path, &e, "/api/v1/jobs/%s/%s", argv[1], verb);
	if (!rc)
		rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = client_post_reason(c, path, o.reason, &e);
	client_free(c);
	if (rc)
		return command_fail(name, &e, client_exit(rc));
	fprintf(stderr, "%s %s\n", argv[1], said);
	return EXIT_PASS;
}

int cmd_job_pin(int argc, char **argv)
{
	return change("job pin", "pin", "is kept whatever its age", argc, argv);
}

int cmd_job_unpin(int argc, char **argv)
{
	return change("job unpin", "unpin", "is kept as long as others", argc, argv);
}
