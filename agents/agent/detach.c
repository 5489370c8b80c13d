/* SPDX-License-Identifier: Apache-2.0 */
/* Detaching; see detach.h. */
#include "agent/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/log.h"

/* The first process: it ends as the agent says, or with 1 when the agent died without a word. The
 * one blocking read of this program, in a process that has nothing else to do. */
static _Noreturn void wait_for_report(int fd, pid_t middle)
{
	unsigned char code = 1;
	ssize_t n;

	waitpid(middle, NULL, 0);
	do
		n = read(fd, &code, 1);
	while (n < 0 && errno == EINTR);
	_exit(n == 1 ? code : 1);
}

int detach_begin(struct detach *d, bool foreground)
{
	int fds[2];
	pid_t pid;

	d->report = -1;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(), not a death */
	if (foreground)
		return 0;
	signal(SIGHUP, SIG_IGN);
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(fds[1]);
		wait_for_report(fds[0], pid);
	}
	close(fds[0]);
	setsid();
	pid = fork();
	if (pid)
		_exit(pid < 0);
	d->report = fds[1];
	return 0;
}

static void report(struct detach *d, unsigned char code)
{
	if (d->report < 0)
		return;
	if (write(d->report, &code, 1) != 1)
		log_warn("event=nobody-waits-for-ready");
	close(d->report);
	d->report = -1;
}

void detach_ready(struct detach *d, const char *name)
{
	int null;

	printf("ready %s\n", name);
	fflush(stdout);
	if (d->report < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		close(null);
	}
	log_take_stdio();
	report(d, 0);
}

void detach_failed(struct detach *d, int code)
{
	report(d, code);
}
