/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm runtime remove`. */
#include <stdio.h>

#include "base/exitcode.h"
#include "cmd/client.h"
#include "cmd/command.h"

static const char name[] = "runtime remove";

struct remove_options {
	struct client_options client;
};

static const struct option_row rows[] = {
	OPTION_PART(struct remove_options, client, client_options),
};

const struct option_table runtime_remove_options = OPTION_TABLE(rows, struct remove_options);

static int remove_one(struct client *c, const char *called, struct err *e)
{
	char path[CLIENT_PATH_MAX];
	/* Once: a second try would say that there is none. */
	struct client_request rq = {.method = "DELETE", .path = path, .once = true};
	struct fetch_reply r;
	int rc = client_path(path, e, "/api/v1/runtimes/%s", called);

	if (rc)
		return rc;
	fetch_reply_init(&r);
	rc = client_send(c, &rq, &r, e);
	fetch_reply_fini(&r);
	if (!rc)
		fprintf(stderr, "%s is removed\n", called);
	return rc;
}

int cmd_runtime_remove(int argc, char **argv)
{
	struct remove_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = remove_one(c, argv[1], &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
