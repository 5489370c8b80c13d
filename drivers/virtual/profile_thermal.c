/* SPDX-License-Identifier: Apache-2.0 */
/* A profile's thermal zones, cooling devices and thresholds; see profile.h. */
#include "drivers/virtual/profile_internal.h"

#include "base/err.h"
#include "base/mem.h"

static const char *const node_words[] = {"die", "skin", "battery", "fixed", NULL};
static const char *const unit_words[] = {"milli", "deci", "whole", NULL};

static const struct json_field zone_fields[] = {
	TEXT(profile_zone, type, true),
	WORD(profile_zone, "node", node, node_words),
	WORD(profile_zone, "unit", unit, unit_words),
	NUM(profile_zone, offset_c, -100, 100),
	INT(profile_zone, value, -1000000, 1000000, false),
	{.key = "hal",
		.want = JSON_WANT_INT,
		.off = offsetof(struct profile_zone, hal_number),
		.min = -1,
		.max = 32},
};

static int read_zones(const struct profile_reading *r, const struct json *list, struct profile *p)
{
	struct profile_thermal *t = &p->thermal;

	JSON_FOREACH (it, list) {
		struct profile_zone *z = &t->zones[t->n_zones];
		int rc;

		if (t->n_zones == PROFILE_ZONES)
			return profile_complain(r, it, "too many zones");
		z->hal_number = -1;
		rc = json_read(r->d, it, "zone", zone_fields, N(zone_fields), z, r->e);
		if (rc)
			return rc;
		z->hal_type = (int)z->hal_number;
		t->n_zones++;
	}
	return 0;
}

static const struct json_field cooling_fields[] = {
	TEXT(profile_cooling, type, true),
	INT(profile_cooling, policy, -1, PROFILE_POLICIES - 1, false),
};

static int read_cooling(const struct profile_reading *r, const struct json *list, struct profile *p)
{
	struct profile_thermal *t = &p->thermal;

	JSON_FOREACH (it, list) {
		struct profile_cooling *c = &t->cooling[t->n_cooling];
		int rc;

		if (t->n_cooling == PROFILE_COOLING)
			return profile_complain(r, it, "too many cooling devices");
		c->policy = -1;
		rc = json_read(
			r->d, it, "cooling device", cooling_fields, N(cooling_fields), c, r->e);
		if (rc)
			return rc;
		if (c->policy >= p->n_policies)
			return profile_complain(r, it, "there is no such policy");
		t->n_cooling++;
	}
	return 0;
}

struct thermal_parts {
	struct profile_thermal t;
	const struct json *zones, *cooling, *thresholds;
};

static const struct json_field thermal_fields[] = {
	NUM(profile_thermal, throttle_c, 0, 150),
	NUM(profile_thermal, release_c, 0, 150),
	BOOL(profile_thermal, hal),
	BOOL(profile_thermal, samsung_numbers),
	PART(thermal_parts, "zones", zones, JSON_WANT_ARRAY),
	PART(thermal_parts, "cooling", cooling, JSON_WANT_ARRAY),
	PART(thermal_parts, "skin_thresholds_c", thresholds, JSON_WANT_ARRAY),
};

int profile_read_thermal(const struct profile_reading *r, const struct json *obj, struct profile *p)
{
	struct thermal_parts *tp = mem_zalloc(sizeof(*tp));
	int rc;

	tp->t = p->thermal;
	rc = json_read(r->d, obj, "thermal", thermal_fields, N(thermal_fields), tp, r->e);
	p->thermal = tp->t;
	if (!rc)
		rc = read_zones(r, tp->zones, p);
	if (!rc)
		rc = read_cooling(r, tp->cooling, p);
	if (!rc)
		rc = profile_numbers(r, tp->thresholds, "skin_thresholds_c", PROFILE_THRESHOLDS,
			p->thermal.thresholds_c, &p->thermal.n_thresholds);
	mem_free(tp);
	return rc;
}
