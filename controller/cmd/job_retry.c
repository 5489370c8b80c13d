/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm job retry`: a paused job goes on, one that has ended is submitted again. */
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/command.h"

static const char name[] = "job retry";

struct retry_options {
	char reason[LIMIT_VALUE];
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "reason",
		.letter = 'r',
		.type = OPTION_TEXT,
		.unit = "TEXT",
		OPTION_AT(struct retry_options, reason),
		.help = "why, for whoever looks at the job"},
	OPTION_PART(struct retry_options, client, client_options),
};

const struct option_table job_retry_options = OPTION_TABLE(rows, struct retry_options);

/* The id on stdout is that of the job to wait for. */
static int retry(struct client *c, const char *job, const char *reason, struct err *e)
{
	struct json *body = json_new_object();
	char path[CLIENT_PATH_MAX], id[LIMIT_NAME];
	struct json_doc *d = NULL;
	const char *is;
	char *text;
	int rc = client_path(path, e, "/api/v1/jobs/%s/retry", job);

	if (*reason)
		json_add_str(body, "reason", reason);
	text = json_print(body, false);
	json_free(body);
	if (!rc)
		rc = client_post(c, path, text, 0, &d, e);
	mem_free(text);
	if (rc)
		return rc;
	is = json_str(json_get(json_root(d), "id"));
	str_copy_clean(id, sizeof(id), is, strlen(is));
	json_doc_free(d);
	printf("%s\n", id);
	fprintf(stderr,
		strcmp(id, job) ? "submitted again; `framefarm job wait %s`\n" : "%s goes on\n",
		id);
	return 0;
}

int cmd_job_retry(int argc, char **argv)
{
	struct retry_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = retry(c, argv[1], o.reason, &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
