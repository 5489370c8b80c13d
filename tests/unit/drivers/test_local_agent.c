/* SPDX-License-Identifier: Apache-2.0 */
/* The local driver and an agent (the stand-in of support_agent.h): start, keep, stop. */
#include "support_agent.h"
#include "support_local.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* ---- START and STOP ---- */

static void an_agent_is_started_and_stopped(void **state)
{
	char endpoint[LIMIT_VALUE];
	struct rig r;
	int pid;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "echo");
	snprintf(endpoint, sizeof(endpoint), "unix:%.107s", rig_device_path(&r, "agent.sock"));
	assert_string_equal(r.op.result.start.endpoint, endpoint);
	assert_false(r.op.result.start.running);
	assert_string_equal(
		tmp_read(rig_device_path(&r, "seen.secret")), "ssssssssssssssssssssssssssssssss");
	assert_non_null(strstr(tmp_read(rig_device_path(&r, "seen.args")), "--fake=echo\n"));
	pid = rig_agent_pid(&r);
	assert_true(rig_is_alive(pid));

	rig_stop_agent(&r);
	assert_false(rig_is_alive(pid));
	assert_false(tmp_exists(rig_device_path(&r, "agent.secret")));
	rig_stop_agent(&r); /* stopped already: fine */
	rig_fini_agent(&r);
}

static void root_gives_runners_a_user_that_nobody_has(void **state)
{
	char first[256];
	const char *arg;
	struct rig r;
	long uid;

	(void)state;
	if (geteuid() != 0)
		skip();
	rig_init_at(&r, "local");
	rig_option(&r, "runner_user", "framefarm-nobody-is-called-so");
	rig_open(&r, SUPPORT_THREADS);
	rig_push_agent(&r);
	rig_start_agent(&r, "echo");
	arg = strstr(tmp_read(rig_device_path(&r, "seen.args")), "--runner-uid=");
	assert_non_null(arg);
	str_copy(first, sizeof(first), arg);
	uid = strtol(arg + strlen("--runner-uid="), NULL, 10);
	assert_in_range(uid, 61184, 65519);
	assert_null(getpwuid(uid));
	rig_stop_agent(&r);
	rig_start_agent(&r, "echo");
	assert_non_null(strstr(tmp_read(rig_device_path(&r, "seen.args")), first));
	rig_fini_agent(&r);
}

static void root_gives_runners_the_user_that_was_made_for_them(void **state)
{
	struct rig r;

	(void)state;
	if (geteuid() != 0 || !getpwnam("daemon"))
		skip();
	rig_init_at(&r, "local");
	rig_option(&r, "runner_user", "daemon");
	rig_open(&r, SUPPORT_THREADS);
	rig_push_agent(&r);
	rig_start_agent(&r, "echo");
	assert_non_null(strstr(tmp_read(rig_device_path(&r, "seen.args")), "--runner-uid=1\n"));
	rig_fini_agent(&r);
}

static void a_running_agent_and_its_secret_outlive_the_controller(void **state)
{
	struct rig r;
	int pid;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "echo");
	pid = rig_agent_pid(&r);
	support_host_free(r.sh);
	assert_true(rig_is_alive(pid));

	rig_open(&r, SUPPORT_THREADS);
	assert_int_equal(support_do(r.sh, rig_start_op(&r, "echo", 'n')), 0);
	assert_true(r.op.result.start.running);
	assert_memory_equal(r.op.in.start.secret, "ssssssssssssssssssssssssssssssss", 32);
	assert_int_equal(rig_agent_pid(&r), pid);
	assert_non_null(strstr(r.op.result.start.endpoint, "/device/agent.sock"));

	/* Cleaned to the ground it cannot be while it lives. */
	rig_op(&r, DRIVER_OP_CLEAN)->in.clean.all = true;
	assert_int_equal(support_do(r.sh, &r.op), ERR_BUSY);
	assert_true(rig_is_alive(pid));

	rig_stop_agent(&r);
	assert_int_equal(support_do(r.sh, rig_start_op(&r, "echo", 'n')), 0);
	assert_false(r.op.result.start.running);
	assert_memory_equal(r.op.in.start.secret, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", 32);
	rig_fini_agent(&r);
}

static void an_agent_whose_secret_is_lost_must_be_stopped_first(void **state)
{
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "echo");
	unlink(rig_device_path(&r, "agent.secret"));
	assert_int_equal(support_do(r.sh, rig_start_op(&r, "echo", 'n')), ERR_CONFLICT);
	assert_non_null(strstr(r.op.text, "stop it first"));
	rig_stop_agent(&r);
	rig_start_agent(&r, "echo");
	rig_fini_agent(&r);
}

static void a_stale_pid_file_is_no_agent(void **state)
{
	char text[32];
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	/* The number lives (it is ours), the lock does not. */
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	tmp_write_text(rig_device_path(&r, "agent.pid"), text);
	rig_stop_agent(&r);
	rig_start_agent(&r, "echo");
	assert_false(r.op.result.start.running);
	rig_fini_agent(&r);
}

static void an_agent_that_fails_is_quoted(void **state)
{
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	assert_int_equal(support_do(r.sh, rig_start_op(&r, "die", 's')), ERR_IO);
	assert_string_equal(
		r.op.text, "the agent ended with 4 at its start: cannot listen: no such luck");
	assert_true(r.op.blame_device);
	assert_int_equal(support_do(r.sh, rig_start_op(&r, "wrong", 's')), ERR_PROTO);
	rig_start_op(&r, "echo", 's')->in.start.agent_sha256[0] ^= 1;
	if (!str_is_sha256(r.op.in.start.agent_sha256))
		r.op.in.start.agent_sha256[0] = '0';
	assert_int_equal(support_do(r.sh, &r.op), ERR_NOTFOUND);
	assert_non_null(strstr(r.op.text, "was not pushed"));
	rig_fini_agent(&r);
}

static void a_start_that_takes_too_long_can_be_cancelled(void **state)
{
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	assert_int_equal(support_submit(r.sh, rig_start_op(&r, "mute", 's'), NULL), 0);
	/* Some steps on, the agent's process is there; before, the pool looks around. Either way. */
	for (int i = 0; i < 2000 && !tmp_exists(rig_device_path(&r, "agent.secret")); i++)
		support_step(r.sh);
	support_cancel(r.sh, &r.op);
	support_until_done(r.sh, &r.op);
	assert_int_equal(r.op.rc, ERR_CANCELLED);
	rig_start_agent(&r, "echo");
	rig_fini_agent(&r);
}

static void starting_and_stopping_exclude_each_other(void **state)
{
	struct driver_op stop = {.kind = DRIVER_OP_STOP}, again;
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	assert_int_equal(support_submit(r.sh, rig_start_op(&r, "echo", 's'), NULL), 0);
	again = r.op;
	assert_int_equal(support_submit(r.sh, &stop, NULL), ERR_BUSY);
	assert_int_equal(support_submit(r.sh, &again, NULL), ERR_BUSY);
	support_until_done(r.sh, &r.op);
	assert_int_equal(support_submit(r.sh, &stop, NULL), 0);
	assert_int_equal(support_submit(r.sh, &again, NULL), ERR_BUSY);
	support_until_done(r.sh, &stop);
	rig_fini_agent(&r);
}

/* The stop is waiting for the agent once virtual time can make it impatient. */
static bool has_been_patient(void *arg)
{
	struct rig *r = arg;

	support_advance(r->sh, 1000);
	return support_is_done(r->sh, &r->op);
}

static void an_agent_that_ignores_sigterm_is_killed(void **state)
{
	struct rig r;
	int pid;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "stubborn");
	pid = rig_agent_pid(&r);
	assert_int_equal(support_submit(r.sh, rig_op(&r, DRIVER_OP_STOP), NULL), 0);
	support_until(r.sh, has_been_patient, &r);
	assert_int_equal(r.op.rc, 0);
	assert_false(rig_is_alive(pid));
	rig_fini_agent(&r);
}

static void the_wait_for_a_stop_can_be_cancelled(void **state)
{
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "stubborn");
	assert_int_equal(support_submit(r.sh, rig_op(&r, DRIVER_OP_STOP), NULL), 0);
	for (int i = 0; i < 200; i++)
		support_step(r.sh);
	support_cancel(r.sh, &r.op);
	support_until_done(r.sh, &r.op);
	assert_int_equal(r.op.rc, ERR_CANCELLED);
	assert_true(rig_is_alive(rig_agent_pid(&r)));
	kill(rig_agent_pid(&r), SIGKILL);
	rig_fini_agent(&r);
}

/* ---- where the socket goes ---- */

static void a_path_too_long_for_a_socket_gets_a_short_one(void **state)
{
	char name[201], endpoint[LIMIT_VALUE];
	struct rig r;

	(void)state;
	memset(name, 'd', 200);
	name[200] = '\0';
	rig_init_at(&r, name);
	rig_open(&r, SUPPORT_THREADS);
	rig_push_agent(&r);
	rig_start_agent(&r, "echo");
	str_copy(endpoint, sizeof(endpoint), r.op.result.start.endpoint);
	assert_true(strlen(endpoint) <= strlen("unix:") + 107);
	assert_memory_equal(endpoint + 5, r.tmp.dir, strlen(r.tmp.dir));
	/* It is the same one for the next controller. */
	assert_int_equal(support_do(r.sh, rig_start_op(&r, "echo", 'n')), 0);
	assert_string_equal(r.op.result.start.endpoint, endpoint);
	rig_fini_agent(&r);
}

static void a_short_directory_that_somebody_laid_out_for_us_is_refused(void **state)
{
	char name[201], *slash, dir[TMP_PATH], link_path[TMP_PATH];
	struct rig r;

	(void)state;
	memset(name, 'd', 200);
	name[200] = '\0';
	rig_init_at(&r, name);
	rig_open(&r, SUPPORT_THREADS);
	rig_push_agent(&r);
	rig_start_agent(&r, "echo");
	str_copy(dir, sizeof(dir), r.op.result.start.endpoint + 5);
	rig_stop_agent(&r);
	slash = strrchr(dir, '/');
	unlink(dir);
	*slash = '\0';
	assert_int_equal(rmdir(dir), 0);
	str_copy(link_path, sizeof(link_path), tmp_path(&r.tmp, "elsewhere"));
	tmp_mkdir(link_path);
	assert_int_equal(symlink(link_path, dir), 0);
	assert_true(support_do(r.sh, rig_start_op(&r, "echo", 's')) < 0);
	assert_non_null(strstr(r.op.text, "must be a directory"));
	assert_int_equal(unlink(dir), 0);
	rig_fini_agent(&r);
}

static void when_no_path_is_short_enough_the_option_is_named(void **state)
{
	char name[201], deep[TMP_PATH];
	struct rig r;

	(void)state;
	memset(name, 'd', 200);
	name[200] = '\0';
	rig_init_at(&r, name);
	str_copy(deep, sizeof(deep), tmp_path(&r.tmp, name));
	rig_option(&r, "socket_dir", deep);
	rig_open(&r, SUPPORT_THREADS);
	rig_push_agent(&r);
	assert_int_equal(support_do(r.sh, rig_start_op(&r, "echo", 's')), ERR_TOOBIG);
	assert_non_null(strstr(r.op.text, "socket_dir"));
	rig_fini_agent(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_agent_is_started_and_stopped),
		cmocka_unit_test(root_gives_runners_a_user_that_nobody_has),
		cmocka_unit_test(root_gives_runners_the_user_that_was_made_for_them),
		cmocka_unit_test(a_running_agent_and_its_secret_outlive_the_controller),
		cmocka_unit_test(an_agent_whose_secret_is_lost_must_be_stopped_first),
		cmocka_unit_test(a_stale_pid_file_is_no_agent),
		cmocka_unit_test(an_agent_that_fails_is_quoted),
		cmocka_unit_test(a_start_that_takes_too_long_can_be_cancelled),
		cmocka_unit_test(starting_and_stopping_exclude_each_other),
		cmocka_unit_test(an_agent_that_ignores_sigterm_is_killed),
		cmocka_unit_test(the_wait_for_a_stop_can_be_cancelled),
		cmocka_unit_test(a_path_too_long_for_a_socket_gets_a_short_one),
		cmocka_unit_test(a_short_directory_that_somebody_laid_out_for_us_is_refused),
		cmocka_unit_test(when_no_path_is_short_enough_the_option_is_named),
	};

	support_agent(argc, argv);
	return cmocka_run_group_tests_name("local_agent", tests, NULL, NULL);
}
