/* SPDX-License-Identifier: Apache-2.0 */
/* From fork to exec; see launch.h. */
#include "agent/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/libdir.h"
#include "agent/sandbox.h"
#include "runner.h"

#define FD_ABOVE         16 /* descriptors are moved above this before they get their places */
#define FD_END           65536
#define SYS_CLOSE_RANGE  436
#define CLOSE_ON_EXEC    4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
#define EXIT_NOT_STARTED 126

static _Noreturn void fail(int report, const char *what, int error)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "%s: %s", what, strerror(error));
	ssize_t rc = write(report, text, n < (int)sizeof(text) ? n : (int)sizeof(text) - 1);

	(void)rc;
	_exit(EXIT_NOT_STARTED);
}

static int move_up(int fd, int report)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);

	if (up < 0)
		fail(report, "descriptors", errno);
	return up;
}

static void place(int fd, int at, int report)
{
	if (dup2(fd, at) < 0)
		fail(report, "descriptors", errno);
}

static void place_all(const struct launch *l, int report)
{
	int null = move_up(l->null, report), output = move_up(l->output, report);
	int control = move_up(l->control, report), ring = move_up(l->ring, report);

	place(null, STDIN_FILENO, report);
	place(output, STDOUT_FILENO, report);
	place(output, STDERR_FILENO, report);
	place(control, RUNNER_FD_CONTROL, report);
	place(ring, RUNNER_FD_RING, report);
}

/* Everything of the agent's is close-on-exec already; this is for what it inherited itself. */
static void close_others(void)
{
	if (!syscall(SYS_CLOSE_RANGE, RUNNER_FD_RING + 1, ~0u, CLOSE_ON_EXEC))
		return;
	for (int fd = RUNNER_FD_RING + 1; fd < FD_END; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) && fd > SANDBOX_FILES_MAX)
			break;
}

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
}

_Noreturn void launch_run(const struct launch *l)
{
	static char telemetry_off[] = "ORT_DISABLE_TELEMETRY=1";
	static char path[] = "PATH=/usr/bin:/bin", home[] = "HOME=.", tmp[] = "TMPDIR=.";
	static char name[] = "framefarm-runner", clock[] = "--clock";
	char page[4096];
	/* ONNX Runtime sends telemetry unless this is set before its library is loaded. "." is the
	 * scratch directory: its absolute path may lead through directories that the runner's user
	 * must not pass. */
	char *env[] = {telemetry_off, path, home, tmp, NULL};
	static char path_option[] = "--library-path", lib[] = LIBDIR, argv0[] = "--argv0",
		    runner[] = LIBDIR "/" LIBDIR_RUNNER;
	char *clock_option = l->clock_page ? clock : NULL;
	char *argv[] = {name, clock_option, page, NULL};
	/* ld.so(8). The paths are those of the scratch directory, in which it begins. */
	char *loading[] = {name, path_option, lib, argv0, name, runner, clock_option, page, NULL};
	int report = move_up(l->report, l->report), exe = move_up(l->sandbox->exe, report);
	struct sandbox sb = *l->sandbox;
	const char *guard;
	int rc;

	setsid();
	reset_signals();
	sb.exe = exe;
	sb.scratch = move_up(sb.scratch, report);
	sb.files_dir = move_up(sb.files_dir, report);
	if (sb.netns >= 0)
		sb.netns = move_up(sb.netns, report);
	place_all(l, report);
	if (fchdir(sb.scratch))
		fail(report, "scratch directory", errno);
	rc = sandbox_enter(l->guards, &sb, l->agent, &guard);
	if (rc)
		fail(report, guard, -rc);
	close_others();
	snprintf(page, sizeof(page), "%s", l->clock_page ? l->clock_page : "");
	fexecve(exe, l->loader ? loading : argv, env);
	fail(report, "exec", errno);
}
