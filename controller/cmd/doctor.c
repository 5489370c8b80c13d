/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm doctor`; see doctor.h. */
#include "cmd/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/command.h"
#include "cmd/table.h"

static const char name[] = "doctor";

struct doctor_options {
	bool json, no_color;
	struct client_options client;
};

static const struct option_row rows[] = {
	{.name = "json",
		.type = OPTION_FLAG,
		OPTION_AT(struct doctor_options, json),
		.help = "print JSON"},
	{.name = "no-color",
		.type = OPTION_FLAG,
		OPTION_AT(struct doctor_options, no_color),
		.help = "no colour on a terminal"},
	OPTION_PART(struct doctor_options, client, client_options),
};

const struct option_table doctor_options = OPTION_TABLE(rows, struct doctor_options);

static const struct {
	const char *check;
	void (*fn)(struct doctor *d);
} checks[] = {
	{"programs", doctor_programs},
	{"onnxruntime", doctor_runtime},
	{"kernel", doctor_pidfd},
	{"landlock", doctor_landlock},
	{"no_new_privs", doctor_privileges},
	{"namespaces", doctor_namespaces},
	{"runner user", doctor_runner_user},
	{"cpu clocks", doctor_clocks},
	{"governor", doctor_governor},
	{"temperature", doctor_thermal},
	{"power", doctor_power},
	{"timer", doctor_timer},
	{"load", doctor_load},
	{"phones", doctor_udev},
	{"usb memory", doctor_usb_memory},
	{"adb server", doctor_adb_server},
	{"virtual", doctor_user_namespaces},
	{"service", doctor_service},
	{"data", doctor_data},
	{"disk", doctor_disk},
	{"daemon", doctor_daemon},
};

#define N_CHECKS (sizeof(checks) / sizeof(checks[0]))

static const char *const level_words[] = {"ok", "warn", "fail"};

void doctor_say(struct doctor *d, enum doctor_level level, const char *fix, const char *fmt, ...)
{
	struct doctor_finding *f;
	char text[DOCTOR_TEXT_MAX];
	va_list ap;

	if (d->n == DOCTOR_FINDINGS_MAX)
		return;
	f = &d->findings[d->n++];
	f->check = d->check;
	f->level = level;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_copy_clean(f->text, sizeof(f->text), text, strlen(text));
	str_copy_clean(f->fix, sizeof(f->fix), fix, strlen(fix));
}

static void print_text(const struct doctor *d, bool color)
{
	for (int i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->findings[i];

		printf("%-12s  ", f->check);
		table_word(stdout, level_words[f->level], color);
		printf("%*s  %s\n", 4 - (int)strlen(level_words[f->level]), "", f->text);
		if (f->fix[0])
			printf("%20smend it: %s\n", "", f->fix);
	}
}

static void print_json(const struct doctor *d, bool ok)
{
	struct json *o = json_new_object(), *list = json_new_array();
	char *text;

	for (int i = 0; i < d->n; i++) {
		struct json *f = json_new_object();

		json_add_str(f, "check", d->findings[i].check);
		json_add_str(f, "level", level_words[d->findings[i].level]);
		json_add_str(f, "text", d->findings[i].text);
		json_add_str(f, "fix", d->findings[i].fix[0] ? d->findings[i].fix : NULL);
		json_push(list, f);
	}
	json_add_bool(o, "ok", ok);
	json_add(o, "checks", list);
	text = json_print(o, true);
	printf("%s\n", text);
	mem_free(text);
	json_free(o);
}

static int examine(struct doctor *d, const struct doctor_options *o, struct err *e)
{
	int rc = paths_tools_dir(d->tools, e);

	d->client = &o->client;
	if (!rc && o->client.data[0])
		str_copy(d->data, sizeof(d->data), o->client.data);
	else if (!rc)
		rc = paths_data_dir(d->data, e);
	for (size_t i = 0; i < N_CHECKS && !rc; i++) {
		d->check = checks[i].check;
		checks[i].fn(d);
	}
	return rc;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor *d = mem_zalloc(sizeof(*d));
	struct doctor_options o;
	struct err e = {0};
	bool ok = true;
	int n, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		goto out;
	if (examine(d, &o, &e)) {
		code = command_fail(name, &e, EXIT_GENERAL);
		goto out;
	}
	for (int i = 0; i < d->n; i++)
		ok = ok && d->findings[i].level != DOCTOR_FAIL;
	if (o.json)
		print_json(d, ok);
	else
		print_text(d, table_color(stdout, o.no_color));
	code = ok && !fflush(stdout) ? EXIT_PASS : EXIT_GENERAL;
out:
	mem_free(d);
	return code;
}
