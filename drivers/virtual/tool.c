/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the phone's tools; see tool.h. */
#include "drivers/virtual/tool.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	tool_fn *fn;
} tools[] = {
	{"getprop", tool_getprop},
	{"setprop", tool_setprop},
	{"settings", tool_settings},
	{"dumpsys", tool_dumpsys},
	{"cmd", tool_cmd},
	{"pm", tool_pm},
	{"logcat", tool_logcat},
	{"log", tool_log},
	{"am", tool_am},
	{"svc", tool_svc},
	{"wm", tool_wm},
	{"locksettings", tool_locksettings},
	{"input", tool_input},
	{"reboot", tool_reboot},
	{"screencap", tool_screencap},
	{"uname", tool_uname},
	{"start", tool_nothing},
	{"stop", tool_nothing},
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static tool_fn *find(const char *argv0)
{
	const char *name = base_of(argv0);

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (!strcmp(tools[i].name, name))
			return tools[i].fn;
	return NULL;
}

bool tool_is_meant(const char *argv0)
{
	return find(argv0) != NULL;
}

int tool_main(int argc, char **argv)
{
	return find(argv[0])(argc, argv);
}

void tool_each(void (*fn)(void *arg, const char *name), void *arg)
{
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		fn(arg, tools[i].name);
}
