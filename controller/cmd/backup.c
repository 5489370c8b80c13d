/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm backup`: asks the daemon for it, and tells how far it is. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/units.h"

static const char name[] = "backup";

#define LOOK_MS 250 /* between two looks at how far it is */
#define PATH    "/api/v1/backup"

struct backup_options {
	bool quiet;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		OPTION_AT(struct backup_options, quiet),
		.help = "do not tell how far it is"},
	OPTION_PART(struct backup_options, client, client_options),
};

const struct option_table backup_options = OPTION_TABLE(rows, struct backup_options);

/* The daemon stands elsewhere. */
static int absolute(const char *dir, char dst[PATH_MAX], struct err *e)
{
	char here[PATH_MAX];
	int n;

	if (*dir == '/')
		return str_copy(dst, PATH_MAX, dir)
		               ? 0
		               : err_set(e, ERR_TOOBIG, "the name is too long");
	if (!getcwd(here, sizeof(here)))
		return err_errno(e, errno, "where we are is not known");
	n = snprintf(dst, PATH_MAX, "%s/%s", here, dir);
	return n < PATH_MAX ? 0 : err_set(e, ERR_TOOBIG, "the name is too long");
}

static int begin(struct client *c, const char *dir, struct err *e)
{
	struct json *body = json_new_object();
	char *text;
	int rc;

	json_add_str(body, "dir", dir);
	text = json_print(body, false);
	json_free(body);
	rc = client_post(c, PATH, text, 0, NULL, e);
	mem_free(text);
	return rc;
}

static void tell(const struct json *o, char last[LIMIT_VALUE * 2])
{
	int64_t done = 0, of = 0;
	char line[LIMIT_VALUE * 2], what[LIMIT_VALUE];
	const char *s = json_str(json_get(o, "what"));

	json_int(json_get(o, "done_bytes"), &done);
	json_int(json_get(o, "of_bytes"), &of);
	str_copy_clean(what, sizeof(what), s, strlen(s));
	snprintf(line, sizeof(line), of ? "%s %" PRId64 " %%" : "%s", what,
		of ? done * 100 / of : 0);
	if (!*what || !strcmp(line, last))
		return;
	fprintf(stderr, "%s\n", line);
	str_copy(last, sizeof(line), line);
}

/* Until it is over. */
static int follow(struct client *c, const struct backup_options *o, const char *dir, struct err *e)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	char last[LIMIT_VALUE * 2] = "", size[UNITS_TEXT];
	struct json_doc *d;
	int64_t bytes = 0;
	bool running;
	int rc;

	while (!(rc = client_get(c, PATH, 0, &d, e))) {
		const struct json *root = json_root(d);
		const char *state = json_str(json_get(root, "state"));

		running = !strcmp(state, "running");
		if (running && !o->quiet)
			tell(root, last);
		if (!running && strcmp(state, "done"))
			rc = err_set(e, ERR_IO, "%s (what is in %s is no backup)",
				*state ? json_str(json_get(root, "cause"))
				       : "the daemon knows of none",
				dir);
		json_int(json_get(root, "bytes"), &bytes);
		json_doc_free(d);
		if (!running)
			break;
		nanosleep(&pause, NULL);
	}
	if (rc)
		return rc;
	units_bytes(size, bytes);
	fprintf(stderr,
		"%s of backup; `framefarm restore %s --data NEWDIR` makes a data directory of it\n",
		size, dir);
	printf("%s\n", dir);
	return 0;
}

int cmd_backup(int argc, char **argv)
{
	struct backup_options o;
	struct client *c = NULL;
	struct err e = {0};
	char dir[PATH_MAX];
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = absolute(argv[1], dir, &e);
	if (!rc)
		rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = begin(c, dir, &e);
	if (!rc)
		rc = follow(c, &o, dir, &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
