/* SPDX-License-Identifier: Apache-2.0 */
/* Files on the local device: pushed, pulled, collected, cleaned. */
#include "support_local.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

/* ---- PUSH ---- */

static void a_pushed_file_has_its_hash_for_a_name_and_is_pushed_once(void **state)
{
	const char *src;
	struct stat st;
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_THREADS);
	assert_int_equal(rig_prepare(&r), 0);
	assert_string_equal(r.op.result.workdir, tmp_path(&r.tmp, "local/device"));
	src = tmp_path(&r.tmp, "model");
	tmp_write_text(src, "weights");
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_false(r.op.result.push.skipped);
	assert_int_equal(r.op.result.push.bytes, 7);
	assert_string_equal(tmp_read(rig_pushed_path(&r)), "weights");
	assert_int_equal(stat(rig_pushed_path(&r), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_int_equal(stat(src, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(stat(tmp_path(&r.tmp, "local/device/files"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_true(r.op.result.push.skipped);
	assert_int_equal(rig_count_pushed(&r), 1);
	rig_fini(&r);
}

static void what_the_agent_lets_its_runner_execute_is_not_pushed_again(void **state)
{
	struct rig r;
	const char *src;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "libruntime.so");
	tmp_write_text(src, "code");
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_int_equal(chmod(rig_pushed_path(&r), 0555), 0);
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_true(r.op.result.push.skipped);
	/* What somebody could have written since is. */
	assert_int_equal(chmod(rig_pushed_path(&r), 0644), 0);
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_false(r.op.result.push.skipped);
	rig_fini(&r);
}

static void a_program_can_be_executed_and_is_another_push(void **state)
{
	struct stat st;
	struct rig r;
	const char *src;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "prog");
	tmp_write_text(src, "#!/bin/sh\n");
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	rig_push_op(&r, src)->in.push.executable = true;
	assert_int_equal(support_do(r.sh, &r.op), 0);
	assert_false(r.op.result.push.skipped);
	assert_int_equal(stat(rig_pushed_path(&r), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0555);
	rig_fini(&r);
}

static void an_immutable_file_is_shared_and_still_checked(void **state)
{
	struct stat st;
	struct rig r;
	const char *src;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "blob");
	tmp_write_text(src, "weights");
	chmod(src, 0444);
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_int_equal(stat(src, &st), 0);
	assert_int_equal(st.st_nlink, 2);

	/* The same promise, but the bytes have changed since. */
	rig_op(&r, DRIVER_OP_CLEAN);
	assert_int_equal(support_do(r.sh, &r.op), 0);
	rig_push_op(&r, src);
	chmod(src, 0644);
	tmp_write_text(src, "Weights");
	chmod(src, 0444);
	assert_int_equal(support_do(r.sh, &r.op), ERR_CORRUPT);
	assert_int_equal(rig_count_pushed(&r), 0);
	rig_fini(&r);
}

static void a_damaged_file_is_not_kept_and_not_blamed_on_the_device(void **state)
{
	static const char *const damaged[] = {"weightS", "weight", "weights and more"};
	struct rig r;
	const char *src;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "model");
	for (int i = 0; i < 3; i++) {
		tmp_write_text(src, "weights");
		rig_push_op(&r, src);
		tmp_write_text(src, damaged[i]);
		assert_int_equal(support_do(r.sh, &r.op), ERR_CORRUPT);
		assert_non_null(strstr(r.op.text, "upload it again"));
		assert_false(r.op.blame_device);
		assert_int_equal(rig_count_pushed(&r), 0);
	}
	unlink(src);
	assert_int_equal(support_do(r.sh, &r.op), ERR_NOTFOUND);
	rig_fini(&r);
}

/* The agent lets a runner of another user read and run a library that was pushed as data. */
static void what_the_agent_made_executable_is_not_pushed_again(void **state)
{
	const char *src;
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "library");
	tmp_write_text(src, "code");
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_int_equal(chmod(rig_pushed_path(&r), 0555), 0);
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_true(r.op.result.push.skipped);
	/* One that somebody could have written to is. */
	assert_int_equal(chmod(rig_pushed_path(&r), 0755), 0);
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), 0);
	assert_false(r.op.result.push.skipped);
	rig_fini(&r);
}

static void half_a_file_under_the_right_name_is_replaced(void **state)
{
	struct rig r;
	const char *src;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "model");
	tmp_write_text(src, "weights");
	rig_push_op(&r, src);
	tmp_write_text(rig_pushed_path(&r), "weig");
	assert_int_equal(support_do(r.sh, &r.op), 0);
	assert_false(r.op.result.push.skipped);
	assert_string_equal(tmp_read(rig_pushed_path(&r)), "weights");
	rig_fini(&r);
}

static bool is_read_up(int fd)
{
	int n = 0;

	assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
	return n == 0;
}

/* The host's file is a fifo, so the copy stands where the test wants it. */
static void a_push_is_cancelled_in_the_middle(void **state)
{
	const char *src;
	struct rig r;
	int fifo;

	(void)state;
	rig_init(&r, SUPPORT_THREADS);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "model");
	tmp_write_text(src, "weights");
	rig_push_op(&r, src);
	assert_int_equal(unlink(src), 0);
	assert_int_equal(mkfifo(src, 0600), 0);
	fifo = open(src, O_RDWR | O_CLOEXEC);
	assert_int_equal(write(fifo, "wei", 3), 3);
	assert_int_equal(support_submit(r.sh, &r.op, NULL), 0);
	while (!is_read_up(fifo))
		support_step(r.sh);
	assert_int_equal(rig_count_pushed(&r), 1); /* the half, under no name that counts */
	assert_false(tmp_exists(rig_pushed_path(&r)));
	support_cancel(r.sh, &r.op);
	assert_int_equal(write(fifo, "ghts", 4), 4);
	close(fifo);
	support_until_done(r.sh, &r.op);
	assert_int_equal(r.op.rc, ERR_CANCELLED);
	assert_int_equal(rig_count_pushed(&r), 0);
	rig_fini(&r);
}

/* In a mount namespace of its own: a file system of 64 KiB under the device. */
static void push_onto_a_tiny_disk(void)
{
	static uint8_t big[256 * 1024];
	struct rig r;
	const char *src;

	rig_init(&r, SUPPORT_INLINE);
	if (mount("tmpfs", r.dir, "tmpfs", 0, "size=64k,mode=0700") < 0)
		_exit(77);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "model");
	tmp_write(src, big, sizeof(big));
	assert_int_equal(support_do(r.sh, rig_push_op(&r, src)), ERR_NOSPACE);
	assert_true(r.op.blame_device);
	assert_int_equal(rig_count_pushed(&r), 0);
	support_host_free(r.sh);
	umount(r.dir);
	tmp_fini(&r.tmp);
}

static void a_disk_that_fills_up_leaves_nothing_behind(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(77);
		push_onto_a_tiny_disk();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* mounting is not allowed here */
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- PULL, COLLECT ---- */

static int pull(struct rig *r, const char *src, int64_t max)
{
	struct driver_op *op = rig_op(r, DRIVER_OP_PULL);

	str_copy(op->in.pull.src, sizeof(op->in.pull.src), src);
	str_copy(op->in.pull.dst, sizeof(op->in.pull.dst), tmp_path(&r->tmp, "pulled"));
	op->in.pull.max_bytes = max;
	return support_do(r->sh, op);
}

static void a_pulled_file_is_whole_bounded_and_the_devices_own(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	tmp_write_text(tmp_path(&r.tmp, "local/device/trace"), "12345");
	assert_int_equal(pull(&r, "trace", 5), 0);
	assert_string_equal(tmp_read(tmp_path(&r.tmp, "pulled")), "12345");
	assert_int_equal(pull(&r, tmp_path(&r.tmp, "local/device/trace"), 5), 0);
	unlink(tmp_path(&r.tmp, "pulled"));
	assert_int_equal(pull(&r, "trace", 4), ERR_TOOBIG);
	assert_false(tmp_exists(tmp_path(&r.tmp, "pulled")));
	assert_int_equal(pull(&r, "missing", 4), ERR_NOTFOUND);

	tmp_write_text(tmp_path(&r.tmp, "secret"), "x");
	assert_int_equal(symlink("../../secret", tmp_path(&r.tmp, "local/device/way-out")), 0);
	assert_true(pull(&r, "way-out", 4) < 0);
	assert_true(pull(&r, "../../secret", 4) < 0);
	assert_true(pull(&r, tmp_path(&r.tmp, "secret"), 4) < 0);
	assert_int_equal(pull(&r, "files", 4), ERR_INVAL);
	assert_false(tmp_exists(tmp_path(&r.tmp, "pulled")));
	rig_fini(&r);
}

static void the_agents_log_is_collected_where_there_is_one(void **state)
{
	struct driver_op *op;
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	op = rig_op(&r, DRIVER_OP_COLLECT);
	str_copy(op->in.collect.dst, sizeof(op->in.collect.dst), tmp_path(&r.tmp, "logs"));
	assert_int_equal(support_do(r.sh, op), 0);
	assert_false(tmp_exists(tmp_path(&r.tmp, "logs/agent.log")));
	tmp_write_text(tmp_path(&r.tmp, "local/device/agent.log"), "event=start\n");
	assert_int_equal(support_do(r.sh, op), 0);
	assert_string_equal(tmp_read(tmp_path(&r.tmp, "logs/agent.log")), "event=start\n");
	rig_fini(&r);
}

/* ---- CLEAN ---- */

static void cleaning_keeps_what_was_asked_for_and_the_spool(void **state)
{
	const char *keep[2] = {NULL};
	char kept[LIMIT_SHA256];
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	rig_push_text(&r, "runtime");
	memcpy(kept, r.sha, sizeof(kept));
	rig_push_text(&r, "model");
	tmp_write_text(tmp_path(&r.tmp, "local/device/files/.half"), "x");
	tmp_mkdir(tmp_path(&r.tmp, "local/device/spool/7"));
	tmp_write_text(tmp_path(&r.tmp, "local/device/spool/7/chunks"), "measured");
	tmp_mkdir(tmp_path(&r.tmp, "local/device/scratch/7/a/b"));
	tmp_write_text(tmp_path(&r.tmp, "local/device/scratch/7/a/b/c"), "x");
	tmp_write_text(tmp_path(&r.tmp, "outside"), "x");
	assert_int_equal(
		symlink(tmp_path(&r.tmp, ""), tmp_path(&r.tmp, "local/device/scratch/7/l")), 0);

	keep[0] = kept;
	rig_op(&r, DRIVER_OP_CLEAN)->in.clean.keep = keep;
	assert_int_equal(support_do(r.sh, &r.op), 0);
	assert_true(r.op.result.clean.freed_bytes > 0);
	assert_int_equal(rig_count_pushed(&r), 1);
	memcpy(r.sha, kept, sizeof(kept));
	assert_string_equal(tmp_read(rig_pushed_path(&r)), "runtime");
	assert_false(tmp_exists(tmp_path(&r.tmp, "local/device/scratch/7")));
	assert_true(tmp_exists(tmp_path(&r.tmp, "outside")));
	assert_string_equal(tmp_read(tmp_path(&r.tmp, "local/device/spool/7/chunks")), "measured");

	tmp_write_text(tmp_path(&r.tmp, "local/device/uuid"), "x");
	rig_op(&r, DRIVER_OP_CLEAN)->in.clean.all = true;
	r.op.in.clean.keep = keep;
	assert_int_equal(support_do(r.sh, &r.op), 0);
	assert_int_equal(rig_count_pushed(&r), 0);
	assert_false(tmp_exists(tmp_path(&r.tmp, "local/device/uuid")));
	assert_string_equal(tmp_read(tmp_path(&r.tmp, "local/device/spool/7/chunks")), "measured");
	rig_fini(&r);
}

static void a_tree_deeper_than_paths_and_descriptors_allow_is_cleaned_too(void **state)
{
	struct rlimit few, old;
	char cwd[TMP_PATH];
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	tmp_mkdir(tmp_path(&r.tmp, "local/device/scratch/7"));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(tmp_path(&r.tmp, "local/device/scratch/7")), 0);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(mkdir("deeper", 0700), 0);
		assert_int_equal(chdir("deeper"), 0);
	}
	tmp_write_text("treasure", "x");
	assert_int_equal(chdir(cwd), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 256;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(support_do(r.sh, rig_op(&r, DRIVER_OP_CLEAN)), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(rmdir(tmp_path(&r.tmp, "local/device/scratch")), 0);
	rig_fini(&r);
}

static void cleaning_and_pushing_exclude_each_other(void **state)
{
	struct driver_op clean = {.kind = DRIVER_OP_CLEAN};
	struct rig r;
	const char *src;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "model");
	tmp_write_text(src, "weights");
	assert_int_equal(support_submit(r.sh, rig_push_op(&r, src), NULL), 0);
	assert_int_equal(support_submit(r.sh, &clean, NULL), ERR_BUSY);
	support_until_done(r.sh, &r.op);
	assert_int_equal(support_submit(r.sh, &clean, NULL), 0);
	assert_int_equal(support_submit(r.sh, rig_push_op(&r, src), NULL), ERR_BUSY);
	support_until_done(r.sh, &clean);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pushed_file_has_its_hash_for_a_name_and_is_pushed_once),
		cmocka_unit_test(what_the_agent_lets_its_runner_execute_is_not_pushed_again),
		cmocka_unit_test(a_program_can_be_executed_and_is_another_push),
		cmocka_unit_test(an_immutable_file_is_shared_and_still_checked),
		cmocka_unit_test(a_damaged_file_is_not_kept_and_not_blamed_on_the_device),
		cmocka_unit_test(what_the_agent_made_executable_is_not_pushed_again),
		cmocka_unit_test(half_a_file_under_the_right_name_is_replaced),
		cmocka_unit_test(a_push_is_cancelled_in_the_middle),
		cmocka_unit_test(a_disk_that_fills_up_leaves_nothing_behind),
		cmocka_unit_test(a_pulled_file_is_whole_bounded_and_the_devices_own),
		cmocka_unit_test(the_agents_log_is_collected_where_there_is_one),
		cmocka_unit_test(cleaning_keeps_what_was_asked_for_and_the_spool),
		cmocka_unit_test(a_tree_deeper_than_paths_and_descriptors_allow_is_cleaned_too),
		cmocka_unit_test(cleaning_and_pushing_exclude_each_other),
	};

	return cmocka_run_group_tests_name("local_files", tests, NULL, NULL);
}
