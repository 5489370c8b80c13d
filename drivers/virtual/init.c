/* SPDX-License-Identifier: Apache-2.0 */
/* The first process of a virtual phone: its name spaces and its loop; see init.h. */
#include "drivers/virtual/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "drivers/virtual/arm64.h"
#include "drivers/virtual/initmsg.h"
#include "drivers/virtual/rootfs.h"
#include "drivers/virtual/spawn.h"

#define SOCK 0

bool init_is_meant(int argc, char **argv)
{
	return argc == 5 && !strcmp(argv[0], INIT_NAME);
}

static void say(uint32_t kind, uint32_t id, int32_t a, const char *text, int fd)
{
	struct initmsg m = {.kind = kind, .id = id, .a = a};

	m.n = text ? (uint32_t)strlen(text) : 0;
	if (m.n)
		memcpy(m.text, text, m.n);
	initmsg_send(SOCK, &m, &fd, fd >= 0);
}

/* ---- name spaces ---- */

static int write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

/* One user and one group: whoever started the program becomes `inside`. */
static int write_maps(int inside, unsigned uid, unsigned gid)
{
	char text[64];

	if (write_map("/proc/self/setgroups", "deny"))
		return -1;
	snprintf(text, sizeof(text), "%d %u 1", inside, uid);
	if (write_map("/proc/self/uid_map", text))
		return -1;
	snprintf(text, sizeof(text), "%d %u 1", inside, gid);
	return write_map("/proc/self/gid_map", text);
}

static unsigned own_uid, own_gid; /* before the name space, where they are known */

static int map_outer(int inside)
{
	return write_maps(inside, own_uid, own_gid);
}

static int refused(struct err *e)
{
	int was = errno;

	if (was == ENOSPC)
		return err_set(e, ERR_PERM,
			"the kernel allows no more name spaces: raise user.max_user_namespaces "
			"(sysctl -w user.max_user_namespaces=10000)");
	return err_errno(e, was,
		"the kernel refuses user name spaces to this user, which a virtual phone lives in: "
		"allow "
		"them (sysctl -w kernel.unprivileged_userns_clone=1, on Ubuntu also "
		"kernel.apparmor_restrict_unprivileged_userns=0, in a container --security-opt "
		"seccomp=unconfined)");
}

static int leave_host(struct err *e)
{
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC))
		return refused(e);
	return write_maps(INIT_UID, uid, gid) ? refused(e) : 0;
}

/* ---- the loop of process 1 ---- */

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		uint32_t id = spawn_ended(pid);

		if (id)
			say(INITMSG_EXITED, id, status, NULL, -1);
	}
}

static void on_signal(int fd)
{
	struct signalfd_siginfo si;

	while (read(fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap();
		else
			say(INITMSG_REBOOT, 0, 0, NULL, -1);
	}
}

static void on_kill(const struct initmsg *m)
{
	if (!m->id)
		kill(-1, m->a); /* everybody but process 1 */
	else
		spawn_kill(m->id, m->a);
}

static void on_spawn(const struct initmsg *m, const int fds[INITMSG_FDS])
{
	int master = -1, rc = spawn_start(m, fds, &master);

	if (rc) /* as a shell that could not be started */
		say(INITMSG_EXITED, m->id, 126 << 8, NULL, -1);
	else
		say(INITMSG_STARTED, m->id, 0, NULL, master);
	if (master >= 0)
		close(master);
}

static bool on_message(void)
{
	static struct initmsg m;
	int fds[INITMSG_FDS], rc = initmsg_recv(SOCK, &m, fds, MSG_DONTWAIT);

	if (rc < 0)
		return errno == EAGAIN;
	if (rc == 0)
		return false;
	if (m.kind == INITMSG_SPAWN)
		on_spawn(&m, fds);
	else if (m.kind == INITMSG_KILL)
		on_kill(&m);
	for (int i = 0; i < INITMSG_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return true;
}

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM); /* the phone's own `reboot` */
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int serve(void)
{
	struct pollfd fds[] = {{.fd = SOCK, .events = POLLIN}, {.events = POLLIN}};

	fds[1].fd = watch_signals();
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (fds[1].revents)
			on_signal(fds[1].fd);
		if (fds[0].revents && !on_message())
			return 0;
	}
}

/* As process 1. */
static int live(const struct rootfs *r, bool arm64)
{
	struct err e = {0};
	int root;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (rootfs_enter(r, &e)) {
		say(INITMSG_BROKEN, 0, e.code, e.text, -1);
		return 1;
	}
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	spawn_setup(arm64);
	say(INITMSG_READY, 0, 0, NULL, root);
	close(root);
	return serve();
}

static int broken(const struct err *e)
{
	say(INITMSG_BROKEN, 0, e->code, e->text, -1);
	return 1;
}

static int wait_for(pid_t pid)
{
	int status;

	close(SOCK);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* In the phone's own name spaces; the next child is their process 1. */
static int enter(const struct rootfs *r, bool arm64)
{
	struct err e = {0};
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (leave_host(&e))
		return broken(&e);
	pid = fork();
	if (pid == 0)
		_exit(live(r, arm64));
	return wait_for(pid);
}

int init_main(int argc, char **argv)
{
	struct rootfs r = {.dir = argv[1], .name = argv[2], .noexec = !strcmp(argv[4], "noexec")};
	bool arm64 = !strcmp(argv[3], "arm64");
	struct err e = {0};
	pid_t pid;

	(void)argc;
	umask(022);
	own_uid = geteuid();
	own_gid = getegid();
	if (!arm64)
		return enter(&r, false);
	/* This process keeps the name space in which qemu is registered. */
	if (arm64_register(map_outer, &e))
		return broken(&e);
	pid = fork();
	if (pid == 0)
		_exit(enter(&r, true));
	return wait_for(pid);
}
