/* SPDX-License-Identifier: Apache-2.0 */
/* The three compressions: there and back in small steps, cut short, damaged, and asked for too much. */
#include "support_host.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "drivers/adb/compress.h"

static const uint32_t kinds[] = {ADB_SYNC_BROTLI, ADB_SYNC_LZ4, ADB_SYNC_ZSTD};

/* Half of it repeats, half is noise. */
static void make_text(uint8_t *dst, size_t n)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		dst[i] = i % 512 < 256 ? (uint8_t)(i % 61) : (uint8_t)(x >> 24);
	}
}

/* Feeds in_step bytes at a time and takes out_step at a time. */
static int pass(uint32_t kind, bool decompress, const uint8_t *in, size_t n, size_t in_step,
	size_t out_step, struct buf *out)
{
	struct adb_compress *c = adb_compress_new(kind, decompress);
	size_t at = 0, used, made;
	int rc = 0, idle = 0;

	assert_non_null(c);
	while (!rc && idle < 3) {
		size_t give = n - at < in_step ? n - at : in_step;
		uint8_t *room = buf_room(out, out_step);

		assert_non_null(room);
		rc = adb_compress_run(
			c, in + at, give, &used, room, out_step, &made, at + give == n);
		assert_true(used <= give && made <= out_step);
		at += used;
		out->len += made;
		idle = used || made ? 0 : idle + 1;
	}
	adb_compress_free(c);
	return rc;
}

static void test_there_and_back(void **state)
{
	static uint8_t text[300000];

	(void)state;
	make_text(text, sizeof(text));
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t step = 1000; step <= 100000; step *= 10) {
			struct buf small, back;

			buf_init(&small, 0);
			buf_init(&back, 0);
			assert_int_equal(
				pass(kinds[k], false, text, sizeof(text), step, 70, &small), 1);
			assert_true(small.len < sizeof(text) * 3 / 4);
			assert_int_equal(
				pass(kinds[k], true, small.data, small.len, 333, step, &back), 1);
			assert_int_equal(back.len, sizeof(text));
			assert_memory_equal(back.data, text, sizeof(text));
			buf_fini(&small);
			buf_fini(&back);
		}
	}
}

static void test_nothing_is_a_stream_too(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct buf small, back;

		buf_init(&small, 0);
		buf_init(&back, 0);
		assert_int_equal(pass(kinds[k], false, NULL, 0, 1, 100, &small), 1);
		assert_int_equal(pass(kinds[k], true, small.data, small.len, 1, 100, &back), 1);
		assert_int_equal(back.len, 0);
		buf_fini(&small);
		buf_fini(&back);
	}
}

static void test_a_cut_stream_is_not_complete(void **state)
{
	static uint8_t text[50000];

	(void)state;
	make_text(text, sizeof(text));
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct buf small, back;

		buf_init(&small, 0);
		buf_init(&back, 0);
		assert_int_equal(pass(kinds[k], false, text, sizeof(text), 5000, 5000, &small), 1);
		assert_int_not_equal(
			pass(kinds[k], true, small.data, small.len / 2, 333, 1000, &back), 1);
		buf_fini(&small);
		buf_fini(&back);
	}
}

static void test_garbage_is_refused(void **state)
{
	uint8_t junk[4096];

	(void)state;
	memset(junk, 0xff, sizeof(junk));
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct buf back;

		buf_init(&back, 0);
		assert_int_equal(
			pass(kinds[k], true, junk, sizeof(junk), 333, 1000, &back), ERR_CORRUPT);
		buf_fini(&back);
	}
}

/* A frame header that asks for a window of 128 MiB: RFC 8878, 3.1.1.1.2. */
static void test_a_small_input_cannot_ask_for_much_memory(void **state)
{
	static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 1, 0, 0};
	struct buf back;

	(void)state;
	buf_init(&back, 0);
	assert_int_equal(
		pass(ADB_SYNC_ZSTD, true, frame, sizeof(frame), 100, 100, &back), ERR_CORRUPT);
	buf_fini(&back);
}

static void test_a_foreign_kind_is_none(void **state)
{
	(void)state;
	assert_null(adb_compress_new(0, true));
	assert_null(adb_compress_new(ADB_SYNC_LZ4 | ADB_SYNC_ZSTD, false));
	assert_null(adb_compress_new(8, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_nothing_is_a_stream_too),
		cmocka_unit_test(test_a_cut_stream_is_not_complete),
		cmocka_unit_test(test_garbage_is_refused),
		cmocka_unit_test(test_a_small_input_cannot_ask_for_much_memory),
		cmocka_unit_test(test_a_foreign_kind_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
