/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm job logs`. The text is a runner's, so what could steer a terminal is taken out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/follow.h"
#include "cmd/report.h"
#include "cmd/stop.h"

static const char name[] = "job logs";

#define POLL_MS 1000

struct logs_options {
	bool follow;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "follow",
		.letter = 'f',
		.type = OPTION_FLAG,
		OPTION_AT(struct logs_options, follow),
		.help = "go on until the job has ended"},
	OPTION_PART(struct logs_options, client, client_options),
};

const struct option_table job_logs_options = OPTION_TABLE(rows, struct logs_options);

/* UTF-8 passes byte by byte; controls but newline and tab do not. */
static void print_clean(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		putchar((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
	}
	fflush(stdout);
}

/* Prints what is there from *offset on. */
static int print_rest(struct client *c, const char *id, int64_t *offset, struct err *e)
{
	char path[CLIENT_PATH_MAX], query[40];
	struct fetch_reply r;
	int64_t before;
	int rc;

	fetch_reply_init(&r);
	do {
		before = *offset;
		snprintf(query, sizeof(query), "?offset=%" PRId64, before);
		rc = client_path(path, e, "/api/v1/jobs/%s/logs", id);
		if (rc)
			break;
		strncat(path, query, sizeof(path) - strlen(path) - 1);
		rc = client_send(c, &(struct client_request){.path = path}, &r, e);
		if (rc)
			break;
		print_clean((const char *)r.body.data, r.body.len);
		*offset = r.next_offset > before ? r.next_offset : before;
	} while (*offset > before && !ferror(stdout));
	fetch_reply_fini(&r);
	return rc;
}

static int logs(struct client *c, const char *id, bool follow, struct err *e)
{
	int64_t offset = 0;
	struct report *r;
	bool ended;
	int rc;

	do {
		/* The state first: what is written before the end is then not missed. */
		rc = follow_read(c, id, &r, e);
		if (rc)
			return rc;
		ended = report_ended(r);
		report_free(r);
		rc = print_rest(c, id, &offset, e);
		if (!rc && follow && !ended)
			stop_sleep(POLL_MS);
	} while (!rc && follow && !ended && !ferror(stdout));
	return rc;
}

int cmd_job_logs(int argc, char **argv)
{
	struct logs_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = logs(c, argv[1], o.follow, &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
