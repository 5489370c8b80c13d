/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm runtime list`: a line for each library. */
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
#include "cmd/units.h"

static const char name[] = "runtime list";

struct list_options {
	bool json;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "json",
		.type = OPTION_FLAG,
		OPTION_AT(struct list_options, json),
		.help = "print JSON, one array"},
	OPTION_PART(struct list_options, client, client_options),
};

const struct option_table runtime_list_options = OPTION_TABLE(rows, struct list_options);

static const char *const titles[] = {"RUNTIME", "ABI", "C LIBRARY", "SIZE", "SHA-256", "ADDED"};

#define COLS ((int)(sizeof(titles) / sizeof(titles[0])))

static void add_row(struct table *t, const struct json *r, const struct json *l)
{
	char texts[COLS][LIMIT_VALUE], size[UNITS_TEXT];
	const char *cells[COLS],
		*from[COLS] = {json_str(json_get(r, "name")), json_str(json_get(l, "abi")),
			json_str(json_get(l, "libc")), size, json_str(json_get(l, "sha256")),
			json_str(json_get(r, "added"))};
	int64_t bytes = 0;

	json_int(json_get(l, "bytes"), &bytes);
	units_bytes(size, bytes);
	for (int i = 0; i < COLS; i++) {
		str_copy_clean(texts[i], sizeof(texts[i]), from[i], strlen(from[i]));
		cells[i] = texts[i];
	}
	texts[4][12] = '\0'; /* as many digits as a job needs */
	table_add(t, cells);
}

static int list(struct client *c, const struct list_options *o, struct err *e)
{
	struct json_doc *d;
	const struct json *all;
	int rc = client_get(c, "/api/v1/runtimes", 0, &d, e);
	struct table *t;
	char *text;

	if (rc)
		return rc;
	all = json_get(json_root(d), "runtimes");
	if (o->json) {
		struct json *copy = json_dup(all);

		text = json_print(copy, true);
		printf("%s\n", text);
		mem_free(text);
		json_free(copy);
	} else {
		t = table_new(titles, COLS, 1 << 3);
		JSON_FOREACH (r, all)
			JSON_FOREACH (l, json_get(r, "libraries"))
				add_row(t, r, l);
		table_print(stdout, t, false);
		table_free(t);
	}
	json_doc_free(d);
	return 0;
}

int cmd_runtime_list(int argc, char **argv)
{
	struct list_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = list(c, &o, &e);
	client_free(c);
	return rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
}
