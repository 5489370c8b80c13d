/* SPDX-License-Identifier: Apache-2.0 */
/* dumpsys, and what of it can be told otherwise: battery set, unplug, reset; the thermal status. */
#include "drivers/virtual/tool.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DUMPS   TOOL_SYSTEM "/dump"
#define BATTERY TOOL_SYSTEM "/battery.set" /* what was told; there while updates are stopped */
#define THERMAL TOOL_SYSTEM "/thermal.set"

/* As `dumpsys battery set` calls them, and as the dump does. */
static const struct {
	const char *word, *key;
	bool flag;
} battery_words[] = {
	{"ac", "AC powered", true},
	{"usb", "USB powered", true},
	{"wireless", "Wireless powered", true},
	{"present", "present", true},
	{"level", "level", false},
	{"status", "status", false},
	{"temp", "temperature", false},
	{"counter", "Charge counter", false},
};

static int set_battery(const char *word, const char *value)
{
	for (size_t i = 0; i < sizeof(battery_words) / sizeof(battery_words[0]); i++) {
		if (strcmp(battery_words[i].word, word))
			continue;
		if (battery_words[i].flag)
			value = strcmp(value, "0") ? "true" : "false";
		return tool_set(BATTERY, battery_words[i].key, value) ? 1 : 0;
	}
	printf("Unknown set option: %s\n", word);
	return 0;
}

static int battery_verb(int argc, char **argv)
{
	const char *verb = argv[0];

	if (!strcmp(verb, "reset")) {
		remove(BATTERY);
		return 0;
	}
	if (!strcmp(verb, "unplug"))
		return set_battery("ac", "0") || set_battery("usb", "0") ||
		       set_battery("wireless", "0");
	if (!strcmp(verb, "set") && argc >= 3)
		return set_battery(argv[1], argv[2]);
	puts("Unknown get command");
	return 255;
}

/* "  level: 82" with what was told in its place. */
static void print_battery_line(const char *line)
{
	char key[64], value[TOOL_VALUE];

	if (sscanf(line, "  %63[^:]", key) == 1 && strchr(line, ':') &&
		tool_get(BATTERY, key, value, sizeof(value)))
		printf("  %s: %s\n", key, value);
	else
		fputs(line, stdout);
}

static int dump_battery(void)
{
	FILE *f = fopen(DUMPS "/battery", "re"), *set = fopen(BATTERY, "re");
	char line[256];

	for (int n = 0; f && fgets(line, sizeof(line), f); n++) {
		print_battery_line(line);
		if (!n && set)
			puts("  (UPDATES STOPPED -- use 'reset' to restart)");
	}
	if (set)
		fclose(set);
	if (f)
		fclose(f);
	return !f;
}

static int dump_thermal(void)
{
	FILE *f = fopen(DUMPS "/thermalservice", "re");
	char line[512], status[16];
	bool told = tool_get(THERMAL, "status", status, sizeof(status));

	while (f && fgets(line, sizeof(line), f)) {
		if (told && !strncmp(line, "IsStatusOverride:", 17))
			puts("IsStatusOverride: true");
		else if (told && !strncmp(line, "Thermal Status:", 15))
			printf("Thermal Status: %s\n", status);
		else
			fputs(line, stdout);
	}
	if (f)
		fclose(f);
	return 0;
}

static int list_services(void)
{
	struct dirent **names;
	int n = scandir(DUMPS, &names, NULL, alphasort);

	puts("Currently running services:");
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			printf("  %s\n", names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return 0;
}

static int dump_gfxinfo(const char *name)
{
	if (name)
		printf("No process found for: %s\n", name);
	else
		puts("Applications Graphics Acceleration Info:\nUptime: 0 Realtime: 0\n");
	return 0;
}

static int dump(int argc, char **argv)
{
	char path[128];

	if (!strcmp(argv[0], "battery"))
		return argc > 1 ? battery_verb(argc - 1, argv + 1) : dump_battery();
	if (!strcmp(argv[0], "thermalservice"))
		return dump_thermal();
	if (!strcmp(argv[0], "gfxinfo"))
		return dump_gfxinfo(argc > 1 ? argv[1] : NULL);
	if (!strcmp(argv[0], "SurfaceFlinger") && argc > 1 && strncmp(argv[1], "--latency", 9))
		return 0; /* --list: there is no layer */
	snprintf(path, sizeof(path), DUMPS "/%.64s", argv[0]);
	if (str_is_name(argv[0]) && tool_print(path))
		return 0;
	fprintf(stderr, "Can't find service: %s\n", argv[0]);
	return 0;
}

int tool_dumpsys(int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-') {
		if (!strcmp(argv[i], "-l"))
			return list_services();
		i += !strcmp(argv[i], "-t") || !strcmp(argv[i], "-T") ? 2 : 1;
	}
	return i < argc ? dump(argc - i, argv + i) : list_services();
}

/* ---- cmd ---- */

static int cmd_battery(int argc, char **argv)
{
	static const char *const keys[][2] = {{"level", "  level: "}, {"status", "  status: "},
		{"temp", "  temperature: "}, {"counter", "  Charge counter: "}};
	FILE *f = argc > 1 && !strcmp(argv[0], "get") ? fopen(DUMPS "/battery", "re") : NULL;
	char line[256];

	if (!f)
		return argc ? battery_verb(argc, argv) : 255;
	while (fgets(line, sizeof(line), f))
		for (int i = 0; i < 4; i++)
			if (!strcmp(keys[i][0], argv[argc - 1]) &&
				!strncmp(line, keys[i][1], strlen(keys[i][1])))
				fputs(line + strlen(keys[i][1]), stdout);
	fclose(f);
	return 0;
}

static int cmd_thermal(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "reset"))
		return remove(THERMAL) && errno != ENOENT;
	if (argc > 1 && !strcmp(argv[0], "override-status"))
		return tool_set(THERMAL, "status", argv[1]) ? 1 : 0;
	return 255;
}

static int cmd_quiet(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static const struct {
	const char *service;
	int (*fn)(int argc, char **argv);
} commands[] = {
	{"battery", cmd_battery},
	{"thermalservice", cmd_thermal},
	{"connectivity", cmd_quiet},
	{"power", cmd_quiet},
	{"deviceidle", cmd_quiet},
};

int tool_cmd(int argc, char **argv)
{
	const char *service = argc > 1 ? argv[1] : "-l";

	if (!strcmp(service, "package"))
		return tool_pm(argc - 1, argv + 1);
	if (!strcmp(service, "activity"))
		return tool_am(argc - 1, argv + 1);
	if (!strcmp(service, "settings"))
		return tool_settings(argc - 1, argv + 1);
	if (!strcmp(service, "window"))
		return tool_wm(argc - 1, argv + 1);
	if (!strcmp(service, "lock_settings"))
		return tool_locksettings(argc - 1, argv + 1);
	if (!strcmp(service, "-l"))
		return list_services();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].service, service))
			return commands[i].fn(argc - 2, argv + 2);
	fprintf(stderr, "cmd: Can't find service: %s\n", service);
	return 20;
}
