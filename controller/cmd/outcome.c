/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a job as its client sees it; see outcome.h. */
#include "cmd/outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/exitcode.h"
#include "base/mem.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/follow.h"
#include "cmd/report.h"
#include "cmd/stop.h"
#include "cmd/table.h"

/* In the order of enum report_inconclusive. */
static const char *const inconclusive_words[] = {"fail", "warn", "pass", NULL};

#define OUTCOME_AT(field) OPTION_AT(struct outcome_options, field)

static const struct option_row rows[] = {
	{.name = "json",
		.type = OPTION_TEXT,
		.unit = "FILE",
		OUTCOME_AT(json),
		.help = "write the result as JSON to FILE; - is stdout, which then has no table"},
	{.name = "junit",
		.type = OPTION_TEXT,
		.unit = "FILE",
		OUTCOME_AT(junit),
		.help = "write the result as JUnit XML to FILE, for a CI system's test report"},
	{.name = "markdown",
		.type = OPTION_TEXT,
		.unit = "FILE",
		OUTCOME_AT(markdown),
		.help = "write the result as Markdown to FILE, for a CI system's summary"},
	{.name = "inconclusive",
		.type = OPTION_WORD,
		.unit = "WHAT",
		.fallback = "fail",
		.words = inconclusive_words,
		OUTCOME_AT(inconclusive),
		.help = "what an inconclusive verdict is to the caller: exit code 15, a warning "
			"and "
			"exit code 0, or exit code 0"},
	{.name = "wait-timeout",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.max = 30 * 86400000LL,
		OUTCOME_AT(wait_ms),
		.help = "stop waiting after TIME, with exit code 16, while the job goes on (else "
			"wait for as long as it takes)"},
	{.name = "cancel-on-exit",
		.type = OPTION_FLAG,
		OUTCOME_AT(cancel_on_exit),
		.help = "cancel the job when the waiting ends before it: on SIGINT, on SIGTERM, or "
			"with --wait-timeout"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		OUTCOME_AT(quiet),
		.help = "no progress on stderr"},
	{.name = "no-color",
		.type = OPTION_FLAG,
		OUTCOME_AT(no_color),
		.help = "no colour on a terminal (NO_COLOR in the environment does the same)"},
};

const struct option_table outcome_options = OPTION_TABLE(rows, struct outcome_options);

#define CANCEL_RETRY_MS 5000

enum form { FORM_JSON, FORM_JUNIT, FORM_MARKDOWN, FORMS };

struct outcome {
	const struct outcome_options *options;
	FILE *files[FORMS]; /* NULL: not asked for */
};

static const char *path_of(const struct outcome_options *o, int form)
{
	return form == FORM_JSON ? o->json : form == FORM_JUNIT ? o->junit : o->markdown;
}

/* ---- files ---- */

int outcome_open(const struct outcome_options *o, struct outcome **ret_out, struct err *e)
{
	struct outcome *out = mem_zalloc(sizeof(*out));
	bool stdout_taken = false;

	out->options = o;
	for (int i = 0; i < FORMS; i++) {
		const char *path = path_of(o, i);
		int rc = 0;

		if (!path[0])
			continue;
		if (strcmp(path, "-")) {
			out->files[i] = fopen(path, "we");
			if (!out->files[i])
				rc = err_errno(e, errno, "%s cannot be written", path);
		} else if (stdout_taken) {
			rc = err_set(e, ERR_INVAL, "only one result can go to stdout");
		} else {
			out->files[i] = stdout;
			stdout_taken = true;
		}
		if (rc) {
			outcome_free(out);
			return rc;
		}
	}
	*ret_out = out;
	return 0;
}

/* Where there was no result to write, CI must find no report rather than one that is not XML. */
static void close_form(FILE *f, const char *path)
{
	struct stat st;

	if (!fflush(f) && !fstat(fileno(f), &st) && S_ISREG(st.st_mode) && !st.st_size)
		unlink(path);
	fclose(f);
}

void outcome_free(struct outcome *out)
{
	if (!out)
		return;
	for (int i = 0; i < FORMS; i++)
		if (out->files[i] && out->files[i] != stdout)
			close_form(out->files[i], path_of(out->options, i));
	mem_free(out);
}

static bool stdout_is_taken(const struct outcome *out)
{
	for (int i = 0; i < FORMS; i++)
		if (out->files[i] == stdout)
			return true;
	return false;
}

static void print_form(FILE *f, int form, const struct report *r, enum report_inconclusive inc)
{
	if (form == FORM_JSON)
		report_print_json(f, r);
	else if (form == FORM_JUNIT)
		report_print_junit(f, r, inc);
	else
		report_print_markdown(f, r);
}

/* Returns false when something could not be written; that was said. */
static bool write_all(struct outcome *out, const struct report *r, const char *name)
{
	const struct outcome_options *o = out->options;
	bool written = true;
	struct err e = {0};

	if (!stdout_is_taken(out))
		report_print_text(stdout, r, table_color(stdout, o->no_color));
	else if (!o->quiet)
		report_print_text(stderr, r, table_color(stderr, o->no_color));
	for (int i = 0; i < FORMS; i++)
		if (out->files[i])
			print_form(out->files[i], i, r, (enum report_inconclusive)o->inconclusive);
	for (int i = 0; i < FORMS; i++) {
		if (!out->files[i] || (!fflush(out->files[i]) && !ferror(out->files[i])))
			continue;
		err_errno(&e, errno, "%s cannot be written", path_of(o, i));
		command_fail(name, &e, 0);
		written = false;
	}
	if (fflush(stdout) || ferror(stdout)) {
		err_errno(&e, errno, "the result cannot be written to stdout");
		command_fail(name, &e, 0);
		written = false;
	}
	return written;
}

/* ---- exit codes ---- */

static int exit_of(const struct outcome *out, const struct report *r)
{
	int code = r->exit_code >= 0 && r->exit_code <= 125 ? (int)r->exit_code : EXIT_GENERAL;

	if (code != EXIT_INCONCLUSIVE || out->options->inconclusive == INCONCLUSIVE_FAIL)
		return code;
	if (out->options->inconclusive == INCONCLUSIVE_WARN)
		fprintf(stderr,
			"warning: %s is inconclusive; --inconclusive=warn makes that exit code 0\n",
			r->id);
	return EXIT_PASS;
}

static int cancel(struct client *c, const char *id, const char *reason, const char *name)
{
	char path[CLIENT_PATH_MAX];
	struct err e = {0};
	int rc;

	client_set_retry(c, CANCEL_RETRY_MS);
	rc = client_path(path, &e, "/api/v1/jobs/%s/cancel", id);
	if (!rc)
		rc = client_post_reason(c, path, reason, &e);
	if (rc) {
		err_wrap(&e, "%s could not be cancelled", id);
		return command_fail(name, &e, client_exit(rc));
	}
	fprintf(stderr, "%s is cancelled\n", id);
	return EXIT_CANCELLED;
}

/* The waiting ended before the job. From here on a signal kills, so that nobody has to wait. */
static int give_up(
	struct outcome *out, struct client *c, const char *id, const char *reason, const char *name)
{
	stop_end();
	if (out->options->cancel_on_exit)
		return cancel(c, id, reason, name);
	fprintf(stderr,
		"%s: %s goes on. To wait for it: framefarm job wait %s. To end it: framefarm job "
		"cancel %s\n",
		reason, id, id, id);
	return EXIT_WAIT;
}

int outcome_wait(struct outcome *out, struct client *c, const char *id, const char *name)
{
	int64_t wait_ms = out->options->wait_ms;
	int64_t deadline = wait_ms ? clock_mono_ms() + wait_ms : INT64_MAX;
	struct report *r = NULL;
	struct err e = {0};
	int rc = 0, code;

	switch (follow_job(c, id, deadline, out->options->quiet, &r, &rc, &e)) {
	case FOLLOW_TIMEOUT:
		return give_up(out, c, id, "waited long enough", name);
	case FOLLOW_STOPPED:
		return give_up(out, c, id, "interrupted", name);
	case FOLLOW_FAILED:
		fprintf(stderr, "to wait for it again: framefarm job wait %s\n", id);
		return command_fail(name, &e, client_exit(rc));
	case FOLLOW_ENDED:
		break;
	}
	code = exit_of(out, r);
	if (report_paused(r))
		fprintf(stderr,
			"%s is paused. Mend what is wrong, then: framefarm job retry %s. To end "
			"it: "
			"framefarm job cancel %s\n",
			id, id, id);
	if (!write_all(out, r, name) && code == EXIT_PASS)
		code = EXIT_GENERAL;
	report_free(r);
	return code;
}
