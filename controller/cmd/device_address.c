/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm device connect` and `disconnect`: devices at network addresses. */
#include <stdio.h>

#include "base/exitcode.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/client.h"
#include "cmd/command.h"

struct address_options {
	struct client_options client;
};

static const struct option_row rows[] = {
	OPTION_PART(struct address_options, client, client_options),
};

const struct option_table device_address_options = OPTION_TABLE(rows, struct address_options);

static int change(const char *name, const char *path, const char *done, int argc, char **argv)
{
	struct json *body = json_new_object();
	struct address_options o;
	struct client *c = NULL;
	struct err e = {0};
	char *text = NULL;
	int n, rc, code;

	if (command_parse(name, argc, argv, &o, &n, &code)) {
		json_add_str(body, "address", argv[1]);
		text = json_print(body, false);
		rc = client_new(&o.client, &c, &e);
		if (!rc)
			rc = client_post(c, path, text, 0, NULL, &e);
		if (!rc)
			fprintf(stderr, done, argv[1]);
		code = rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
	}
	client_free(c);
	mem_free(text);
	json_free(body);
	return code;
}

int cmd_device_connect(int argc, char **argv)
{
	return change("device connect", "/api/v1/addresses/connect",
		"%s is connected whenever something answers there; see `framefarm device list`\n",
		argc, argv);
}

int cmd_device_disconnect(int argc, char **argv)
{
	return change(
		"device disconnect", "/api/v1/addresses/disconnect", "%s is let be\n", argc, argv);
}
