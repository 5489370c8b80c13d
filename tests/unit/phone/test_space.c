/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's name spaces, for real: who one is in there, what one sees, and how it ends. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "drivers/virtual/body.h"
#include "drivers/virtual/init.h"
#include "drivers/virtual/profile.h"
#include "drivers/virtual/space.h"
#include "drivers/virtual/tool.h"
#include "drivers/virtual/tree.h"

struct rig {
	struct support s;
	struct profile *profile;
	struct space *space;
	bool ready, ended, reboot;
	char why[512];
};

struct run {
	int pipe[2];
	uint32_t id;
	bool exited;
	int status;
	char out[8192];
};

static void on_ready(void *arg)
{
	((struct rig *)arg)->ready = true;
}

static void on_reboot(void *arg)
{
	((struct rig *)arg)->reboot = true;
}

static void on_ended(void *arg, const char *text)
{
	struct rig *r = arg;

	snprintf(r->why, sizeof(r->why), "%s", text);
	r->ended = true;
}

static const struct space_events events = {
	.ready = on_ready, .reboot = on_reboot, .ended = on_ended};

static bool is_ready(void *arg)
{
	struct rig *r = arg;

	return r->ready || r->ended;
}

static bool is_ended(void *arg)
{
	return ((struct rig *)arg)->ended;
}

static void rig_init(struct rig *r, bool arm64)
{
	struct tree_phone t = {.serial = "TEST1", .arm64 = arm64};
	struct space_config cfg = {.dir = r->s.dir, .name = "shiba", .arm64 = arm64};
	struct body body = {0};
	struct err e = {0};
	char what[128];

	memset(r, 0, sizeof(*r));
	support_init(&r->s);
	r->profile = support_profile("pixel-8");
	t.profile = r->profile;
	body.dir = r->s.dir;
	body.profile = r->profile;
	physics_init(&body.physics, r->profile, 1);
	assert_int_equal(body_prepare(&body, &t, what, sizeof(what)), 0);
	r->space = space_new(r->s.h, &cfg, &events, r, &e);
	assert_non_null(r->space);
	support_until(&r->s, is_ready, r);
	if (!r->ready)
		fail_msg("%s", r->why);
}

static void rig_fini(struct rig *r)
{
	if (!r->ended)
		space_end(r->space);
	support_until(&r->s, is_ended, r);
	profile_free(r->profile);
	support_fini(&r->s);
}

static void run_started(void *arg, int master)
{
	(void)arg;
	if (master >= 0)
		close(master);
}

static void run_exited(void *arg, int status)
{
	struct run *run = arg;

	run->exited = true;
	run->status = status;
}

static const struct space_run_events run_events = {.started = run_started, .exited = run_exited};

static bool has_exited(void *arg)
{
	return ((struct run *)arg)->exited;
}

static void begin(struct rig *r, struct run *run, const char *command)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct space_run sr = {.text = command, .n = strlen(command)};

	memset(run, 0, sizeof(*run));
	assert_int_equal(pipe2(run->pipe, O_CLOEXEC), 0);
	sr.fds[0] = null;
	sr.fds[1] = sr.fds[2] = run->pipe[1];
	run->id = space_run(r->space, &sr, &run_events, run);
	assert_true(run->id);
	close(null);
	close(run->pipe[1]);
}

/* What a command prints, all of which fits a pipe. */
static const char *sh(struct rig *r, struct run *run, const char *command)
{
	ssize_t n;

	begin(r, run, command);
	support_until(&r->s, has_exited, run);
	n = read(run->pipe[0], run->out, sizeof(run->out) - 1);
	close(run->pipe[0]);
	run->out[n > 0 ? n : 0] = '\0';
	return run->out;
}

static void one_is_the_shell_in_a_root_of_its_own(void **state)
{
	struct rig r;
	struct run run;

	(void)state;
	rig_init(&r, false);
	assert_non_null(strstr(sh(&r, &run, "id"), "uid=2000(shell) gid=2000(shell)"));
	assert_string_equal(sh(&r, &run, "hostname"), "shiba\n");
	assert_string_equal(sh(&r, &run, "cat /proc/1/comm | wc -l; echo $$ | wc -c"), "1\n2\n");
	assert_string_equal(sh(&r, &run, "ls /home /root /var 2>/dev/null | wc -l"), "0\n");
	assert_string_equal(sh(&r, &run, "cat /sys/class/thermal/thermal_zone0/type"), "BIG\n");
	assert_string_equal(
		sh(&r, &run, "head -1 /proc/meminfo | tr -s ' '"), "MemTotal: 7782400 kB\n");
	assert_string_equal(
		sh(&r, &run, "echo x > /data/local/tmp/f && cat /data/local/tmp/f"), "x\n");
	assert_string_equal(sh(&r, &run, "getprop ro.framefarm.virtual"), "1\n");
	rig_fini(&r);
}

static void the_host_cannot_be_written(void **state)
{
	static const char *const paths[] = {"/usr/bin/x", "/system/bin/x", "/sys/x", "/x",
		"/etc/alternatives/x", "/proc/sys/kernel/hostname"};
	struct rig r;
	struct run run;
	char command[128];

	(void)state;
	rig_init(&r, false);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(command, sizeof(command), "(echo x > %s) 2>/dev/null", paths[i]);
		sh(&r, &run, command);
		if (WEXITSTATUS(run.status) == 0)
			fail_msg("%s was written", paths[i]);
	}
	rig_fini(&r);
}

static void exits_and_signals_are_told(void **state)
{
	struct rig r;
	struct run run;

	(void)state;
	rig_init(&r, false);
	sh(&r, &run, "exit 42");
	assert_int_equal(WEXITSTATUS(run.status), 42);
	sh(&r, &run, "kill -SEGV $$");
	assert_int_equal(WTERMSIG(run.status), SIGSEGV);
	begin(&r, &run, "exec sleep 1000");
	space_signal(r.space, run.id, SIGKILL);
	support_until(&r.s, has_exited, &run);
	assert_int_equal(WTERMSIG(run.status), SIGKILL);
	close(run.pipe[0]);
	rig_fini(&r);
}

static void a_daemon_survives_its_shell_and_dies_with_the_phone(void **state)
{
	struct rig r;
	struct run run;

	(void)state;
	rig_init(&r, false);
	sh(&r, &run,
		"setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $! > /data/local/tmp/pid");
	assert_string_equal(
		sh(&r, &run, "kill -0 $(cat /data/local/tmp/pid) && echo alive"), "alive\n");
	space_signal_all(r.space, SIGKILL);
	/* A signal is sent at once, and its death takes a moment. */
	assert_string_equal(sh(&r, &run,
				    "while kill -0 $(cat /data/local/tmp/pid) 2>&-; do :; done; "
				    "echo dead"),
		"dead\n");
	/* The end: a reader of a daemon's pipe sees that it is gone. */
	begin(&r, &run, "exec sleep 1000");
	rig_fini(&r);
	assert_true(run.exited);
	assert_int_equal(read(run.pipe[0], run.out, 1), 0);
	close(run.pipe[0]);
}

static bool wants_reboot(void *arg)
{
	return ((struct rig *)arg)->reboot;
}

static void its_own_reboot_is_heard(void **state)
{
	struct rig r;
	struct run run;

	(void)state;
	rig_init(&r, false);
	begin(&r, &run, "reboot");
	support_until(&r.s, wants_reboot, &r);
	rig_fini(&r);
	close(run.pipe[0]);
}

/* An ELF file for arm64: `int main(void) { return 7; }` is not at hand here, so what is run is the
 * least program there is: mov x0, #7; mov x8, #93 (exit); svc #0. */
static const uint8_t arm64_exit7[] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0,
	0xb7, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0x38, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	/* PT_LOAD, R+X, the whole file at 0x400000 */
	1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0,
	0, 0, 0, 0x84, 0, 0, 0, 0, 0, 0, 0, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
	0xe0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4};

static void an_arm64_phone_runs_arm64_programs(void **state)
{
	struct rig r;
	struct run run;
	char path[128];
	int fd;

	(void)state;
	if (access("/usr/bin/qemu-aarch64-static", X_OK))
		skip();
	rig_init(&r, true);
	snprintf(path, sizeof(path), "%s/root/data/local/tmp/seven", r.s.dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, arm64_exit7, sizeof(arm64_exit7)), sizeof(arm64_exit7));
	close(fd);
	sh(&r, &run, "/data/local/tmp/seven");
	assert_int_equal(WEXITSTATUS(run.status), 7);
	assert_string_equal(sh(&r, &run, "getprop ro.product.cpu.abi"), "arm64-v8a\n");
	assert_string_equal(sh(&r, &run, "grep -c 0xd4d /proc/cpuinfo"), "4\n");
	assert_string_equal(sh(&r, &run, "echo $QEMU_CPU"), "cortex-a76\n");
	rig_fini(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_the_shell_in_a_root_of_its_own),
		cmocka_unit_test(the_host_cannot_be_written),
		cmocka_unit_test(exits_and_signals_are_told),
		cmocka_unit_test(a_daemon_survives_its_shell_and_dies_with_the_phone),
		cmocka_unit_test(its_own_reboot_is_heard),
		cmocka_unit_test(an_arm64_phone_runs_arm64_programs),
	};

	/* The first process and the tools are this program, by another name. */
	if (init_is_meant(argc, argv))
		return init_main(argc, argv);
	if (tool_is_meant(argv[0]))
		return tool_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
