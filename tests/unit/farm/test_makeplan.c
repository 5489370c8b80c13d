/* SPDX-License-Identifier: Apache-2.0 */
/* What a device is given to run with: the runner, the runtime's library, and where the device's own C
 * library is foreign a loader and libraries. The tools are small files in a directory of their own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "core/jobspec.h"
#include "drivers/driver.h"
#include "farm/blobs.h"
#include "farm/makeplan.h"
#include "farm/runtimes.h"
#include "farm/tools.h"
#include "support_env.h"

struct bench {
	char dir[64], host[32], ort[128];
	struct env *env;
	struct ctl_env ctl;
	struct blobs *blobs;
	struct tools *tools;
	struct runtimes *runtimes;
	struct jobspec *spec;
	struct makeplan plan;
	struct err err;
};

/* A file with its own name as content; returns its hash, in a static place. */
static const char *put(const struct bench *b, const char *path)
{
	static char sha[4][LIMIT_SHA256];
	static int at;
	char full[256], dir[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", b->dir, path);
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(dir, sizeof(dir), "%s/%.*s", b->dir, (int)(slash - path), path);
		mkdir(dir, 0700);
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(path, f);
	fclose(f);
	at = (at + 1) % 4;
	hash_bytes(path, strlen(path), sha[at]);
	return sha[at];
}

static void read_job(struct bench *b, const char *runner)
{
	char sha[LIMIT_SHA256], text[600], path[200];
	struct json_doc *doc;

	hash_bytes("model", 5, sha);
	snprintf(path, sizeof(path), "files/%.2s/%s", sha, sha);
	put(b, path);
	snprintf(text, sizeof(text),
		"{\"schema\": \"framefarm.job/1\", \"name\": \"n\", \"runner\": %s, \"model\": "
		"{\"name\": \"m\", \"variants\": [{\"name\": \"v\", \"file\": {\"sha256\": \"%s\", "
		"\"bytes\": 5, \"name\": \"m.onnx\"}}]}}",
		runner, sha);
	jobspec_free(b->spec);
	b->spec = NULL;
	doc = json_parse(text, strlen(text), &b->err);
	assert_non_null(doc);
	if (jobspec_parse(doc, 0, &b->spec, &b->err))
		fail_msg("%s", b->err.text);
	json_doc_free(doc);
}

/* Two that are registered: of glibc for this host and riscv64, and of bionic for this host. */
static void open_runtimes(struct bench *b)
{
	char text[1200], path[128];
	FILE *f;

	snprintf(text, sizeof(text),
		"{\"schema\": \"framefarm.runtimes/1\", \"runtimes\": ["
		"{\"name\": \"ours\", \"sha256\": \"%064d\", \"added_ms\": 1, \"libraries\": ["
		"{\"abi\": \"%s\", \"libc\": \"glibc\", \"sha256\": \"%064d\", \"bytes\": 5},"
		"{\"abi\": \"riscv64\", \"libc\": \"glibc\", \"sha256\": \"%064d\", \"bytes\": "
		"6}]},"
		"{\"name\": \"droid\", \"sha256\": \"%064d\", \"added_ms\": 1, \"libraries\": ["
		"{\"abi\": \"%s\", \"libc\": \"bionic\", \"sha256\": \"%064d\", \"bytes\": 7}]},"
		"{\"name\": \"alpine\", \"sha256\": \"%064d\", \"added_ms\": 1, \"libraries\": ["
		"{\"abi\": \"%s\", \"libc\": \"musl\", \"sha256\": \"%064d\", \"bytes\": 8}]}]}",
		10, b->host, 11, 12, 20, b->host, 21, 30, b->host, 31);
	snprintf(path, sizeof(path), "%s/runtimes.json", b->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	b->runtimes = runtimes_open(b->blobs, path, &b->err);
	if (!b->runtimes)
		fail_msg("%s", b->err.text);
}

static int open_bench(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct utsname u;
	char path[128];

	uname(&u);
	str_copy(b->host, sizeof(b->host), u.machine);
	snprintf(b->dir, sizeof(b->dir), "/tmp/ff-plan-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->env = env_new();
	env_ctl(b->env, &b->ctl);
	snprintf(path, sizeof(path), "%s/files", b->dir);
	b->blobs = blobs_open(&b->ctl, path, 1 << 20, &b->err);
	assert_non_null(b->blobs);
	put(b, "framefarm-runner-onnxruntime");
	put(b, "host-ort.so");
	snprintf(b->ort, sizeof(b->ort), "%s/host-ort.so", b->dir);
	b->tools = tools_new(b->dir, b->ort);
	open_runtimes(b);
	read_job(b, "{}");
	*state = b;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *b = *state;
	char cmd[128];

	makeplan_fini(&b->plan);
	jobspec_free(b->spec);
	tools_free(b->tools);
	runtimes_close(b->runtimes);
	blobs_close(b->blobs);
	env_free(b->env);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", b->dir);
	assert_int_equal(system(cmd), 0);
	free(b);
	return 0;
}

/* libc: the attribute, NULL for a device that has none. */
static int plan_for(struct bench *b, const char *abi, const char *libc)
{
	struct driver_identity id = {
		.n_attrs = libc ? 2 : 1, .attrs = {{"display.hz", "120"}, {"libc", ""}}};
	struct makeplan_device dev;

	str_copy(id.abi, sizeof(id.abi), abi);
	if (libc)
		str_copy(id.attrs[1].value, LIMIT_VALUE, libc);
	makeplan_device(&id, &dev);
	assert_true(dev.display_hz > 119);
	makeplan_fini(&b->plan);
	b->err.text[0] = '\0';
	return makeplan_init(&b->plan, b->spec, 0, &dev,
		&(struct makeplan_stock){b->blobs, b->tools, b->runtimes}, &b->err);
}

static bool pushes(const struct bench *b, const char *sha, bool executable)
{
	for (int i = 0; i < b->plan.n_files; i++)
		if (!strcmp(b->plan.files[i].sha256, sha))
			return b->plan.files[i].executable == executable;
	return false;
}

static void assert_said(const struct bench *b, const char *words)
{
	if (!strstr(b->err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", b->err.text, words);
}

/* ---- loader and libraries ---- */

static void a_linux_of_this_abi_uses_its_own_libraries(void **state)
{
	struct bench *b = *state;

	assert_int_equal(plan_for(b, b->host, NULL), 0);
	assert_string_equal(b->plan.plan.loader_sha256, "");
	assert_int_equal(b->plan.plan.n_support, 0);
	assert_int_equal(b->plan.n_files, 3); /* runner, runtime, model */
	assert_int_equal(plan_for(b, b->host, "glibc"), 0);
	assert_string_equal(b->plan.plan.loader_sha256, "");
}

static void an_android_of_this_abi_is_given_a_loader_and_libraries(void **state)
{
	struct bench *b = *state;
	char path[64];
	const char *loader, *libc;

	assert_int_equal(plan_for(b, b->host, "bionic"), ERR_NOTFOUND);
	assert_said(b, "make agents");
	snprintf(path, sizeof(path), "%s/lib/.done", b->host);
	put(b, path);
	snprintf(path, sizeof(path), "%s/lib/libc.so.6", b->host);
	libc = put(b, path);
	assert_int_equal(plan_for(b, b->host, "bionic"), ERR_NOTFOUND);
	assert_said(b, "no loader");
	snprintf(path, sizeof(path), "%s/lib/ld-linux.so.2", b->host);
	loader = put(b, path);
	assert_int_equal(plan_for(b, b->host, "bionic"), 0);
	assert_string_equal(b->plan.plan.loader_sha256, loader);
	assert_int_equal(b->plan.plan.n_support, 1);
	assert_string_equal(b->plan.plan.support[0].name, "libc.so.6");
	assert_string_equal(b->plan.plan.support[0].sha256, libc);
	assert_true(pushes(b, loader, true));
	assert_true(pushes(b, libc, false));
	assert_int_equal(b->plan.n_files, 5);
}

static void another_abi_has_its_own_of_everything(void **state)
{
	struct bench *b = *state;
	const char *loader;

	assert_int_equal(plan_for(b, "riscv64", NULL), ERR_NOTFOUND);
	put(b, "riscv64/framefarm-runner-onnxruntime");
	assert_int_equal(plan_for(b, "riscv64", NULL), ERR_NOTFOUND);
	assert_said(b, "libonnxruntime.so.1");
	put(b, "riscv64/libonnxruntime.so.1");
	put(b, "riscv64/lib/libc.so.6");
	loader = put(b, "riscv64/lib/ld-linux-riscv64-lp64d.so.1");
	assert_int_equal(plan_for(b, "riscv64", NULL), 0);
	assert_string_equal(b->plan.plan.loader_sha256, loader);
}

static void libraries_are_bounded(void **state)
{
	struct bench *b = *state;
	char path[64];

	put(b, "riscv64/framefarm-runner-onnxruntime");
	put(b, "riscv64/libonnxruntime.so.1");
	put(b, "riscv64/lib/ld-x");
	for (int i = 0; i < PLAN_SUPPORT_MAX; i++) {
		snprintf(path, sizeof(path), "riscv64/lib/lib%d.so", i);
		put(b, path);
	}
	assert_int_equal(plan_for(b, "riscv64", NULL), 0);
	assert_int_equal(b->plan.plan.n_support, PLAN_SUPPORT_MAX);
	put(b, "riscv64/lib/libmore.so");
	assert_int_equal(plan_for(b, "riscv64", NULL), ERR_TOOBIG);
	assert_said(b, "riscv64/lib has more than 17 files");
}

/* ---- runtimes ---- */

static void is_runtime(const struct bench *b, int number)
{
	char sha[LIMIT_SHA256];

	snprintf(sha, sizeof(sha), "%064d", number);
	assert_string_equal(b->plan.plan.runtime_sha256, sha);
	assert_true(pushes(b, sha, false));
}

static void a_runtime_that_the_job_names_takes_the_place_of_the_default(void **state)
{
	struct bench *b = *state;

	read_job(b, "{\"runtime\": \"ours\"}");
	assert_int_equal(plan_for(b, b->host, NULL), 0);
	is_runtime(b, 11);
	assert_int_equal(b->plan.n_files, 3);
	assert_non_null(strstr(b->plan.runtime.path, "/files/00/0000"));
	read_job(b, "{\"runtime\": \"0000000000000\"}"); /* digits of its hash */
	assert_int_equal(plan_for(b, b->host, NULL), 0);
	is_runtime(b, 11);
	/* For another ABI it needs the runner and what that is loaded with, but no default runtime. */
	read_job(b, "{\"runtime\": \"ours\"}");
	put(b, "riscv64/framefarm-runner-onnxruntime");
	put(b, "riscv64/lib/ld-linux.so.1");
	assert_int_equal(plan_for(b, "riscv64", NULL), 0);
	is_runtime(b, 12);
	assert_int_equal(strlen(b->plan.plan.loader_sha256), 64);
}

static void a_runtime_that_is_not_there_is_named(void **state)
{
	struct bench *b = *state;

	read_job(b, "{\"runtime\": \"theirs\"}");
	assert_int_equal(plan_for(b, b->host, NULL), ERR_NOTFOUND);
	assert_said(b, "no runtime is called \"theirs\"");
	read_job(b, "{\"runtime\": \"ours\"}");
	assert_int_equal(plan_for(b, "aarch64x", NULL), ERR_NOTFOUND);
	assert_said(b, "the runtime ours has no library for aarch64x; it is for ");
	read_job(b, "{\"runtime\": \"alpine\"}");
	assert_int_equal(plan_for(b, b->host, NULL), ERR_NOTFOUND);
	assert_said(b, "needs musl");
}

static void a_runtime_of_bionic_goes_with_a_runner_of_bionic(void **state)
{
	struct bench *b = *state;
	char path[100];
	const char *runner;

	read_job(b, "{\"runtime\": \"droid\"}");
	assert_int_equal(plan_for(b, b->host, NULL), ERR_NOTFOUND);
	assert_said(b, "made for Android, and this device is none");
	assert_int_equal(plan_for(b, b->host, "bionic"), ERR_NOTFOUND);
	assert_said(b, "make agents NDK=DIR");
	snprintf(path, sizeof(path), "%s/bionic/framefarm-runner-onnxruntime", b->host);
	runner = put(b, path);
	assert_int_equal(plan_for(b, b->host, "bionic"), 0);
	assert_string_equal(b->plan.plan.runner_sha256, runner);
	assert_string_equal(b->plan.plan.loader_sha256, "");
	is_runtime(b, 21);
}

static void an_agent_that_is_missing_says_what_builds_it(void **state)
{
	struct bench *b = *state;
	struct tool tool;

	assert_int_equal(tools_agent(b->tools, b->host, &tool, &b->err), ERR_NOTFOUND);
	assert_said(b, "`make`");
	assert_int_equal(tools_agent(b->tools, "aarch64x", &tool, &b->err), ERR_NOTFOUND);
	assert_said(b, "aarch64x/framefarm-agent is missing; build it with `make agents`");
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_linux_of_this_abi_uses_its_own_libraries),
		T(an_android_of_this_abi_is_given_a_loader_and_libraries),
		T(another_abi_has_its_own_of_everything),
		T(libraries_are_bounded),
		T(an_agent_that_is_missing_says_what_builds_it),
		T(a_runtime_that_the_job_names_takes_the_place_of_the_default),
		T(a_runtime_that_is_not_there_is_named),
		T(a_runtime_of_bionic_goes_with_a_runner_of_bionic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
