/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cooling devices: the state each is driven to. Above 0 the system throttles (or fans) by
 * that device.
 */
#include "agent/source.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/root.h"
#include "agent/text.h"
#include "agent/value.h"

#define DIR_COOLING "/sys/class/thermal"
#define DEVICES_MAX 16 /* a server has one "Processor" for each of its CPUs */

static void add_device(struct value_set *vs, struct sampler *s, const char *dir)
{
	char path[VALUE_PATH], type[48], clean[48], name[96];
	struct value_spec spec = {.path = path, .name = name, .unit = "", .mul = 1, .scale = 1};

	snprintf(path, sizeof(path), DIR_COOLING "/%s/type", dir);
	if (root_read(sampler_root(s), path, type, sizeof(type)) <= 0)
		snprintf(type, sizeof(type), "%.40s", dir);
	text_name(clean, sizeof(clean), type);
	snprintf(name, sizeof(name), "cooling.%s", clean);
	if (sampler_knows(s, name))
		snprintf(name, sizeof(name), "cooling.%s.%u", clean, vs->n);
	snprintf(path, sizeof(path), DIR_COOLING "/%s/cur_state", dir);
	value_set_add(vs, s, &spec);
}

static void *probe(struct sampler *s)
{
	char(*names)[ROOT_NAME] = NULL;
	int n = root_list(sampler_root(s), DIR_COOLING, "cooling_device", &names);
	struct value_set *vs = n > 0 ? calloc(1, sizeof(*vs)) : NULL;

	for (int i = 0; vs && i < n && i < DEVICES_MAX; i++)
		add_device(vs, s, names[i]);
	free(names);
	return vs;
}

static void sample(void *self, struct sampler *s)
{
	value_set_sample(self, s);
}

static void close_source(void *self)
{
	value_set_fini(self);
	free(self);
}

const struct source source_cooling = {
	.name = "cooling",
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
