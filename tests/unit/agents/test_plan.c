/* SPDX-License-Identifier: Apache-2.0 */
/* A plan reaches the device as the controller made it, or not at all. */
#include "tests/unit/agents/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

/* Length and CRC-32C of the plan below, from a few lines of Python with struct.pack(). */
#define LAYOUT_BYTES 40444
#define LAYOUT_CRC   0x89c55a38u
#define V2_BYTES     (2 + 4) /* no loader, no libraries */

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static uint8_t mem[PROTO_PAYLOAD_MAX];

static void fill_tensors(struct plan_tensor **ret_t, uint32_t *ret_n, uint32_t n)
{
	struct plan_tensor *t = calloc(n, sizeof(*t));

	for (uint32_t i = 0; i < n; i++) {
		strcpy(t[i].name, "input");
		if (i % 2) {
			strcpy(t[i].sha256, SHA);
		} else {
			t[i].fill = PLAN_FILL_UNIFORM;
			t[i].seed = i;
			t[i].low = -1.5;
			t[i].high = 2000;
		}
		t[i].n_dims = (uint8_t)(i % (PLAN_DIMS + 1));
		for (int d = 0; d < t[i].n_dims; d++)
			t[i].dims[d] = d - 1;
	}
	*ret_t = t;
	*ret_n = n;
}

static void fill_options(struct plan_option *o, uint32_t *ret_n, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		memset(o[i].key, 'k', sizeof(o[i].key) - 1); /* as long as they come */
		memset(o[i].value, 'v', sizeof(o[i].value) - 1);
	}
	*ret_n = n;
}

static void fill_measure(struct plan *p)
{
	p->cold_loads = 1;
	p->warm_loads = 2;
	p->coverage = 1;
	p->warmup_min_runs = 10;
	p->warmup_max_ms = 5000;
	p->thermal_start_mc = INT32_MIN;
	p->back2back = (struct plan_block){1, 300, 100000, 30000, 60000, 0};
	p->paced = (struct plan_block){1, 300, 3600, 30000, 60000, 16666667};
	p->sustained = (struct plan_block){0, 0, 0, 0, 0, 0};
	p->budget_ns = 16000000;
	p->sample_hz = 10;
	p->sample_hz_timed = 2;
	p->deadline_ms = 180000;
	p->stall_ms = 20000;
	p->memory_bytes = INT64_C(1) << 40;
}

/* Every list as long as it may be, but for the cases, which would not fit a frame. */
static void fill(struct plan *p)
{
	memset(p, 0, sizeof(*p));
	strcpy(p->job, "mobilenet");
	strcpy(p->variant, "int8");
	strcpy(p->runner, "onnxruntime");
	strcpy(p->runner_sha256, SHA);
	strcpy(p->model_sha256, SHA);
	p->model_bytes = 4000000;
	p->threads = -1;
	p->optimization = 3;
	strcpy(p->provider, "xnnpack");
	p->strict = 1;
	fill_options(p->provider_options, &p->n_provider_options, PLAN_OPTIONS_MAX);
	fill_options(p->session_options, &p->n_session_options, PLAN_OPTIONS_MAX);
	for (p->n_dimensions = 0; p->n_dimensions < PLAN_OPTIONS_MAX; p->n_dimensions++) {
		strcpy(p->dimensions[p->n_dimensions].name, "batch");
		p->dimensions[p->n_dimensions].value = p->n_dimensions;
	}
	fill_tensors(&p->inputs, &p->n_inputs, PLAN_INPUTS_MAX);
	p->n_cases = 3;
	p->cases = calloc(p->n_cases, sizeof(*p->cases));
	fill_tensors(&p->cases[0].inputs, &p->cases[0].n_inputs, PLAN_TENSORS_MAX);
	fill_tensors(&p->cases[0].outputs, &p->cases[0].n_outputs, PLAN_TENSORS_MAX);
	fill_tensors(&p->cases[2].outputs, &p->cases[2].n_outputs, 1); /* case 1 has none */
	p->tolerance = (struct plan_tolerance){0.999, (double)NAN, 0.01, (double)NAN};
	p->golden_stop = 1;
	fill_measure(p);
}

static void assert_tensors(const struct plan_tensor *a, const struct plan_tensor *b, uint32_t n)
{
	if (n)
		assert_memory_equal(a, b, n * sizeof(*a));
}

static void a_plan_comes_back(void **state)
{
	static struct plan p, got;
	size_t n;

	(void)state;
	fill(&p);
	n = plan_encode(&p, mem, sizeof(mem));
	assert_true(n > 0);
	assert_int_equal(plan_decode(mem, n, &got), 0);
	assert_int_equal(got.n_inputs, PLAN_INPUTS_MAX);
	assert_tensors(got.inputs, p.inputs, p.n_inputs);
	assert_int_equal(got.n_cases, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(got.cases[i].n_inputs, p.cases[i].n_inputs);
		assert_int_equal(got.cases[i].n_outputs, p.cases[i].n_outputs);
		assert_tensors(got.cases[i].inputs, p.cases[i].inputs, p.cases[i].n_inputs);
		assert_tensors(got.cases[i].outputs, p.cases[i].outputs, p.cases[i].n_outputs);
	}
	assert_true(isnan(got.tolerance.sqnr_db_min) && got.tolerance.cosine_min == 0.999);
	/* What is left holds no pointers and no padding that was written: byte by byte the same. */
	plan_fini(&p);
	plan_fini(&got);
	assert_memory_equal(&got, &p, sizeof(p));
	plan_fini(&got); /* twice does no harm */
}

/* One byte off a field moves all behind it, so the encoding as a whole is held to its sum. */
static void the_layout_is_what_it_was(void **state)
{
	static struct plan p;
	size_t n;

	(void)state;
	fill(&p);
	p.tolerance = (struct plan_tolerance){0.999, 30, 0.01, 0.98}; /* a NaN has many faces */
	n = plan_encode(&p, mem, sizeof(mem));
	/* What version 1 has is where it was; version 2 put a loader and its libraries behind it. */
	assert_int_equal(n, LAYOUT_BYTES + V2_BYTES);
	assert_int_equal(proto_crc32c(0, mem, LAYOUT_BYTES), LAYOUT_CRC);
	plan_fini(&p);
	assert_int_equal(plan_decode(mem, LAYOUT_BYTES, &p), 0);
	assert_string_equal(p.loader_sha256, "");
	assert_int_equal(p.n_support, 0);
	plan_fini(&p);
}

static void a_runner_may_bring_its_loader(void **state)
{
	static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "/lib/libc.so.6"};
	static struct plan p, got;
	size_t n;

	(void)state;
	fill(&p);
	memset(p.loader_sha256, 'a', PLAN_SHA - 1);
	p.n_support = PLAN_SUPPORT_MAX;
	for (int i = 0; i < PLAN_SUPPORT_MAX; i++) {
		snprintf(p.support[i].name, sizeof(p.support[i].name), "lib%d.so.6", i);
		memset(p.support[i].sha256, '0' + i % 10, PLAN_SHA - 1);
	}
	n = plan_encode(&p, mem, sizeof(mem));
	assert_true(n);
	assert_int_equal(plan_decode(mem, n, &got), 0);
	assert_string_equal(got.loader_sha256, p.loader_sha256);
	assert_int_equal(got.n_support, PLAN_SUPPORT_MAX);
	assert_memory_equal(got.support, p.support, sizeof(p.support));
	plan_fini(&got);

	/* The names become files on the device. */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(p.support[3].name, bad[i]);
		n = plan_encode(&p, mem, sizeof(mem));
		assert_int_equal(plan_decode(mem, n, &got), -1);
		plan_fini(&got);
	}
	strcpy(p.support[3].name, "libm.so.6");
	p.support[3].sha256[0] = '\0';
	n = plan_encode(&p, mem, sizeof(mem));
	assert_int_equal(plan_decode(mem, n, &got), -1);
	plan_fini(&got);
	p.n_support = PLAN_SUPPORT_MAX + 1;
	assert_int_equal(plan_encode(&p, mem, sizeof(mem)), 0);
	plan_fini(&p);
}

static void half_a_plan_is_refused_and_leaves_nothing(void **state)
{
	static struct plan p, got;
	size_t n;

	(void)state;
	fill(&p);
	n = plan_encode(&p, mem, sizeof(mem));
	for (size_t len = 0; len < n; len += 1 + len / 97) {
		uint8_t *part;

		if (len == n - V2_BYTES)
			continue; /* one of version 1 */
		part = malloc(len + !len);

		memcpy(part, mem, len);
		assert_int_equal(plan_decode(part, len, &got), -1);
		plan_fini(&got);
		free(part);
	}
	mem[n] = 0xee; /* and a longer one is from the future */
	assert_int_equal(plan_decode(mem, n + 1, &got), 0);
	plan_fini(&got);
	plan_fini(&p);
}

static void a_plan_that_does_not_fit_is_not_encoded(void **state)
{
	static struct plan p;
	size_t n;

	(void)state;
	fill(&p);
	n = plan_encode(&p, mem, sizeof(mem));
	assert_int_equal(plan_encode(&p, mem, n), n);
	assert_int_equal(plan_encode(&p, mem, n - 1), 0);
	assert_int_equal(plan_encode(&p, mem, 0), 0);
	plan_fini(&p);
}

static void refuses_to_encode(struct plan *p, uint32_t *count, uint32_t max)
{
	uint32_t was = *count;

	*count = max + 1;
	assert_int_equal(plan_encode(p, mem, sizeof(mem)), 0);
	*count = was;
	assert_true(plan_encode(p, mem, sizeof(mem)) > 0);
}

static void lists_beyond_their_bound_are_not_encoded(void **state)
{
	static struct plan p;

	(void)state;
	fill(&p);
	refuses_to_encode(&p, &p.n_provider_options, PLAN_OPTIONS_MAX);
	refuses_to_encode(&p, &p.n_session_options, PLAN_OPTIONS_MAX);
	refuses_to_encode(&p, &p.n_dimensions, PLAN_OPTIONS_MAX);
	refuses_to_encode(&p, &p.n_inputs, PLAN_INPUTS_MAX);
	refuses_to_encode(&p, &p.n_cases, PLAN_CASES_MAX);
	refuses_to_encode(&p, &p.cases[1].n_inputs, PLAN_TENSORS_MAX);
	refuses_to_encode(&p, &p.cases[1].n_outputs, PLAN_TENSORS_MAX);
	p.inputs[0].n_dims = PLAN_DIMS + 1;
	assert_int_equal(plan_encode(&p, mem, sizeof(mem)), 0);
	plan_fini(&p);
}

/* Where the counts stand in a plan without names and lists: six empty texts, model_bytes, threads
 * twice, optimization, an empty text, strict, then three lists, fix_dimensions, inputs, cases. */
enum {
	AT_OPTIMIZATION = 6 * 2 + 8 + 2 * 4,
	AT_PROVIDER_OPTIONS = AT_OPTIMIZATION + 1 + 2 + 1,
	AT_SESSION_OPTIONS = AT_PROVIDER_OPTIONS + 4,
	AT_DIMENSIONS = AT_SESSION_OPTIONS + 4,
	AT_INPUTS = AT_DIMENSIONS + 4 + 1,
	AT_CASES = AT_INPUTS + 4
};

static int decode_with_count(size_t at, uint32_t count)
{
	static struct plan p, got;
	struct proto_w w;
	size_t n;
	int r;

	memset(&p, 0, sizeof(p));
	n = plan_encode(&p, mem, sizeof(mem));
	memset(mem + n, 0, sizeof(mem) - n);
	if (at > AT_CASES)
		mem[AT_CASES] = 1;
	proto_w_init(&w, mem + at, 4);
	proto_put_u32(&w, count);
	r = plan_decode(mem, sizeof(mem), &got);
	plan_fini(&got);
	return r;
}

static void lists_beyond_their_bound_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t max;
	} lists[] = {{AT_PROVIDER_OPTIONS, PLAN_OPTIONS_MAX},
		{AT_SESSION_OPTIONS, PLAN_OPTIONS_MAX}, {AT_DIMENSIONS, PLAN_OPTIONS_MAX},
		{AT_INPUTS, PLAN_INPUTS_MAX}, {AT_CASES, PLAN_CASES_MAX},
		{AT_CASES + 4, PLAN_TENSORS_MAX}};

	(void)state;
	/* Zeros go on behind the plan, so a count within its bound always finds its items. */
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		assert_int_equal(decode_with_count(lists[i].at, lists[i].max), 0);
		assert_int_equal(decode_with_count(lists[i].at, lists[i].max + 1), -1);
		assert_int_equal(decode_with_count(lists[i].at, UINT32_MAX), -1);
	}
}

static void refuses(void (*spoil)(struct plan *p))
{
	static struct plan p, got;
	size_t n;

	fill(&p);
	spoil(&p);
	n = plan_encode(&p, mem, sizeof(mem));
	assert_true(n > 0);
	assert_int_equal(plan_decode(mem, n, &got), -1);
	plan_fini(&got);
	plan_fini(&p);
}

static void model_elsewhere(struct plan *p)
{
	strcpy(p->model_sha256, "../../etc/passwd");
}

static void long_path_as_hash(struct plan *p)
{
	memset(p->runtime_sha256, '/', PLAN_SHA - 1);
}

static void short_hash(struct plan *p)
{
	strcpy(p->runner_sha256, "00ff");
}

static void upper_case_hash(struct plan *p)
{
	p->inputs[1].sha256[10] = 'A';
}

static void foreign_fill(struct plan *p)
{
	p->cases[0].outputs[0].fill = PLAN_FILL_UNIFORM + 1;
}

static void what_would_mislead_the_device_is_refused(void **state)
{
	(void)state;
	refuses(model_elsewhere);
	refuses(long_path_as_hash);
	refuses(short_hash);
	refuses(upper_case_hash);
	refuses(foreign_fill);
}

static void phases_and_outcomes_have_names(void **state)
{
	(void)state;
	assert_string_equal(phase_name(PHASE_NONE), "none");
	assert_string_equal(phase_name(PHASE_LOAD_COLD), "load_cold");
	assert_string_equal(phase_name(PHASE_BACK2BACK), "back_to_back");
	assert_string_equal(phase_name(PHASE_AFTER), "after");
	assert_string_equal(phase_name(PHASE_AFTER + 1), "unknown");
	assert_string_equal(phase_name(-1), "unknown");
	assert_string_equal(outcome_name(OUTCOME_OK), "ok");
	assert_string_equal(outcome_name(OUTCOME_CRASH), "crash");
	assert_string_equal(outcome_name(OUTCOME_INTERNAL), "internal");
	assert_string_equal(outcome_name(OUTCOME_INTERNAL + 1), "unknown");
	for (int i = PHASE_NONE; i <= PHASE_AFTER; i++)
		assert_string_not_equal(phase_name(i), "unknown");
	for (int i = OUTCOME_OK; i <= OUTCOME_INTERNAL; i++)
		assert_string_not_equal(outcome_name(i), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_comes_back),
		cmocka_unit_test(the_layout_is_what_it_was),
		cmocka_unit_test(a_runner_may_bring_its_loader),
		cmocka_unit_test(half_a_plan_is_refused_and_leaves_nothing),
		cmocka_unit_test(a_plan_that_does_not_fit_is_not_encoded),
		cmocka_unit_test(lists_beyond_their_bound_are_not_encoded),
		cmocka_unit_test(lists_beyond_their_bound_are_refused),
		cmocka_unit_test(what_would_mislead_the_device_is_refused),
		cmocka_unit_test(phases_and_outcomes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
