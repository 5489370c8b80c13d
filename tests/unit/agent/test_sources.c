/* SPDX-License-Identifier: Apache-2.0 */
/* What each source makes of the texts that kernels print, and of those they should not. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/charge.h"
#include "agent/sampler.h"
#include "agent/text.h"

static const struct counter *counter(const struct reading *r, const char *name)
{
	return sampler_counter(r->s, reading_find(r, name));
}

/* ---- text ---- */

static void numbers_are_numbers_and_nothing_else_is(void **state)
{
	static const char *const bad[] = {"", " ", "-", "+", "abc", "12x", "1.5", "0x10", "--1",
		"NaN", "9223372036854775808", "-9223372036854775809"};
	int64_t v = 77;

	(void)state;
	assert_int_equal(text_int("42", &v), 0);
	assert_int_equal(v, 42);
	assert_int_equal(text_int("  -22\r\n", &v), 0);
	assert_int_equal(v, -22);
	assert_int_equal(text_int("+7 kB", &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(text_int("9223372036854775807", &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(text_int("-9223372036854775808\n", &v), 0);
	assert_true(v == INT64_MIN);
	v = 77;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!text_int(bad[i], &v))
			fail_msg("\"%s\" was taken for a number", bad[i]);
		assert_int_equal(v, 77);
	}
}

static void lists_of_cpus_are_counted(void **state)
{
	(void)state;
	assert_true(text_compare("zone2", "zone10") < 0);
	assert_true(text_compare("zone10", "zone2") > 0);
	assert_true(text_compare("zone19", "zone20") < 0);
	assert_true(text_compare("zone1a", "zone1b") < 0);
	assert_true(text_compare("zone", "zone0") < 0);
	assert_true(text_compare("a007b", "a7c") < 0);
	assert_true(text_compare("b1", "a2") > 0);
	assert_int_equal(text_compare("zone07", "zone7"), 0);
	assert_int_equal(text_cpu_count("0"), 1);
	assert_int_equal(text_cpu_count("0-3,5,8-9\n"), 7);
	assert_int_equal(text_cpu_count(""), -EINVAL);
	assert_int_equal(text_cpu_count("3-1"), -EINVAL);
	assert_int_equal(text_cpu_count("0-99999999"), -EINVAL);
}

/* ---- cpufreq ---- */

#define POLICY "/sys/devices/system/cpu/cpufreq/policy"

static void clocks_and_caps_of_each_policy(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, POLICY "0/scaling_cur_freq", "1804800\n");
	tree_put(&t, POLICY "0/scaling_max_freq", "1804800\n");
	tree_put(&t, POLICY "4/scaling_cur_freq", "<unknown>\n");
	tree_put(&t, POLICY "4/scaling_min_freq", "710400\r\n");
	tree_put(&t, "/sys/devices/system/cpu/online", "0-7\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_true(reading_value(&r, "cpu.policy0.freq") == 1804800000);
	assert_string_equal(counter(&r, "cpu.policy0.freq")->info.unit, "Hz");
	assert_true(reading_value(&r, "cpu.policy0.freq_cap") == 1804800000);
	assert_true(reading_value(&r, "cpu.policy4.freq_floor") == 710400000);
	assert_true(reading_gap(&r, "cpu.policy4.freq"));
	assert_int_equal(counter(&r, "cpu.policy4.freq")->info.available, 0);
	assert_int_equal(counter(&r, "cpu.policy4.freq")->info.error, EINVAL);
	/* Missing on a third of all phones: reported, with why. */
	assert_int_equal(counter(&r, "cpu.policy4.freq_cap")->info.error, ENOENT);
	assert_int_equal(reading_value(&r, "cpu.online"), 8);
	reading_fini(&r);
	tree_fini(&t);
}

static void old_trees_have_their_clocks_per_cpu(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_cur_freq", "600000\n");
	tree_put(&t, "/sys/devices/system/cpu/cpu1/online", "1\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_true(reading_value(&r, "cpu.policy0.freq") == 600000000);
	assert_false(reading_knows(&r, "cpu.policy1.freq"));
	reading_fini(&r);
	tree_fini(&t);
}

static void a_machine_without_clocks_says_so(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	reading_init(&r, &t);
	assert_int_equal(counter(&r, "cpu.policy0.freq")->info.error, ENOENT);
	assert_int_equal(counter(&r, "mem.available")->info.error, ENOENT);
	reading_sweep(&r);
	for (uint32_t i = 0; i < sampler_count(r.s); i++)
		assert_false(r.seen[i]);
	reading_fini(&r);
	tree_fini(&t);
}

/* ---- files of one number ---- */

static void a_value_that_goes_away_is_a_gap_and_may_come_back(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/sys/class/hwmon/hwmon0/name", "fanny\n");
	tree_put(&t, "/sys/class/hwmon/hwmon0/fan1_input", "1200\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "hwmon.fanny.fan1"), 1200);
	tree_put(&t, "/sys/class/hwmon/hwmon0/fan1_input", "");
	reading_sweep(&r);
	assert_true(reading_gap(&r, "hwmon.fanny.fan1"));
	tree_put(&t, "/sys/class/hwmon/hwmon0/fan1_input", "0\n");
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "hwmon.fanny.fan1"), 0);
	reading_fini(&r);
	tree_fini(&t);
}

static void chips_are_named_and_scaled(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/sys/class/hwmon/hwmon0/name", "ina3221\r\n");
	tree_put(&t, "/sys/class/hwmon/hwmon0/in1_input", "19072\n");
	tree_put(&t, "/sys/class/hwmon/hwmon0/curr1_input", "736\n");
	tree_put(&t, "/sys/class/hwmon/hwmon0/in1_label", "VDD_IN\n");
	tree_put(&t, "/sys/class/hwmon/hwmon0/power1_average", "14000000\n");
	tree_put(&t, "/sys/class/hwmon/hwmon1/name", "ina3221\n");
	tree_put(&t, "/sys/class/hwmon/hwmon1/in1_input", "5000\n");
	tree_put(&t, "/sys/class/hwmon/hwmon2/device/name", "coretemp\n");
	tree_put(&t, "/sys/class/hwmon/hwmon2/device/temp2_input", "51000\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "hwmon.ina3221.in1"), 19072);
	assert_int_equal(counter(&r, "hwmon.ina3221.in1")->scale, 1000);
	assert_string_equal(counter(&r, "hwmon.ina3221.in1")->info.unit, "V");
	assert_int_equal(reading_value(&r, "hwmon.ina3221.curr1"), 736);
	assert_int_equal(reading_value(&r, "hwmon.ina3221.power1"), 14000000);
	assert_int_equal(reading_value(&r, "hwmon.ina3221.hwmon1.in1"), 5000);
	assert_int_equal(reading_value(&r, "hwmon.coretemp.temp2"), 51000);
	assert_false(reading_knows(&r, "hwmon.ina3221.in1_label"));
	reading_fini(&r);
	tree_fini(&t);
}

static void cooling_devices_show_their_state(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/sys/class/thermal/cooling_device0/type", "thermal-cpufreq-0\n");
	tree_put(&t, "/sys/class/thermal/cooling_device0/cur_state", "3\n");
	tree_put(&t, "/sys/class/thermal/cooling_device1/type", "Processor\n");
	tree_put(&t, "/sys/class/thermal/cooling_device1/cur_state", "0\n");
	tree_put(&t, "/sys/class/thermal/cooling_device2/type", "Processor\n");
	tree_put(&t, "/sys/class/thermal/cooling_device2/cur_state", "1\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "cooling.thermal-cpufreq-0"), 3);
	assert_int_equal(reading_value(&r, "cooling.Processor"), 0);
	assert_int_equal(reading_value(&r, "cooling.Processor.2"), 1);
	reading_fini(&r);
	tree_fini(&t);
}

/* ---- power supplies ---- */

#define BATTERY "/sys/class/power_supply/battery/"

static void a_battery_gives_every_number_it_has(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, BATTERY "uevent",
		"DEVTYPE=power_supply\n"
		"POWER_SUPPLY_NAME=battery\r\n"
		"POWER_SUPPLY_STATUS=Discharging\r\n"
		"POWER_SUPPLY_CAPACITY=77\r\n"
		"POWER_SUPPLY_CURRENT_NOW=-19531\n"
		"POWER_SUPPLY_VOLTAGE_NOW=4083000\n"
		"POWER_SUPPLY_VOLTAGE_QNOVO=-22\n"
		"POWER_SUPPLY_TEMP=305\n"
		"POWER_SUPPLY_CHARGE_CONTROL_LIMIT=0\n"
		"POWER_SUPPLY_CHARGE_COUNTER=-562\n"
		"POWER_SUPPLY_CAPACITY=78\n"
		"POWER_SUPPLY_SERIAL_NUMBER=a=b=c\n"
		"POWER_SUPPLY_TECHNOLOGY=Li-ion");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(
		reading_value(&r, "power.battery.capacity"), 77); /* the first one counts */
	assert_int_equal(reading_value(&r, "power.battery.current_now"), -19531);
	assert_string_equal(counter(&r, "power.battery.current_now")->info.unit, "uA");
	assert_int_equal(reading_value(&r, "power.battery.voltage_now"), 4083000);
	assert_string_equal(counter(&r, "power.battery.voltage_now")->info.unit, "uV");
	assert_int_equal(reading_value(&r, "power.battery.temp"), 305);
	assert_int_equal(counter(&r, "power.battery.temp")->scale, 10);
	assert_int_equal(reading_value(&r, "power.battery.charge_counter"), -562);
	assert_string_equal(counter(&r, "power.battery.charge_counter")->info.unit, "uAh");
	assert_string_equal(counter(&r, "power.battery.charge_control_limit")->info.unit, "");
	/* An errno that a driver printed as data. */
	assert_true(reading_gap(&r, "power.battery.voltage_qnovo"));
	assert_false(reading_knows(&r, "power.battery.status"));
	assert_false(reading_knows(&r, "power.battery.serial_number"));
	tree_put(&t, BATTERY "uevent", "POWER_SUPPLY_CAPACITY=nothing\nPOWER_SUPPLY_TEMP=-50\n");
	reading_sweep(&r);
	assert_true(reading_gap(&r, "power.battery.capacity"));
	assert_true(reading_gap(&r, "power.battery.current_now"));
	assert_int_equal(reading_value(&r, "power.battery.temp"), -50);
	reading_fini(&r);
	tree_fini(&t);
}

static void the_charge_class_comes_from_the_devices_own_battery(void **state)
{
	struct tree t;

	(void)state;
	tree_init(&t);
	assert_string_equal(charge_class(&t.root), "mains");
	tree_put(&t, "/sys/class/power_supply/AC/type", "Mains\n");
	tree_put(&t, "/sys/class/power_supply/hid-mouse/type", "Battery\n");
	tree_put(&t, "/sys/class/power_supply/hid-mouse/scope", "Device\n");
	tree_put(&t, "/sys/class/power_supply/hid-mouse/status", "Discharging\n");
	assert_string_equal(charge_class(&t.root), "mains");
	tree_put(&t, BATTERY "type", "Battery\n");
	assert_string_equal(charge_class(&t.root), "unknown");
	tree_put(&t, BATTERY "status", "Not charging\r\n");
	assert_string_equal(charge_class(&t.root), "not_charging");
	tree_fini(&t);
}

/* ---- proc ---- */

static void memory_in_bytes(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/proc/meminfo",
		"MemTotal:       16384 kB\nMemFree:         1000 kB\nMemAvailable:    8000 kB\n"
		"MemAvailableNot: 5 kB\nSwapFree:           0 kB\n");
	tree_put(&t, "/proc/vmstat", "nr_free_pages 9\npgmajfault 1302\npswpin 4\noom_kill 1\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "mem.available"), 8000 * 1024);
	assert_int_equal(reading_value(&r, "mem.swap_free"), 0);
	assert_int_equal(counter(&r, "mem.cma_free")->info.error, ENODATA);
	assert_int_equal(reading_value(&r, "vm.major_faults"), 1302);
	assert_int_equal(reading_value(&r, "vm.oom_kills"), 1);
	assert_true(reading_gap(&r, "vm.swap_out"));
	tree_put(&t, "/proc/meminfo", "MemAvailable:    garbage kB\n");
	reading_sweep(&r);
	assert_true(reading_gap(&r, "mem.available"));
	reading_fini(&r);
	tree_fini(&t);
}

static void business_between_two_sweeps(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/proc/stat",
		"cpu  100 0 100 1000 100 0 0 0 0 0\ncpu0 50 0 50 500 50 0 0 0 0 0\n"
		"cpu1 50 0 50 500 50 0 0 0 0 0\nintr 5 4 3\nctxt 1\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_true(reading_gap(&r, "cpu.busy")); /* nothing to compare with yet */
	tree_put(&t, "/proc/stat",
		"cpu  150 0 125 1025 100 0 0 0 0 0\ncpu0 100 0 75 500 50 0 0 0 0 0\n"
		"cpu1 50 0 50 480 50 0 0 0 0 0\nintr 5 4 3\n");
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "cpu.busy"), 750);
	assert_int_equal(reading_value(&r, "cpu.0.busy"), 1000);
	assert_int_equal(counter(&r, "cpu.busy")->scale, 10);
	assert_true(reading_gap(&r, "cpu.1.busy")); /* it went back: unplugged meanwhile */
	tree_put(&t, "/proc/stat", "cpu  150 0 125 1026 100 0 0 0 0 0\ncpu1 x\n");
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "cpu.busy"), 0);
	assert_true(reading_gap(&r, "cpu.0.busy"));
	reading_fini(&r);
	tree_fini(&t);
}

static void load_of_the_last_minute(void **state)
{
	static const char *const bad[] = {"", "0.06\n", "x 0.01 0.00 3/91 6084\n",
		"0.6 0 0 3/91 1\n", "1.00 0.01 0.00 a/91 6\n"};
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/proc/loadavg", "12.06 0.01 0.00 3/91 6084\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "load.1m"), 1206);
	assert_int_equal(reading_value(&r, "load.runnable"), 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tree_put(&t, "/proc/loadavg", bad[i]);
		reading_sweep(&r);
		assert_true(reading_gap(&r, "load.1m"));
		assert_true(reading_gap(&r, "load.runnable"));
	}
	reading_fini(&r);
	tree_fini(&t);
}

static void the_runner_has_counters_while_it_lives(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/proc/self/stat", "1 (x) R");
	tree_put(&t, "/proc/55/stat",
		"55 (evil) name) R 1 2 3 4 5 6 700 8 9 10 250 50 13 14 20 0 4 0 900 123456 77 "
		"18446744073709551615\n");
	tree_put(&t, "/proc/55/status",
		"Name:\tevil\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t34\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	assert_true(reading_gap(&r, "runner.rss"));
	sampler_set_runner(r.s, 55);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "runner.rss") % 77, 0);
	assert_true(reading_value(&r, "runner.rss") >= 77 * 4096);
	assert_int_equal(reading_value(&r, "runner.cpu_time"), 300);
	assert_int_equal(reading_value(&r, "runner.major_faults"), 9);
	assert_int_equal(reading_value(&r, "runner.threads"), 4);
	assert_int_equal(reading_value(&r, "runner.switches_voluntary"), 12);
	assert_int_equal(reading_value(&r, "runner.switches_involuntary"), 34);
	sampler_set_runner(r.s, 0);
	reading_sweep(&r);
	assert_true(reading_gap(&r, "runner.rss"));
	reading_fini(&r);
	tree_fini(&t);
}

/* ---- all together ---- */

static void a_sweep_stamps_its_values_with_its_own_time(void **state)
{
	struct tree t;
	struct reading r;
	int64_t first;

	(void)state;
	tree_init(&t);
	tree_put(&t, "/proc/loadavg", "0.06 0.01 0.00 3/91 6084\n");
	reading_init(&r, &t);
	reading_sweep(&r);
	first = r.t_ns[reading_find(&r, "load.1m")];
	assert_true(first > 0);
	assert_true(first == r.t_ns[reading_find(&r, "load.runnable")]);
	reading_sweep(&r);
	assert_true(r.t_ns[reading_find(&r, "load.1m")] > first);
	reading_fini(&r);
	tree_fini(&t);
}

static void links_do_not_lead_out_of_the_tree(void **state)
{
	struct tree t;
	struct reading r;

	(void)state;
	tree_init(&t);
	tree_link(&t, "/proc/loadavg", "/proc/loadavg");
	tree_put(&t, "/real/meminfo", "MemAvailable: 5 kB\n");
	tree_link(&t, "/proc/meminfo", "/real/meminfo");
	reading_init(&r, &t);
	assert_int_equal(counter(&r, "load.1m")->info.error, ELOOP);
	reading_sweep(&r);
	assert_int_equal(reading_value(&r, "mem.available"), 5 * 1024);
	reading_fini(&r);
	tree_fini(&t);
}

static void too_many_counters_are_left_out(void **state)
{
	struct tree t;
	struct reading r;
	char path[128];

	(void)state;
	tree_init(&t);
	for (int i = 0; i < 40; i++) {
		for (int k = 0; k < 3; k++) {
			static const char *const files[] = {
				"scaling_cur_freq", "scaling_max_freq", "scaling_min_freq"};

			snprintf(path, sizeof(path), POLICY "%d/%s", i, files[k]);
			tree_put(&t, path, "1\n");
		}
		for (int k = 0; k < 5; k++) {
			snprintf(path, sizeof(path), "/sys/class/thermal/thermal_zone%d/temp",
				i * 5 + k);
			tree_put(&t, path, "30000\n");
		}
		snprintf(path, sizeof(path), "/sys/class/thermal/cooling_device%d/cur_state", i);
		tree_put(&t, path, "1\n");
		for (int k = 0; k < 5; k++) {
			snprintf(path, sizeof(path), "/sys/class/hwmon/hwmon%d/in%d_input", i, k);
			tree_put(&t, path, "1\n");
		}
	}
	reading_init(&r, &t);
	assert_true(sampler_count(r.s) <= MSG_COUNTERS_MAX);
	reading_sweep(&r);
	assert_true(reading_value(&r, "thermal.thermal_zone0") == 30000);
	reading_fini(&r);
	tree_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_numbers_and_nothing_else_is),
		cmocka_unit_test(lists_of_cpus_are_counted),
		cmocka_unit_test(clocks_and_caps_of_each_policy),
		cmocka_unit_test(old_trees_have_their_clocks_per_cpu),
		cmocka_unit_test(a_machine_without_clocks_says_so),
		cmocka_unit_test(a_value_that_goes_away_is_a_gap_and_may_come_back),
		cmocka_unit_test(chips_are_named_and_scaled),
		cmocka_unit_test(cooling_devices_show_their_state),
		cmocka_unit_test(a_battery_gives_every_number_it_has),
		cmocka_unit_test(the_charge_class_comes_from_the_devices_own_battery),
		cmocka_unit_test(memory_in_bytes),
		cmocka_unit_test(business_between_two_sweeps),
		cmocka_unit_test(load_of_the_last_minute),
		cmocka_unit_test(the_runner_has_counters_while_it_lives),
		cmocka_unit_test(a_sweep_stamps_its_values_with_its_own_time),
		cmocka_unit_test(links_do_not_lead_out_of_the_tree),
		cmocka_unit_test(too_many_counters_are_left_out),
	};

	return cmocka_run_group_tests_name("agent sources", tests, NULL, NULL);
}
