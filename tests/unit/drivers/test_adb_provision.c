/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a farm's phones, run by a real shell over stand-ins of Android's commands that keep
 * what they are told in files: ask, set, ask again, give back. */
#include "support_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/adb/provision.h"

static char dir[64];

static const char *const commands[][2] = {
	{"settings", "f=$D/db.$2.$3\n"
		     "case $1 in\n"
		     "get) if [ -f $f ]; then cat $f; else echo null; fi ;;\n"
		     "put) echo \"$4\" >$f ;;\n"
		     "delete) rm -f $f ;;\n"
		     "esac"},
	{"locksettings", "echo 'Lock credential verified successfully'"},
	{"getprop", "echo mtp,adb"},
	{"svc", "case $2 in enable) v=1 ;; *) v=0 ;; esac\n"
		"case $1 in bluetooth) echo $v >$D/db.global.bluetooth_on ;;\n"
		"wifi) echo $v >$D/db.global.wifi_on ;; data) echo $v >$D/db.global.mobile_data "
		";;\n"
		"esac"},
};

static int make_phone(void **state)
{
	char path[128];

	(void)state;
	strcpy(dir, "/tmp/ff-provision-XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", dir, commands[i][0]);
		f = fopen(path, "w");
		assert_non_null(f);
		fprintf(f, "#!/bin/sh\nD=%s\n%s\n", dir, commands[i][1]);
		fclose(f);
		chmod(path, 0755);
	}
	return 0;
}

static int drop_phone(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void run(const struct buf *script, struct buf *out)
{
	char path[512], block[4096];
	size_t n;
	FILE *p;

	snprintf(path, sizeof(path), "%s:%s", dir, getenv("PATH"));
	setenv("SCRIPT", buf_text((struct buf *)script), 1);
	setenv("PHONE_PATH", path, 1);
	p = popen("PATH=$PHONE_PATH sh -c \"$SCRIPT\"", "r");
	assert_non_null(p);
	while ((n = fread(block, 1, sizeof(block), p)) > 0)
		buf_put(out, block, n);
	assert_int_equal(pclose(p), 0);
}

static void ask(struct adb_provision_state *s)
{
	struct buf script, out;

	buf_init(&script, 0);
	buf_init(&out, 0);
	adb_provision_ask(&script);
	run(&script, &out);
	adb_provision_read(&out, s);
	buf_fini(&script);
	buf_fini(&out);
}

static void test_a_fresh_phone_is_made_ready_and_given_back(void **state)
{
	struct adb_provision_state fresh, ready, back;
	struct buf script, out;
	int wrong = 0;

	(void)state;
	ask(&fresh);
	buf_init(&script, 0);
	buf_init(&out, 0);
	for (int i = 0; i < adb_n_settings; i++) {
		wrong += !adb_provision_ok(&fresh, i);
		if (!adb_provision_ok(&fresh, i))
			adb_provision_set(&script, i);
	}
	assert_true(wrong > 8); /* Android's own settings are no farm's */
	buf_puts(&script, "true");
	run(&script, &out);
	ask(&ready);
	for (int i = 0; i < adb_n_settings; i++)
		if (!adb_provision_ok(&ready, i))
			fail_msg("%s is \"%s\"", adb_settings[i].name, ready.value[i]);

	buf_fini(&script);
	for (int i = 0; i < adb_n_settings; i++)
		adb_provision_unset(&script, i, fresh.value[i]);
	buf_puts(&script, "true");
	run(&script, &out);
	ask(&back);
	for (int i = 0; i < adb_n_settings; i++)
		if (!strncmp(adb_settings[i].get, "settings get", 12) && adb_settings[i].set &&
			!strncmp(adb_settings[i].set, "settings put", 12))
			assert_string_equal(back.value[i], fresh.value[i]);
	buf_fini(&script);
	buf_fini(&out);
}

/* What a phone printed comes back into a script. */
static void test_a_hostile_value_stays_one_word(void **state)
{
	int i = adb_provision_find("stay_awake");
	struct adb_provision_state s;
	struct buf script, out;

	(void)state;
	assert_true(i >= 0);
	buf_init(&script, 0);
	buf_init(&out, 0);
	adb_provision_unset(&script, i, "3'; touch $D/owned; echo '");
	buf_puts(&script, "true");
	run(&script, &out);
	ask(&s);
	assert_string_equal(s.value[i], "3'; touch $D/owned; echo '");
	buf_fini(&script);
	buf_fini(&out);
}

static void test_several_values_may_be_right(void **state)
{
	int i = adb_provision_find("mobile_data");
	struct adb_provision_state s = {0};

	(void)state;
	strcpy(s.value[i], "null");
	assert_true(adb_provision_ok(&s, i));
	strcpy(s.value[i], "0");
	assert_true(adb_provision_ok(&s, i));
	strcpy(s.value[i], "1");
	assert_false(adb_provision_ok(&s, i));
	strcpy(s.value[i], "");
	assert_false(adb_provision_ok(&s, i));
	strcpy(s.value[i], "0|null");
	assert_false(adb_provision_ok(&s, i));
}

static void test_radios_are_left_alone_over_tcp(void **state)
{
	(void)state;
	assert_false(adb_provision_applies(adb_provision_find("wifi"), false));
	assert_true(adb_provision_applies(adb_provision_find("wifi"), true));
	assert_true(adb_provision_applies(adb_provision_find("bluetooth"), false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_fresh_phone_is_made_ready_and_given_back, make_phone, drop_phone),
		cmocka_unit_test_setup_teardown(
			test_a_hostile_value_stays_one_word, make_phone, drop_phone),
		cmocka_unit_test(test_several_values_may_be_right),
		cmocka_unit_test(test_radios_are_left_alone_over_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
