/* SPDX-License-Identifier: Apache-2.0 */
/* The phone's /sys: CPU clocks, thermal zones, power supplies; see tree.h. */
#include "drivers/virtual/tree.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "drivers/virtual/physics.h"
#include "drivers/virtual/profile.h"

#define DIR_MAX  160
#define PATH     (DIR_MAX + 64)
#define TEXT_MAX (64 * 1024)
#define CPU      "root/sys/devices/system/cpu"
#define THERMAL  "root/sys/class/thermal"
#define POWER    "root/sys/class/power_supply"

void tree_put(const struct tree_out *o, const char *path, bool open, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	o->put(o->arg, path, text, n, open);
}

static void put_in(
	const struct tree_out *o, const char *dir, const char *file, bool open, const char *text)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	tree_put(o, path, open, "%s\n", text);
}

static void put_int(
	const struct tree_out *o, const char *dir, const char *file, bool open, int64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, v);
	put_in(o, dir, file, open, text);
}

/* ---- clocks ---- */

static void policy_dir(char dst[DIR_MAX], const struct profile_policy *pol)
{
	snprintf(dst, DIR_MAX, CPU "/cpufreq/policy%" PRId64, pol->first);
}

static void put_policy(const struct tree_out *o, const struct profile_policy *pol)
{
	char dir[DIR_MAX], path[PATH];
	struct buf b;

	policy_dir(dir, pol);
	buf_init(&b, TEXT_MAX);
	for (int64_t c = pol->first; c < pol->first + pol->count; c++)
		buf_printf(&b, "%s%" PRId64, b.len ? " " : "", c);
	put_in(o, dir, "related_cpus", true, buf_text(&b));
	put_in(o, dir, "affected_cpus", true, buf_text(&b));
	buf_drop(&b, b.len);
	for (int i = 0; i < pol->n_freqs; i++)
		buf_printf(&b, "%" PRId64 " ", pol->freqs_khz[i]);
	snprintf(path, sizeof(path), "%s/scaling_available_frequencies", dir);
	tree_put(o, path, true, "%s\n", buf_text(&b));
	buf_fini(&b);
	put_in(o, dir, "scaling_governor", true, pol->governor);
	put_int(o, dir, "cpuinfo_min_freq", true, pol->freqs_khz[0]);
	put_int(o, dir, "cpuinfo_max_freq", true, pol->freqs_khz[pol->n_freqs - 1]);
	put_int(o, dir, "scaling_min_freq", true, pol->freqs_khz[0]);
	if (!pol->cap_readable)
		put_int(o, dir, "scaling_max_freq", false, pol->freqs_khz[pol->n_freqs - 1]);
}

/* As the kernel has it where a device tree names clusters. */
static void put_core(const struct tree_out *o, const struct profile *p, int cpu)
{
	char dir[DIR_MAX];

	snprintf(dir, sizeof(dir), CPU "/cpu%d", cpu);
	put_int(o, dir, "online", true, 1);
	snprintf(dir, sizeof(dir), CPU "/cpu%d/topology", cpu);
	put_int(o, dir, "core_id", true, cpu);
	for (int i = 0; i < p->n_policies; i++)
		if (cpu >= p->policies[i].first &&
			cpu < p->policies[i].first + p->policies[i].count)
			put_int(o, dir, "physical_package_id", true, i);
}

void tree_cpu(const struct tree_out *o, const struct profile *p)
{
	static const char *const lists[] = {"online", "possible", "present"};
	int cpus = profile_cpus(p);

	for (int i = 0; i < 3 && cpus; i++) {
		char path[PATH];

		snprintf(path, sizeof(path), CPU "/%s", lists[i]);
		tree_put(o, path, true, cpus > 1 ? "0-%d\n" : "%d\n", cpus - 1);
	}
	for (int i = 0; i < p->n_policies; i++)
		put_policy(o, &p->policies[i]);
	for (int i = 0; i < cpus; i++)
		put_core(o, p, i);
}

void tree_cpu_now(const struct tree_out *o, const struct profile *p, const struct physics *s)
{
	for (int i = 0; i < p->n_policies; i++) {
		char dir[DIR_MAX];

		policy_dir(dir, &p->policies[i]);
		put_int(o, dir, "scaling_cur_freq", true, physics_clock_khz(s, p, i));
		if (p->policies[i].cap_readable)
			put_int(o, dir, "scaling_max_freq", true, physics_cap_khz(s, p, i));
	}
}

/* ---- heat ---- */

void tree_thermal(const struct tree_out *o, const struct profile *p)
{
	char dir[DIR_MAX];

	for (int i = 0; i < p->thermal.n_zones; i++) {
		snprintf(dir, sizeof(dir), THERMAL "/thermal_zone%d", i);
		put_in(o, dir, "type", true, p->thermal.zones[i].type);
		put_in(o, dir, "mode", true, "enabled");
	}
	for (int i = 0; i < p->thermal.n_cooling; i++) {
		int64_t policy = p->thermal.cooling[i].policy;

		snprintf(dir, sizeof(dir), THERMAL "/cooling_device%d", i);
		put_in(o, dir, "type", true, p->thermal.cooling[i].type);
		put_int(o, dir, "max_state", true,
			policy < 0 ? 1 : p->policies[policy].n_freqs - 1);
	}
}

void tree_thermal_now(const struct tree_out *o, const struct profile *p, const struct physics *s)
{
	char dir[DIR_MAX];

	for (int i = 0; i < p->thermal.n_zones; i++) {
		snprintf(dir, sizeof(dir), THERMAL "/thermal_zone%d", i);
		put_int(o, dir, "temp", true, physics_zone(s, p, i));
	}
	for (int i = 0; i < p->thermal.n_cooling; i++) {
		snprintf(dir, sizeof(dir), THERMAL "/cooling_device%d", i);
		put_int(o, dir, "cur_state", true, physics_cooling(s, p, i));
	}
}

/* ---- power supplies ---- */

struct reading {
	const char *key; /* as in uevent; in lower case it is the file's name */
	char value[48];
};

static void set_int(struct reading *r, const char *key, int64_t v)
{
	r->key = key;
	snprintf(r->value, sizeof(r->value), "%" PRId64, v);
}

static void set_text(struct reading *r, const char *key, const char *v)
{
	r->key = key;
	snprintf(r->value, sizeof(r->value), "%s", v);
}

/* Numbers in the unit and with the sign that the phone's driver has. What moves its length least
 * stands last, so that a file written over in place has no remainder that reads as a value. */
static int battery_readings(
	struct reading *r, const struct profile *p, const struct physics *s, bool powered)
{
	const struct profile_battery *b = &p->battery;
	const struct physics_gauge *g = &s->gauge;
	int64_t ua = b->inverted ? -g->current_ua : g->current_ua;
	int n = 0;

	(void)powered;
	set_text(&r[n++], "STATUS", g->full ? "Full" : g->charging ? "Charging" : "Discharging");
	set_int(&r[n++], "CAPACITY", g->level);
	set_int(&r[n++], "CURRENT_NOW", b->current_milli ? ua / 1000 : ua);
	set_int(&r[n++], "VOLTAGE_NOW", b->voltage_milli ? g->voltage_uv / 1000 : g->voltage_uv);
	set_int(&r[n++], "CHARGE_COUNTER", b->count_milli ? g->counter_uah / 1000 : g->counter_uah);
	set_int(&r[n++], "TEMP", g->temp_deci);
	set_text(&r[n++], "HEALTH", "Good");
	set_int(&r[n++], "PRESENT", 1);
	set_int(&r[n++], "CHARGE_FULL_DESIGN", b->capacity_mah * (b->count_milli ? 1 : 1000));
	set_text(&r[n++], "TECHNOLOGY", "Li-ion");
	return n;
}

static void put_supply(const struct tree_out *o, const char *name, const struct reading *r, int n)
{
	char dir[DIR_MAX], path[PATH], file[48];
	struct buf b;

	snprintf(dir, sizeof(dir), POWER "/%.60s", name);
	buf_init(&b, TEXT_MAX);
	buf_printf(&b, "POWER_SUPPLY_NAME=%s\n", name);
	for (int i = 0; i < n; i++) {
		size_t k = 0;

		for (; r[i].key[k] && k < sizeof(file) - 1; k++)
			file[k] = r[i].key[k] >= 'A' && r[i].key[k] <= 'Z' ? r[i].key[k] + 32
			                                                   : r[i].key[k];
		file[k] = '\0';
		put_in(o, dir, file, true, r[i].value);
		buf_printf(&b, "POWER_SUPPLY_%s=%s\n", r[i].key, r[i].value);
	}
	snprintf(path, sizeof(path), "%s/uevent", dir);
	o->put(o->arg, path, buf_text(&b), b.len, true);
	buf_fini(&b);
}

static bool has_battery(const struct profile *p)
{
	return p->thermal.n_zones || p->n_policies; /* the minimal phone shows no sensors at all */
}

void tree_power(const struct tree_out *o, const struct profile *p)
{
	char dir[DIR_MAX];

	if (!has_battery(p))
		return;
	snprintf(dir, sizeof(dir), POWER "/%s", p->battery.supply);
	put_in(o, dir, "type", true, "Battery");
	snprintf(dir, sizeof(dir), POWER "/%s", p->battery.usb);
	put_in(o, dir, "type", true, "USB");
}

void tree_power_now(
	const struct tree_out *o, const struct profile *p, const struct physics *s, bool powered)
{
	struct reading r[16];

	if (!has_battery(p))
		return;
	put_supply(o, p->battery.supply, r, battery_readings(r, p, s, powered));
	set_int(&r[0], "ONLINE", powered);
	set_int(&r[1], "PRESENT", powered);
	put_supply(o, p->battery.usb, r, 2);
}
