/* SPDX-License-Identifier: Apache-2.0 */
/* How near is near enough: the golden check's arithmetic, with numbers worked by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "runner/golden.h"

static const struct plan_tolerance any = {NAN, NAN, NAN, NAN};

/* A tensor over the caller's numbers. */
static struct tensor over(int type, const void *data, int n_dims, const int64_t *dims)
{
	struct tensor t = {.type = type, .n_dims = n_dims, .data = (void *)data, .borrowed = true};

	memcpy(t.dims, dims, (size_t)n_dims * sizeof(*dims));
	assert_int_equal(tensor_measure(type, n_dims, dims, &t.count, &t.bytes), 0);
	return t;
}

static struct golden_metrics compare(const float *ref, const float *out, int64_t rows, int64_t n)
{
	int64_t dims[] = {rows, n};
	struct tensor a = over(TENSOR_F32, ref, 2, dims), b = over(TENSOR_F32, out, 2, dims);
	struct golden_metrics m;

	golden_compare(&a, &b, &m);
	return m;
}

static bool passes(const struct golden_metrics *m, struct plan_tolerance tol, const char *says)
{
	char why[256] = "";
	bool ok = golden_judge(m, &tol, why, sizeof(why));

	if (!ok && !strstr(why, says))
		fail_msg("\"%s\" does not say \"%s\"", why, says);
	return ok;
}

static void a_small_error_has_the_metrics_worked_by_hand(void **state)
{
	/* dot 27, norms 5 and sqrt(29.25); noise 0.25 of 25: 20 dB */
	const float ref[] = {3, 4}, out[] = {3, 4.5f};
	struct golden_metrics m = compare(ref, out, 1, 2);
	struct plan_tolerance tol = any;

	(void)state;
	assert_true(fabs(m.cosine - 0.9984603532054123) < 1e-12);
	assert_true(fabs(m.sqnr_db - 20) < 1e-12);
	assert_true(m.max_abs == 0.5);
	assert_int_equal(m.rows, 1);
	assert_int_equal(m.rows_agree, 1);
	assert_true(passes(&m, any, ""));
	tol.cosine_min = 0.999;
	assert_false(passes(&m, tol, "cosine 0.998460 is below 0.999000"));
	tol = any;
	tol.sqnr_db_min = 20.5;
	assert_false(passes(&m, tol, "SQNR 20.00 dB is below 20.50 dB"));
	tol = any;
	tol.max_abs = 0.25;
	assert_false(passes(&m, tol, "largest error 0.5 is above 0.25"));
	tol.max_abs = 0.5;
	assert_true(passes(&m, tol, ""));
}

static void equal_outputs_are_perfect(void **state)
{
	const float ref[] = {1, -2, 3, NAN, INFINITY, -INFINITY};
	struct golden_metrics m = compare(ref, ref, 2, 3);

	(void)state;
	assert_true(m.equal);
	assert_true(m.cosine == 1);
	assert_true(m.sqnr_db == INFINITY);
	assert_true(m.max_abs == 0);
	assert_int_equal(m.nan + m.inf, 0);
	assert_true(passes(&m, (struct plan_tolerance){1, 1000, 0, 1}, ""));
}

static void zeroes_are_no_division(void **state)
{
	const float zero[] = {0, 0, 0}, some[] = {0, 1, 0};
	struct golden_metrics m = compare(zero, zero, 1, 3);

	(void)state;
	assert_true(m.cosine == 1 && m.sqnr_db == INFINITY && !m.constant);
	m = compare(zero, some, 1, 3);
	assert_true(m.cosine == 0 && m.sqnr_db == -INFINITY && !m.constant);
	m = compare(some, zero, 1, 3);
	assert_true(m.cosine == 0 && m.sqnr_db == 0 && m.constant);
}

static void what_a_broken_accelerator_answers_is_a_defect_whatever_the_tolerance(void **state)
{
	const float ref[] = {1, 2, 3, 4}, nan[] = {1, NAN, 3, 4}, inf[] = {1, 2, INFINITY, 4};
	const float same[] = {2.5f, 2.5f, 2.5f, 2.5f};
	struct golden_metrics m = compare(ref, nan, 1, 4);

	(void)state;
	assert_int_equal(m.nan, 1);
	assert_false(passes(&m, any, "1 elements are NaN"));
	m = compare(ref, inf, 1, 4);
	assert_int_equal(m.inf, 1);
	assert_false(passes(&m, any, "1 elements are infinite"));
	/* no sum runs over them, so nothing else would tell that they are gone */
	m = compare(nan, ref, 1, 4);
	assert_int_equal(m.nan, 1);
	assert_false(passes(&m, any, "1 elements are NaN"));
	m = compare(inf, ref, 1, 4);
	assert_int_equal(m.inf, 1);
	assert_false(passes(&m, any, "1 elements are infinite"));
	m = compare(ref, same, 1, 4);
	assert_false(passes(&m, any, "same value"));
	m = compare(same, same, 1, 4); /* the reference does not vary either */
	assert_true(passes(&m, any, ""));
}

static void sums_that_overflow_are_not_perfect(void **state)
{
	const double ref[] = {1e200, 1e200}, out[] = {1e200, -1e200};
	int64_t dims[] = {2};
	struct tensor a = over(TENSOR_F64, ref, 1, dims), b = over(TENSOR_F64, out, 1, dims);
	struct golden_metrics m;

	(void)state;
	golden_compare(&a, &b, &m);
	assert_true(m.cosine == 0);
	assert_true(m.sqnr_db == -INFINITY);
}

static void top1_counts_rows_along_the_last_axis(void **state)
{
	const float ref[] = {1, 5, 2, /**/ 9, 0, 0, /**/ 4, 4, 1, /**/ 0, 0, 7};
	const float out[] = {1, 4, 2, /**/ 0, 9, 0, /**/ 3, 4, 1, /**/ 0, 0, 7};
	struct golden_total total = {0};
	struct golden_metrics m = compare(ref, out, 4, 3);
	struct plan_tolerance tol = any;
	char why[128];

	(void)state;
	/* row 2 differs; in row 3 the reference has two largest, and the output took one */
	assert_int_equal(m.rows, 4);
	assert_int_equal(m.rows_agree, 3);
	golden_add(&total, &m);
	m = compare(ref, ref, 4, 3);
	golden_add(&total, &m);
	assert_true(golden_top1(total.rows, total.rows_agree) == 7.0 / 8);
	tol.top1_min = 0.875;
	assert_true(golden_judge_top1(&total, &tol, why, sizeof(why)));
	tol.top1_min = 0.9;
	assert_false(golden_judge_top1(&total, &tol, why, sizeof(why)));
	assert_string_equal(why, "top-1 agrees in 7 of 8 rows (0.8750), below 0.9000");
	m = compare(ref, out, 12, 1); /* a row of one element agrees with anything */
	assert_int_equal(m.rows, 0);
	assert_true(isnan(golden_top1(0, 0)));
	memset(&total, 0, sizeof(total));
	assert_true(golden_judge_top1(&total, &tol, why, sizeof(why)));
}

static void integers_are_equal_or_within_the_error_the_job_allows(void **state)
{
	const int32_t ref[] = {1, 2, 3}, out[] = {1, 2, 5};
	const int64_t far[] = {INT64_C(9007199254740993), 0},
		      near[] = {INT64_C(9007199254740992), 0};
	int64_t dims[] = {3}, two[] = {2};
	struct tensor a = over(TENSOR_I32, ref, 1, dims), b = over(TENSOR_I32, out, 1, dims);
	struct plan_tolerance tol = {0.5, 0, NAN, NAN};
	struct golden_metrics m;

	(void)state;
	golden_compare(&a, &a, &m);
	assert_true(passes(&m, tol, ""));
	golden_compare(&a, &b, &m);
	assert_false(passes(&m, tol, "integers differ by up to 2 (0 allowed)"));
	tol.max_abs = 2;
	assert_true(passes(&m, tol, ""));
	/* neighbours beyond 2^53 look equal to a double */
	a = over(TENSOR_I64, far, 1, two);
	b = over(TENSOR_I64, near, 1, two);
	golden_compare(&a, &b, &m);
	assert_false(passes(&m, tol, "integers differ"));
}

static void totals_are_the_worst_of_all(void **state)
{
	const float ref[] = {3, 4}, out[] = {3, 4.5f}, worse[] = {3, 5};
	const int32_t ints[] = {1, 2};
	int64_t dims[] = {1, 2};
	struct tensor i = over(TENSOR_I32, ints, 2, dims);
	struct golden_metrics a = compare(ref, out, 1, 2), b = compare(ref, worse, 1, 2), c;
	struct golden_total total = {0};

	(void)state;
	golden_compare(&i, &i, &c);
	golden_add(&total, &c);
	assert_true(total.cosine_min == 1 && total.sqnr_db_min == INFINITY);
	golden_add(&total, &a);
	golden_add(&total, &b);
	assert_int_equal(total.outputs, 3);
	assert_true(total.cosine_min == b.cosine && b.cosine < a.cosine);
	assert_true(fabs(total.sqnr_db_min - 13.979400086720377) < 1e-12); /* 25 / 1 */
	assert_true(total.max_abs == 1);
	assert_true(golden_badness(&b) > golden_badness(&a));
	assert_true(golden_badness(&a) > golden_badness(&c));
}

static void strings_are_equal_or_wrong(void **state)
{
	const int64_t two[] = {2};
	struct tensor a = {.type = TENSOR_STRING, .n_dims = 1, .count = 2, .bytes = 5};
	struct tensor b = a, c = a;
	struct golden_metrics m;

	(void)state;
	memcpy(a.dims, two, sizeof(two));
	a.data = (void *)"ab\0c";
	b.data = (void *)"ab\0d";
	c.data = (void *)"ab\0cc";
	c.bytes = 6;
	golden_compare(&a, &a, &m);
	assert_true(passes(&m, any, "") && m.cosine == 1 && !m.rows);
	golden_compare(&a, &b, &m);
	assert_false(passes(&m, any, "strings differ"));
	assert_true(m.cosine == 0 && m.sqnr_db == -INFINITY);
	golden_compare(&a, &c, &m);
	assert_false(passes(&m, any, "strings differ"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_error_has_the_metrics_worked_by_hand),
		cmocka_unit_test(equal_outputs_are_perfect),
		cmocka_unit_test(zeroes_are_no_division),
		cmocka_unit_test(
			what_a_broken_accelerator_answers_is_a_defect_whatever_the_tolerance),
		cmocka_unit_test(sums_that_overflow_are_not_perfect),
		cmocka_unit_test(top1_counts_rows_along_the_last_axis),
		cmocka_unit_test(integers_are_equal_or_within_the_error_the_job_allows),
		cmocka_unit_test(totals_are_the_worst_of_all),
		cmocka_unit_test(strings_are_equal_or_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
