/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto files: what the tools write is read, what an attacker writes is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/fill.h"
#include "runner/tensorpb.h"

/* A message as a literal: `10 01` is field 2 (type), float. */
#define BYTES(s) (s), sizeof(s) - 1

static void reads(const char *data, size_t n, const char *shape, const double *want)
{
	char text[TENSOR_TEXT];
	struct fail f = {0};
	struct tensor t;

	if (tensorpb_read(data, n, &t, NULL, &f))
		fail_msg("%s", f.text);
	assert_string_equal(tensor_describe(text, t.type, t.n_dims, t.dims), shape);
	for (uint64_t i = 0; i < t.count; i++)
		assert_true(tensor_get(&t, i) == want[i]);
	tensor_fini(&t);
}

static void refuses(const char *data, size_t n, const char *says)
{
	struct tensor t = {.type = -7};
	struct fail f = {0};
	char *exact = malloc(n ? n : 1); /* so that a read beyond its end is seen */

	memcpy(exact, data, n);
	assert_int_equal(tensorpb_read(exact, n, &t, NULL, &f), -1);
	free(exact);
	assert_int_equal(f.outcome, OUTCOME_MODEL);
	assert_int_equal(t.type, -7); /* untouched */
	if (!strstr(f.text, says))
		fail_msg("\"%s\" does not say \"%s\"", f.text, says);
}

static void raw_and_typed_data_of_every_kind_are_read(void **state)
{
	const double one[] = {1.0}, ints[] = {1, -1, 300}, bools[] = {1, 0, 1}, big[] = {4e9};

	(void)state;
	reads(BYTES("\x10\x01\x42\x03y_s\x4a\x04\x00\x00\x80\x3f"), "float32[]", one);
	reads(BYTES("\x08\x01\x10\x01\x22\x04\x00\x00\x80\x3f"), "float32[1]", one);
	reads(BYTES("\x08\x01\x10\x01\x25\x00\x00\x80\x3f"), "float32[1]", one); /* not packed */
	reads(BYTES("\x10\x0b\x52\x08\x00\x00\x00\x00\x00\x00\xf0\x3f"), "float64[]", one);
	reads(BYTES("\x0a\x01\x03\x10\x06\x2a\x0d\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xac"
		    "\x02"),
		"int32[3]", ints);
	reads(BYTES("\x08\x03\x10\x07\x38\x01\x38\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x38\xac"
		    "\x02"),
		"int64[3]", ints);
	reads(BYTES("\x10\x0a\x2a\x02\x80\x78"), "float16[]", one);
	reads(BYTES("\x10\x10\x4a\x02\x80\x3f"), "bfloat16[]", one);
	reads(BYTES("\x10\x0c\x5a\x05\x80\xd0\xac\xf3\x0e"), "uint32[]", big);
	reads(BYTES("\x08\x03\x10\x09\x4a\x03\x07\x00\x01"), "bool[3]", bools); /* 7 is made 1 */
	reads(BYTES("\x08\x00\x10\x01\x4a\x00"), "float32[0]", NULL);
	reads(BYTES("\x10\x01\x62\x03"
		    "doc\x4a\x04\x00\x00\x80\x3f"),
		"float32[]", one);
}

static void strings_are_read_one_behind_the_other(void **state)
{
	const char *data = "\x08\x02\x10\x08\x32\x02"
			   "ab\x32\x00";
	char text[TENSOR_TEXT];
	struct fail f = {0};
	struct tensor t;

	(void)state;
	assert_int_equal(tensorpb_read(data, 10, &t, NULL, &f), 0);
	assert_string_equal(tensor_describe(text, t.type, t.n_dims, t.dims), "string[2]");
	assert_int_equal(t.bytes, 4);
	assert_memory_equal(t.data, "ab\0\0", 4);
	tensor_fini(&t);
	refuses(BYTES("\x10\x08"), "fewer strings");
	refuses(BYTES("\x08\x02\x10\x08\x32\x02"
		      "ab"),
		"needs 2 elements, 1 are there");
	refuses(BYTES("\x08\x01\x10\x08\x32\x01x\x32\x01y"), "needs 1 elements, 2 are there");
	refuses(BYTES("\x10\x08\x32\x02x\x00"), "NUL");
	refuses(BYTES("\x10\x08\x4a\x01x"), "fewer strings");
	refuses(BYTES("\x10\x01\x32\x01x"), "needs 1 elements, 0 are there");
	refuses(BYTES("\x08\xff\xff\xff\xff\x7f\x08\xff\xff\xff\xff\x7f\x10\x08\x32\x01x"),
		"fewer strings");
}

static void hostile_bytes_are_refused_before_memory_is_taken(void **state)
{
	(void)state;
	refuses("", 0, "element type 0");
	refuses(BYTES("\x10"), "no protobuf");
	refuses(BYTES("\x10\x01\x4a\x7f\x00"), "no protobuf");
	refuses(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "no protobuf");
	refuses(BYTES("\x00\x00"), "no protobuf");
	refuses(BYTES("\x13\x14"), "no protobuf"); /* groups are gone from protobuf */
	refuses(BYTES("\x10\x63"), "element type 99");
	refuses(BYTES("\x10\x01\x4a\x03\x00\x00\x80"), "needs 1 elements, 0 are there");
	refuses(BYTES("\x10\x01\x4a\x08\x00\x00\x80\x3f\x00\x00\x80\x3f"), "needs 1 elements");
	/* 2^40 elements of which none is there: one must not ask for 4 TiB first */
	refuses(BYTES("\x08\x80\x80\x80\x80\x80\x20\x10\x01\x4a\x00"), "not possible");
	refuses(BYTES("\x08\x80\x80\x80\x80\x01\x10\x01\x4a\x00"), "elements, 0 are there");
	refuses(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01"), "not possible");
	refuses(BYTES("\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01"),
		"too many dimensions");
	refuses(BYTES("\x22\x03\x00\x00\x80"), "broken list");
	refuses(BYTES("\x10\x01\x38\x01"), "wrong list");
}

static void what_cannot_be_fed_is_named(void **state)
{
	(void)state;
	refuses(BYTES("\x1a\x00"), "segment");
	refuses(BYTES("\x6a\x00"), "another file");
	refuses(BYTES("\x70\x01"), "another file");
}

static void every_cut_and_every_flipped_bit_is_survived(void **state)
{
	int64_t dims[] = {2, 3};
	uint8_t file[TENSORPB_HEAD_MAX + 24];
	struct fail f = {0};
	struct tensor t, back;
	size_t n;

	(void)state;
	assert_int_equal(tensor_init(&t, TENSOR_F32, 2, dims, &f), 0);
	n = tensorpb_head(file, &t, "x");
	memcpy(file + n, t.data, t.bytes);
	n += t.bytes;
	for (size_t cut = 0; cut < n; cut++)
		refuses((const char *)file, cut, "TensorProto");
	for (size_t bit = 0; bit < 8 * n; bit++) {
		file[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!tensorpb_read(file, n, &back, NULL, &f))
			tensor_fini(&back);
		file[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	tensor_fini(&t);
}

static void what_is_written_is_read_back(void **state)
{
	static const int types[] = {TENSOR_F32, TENSOR_F64, TENSOR_F16, TENSOR_BF16, TENSOR_I8,
		TENSOR_U8, TENSOR_I16, TENSOR_U16, TENSOR_I32, TENSOR_U32, TENSOR_I64, TENSOR_U64,
		TENSOR_BOOL};
	int64_t dims[] = {3, 1, 5};
	uint8_t file[TENSORPB_HEAD_MAX + 128];
	char name[TENSORPB_NAME];
	struct tensor t, back;
	struct fail f = {0};
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_int_equal(tensor_init(&t, types[i], 3, dims, &f), 0);
		fill_tensor_uniform(&t, i, 0, 100);
		n = tensorpb_head(file, &t, "some/output:0");
		memcpy(file + n, t.data, t.bytes);
		assert_int_equal(tensorpb_read(file, n + t.bytes, &back, name, &f), 0);
		assert_string_equal(name, "some/output:0");
		assert_true(tensor_same_shape(&t, &back));
		assert_memory_equal(t.data, back.data, t.bytes);
		tensor_fini(&t);
		tensor_fini(&back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_and_typed_data_of_every_kind_are_read),
		cmocka_unit_test(strings_are_read_one_behind_the_other),
		cmocka_unit_test(hostile_bytes_are_refused_before_memory_is_taken),
		cmocka_unit_test(what_cannot_be_fed_is_named),
		cmocka_unit_test(every_cut_and_every_flipped_bit_is_survived),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
