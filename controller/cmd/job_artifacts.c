/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm job artifacts`: what devices wrote about a job's attempts that failed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/table.h"
#include "cmd/units.h"

#define PAGE 200

static const char name[] = "job artifacts";

struct artifacts_options {
	char out[PATHS_MAX];
	bool json;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "out",
		.letter = 'o',
		.type = OPTION_TEXT,
		.unit = "DIR",
		OPTION_AT(struct artifacts_options, out),
		.help = "download them all into DIR, as ATTEMPT-NAME"},
	{.name = "json",
		.type = OPTION_FLAG,
		OPTION_AT(struct artifacts_options, json),
		.help = "print JSON, one array"},
	OPTION_PART(struct artifacts_options, client, client_options),
};

const struct option_table job_artifacts_options = OPTION_TABLE(rows, struct artifacts_options);

/* ---- the list ---- */

static void add_row(struct table *t, const struct json *a)
{
	static const char *const keys[] = {"run", "attempt", "device", "name"};
	char texts[5][LIMIT_NAME];
	int64_t bytes = 0;

	for (int i = 0; i < 4; i++) {
		const char *s = json_str(json_get(a, keys[i]));

		str_copy_clean(texts[i], sizeof(texts[i]), s, strlen(s));
	}
	json_int(json_get(a, "bytes"), &bytes);
	units_bytes(texts[4], bytes);
	table_add(t, (const char *const[]){texts[0], texts[1], texts[2], texts[3], texts[4]});
}

static void print(const struct json *list, bool json)
{
	static const char *const titles[] = {"RUN", "ATTEMPT", "DEVICE", "FILE", "SIZE"};
	struct table *t;
	char *text;

	if (json) {
		text = json_print(list, true);
		printf("%s\n", text);
		mem_free(text);
		return;
	}
	t = table_new(titles, 5, 1u << 4);
	JSON_FOREACH (a, list)
		add_row(t, a);
	table_print(stdout, t, false);
	table_free(t);
}

/* ---- downloading ---- */

static int save(const char *path, const struct fetch_reply *r, struct err *e)
{
	FILE *f = fopen(path, "we");
	int rc = 0;

	if (!f)
		return err_errno(e, errno, "%s cannot be written", path);
	if (fwrite(r->body.data ? r->body.data : (const uint8_t *)"", 1, r->body.len, f) !=
		r->body.len)
		rc = err_errno(e, errno, "%s cannot be written", path);
	if (fclose(f) && !rc)
		rc = err_errno(e, errno, "%s cannot be written", path);
	return rc;
}

/* The daemon's names go into a path: nothing but plain ones. */
static int download(struct client *c, const char *dir, const struct json *a, struct err *e)
{
	const char *attempt = json_str(json_get(a, "attempt"));
	const char *file = json_str(json_get(a, "name"));
	char from[CLIENT_PATH_MAX], to[PATHS_MAX + 2 * LIMIT_NAME];
	struct fetch_reply r;
	int rc;

	if (!str_is_name(attempt) || !str_is_name(file))
		return err_set(e, ERR_PROTO, "the daemon names an artifact that no file can be");
	rc = client_path(from, e, "/api/v1/attempts/%s/artifact?name=%s", attempt, file);
	if (rc)
		return rc;
	fetch_reply_init(&r);
	rc = client_send(c, &(struct client_request){.path = from}, &r, e);
	snprintf(to, sizeof(to), "%s/%s-%s", dir, attempt, file);
	if (!rc)
		rc = save(to, &r, e);
	fetch_reply_fini(&r);
	if (!rc)
		printf("%s\n", to);
	return rc;
}

static int download_all(struct client *c, const char *dir, const struct json *list, struct err *e)
{
	int rc = 0;

	if (mkdir(dir, 0755) && errno != EEXIST)
		return err_errno(e, errno, "cannot make the directory %s", dir);
	JSON_FOREACH (a, list)
		if (!rc)
			rc = download(c, dir, a, e);
	return rc;
}

/* ---- the command ---- */

/* All pages in one array; NULL and *ret_rc on failure. */
static struct json *read_list(struct client *c, const char *job, int *ret_rc, struct err *e)
{
	char path[CLIENT_PATH_MAX];
	struct client_pages p = {.path = path, .page = PAGE};
	struct json *all = json_new_array();
	struct json_doc *d;
	int rc = client_path(path, e, "/api/v1/jobs/%s/artifacts", job);

	while (!rc && (rc = client_page(c, &p, &d, e)) > 0) {
		JSON_FOREACH (a, json_get(json_root(d), "artifacts"))
			json_push(all, json_dup(a));
		json_doc_free(d);
		rc = 0;
	}
	*ret_rc = rc;
	if (!rc)
		return all;
	json_free(all);
	return NULL;
}

static int artifacts(
	struct client *c, const char *job, const struct artifacts_options *o, struct err *e)
{
	struct json *list;
	int rc;

	list = read_list(c, job, &rc, e);
	if (!list)
		return rc;
	if (*o->out)
		rc = download_all(c, o->out, list, e);
	else if (json_count(list) || o->json)
		print(list, o->json);
	if (!rc && !json_count(list))
		fprintf(stderr,
			"%s has no artifacts: no attempt of it failed on a device that "
			"has logs to give\n",
			job);
	json_free(list);
	return rc;
}

int cmd_job_artifacts(int argc, char **argv)
{
	struct artifacts_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = artifacts(c, argv[1], &o, &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
