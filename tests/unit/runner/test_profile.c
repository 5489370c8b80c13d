/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's profile: who ran the nodes, as the two spellings in use write it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner/profile.h"

static void feed(struct profile *p, const char *const *lines)
{
	for (; *lines; lines++)
		profile_line(p, *lines, strlen(*lines));
}

static void kernel(struct profile *p, const char *name, const char *provider, int us)
{
	char line[512];

	snprintf(line, sizeof(line),
		"{\"cat\": \"Node\", \"pid\": 1, \"tid\": 1, \"dur\": %d, \"ts\": 8811, \"ph\": "
		"\"X\", "
		"\"name\": \"%s_kernel_time\", \"args\": {\"op_name\": \"Conv\", \"provider\": "
		"\"%s\", "
		"\"node_index\": \"85\"}},",
		us, name, provider);
	profile_line(p, line, strlen(line));
}

static void end_run(struct profile *p)
{
	static const char line[] = "{\"cat\": \"Session\", \"dur\": 2017, \"ts\": 8788, \"ph\": "
				   "\"X\", \"name\": \"model_run\", \"args\": {}},";

	profile_line(p, line, sizeof(line) - 1);
}

static const struct profile_provider *find(const struct profile *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_providers; i++)
		if (!strcmp(p->providers[i].name, name))
			return &p->providers[i];
	fail_msg("no provider %s", name);
	return NULL;
}

static void partial_delegation_is_seen(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(profile_init(&p), 0);
	for (int run = 0; run < 3; run++) {
		kernel(&p, "conv_0", "XnnpackExecutionProvider", run ? 100 : 9000);
		kernel(&p, "conv_1", "XnnpackExecutionProvider", 50);
		kernel(&p, "softmax", "CPUExecutionProvider", 10);
		end_run(&p);
	}
	assert_int_equal(p.runs, 3);
	assert_int_equal(find(&p, "xnnpack")->kernels, 2);
	assert_int_equal(find(&p, "xnnpack")->time_us, 300); /* not the first run */
	assert_int_equal(find(&p, "cpu")->kernels, 1);
	assert_int_equal(profile_kernels(&p), 3);
	assert_int_equal(profile_time_us(&p), 320);
	profile_fini(&p);
}

static void a_loops_body_is_counted_once_and_timed_every_time(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(profile_init(&p), 0);
	end_run(&p);
	for (int i = 0; i < 500; i++)
		kernel(&p, "body_add", "CPUExecutionProvider", 2);
	kernel(&p, "loop", "CPUExecutionProvider", 1100);
	end_run(&p);
	assert_int_equal(profile_kernels(&p), 2);
	assert_int_equal(profile_time_us(&p), 2100);
	profile_fini(&p);
}

static void an_unfinished_run_does_not_count(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(profile_init(&p), 0);
	kernel(&p, "a", "CPUExecutionProvider", 2);
	end_run(&p);
	kernel(&p, "a", "CPUExecutionProvider", 2);
	kernel(&p, "b", "CPUExecutionProvider", 2);
	assert_int_equal(profile_kernels(&p), 1);
	assert_int_equal(p.runs, 1);
	profile_fini(&p);
}

static void the_older_spelling_and_foreign_lines_are_borne(void **state)
{
	static const char *const lines[] = {
		"[",
		"{\"cat\" : \"Session\",\"pid\" :34368,\"dur\" :15496,\"name\" "
		":\"session_initialization\",\"args\" : {}},",
		"{\"cat\" : \"Node\",\"dur\" :0,\"name\" :\"Pad_fence_before\",\"args\" : "
		"{\"op_name\" : \"Pad\",\"provider\" : \"CPUExecutionProvider\"}},",
		"{\"cat\" : \"Node\",\"dur\" :775,\"name\" :\"ReLU32_kernel_time\",\"args\" : "
		"{\"output_type_shape\" : [{\"float\":[1,640]}],\"provider\" : "
		"\"CUDAExecutionProvider\",\"op_name\" : \"Relu\",\"node_index\" : \"3\"}},",
		"{\"cat\" : \"Node\",\"dur\" :1,\"name\" :\"no provider_kernel_time\",\"args\" : "
		"{}},",
		"{\"cat\" : \"Node\",\"dur\" :1,\"name\" :\"unclosed_kernel_time",
		"{\"cat\" : \"Session\",\"dur\" :9,\"name\" :\"model_run\"",
		"]",
		"",
		"\"\"\"\"",
		"{\"cat\"",
		"{\"cat\" : \"Node\",\"name\"",
		NULL,
	};
	struct profile p;

	(void)state;
	assert_int_equal(profile_init(&p), 0);
	feed(&p, lines);
	assert_int_equal(p.runs, 1);
	assert_int_equal(profile_kernels(&p), 1);
	assert_int_equal(find(&p, "cuda")->kernels, 1);
	profile_fini(&p);
}

static void a_name_that_plays_provider_does_not_count_as_one(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(profile_init(&p), 0);
	kernel(&p, "x\", \"provider\": \"QNNExecutionProvider", "CPUExecutionProvider", 1);
	kernel(&p, "y", "CPUExecutionProvider", 1);
	end_run(&p);
	assert_int_equal(profile_kernels(&p), 1); /* the forged line is no kernel at all */
	assert_int_equal(find(&p, "cpu")->kernels, 1);
	profile_fini(&p);
}

static void bounds_hold(void **state)
{
	struct profile p;
	char name[64];

	(void)state;
	assert_int_equal(profile_init(&p), 0);
	for (int i = 0; i < 3 * PROFILE_PROVIDERS; i++) {
		snprintf(name, sizeof(name), "P%dExecutionProvider", i);
		kernel(&p, name, name, 1);
	}
	for (int i = 0; i < PROFILE_NODES_MAX + 1000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		kernel(&p, name, "CPUExecutionProvider", 1);
	}
	end_run(&p);
	assert_int_equal(p.n_providers, PROFILE_PROVIDERS);
	assert_int_equal(profile_kernels(&p), PROFILE_NODES_MAX + 1000 + 3 * PROFILE_PROVIDERS);
	profile_fini(&p);
}

static void a_file_is_read_across_lines_of_any_length(void **state)
{
	int fd = memfd_create("profile", 0);
	struct profile p;
	char *pad = malloc(100001);

	(void)state;
	memset(pad, 'x', 100000);
	pad[100000] = '\0';
	dprintf(fd, "[\n%s\n", pad);
	for (int i = 0; i < 2000; i++)
		dprintf(fd,
			"{\"cat\": \"Node\", \"dur\": 3, \"name\": \"n%d_kernel_time\", \"args\": "
			"{\"shape\": \"%.*s\", \"provider\": \"CPUExecutionProvider\"}},\n",
			i, i * 31 % 3000, pad);
	dprintf(fd, "{\"cat\": \"Session\", \"dur\": 1, \"name\": \"model_run\"}\n]\n");
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(profile_init(&p), 0);
	assert_int_equal(profile_read(&p, fd), 0);
	assert_int_equal(profile_kernels(&p), 2000);
	profile_fini(&p);
	close(fd);
	free(pad);
}

static void providers_have_one_name_in_jobs_and_facts(void **state)
{
	char name[PROFILE_NAME];

	(void)state;
	profile_provider_short(name, "XnnpackExecutionProvider", 24);
	assert_string_equal(name, "xnnpack");
	profile_provider_short(name, "CoreML", 6);
	assert_string_equal(name, "coreml");
	profile_provider_short(name, "ExecutionProvider", 17);
	assert_string_equal(name, "executionprovider");
	profile_provider_short(name, "We ird.", 7);
	assert_string_equal(name, "we_ird_");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partial_delegation_is_seen),
		cmocka_unit_test(a_loops_body_is_counted_once_and_timed_every_time),
		cmocka_unit_test(an_unfinished_run_does_not_count),
		cmocka_unit_test(the_older_spelling_and_foreign_lines_are_borne),
		cmocka_unit_test(a_name_that_plays_provider_does_not_count_as_one),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(a_file_is_read_across_lines_of_any_length),
		cmocka_unit_test(providers_have_one_name_in_jobs_and_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
