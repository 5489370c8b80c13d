/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm run`: submits a job, waits for it, prints its result and ends with its exit code. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "base/limits.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/job_file.h"
#include "cmd/outcome.h"
#include "cmd/stop.h"
#include "cmd/submit.h"

static const char name[] = "run";

struct run_options {
	struct client_options client;
	struct outcome_options outcome;
	bool async;
	char key[SUBMIT_KEY_MAX];
	char commit[LIMIT_VALUE], branch[LIMIT_VALUE];
	struct option_list labels;
};

static const struct option_row rows[] = {
	OPTION_PART(struct run_options, outcome, outcome_options),
	{.name = "async",
		.type = OPTION_FLAG,
		OPTION_AT(struct run_options, async),
		.help = "do not wait: print the job's id on stdout and end"},
	{.name = "idempotency-key",
		.type = OPTION_TEXT,
		.unit = "KEY",
		OPTION_AT(struct run_options, key),
		.help = "the same KEY with the same job is one job, however often it is submitted "
			"(else a random one)"},
	{.name = "commit",
		.type = OPTION_TEXT,
		.unit = "SHA",
		OPTION_AT(struct run_options, commit),
		.help = "the commit that is measured; stands over the job file's"},
	{.name = "branch",
		.type = OPTION_TEXT,
		.unit = "NAME",
		OPTION_AT(struct run_options, branch),
		.help = "its branch; stands over the job file's"},
	{.name = "label",
		.letter = 'l',
		.no_file = true,
		.type = OPTION_LIST,
		.unit = "KEY=VALUE",
		OPTION_AT(struct run_options, labels),
		.help = "a label of the job; may be given several times, and stands over the job "
			"file's of the same key"},
	OPTION_PART(struct run_options, client, client_options),
};

const struct option_table run_options = OPTION_TABLE(rows, struct run_options);

static int check(const struct run_options *o, struct err *e)
{
	const struct outcome_options *out = &o->outcome;

	if (o->key[0] && !submit_key_ok(o->key))
		return err_set(e, ERR_INVAL,
			"--idempotency-key must be printable ASCII characters without blanks");
	if (o->async && (out->json[0] || out->junit[0] || out->markdown[0] || out->wait_ms ||
				out->cancel_on_exit))
		return err_set(e, ERR_INVAL,
			"--async ends before there is a result; ask for it with `framefarm job "
			"wait`");
	return 0;
}

static int submit_and_wait(const struct run_options *o, const struct job_file *job,
	struct outcome *out, struct client *c)
{
	struct submitted s = {0};
	char key[SUBMIT_KEY_MAX];
	struct err e = {0};
	int rc;

	if (o->key[0])
		snprintf(key, sizeof(key), "%s", o->key);
	else
		submit_random_key(key);
	rc = submit_job(c, job, key, o->outcome.quiet, &s, &e);
	if (rc == ERR_CANCELLED)
		fprintf(stderr,
			"Where the job was taken already, the same command with --idempotency-key "
			"%s "
			"finds it.\n",
			key);
	if (rc)
		return command_fail(name, &e, client_exit(rc));
	fprintf(stderr, "job %s %s%s\n", s.id, s.url, s.known ? " (submitted before)" : "");
	if (o->async) {
		printf("%s\n", s.id);
		return fflush(stdout) ? EXIT_GENERAL : EXIT_PASS;
	}
	return outcome_wait(out, c, s.id, name);
}

int cmd_run(int argc, char **argv)
{
	struct run_options o;
	struct job_overrides over = {o.commit, o.branch, &o.labels};
	struct job_file *job = NULL;
	struct outcome *out = NULL;
	struct client *c = NULL;
	struct err e = {0};
	int n, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	/* What fails before the daemon is asked is the user's to mend. */
	if (check(&o, &e) || job_file_read(argv[1], &over, &job, &e) ||
		outcome_open(&o.outcome, &out, &e) || client_new(&o.client, &c, &e))
		code = command_fail(name, &e, EXIT_USAGE);
	else if (stop_begin(&e))
		code = command_fail(name, &e, EXIT_GENERAL);
	else
		code = submit_and_wait(&o, job, out, c);
	stop_end();
	client_free(c);
	outcome_free(out);
	job_file_free(job);
	return code;
}
