/* SPDX-License-Identifier: Apache-2.0 */
/* Thermal zones as phones really have them, what is hottest, and when it is cool enough to
 * begin. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/sampler.h"
#include "agent/thermal_gate.h"
#include "agent/thermal_rules.h"

static void zone(struct tree *t, int n, const char *type, const char *temp)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/thermal/thermal_zone%d/type", n);
	if (type)
		tree_put(t, path, type);
	snprintf(path, sizeof(path), "/sys/class/thermal/thermal_zone%d/temp", n);
	tree_put(t, path, temp);
}

/* ---- rules ---- */

static void some_zones_are_no_temperatures(void **state)
{
	static const char *const denied[] = {"soc", "socd", "pm8150b-ibat-lvl0",
		"pm8150b-vbat-lvl1", "pm8150b-bcl-lvl2", "gpu-skin-avg-step", "cpu-0-max-step",
		"vph_pwr", "battery_cycle", "pixel-vdroop1", "smpl_gm", "batoilo", "cpu0-ocp"};
	static const char *const fine[] = {"soc_max", "soc-thermal", "cpu-0-0-usr", "xo-therm",
		"battery", "x86_pkg_temp", "quiet-therm", "stepper-therm", "BIG", "mtktscpu"};

	(void)state;
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (!thermal_is_denied(denied[i]))
			fail_msg("%s was taken for a temperature", denied[i]);
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		if (thermal_is_denied(fine[i]))
			fail_msg("%s was denied", fine[i]);
}

static void absent_sensors_are_not_plausible(void **state)
{
	static const int64_t absent[] = {
		-274000, -273000, -127000, -40000, 125000, 150001, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_false(thermal_is_plausible(absent[i]));
	assert_true(thermal_is_plausible(0));
	assert_true(thermal_is_plausible(-30000));
	assert_true(thermal_is_plausible(150000));
}

/* ---- zones ---- */

static void the_scale_of_a_zone_is_learned(void **state)
{
	struct tree t;
	struct reading r;
	const struct counter *c;

	(void)state;
	tree_init(&t);
	zone(&t, 0, "tsens_tz_sensor0\n", "312\n"); /* tenths of a degree */
	zone(&t, 1, "cpu-0-0-usr\r\n", "42300\r\n");
	zone(&t, 2, "pm_tz\n", "37\n"); /* whole degrees */
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "thermal.tsens_tz_sensor0"), 31200);
	assert_int_equal(reading_value(&r, "thermal.cpu-0-0-usr"), 42300);
	assert_int_equal(reading_value(&r, "thermal.pm_tz"), 37000);
	c = sampler_counter(r.s, reading_find(&r, "thermal.tsens_tz_sensor0"));
	assert_string_equal(c->info.unit, "mC");
	assert_non_null(strstr(c->info.source, "raw in 0.1 degrees"));
	/* It stays what it is, also where one reading alone would be guessed otherwise. */
	zone(&t, 0, NULL, "95\n");
	zone(&t, 1, NULL, "850\n");
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "thermal.tsens_tz_sensor0"), 9500);
	assert_int_equal(reading_value(&r, "thermal.cpu-0-0-usr"), 850);
	reading_fini(&r);
	tree_fini(&t);
}

static void a_cold_zone_learns_from_its_family(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	zone(&t, 0, "cpu-0-0-usr\n", "900\n"); /* 0.9 °C */
	zone(&t, 1, "cpu-1-3-usr\n", "1100\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "thermal.cpu-0-0-usr"), 900);
	assert_int_equal(reading_value(&r, "thermal.cpu-1-3-usr"), 1100);
	reading_fini(&r);
	tree_fini(&t);
}

static void a_cold_zone_on_its_own_is_put_right_by_what_it_reads_later(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	zone(&t, 0, "lonely\n", "900\n");
	reading_init(&r, &t);
	zone(&t, 0, NULL, "25000\n");
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "thermal.lonely"), 25000);
	zone(&t, 0, NULL, "900\n");
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "thermal.lonely"), 900);
	reading_fini(&r);
	tree_fini(&t);
}

static void zero_teaches_nothing(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	zone(&t, 0, "not-fitted\n", "0\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_true(reading_gap(&r, "thermal.not-fitted"));
	assert_false(sampler_has_temps(r.s));
	zone(&t, 0, NULL, "45000\n");
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "thermal.not-fitted"), 45000);
	zone(&t, 0, NULL, "0\n");
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "thermal.not-fitted"), 0);
	reading_fini(&r);
	tree_fini(&t);
}

static void zones_are_found_by_type_whatever_their_numbers(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	zone(&t, 10, "acpitz\n", "27800\n");
	zone(&t, 2, "acpitz\n", "29800\n");
	zone(&t, 3, "soc\n", "72\n");
	zone(&t, 4, NULL, "33000\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(
		reading_value(&r, "thermal.acpitz"), 29800); /* zone 2 comes before zone 10 */
	assert_int_equal(reading_value(&r, "thermal.acpitz.3"), 27800);
	assert_int_equal(reading_value(&r, "thermal.thermal_zone4"), 33000);
	assert_true(reading_gap(&r, "thermal.soc"));
	assert_int_equal(
		sampler_counter(r.s, reading_find(&r, "thermal.soc"))->info.error, ENOTSUP);
	reading_fini(&r);
	tree_fini(&t);
}

static void readings_that_fail_or_lie_are_gaps(void **state)
{
	static const char *const bad[] = {"", "\n", "N/A\n", "-274000\n", "-127000\n",
		"1234567890123\n", "99999999999999999999\n", "-22x\n"};
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	zone(&t, 0, "cpu\n", "40000\n");
	reading_init(&r, &t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		zone(&t, 0, NULL, bad[i]);
		reading_sweep(&r);
		assert_true(reading_gap(&r, "thermal.cpu"));
	}
	reading_fini(&r);
	tree_fini(&t);
}

/* ---- hottest ---- */

static void the_hottest_zone_counts_and_hwmon_only_without_zones(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/sys/class/hwmon/hwmon0/name", "nvme\n");
	tree_put(&t, "/sys/class/hwmon/hwmon0/temp1_input", "66000\n");
	reading_init(&r, &t);
	assert_int_equal(sampler_hottest(r.s), SAMPLER_TEMP_UNKNOWN); /* nothing was read yet */
	assert_true(sampler_has_temps(r.s));
	reading_sweep(&r);
	assert_int_equal(sampler_hottest(r.s), 66000);
	reading_fini(&r);
	zone(&t, 0, "cpu\n", "41000\n");
	zone(&t, 1, "gpu\n", "43000\n");
	zone(&t, 2, "fake\n", "125000\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(sampler_hottest(r.s), 43000);
	reading_fini(&r);
	tree_fini(&t);
}

static void unknown_is_never_cool(void **state)
{
	struct thermal_gate g = {0};

	(void)state;
	assert_int_equal(thermal_gate_ask(&g, 0, 50000), THERMAL_UNKNOWN);
	for (int i = 0; i < 20; i++)
		thermal_gate_note(&g, i * 1000000000LL, 30000);
	assert_int_equal(thermal_gate_ask(&g, 19000000000LL, 50000), THERMAL_COOL);
	/* The last reading has grown old, or the sensor says nothing any more. */
	assert_int_equal(thermal_gate_ask(&g, 25000000000LL, 50000), THERMAL_UNKNOWN);
	thermal_gate_note(&g, 20000000000LL, INT32_MIN);
	assert_int_equal(thermal_gate_ask(&g, 20000000000LL, 50000), THERMAL_UNKNOWN);
}

/* ---- gate ---- */

/* Notes n readings, a second apart, that rise by step m°C each; returns the time of the last. */
static int64_t readings(struct thermal_gate *g, int n, int32_t from_mc, int32_t step_mc)
{
	for (int i = 0; i < n; i++)
		thermal_gate_note(g, i * 1000000000LL, from_mc + i * step_mc);
	return (n - 1) * 1000000000LL;
}

static void the_gate_wants_cool_and_settled(void **state)
{
	struct thermal_gate g = {0};
	int64_t now;
	double slope;

	(void)state;
	now = readings(&g, 5, 30000, 0);
	assert_int_equal(thermal_gate_ask(&g, now, 45000), THERMAL_TOO_NEW);
	g = (struct thermal_gate){0};
	now = readings(&g, 40, 46000, 0);
	assert_int_equal(thermal_gate_ask(&g, now, 45000), THERMAL_HOT);
	assert_int_equal(thermal_gate_ask(&g, now, 46000), THERMAL_COOL);
	assert_int_equal(thermal_gate_ask(&g, now, INT32_MIN), THERMAL_COOL); /* no limit is set */
	g = (struct thermal_gate){0};
	now = readings(&g, 40, 30000, 7); /* 0.21 °C in 30 s */
	assert_true(thermal_gate_slope(&g, now, &slope));
	assert_true(slope > 209.9 && slope < 210.1);
	assert_int_equal(thermal_gate_ask(&g, now, 45000), THERMAL_RISING);
	g = (struct thermal_gate){0};
	now = readings(&g, 40, 30000, 6);
	assert_int_equal(thermal_gate_ask(&g, now, 45000), THERMAL_COOL);
	g = (struct thermal_gate){0};
	now = readings(&g, 40, 40000, -100); /* it may go on cooling */
	assert_int_equal(thermal_gate_ask(&g, now, 45000), THERMAL_COOL);
}

static void noise_is_not_a_slope(void **state)
{
	struct thermal_gate g = {0};
	double slope;

	(void)state;
	for (int i = 0; i < 40; i++)
		thermal_gate_note(&g, i * 1000000000LL, 40000 + (i % 2 ? 1500 : -1500));
	assert_true(thermal_gate_slope(&g, 39000000000LL, &slope));
	assert_true(slope < 300 && slope > -300);
}

static void readings_closer_than_a_second_are_not_kept(void **state)
{
	struct thermal_gate g = {0};

	(void)state;
	for (int i = 0; i < 300; i++)
		thermal_gate_note(&g, i * 100000000LL, 40000);
	assert_int_equal(g.n, 34);
	for (int i = 300; i < 3000; i++)
		thermal_gate_note(&g, i * 100000000LL, 40000);
	assert_int_equal(g.n, THERMAL_GATE_READINGS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_zones_are_no_temperatures),
		cmocka_unit_test(absent_sensors_are_not_plausible),
		cmocka_unit_test(the_scale_of_a_zone_is_learned),
		cmocka_unit_test(a_cold_zone_learns_from_its_family),
		cmocka_unit_test(a_cold_zone_on_its_own_is_put_right_by_what_it_reads_later),
		cmocka_unit_test(zero_teaches_nothing),
		cmocka_unit_test(zones_are_found_by_type_whatever_their_numbers),
		cmocka_unit_test(readings_that_fail_or_lie_are_gaps),
		cmocka_unit_test(the_hottest_zone_counts_and_hwmon_only_without_zones),
		cmocka_unit_test(unknown_is_never_cool),
		cmocka_unit_test(the_gate_wants_cool_and_settled),
		cmocka_unit_test(noise_is_not_a_slope),
		cmocka_unit_test(readings_closer_than_a_second_are_not_kept),
	};

	return cmocka_run_group_tests_name("agent thermal", tests, NULL, NULL);
}
