/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes. A child is watched through its pidfd, not through SIGCHLD: no handler, no
 * interplay with anybody else's children, and an ended child keeps its pid until it is reaped here,
 * so a signal can never reach a stranger.
 *
 * Descriptor hygiene is kept twice: everything of ours is opened O_CLOEXEC, and the child closes
 * whatever is above 2 before it becomes another program.
 *
 * posix_spawn() is glibc's, which runs on the parent's memory (CLONE_VFORK) and reports a failed
 * exec to its caller. For a detached process a forked child becomes the leader of a new session,
 * spawns, says how that went and ends; nothing in that child allocates or takes a lock of ours.
 */
#include "loop/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* How long loop_free() waits for a killed child: one that sleeps in the kernel is left to init. */
#define KILL_WAIT_MS 5000

/* What the program is started with, made before any fork. */
struct launch {
	const char *path;
	char *const *argv;
	char *const *envp;
	int fds[3]; /* ours, above 2; -1: none yet */
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char *env[3], *env_path, *env_lang;
};

static int pidfd_of(int pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

int loop_child_check(struct err *e)
{
	int fd = pidfd_of(getpid());

	if (fd < 0)
		return err_errno(e, errno, "this kernel has no pidfd_open (Linux 5.3 has it)");
	close(fd);
	return 0;
}

/* ---- what stands ready before the fork ---- */

static void launch_fini(struct launch *la)
{
	for (int i = 0; i < 3; i++)
		if (la->fds[i] >= 0)
			close(la->fds[i]);
	posix_spawn_file_actions_destroy(&la->actions);
	posix_spawnattr_destroy(&la->attr);
	mem_free(la->env_path);
	mem_free(la->env_lang);
}

static void set_env(struct launch *la, char *const *envp)
{
	const char *path = getenv("PATH"), *lang = getenv("LANG");

	la->envp = envp ? envp : la->env;
	la->env_path = mem_printf("PATH=%s", path ? path : DEFAULT_PATH);
	la->env_lang = mem_printf("LANG=%s", lang ? lang : "C.UTF-8");
	la->env[0] = la->env_path;
	la->env[1] = la->env_lang;
}

/* Copies above 2, so that moving one onto 0, 1 or 2 cannot tread on another. */
static int copy_fd(int fd, int flags)
{
	int null, copy;

	if (fd >= 0)
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	null = open("/dev/null", flags | O_CLOEXEC);
	if (null < 0 || null > 2)
		return null;
	copy = fcntl(null, F_DUPFD_CLOEXEC, 3);
	close(null);
	return copy;
}

static void set_signals(struct launch *la, bool own_group)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(&la->attr, &all);
	posix_spawnattr_setsigmask(&la->attr, &none);
	posix_spawnattr_setpgroup(&la->attr, 0);
	posix_spawnattr_setflags(&la->attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
						    (own_group ? POSIX_SPAWN_SETPGROUP : 0));
}

static int launch_init(struct launch *la, const struct loop_spawn *sp, struct err *e)
{
	const int given[3] = {sp->fd_in, sp->fd_out, sp->fd_err};

	*la = (struct launch){.path = sp->path, .argv = sp->argv, .fds = {-1, -1, -1}};
	if (posix_spawn_file_actions_init(&la->actions) || posix_spawnattr_init(&la->attr))
		abort();
	set_env(la, sp->envp);
	set_signals(la, !sp->detach);
	for (int i = 0; i < 3; i++) {
		la->fds[i] = copy_fd(given[i], i ? O_WRONLY : O_RDONLY);
		if (la->fds[i] < 0) {
			int rc = err_errno(e, errno, "no descriptor for %s", sp->path);

			launch_fini(la);
			return rc;
		}
		if (posix_spawn_file_actions_adddup2(&la->actions, la->fds[i], i))
			abort();
	}
	if (posix_spawn_file_actions_addclosefrom_np(&la->actions, 3))
		abort();
	return 0;
}

/* ---- starting ---- */

/* Returns 0 or an errno value; *ret_pid may be NULL. Called in a forked child too. */
static int launch(const struct launch *la, pid_t *ret_pid)
{
	pid_t pid;
	int rc = posix_spawn(&pid, la->path, &la->actions, &la->attr, la->argv, la->envp);

	if (!rc && ret_pid)
		*ret_pid = pid;
	return rc;
}

/* As launch(), by way of a child that ends at once, in a session of its own. */
static int launch_detached(const struct launch *la)
{
	int status[2], rc = EIO;
	pid_t pid;

	if (pipe2(status, O_CLOEXEC) < 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		setsid();
		rc = launch(la, NULL);
		_exit(write(status[1], &rc, sizeof(rc)) == sizeof(rc) ? 0 : 1);
	}
	close(status[1]);
	if (pid < 0) {
		rc = errno;
	} else {
		/* Both waits are as short as an exec. */
		while (read(status[0], &rc, sizeof(rc)) < 0 && errno == EINTR)
			;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(status[0]);
	return rc;
}

/* Reaps an ended child; false when it has not ended. */
static bool reap(struct loop_child *c, int *ret_status)
{
	int status, n;

	do
		n = waitpid(c->pid, &status, WNOHANG);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return false;
	/* Somebody else has reaped it: how it ended is lost, that it ended is not. */
	*ret_status = n < 0 ? SIGKILL : status;
	c->pid = 0;
	return true;
}

static void finish(struct loop_child *c, int status)
{
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->loop->n_children--;
	event_free(c->ev);
	close(c->pidfd);
	c->exited(c->arg, status);
	mem_free(c);
}

static void on_exit_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop_child *c = arg;
	int status;

	(void)fd;
	(void)what;
	loop_began(c->loop);
	if (reap(c, &status))
		finish(c, status);
}

static struct loop_child *child_new(struct loop *l, pid_t pid, int pidfd)
{
	struct loop_child *c = mem_zalloc(sizeof(*c));

	c->loop = l;
	c->pid = pid;
	c->pidfd = pidfd;
	c->ev = loop_event_new(l, pidfd, EV_READ | EV_PERSIST, on_exit_ready, c);
	if (event_add(c->ev, NULL) < 0)
		abort();
	c->next = l->children;
	c->prev = &l->children;
	if (c->next)
		c->next->prev = &c->next;
	l->children = c;
	l->n_children++;
	return c;
}

static struct loop_child *start_child(
	struct loop *l, const struct launch *la, const char *path, struct err *e)
{
	pid_t pid;
	int rc, fd;

	if (l->n_children >= LOOP_CHILDREN) {
		err_set(e, ERR_FULL, "cannot start %s: %d children live already", path,
			LOOP_CHILDREN);
		return NULL;
	}
	rc = launch(la, &pid);
	if (rc) {
		err_errno(e, rc, "cannot start %s", path);
		return NULL;
	}
	fd = pidfd_of(pid);
	if (fd < 0) {
		err_errno(e, errno, "cannot watch %s", path);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return NULL;
	}
	return child_new(l, pid, fd);
}

struct loop_child *loop_spawn(struct loop *l, const struct loop_spawn *sp,
	void (*exited)(void *arg, int status), void *arg, struct err *e)
{
	struct loop_child *c = NULL;
	struct launch la;

	if (launch_init(&la, sp, e))
		return NULL;
	if (sp->detach) {
		int rc = launch_detached(&la);

		if (rc)
			err_errno(e, rc, "cannot start %s", sp->path);
		else
			c = &l->detached;
	} else {
		c = start_child(l, &la, sp->path, e);
		if (c) {
			c->exited = exited;
			c->arg = arg;
		}
	}
	launch_fini(&la);
	return c;
}

/* ---- ending ---- */

void loop_child_kill(struct loop_child *c, int sig)
{
	if (c->pid > 0)
		kill(-c->pid, sig);
}

int loop_child_pid(const struct loop_child *c)
{
	return c->pid;
}

void loop_child_kill_all(struct loop *l)
{
	while (l->children) {
		struct loop_child *c = l->children;
		struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
		int status = SIGKILL, pid = c->pid;

		loop_child_kill(c, SIGKILL);
		while (poll(&p, 1, KILL_WAIT_MS) < 0 && errno == EINTR)
			;
		if (!reap(c, &status))
			log_warn("event=child_stuck pid=%d", pid);
		finish(c, status);
	}
}
