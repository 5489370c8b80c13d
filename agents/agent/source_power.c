/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batteries and chargers: every numeric property that a power supply has, as the kernel prints it
 * (Documentation/power/power_supply_class.rst: µV, µA, µAh, µW, µWh, 0.1 °C). All of a supply's
 * properties come in one read of its uevent. Nothing is converted or given a sign here: which unit
 * and sign a phone really uses is learned elsewhere, from the raw numbers.
 */
#include "agent/source.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/root.h"
#include "agent/text.h"

#define DIR_POWER    "/sys/class/power_supply"
#define PREFIX       "POWER_SUPPLY_"
#define SUPPLIES_MAX 12
#define KEYS_MAX     28 /* of one supply */
#define KEY          40
#define TEXT         4096

struct key {
	char name[KEY];
	int counter;
	bool unsigned_only;
};

struct supply {
	int fd;
	unsigned n;
	struct key keys[KEYS_MAX];
};

struct power {
	unsigned n;
	struct supply supplies[SUPPLIES_MAX];
};

/* By the beginning of a key; the first that fits decides. What can never be negative and is, is an
 * errno that a driver printed as data (-22 for EINVAL was seen). */
static const struct unit_rule {
	const char *begins, *unit;
	int64_t scale;
	bool unsigned_only;
} unit_rules[] = {
	{"VOLTAGE", "uV", 1, true},
	{"INPUT_CURRENT", "uA", 1, true},
	{"CURRENT_MAX", "uA", 1, true},
	{"CURRENT", "uA", 1, false},
	{"POWER", "uW", 1, false},
	{"ENERGY", "uWh", 1, false},
	{"CHARGE_CONTROL_", "", 1, true},
	{"CHARGE_START", "%", 1, true},
	{"CHARGE_STOP", "%", 1, true},
	{"CHARGE", "uAh", 1, false},
	{"CAPACITY", "%", 1, true},
	{"TEMP", "C", 10, false},
	{"TIME_TO", "s", 1, false},
	{"", "", 1, false},
};

static const struct unit_rule *find_rule(const char *key)
{
	const struct unit_rule *r = unit_rules;

	while (strncmp(key, r->begins, strlen(r->begins)))
		r++;
	return r;
}

/* Takes "POWER_SUPPLY_KEY=value" apart; returns false for lines of another shape. A value may hold
 * further '='. */
static bool split(const char *line, char *ret_key, const char **ret_value)
{
	const char *equals;
	size_t n;

	if (strncmp(line, PREFIX, strlen(PREFIX)))
		return false;
	line += strlen(PREFIX);
	equals = strchr(line, '=');
	n = equals ? (size_t)(equals - line) : 0;
	if (!n || n >= KEY || memchr(line, '\n', n))
		return false;
	memcpy(ret_key, line, n);
	ret_key[n] = '\0';
	*ret_value = equals + 1;
	return true;
}

static struct key *find_key(struct supply *p, const char *name)
{
	for (unsigned i = 0; i < p->n; i++)
		if (!strcmp(p->keys[i].name, name))
			return &p->keys[i];
	return NULL;
}

static void add_key(struct supply *p, struct sampler *s, const char *supply, const char *name,
	const char *source)
{
	const struct unit_rule *rule = find_rule(name);
	char counter[96], clean[KEY], lower[KEY];
	struct key *k = &p->keys[p->n++];
	size_t i = 0;

	strcpy(k->name, name);
	k->unsigned_only = rule->unsigned_only;
	for (; name[i]; i++)
		lower[i] = tolower((unsigned char)name[i]);
	lower[i] = '\0';
	text_name(clean, sizeof(clean), lower);
	snprintf(counter, sizeof(counter), "power.%.20s.%s", supply, clean);
	k->counter = sampler_add(s, counter, rule->unit, rule->scale, source, 0);
}

static void add_supply(struct power *p, struct sampler *s, const char *dir)
{
	struct supply *sup = &p->supplies[p->n];
	char path[ROOT_NAME + 40], text[TEXT], key[KEY], name[ROOT_NAME], counter[ROOT_NAME + 16];
	const char *value;
	int64_t v;
	ssize_t n;

	text_name(name, sizeof(name), dir);
	snprintf(path, sizeof(path), DIR_POWER "/%s/uevent", dir);
	sup->fd = root_open(sampler_root(s), path);
	n = sup->fd < 0 ? sup->fd : root_pread(sup->fd, text, sizeof(text));
	if (n < 0) {
		snprintf(counter, sizeof(counter), "power.%s", name);
		sampler_add(s, counter, "", 1, path, -n);
	}
	if (sup->fd < 0)
		return;
	for (const char *line = n < 0 ? NULL : text; line; line = text_next_line(line))
		if (sup->n < KEYS_MAX && split(line, key, &value) && !text_int(value, &v) &&
			!find_key(sup, key))
			add_key(sup, s, name, key, path);
	p->n++;
}

static void *probe(struct sampler *s)
{
	char(*names)[ROOT_NAME] = NULL;
	int n = root_list(sampler_root(s), DIR_POWER, "", &names);
	struct power *p = n > 0 ? calloc(1, sizeof(*p)) : NULL;

	for (int i = 0; p && i < n && p->n < SUPPLIES_MAX; i++)
		add_supply(p, s, names[i]);
	free(names);
	return p;
}

static void sample_supply(struct supply *p, struct sampler *s)
{
	char text[TEXT], name[KEY];
	uint32_t seen = 0;
	const char *value;
	int64_t v;

	if (root_pread(p->fd, text, sizeof(text)) < 0)
		return;
	for (const char *line = text; line; line = text_next_line(line)) {
		struct key *k = split(line, name, &value) ? find_key(p, name) : NULL;

		/* Keys may repeat; the first one counts. */
		if (!k || seen >> (k - p->keys) & 1)
			continue;
		seen |= 1u << (k - p->keys);
		if (!text_int(value, &v) && !(v < 0 && k->unsigned_only))
			sampler_put(s, k->counter, v);
	}
}

static void sample(void *self, struct sampler *s)
{
	struct power *p = self;

	for (unsigned i = 0; i < p->n; i++)
		sample_supply(&p->supplies[i], s);
}

static void close_source(void *self)
{
	struct power *p = self;

	for (unsigned i = 0; i < p->n; i++)
		close(p->supplies[i].fd);
	free(p);
}

_Static_assert(KEYS_MAX <= 32, "`seen` has a bit for each key");

const struct source source_power = {
	.name = "power",
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
