/* SPDX-License-Identifier: Apache-2.0 */
/* getprop, setprop and settings. */
#include "drivers/virtual/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "drivers/virtual/tree.h"

#define BUILD     TOOL_SYSTEM "/build.prop"
#define SET       TOOL_SYSTEM "/set.prop"     /* gone with a reboot */
#define PERSIST   TOOL_SYSTEM "/persist.prop" /* persist.*: kept */
#define MOST      1024                        /* properties that are listed */
#define VALUE_MAX 91                          /* PROP_VALUE_MAX of bionic, without its NUL */

static const char *const files[] = {SET, PERSIST, BUILD};

bool tool_prop(const char *key, char *dst, size_t size)
{
	for (int i = 0; i < 3; i++)
		if (tool_get(files[i], key, dst, size))
			return true;
	return false;
}

bool tool_is_denied(const char *permission)
{
	char word[8];

	if (!tool_prop(TREE_DENIES_SHELL, word, sizeof(word)))
		return false;
	fprintf(stderr,
		"\nException occurred while executing:\njava.lang.SecurityException: Permission "
		"denial, must have one of: (%s)\n",
		permission);
	return true;
}

/* ---- getprop ---- */

struct listing {
	char *lines[MOST];
	int n;
};

static bool is_listed(const struct listing *l, const char *line, size_t key_n)
{
	for (int i = 0; i < l->n; i++)
		if (!strncmp(l->lines[i], line, key_n))
			return true;
	return false;
}

static void add_line(void *arg, const char *key, const char *value)
{
	struct listing *l = arg;
	char line[TOOL_VALUE + 256];

	snprintf(line, sizeof(line), "[%s]: [%s]", key, value);
	if (l->n < MOST && !is_listed(l, line, strlen(key) + 3))
		l->lines[l->n++] = strdup(line);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_props(void)
{
	static struct listing l;

	for (int i = 0; i < 3; i++)
		tool_walk(files[i], add_line, &l);
	qsort(l.lines, l.n, sizeof(l.lines[0]), by_text);
	for (int i = 0; i < l.n; i++)
		puts(l.lines[i]);
	return 0;
}

int tool_getprop(int argc, char **argv)
{
	char value[TOOL_VALUE] = "";

	if (argc < 2)
		return list_props();
	if (!tool_prop(argv[1], value, sizeof(value)) && argc > 2)
		str_copy(value, sizeof(value), argv[2]);
	puts(value);
	return 0;
}

/* ---- setprop ---- */

static bool is_word(const char *key)
{
	return *key && !key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789._:@-")];
}

int tool_setprop(int argc, char **argv)
{
	const char *key = argc == 3 ? argv[1] : "", *value = argc == 3 ? argv[2] : "";

	if (argc != 3) {
		fputs("usage: setprop NAME VALUE\n", stderr);
		return 1;
	}
	if (!is_word(key) || !strncmp(key, "ro.", 3) || strlen(value) > VALUE_MAX ||
		strchr(value, '\n') ||
		tool_set(strncmp(key, "persist.", 8) ? SET : PERSIST, key, value)) {
		fprintf(stderr,
			"Failed to set property '%s' to '%s'.\nSee dmesg for error reason.\n", key,
			value);
		return 1;
	}
	return 0;
}

/* ---- settings ---- */

static const struct {
	const char *space, *key, *value;
} defaults[] = {
	{"global", "adb_enabled", "1"},
	{"global", "animator_duration_scale", "1.0"},
	{"global", "bluetooth_on", "1"},
	{"global", "development_settings_enabled", "1"},
	{"global", "low_power", "0"},
	{"global", "mobile_data", "1"},
	{"global", "stay_on_while_plugged_in", "0"},
	{"global", "transition_animation_scale", "1.0"},
	{"global", "wifi_on", "1"},
	{"global", "window_animation_scale", "1.0"},
	{"secure", "location_mode", "3"},
	{"system", "screen_brightness", "102"},
	{"system", "screen_brightness_mode", "1"},
	{"system", "screen_off_timeout", "60000"},
};

static const char *fallback(const char *space, const char *key)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!strcmp(defaults[i].space, space) && !strcmp(defaults[i].key, key))
			return defaults[i].value;
	return "null";
}

static void print_setting(void *arg, const char *key, const char *value)
{
	(void)arg;
	printf("%s=%s\n", key, value);
}

static int list_settings(const char *path, const char *space)
{
	char value[TOOL_VALUE];

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!strcmp(defaults[i].space, space) &&
			!tool_get(path, defaults[i].key, value, sizeof(value)))
			print_setting(NULL, defaults[i].key, defaults[i].value);
	tool_walk(path, print_setting, NULL);
	return 0;
}

static int bad_settings(void)
{
	fputs("usage: settings get|put|delete|list system|secure|global [KEY [VALUE]]\n", stderr);
	return 255;
}

int tool_settings(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *space = argc > 2 ? argv[2] : "";
	char path[64], value[TOOL_VALUE];

	if (strcmp(space, "system") && strcmp(space, "secure") && strcmp(space, "global"))
		return bad_settings();
	snprintf(path, sizeof(path), TOOL_SYSTEM "/settings_%s", space);
	if (!strcmp(verb, "list") && argc == 3)
		return list_settings(path, space);
	if (argc < 4)
		return bad_settings();
	if (strcmp(verb, "get") && tool_is_denied("android.permission.WRITE_SECURE_SETTINGS"))
		return 255;
	if (!strcmp(verb, "get"))
		puts(tool_get(path, argv[3], value, sizeof(value)) ? value
								   : fallback(space, argv[3]));
	else if (!strcmp(verb, "put") && argc >= 5)
		return tool_set(path, argv[3], argv[4]) ? 1 : 0;
	else if (!strcmp(verb, "delete"))
		printf("Deleted %d rows\n", !tool_set(path, argv[3], NULL));
	else
		return bad_settings();
	return 0;
}
