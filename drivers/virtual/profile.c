/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of phones; see profile.h. Each object of the format is a table here. */
#include "drivers/virtual/profile_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/virtual/profile_text.h"

static const char *const sign_words[] = {"contract", "inverted", NULL};
static const char *const scale_words[] = {"micro", "milli", NULL};

/* What is read by a table first and taken apart afterwards. */
struct parts {
	struct profile p;
	char schema[32];
	const struct json *display, *cpu, *thermal, *heat, *battery, *adb, *properties;
};

static const struct json_field top_fields[] = {
	{.key = "schema",
		.want = JSON_WANT_TEXT,
		.off = offsetof(struct parts, schema),
		.size = 32,
		.required = true},
	TEXT(profile, name, true),
	TEXT(profile, about, false),
	TEXT(profile, model, true),
	TEXT(profile, device, true),
	TEXT(profile, product, true),
	TEXT(profile, manufacturer, true),
	TEXT(profile, platform, false),
	TEXT(profile, abi, true),
	TEXT(profile, android, true),
	TEXT(profile, build, true),
	TEXT(profile, patch, false),
	TEXT(profile, kernel, false),
	INT(profile, sdk, 21, 99, true),
	INT(profile, ram_mb, 256, 65536, false),
	INT(profile, boot_ms, 0, 600000, false),
	PART(parts, "display", display, JSON_WANT_OBJECT),
	PART(parts, "cpu", cpu, JSON_WANT_OBJECT),
	PART(parts, "thermal", thermal, JSON_WANT_OBJECT),
	PART(parts, "heat", heat, JSON_WANT_OBJECT),
	PART(parts, "battery", battery, JSON_WANT_OBJECT),
	PART(parts, "adb", adb, JSON_WANT_OBJECT),
	PART(parts, "properties", properties, JSON_WANT_OBJECT),
};
_Static_assert(offsetof(struct parts, p) == 0, "the profile's members have their own offsets");

static const struct json_field heat_fields[] = {
	NUM(profile_heat, ambient_c, -20, 60),
	NUM(profile_heat, idle_w, 0, 20),
	NUM(profile_heat, cpu_w, 0, 60),
	NUM(profile_heat, die_j_per_k, 0.1, 1000),
	NUM(profile_heat, skin_j_per_k, 1, 10000),
	NUM(profile_heat, die_skin_k_per_w, 0.01, 100),
	NUM(profile_heat, skin_air_k_per_w, 0.01, 100),
};

static const struct json_field battery_fields[] = {
	TEXT(profile_battery, supply, false),
	TEXT(profile_battery, usb, false),
	INT(profile_battery, capacity_mah, 100, 100000, false),
	INT(profile_battery, level, 0, 100, false),
	INT(profile_battery, resistance_mohm, 1, 2000, false),
	INT(profile_battery, charge_ma, 0, 20000, false),
	INT(profile_battery, gauge_ms, 50, 60000, false),
	WORD(profile_battery, "sign", inverted, sign_words),
	WORD(profile_battery, "current_unit", current_milli, scale_words),
	WORD(profile_battery, "voltage_unit", voltage_milli, scale_words),
	WORD(profile_battery, "charge_unit", count_milli, scale_words),
};

int profile_complain(const struct profile_reading *r, const struct json *at, const char *text)
{
	return err_set(r->e, ERR_PARSE, "%s, line %d: %s", r->what, json_line(r->d, at), text);
}

int profile_numbers(const struct profile_reading *r, const struct json *list, const char *key,
	int max, double *out, int *ret_n)
{
	int n = 0;

	JSON_FOREACH (it, list) {
		if (!json_is_number(it) || n == max) {
			err_set(r->e, ERR_PARSE, "%s, line %d: %s takes up to %d numbers", r->what,
				json_line(r->d, it), key, max);
			return ERR_PARSE;
		}
		out[n++] = json_num(it);
	}
	*ret_n = n;
	return 0;
}

/* ---- objects with lists in them ---- */

struct display_parts {
	int64_t width, height, density;
	double rate;
	const struct json *rates;
};

static const struct json_field display_fields[] = {
	INT(display_parts, width, 1, 10000, true),
	INT(display_parts, height, 1, 10000, true),
	INT(display_parts, density, 1, 2000, true),
	NUM(display_parts, rate, 1, 1000),
	PART(display_parts, "rates", rates, JSON_WANT_ARRAY),
};

static int read_display(const struct profile_reading *r, const struct json *obj, struct profile *p)
{
	struct display_parts d = {.rate = p->rate};
	int rc = json_read(r->d, obj, "display", display_fields, N(display_fields), &d, r->e);

	if (rc)
		return rc;
	p->width = d.width;
	p->height = d.height;
	p->density = d.density;
	p->rate = d.rate;
	return profile_numbers(r, d.rates, "rates", PROFILE_RATES, p->rates, &p->n_rates);
}

struct adb_parts {
	int64_t max_payload;
	bool sums;
	const struct json *features;
};

static const struct json_field adb_fields[] = {
	INT(adb_parts, max_payload, 4096, 1048576, false),
	BOOL(adb_parts, sums),
	PART(adb_parts, "features", features, JSON_WANT_ARRAY),
};

static int read_adb(const struct profile_reading *r, const struct json *obj, struct profile *p)
{
	struct adb_parts a = {.max_payload = p->max_payload};
	int rc = json_read(r->d, obj, "adb", adb_fields, N(adb_fields), &a, r->e);

	if (rc)
		return rc;
	p->max_payload = a.max_payload;
	p->sums = a.sums;
	JSON_FOREACH (it, a.features) {
		if (p->n_features == PROFILE_FEATURES || !str_is_name(json_str(it)))
			return profile_complain(r, it, "features are up to 24 words");
		str_copy(p->features[p->n_features++], LIMIT_NAME, json_str(it));
	}
	return 0;
}

static int read_properties(
	const struct profile_reading *r, const struct json *obj, struct profile *p)
{
	JSON_FOREACH (it, obj) {
		struct profile_prop *pr = &p->props[p->n_props];

		if (p->n_props == PROFILE_PROPS || !json_is_string(it) ||
			!str_is_name(json_key(it)) || strchr(json_str(it), '\n'))
			return profile_complain(r, it, "properties are up to 64 texts of one line");
		if (!str_copy(pr->key, sizeof(pr->key), json_key(it)) ||
			!str_copy(pr->value, sizeof(pr->value), json_str(it)))
			return profile_complain(r, it, "this property is too long");
		p->n_props++;
	}
	return 0;
}

/* ---- the whole ---- */

static void set_defaults(struct profile *p)
{
	str_copy(p->patch, sizeof(p->patch), "2024-01-05");
	str_copy(p->kernel, sizeof(p->kernel), "5.10.0");
	str_copy(p->platform, sizeof(p->platform), "virtual");
	p->ram_mb = 4096;
	p->boot_ms = 2000;
	p->width = 1080;
	p->height = 1920;
	p->density = 420;
	p->rate = 60;
	p->max_payload = 1024 * 1024;
	p->thermal.throttle_c = 85;
	p->thermal.release_c = 75;
	p->heat = (struct profile_heat){.ambient_c = 25,
		.idle_w = 0.5,
		.cpu_w = 5,
		.die_j_per_k = 4,
		.skin_j_per_k = 120,
		.die_skin_k_per_w = 7,
		.skin_air_k_per_w = 4};
	p->battery = (struct profile_battery){.supply = "battery",
		.usb = "usb",
		.capacity_mah = 4000,
		.level = 80,
		.resistance_mohm = 100,
		.charge_ma = 1000,
		.gauge_ms = 1000};
}

static int read_parts(const struct profile_reading *r, struct parts *parts)
{
	static int (*const readers[])(
		const struct profile_reading *, const struct json *, struct profile *) = {
		read_display, profile_read_cpu, profile_read_thermal, read_adb, read_properties};
	const struct json *objects[] = {
		parts->display, parts->cpu, parts->thermal, parts->adb, parts->properties};
	struct profile *p = &parts->p;
	int rc = 0;

	if (strcmp(parts->schema, "framefarm.phone/1"))
		return err_set(r->e, ERR_VERSION, "%s: schema is \"%s\", not framefarm.phone/1",
			r->what, parts->schema);
	if (!str_is_name(p->name))
		return err_set(r->e, ERR_PARSE, "%s: \"%s\" is no name", r->what, p->name);
	for (int i = 0; !rc && i < N(readers); i++)
		rc = objects[i] ? readers[i](r, objects[i], p) : 0;
	if (!rc && parts->heat)
		rc = json_read(
			r->d, parts->heat, "heat", heat_fields, N(heat_fields), &p->heat, r->e);
	if (!rc && parts->battery)
		rc = json_read(r->d, parts->battery, "battery", battery_fields, N(battery_fields),
			&p->battery, r->e);
	if (!rc && p->thermal.release_c >= p->thermal.throttle_c)
		rc = err_set(r->e, ERR_RANGE, "%s: release_c is not below throttle_c", r->what);
	return rc;
}

struct profile *profile_parse(const char *text, size_t n, const char *what, struct err *e)
{
	struct profile_reading r = {.d = json_parse(text, n, e), .what = what, .e = e};
	struct profile *p = NULL;
	struct parts *parts;

	if (!r.d) {
		err_wrap(e, "%s", what);
		return NULL;
	}
	parts = mem_zalloc(sizeof(*parts));
	set_defaults(&parts->p);
	if (!json_read(r.d, json_root(r.d), "profile", top_fields, N(top_fields), parts, e) &&
		!read_parts(&r, parts)) {
		p = mem_alloc(sizeof(*p));
		*p = parts->p;
	}
	mem_free(parts);
	json_doc_free((struct json_doc *)r.d);
	return p;
}

static struct profile *read_file(const char *path, struct err *e)
{
	char *text = mem_alloc(PROFILE_FILE_MAX + 1);
	FILE *f = fopen(path, "re");
	struct profile *p = NULL;
	size_t n;

	if (!f) {
		err_errno(e, errno, "cannot read the profile %s", path);
	} else {
		n = fread(text, 1, PROFILE_FILE_MAX + 1, f);
		if (n > PROFILE_FILE_MAX)
			err_set(e, ERR_TOOBIG, "%s is no profile: too large", path);
		else
			p = profile_parse(text, n, path, e);
		fclose(f);
	}
	mem_free(text);
	return p;
}

static bool is_path(const char *name)
{
	size_t n = strlen(name);

	return strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".json"));
}

struct profile *profile_read(const char *name, struct err *e)
{
	if (is_path(name))
		return read_file(name, e);
	for (int i = 0; i < profile_text_count; i++)
		if (!strcmp(profile_texts[i].name, name))
			return profile_parse(profile_texts[i].text,
				profile_texts[i].end - profile_texts[i].text, name, e);
	err_set(e, ERR_NOTFOUND,
		"there is no profile \"%s\"; --list-profiles shows them, and a path reads a file",
		name);
	return NULL;
}

void profile_free(struct profile *p)
{
	mem_free(p);
}

void profile_each(void (*fn)(void *arg, const struct profile *p), void *arg)
{
	for (int i = 0; i < profile_text_count; i++) {
		struct profile *p = profile_parse(profile_texts[i].text,
			profile_texts[i].end - profile_texts[i].text, profile_texts[i].name, NULL);

		if (p)
			fn(arg, p);
		profile_free(p);
	}
}

int profile_cpus(const struct profile *p)
{
	int n = 0;

	for (int i = 0; i < p->n_cores; i++)
		n += (int)p->cores[i].count;
	return n;
}
