/* SPDX-License-Identifier: Apache-2.0 */
/* A program's output; see capture.h. */
#include "cmd/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

extern char **environ;

static int start(char *const argv[], int out, pid_t *ret_pid, struct err *e)
{
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	rc = posix_spawn(ret_pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return rc ? err_errno(e, rc, "%s cannot be started", argv[0]) : 0;
}

/* Reads until the end of the output or the deadline; what does not fit is thrown away. False when the
 * time was over. */
static bool drain(int fd, int64_t deadline_ms, char *dst, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char rest[512];
	size_t n = 0;

	for (;;) {
		int64_t left = deadline_ms - clock_mono_ms();
		bool full = n + 1 >= size;
		ssize_t got;

		dst[n] = '\0';
		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		got = full ? read(fd, rest, sizeof(rest)) : read(fd, dst + n, size - 1 - n);
		if (got == 0 || (got < 0 && errno != EINTR))
			return true;
		if (got > 0 && !full)
			n += (size_t)got;
	}
}

int capture_run(char *const argv[], int64_t timeout_ms, char *dst, size_t size, struct err *e)
{
	int pipe_fds[2], status = 0, rc;
	bool in_time;
	pid_t pid;

	dst[0] = '\0';
	if (pipe2(pipe_fds, O_CLOEXEC))
		return err_errno(e, errno, "no pipe");
	rc = start(argv, pipe_fds[1], &pid, e);
	close(pipe_fds[1]);
	if (rc) {
		close(pipe_fds[0]);
		return rc;
	}
	in_time = drain(pipe_fds[0], clock_mono_ms() + timeout_ms, dst, size);
	close(pipe_fds[0]);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!in_time)
		return err_set(e, ERR_TIMEOUT, "%s did not end in time", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : CAPTURE_SIGNAL + WTERMSIG(status);
}
