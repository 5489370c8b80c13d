/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hardware monitors: temperatures, fans, voltages, currents, power and energy of sensor chips, by
 * chip name (Linux, Documentation/hwmon/sysfs-interface.rst). A board without thermal zones is
 * judged by these temperatures.
 */
#include "agent/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/root.h"
#include "agent/text.h"
#include "agent/value.h"

#define DIR_HWMON  "/sys/class/hwmon"
#define INPUTS_MAX 48
#define CHIP       40

/* A channel is prefix, number, "_", attribute. */
static const struct channel {
	const char *prefix, *attribute, *unit;
	int64_t scale;
	bool temp;
} channels[] = {
	{"temp", "input", "mC", 1, true},
	{"fan", "input", "rpm", 1, false},
	{"in", "input", "V", 1000, false},
	{"curr", "input", "A", 1000, false},
	{"power", "input", "uW", 1, false},
	{"power", "average", "uW", 1, false},
	{"energy", "input", "uJ", 1, false},
};

static const struct channel *find_channel(const char *file, int64_t *ret_number)
{
	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
		const struct channel *c = &channels[i];
		size_t n = strlen(c->prefix);
		const char *end;

		if (strncmp(file, c->prefix, n) || text_int_end(file + n, ret_number, &end))
			continue;
		if (*end == '_' && !strcmp(end + 1, c->attribute))
			return c;
	}
	return NULL;
}

static void chip_name(char *dst, size_t size, struct sampler *s, const char *dir, const char *hwmon)
{
	char path[VALUE_PATH], text[CHIP];

	snprintf(path, sizeof(path), "%s/name", dir);
	if (root_read(sampler_root(s), path, text, sizeof(text)) <= 0)
		snprintf(text, sizeof(text), "%.30s", hwmon);
	text_name(dst, size, text);
}

static void add_channel(struct value_set *vs, struct sampler *s, const char *dir, const char *chip,
	const char *hwmon, const char *file)
{
	char path[VALUE_PATH], name[96];
	struct value_spec spec = {.path = path, .name = name, .mul = 1};
	int64_t number;
	const struct channel *c = find_channel(file, &number);

	if (!c || vs->n >= INPUTS_MAX)
		return;
	spec.unit = c->unit;
	spec.scale = c->scale;
	spec.temp = c->temp;
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	snprintf(name, sizeof(name), "hwmon.%s.%s%lld", chip, c->prefix, (long long)number);
	if (sampler_knows(s, name))
		snprintf(name, sizeof(name), "hwmon.%s.%s.%s%lld", chip, hwmon, c->prefix,
			(long long)number);
	if (!value_set_add(vs, s, &spec) && c->temp)
		sampler_has_sensor(s);
}

/* Old drivers have their attributes one level down, in device/. */
static void add_chip(struct value_set *vs, struct sampler *s, const char *hwmon)
{
	static const char *const below[] = {"", "/device"};
	char(*files)[ROOT_NAME];
	char dir[VALUE_PATH - ROOT_NAME], chip[CHIP];

	for (unsigned k = 0; k < 2; k++) {
		unsigned before = vs->n;
		int n;

		snprintf(dir, sizeof(dir), DIR_HWMON "/%s%s", hwmon, below[k]);
		n = root_list(sampler_root(s), dir, "", &files);
		if (n < 0)
			return;
		chip_name(chip, sizeof(chip), s, dir, hwmon);
		for (int i = 0; i < n; i++)
			add_channel(vs, s, dir, chip, hwmon, files[i]);
		free(files);
		if (vs->n != before)
			return;
	}
}

static void *probe(struct sampler *s)
{
	char(*names)[ROOT_NAME] = NULL;
	int n = root_list(sampler_root(s), DIR_HWMON, "hwmon", &names);
	struct value_set *vs = n > 0 ? calloc(1, sizeof(*vs)) : NULL;

	for (int i = 0; vs && i < n; i++)
		add_chip(vs, s, names[i]);
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

const struct source source_hwmon = {
	.name = "hwmon",
	.has_temps = true,
	.temp_rank = 1,
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
