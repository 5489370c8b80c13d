/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm device list`. */
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/table.h"

static const char name[] = "device list";

#define PAGE 50

struct list_options {
	char state[LIMIT_NAME];
	bool json, no_color;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "state",
		.type = OPTION_TEXT,
		.unit = "STATE",
		OPTION_AT(struct list_options, state),
		.help = "only devices in this state, such as ready, busy or quarantined"},
	{.name = "json",
		.type = OPTION_FLAG,
		OPTION_AT(struct list_options, json),
		.help = "print JSON, one array"},
	{.name = "no-color",
		.type = OPTION_FLAG,
		OPTION_AT(struct list_options, no_color),
		.help = "no colour on a terminal"},
	OPTION_PART(struct list_options, client, client_options),
};

const struct option_table device_list_options = OPTION_TABLE(rows, struct list_options);

static const char *const titles[] = {
	"DEVICE", "NAME", "KIND", "MODEL", "ABI", "WHERE", "STATE", "LINK", "SINCE", "NEEDS"};
static const char *const keys[] = {
	"id", "name", "driver", "model", "abi", "where", "state", "link", "state_since", "need"};

#define COLS ((int)(sizeof(keys) / sizeof(keys[0])))

static void add_row(struct table *t, const struct json *device)
{
	char texts[COLS][LIMIT_CAUSE];
	const char *cells[COLS];

	for (int i = 0; i < COLS; i++) {
		const char *s = json_str(json_get(device, keys[i]));

		if (!strcmp(keys[i], "need") && !*s)
			s = json_str(json_get(device, "advice"));
		str_copy_clean(texts[i], sizeof(texts[i]), s, strlen(s));
		cells[i] = texts[i];
	}
	/* No device of flesh and blood is mistaken for a virtual one, or the other way round. */
	if (json_is_true(json_get(device, "virtual")))
		strncat(texts[2], " (virtual)", sizeof(texts[2]) - strlen(texts[2]) - 1);
	table_add(t, cells);
}

static int list(struct client *c, const struct list_options *o, struct table *t, struct json *all,
	struct err *e)
{
	struct client_pages p = {
		.path = "/api/v1/devices", .filters = {{"state", o->state}}, .page = PAGE};
	struct json_doc *d;
	int rc;

	while ((rc = client_page(c, &p, &d, e)) > 0) {
		JSON_FOREACH (device, json_get(json_root(d), "devices")) {
			add_row(t, device);
			json_push(all, json_dup(device));
		}
		json_doc_free(d);
	}
	return rc;
}

/* An address at which nobody is, is no row: it is told behind them, to a person. A daemon that cannot
 * say is none the worse for it. */
static void print_addresses(struct client *c)
{
	struct json_doc *d;
	struct err e;

	if (client_get(c, "/api/v1/addresses", 0, &d, &e))
		return;
	JSON_FOREACH (n, json_get(json_root(d), "addresses")) {
		char address[LIMIT_NAME], trouble[LIMIT_CAUSE];
		const char *a = json_str(json_get(n, "address")),
			   *t = json_str(json_get(n, "trouble"));

		str_copy_clean(address, sizeof(address), a, strlen(a));
		str_copy_clean(trouble, sizeof(trouble), t, strlen(t));
		if (*trouble)
			fprintf(stderr,
				"nobody is at %s: %s; it is tried again until `framefarm device "
				"disconnect %s`\n",
				address, trouble, address);
	}
	json_doc_free(d);
}

static void print(const struct list_options *o, const struct table *t, const struct json *all)
{
	char *text;

	if (!o->json) {
		table_print(stdout, t, table_color(stdout, o->no_color));
		return;
	}
	text = json_print(all, true);
	printf("%s\n", text);
	mem_free(text);
}

int cmd_device_list(int argc, char **argv)
{
	struct table *t = table_new(titles, COLS, 0);
	struct json *all = json_new_array();
	struct list_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (command_parse(name, argc, argv, &o, &n, &code)) {
		rc = client_new(&o.client, &c, &e);
		if (!rc)
			rc = list(c, &o, t, all, &e);
		if (!rc)
			print(&o, t, all);
		if (!rc && !o.json && !*o.state)
			print_addresses(c);
		code = rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
	}
	client_free(c);
	json_free(all);
	table_free(t);
	return code;
}
