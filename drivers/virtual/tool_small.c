/* SPDX-License-Identifier: Apache-2.0 */
/* am, svc, wm, input, reboot: what farms ask of a phone in passing. They remember what they are told
 * where something can be read back, and say what the real ones say. */
#include "drivers/virtual/tool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GLOBAL  TOOL_SYSTEM "/settings_global"
#define DISPLAY TOOL_SYSTEM "/display"

int tool_nothing(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int tool_input(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return tool_is_denied("android.permission.INJECT_EVENTS") ? 255 : 0;
	fputs("Usage: input [<source>] <command> [<arg>...]\n", stderr);
	return 1;
}

int tool_am(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *last = argc > 2 ? argv[argc - 1] : "";

	if (!strncmp(verb, "start", 5))
		printf("Starting: Intent { cmp=%s }\n", last);
	else if (!strcmp(verb, "broadcast"))
		printf("Broadcasting: Intent { act=%s }\nBroadcast completed: result=0\n", last);
	else if (!strcmp(verb, "force-stop") || !strncmp(verb, "kill", 4) ||
		 !strcmp(verb, "set-inactive"))
		return 0;
	else {
		fprintf(stderr, "Unknown command: %s\n", verb);
		return 255;
	}
	return 0;
}

static int set_global(const char *key, const char *value)
{
	return tool_set(GLOBAL, key, value) ? 1 : 0;
}

/* The bits of BatteryManager: AC 1, USB 2, wireless 4. */
static const char *stay_on(const char *word)
{
	static const char *const words[][2] = {
		{"true", "7"}, {"false", "0"}, {"usb", "2"}, {"ac", "1"}, {"wireless", "4"}};

	for (int i = 0; i < 5; i++)
		if (!strcmp(words[i][0], word))
			return words[i][1];
	return NULL;
}

int tool_svc(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *verb = argc > 2 ? argv[2] : "";
	const char *on = !strcmp(verb, "enable") ? "1" : !strcmp(verb, "disable") ? "0" : NULL;
	const char *value = argc > 3 ? stay_on(argv[3]) : NULL;

	if (*verb && tool_is_denied("android.permission.MANAGE_USERS"))
		return 255;
	if (!strcmp(what, "power") && !strcmp(verb, "stayon") && value)
		return set_global("stay_on_while_plugged_in", value);
	if (!strcmp(what, "power") && !strcmp(verb, "reboot"))
		return tool_reboot(argc, argv);
	if (!strcmp(what, "wifi") && on)
		return set_global("wifi_on", on);
	if (!strcmp(what, "bluetooth") && on)
		return set_global("bluetooth_on", on);
	if (!strcmp(what, "data") && on)
		return set_global("mobile_data", on);
	fputs("Available commands:\n    power, data, wifi, bluetooth\n", stderr);
	return 1;
}

int tool_wm(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char value[64] = "";

	if (!strcmp(what, "dismiss-keyguard"))
		return 0;
	if (strcmp(what, "size") && strcmp(what, "density")) {
		fprintf(stderr, "Unknown command: %s\n", what);
		return 255;
	}
	tool_get(DISPLAY, what, value, sizeof(value));
	printf("Physical %s: %s\n", what, value);
	return 0;
}

/* The phone's machine and kernel, not the host's. */
int tool_uname(int argc, char **argv)
{
	char abi[64] = "", kernel[TOOL_VALUE] = "", host[64] = "";
	const char *what = argc > 1 ? argv[1] : "-s", *machine;

	tool_prop("ro.product.cpu.abi", abi, sizeof(abi));
	tool_prop("ro.kernel.version", kernel, sizeof(kernel));
	gethostname(host, sizeof(host) - 1);
	machine = strcmp(abi, "arm64-v8a") ? "x86_64" : "aarch64";
	if (!strcmp(what, "-m"))
		puts(machine);
	else if (!strcmp(what, "-r"))
		puts(kernel);
	else if (!strcmp(what, "-n"))
		puts(host);
	else if (!strcmp(what, "-a"))
		printf("Linux %s %s #1 SMP PREEMPT %s Android\n", host, kernel, machine);
	else
		puts("Linux");
	return 0;
}

/* Process 1 takes SIGTERM as the wish to start anew. */
int tool_reboot(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (kill(1, SIGTERM)) {
		perror("reboot");
		return 1;
	}
	pause(); /* as on a phone, this is the last that the caller hears */
	return 0;
}
