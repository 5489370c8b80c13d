/* SPDX-License-Identifier: Apache-2.0 */
/* Programs inside a phone; see spawn.h. */
#include "drivers/virtual/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"

#define ARGV_MAX 128

static struct {
	uint32_t id;
	pid_t pid;
} running[SPAWN_MAX];

static bool is_arm64;

void spawn_setup(bool arm64)
{
	is_arm64 = arm64;
}

static int free_place(void)
{
	for (int i = 0; i < SPAWN_MAX; i++)
		if (!running[i].id)
			return i;
	return -1;
}

void spawn_kill(uint32_t id, int sig)
{
	for (int i = 0; i < SPAWN_MAX; i++)
		if (running[i].id == id)
			kill(running[i].pid, sig);
}

uint32_t spawn_ended(pid_t pid)
{
	for (int i = 0; i < SPAWN_MAX; i++) {
		uint32_t id = running[i].id;

		if (!id || running[i].pid != pid)
			continue;
		running[i].id = 0;
		return id;
	}
	return 0;
}

/* ---- terminals ---- */

static int open_terminal(unsigned flags, int *ret_slave)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), lock = 0, n;
	struct termios t;
	char name[32];

	if (master < 0 || ioctl(master, TIOCSPTLCK, &lock) || ioctl(master, TIOCGPTN, &n)) {
		if (master >= 0)
			close(master);
		return -1;
	}
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	*ret_slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_slave < 0) {
		close(master);
		return -1;
	}
	if (flags & INITMSG_RAW && !tcgetattr(*ret_slave, &t)) {
		cfmakeraw(&t);
		tcsetattr(*ret_slave, TCSADRAIN, &t);
	}
	return master;
}

/* ---- the child ---- */

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What Android's init and adbd give a shell. */
static const char *const *environment(const struct initmsg *m)
{
	static char term[80];
	static const char *env[] = {
		"PATH=/system/bin:/system/xbin:/vendor/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/",
		"TMPDIR=/data/local/tmp", "ANDROID_ROOT=/system", "ANDROID_DATA=/data",
		"ANDROID_STORAGE=/storage", "EXTERNAL_STORAGE=/sdcard", "SHELL=/system/bin/sh",
		"USER=shell", "LOGNAME=shell", "LANG=C.UTF-8", term, NULL, NULL};

	snprintf(term, sizeof(term), "TERM=%.60s", m->term[0] ? m->term : "dumb");
	env[12] = is_arm64 ? "QEMU_CPU=cortex-a76" : NULL;
	return env;
}

static void run(const struct initmsg *m)
{
	static const char *argv[ARGV_MAX + 1];
	static char text[INITMSG_TEXT + 1];
	const char *path = "/system/bin/sh";
	int n = 0;

	memcpy(text, m->text, m->n);
	text[m->n] = '\0';
	if (m->flags & INITMSG_ARGV) {
		for (char *p = text; p < text + m->n && n < ARGV_MAX; p += strlen(p) + 1)
			argv[n++] = p;
		path = argv[0];
	} else {
		argv[n++] = m->n ? "sh" : "-sh";
		if (m->n) {
			argv[n++] = "-c";
			argv[n++] = text;
		}
	}
	argv[n] = NULL;
	if (path)
		execve(path, (char *const *)argv, (char *const *)environment(m));
	fprintf(stderr, "%s: %s\n", path ? path : "?", strerror(errno));
	_exit(126);
}

static void child(const struct initmsg *m, const int std[3])
{
	default_signals();
	umask(0); /* as adbd */
	setsid();
	if (m->flags & INITMSG_PTY)
		ioctl(std[0], TIOCSCTTY, 0);
	for (int i = 0; i < 3; i++)
		dup2(std[i], i);
	if (chdir("/"))
		_exit(126);
	run(m);
}

int spawn_start(const struct initmsg *m, const int fds[INITMSG_FDS], int *ret_master)
{
	int place = free_place(), slave = -1, std[3];
	pid_t pid;

	if (place < 0 || m->n > INITMSG_TEXT) {
		errno = EAGAIN;
		return -1;
	}
	if (m->flags & INITMSG_PTY) {
		*ret_master = open_terminal(m->flags, &slave);
		if (*ret_master < 0)
			return -1;
	}
	/* Above 2, so that dup2() in the child neither collides nor keeps close-on-exec. */
	for (int i = 0; i < 3; i++)
		std[i] = fcntl(slave >= 0 ? slave : fds[i], F_DUPFD_CLOEXEC, 3);
	pid = std[2] < 0 ? -1 : fork();
	if (pid == 0)
		child(m, std);
	for (int i = 0; i < 3; i++)
		if (std[i] >= 0)
			close(std[i]);
	if (slave >= 0)
		close(slave);
	if (pid < 0)
		return -1;
	running[place].id = m->id;
	running[place].pid = pid;
	return 0;
}
