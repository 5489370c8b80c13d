/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories of the ADB driver with a daemon that somebody else has started: AOSP's own, or the virtual
 * phone. Its address is in FRAMEFARM_ADB ("usb": at a mocked port), the agent for it in
 * FRAMEFARM_AGENT. The same stories must hold with both; adb_driver.py runs them. The host is the unit tests' (virtual time, real
 * descriptors, a guard over the contract).
 */
#include "adbrig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/proto.h"
#include "base/str.h"

static int rig_new(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	tmp_init(&r->tmp);
	str_copy(r->address, sizeof(r->address), getenv("FRAMEFARM_ADB"));
	*state = r;
	rig_open(r);
	return 0;
}

static int rig_free(void **state)
{
	struct rig *r = *state;

	rig_close(r);
	tmp_fini(&r->tmp);
	free(r);
	return 0;
}

/* ---- stories ---- */

static void test_it_says_who_it_is(void **state)
{
	struct rig *r = *state;
	char key[LIMIT_KEY];

	assert_int_equal(strncmp(r->id.key, "adb:", 4), 0);
	assert_true(*r->id.abi && *r->id.os && *r->id.name && *r->id.fingerprint);
	str_copy(key, sizeof(key), r->id.key);

	/* Another connection, and another daemon of ours: the same phone. */
	rig_close(r);
	rig_open(r);
	assert_string_equal(r->id.key, key);
}

static void test_commands_have_status_output_and_input(void **state)
{
	struct rig *r = *state;

	assert_int_equal(RIG_RUN(r, NULL, "sh", "-c", "echo out; echo err >&2; exit 7"), 7);
	assert_string_equal(r->op.result.exec.out, "out\n");
	assert_string_equal(r->op.result.exec.err, "err\n");
	rig_drop_output(r);
	assert_int_equal(RIG_RUN(r, "from here\n", "cat"), 0);
	assert_string_equal(r->op.result.exec.out, "from here\n");
	rig_drop_output(r);
	/* No shell of the phone's takes a word apart. */
	assert_int_equal(RIG_RUN(r, NULL, "echo", "a  b", "$HOME", "it's", "*", "`id`", ";id"), 0);
	assert_string_equal(r->op.result.exec.out, "a  b $HOME it's * `id` ;id\n");
	rig_drop_output(r);
	/* More than is kept is cut, and said to be. */
	assert_int_equal(RIG_RUN(r, NULL, "head", "-c", "300000", "/dev/zero"), 0);
	assert_int_equal(r->op.result.exec.n_out, DRIVER_OUTPUT_MAX);
	assert_true(r->op.result.exec.cut);
	rig_drop_output(r);
}

static void test_a_command_that_does_not_end_is_cancelled(void **state)
{
	struct rig *r = *state;

	rig_op(r, DRIVER_OP_EXEC);
	r->op.in.exec.argv[0] = "sleep";
	r->op.in.exec.argv[1] = "1000";
	assert_int_equal(support_submit(r->sh, &r->op, NULL), 0);
	support_step(r->sh);
	support_cancel(r->sh, &r->op);
	support_until_done(r->sh, &r->op);
	assert_int_equal(r->op.rc, ERR_CANCELLED);
}

static void test_files_go_there_once_and_come_back(void **state)
{
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 1048576, 5000001};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char back[LIMIT_SHA256], path[TMP_PATH];
		long long bytes;

		rig_make_file(r, "model", sizes[i]);
		str_copy(path, sizeof(path), tmp_path(&r->tmp, "model"));
		rig_push(r, path, i % 2);
		rig_do(r);
		assert_false(r->op.result.push.skipped);
		assert_int_equal(r->op.result.push.bytes, sizes[i]);
		rig_push(r, path, i % 2);
		rig_do(r);
		assert_true(r->op.result.push.skipped);

		rig_op(r, DRIVER_OP_PULL);
		snprintf(r->op.in.pull.src, sizeof(r->op.in.pull.src), "files/%s", r->sha);
		str_copy(r->op.in.pull.dst, sizeof(r->op.in.pull.dst), tmp_path(&r->tmp, "back"));
		r->op.in.pull.max_bytes = (int64_t)sizes[i];
		rig_do(r);
		tmp_hash(tmp_path(&r->tmp, "back"), back, &bytes);
		assert_string_equal(back, r->sha);
		assert_int_equal(
			RIG_RUN(r, NULL, "test", "-x",
				strcat(strcat(strcpy(path, r->workdir), "/files/"), r->sha)),
			i % 2 ? 0 : 1);
		rig_drop_output(r);
	}
}

static void test_a_damaged_file_is_the_hosts_fault(void **state)
{
	struct rig *r = *state;
	char path[TMP_PATH];

	rig_make_file(r, "model", 100000);
	str_copy(path, sizeof(path), tmp_path(&r->tmp, "model"));
	r->sha[0] = r->sha[0] == 'a' ? 'b' : 'a';
	rig_push(r, path, false);
	assert_int_equal(support_do(r->sh, &r->op), ERR_CORRUPT);
	assert_false(r->op.blame_device);
	/* Nothing has the name that it would have had. */
	rig_op(r, DRIVER_OP_PULL);
	snprintf(r->op.in.pull.src, sizeof(r->op.in.pull.src), "files/%s", r->sha);
	str_copy(r->op.in.pull.dst, sizeof(r->op.in.pull.dst), tmp_path(&r->tmp, "back"));
	r->op.in.pull.max_bytes = 1 << 20;
	assert_int_not_equal(support_do(r->sh, &r->op), 0);
	assert_false(tmp_exists(tmp_path(&r->tmp, "back")));
	assert_false(tmp_exists(tmp_path(&r->tmp, "back.part")));
}

static void test_a_pull_is_bounded(void **state)
{
	struct rig *r = *state;

	assert_int_equal(RIG_RUN(r, NULL, "sh", "-c",
				 "head -c 300000 /dev/zero >/tmp/large 2>/dev/null || head -c "
				 "300000 /dev/zero >/data/local/tmp/large; ls /tmp/large "
				 "/data/local/tmp/large 2>/dev/null; true"),
		0);
	rig_drop_output(r);
	rig_op(r, DRIVER_OP_PULL);
	str_copy_clean(r->op.in.pull.src, sizeof(r->op.in.pull.src), "/tmp/large", 10);
	str_copy(r->op.in.pull.dst, sizeof(r->op.in.pull.dst), tmp_path(&r->tmp, "back"));
	r->op.in.pull.max_bytes = 299999;
	if (support_do(r->sh, &r->op) == ERR_NOTFOUND || r->op.rc == ERR_PERM) {
		str_copy(r->op.in.pull.src, sizeof(r->op.in.pull.src), "/data/local/tmp/large");
		support_do(r->sh, &r->op);
	}
	assert_int_equal(r->op.rc, ERR_TOOBIG);
	assert_false(tmp_exists(tmp_path(&r->tmp, "back")));
}

static void test_what_is_not_kept_is_cleaned(void **state)
{
	struct rig *r = *state;
	char kept[LIMIT_SHA256], path[TMP_PATH];
	const char *keep[] = {kept, NULL};

	rig_make_file(r, "model", 1000);
	memcpy(kept, r->sha, sizeof(kept));
	str_copy(path, sizeof(path), tmp_path(&r->tmp, "model"));
	rig_push(r, path, false);
	rig_do(r);
	rig_make_file(r, "model", 2000);
	rig_push(r, path, false);
	rig_do(r);
	RIG_RUN(r, NULL, "sh", "-c",
		"cd \"$0\"; mkdir -p scratch/9; echo x >scratch/9/y; echo x >'files/odd "
		"'\\''name'; "
		"ln -s /etc scratch/link",
		r->workdir);
	rig_drop_output(r);
	rig_op(r, DRIVER_OP_CLEAN);
	r->op.in.clean.keep = keep;
	rig_do(r);
	assert_true(r->op.result.clean.freed_bytes >= 2000);
	assert_int_equal(RIG_RUN(r, NULL, "sh", "-c",
				 "cd \"$0\"; ls files scratch; ls /etc | head -n 1", r->workdir),
		0);
	assert_non_null(strstr(r->op.result.exec.out, kept));
	assert_null(strstr(r->op.result.exec.out, r->sha));
	assert_null(strstr(r->op.result.exec.out, "odd"));
	assert_null(strstr(r->op.result.exec.out, "link"));
	assert_true(r->op.result.exec.n_out > 80);
	rig_drop_output(r);
}

static void test_the_agent_outlives_us_and_is_found_again(void **state)
{
	struct rig *r = *state;

	rig_push_agent(r);
	assert_false(rig_start_agent(r, 1));
	assert_int_equal(rig_say_hello(r), PROTO_WELCOME);

	/* The controller is restarted: the shell that started the agent is long gone. */
	rig_close(r);
	rig_open(r);
	rig_push_agent(r);
	assert_true(r->op.result.push.skipped);
	assert_true(rig_start_agent(r, 2));
	assert_int_equal(r->secret[0], 1);
	assert_int_equal(rig_say_hello(r), PROTO_WELCOME);

	rig_op(r, DRIVER_OP_COLLECT);
	str_copy(r->op.in.collect.dst, sizeof(r->op.in.collect.dst), tmp_path(&r->tmp, "logs"));
	rig_do(r);
	assert_non_null(strstr(tmp_read(tmp_path(&r->tmp, "logs/agent.log")), "event="));

	/* An agent that lives is not cleaned away. */
	rig_op(r, DRIVER_OP_CLEAN);
	r->op.in.clean.all = true;
	assert_int_equal(support_do(r->sh, &r->op), ERR_CONFLICT);
	rig_op(r, DRIVER_OP_STOP);
	rig_do(r);
	rig_op(r, DRIVER_OP_CLEAN);
	r->op.in.clean.all = true;
	rig_do(r);

	/* Its end takes the secret with it. */
	rig_push_agent(r);
	assert_false(rig_start_agent(r, 3));
	assert_int_equal(r->secret[0], 3);
	rig_op(r, DRIVER_OP_STOP);
	rig_do(r);
}

static void test_nothing_listens(void **state)
{
	struct rig *r = *state;

	rig_op(r, DRIVER_OP_CONNECT);
	str_copy(r->op.in.connect.endpoint, sizeof(r->op.in.connect.endpoint),
		"abstract:framefarm-nobody");
	assert_int_equal(support_do(r->sh, &r->op), ERR_UNREACHABLE);
	assert_true(r->op.blame_device);
}

/* One of every kind, `steps` into it. */
static void begin_all(struct rig *r, struct driver_op *ops, int n, const char *src, int steps)
{
	static const enum driver_op_kind kinds[] = {DRIVER_OP_EXEC, DRIVER_OP_PUSH, DRIVER_OP_PULL,
		DRIVER_OP_IDENTIFY, DRIVER_OP_PREPARE, DRIVER_OP_COLLECT, DRIVER_OP_CONNECT,
		DRIVER_OP_PROVISION};

	memset(ops, 0, n * sizeof(*ops));
	for (int i = 0; i < n; i++) {
		struct driver_op *op = &ops[i];

		op->kind = kinds[i % (sizeof(kinds) / sizeof(kinds[0]))];
		if (op->kind == DRIVER_OP_EXEC) {
			op->in.exec.argv[0] = "sleep";
			op->in.exec.argv[1] = "1000";
		} else if (op->kind == DRIVER_OP_PUSH) {
			str_copy(op->in.push.src, sizeof(op->in.push.src), src);
			memcpy(op->in.push.sha256, r->sha, sizeof(r->sha));
			op->in.push.bytes = r->bytes;
		} else if (op->kind == DRIVER_OP_PULL) {
			str_copy(op->in.pull.src, sizeof(op->in.pull.src), "/proc/kallsyms");
			str_copy(op->in.pull.dst, sizeof(op->in.pull.dst),
				tmp_path(&r->tmp, "pulled"));
			op->in.pull.max_bytes = INT64_MAX;
		} else if (op->kind == DRIVER_OP_COLLECT) {
			str_copy(op->in.collect.dst, sizeof(op->in.collect.dst),
				tmp_path(&r->tmp, "collected"));
		} else if (op->kind == DRIVER_OP_CONNECT) {
			str_copy(op->in.connect.endpoint, sizeof(op->in.connect.endpoint),
				"abstract:nobody");
		}
		assert_int_equal(support_submit(r->sh, op, NULL), 0);
	}
	for (int i = 0; i < steps; i++)
		support_step(r->sh);
}

static void drop_all(struct driver_op *ops, int n)
{
	for (int i = 0; i < n; i++) {
		if (ops[i].rc)
			continue;
		if (ops[i].kind == DRIVER_OP_EXEC) {
			free(ops[i].result.exec.out);
			free(ops[i].result.exec.err);
		} else if (ops[i].kind == DRIVER_OP_PROVISION) {
			free(ops[i].result.provision.json);
		}
	}
}

/* Everything at once, and the driver is stopped in the middle of it, ever later. */
static void test_many_operations_end_with_the_driver(void **state)
{
	struct rig *r = *state;
	struct driver_op ops[16];
	char src[TMP_PATH];

	rig_make_file(r, "model", 8 << 20);
	str_copy(src, sizeof(src), tmp_path(&r->tmp, "model"));
	for (int steps = 0; steps < 400; steps = steps * 3 / 2 + 1) {
		begin_all(r, ops, 16, src, steps);
		support_ask_stop(r->sh);
		for (int i = 0; i < 16; i++) {
			support_until_done(r->sh, &ops[i]);
			if (ops[i].kind == DRIVER_OP_EXEC)
				assert_int_equal(ops[i].rc, ERR_GONE);
		}
		drop_all(ops, 16);
		rig_close(r);
		rig_open(r);
	}
}

/* The same, each cancelled instead. */
static void test_many_operations_are_cancelled(void **state)
{
	struct rig *r = *state;
	struct driver_op ops[16];
	char src[TMP_PATH];

	rig_make_file(r, "model", 8 << 20);
	str_copy(src, sizeof(src), tmp_path(&r->tmp, "model"));
	for (int steps = 0; steps < 400; steps = steps * 3 / 2 + 1) {
		begin_all(r, ops, 16, src, steps);
		for (int i = 0; i < 16; i++)
			if (!support_is_done(r->sh, &ops[i]))
				support_cancel(r->sh, &ops[i]);
		for (int i = 0; i < 16; i++) {
			support_until_done(r->sh, &ops[i]);
			if (ops[i].kind == DRIVER_OP_EXEC)
				assert_int_equal(ops[i].rc, ERR_CANCELLED);
		}
		drop_all(ops, 16);
	}
}

/* Cleaning is alone with its phone; so it is with its end. */
static void test_cleaning_ends_with_the_driver(void **state)
{
	struct rig *r = *state;

	for (int steps = 0; steps < 60; steps = steps * 3 / 2 + 1) {
		struct driver_op op = {.kind = DRIVER_OP_CLEAN};

		RIG_RUN(r, NULL, "sh", "-c", "echo x >\"$0/files/junk\"", r->workdir);
		rig_drop_output(r);
		assert_int_equal(support_submit(r->sh, &op, NULL), 0);
		for (int i = 0; i < steps; i++)
			support_step(r->sh);
		support_ask_stop(r->sh);
		support_until_done(r->sh, &op);
		rig_close(r);
		rig_open(r);
	}
}

static bool is_back(void *arg)
{
	struct rig *r = arg;

	if (support_n_gone(r->sh) == 1)
		support_advance(r->sh, 250); /* until it is tried again */
	return support_n_arrived(r->sh) == 2;
}

/* Where the phone can: AOSP's daemon has no machine of its own. */
static void test_a_reboot_makes_it_go_and_come_back(void **state)
{
	struct rig *r = *state;
	char key[LIMIT_KEY];

	if (!(r->id.caps & DRIVER_CAP_VIRTUAL) || !strcmp(getenv("FRAMEFARM_ADB"), "usb"))
		skip();
	str_copy(key, sizeof(key), r->id.key);
	assert_int_equal(
		RIG_RUN(r, NULL, "sh", "-c", "setprop debug.kept 1; sleep 1000 >/dev/null 2>&1 &"),
		0);
	rig_drop_output(r);
	rig_op(r, DRIVER_OP_REBOOT);
	rig_do(r);
	support_until_gone(r->sh, 1);
	support_until(r->sh, is_back, r);
	rig_op(r, DRIVER_OP_IDENTIFY);
	rig_do(r);
	assert_string_equal(r->op.result.identity.key, key);
	assert_int_equal(RIG_RUN(r, NULL, "sh", "-c", "echo \"[$(getprop debug.kept)]\""), 0);
	assert_string_equal(r->op.result.exec.out, "[]\n"); /* it did restart */
	rig_drop_output(r);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, rig_new, rig_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_it_says_who_it_is),
		STORY(test_commands_have_status_output_and_input),
		STORY(test_a_command_that_does_not_end_is_cancelled),
		STORY(test_files_go_there_once_and_come_back),
		STORY(test_a_damaged_file_is_the_hosts_fault),
		STORY(test_a_pull_is_bounded),
		STORY(test_what_is_not_kept_is_cleaned),
		STORY(test_the_agent_outlives_us_and_is_found_again),
		STORY(test_nothing_listens),
		STORY(test_many_operations_end_with_the_driver),
		STORY(test_many_operations_are_cancelled),
		STORY(test_cleaning_ends_with_the_driver),
		STORY(test_a_reboot_makes_it_go_and_come_back),
	};

	if (!getenv("FRAMEFARM_ADB") || !getenv("FRAMEFARM_AGENT")) {
		fprintf(stderr, "adbdriver: FRAMEFARM_ADB and FRAMEFARM_AGENT are not set\n");
		return 2;
	}
	return cmocka_run_group_tests_name("adb_driver", tests, NULL, NULL);
}
