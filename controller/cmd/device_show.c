/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm device show`: whatever the daemon knows, as indented lines. */
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/device.h"

static const char name[] = "device show";

#define TEXT_MAX 512

struct show_options {
	bool json;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "json",
		.type = OPTION_FLAG,
		OPTION_AT(struct show_options, json),
		.help = "print JSON"},
	OPTION_PART(struct show_options, client, client_options),
};

const struct option_table device_show_options = OPTION_TABLE(rows, struct show_options);

static void print_scalar(const struct json *n)
{
	char text[TEXT_MAX], *other;

	if (json_is_string(n)) {
		str_copy_clean(text, sizeof(text), json_str(n), strlen(json_str(n)));
		printf("%s", text);
	} else if (!json_is_null(n)) {
		other = json_print(n, false);
		printf("%s", other);
		mem_free(other);
	}
}

static bool is_flat(const struct json *n)
{
	JSON_FOREACH (m, n)
		if (json_is_object(m) || json_is_array(m))
			return false;
	return true;
}

/* "name cpu0, unit C" on one line; what is empty is left out. */
static void print_flat(const struct json *n)
{
	const char *gap = "";

	JSON_FOREACH (m, n) {
		char key[LIMIT_NAME];

		if (json_is_null(m) || (json_is_string(m) && !*json_str(m)))
			continue;
		str_copy_clean(key, sizeof(key), json_key(m), strlen(json_key(m)));
		printf("%s%s%s", gap, key, *key ? " " : "");
		print_scalar(m);
		gap = ", ";
	}
}

/* The depth of a document is bounded, so the recursion is too. */
static void print_members(const struct json *n, int depth)
{
	JSON_FOREACH (m, n) {
		char key[LIMIT_NAME];

		str_copy_clean(key, sizeof(key), json_key(m), strlen(json_key(m)));
		printf("%*s%s: ", 2 * depth, "", *key ? key : "-");
		if (!json_is_object(m) && !json_is_array(m)) {
			print_scalar(m);
			putchar('\n');
		} else if (json_is_array(n) && is_flat(m)) {
			print_flat(m);
			putchar('\n');
		} else {
			putchar('\n');
			print_members(m, depth + 1);
		}
	}
}

static int show(struct client *c, const char *called, bool json, struct err *e)
{
	char id[LIMIT_NAME], path[CLIENT_PATH_MAX], *text;
	struct json_doc *d;
	int rc = device_find(c, called, id, e);

	if (!rc)
		rc = client_path(path, e, "/api/v1/devices/%s", id);
	if (!rc)
		rc = client_get(c, path, 0, &d, e);
	if (rc)
		return rc;
	if (json) {
		text = json_print(json_root(d), true);
		printf("%s\n", text);
		mem_free(text);
	} else {
		print_members(json_root(d), 0);
	}
	json_doc_free(d);
	return 0;
}

int cmd_device_show(int argc, char **argv)
{
	struct show_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = show(c, argv[1], o.json, &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
