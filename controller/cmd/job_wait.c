/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm job wait`: what `run` does once the job is submitted. */
#include "base/exitcode.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/outcome.h"
#include "cmd/stop.h"

static const char name[] = "job wait";

struct wait_options {
	struct outcome_options outcome;
	struct client_options client;
};

static const struct option_row rows[] = {
	OPTION_PART(struct wait_options, outcome, outcome_options),
	OPTION_PART(struct wait_options, client, client_options),
};

const struct option_table job_wait_options = OPTION_TABLE(rows, struct wait_options);

int cmd_job_wait(int argc, char **argv)
{
	struct wait_options o;
	struct outcome *out = NULL;
	struct client *c = NULL;
	struct err e = {0};
	int n, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	if (outcome_open(&o.outcome, &out, &e) || client_new(&o.client, &c, &e))
		code = command_fail(name, &e, EXIT_USAGE);
	else if (stop_begin(&e))
		code = command_fail(name, &e, EXIT_GENERAL);
	else
		code = outcome_wait(out, c, argv[1], name);
	stop_end();
	client_free(c);
	outcome_free(out);
	return code;
}
