/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on a terminal, and a program's output. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/capture.h"
#include "cmd/table.h"

static const char *const titles[] = {"NAME", "N", "VERDICT"};

static char *printed(bool color)
{
	struct table *t = table_new(titles, 3, 1u << 1);
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	table_add(t, (const char *const[]){"gr\xc3\xbc\xc3\x9f", "7", "pass"});
	table_add(t, (const char *const[]){"a longer one", "1234", "fail"});
	table_print(f, t, color);
	table_free(t);
	fclose(f);
	return out;
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	char *out = printed(false);

	(void)state;
	assert_string_equal(out, "NAME             N  VERDICT\n"
				 "gr\xc3\xbc\xc3\x9f             7  pass\n"
				 "a longer one  1234  fail\n");
	free(out);
}

static void colour_is_beside_the_word_never_instead(void **state)
{
	char *out = printed(true);

	(void)state;
	assert_non_null(strstr(out, "\033[32mpass\033[0m"));
	assert_non_null(strstr(out, "\033[31mfail\033[0m"));
	free(out);
}

static void colour_needs_a_terminal(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_false(table_color(f, false));
	fclose(f);
}

static void run(const char *script, int64_t timeout_ms, int want, const char *says)
{
	char shell[] = "/bin/sh", flag[] = "-c", out[16];
	char copy[256], *argv[] = {shell, flag, copy, NULL};
	struct err e = {0};

	snprintf(copy, sizeof(copy), "%s", script);
	assert_int_equal(capture_run(argv, timeout_ms, out, sizeof(out), &e), want);
	assert_string_equal(out, says);
}

static void a_programs_end_and_output(void **state)
{
	char nowhere[] = "/nowhere/program", *argv[] = {nowhere, NULL}, out[16];
	struct err e = {0};

	(void)state;
	run("echo out; echo err >&2", 10000, 0, "out\nerr\n");
	run("echo no; exit 7", 10000, 7, "no\n");
	run("kill -9 $$", 10000, 128 + 9, "");
	run("echo 123456789012345678901234567890", 10000, 0, "123456789012345"); /* cut */
	assert_int_equal(capture_run(argv, 1000, out, sizeof(out), &e), ERR_NOTFOUND);
	/* It holds its output open for ever: killed when the time is over. */
	run("echo on; exec cat /dev/zero > /dev/null", 200, ERR_TIMEOUT, "on\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(colour_is_beside_the_word_never_instead),
		cmocka_unit_test(colour_needs_a_terminal),
		cmocka_unit_test(a_programs_end_and_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
