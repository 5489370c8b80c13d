/* SPDX-License-Identifier: Apache-2.0 */
/* What phones print about themselves. */
#include "support_host.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "drivers/adb/props.h"

static struct adb_props *parse(const char *text)
{
	return adb_props_parse(text, strlen(text));
}

static void test_both_kinds_of_lines(void **state)
{
	struct adb_props *p = parse("ff.dir=/data/local/tmp/framefarm\n"
				    "[ro.product.model]: [Pixel 8]\r\n"
				    "[persist.odd]: [a]: [b]]\n"
				    "[ro.empty]: []\n");

	(void)state;
	assert_string_equal(adb_props_get(p, "ff.dir"), "/data/local/tmp/framefarm");
	assert_string_equal(adb_props_get(p, "ro.product.model"), "Pixel 8");
	assert_string_equal(adb_props_get(p, "persist.odd"), "a]: [b]");
	assert_string_equal(adb_props_get(p, "ro.empty"), "");
	assert_string_equal(adb_props_get(p, "ro.none"), "");
	adb_props_free(p);
}

/* A property must not be able to pass for what our own command printed before it. */
static void test_the_first_one_wins(void **state)
{
	struct adb_props *p = parse("ff.uuid=one\n[ff.uuid]: [two]\nff.uuid=three\n");

	(void)state;
	assert_string_equal(adb_props_get(p, "ff.uuid"), "one");
	adb_props_free(p);
}

static void test_garbage_is_passed_over(void **state)
{
	struct adb_props *p = parse("\n[\n[]\n[]: []\n]: [\n=\n[a]: [\n[ok]: [1]\nrandom=x");

	(void)state;
	assert_string_equal(adb_props_get(p, "ok"), "1");
	assert_string_equal(adb_props_get(p, "random"), "");
	assert_string_equal(adb_props_get(p, "a"), "");
	adb_props_free(p);
}

static void test_values_are_cleaned_and_bounded(void **state)
{
	struct adb_props *p = parse("[k]: [a\x1b[31mb]\n");
	struct buf b;

	(void)state;
	assert_string_equal(adb_props_get(p, "k"), "a?[31mb");
	adb_props_free(p);
	buf_init(&b, 0);
	for (int i = 0; i < ADB_PROPS_MAX + 10; i++)
		buf_printf(&b, "[key.%d]: [%d]\n", i, i);
	p = adb_props_parse(b.data, b.len);
	assert_string_equal(adb_props_get(p, "key.4095"), "4095");
	assert_string_equal(adb_props_get(p, "key.4096"), "");
	adb_props_free(p);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_kinds_of_lines),
		cmocka_unit_test(test_the_first_one_wins),
		cmocka_unit_test(test_garbage_is_passed_over),
		cmocka_unit_test(test_values_are_cleaned_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
