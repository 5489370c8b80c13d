/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded inputs are the same bytes everywhere: the numbers below come from another implementation,
 * in Python. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "runner/fill.h"

static void the_generator_is_the_published_one(void **state)
{
	/* xoshiro256** from the state 1 2 3 4: its authors' test vector. */
	static const uint64_t vector[] = {11520, 0, 1509978240, UINT64_C(1215971899390074240),
		UINT64_C(1216172134540287360), UINT64_C(607988272756665600)};
	static const uint64_t seeded[] = {UINT64_C(0x15780b2e0c2ec716),
		UINT64_C(0x6104d9866d113a7e), UINT64_C(0xae17533239e499a1),
		UINT64_C(0xecb8ad4703b360a1)};
	struct fill g = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(fill_next(&g), vector[i]);
	fill_seed(&g, 42);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(fill_next(&g), seeded[i]);
}

static void normal_numbers_are_exact(void **state)
{
	static const double want[] = {
		-1.3326568603515625, 0.8437042236328125, 0.2128448486328125, -0.512359619140625};
	struct fill g;

	(void)state;
	fill_seed(&g, 42);
	for (size_t i = 0; i < 4; i++)
		assert_true(fill_normal(&g) == want[i]);
}

static void normal_numbers_have_mean_0_and_deviation_1(void **state)
{
	const int n = 200000;
	double sum = 0, square = 0, v;
	struct fill g;

	(void)state;
	fill_seed(&g, 1);
	for (int i = 0; i < n; i++) {
		v = fill_normal(&g);
		sum += v;
		square += v * v;
	}
	assert_true(fabs(sum / n) < 0.01);
	assert_true(fabs(square / n - 1) < 0.01);
}

static void integers_stay_in_their_range(void **state)
{
	static const int64_t want[] = {1401, 557, 1679, 1962, 1981, 1745};
	int64_t dims[] = {1, 6}, many[] = {5000};
	struct fail f;
	struct tensor t;
	double least = 100, most = 0;

	(void)state;
	assert_int_equal(tensor_init(&t, TENSOR_I64, 2, dims, &f), 0);
	fill_tensor_uniform(&t, 7, 0, 2000);
	assert_memory_equal(t.data, want, sizeof(want));
	tensor_fini(&t);

	assert_int_equal(tensor_init(&t, TENSOR_U8, 1, many, &f), 0);
	fill_tensor_uniform(&t, 7, 3, 9);
	for (uint64_t i = 0; i < t.count; i++) {
		least = fmin(least, tensor_get(&t, i));
		most = fmax(most, tensor_get(&t, i));
	}
	assert_true(least == 3 && most == 8); /* [3, 9) */
	tensor_fini(&t);
}

static void one_seed_is_one_tensor_and_two_are_two(void **state)
{
	int64_t dims[] = {64};
	struct tensor a, b;
	struct fail f;

	(void)state;
	assert_int_equal(tensor_init(&a, TENSOR_F32, 1, dims, &f), 0);
	assert_int_equal(tensor_init(&b, TENSOR_F32, 1, dims, &f), 0);
	fill_tensor_normal(&a, 5);
	fill_tensor_normal(&b, 5);
	assert_memory_equal(a.data, b.data, a.bytes);
	fill_tensor_normal(&b, 6);
	assert_memory_not_equal(a.data, b.data, a.bytes);
	tensor_fini(&a);
	tensor_fini(&b);
}

static void a_bool_is_either(void **state)
{
	int64_t dims[] = {1000};
	struct tensor t;
	struct fail f;
	int set = 0;

	(void)state;
	assert_int_equal(tensor_init(&t, TENSOR_BOOL, 1, dims, &f), 0);
	fill_tensor_normal(&t, 3);
	for (uint64_t i = 0; i < t.count; i++)
		set += ((uint8_t *)t.data)[i];
	assert_in_range(set, 400, 600);
	tensor_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_generator_is_the_published_one),
		cmocka_unit_test(normal_numbers_are_exact),
		cmocka_unit_test(normal_numbers_have_mean_0_and_deviation_1),
		cmocka_unit_test(integers_stay_in_their_range),
		cmocka_unit_test(one_seed_is_one_tensor_and_two_are_two),
		cmocka_unit_test(a_bool_is_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
