/* SPDX-License-Identifier: Apache-2.0 */
/* See support_agent.h. Ends with _exit() everywhere: a leak checker must not have the last word. */
#include "support_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_S 60

static _Noreturn void die(int code, const char *text)
{
	dprintf(STDERR_FILENO, "starting\n%s\n", text);
	_exit(code);
}

static const char *option(int argc, char **argv, const char *name)
{
	size_t n = strlen(name);

	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], name, n))
			return argv[i] + n;
	return NULL;
}

static void keep(const char *name, const void *data, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		die(1, "cannot keep what was given");
	close(fd);
}

static void keep_what_was_given(int argc, char **argv)
{
	char secret[33];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(secret) && (got = read(0, secret + n, sizeof(secret) - n)) > 0)
		n += got;
	unlink("seen.secret");
	unlink("seen.args");
	keep("seen.secret", secret, n);
	for (int i = 1; i < argc; i++) {
		keep("seen.args", argv[i], strlen(argv[i]));
		keep("seen.args", "\n", 1);
	}
}

/* Returns in the process that lives on; the first one ends when the pipe says how it went. */
static int detach(void)
{
	unsigned char code = 1;
	int report[2];

	if (pipe2(report, O_CLOEXEC) < 0)
		die(1, "no pipe");
	if (fork()) {
		close(report[1]);
		_exit(read(report[0], &code, 1) == 1 ? code : 1);
	}
	setsid();
	if (fork())
		_exit(0);
	return report[1];
}

static void take_lock(void)
{
	char pid[24];
	int fd = open("agent.pid", O_RDWR | O_CREAT, 0600);
	int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		die(3, "another agent lives here");
	if (ftruncate(fd, 0) < 0 || write(fd, pid, n) != n)
		die(1, "no pid file");
}

static int listen_at(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sa.sun_path))
		die(4, "the socket's path is too long");
	strcpy(sa.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 4) < 0)
		die(4, "cannot listen");
	return fd;
}

static void flood(int fd)
{
	static uint8_t all[SUPPORT_AGENT_FLOOD];
	size_t done = 0;

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = i % 251;
	while (done < sizeof(all)) {
		ssize_t n = write(fd, all + done, sizeof(all) - done);

		if (n <= 0)
			return;
		done += n;
	}
}

static void echo(int fd)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t put = 0, k; put < n; put += k) {
			k = write(fd, buf + put, n - put);
			if (k <= 0)
				return;
		}
}

static _Noreturn void serve(int listener, const char *how)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0 || fork() != 0) { /* one process a connection */
			if (fd >= 0)
				close(fd);
			continue;
		}
		alarm(LIFE_S);
		if (!strcmp(how, "flood"))
			flood(fd);
		else if (!strcmp(how, "deaf"))
			pause();
		else
			echo(fd);
		_exit(0);
	}
}

void support_agent(int argc, char **argv)
{
	const char *dir = option(argc, argv, "--dir="), *how = option(argc, argv, "--fake=");
	const char *listen_arg = option(argc, argv, "--listen=unix:");
	unsigned char fine = 0;
	int report, listener;

	if (!dir || !listen_arg)
		return;
	how = how ? how : "echo";
	if (chdir(dir) < 0)
		die(1, "no directory");
	if (!strcmp(how, "die"))
		die(4, "cannot listen: no such luck");
	if (!strcmp(how, "mute")) {
		alarm(LIFE_S);
		for (;;)
			pause();
	}
	if (!strcmp(how, "wrong")) {
		dprintf(STDOUT_FILENO, "ready unix:/elsewhere\n");
		_exit(0);
	}
	report = detach();
	alarm(LIFE_S);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, !strcmp(how, "stubborn") ? SIG_IGN : SIG_DFL);
	take_lock();
	keep_what_was_given(argc, argv);
	listener = listen_at(listen_arg);
	dprintf(STDOUT_FILENO, "hello\nready unix:%s\n", listen_arg);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	if (write(report, &fine, 1) != 1)
		_exit(1);
	close(report);
	serve(listener, how);
}
