/* SPDX-License-Identifier: Apache-2.0 */
/* Children: how they end, what they inherit, and how a detached one lives on. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

struct child {
	struct loop_child *c;
	int ended, status;
	int out[2]; /* its standard output */
	char text[8192];
};

static void on_exit_of(void *arg, int status)
{
	struct child *ch = arg;

	ch->c = NULL;
	ch->status = status;
	ch->ended++;
}

static void start(struct rig *r, struct child *ch, const char *script, bool detach)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	struct loop_spawn sp = {"/bin/sh", (char **)argv, NULL, -1, -1, -1, detach};
	struct err e = {0};

	*ch = (struct child){0};
	assert_int_equal(pipe2(ch->out, O_CLOEXEC), 0);
	sp.fd_out = ch->out[1];
	ch->c = loop_spawn(r->loop, &sp, on_exit_of, ch, &e);
	if (!ch->c)
		fail_msg("%s", e.text);
	close(ch->out[1]);
}

/* What it has said until it closed its output. */
static const char *listen_to(struct child *ch)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(ch->out[0], ch->text + n, sizeof(ch->text) - 1 - n)) > 0)
		n += got;
	ch->text[n] = '\0';
	close(ch->out[0]);
	return ch->text;
}

static void the_exit_status_is_reported_once(void **state)
{
	struct child ch;
	struct rig r;

	(void)state;
	rig_init(&r);
	start(&r, &ch, "echo hello; exit 7", false);
	assert_true(loop_child_pid(ch.c) > 0);
	rig_run_until(&r, rig_is_set, &ch.ended);
	assert_true(WIFEXITED(ch.status));
	assert_int_equal(WEXITSTATUS(ch.status), 7);
	assert_string_equal(listen_to(&ch), "hello\n");
	rig_fini(&r);
	assert_int_equal(ch.ended, 1);
}

static void a_kill_reaches_the_whole_group(void **state)
{
	struct child ch;
	struct rig r;
	char c;

	(void)state;
	rig_init(&r);
	/* The grandchild holds the pipe open; the pipe ends when it is dead as well. */
	start(&r, &ch, "(trap '' TERM; echo; sleep 60) & wait", false);
	assert_int_equal(read(ch.out[0], &c, 1), 1);
	loop_child_kill(ch.c, SIGKILL);
	rig_run_until(&r, rig_is_set, &ch.ended);
	assert_true(WIFSIGNALED(ch.status));
	assert_int_equal(WTERMSIG(ch.status), SIGKILL);
	assert_string_equal(listen_to(&ch), "");
	rig_fini(&r);
}

static void a_missing_program_is_an_error_and_not_a_child(void **state)
{
	const char *argv[] = {"nothing", NULL};
	struct loop_spawn sp = {"/nonexistent/nothing", (char **)argv, NULL, -1, -1, -1, false};
	struct err e = {0};
	struct rig r;

	(void)state;
	rig_init(&r);
	assert_null(loop_spawn(r.loop, &sp, on_exit_of, NULL, &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "/nonexistent/nothing"));
	sp.detach = true;
	e = (struct err){0};
	assert_null(loop_spawn(r.loop, &sp, NULL, NULL, &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	rig_fini(&r);
}

/* The descriptors of a living process, in order: "0 1 2 ". */
static void list_fds(int pid, char *dst, size_t size)
{
	char path[64], target[256];
	size_t n = 0;

	dst[0] = '\0';
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		if (readlink(path, target, sizeof(target)) >= 0 && n < size)
			n += snprintf(dst + n, size - n, "%d ", fd);
	}
}

static uint64_t signal_set(int pid, const char *key)
{
	char path[64], line[256];
	unsigned long long v = UINT64_MAX;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), "%llx", &v);
	fclose(f);
	return v;
}

static void a_child_inherits_no_descriptor_signal_or_variable(void **state)
{
	struct child ch;
	char fds[256];
	sigset_t set;
	struct rig r;
	int leak, pid;
	size_t n = 0;

	(void)state;
	rig_init(&r);
	/* What a careless library would leave: a descriptor without O_CLOEXEC, an ignored and a
	 * blocked signal, a secret in the environment. */
	leak = fcntl(STDOUT_FILENO, F_DUPFD, 200);
	assert_true(leak >= 200);
	setenv("FRAMEFARM_TOKEN", "secret", 1);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	start(&r, &ch, "export; echo end; kill -STOP $$", false);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR2, SIG_DFL);
	close(leak);

	while (!strstr(ch.text, "end\n")) {
		ssize_t got = read(ch.out[0], ch.text + n, sizeof(ch.text) - 1 - n);

		assert_true(got > 0);
		n += got;
	}
	pid = loop_child_pid(ch.c);
	list_fds(pid, fds, sizeof(fds));
	assert_string_equal(fds, "0 1 2 ");
	assert_int_equal(signal_set(pid, "SigBlk:"), 0);
	/* 32 and 33 are glibc's own, which its posix_spawn() leaves ignored. */
	assert_int_equal(signal_set(pid, "SigIgn:") & ~(3ULL << 31), 0);
	assert_null(strstr(ch.text, "secret"));
	assert_non_null(strstr(ch.text, "PATH="));
	rig_fini(&r);
	close(ch.out[0]);
}

static void standard_streams_may_be_given_crosswise(void **state)
{
	const char *argv[] = {"sh", "-c", "read x; echo \"got $x\"", NULL};
	struct loop_spawn sp = {"/bin/sh", (char **)argv, NULL, 1, 0, -1, false};
	int in[2], out[2], keep0 = dup(0), keep1 = dup(1);
	struct child ch = {0};
	struct err e = {0};
	struct rig r;

	(void)state;
	rig_init(&r);
	fflush(stdout);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(write(in[1], "it\n", 3), 3);
	dup2(in[0], 1);
	dup2(out[1], 0);
	ch.c = loop_spawn(r.loop, &sp, on_exit_of, &ch, &e);
	dup2(keep0, 0);
	dup2(keep1, 1);
	assert_non_null(ch.c);
	close(out[1]);
	ch.out[0] = out[0];
	rig_run_until(&r, rig_is_set, &ch.ended);
	assert_string_equal(listen_to(&ch), "got it\n");
	close(in[0]);
	close(in[1]);
	close(keep0);
	close(keep1);
	rig_fini(&r);
}

/* The fields of /proc/PID/stat behind the name: state, parent, group, session. */
static void read_stat(int pid, int *ret_ppid, int *ret_session)
{
	char path[64], line[512], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	p = strrchr(line, ')');
	assert_non_null(p);
	assert_int_equal(sscanf(p + 1, " %*c %d %*d %d", ret_ppid, ret_session), 2);
}

static void a_detached_process_survives_the_loop_and_is_nobodys_child_here(void **state)
{
	int pid, parent, session, pidfd;
	struct pollfd p = {.events = POLLIN};
	struct child ch;
	struct rig r;

	(void)state;
	rig_init(&r);
	start(&r, &ch, "echo $$; exec >&-; exec sleep 60", true);
	assert_int_equal(loop_child_pid(ch.c), 0);
	loop_child_kill(ch.c, SIGKILL);
	listen_to(&ch);
	pid = strtol(ch.text, NULL, 10);
	assert_true(pid > 0);
	rig_fini(&r);

	assert_int_equal(ch.ended, 0);
	assert_int_equal(kill(pid, 0), 0);
	read_stat(pid, &parent, &session);
	assert_int_not_equal(parent, getpid());
	assert_int_not_equal(session, getsid(0));
	assert_int_not_equal(session, pid);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);

	pidfd = syscall(SYS_pidfd_open, pid, 0);
	assert_true(pidfd >= 0);
	kill(pid, SIGKILL);
	p.fd = pidfd;
	assert_int_equal(poll(&p, 1, SUPPORT_PATIENCE_MS), 1);
	close(pidfd);
}

static void freeing_the_loop_kills_what_is_left_and_says_so(void **state)
{
	struct child ch;
	struct rig r;

	(void)state;
	rig_init(&r);
	start(&r, &ch, "sleep 60", false);
	rig_fini(&r);
	assert_int_equal(ch.ended, 1);
	assert_true(WIFSIGNALED(ch.status));
	assert_string_equal(listen_to(&ch), "");
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n++;
	return n;
}

static void nothing_of_ours_leaks(void **state)
{
	int before = count_fds();

	the_exit_status_is_reported_once(state);
	a_missing_program_is_an_error_and_not_a_child(state);
	freeing_the_loop_kills_what_is_left_and_says_so(state);
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_status_is_reported_once),
		cmocka_unit_test(a_kill_reaches_the_whole_group),
		cmocka_unit_test(a_missing_program_is_an_error_and_not_a_child),
		cmocka_unit_test(a_child_inherits_no_descriptor_signal_or_variable),
		cmocka_unit_test(standard_streams_may_be_given_crosswise),
		cmocka_unit_test(a_detached_process_survives_the_loop_and_is_nobodys_child_here),
		cmocka_unit_test(freeing_the_loop_kills_what_is_left_and_says_so),
		cmocka_unit_test(nothing_of_ours_leaks),
	};

	return cmocka_run_group_tests_name("loop_child", tests, NULL, NULL);
}
