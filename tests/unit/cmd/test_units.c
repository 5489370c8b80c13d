/* SPDX-License-Identifier: Apache-2.0 */
/* What a person types as a time or a size, and what is printed back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "cmd/rfc3339.h"
#include "cmd/units.h"

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"0", 0},
		{"0s", 0},
		{"250ms", 250},
		{"90s", 90000},
		{"1h30m", 5400000},
		{"2d", 172800000},
		{"1d2h3m4s5ms", 93784005},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t ms = -1;

		if (!units_parse_duration(good[i].text, &ms) || ms != good[i].ms)
			fail_msg("%s is %lld", good[i].text, (long long)ms);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {"", "30", "s", "-5s", "1.5h", "5 s", "1m1h", "1s1s", "1y",
		"1ms2s", "999999999999999999d", "9999999999999999999s", "106751991168d1d", "1h "};
	int64_t ms = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (units_parse_duration(bad[i], &ms))
			fail_msg("\"%s\" was read", bad[i]);
	assert_int_equal(ms, 77);
}

static void times_are_printed_as_they_are_read(void **state)
{
	static const int64_t ms[] = {0, 1, 999, 1000, 61000, 3600000, 5400000, 86400000, 93784005};
	char text[UNITS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		int64_t back = -1;

		units_duration(text, ms[i]);
		assert_true(units_parse_duration(text, &back));
		assert_int_equal(back, ms[i]);
	}
	units_duration(text, 5400000);
	assert_string_equal(text, "1h30m");
	units_duration(text, INT64_MAX);
	assert_true(strlen(text) < UNITS_TEXT);
}

static void sizes(void **state)
{
	char text[UNITS_TEXT];
	int64_t n = 0;

	(void)state;
	assert_true(units_parse_bytes("512MiB", &n));
	assert_int_equal(n, 512LL << 20);
	units_bytes_exact(text, n);
	assert_string_equal(text, "512MiB");
	assert_true(units_parse_bytes("1025", &n));
	units_bytes_exact(text, n);
	assert_string_equal(text, "1025");
	assert_false(units_parse_bytes("5MB", &n));
	assert_false(units_parse_bytes("1GiB1", &n));
	assert_false(units_parse_bytes("99999999TiB", &n));
	assert_false(units_parse_bytes("", &n));
	units_bytes(text, 17LL << 20);
	assert_string_equal(text, "17.0 MiB");
	units_bytes(text, 9);
	assert_string_equal(text, "9 B");
}

/* A latency that is over the budget by a microsecond must not look like the budget. */
static void latencies_keep_their_microseconds(void **state)
{
	char text[UNITS_TEXT];

	(void)state;
	units_latency(text, 16001000);
	assert_string_equal(text, "16.001 ms");
	units_latency(text, 999);
	assert_string_equal(text, "999 ns");
	units_latency(text, 12345);
	assert_string_equal(text, "12.3 us");
	units_latency(text, 1500000000);
	assert_string_equal(text, "1.500 s");
	units_latency(text, -1);
	assert_string_equal(text, "-");
	units_budget(text, 16000000);
	assert_string_equal(text, "16 ms");
	units_budget(text, 8333333);
	assert_string_equal(text, "8.333333 ms");
}

static void times_of_the_api(void **state)
{
	int64_t ms = 0;

	(void)state;
	assert_true(rfc3339_parse("1970-01-01T00:00:01.250Z", &ms));
	assert_int_equal(ms, 1250);
	assert_true(rfc3339_parse("2026-02-28T23:59:59.999Z", &ms));
	assert_int_equal(ms, 1772323199999);
	assert_true(rfc3339_parse("2024-02-29T00:00:00.000Z", &ms));
	assert_false(rfc3339_parse("2026-02-29T00:00:00.000Z", &ms)); /* no leap year */
	assert_false(rfc3339_parse("2026-02-28T24:00:00.000Z", &ms));
	assert_false(rfc3339_parse("2026-02-28T00:00:00Z", &ms));
	assert_false(rfc3339_parse("2026-02-28T00:00:00.000+01:00", &ms));
	assert_false(rfc3339_parse("", &ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(times_are_printed_as_they_are_read),
		cmocka_unit_test(sizes),
		cmocka_unit_test(latencies_keep_their_microseconds),
		cmocka_unit_test(times_of_the_api),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
