/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file is worth compressing, told from a sample of it. */
#include "support_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/adb/banner.h"
#include "drivers/adb/pays.h"
#include "drivers/adb/syncmsg.h"
#include "support_tmp.h"

#define BYTES (1024 * 1024)

static const uint32_t all = ADB_F_BROTLI | ADB_F_LZ4 | ADB_F_ZSTD;

static void answered(void *arg, uint32_t kind)
{
	*(int64_t *)arg = kind;
}

static bool is_answered(void *arg)
{
	return *(int64_t *)arg >= 0;
}

/* A file whose bytes are noise, but for those before `plain` in each eight. */
static const char *write_file(struct tmp *t, size_t n, unsigned plain)
{
	const char *path = tmp_path(t, "file");
	char *bytes = malloc(n + 1);
	uint32_t x = 7;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = i / 4096 % 8 < plain ? 'a' : (char)(x >> 24);
	}
	tmp_write(path, bytes, n);
	free(bytes);
	return path;
}

static uint32_t pays(const char *path, uint32_t features)
{
	struct support_host *sh = support_host_new(SUPPORT_INLINE);
	int64_t kind = -1;

	assert_int_equal(adb_pays(support_host(sh), path, features, answered, &kind), 0);
	assert_int_equal(kind, -1); /* later, never inside the call */
	support_until(sh, is_answered, &kind);
	support_host_free(sh);
	return (uint32_t)kind;
}

static void what_squeezes_is_compressed_by_the_best_that_both_have(void **state)
{
	struct tmp t;
	const char *path;

	(void)state;
	tmp_init(&t);
	path = write_file(&t, BYTES, 4);
	assert_int_equal(pays(path, all), ADB_SYNC_ZSTD);
	assert_int_equal(pays(path, ADB_F_BROTLI | ADB_F_LZ4), ADB_SYNC_LZ4);
	assert_int_equal(pays(path, ADB_F_BROTLI), ADB_SYNC_BROTLI);
	assert_int_equal(pays(path, 0), 0);
	tmp_fini(&t);
}

static void what_does_not_is_sent_as_it_is(void **state)
{
	struct tmp t;

	(void)state;
	tmp_init(&t);
	assert_int_equal(pays(write_file(&t, BYTES, 0), all), 0);
	assert_int_equal(pays(write_file(&t, BYTES, 1), all), 0); /* an eighth is not worth it */
	assert_int_equal(pays(write_file(&t, 0, 0), all), 0);
	assert_int_equal(pays("/nonexistent", all), 0);
	tmp_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_squeezes_is_compressed_by_the_best_that_both_have),
		cmocka_unit_test(what_does_not_is_sent_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
