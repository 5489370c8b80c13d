/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tools of a phone's /system/bin: getprop, pm, dumpsys… They are this program, called by another
 * name inside the phone's root, and keep what they know in files of /data/system. Each is a file, or
 * a function of tool_small.c, and a line in the table of tool.c.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_TOOL_H
#define FRAMEFARM_DRIVERS_VIRTUAL_TOOL_H

#include <stdbool.h>
#include <stddef.h>

#define TOOL_SYSTEM "/data/system"
#define TOOL_VALUE  1024 /* of a property or setting, with its NUL */

/* Whether a program that is called so is meant as one of the tools. */
bool tool_is_meant(const char *argv0);
int tool_main(int argc, char **argv);
/* The names that /system/bin has. */
void tool_each(void (*fn)(void *arg, const char *name), void *arg);

typedef int tool_fn(int argc, char **argv);

tool_fn tool_getprop, tool_setprop, tool_settings, tool_dumpsys, tool_cmd, tool_pm, tool_logcat,
	tool_log, tool_am, tool_svc, tool_wm, tool_locksettings, tool_input, tool_reboot,
	tool_screencap, tool_uname, tool_nothing;

/* ---- shared by them ---- */

/* Files of "key=value" lines; false when the key is not there. */
bool tool_get(const char *path, const char *key, char *dst, size_t size);
/* value NULL takes the key away. Changes are whole, and one at a time. 0 or an errno. */
int tool_set(const char *path, const char *key, const char *value);
void tool_walk(
	const char *path, void (*fn)(void *arg, const char *key, const char *value), void *arg);
/* A property, wherever it was set. */
bool tool_prop(const char *key, char *dst, size_t size);
/* Whether the phone denies its shell that it changes something; says so on stderr, as Android does. */
bool tool_is_denied(const char *permission);
/* Prints a file; false when it is not there. */
bool tool_print(const char *path);

#endif
