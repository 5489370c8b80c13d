/* SPDX-License-Identifier: Apache-2.0 */
/* What a phone shows, in the form its readers know, and never half of it. */
#include "support.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/virtual/files.h"
#include "drivers/virtual/physics.h"
#include "drivers/virtual/profile.h"
#include "drivers/virtual/tree.h"

static void show_all(struct support *s, const char *name, bool powered, struct physics *ph)
{
	struct profile *p = support_profile(name);
	struct files f = {.dir = s->dir};
	struct tree_out o = files_out(&f);
	struct tree_phone t = {.profile = p, .serial = "S1", .arm64 = true};

	physics_init(ph, p, 3);
	tree_cpu(&o, p);
	tree_thermal(&o, p);
	tree_power(&o, p);
	tree_proc(&o, &t);
	tree_props(&o, &t);
	tree_dumps(&o, p);
	tree_cpu_now(&o, p, ph);
	tree_thermal_now(&o, p, ph);
	tree_power_now(&o, p, ph, powered);
	tree_dumps_now(&o, p, ph, powered);
	assert_int_equal(f.failed, 0);
	profile_free(p);
}

static int64_t number(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	assert_non_null(p);
	return strtoll(p + strlen(key), NULL, 10);
}

#define CPUFREQ "root/sys/devices/system/cpu/cpufreq/"
#define BATTERY "root/sys/class/power_supply/battery/"

static void sysfs_is_as_the_kernel_writes_it(void **state)
{
	struct physics ph;
	struct support s;
	char path[128];
	struct stat st;

	(void)state;
	support_init(&s);
	show_all(&s, "pixel-8", true, &ph);
	assert_string_equal(support_text(&s, "root/sys/devices/system/cpu/possible"), "0-8\n");
	assert_string_equal(support_text(&s, CPUFREQ "policy4/related_cpus"), "4 5 6 7\n");
	assert_string_equal(support_text(&s, CPUFREQ "policy8/cpuinfo_max_freq"), "2914000\n");
	assert_string_equal(support_text(&s, CPUFREQ "policy8/scaling_max_freq"), "2914000\n");
	assert_string_equal(
		support_text(&s, "root/sys/class/thermal/thermal_zone7/temp"), "-274000\n");
	assert_string_equal(
		support_text(&s, "root/sys/class/thermal/cooling_device2/max_state"), "8\n");
	/* Closed, as on the real one. */
	snprintf(path, sizeof(path), "%s/" CPUFREQ "policy0/scaling_max_freq", s.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0);
	support_fini(&s);
}

static void supplies_have_their_drivers_sign_and_unit(void **state)
{
	struct physics ph;
	struct support s;

	(void)state;
	support_init(&s);
	show_all(&s, "xiaomi-mi-8", true, &ph);
	assert_true(
		number(support_text(&s, BATTERY "uevent"), "POWER_SUPPLY_CURRENT_NOW=") < -500000);
	assert_string_equal(support_text(&s, BATTERY "status"), "Charging\n");
	assert_string_equal(support_text(&s, BATTERY "type"), "Battery\n");
	support_fini(&s);
	support_init(&s);
	show_all(&s, "galaxy-s9", true, &ph);
	assert_in_range(number(support_text(&s, BATTERY "current_now"), ""), 500, 1500);
	assert_string_equal(support_text(&s, "root/sys/class/power_supply/usb/online"), "1\n");
	support_fini(&s);
}

static void dumps_are_in_androids_form(void **state)
{
	struct physics ph;
	struct support s;
	const char *text;

	(void)state;
	support_init(&s);
	show_all(&s, "pixel-8", true, &ph);
	text = support_text(&s, TREE_SYSTEM "/dump/battery");
	assert_int_equal(strncmp(text, "Current Battery Service state:\n", 31), 0);
	assert_int_equal(number(text, "\n  level: "), 82);
	assert_int_equal(number(text, "\n  status: "), 2);
	assert_in_range(number(text, "\n  temperature: "), 200, 400);
	text = support_text(&s, TREE_SYSTEM "/dump/thermalservice");
	assert_non_null(strstr(text, "HAL Ready: true\n"));
	assert_non_null(strstr(text, ", mType=3, mName=skin_therm1, mStatus=0}"));
	assert_non_null(
		strstr(support_text(&s, TREE_SYSTEM "/dump/display"), "peakRefreshRate=120.000"));
	support_fini(&s);
	support_init(&s);
	show_all(&s, "galaxy-s9", false, &ph);
	text = support_text(&s, TREE_SYSTEM "/dump/thermalservice");
	assert_non_null(strstr(text, "Sdhms connected: yes"));
	assert_non_null(strstr(text, ", mType=4, mName=ac")); /* skin is 3 elsewhere */
	text = support_text(&s, TREE_SYSTEM "/build.prop");
	assert_non_null(strstr(text, "\nro.framefarm.virtual=1\n"));
	assert_non_null(strstr(text, "\nro.framefarm.root=/\n"));
	assert_non_null(strstr(text, "ro.serialno=S1\n"));
	assert_null(strstr(text, "ro.framefarm.clock"));
	support_fini(&s);
}

/* ---- files that are open elsewhere ---- */

static void an_open_file_shows_the_new_value(void **state)
{
	struct support s;
	struct files f = {.moving = true};
	struct tree_out o = files_out(&f);
	char path[128], text[32];
	int fd;

	(void)state;
	support_init(&s);
	f.dir = s.dir;
	tree_put(&o, "a/temp", true, "%d\n", 41000);
	snprintf(path, sizeof(path), "%s/a/temp", s.dir);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	for (int v = 9; v < 2000000; v = v * 3 + 1) {
		ssize_t n;

		tree_put(&o, "a/temp", true, "%d\n", v % 7 ? v : v / 100);
		n = pread(fd, text, sizeof(text) - 1, 0);
		assert_true(n > 0);
		text[n] = '\0';
		assert_int_equal(atoi(text), v % 7 ? v : v / 100);
		assert_string_equal(
			text + strcspn(text, " \n") + strspn(text + strcspn(text, " \n"), " "),
			"\n");
	}
	close(fd);
	support_fini(&s);
}

struct reader {
	int fd;
	atomic_bool stop;
	int torn, seen;
	bool resized; /* the file was seen with another length, or one that is no whole words */
};

static void *read_on(void *arg)
{
	struct reader *r = arg;
	char text[32];

	while (!atomic_load(&r->stop)) {
		ssize_t n = pread(r->fd, text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		r->resized |= n != 8;
		r->torn += atoi(text) != 11111 && atoi(text) != 222222;
		r->seen++;
	}
	return NULL;
}

/* What is sure is the length: one word, whichever number is in it. That the word comes in one piece is
 * the kernel's copy, which a processor that copies by bytes was seen to interrupt, once in millions. */
static void a_reader_sees_whole_words_that_are_hardly_ever_mixed(void **state)
{
	struct support s;
	struct files f = {.moving = true};
	struct tree_out o = files_out(&f);
	struct reader r = {0};
	char path[128];
	pthread_t t;

	(void)state;
	support_init(&s);
	f.dir = s.dir;
	tree_put(&o, "temp", true, "%d\n", 11111);
	snprintf(path, sizeof(path), "%s/temp", s.dir);
	r.fd = open(path, O_RDONLY);
	assert_int_equal(pthread_create(&t, NULL, read_on, &r), 0);
	for (int i = 0; i < 20000; i++)
		tree_put(&o, "temp", true, "%d\n", i & 1 ? 11111 : 222222);
	atomic_store(&r.stop, true);
	pthread_join(t, NULL);
	assert_false(r.resized);
	assert_true(r.seen > 100);
	assert_true(r.torn <= 1 + r.seen / 10000);
	close(r.fd);
	support_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sysfs_is_as_the_kernel_writes_it),
		cmocka_unit_test(supplies_have_their_drivers_sign_and_unit),
		cmocka_unit_test(dumps_are_in_androids_form),
		cmocka_unit_test(an_open_file_shows_the_new_value),
		cmocka_unit_test(a_reader_sees_whole_words_that_are_hardly_ever_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
