/* SPDX-License-Identifier: Apache-2.0 */
/* Element types, shapes, and the text that a runtime or a model may put into our sentences. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "runner/tensor.h"

static void shape(int type, int n, const int64_t *dims, int rc, uint64_t count, size_t bytes)
{
	uint64_t got_count = 0;
	size_t got_bytes = 0;

	assert_int_equal(tensor_measure(type, n, dims, &got_count, &got_bytes), rc);
	assert_int_equal(got_count, count);
	assert_int_equal(got_bytes, bytes);
}

static void a_shape_is_measured_without_overflow(void **state)
{
	int64_t image[] = {1, 3, 224, 224}, huge[] = {INT64_MAX, INT64_MAX, 4}, none[] = {4, 0, 7};
	int64_t wraps[] = {INT64_C(1) << 32, INT64_C(1) << 32, 5}, negative[] = {-1};
	int64_t most[] = {TENSOR_BYTES_MAX / 4}, more[] = {TENSOR_BYTES_MAX / 4 + 1};

	(void)state;
	shape(TENSOR_F32, 4, image, 0, 150528, 602112);
	shape(TENSOR_F16, 4, image, 0, 150528, 301056);
	shape(TENSOR_I64, 0, NULL, 0, 1, 8);
	shape(TENSOR_F32, 3, none, 0, 0, 0);
	shape(TENSOR_F32, 1, most, 0, TENSOR_BYTES_MAX / 4, TENSOR_BYTES_MAX);
	shape(TENSOR_F32, 1, more, -1, 0, 0);
	shape(TENSOR_U8, 3, huge, -1, 0, 0);
	shape(TENSOR_U8, 3, wraps, -1, 0, 0);
	shape(TENSOR_U8, 1, negative, -1, 0, 0);
	shape(TENSOR_STRING, 1, most, -1, 0, 0);
	shape(99, 1, most, -1, 0, 0);
	shape(TENSOR_U8, TENSOR_DIMS + 1, image, -1, 0, 0);
}

static void every_type_keeps_what_it_can_hold(void **state)
{
	static const struct {
		int type;
		double in, out;
	} cases[] = {
		{TENSOR_F32, 0.1, 0.1f},
		{TENSOR_F64, 0.1, 0.1},
		{TENSOR_F16, 0.1, 0.0999755859375},
		{TENSOR_BF16, 0.1, 0.10009765625},
		{TENSOR_I8, -300, -128},
		{TENSOR_I8, 2.5, 2},
		{TENSOR_U8, 300, 255},
		{TENSOR_U8, -1, 0},
		{TENSOR_BOOL, 7, 1},
		{TENSOR_BOOL, 0, 0},
		{TENSOR_I16, 40000, 32767},
		{TENSOR_U16, 40000, 40000},
		{TENSOR_I32, -3e9, -2147483648},
		{TENSOR_U32, 4e9, 4000000000},
		{TENSOR_I64, -1e18, -1e18},
		{TENSOR_U64, 1e19, 1e19},
		{TENSOR_I64, 1e30, 9223372036854774784},
		{TENSOR_U64, NAN, 0},
	};
	int64_t dims[] = {3};
	struct fail f;
	struct tensor t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(tensor_init(&t, cases[i].type, 1, dims, &f), 0);
		tensor_set(&t, 1, cases[i].in);
		if (tensor_get(&t, 1) != cases[i].out || tensor_get(&t, 0) || tensor_get(&t, 2))
			fail_msg("case %zu: %.17g", i, tensor_get(&t, 1));
		tensor_fini(&t);
	}
}

static void every_half_survives_the_way_through_a_float(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 65536; h++) {
		float v = half_to_float((uint16_t)h);

		if (isnan(v))
			assert_true(isnan(half_to_float(half_from_float(v))));
		else
			assert_int_equal(half_from_float(v), h);
		v = bf16_to_float((uint16_t)h);
		if (isnan(v))
			assert_true(isnan(bf16_to_float(bf16_from_float(v))));
		else
			assert_int_equal(bf16_from_float(v), h);
	}
}

static void halves_round_to_nearest_even(void **state)
{
	(void)state;
	assert_int_equal(half_from_float(65504), 0x7bff);
	assert_int_equal(half_from_float(65519), 0x7bff);
	assert_int_equal(half_from_float(65520), 0x7c00);
	assert_int_equal(half_from_float(-1e30f), 0xfc00);
	assert_int_equal(half_from_float(0x1p-25f), 0); /* a tie, to even */
	assert_int_equal(half_from_float(0x1.000002p-25f), 1);
	assert_int_equal(half_from_float(0x1.8p-24f), 2);        /* a tie, to even */
	assert_int_equal(half_from_float(1 + 0x1p-11f), 0x3c00); /* a tie, to even */
	assert_int_equal(half_from_float(1 + 0x3p-11f), 0x3c02);
	assert_int_equal(bf16_from_float(1 + 0x1p-8f), 0x3f80);
	assert_int_equal(bf16_from_float(1 + 0x3p-8f), 0x3f82);
}

static void a_shape_is_said_as_a_person_writes_it(void **state)
{
	int64_t dims[] = {1, -1, 224}, wide[8];
	char text[TENSOR_TEXT];

	(void)state;
	assert_string_equal(tensor_describe(text, TENSOR_F32, 3, dims), "float32[1,?,224]");
	assert_string_equal(tensor_describe(text, TENSOR_BOOL, 0, NULL), "bool[]");
	for (int i = 0; i < 8; i++)
		wide[i] = INT64_MAX;
	assert_true(strlen(tensor_describe(text, TENSOR_BF16, 8, wide)) < TENSOR_TEXT);
}

static void foreign_text_becomes_one_clean_line(void **state)
{
	char text[32], wide[2048], key[16];

	(void)state;
	text_clean(text, sizeof(text), "\033[31mred\033[0m\r\n\t two\x01\x7f\xff ");
	assert_string_equal(text, "red two ??");
	memset(wide, 'a', sizeof(wide));
	memcpy(wide + sizeof(wide) - 12, "the reason.", 12);
	text_clean(wide, 128, wide);
	assert_int_equal(strlen(wide), 127);
	assert_non_null(strstr(wide, " ... a"));
	assert_string_equal(wide + 127 - 11, "the reason.");
	text_key(key, sizeof(key), "layer/0:out \"x\" and more");
	assert_string_equal(key, "layer/0:out__x_");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shape_is_measured_without_overflow),
		cmocka_unit_test(every_type_keeps_what_it_can_hold),
		cmocka_unit_test(every_half_survives_the_way_through_a_float),
		cmocka_unit_test(halves_round_to_nearest_even),
		cmocka_unit_test(a_shape_is_said_as_a_person_writes_it),
		cmocka_unit_test(foreign_text_becomes_one_clean_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
