/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm runtime add`: uploads what the daemon does not have, then has it registered. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/upload.h"

static const char name[] = "runtime add";

#define ADD_TIMEOUT_MS (11 * 60 * 1000LL) /* as API_HASH_MS, and one more */

struct add_options {
	char name[LIMIT_NAME];
	bool quiet;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "name",
		.type = OPTION_TEXT,
		.unit = "NAME",
		OPTION_AT(struct add_options, name),
		.help = "what jobs call it; the file's name without its ending otherwise"},
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		OPTION_AT(struct add_options, quiet),
		.help = "no progress on stderr"},
	OPTION_PART(struct add_options, client, client_options),
};

const struct option_table runtime_add_options = OPTION_TABLE(rows, struct add_options);

/* "/x/onnxruntime-android-1.20.0.aar" → "onnxruntime-android-1.20.0". */
static int name_of(const char *path, char dst[LIMIT_NAME], struct err *e)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');
	size_t n = strlen(base);

	if (dot && (!strcmp(dot, ".so") || !strcmp(dot, ".aar")))
		n = (size_t)(dot - base);
	if (n < LIMIT_NAME) {
		memcpy(dst, base, n);
		dst[n] = '\0';
		if (str_is_name(dst))
			return 0;
	}
	return err_set(
		e, ERR_INVAL, "no name can be made of \"%.100s\"; choose one with --name", base);
}

static void print(const struct json *r)
{
	printf("%s  %.12s\n", json_str(json_get(r, "name")), json_str(json_get(r, "sha256")));
	JSON_FOREACH (l, json_get(r, "libraries"))
		printf("  %-8s %-7s %.12s\n", json_str(json_get(l, "abi")),
			json_str(json_get(l, "libc")), json_str(json_get(l, "sha256")));
}

static int add(struct client *c, const struct add_options *o, const char *path, struct err *e)
{
	struct upload_file f = {.path = path};
	struct json_doc *answer = NULL;
	struct json *body;
	char called[LIMIT_NAME], *text;
	int rc = 0;

	str_copy(called, sizeof(called), o->name);
	if (!*called)
		rc = name_of(path, called, e);
	if (!rc)
		rc = hash_file(path, f.sha256, &f.bytes, e);
	if (!rc)
		rc = upload_unless_there(c, &f, o->quiet, e);
	if (rc)
		return rc;
	body = json_new_object();
	json_add_str(body, "sha256", f.sha256);
	json_add_str(body, "name", called);
	text = json_print(body, false);
	json_free(body);
	rc = client_post(c, "/api/v1/runtimes", text, ADD_TIMEOUT_MS, &answer, e);
	mem_free(text);
	if (!rc)
		print(json_root(answer));
	json_doc_free(answer);
	return rc;
}

int cmd_runtime_add(int argc, char **argv)
{
	struct add_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = add(c, &o, argv[1], &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
