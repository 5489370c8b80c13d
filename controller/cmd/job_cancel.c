/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm job cancel`. */
#include <stdio.h>

#include "base/exitcode.h"
#include "base/limits.h"
#include "cmd/client.h"
#include "cmd/command.h"

static const char name[] = "job cancel";

struct cancel_options {
	char reason[LIMIT_VALUE];
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "reason",
		.letter = 'r',
		.type = OPTION_TEXT,
		.unit = "TEXT",
		OPTION_AT(struct cancel_options, reason),
		.help = "why, for whoever looks at the job"},
	OPTION_PART(struct cancel_options, client, client_options),
};

const struct option_table job_cancel_options = OPTION_TABLE(rows, struct cancel_options);

int cmd_job_cancel(int argc, char **argv)
{
	char path[CLIENT_PATH_MAX];
	struct cancel_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_path(path, &e, "/api/v1/jobs/%s/cancel", argv[1]);
	if (!rc)
		rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = client_post_reason(c, path, o.reason, &e);
	client_free(c);
	if (rc)
		return command_fail(name, &e, client_exit(rc));
	fprintf(stderr, "%s is cancelled\n", argv[1]);
	return EXIT_PASS;
}
