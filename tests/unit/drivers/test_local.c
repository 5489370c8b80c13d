/* SPDX-License-Identifier: Apache-2.0 */
/* The local driver without its agent: who the machine is, commands, cancelling, the end. */
#include "support_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/hash.h"
#include "base/mem.h"

/* ---- who it is ---- */

static const char *attr(const struct driver_identity *id, const char *key)
{
	for (int i = 0; i < id->n_attrs; i++)
		if (!strcmp(id->attrs[i].key, key))
			return id->attrs[i].value;
	return "";
}

static void make_board(struct rig *r)
{
	tmp_mkdir(tmp_path(&r->tmp, "root/etc"));
	tmp_mkdir(tmp_path(&r->tmp, "root/proc/sys/kernel"));
	tmp_mkdir(tmp_path(&r->tmp, "root/sys/devices/system/cpu"));
	tmp_write_text(
		tmp_path(&r->tmp, "root/etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
	tmp_write_text(tmp_path(&r->tmp, "root/etc/os-release"),
		"# made by hand\nID=debian\nPRETTY_NAME=\"Debian \\\"Twelve\\\" \x01\"\n"
		"VERSION_ID='12'\nBUILD_ID=7\n");
	tmp_write_text(tmp_path(&r->tmp, "root/proc/cpuinfo"),
		"processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Some CPU @ 3.00GHz\n"
		"microcode\t: 0xde\nflags\t\t: fpu vme hypervisor\n\n"
		"processor\t: 1\nmodel name\t: Another CPU\n");
	tmp_write_text(tmp_path(&r->tmp, "root/proc/meminfo"),
		"MemTotal:        8175616 kB\nMemFree: 1 kB\n");
	tmp_write_text(tmp_path(&r->tmp, "root/proc/sys/kernel/osrelease"), "6.1.0-18-amd64\n");
	tmp_write_text(tmp_path(&r->tmp, "root/sys/devices/system/cpu/online"), "0-3,6\n");
}

static void a_machine_tells_who_it_is(void **state)
{
	struct driver_identity *id;
	char digest[LIMIT_SHA256], key[LIMIT_KEY];
	struct utsname u;
	struct rig r;

	(void)state;
	rig_init_at(&r, "local");
	make_board(&r);
	rig_option(&r, "root", tmp_path(&r.tmp, "root"));
	rig_open(&r, SUPPORT_INLINE);
	assert_int_equal(support_do(r.sh, rig_op(&r, DRIVER_OP_IDENTIFY)), 0);
	id = &r.op.result.identity;
	hash_bytes("0123456789abcdef0123456789abcdef", 32, digest);
	snprintf(key, sizeof(key), "local:%.16s", digest);
	uname(&u);
	assert_string_equal(id->key, key);
	assert_string_equal(id->name, "local");
	assert_string_equal(id->model, "Some CPU @ 3.00GHz");
	assert_string_equal(id->abi, u.machine);
	assert_string_equal(id->os, "Debian \"Twelve\" ?, Linux 6.1.0-18-amd64");
	assert_string_equal(id->fingerprint, "debian 12 7, Linux 6.1.0-18-amd64, microcode 0xde");
	assert_int_equal(id->caps, DRIVER_CAP_EXEC | DRIVER_CAP_COLLECT);
	assert_string_equal(attr(id, "cpu.cores"), "5");
	assert_string_equal(attr(id, "cpu.vendor"), "GenuineIntel");
	assert_string_equal(attr(id, "ram_mb"), "7984");
	assert_string_equal(attr(id, "kernel"), "6.1.0-18-amd64");
	assert_string_equal(attr(id, "os.id"), "debian");
	assert_string_equal(attr(id, "os.version"), "12");
	assert_string_equal(attr(id, "virtualised"), "yes");
	rig_fini(&r);
}

static void a_board_without_papers_keeps_an_id_of_its_own(void **state)
{
	struct driver_identity first;
	struct rig r;

	(void)state;
	rig_init_at(&r, "local");
	tmp_mkdir(tmp_path(&r.tmp, "root/proc/device-tree"));
	tmp_write(tmp_path(&r.tmp, "root/proc/device-tree/model"), "Board 4 Rev 1.4\0", 16);
	rig_option(&r, "root", tmp_path(&r.tmp, "root"));
	rig_open(&r, SUPPORT_INLINE);
	assert_int_equal(support_do(r.sh, rig_op(&r, DRIVER_OP_IDENTIFY)), 0);
	first = r.op.result.identity;
	assert_int_equal(strlen(first.key), strlen("local:") + 16);
	assert_string_equal(first.model, "Board 4 Rev 1.4");
	assert_string_equal(attr(&first, "virtualised"), "unknown");
	assert_int_equal(support_do(r.sh, rig_op(&r, DRIVER_OP_IDENTIFY)), 0);
	assert_string_equal(r.op.result.identity.key, first.key);
	rig_fini(&r);
}

static void this_very_machine_has_an_identity(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_THREADS);
	assert_int_equal(support_do(r.sh, rig_op(&r, DRIVER_OP_IDENTIFY)), 0);
	assert_true(strlen(r.op.result.identity.model) > 0);
	assert_true(atoi(attr(&r.op.result.identity, "cpu.cores")) > 0);
	assert_true(atoi(attr(&r.op.result.identity, "ram_mb")) > 0);
	rig_fini(&r);
}

/* ---- options ---- */

static void refuses_option(const char *key, const char *value, int code, const char *says)
{
	const struct driver_option o = {key, value};
	struct err e = {0};
	struct rig r;
	void *inst;

	rig_init_at(&r, "local");
	r.sh = support_host_new(SUPPORT_INLINE);
	assert_int_equal(
		driver_find("local")->start(support_host(r.sh), r.dir, &o, 1, &inst, &e), code);
	assert_non_null(strstr(e.text, says));
	rig_fini(&r);
}

static void wrong_options_are_named(void **state)
{
	(void)state;
	refuses_option("colour", "red", ERR_INVAL, "\"colour\"");
	refuses_option("min_free_mb", "much", ERR_RANGE, "min_free_mb");
	refuses_option("min_free_mb", "-1", ERR_RANGE, "min_free_mb");
	refuses_option("socket_dir", "", ERR_RANGE, "socket_dir");
}

static void a_full_disk_is_said_before_anything_is_pushed(void **state)
{
	struct rig r;

	(void)state;
	rig_init_at(&r, "local");
	rig_option(&r, "min_free_mb", "1000000000");
	rig_open(&r, SUPPORT_INLINE);
	assert_int_equal(rig_prepare(&r), ERR_NOSPACE);
	assert_non_null(strstr(r.op.text, "min_free_mb"));
	assert_true(r.op.blame_device);
	rig_fini(&r);
}

static void what_it_cannot_do_it_refuses_at_once(void **state)
{
	static const enum driver_op_kind kinds[] = {
		DRIVER_OP_POWER, DRIVER_OP_REBOOT, DRIVER_OP_EXPOSE, DRIVER_OP_UNEXPOSE};
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct err e = {0};

		assert_int_equal(support_submit(r.sh, rig_op(&r, kinds[i]), &e), ERR_UNSUPPORTED);
		assert_non_null(strstr(e.text, driver_op_name(kinds[i])));
	}
	rig_fini(&r);
}

/* ---- EXEC ---- */

static struct driver_op *shell(struct rig *r, const char *script)
{
	struct driver_op *op = rig_op(r, DRIVER_OP_EXEC);

	op->in.exec.argv[0] = "sh";
	op->in.exec.argv[1] = "-c";
	op->in.exec.argv[2] = script;
	return op;
}

static void free_output(struct rig *r)
{
	mem_free(r->op.result.exec.out);
	mem_free(r->op.result.exec.err);
}

static void a_command_gets_input_and_gives_output_and_code(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	shell(&r, "read x; echo got $x; echo oops >&2; exit 3")->in.exec.input = "it\n";
	assert_int_equal(support_do(r.sh, &r.op), 0);
	assert_int_equal(r.op.result.exec.exit_code, 3);
	assert_string_equal(r.op.result.exec.out, "got it\n");
	assert_string_equal(r.op.result.exec.err, "oops\n");
	assert_false(r.op.result.exec.cut);
	free_output(&r);

	shell(&r, "kill -9 $$");
	assert_int_equal(support_do(r.sh, &r.op), 0);
	assert_int_equal(r.op.result.exec.exit_code, -1);
	free_output(&r);

	shell(&r, "")->in.exec.argv[0] = "/nonexistent";
	assert_int_equal(support_submit(r.sh, &r.op, NULL), ERR_NOTFOUND);
	shell(&r, "")->in.exec.argv[0] = NULL;
	assert_int_equal(support_submit(r.sh, &r.op, NULL), ERR_INVAL);
	rig_fini(&r);
}

static void output_is_bounded_and_input_of_any_size_is_written(void **state)
{
	size_t n = 1024 * 1024;
	char *input = mem_alloc(n + 1);
	struct rig r;

	(void)state;
	memset(input, 'x', n);
	input[n] = '\0';
	rig_init(&r, SUPPORT_INLINE);
	shell(&r, "tee /dev/stderr | wc -c >&2; head -c 300000 /dev/zero")->in.exec.input = input;
	assert_int_equal(support_do(r.sh, &r.op), 0);
	assert_int_equal(r.op.result.exec.exit_code, 0);
	assert_int_equal(r.op.result.exec.n_out, DRIVER_OUTPUT_MAX);
	assert_int_equal(r.op.result.exec.n_err, DRIVER_OUTPUT_MAX);
	assert_true(r.op.result.exec.cut);
	free_output(&r);

	/* A command that does not read: its end is the end. */
	shell(&r, "exec <&-; echo done")->in.exec.input = input;
	assert_int_equal(support_do(r.sh, &r.op), 0);
	assert_string_equal(r.op.result.exec.out, "done\n");
	free_output(&r);
	mem_free(input);
	rig_fini(&r);
}

static bool has_died(void *arg)
{
	return !rig_is_alive(*(int *)arg);
}

static void a_cancelled_command_is_killed_with_its_children(void **state)
{
	struct rig r;
	int sleeper;
	char script[TMP_PATH + 64];

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	snprintf(script, sizeof(script), "sleep 100 & echo $! > %s; wait", tmp_path(&r.tmp, "pid"));
	assert_int_equal(support_submit(r.sh, shell(&r, script), NULL), 0);
	while (!strchr(tmp_read(tmp_path(&r.tmp, "pid")), '\n'))
		support_step(r.sh);
	sleeper = atoi(tmp_read(tmp_path(&r.tmp, "pid")));
	support_cancel(r.sh, &r.op);
	support_cancel(r.sh, &r.op);
	support_until_done(r.sh, &r.op);
	assert_int_equal(r.op.rc, ERR_CANCELLED);
	support_until(r.sh, has_died, &sleeper);
	rig_fini(&r);
}

/* ---- cancelling, and the end ---- */

static void work_on_the_pool_can_be_cancelled_before_it_begins(void **state)
{
	static const enum driver_op_kind kinds[] = {DRIVER_OP_IDENTIFY, DRIVER_OP_PREPARE,
		DRIVER_OP_PUSH, DRIVER_OP_PULL, DRIVER_OP_COLLECT, DRIVER_OP_CLEAN};
	struct rig r;
	const char *src;

	(void)state;
	rig_init(&r, SUPPORT_INLINE);
	rig_prepare(&r);
	src = tmp_path(&r.tmp, "model");
	tmp_write_text(src, "weights");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		support_hold_work(r.sh, SUPPORT_HELD);
		rig_push_op(&r, src)->kind = kinds[i];
		assert_int_equal(support_submit(r.sh, &r.op, NULL), 0);
		support_cancel(r.sh, &r.op);
		support_release_work(r.sh);
		support_until_done(r.sh, &r.op);
		assert_int_equal(r.op.rc, ERR_CANCELLED);
	}
	support_hold_work(r.sh, SUPPORT_INLINE);
	assert_int_equal(rig_count_pushed(&r), 0);
	rig_fini(&r);
}

static void stopping_completes_everything_before_the_device_is_gone(void **state)
{
	struct driver_op ops[4] = {{.kind = DRIVER_OP_IDENTIFY}, {.kind = DRIVER_OP_EXEC},
		{.kind = DRIVER_OP_CLEAN}, {.kind = DRIVER_OP_PREPARE}};
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_HELD);
	ops[1].in.exec.argv[0] = "sleep";
	ops[1].in.exec.argv[1] = "100";
	for (int i = 0; i < 4; i++)
		assert_int_equal(support_submit(r.sh, &ops[i], NULL), 0);
	support_cancel(r.sh, &ops[0]);
	support_ask_stop(r.sh);
	assert_int_equal(support_submit(r.sh, rig_op(&r, DRIVER_OP_IDENTIFY), NULL), ERR_GONE);
	support_until_done(r.sh, &ops[1]);
	assert_int_equal(support_n_gone(r.sh), 0);
	support_release_work(r.sh);
	support_until_gone(r.sh, 1); /* the host checks that all operations were done before */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(ops[i].rc, ERR_GONE);
		assert_false(ops[i].blame_device);
	}
	rig_fini(&r);
	assert_null(ops[1].result.exec.out);
}

static void what_succeeds_while_the_device_goes_is_gone_too(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, SUPPORT_THREADS);
	assert_int_equal(support_submit(r.sh, rig_op(&r, DRIVER_OP_PREPARE), NULL), 0);
	/* The work is too far on to be stopped, and its completion waits for the next step. */
	while (!tmp_exists(rig_device_path(&r, "files")))
		;
	support_ask_stop(r.sh);
	support_until_done(r.sh, &r.op);
	assert_int_equal(r.op.rc, ERR_GONE);
	assert_string_equal(r.op.result.workdir, "");
	rig_fini(&r);
}

static void a_driver_stopped_before_its_device_arrived_reports_none(void **state)
{
	struct rig r;

	(void)state;
	rig_init_at(&r, "local");
	r.sh = support_host_new(SUPPORT_INLINE);
	support_start(r.sh, driver_find("local"), r.dir, NULL, 0);
	support_stop(r.sh);
	assert_int_equal(support_n_arrived(r.sh), 0);
	rig_fini(&r);
}

static void the_registry_finds_by_name(void **state)
{
	(void)state;
	assert_string_equal(driver_find("local")->name, "local");
	assert_null(driver_find("telepathy"));
	for (int i = 0; driver_registry[i]; i++)
		assert_ptr_equal(driver_find(driver_registry[i]->name), driver_registry[i]);
	for (int k = 0; k < DRIVER_OP_KINDS; k++)
		assert_non_null(driver_op_name(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_registry_finds_by_name),
		cmocka_unit_test(a_machine_tells_who_it_is),
		cmocka_unit_test(a_board_without_papers_keeps_an_id_of_its_own),
		cmocka_unit_test(this_very_machine_has_an_identity),
		cmocka_unit_test(wrong_options_are_named),
		cmocka_unit_test(a_full_disk_is_said_before_anything_is_pushed),
		cmocka_unit_test(what_it_cannot_do_it_refuses_at_once),
		cmocka_unit_test(a_command_gets_input_and_gives_output_and_code),
		cmocka_unit_test(output_is_bounded_and_input_of_any_size_is_written),
		cmocka_unit_test(a_cancelled_command_is_killed_with_its_children),
		cmocka_unit_test(work_on_the_pool_can_be_cancelled_before_it_begins),
		cmocka_unit_test(stopping_completes_everything_before_the_device_is_gone),
		cmocka_unit_test(what_succeeds_while_the_device_goes_is_gone_too),
		cmocka_unit_test(a_driver_stopped_before_its_device_arrived_reports_none),
	};

	return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
