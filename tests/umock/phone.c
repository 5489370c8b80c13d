/* SPDX-License-Identifier: Apache-2.0 */
/* See phone.h. */
#include "phone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS   16
#define PHONES 8

static pid_t running[PHONES]; /* of the present story; 0: none */

const char *phone_build_path(const char *name)
{
	static char path[512];
	const char *build = getenv("FRAMEFARM_BUILD");

	snprintf(path, sizeof(path), "%s/%s", build ? build : "build", name);
	return path;
}

static void note(pid_t was, pid_t is)
{
	int i = 0;

	while (i < PHONES && running[i] != was)
		i++;
	assert_true(i < PHONES);
	running[i] = is;
}

/* In the child. It sees the host as it is, not the mocked one. */
static void run(char **argv, int out)
{
	dup2(out, STDOUT_FILENO);
	unsetenv("LD_PRELOAD");
	unsetenv("UMOCKDEV_DIR");
	execv(argv[0], argv);
	_exit(127);
}

static void read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n < size - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
}

struct phone phone_start(const char *option, ...)
{
	char *argv[ARGS + 2] = {strdup(phone_build_path("framefarm-phone"))}, line[256];
	struct phone p = {0};
	int n = 1, fds[2];
	va_list ap;

	va_start(ap, option);
	for (const char *o = option; o; o = va_arg(ap, const char *)) {
		assert_true(n <= ARGS);
		argv[n++] = (char *)o;
	}
	va_end(ap);
	assert_int_equal(pipe(fds), 0);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (!p.pid)
		run(argv, fds[1]);
	note(0, p.pid);
	close(fds[1]);
	free(argv[0]);
	p.out = fds[0];
	read_line(p.out, line, sizeof(line));
	if (sscanf(line, "listening 127.0.0.1:%d serial=%63s", &p.port, p.serial) != 2)
		fail_msg("no phone: \"%s\"", line);
	return p;
}

void phone_stop(struct phone *p)
{
	int status;

	kill(p->pid, SIGTERM);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_int_equal(status, 0);
	close(p->out);
	note(p->pid, 0);
}

void phone_kill_all(void)
{
	for (int i = 0; i < PHONES; i++) {
		if (!running[i])
			continue;
		kill(running[i], SIGTERM);
		waitpid(running[i], NULL, 0);
		running[i] = 0;
	}
}
