/* SPDX-License-Identifier: Apache-2.0 */
/* From a job's inputs to a model's tensors: what fits is made, what does not is said by name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner/inputs.h"
#include "runner/tensorpb.h"

/* A model like a small transformer: ids int64[batch,seq], mask float32[?,4]. */
static char ids_name[] = "ids", mask_name[] = "mask", seq_name[] = "seq", text_name[] = "text";
static struct session_io ios[] = {
	{.name = ids_name,
		.is_tensor = true,
		.type = TENSOR_I64,
		.n_dims = 2,
		.dims = {-1, -1},
		.symbols = {"batch", "seq"}},
	{.name = mask_name, .is_tensor = true, .type = TENSOR_F32, .n_dims = 2, .dims = {-1, 4}},
};
static struct session session = {.n_inputs = 2, .inputs = ios};

static struct plan_tensor uniform_ids = {
	.name = "ids", .fill = PLAN_FILL_UNIFORM, .seed = 7, .low = 0, .high = 2000};
static struct plan_tensor shaped_mask = {
	.name = "mask", .fill = PLAN_FILL_NORMAL, .n_dims = 2, .dims = {2, 4}};
static struct plan_tensor ids_file = {.name = "ids", .fill = PLAN_FILL_FILE, .sha256 = "the-ids"};

/* A plan with batch 2, seq 8 and the inputs given. */
static struct plan plan_with(struct plan_tensor *inputs, uint32_t n)
{
	struct plan p = {.n_dimensions = 2,
		.dimensions = {{"batch", 2}, {"seq", 8}},
		.inputs = inputs,
		.n_inputs = n};

	return p;
}

static struct files files_with(int type, int n_dims, const int64_t *dims)
{
	uint8_t head[TENSORPB_HEAD_MAX];
	struct files files;
	struct tensor t;
	struct fail f;
	size_t n;

	assert_int_equal(files_init(&files, 1), 0);
	snprintf(files.sha256[0], PLAN_SHA, "the-ids");
	files.fds[0] = memfd_create("ids", MFD_CLOEXEC);
	assert_int_equal(tensor_init(&t, type, n_dims, dims, &f), 0);
	tensor_set(&t, 1, 42);
	n = tensorpb_head(head, &t, "ids");
	assert_int_equal(write(files.fds[0], head, n), n);
	assert_int_equal(write(files.fds[0], t.data, t.bytes), t.bytes);
	tensor_fini(&t);
	return files;
}

static void refuses(
	struct plan_tensor *inputs, uint32_t n, const struct files *files, const char *says)
{
	struct plan plan = plan_with(inputs, n);
	struct tensor *t = NULL;
	struct fail f = {0};

	assert_int_equal(inputs_make(&session, &plan, NULL, files, &t, &f), -1);
	assert_int_equal(f.outcome, OUTCOME_MODEL);
	if (!strstr(f.text, says))
		fail_msg("\"%s\" does not say \"%s\"", f.text, says);
}

static void free_dimensions_come_from_the_job(void **state)
{
	struct plan_tensor inputs[] = {uniform_ids, shaped_mask};
	struct plan plan = plan_with(inputs, 2);
	struct tensor *t = NULL;
	struct fail f = {0};
	char text[TENSOR_TEXT];

	(void)state;
	if (inputs_make(&session, &plan, NULL, NULL, &t, &f))
		fail_msg("%s", f.text);
	assert_string_equal(tensor_describe(text, t[0].type, t[0].n_dims, t[0].dims), "int64[2,8]");
	assert_string_equal(
		tensor_describe(text, t[1].type, t[1].n_dims, t[1].dims), "float32[2,4]");
	for (uint64_t i = 0; i < t[0].count; i++)
		assert_in_range(((int64_t *)t[0].data)[i], 0, 1999);
	inputs_free(t, 2);
}

static void a_cases_inputs_come_before_the_jobs(void **state)
{
	int64_t dims[] = {2, 8};
	struct files files = files_with(TENSOR_I64, 2, dims);
	struct plan_tensor inputs[] = {uniform_ids, shaped_mask};
	struct plan plan = plan_with(inputs, 2);
	struct plan_case kase = {.n_inputs = 1, .inputs = &ids_file};
	struct tensor *t = NULL;
	struct fail f = {0};

	(void)state;
	if (inputs_make(&session, &plan, &kase, &files, &t, &f))
		fail_msg("%s", f.text);
	assert_int_equal(((int64_t *)t[0].data)[0], 0);
	assert_int_equal(((int64_t *)t[0].data)[1], 42);
	inputs_free(t, 2);
	files_fini(&files);
}

static void a_file_of_the_wrong_shape_or_type_is_named(void **state)
{
	int64_t wide[] = {2, 9}, flat[] = {16}, right[] = {2, 8};
	struct plan_tensor inputs[] = {ids_file, shaped_mask};
	struct files files = files_with(TENSOR_I64, 2, wide);

	(void)state;
	refuses(inputs, 2, &files,
		"input \"ids\": the model expects int64[2,8], the job gives int64[2,9]");
	files_fini(&files);
	files = files_with(TENSOR_I64, 1, flat);
	refuses(inputs, 2, &files, "the model expects int64[2,8], the job gives int64[16]");
	files_fini(&files);
	files = files_with(TENSOR_I32, 2, right);
	refuses(inputs, 2, &files, "the model expects int64[2,8], the job gives int32[2,8]");
	files_fini(&files);
}

static void an_integer_is_never_guessed(void **state)
{
	(void)state;
	refuses(&shaped_mask, 1, NULL, "input \"ids\": it is int64, and the job does not say");
}

static void an_unnamed_dimension_needs_a_shape(void **state)
{
	(void)state;
	refuses(&uniform_ids, 1, NULL, "input \"mask\": its dimension 0 is free and has no name");
}

static void a_dimension_without_a_size_is_named(void **state)
{
	struct plan_tensor inputs[] = {uniform_ids, shaped_mask};
	struct plan plan = plan_with(inputs, 2);
	struct tensor *t = NULL;
	struct fail f = {0};

	(void)state;
	plan.n_dimensions = 1;
	assert_int_equal(inputs_make(&session, &plan, NULL, NULL, &t, &f), -1);
	assert_string_equal(f.text,
		"input \"ids\": its dimension \"seq\" is free; give its size in \"dimensions\"");
}

static void what_the_job_gets_wrong_is_said(void **state)
{
	struct plan_tensor foreign = {.name = "image", .fill = PLAN_FILL_NORMAL};
	struct plan_tensor tall = {
		.name = "mask", .fill = PLAN_FILL_NORMAL, .n_dims = 2, .dims = {2, 5}};
	struct plan_tensor inputs[] = {uniform_ids, tall};

	(void)state;
	refuses(&foreign, 1, NULL, "the model has no input \"image\"; its first is \"ids\"");
	refuses(inputs, 2, NULL, "the model expects float32[?,4], the job gives float32[2,5]");
	inputs[0].low = NAN;
	refuses(inputs, 2, NULL, "input \"ids\": its range from nan to 2000 is not one");
	inputs[0] = uniform_ids;
	inputs[0].n_dims = 2;
	inputs[0].dims[0] = 2;
	inputs[0].dims[1] = INT64_C(1) << 50;
	refuses(inputs, 2, NULL, "the model expects int64[2,8]");
}

static void what_is_no_tensor_of_numbers_is_not_fed(void **state)
{
	struct session_io odd[] = {
		{.name = seq_name}, {.name = text_name, .is_tensor = true, .type = TENSOR_STRING}};
	struct session s = {.n_inputs = 1, .inputs = odd};
	struct plan plan = {0};
	struct tensor *t = NULL;
	struct fail f = {0};

	(void)state;
	assert_int_equal(inputs_make(&s, &plan, NULL, NULL, &t, &f), -1);
	assert_non_null(strstr(f.text, "\"seq\": it is a sequence, map or optional"));
	s.inputs = &odd[1];
	assert_int_equal(inputs_make(&s, &plan, NULL, NULL, &t, &f), -1);
	assert_non_null(strstr(f.text, "\"text\": its element type is string"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_dimensions_come_from_the_job),
		cmocka_unit_test(a_cases_inputs_come_before_the_jobs),
		cmocka_unit_test(a_file_of_the_wrong_shape_or_type_is_named),
		cmocka_unit_test(an_integer_is_never_guessed),
		cmocka_unit_test(an_unnamed_dimension_needs_a_shape),
		cmocka_unit_test(a_dimension_without_a_size_is_named),
		cmocka_unit_test(what_the_job_gets_wrong_is_said),
		cmocka_unit_test(what_is_no_tensor_of_numbers_is_not_fed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
