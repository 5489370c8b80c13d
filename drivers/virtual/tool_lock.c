/* SPDX-License-Identifier: Apache-2.0 */
/* locksettings, which is `cmd lock_settings`: says what LockSettingsShellCommand of AOSP 14 says. */
#include "drivers/virtual/tool.h"

#include <stdio.h>
#include <string.h>

#define LOCK TOOL_SYSTEM "/lock"

struct ask {
	const char *verb, *old, *word; /* word: the new credential, or true and false */
	char credential[TOOL_VALUE];   /* that the phone has; "": none */
};

static struct ask read_args(int argc, char **argv)
{
	struct ask a = {.verb = argc > 1 ? argv[1] : "help", .old = "", .word = ""};

	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--old") && i + 1 < argc)
			a.old = argv[++i];
		else if (!strcmp(argv[i], "--user") && i + 1 < argc)
			i++;
		else
			a.word = argv[i];
	}
	tool_get(LOCK, "credential", a.credential, sizeof(a.credential));
	return a;
}

static bool check_credential(const struct ask *a)
{
	if (!*a->credential && *a->old)
		puts("Old password provided but user has no password");
	else if (strcmp(a->credential, a->old))
		printf("Old password '%s' didn't match\n", a->old);
	else
		return true;
	return false;
}

static int disabled(const struct ask *a)
{
	char value[8] = "false";

	if (!strcmp(a->verb, "get-disabled")) {
		tool_get(LOCK, "disabled", value, sizeof(value));
		puts(value);
		return 0;
	}
	snprintf(value, sizeof(value), "%s", strcmp(a->word, "true") ? "false" : "true");
	printf("Lock screen disabled set to %s\n", value);
	return tool_set(LOCK, "disabled", value) ? 1 : 0;
}

static int set_credential(const struct ask *a)
{
	static const struct {
		const char *verb, *says;
	} kinds[] = {{"set-pin", "Pin"}, {"set-password", "Password"}, {"set-pattern", "Pattern"}};

	for (int i = 0; i < 3; i++) {
		if (strcmp(kinds[i].verb, a->verb))
			continue;
		if (!*a->word || tool_set(LOCK, "credential", a->word))
			return 255;
		printf("%s set to '%s'\n", kinds[i].says, a->word);
		return 0;
	}
	fprintf(stderr, "Unknown command: %s\n", a->verb);
	return 255;
}

int tool_locksettings(int argc, char **argv)
{
	struct ask a = read_args(argc, argv);

	if (!strcmp(a.verb, "help")) {
		puts("lockSettings service commands:\n"
		     "  get-disabled, set-disabled <true|false>, verify [--old <CREDENTIAL>],\n"
		     "  set-pin, set-password, set-pattern [--old <CREDENTIAL>] <NEW>,\n"
		     "  clear [--old <CREDENTIAL>]");
		return 0;
	}
	if (!strcmp(a.verb, "get-disabled") || !strcmp(a.verb, "set-disabled"))
		return disabled(&a);
	if (!check_credential(&a))
		return 255;
	if (!strcmp(a.verb, "verify")) {
		puts("Lock credential verified successfully");
		return 0;
	}
	if (!strcmp(a.verb, "clear")) {
		puts("Lock credential cleared");
		return tool_set(LOCK, "credential", NULL) ? 1 : 0;
	}
	return set_credential(&a);
}
