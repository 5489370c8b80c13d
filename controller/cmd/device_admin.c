/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm device quarantine`, `release`, `retire`, `detach` and `attach`: one request with five
 * words. */
#include <stdio.h>

#include "base/exitcode.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cmd/client.h"
#include "cmd/command.h"
#include "cmd/device.h"

#define HAND_OVER_MS (4 * 60 * 1000LL)

struct admin_options {
	char reason[LIMIT_VALUE];
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "reason",
		.letter = 'r',
		.type = OPTION_TEXT,
		.unit = "TEXT",
		OPTION_AT(struct admin_options, reason),
		.help = "why, for whoever looks at the device"},
	OPTION_PART(struct admin_options, client, client_options),
};

const struct option_table device_admin_options = OPTION_TABLE(rows, struct admin_options);

static int admin(const char *name, const char *verb, const char *done, int argc, char **argv)
{
	char id[LIMIT_NAME], path[CLIENT_PATH_MAX];
	struct admin_options o;
	struct client *c = NULL;
	struct err e = {0};
	int n, rc, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	rc = client_new(&o.client, &c, &e);
	if (!rc)
		rc = device_find(c, argv[1], id, &e);
	if (!rc)
		rc = client_path(path, &e, "/api/v1/devices/%s/%s", id, verb);
	if (!rc)
		rc = client_post_reason(c, path, o.reason, &e);
	client_free(c);
	if (rc)
		return command_fail(name, &e, client_exit(rc));
	fprintf(stderr, "%s is %s\n", id, done);
	return EXIT_PASS;
}

/* The daemon answers when it is done, which may take the device a while. */
static int hand_over(const char *name, const char *verb, const char *done, int argc, char **argv)
{
	char id[LIMIT_NAME], path[CLIENT_PATH_MAX];
	struct json *body = json_new_object();
	struct admin_options o;
	struct client *c = NULL;
	struct err e = {0};
	char *text = NULL;
	int n, rc, code;

	if (command_parse(name, argc, argv, &o, &n, &code)) {
		if (*o.reason)
			json_add_str(body, "reason", o.reason);
		text = json_print(body, false);
		rc = client_new(&o.client, &c, &e);
		if (!rc)
			rc = device_find(c, argv[1], id, &e);
		if (!rc)
			rc = client_path(path, &e, "/api/v1/devices/%s/%s", id, verb);
		if (!rc)
			rc = client_post(c, path, text, HAND_OVER_MS, NULL, &e);
		if (!rc)
			fprintf(stderr, "%s is %s\n", id, done);
		code = rc ? command_fail(name, &e, client_exit(rc)) : EXIT_PASS;
	}
	client_free(c);
	mem_free(text);
	json_free(body);
	return code;
}

int cmd_device_detach(int argc, char **argv)
{
	return hand_over("device detach", "detach", "detached", argc, argv);
}

int cmd_device_attach(int argc, char **argv)
{
	return hand_over("device attach", "attach", "taken back", argc, argv);
}

int cmd_device_quarantine(int argc, char **argv)
{
	return admin("device quarantine", "quarantine", "quarantined", argc, argv);
}

int cmd_device_release(int argc, char **argv)
{
	return admin("device release", "release", "released", argc, argv);
}

int cmd_device_retire(int argc, char **argv)
{
	return admin("device retire", "retire", "retired", argc, argv);
}
