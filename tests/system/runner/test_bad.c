/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a library, a model, an input or an option is said in a sentence, and the
 * runner never dies of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drive.h"

static struct drive d;

static int stop(void **state)
{
	(void)state;
	drive_fini(&d);
	return 0;
}

static void model(const char *path, const char *says)
{
	drive_init(&d, path);
	drive_run(&d, 0, OUTCOME_MODEL, says);
	drive_fini(&d);
}

static void what_is_no_model_is_refused_by_the_runtime(void **state)
{
	(void)state;
	model("bad/truncated.onnx", "the runtime refuses the model: ");
	model("bad/random.onnx", "protobuf parsing failed");
	model("bad/empty.onnx", "the model file is empty");
	drive_init(&d, "bad/string.onnx");
	drive_run(&d, 0, OUTCOME_MODEL, "input \"input\": its element type is string");
}

static void mlp_with_input(const char *path, const char *says)
{
	drive_init(&d, "mlp_16_32_10.onnx");
	drive_input(&d, "input", path);
	drive_run(&d, 0, OUTCOME_MODEL, says);
	drive_fini(&d);
}

static void wrong_inputs_are_named_with_what_was_expected(void **state)
{
	(void)state;
	mlp_with_input("bad/input_wrong_shape.pb",
		"input \"input\": the model expects float32[1,16], the job gives float32[1,17]");
	mlp_with_input("bad/input_wrong_type.pb", "the job gives int32[1,16]");
	mlp_with_input("bad/garbage.pb", "not a usable TensorProto file");
	drive_init(&d, "mlp_16_32_10.onnx");
	drive_input(&d, "image", "golden/mlp/input_0.pb");
	drive_run(&d, 0, OUTCOME_MODEL, "the model has no input \"image\"; its first is \"input\"");
}

static void mlp_with_case(const char *output, const char *path, const char *says)
{
	drive_init(&d, "mlp_16_32_10.onnx");
	drive_case(&d, "input", "golden/mlp/input_0.pb", output, path);
	drive_run(&d, 0, OUTCOME_MODEL, says);
	drive_fini(&d);
}

static void wrong_golden_data_is_not_a_wrong_output(void **state)
{
	(void)state;
	mlp_with_case("logits", "bad/logits_wrong_shape.pb",
		"golden case 0: output \"logits\": the "
		"reference is float32[1,11], the model gives float32[1,10]");
	mlp_with_case("logits", "bad/garbage.pb", "golden case 0: output \"logits\": not a usable");
	drive_init(&d, "mlp_16_32_10.onnx");
	drive_case(&d, "input", "golden/mlp/input_0.pb", "probs", "golden/mlp/logits_0.pb");
	drive_run(&d, 0, OUTCOME_MODEL, "the model has no such output; its first is \"logits\"");
}

static void a_library_that_is_not_the_runtime_is_infrastructure(void **state)
{
	(void)state;
	drive_init(&d, "mlp_16_32_10.onnx");
	drive_replace(&d, DRIVE_LIB, "/lib/x86_64-linux-gnu/libm.so.6");
	drive_run(&d, 0, OUTCOME_RUNTIME, "not ONNX Runtime: it has no OrtGetApiBase");
	drive_replace(&d, DRIVE_LIB, "/etc/passwd");
	drive_run(&d, 0, OUTCOME_RUNTIME, "the runtime library cannot be opened");
	unsetenv(
		"ORT_DISABLE_TELEMETRY"); /* the runner sets it by itself, before it opens a library */
	drive_replace(&d, DRIVE_LIB, getenv("FRAMEFARM_OLD_ORT"));
	drive_run(&d, 0, OUTCOME_RUNTIME,
		"the runtime library is ONNX Runtime 1.10.0; this runner needs 1.16 or newer");
	snprintf(d.plan.runtime_sha256, PLAN_SHA, "%064x", 0xcc);
	drive_run(&d, 0, OUTCOME_RUNTIME, "did not come with the plan");
}

/* The first half of the real one: its pages behind that are not there. */
static void a_library_that_crashes_when_it_is_opened_is_no_fault_of_the_model(void **state)
{
	char path[] = "/tmp/framefarm-half-XXXXXX";
	struct stat st;
	int fd = mkstemp(path), real = open(getenv("FRAMEFARM_ORT"), O_RDONLY);
	ssize_t n = 1;

	(void)state;
	assert_int_equal(fstat(real, &st), 0);
	for (off_t left = st.st_size / 2; left > 0 && n > 0; left -= n)
		n = sendfile(fd, real, NULL, left);
	assert_true(n > 0);
	close(real);
	close(fd);
	drive_init(&d, "mlp_16_32_10.onnx");
	drive_replace(&d, DRIVE_LIB, path);
	drive_start(&d, 0);
	drive_wait(&d, 60);
	unlink(path);
	assert_true(d.done);
	assert_int_equal(d.outcome, OUTCOME_RUNTIME);
	assert_non_null(strstr(d.cause, "crashed while it was opened (SIGBUS)"));
	assert_non_null(strstr(d.cause, "FRAMEFARM_ORT"));
	assert_true(WIFSIGNALED(d.status));
	assert_int_equal(WTERMSIG(d.status), SIGBUS);
}

static void a_library_that_hangs_when_it_is_opened_is_no_fault_of_the_model(void **state)
{
	(void)state;
	drive_init(&d, "mlp_16_32_10.onnx");
	d.plan.stall_ms = 1000;
	drive_replace(&d, DRIVE_LIB, getenv("FRAMEFARM_OLD_ORT"));
	setenv("FRAMEFARM_OLD_ORT_HANGS", "1", 1);
	drive_start(&d, 0);
	drive_wait(&d, 60);
	unsetenv("FRAMEFARM_OLD_ORT_HANGS");
	assert_true(d.done);
	assert_int_equal(d.outcome, OUTCOME_RUNTIME);
	assert_non_null(strstr(d.cause, "does not come back from being opened"));
	assert_true(WIFSIGNALED(d.status));
	assert_int_equal(WTERMSIG(d.status), SIGALRM);
}

static void the_patience_with_a_library_is_over_when_it_is_open(void **state)
{
	(void)state;
	drive_init(&d, "mlp_16_32_10.onnx");
	d.plan.stall_ms = 1000;
	d.plan.paced = (struct plan_block){1, 40, 40, 0, 60000, 50000000}; /* two seconds */
	drive_run(&d, 0, OUTCOME_OK, "");
	assert_int_equal(d.ring->head, 40);
}

static void a_model_that_takes_all_memory_is_stopped_by_its_limit(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip(); /* their allocators end the process where others refuse */
#endif
	drive_init(&d, "bad/hungry.onnx");
	d.plan.memory_bytes = INT64_C(64) << 20;
	drive_run(&d, 0, OUTCOME_MEMORY, "the first inference failed: ");
}

static void a_provider_that_this_build_lacks_is_named(void **state)
{
	(void)state;
	drive_init(&d, "mlp_16_32_10.onnx");
	snprintf(d.plan.provider, PLAN_NAME, "qnn");
	drive_run(&d, 0, OUTCOME_MODEL, "provider \"qnn\": the runtime refuses the provider: ");
	snprintf(d.plan.provider, PLAN_NAME, "nnapi");
	drive_run(&d, 0, OUTCOME_MODEL, "this build of ONNX Runtime has no provider \"nnapi\"");
}

static void a_wrong_option_is_named(void **state)
{
	(void)state;
	drive_init(&d, "mlp_16_32_10.onnx");
	d.plan.n_session_options = 1;
	snprintf(d.plan.session_options[0].key, PLAN_NAME, "arena");
	drive_run(&d, 0, OUTCOME_MODEL, "there is no session option \"arena\"");
	snprintf(d.plan.session_options[0].key, PLAN_NAME, "cpu_mem_arena");
	snprintf(d.plan.session_options[0].value, PLAN_OPTION_VALUE, "no");
	drive_run(&d, 0, OUTCOME_MODEL, "must be 0 or 1");
	snprintf(d.plan.session_options[0].value, PLAN_OPTION_VALUE, "0");
	drive_run(&d, 0, OUTCOME_OK, "");
	snprintf(d.plan.session_options[0].key, PLAN_NAME, "session.intra_op.allow_spinning");
	drive_run(&d, 0, OUTCOME_OK, "");
}

static void an_agent_that_speaks_nonsense_is_told_so(void **state)
{
	(void)state;
	drive_init(&d, "mlp_16_32_10.onnx");
	drive_run(&d, 1, OUTCOME_INTERNAL, "cannot be understood"); /* there is only process 0 */
	d.capacity = 0;
	drive_fini(&d);
	drive_init(&d, "mlp_16_32_10.onnx");
	drive_start(&d, 0);
	drive_wait(&d, 30);
	d.ring->magic = 0;
	drive_run(&d, 0, OUTCOME_INTERNAL, "the ring is not one of this version");
}

#define STORY(fn) cmocka_unit_test_teardown(fn, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_no_model_is_refused_by_the_runtime),
		STORY(wrong_inputs_are_named_with_what_was_expected),
		STORY(wrong_golden_data_is_not_a_wrong_output),
		STORY(a_library_that_is_not_the_runtime_is_infrastructure),
		STORY(a_library_that_crashes_when_it_is_opened_is_no_fault_of_the_model),
		STORY(a_library_that_hangs_when_it_is_opened_is_no_fault_of_the_model),
		STORY(the_patience_with_a_library_is_over_when_it_is_open),
		STORY(a_model_that_takes_all_memory_is_stopped_by_its_limit),
		STORY(a_provider_that_this_build_lacks_is_named),
		STORY(a_wrong_option_is_named),
		STORY(an_agent_that_speaks_nonsense_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
