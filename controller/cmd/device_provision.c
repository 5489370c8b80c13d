/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm device provision`: a device's settings against what a farm needs. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/device.h"
#include "cmd/table.h"

static const char name[] = "device provision";

#define PROVISION_TIMEOUT_MS (4 * 60 * 1000LL)

struct provision_options {
	bool apply, undo, json, no_color;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "apply",
		.type = OPTION_FLAG,
		OPTION_AT(struct provision_options, apply),
		.help = "set what can be set, and keep a journal of what it was"},
	{.name = "undo",
		.type = OPTION_FLAG,
		OPTION_AT(struct provision_options, undo),
		.help = "take back what --apply did, by its journal"},
	{.name = "json",
		.type = OPTION_FLAG,
		OPTION_AT(struct provision_options, json),
		.help = "print JSON, one array"},
	{.name = "no-color",
		.type = OPTION_FLAG,
		OPTION_AT(struct provision_options, no_color),
		.help = "no colour on a terminal"},
	OPTION_PART(struct provision_options, client, client_options),
};

const struct option_table device_provision_options = OPTION_TABLE(rows, struct provision_options);

/* ---- the table ---- */

static void cell(char dst[LIMIT_CAUSE], const struct json *setting, const char *key)
{
	const struct json *v = json_get(setting, key);
	char *other = NULL;
	const char *text = "";

	if (v && json_is_string(v))
		text = json_str(v);
	else if (v && !json_is_null(v))
		text = other = json_print(v, false);
	str_copy_clean(dst, LIMIT_CAUSE, text, strlen(text));
	mem_free(other);
}

static void state_cell(char dst[LIMIT_CAUSE], const struct json *setting)
{
	const char *word = json_is_true(json_get(setting, "ok"))        ? "ok"
	                   : json_is_true(json_get(setting, "applied")) ? "applied"
	                                                                : "fail";

	str_copy(dst, LIMIT_CAUSE, word);
}

static void print_table(const struct json *settings, bool color)
{
	static const char *const titles[] = {"SETTING", "WANT", "IS", "STATE", "BY HAND"};
	struct table *t = table_new(titles, 5, 0);

	JSON_FOREACH (s, settings) {
		char texts[5][LIMIT_CAUSE];

		cell(texts[0], s, "setting");
		cell(texts[1], s, "want");
		cell(texts[2], s, "is");
		state_cell(texts[3], s);
		cell(texts[4], s, "how");
		table_add(t, (const char *const[]){texts[0], texts[1], texts[2], texts[3],
				     strcmp(texts[3], "ok") ? texts[4] : ""});
	}
	table_print(stdout, t, color);
	table_free(t);
}

static void print(const struct provision_options *o, const struct json *settings)
{
	char *text;

	if (!o->json) {
		print_table(settings, table_color(stdout, o->no_color));
		return;
	}
	text = json_print(settings, true);
	printf("%s\n", text);
	mem_free(text);
}

/* ---- the command ---- */

static bool all_well(const struct json *settings)
{
	JSON_FOREACH (s, settings)
		if (!json_is_true(json_get(s, "ok")) && !json_is_true(json_get(s, "applied")))
			return false;
	return true;
}

static int provision(struct client *c, const struct provision_options *o, const char *called,
	bool *ret_well, struct err *e)
{
	const char *body = o->apply  ? "{\"do\": \"apply\"}"
	                   : o->undo ? "{\"do\": \"undo\"}"
	                             : "{\"do\": \"check\"}";
	char id[LIMIT_NAME], path[CLIENT_PATH_MAX];
	const struct json *settings;
	struct json_doc *d = NULL;
	int rc = device_find(c, called, id, e);

	if (!rc)
		rc = client_path(path, e, "/api/v1/devices/%s/provision", id);
	if (!rc)
		rc = client_post(c, path, body, PROVISION_TIMEOUT_MS, &d, e);
	if (rc)
		return rc;
	settings = json_get(json_root(d), "settings");
	print(o, settings);
	*ret_well = o->undo || all_well(settings);
	json_doc_free(d);
	return 0;
}

int cmd_device_provision(int argc, char **argv)
{
	struct provision_options o;
	struct client *c = NULL;
	struct err e = {0};
	bool well = false;
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	if (o.apply && o.undo) {
		err_set(&e, ERR_INVAL, "--apply and --undo exclude each other");
		return command_fail(name, &e, EXIT_USAGE);
	}
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = provision(c, &o, argv[1], &well, &e);
	client_free(c);
	if (rc)
		return command_fail(name, &e, client_exit(rc));
	return well ? EXIT_PASS : EXIT_GENERAL;
}
