/* SPDX-License-Identifier: Apache-2.0 */
/* Charge class; see charge.h. */
#include "agent/charge.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/root.h"

#define DIR_POWER "/sys/class/power_supply"

static const struct {
	const char *status, *class;
} classes[] = {
	{"Charging", "charging"},
	{"Discharging", "discharging"},
	{"Full", "full"},
	{"Not charging", "not_charging"},
};

static void read_file(const struct root *root, const char *supply, const char *file, char dst[32])
{
	char path[160];

	snprintf(path, sizeof(path), DIR_POWER "/%s/%s", supply, file);
	if (root_read(root, path, dst, 32) < 0)
		*dst = '\0';
}

/* The class of a battery of the device; NULL for a supply that is none. A mouse's battery, whose
 * scope is "Device", does not count. */
static const char *of_supply(const struct root *root, const char *supply)
{
	char text[32];

	read_file(root, supply, "type", text);
	if (strcmp(text, "Battery"))
		return NULL;
	read_file(root, supply, "scope", text);
	if (!strcmp(text, "Device"))
		return NULL;
	read_file(root, supply, "status", text);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strcmp(text, classes[i].status))
			return classes[i].class;
	return "unknown";
}

const char *charge_class(const struct root *root)
{
	char(*names)[ROOT_NAME] = NULL;
	int n = root_list(root, DIR_POWER, "", &names);
	const char *found = "mains";

	for (int i = 0; i < n; i++) {
		const char *class = of_supply(root, names[i]);

		if (!class)
			continue;
		found = class;
		if (strcmp(class, "unknown"))
			break;
	}
	free(names);
	return found;
}
