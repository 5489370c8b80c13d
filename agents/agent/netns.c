/* SPDX-License-Identifier: Apache-2.0 */
/* Network name spaces; see netns.h. */
#include "agent/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, since the agent itself must not leave its own. It stays in it until it was opened. */
static _Noreturn void hold_one(int fd)
{
	int error = unshare(CLONE_NEWNET) ? errno : 0;
	char byte;

	if (write(fd, &error, sizeof(error)) == sizeof(error) && !error)
		while (read(fd, &byte, 1) < 0 && errno == EINTR)
			;
	_exit(0);
}

static int open_of(pid_t pid, int fd)
{
	char path[64];
	int error;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(error))
		return -ECHILD;
	if (error)
		return -error;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int netns_make(void)
{
	int pair[2], rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		hold_one(pair[1]);
	}
	rc = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (!rc)
		rc = open_of(pid, pair[0]);
	close(pair[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc;
}

int netns_enter(int fd)
{
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}
