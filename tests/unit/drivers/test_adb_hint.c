/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about an answer of a phone's package manager. */
#include "support_host.h"

#include <string.h>

#include "drivers/adb/hint.h"

/* As phones print them. */
static void test_answers_that_a_person_can_help_with(void **state)
{
	static const struct {
		const char *said, *word;
		int code;
	} rows[] = {
		{"Failure [INSTALL_FAILED_USER_RESTRICTED: Install canceled by user]",
			"Install via USB", ERR_INVAL},
		{"Failure [INSTALL_FAILED_VERIFICATION_FAILURE]", "Verify apps over USB",
			ERR_INVAL},
		{"Failure [INSTALL_FAILED_ABORTED: User rejected permissions]", "screen",
			ERR_INVAL},
		{"Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]", "storage", ERR_NOSPACE},
		{"Failure [INSTALL_FAILED_NO_MATCHING_ABIS: Failed to extract native libraries, "
		 "res=-113]",
			"ABI", ERR_INVAL},
		{"Failure [INSTALL_FAILED_UPDATE_INCOMPATIBLE: Package org.x signatures do not "
		 "match]",
			"remove", ERR_INVAL},
		{"Failure [INSTALL_FAILED_VERSION_DOWNGRADE]", "newer version", ERR_INVAL},
		{"Failure [INSTALL_FAILED_OLDER_SDK: Requires newer sdk version #30]",
			"newer Android", ERR_INVAL},
		{"Failure [INSTALL_FAILED_DEPRECATED_SDK_VERSION: App package must target]",
			"older Android", ERR_INVAL},
		{"Failure [INSTALL_FAILED_TEST_ONLY: installPackageLI]", "release", ERR_INVAL},
		{"Failure [INSTALL_FAILED_MISSING_SPLIT: Missing split for org.x]", "splits",
			ERR_INVAL},
		{"Failure [INSTALL_PARSE_FAILED_NO_CERTIFICATES: Failed collecting certificates]",
			"sign", ERR_INVAL},
		{"Exception occurred while executing 'install':\njava.lang.SecurityException: "
		 "Neither user 2000 nor current process has",
			"Disable permission monitoring", ERR_INVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strstr(adb_install_hint(rows[i].said), rows[i].word))
			fail_msg("%s: \"%s\"", rows[i].said, adb_install_hint(rows[i].said));
		assert_true(strlen(adb_install_hint(rows[i].said)) <= ADB_HINT_MAX);
		assert_int_equal(adb_install_code(rows[i].said), rows[i].code);
	}
}

static void test_what_nobody_knows_is_left_alone(void **state)
{
	(void)state;
	assert_string_equal(adb_install_hint("Failure [INSTALL_FAILED_NEW_IN_2030]"), "");
	assert_string_equal(adb_install_hint(""), "");
	assert_int_equal(adb_install_code("Failure [INSTALL_FAILED_NEW_IN_2030]"), ERR_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_that_a_person_can_help_with),
		cmocka_unit_test(test_what_nobody_knows_is_left_alone),
	};

	return cmocka_run_group_tests_name("adb_hint", tests, NULL, NULL);
}
