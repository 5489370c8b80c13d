/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thermal zones, by type and not by number (a kernel update moves the numbers). The scale of a zone
 * is learned once: from the largest reading of its family at the probe, or, if all were implausible
 * then, from the zone's first plausible one; see thermal_rules.h. A value is m°C; what the raw
 * reading was multiplied by stands in the counter's source, so that a wrong guess can be undone.
 */
#include "agent/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/root.h"
#include "agent/text.h"
#include "agent/thermal_rules.h"
#include "agent/value.h"
#include "msg.h"

#define DIR_ZONES "/sys/class/thermal"
#define ZONES_MAX 96
#define TYPE      48

struct zone {
	int fd;
	int counter;
	int32_t mul; /* 0: not learned yet */
	int rc;      /* of the probe */
	int64_t raw; /* at the probe, when rc is 0 */
	char type[TYPE], family[TYPE];
	char path[64];
};

struct thermal {
	unsigned n;
	struct zone zones[ZONES_MAX];
};

/* ---- probing ---- */

static void open_zone(struct thermal *t, struct sampler *s, const char *name)
{
	struct zone *z = &t->zones[t->n];
	char type_path[ROOT_NAME + 32];

	memset(z, 0, sizeof(*z));
	snprintf(type_path, sizeof(type_path), DIR_ZONES "/%s/type", name);
	snprintf(z->path, sizeof(z->path), DIR_ZONES "/%.32s/temp", name);
	if (root_read(sampler_root(s), type_path, z->type, sizeof(z->type)) <= 0)
		snprintf(z->type, sizeof(z->type), "%.40s", name);
	thermal_family(z->family, sizeof(z->family), z->type);
	if (thermal_is_denied(z->type)) {
		z->fd = -1;
		z->rc = -ENOTSUP;
	} else {
		z->fd = root_open(sampler_root(s), z->path);
		z->rc = z->fd < 0 ? z->fd : value_read_fd(z->fd, &z->raw);
	}
	t->n++;
}

static int64_t magnitude(int64_t v)
{
	return v < 0 ? -v : v;
}

/* Whether a reading tells anything of its zone's unit: 0 is 0 in all of them, and is also what many
 * sensors that are not fitted print. */
static bool teaches(int64_t raw)
{
	return raw && raw <= INT32_MAX && raw >= INT32_MIN &&
	       thermal_is_plausible(raw * thermal_guess_mul(raw));
}

/* The largest reading decides: a cold sensor in m°C looks like tenths, a warm one does not. */
static int32_t family_mul(const struct thermal *t, const char *family)
{
	int64_t largest = -1;

	for (unsigned i = 0; i < t->n; i++) {
		const struct zone *z = &t->zones[i];

		if (z->rc || strcmp(z->family, family) || !teaches(z->raw))
			continue;
		if (magnitude(z->raw) > largest)
			largest = magnitude(z->raw);
	}
	return largest < 0 ? 0 : thermal_guess_mul(largest);
}

static void add_counter(struct zone *z, struct sampler *s, unsigned number)
{
	static const char *const notes[] = {"", " (raw in 0.1 degrees)", " (raw in degrees)"};
	char name[MSG_NAME + 8], clean[TYPE], source[128];

	text_name(clean, sizeof(clean), z->type);
	snprintf(name, sizeof(name), "thermal.%s", clean);
	if (sampler_knows(s, name))
		snprintf(name, sizeof(name), "thermal.%.40s.%u", clean, number);
	snprintf(source, sizeof(source), "%s%s", z->path,
		notes[z->mul == 100      ? 1
			: z->mul == 1000 ? 2
					 : 0]);
	z->counter = sampler_add(s, name, "mC", 1, source, -z->rc);
	if (z->fd >= 0 && !z->rc && z->mul)
		sampler_has_sensor(s);
}

static void *probe(struct sampler *s)
{
	char(*names)[ROOT_NAME] = NULL;
	int n = root_list(sampler_root(s), DIR_ZONES, "thermal_zone", &names);
	struct thermal *t = n > 0 ? calloc(1, sizeof(*t)) : NULL;

	for (int i = 0; t && i < n && t->n < ZONES_MAX; i++)
		open_zone(t, s, names[i]);
	free(names);
	if (!t)
		return NULL;
	for (unsigned i = 0; i < t->n; i++)
		t->zones[i].mul = family_mul(t, t->zones[i].family);
	for (unsigned i = 0; i < t->n; i++)
		add_counter(&t->zones[i], s, i);
	return t;
}

/* ---- sampling ---- */

/* Learns at the first reading that tells anything. One that contradicts what was learned (25000
 * where tenths were believed) shows that the zone was near freezing then, and is m°C. */
static void learn(struct zone *z, int64_t raw)
{
	if (!z->mul && teaches(raw))
		z->mul = thermal_guess_mul(raw);
	else if (z->mul > 1 && !thermal_is_plausible(raw * z->mul) && thermal_guess_mul(raw) == 1 &&
		 thermal_is_plausible(raw))
		z->mul = 1;
}

static void sample_zone(struct zone *z, struct sampler *s)
{
	int64_t raw;

	if (z->fd < 0 || value_read_fd(z->fd, &raw) || raw > INT32_MAX || raw < INT32_MIN)
		return;
	learn(z, raw);
	if (z->mul && thermal_is_plausible(raw * z->mul))
		sampler_put_temp(s, z->counter, raw * z->mul);
}

static void sample(void *self, struct sampler *s)
{
	struct thermal *t = self;

	for (unsigned i = 0; i < t->n; i++)
		sample_zone(&t->zones[i], s);
}

static void close_source(void *self)
{
	struct thermal *t = self;

	for (unsigned i = 0; i < t->n; i++)
		if (t->zones[i].fd >= 0)
			close(t->zones[i].fd);
	free(t);
}

const struct source source_thermal = {
	.name = "thermal",
	.has_temps = true,
	.temp_rank = 0,
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
