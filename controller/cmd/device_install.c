/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm device install`: uploads what the daemon does not have, then has it installed. */
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
#include "cmd/device.h"
#include "cmd/upload.h"

static const char name[] = "device install";

#define INSTALL_TIMEOUT_MS (12 * 60 * 1000LL)

struct install_options {
	bool quiet;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "quiet",
		.letter = 'q',
		.type = OPTION_FLAG,
		OPTION_AT(struct install_options, quiet),
		.help = "no progress on stderr"},
	OPTION_PART(struct install_options, client, client_options),
};

const struct option_table device_install_options = OPTION_TABLE(rows, struct install_options);

/* Makes sure that the daemon has the file, and appends it to the list. */
static int add_package(
	struct client *c, const char *path, bool quiet, struct json *files, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct upload_file f = {.path = path};
	char base[LIMIT_VALUE];
	struct json *o;
	int rc = hash_file(path, f.sha256, &f.bytes, e);

	if (!rc)
		rc = upload_unless_there(c, &f, quiet, e);
	if (rc)
		return rc;
	slash = slash ? slash + 1 : path;
	str_copy_clean(base, sizeof(base), slash, strlen(slash));
	o = json_new_object();
	json_add_str(o, "sha256", f.sha256);
	json_add_str(o, "name", base);
	json_push(files, o);
	return 0;
}

static int install(struct client *c, const struct install_options *o, const char *called,
	char *const *paths, int n, struct err *e)
{
	struct json *body = json_new_object(), *files = json_new_array();
	char id[LIMIT_NAME], path[CLIENT_PATH_MAX], *text;
	int rc = device_find(c, called, id, e);

	for (int i = 0; i < n && !rc; i++)
		rc = add_package(c, paths[i], o->quiet, files, e);
	json_add(body, "files", files);
	text = json_print(body, false);
	json_free(body);
	if (!rc)
		rc = client_path(path, e, "/api/v1/devices/%s/install", id);
	if (!rc)
		rc = client_post(c, path, text, INSTALL_TIMEOUT_MS, NULL, e);
	if (!rc)
		fprintf(stderr, "installed on %s\n", id);
	mem_free(text);
	return rc;
}

int cmd_device_install(int argc, char **argv)
{
	struct install_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = install(c, &o, argv[1], argv + 2, n - 1, &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
