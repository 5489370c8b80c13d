/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's guards; see sandbox.h. */
#include "agent/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/netns.h"

/* ---- the guards ---- */

static int enter_no_new_privs(const struct sandbox *sb)
{
	(void)sb;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

/* Never above the limit that is there: raising one is for root alone. */
static int limit(int what, rlim_t max)
{
	struct rlimit now;

	if (getrlimit(what, &now))
		return -errno;
	if (max < now.rlim_max)
		now.rlim_max = max;
	if (max < now.rlim_cur || now.rlim_cur > now.rlim_max || what == RLIMIT_NOFILE)
		now.rlim_cur = now.rlim_max;
	return setrlimit(what, &now) ? -errno : 0;
}

static int enter_rlimits(const struct sandbox *sb)
{
	int rc = limit(RLIMIT_CORE, 0);

	if (!rc)
		rc = limit(RLIMIT_FSIZE, SANDBOX_FILE_MAX);
	if (!rc)
		rc = limit(RLIMIT_NOFILE, SANDBOX_FILES_MAX);
	/* Counted over all processes of a user, so it says something only for a user of its own. */
	if (!rc && sb->uid >= 0)
		rc = limit(RLIMIT_NPROC, SANDBOX_TASKS_MAX);
	if (!rc && sb->memory_bytes > 0)
		rc = limit(RLIMIT_AS,
			SANDBOX_BASE_BYTES + sb->threads * SANDBOX_THREAD_BYTES + sb->memory_bytes);
	return rc;
}

static int enter_netns(const struct sandbox *sb)
{
	if (sb->netns >= 0 && !netns_enter(sb->netns))
		return 0;
	return unshare(CLONE_NEWNET) ? -errno : 0;
}

static int enter_uid(const struct sandbox *sb)
{
	if (sb->uid < 0)
		return -ENOENT;
	if (setgroups(0, NULL) || setgid(sb->uid) || setuid(sb->uid))
		return -errno;
	return 0;
}

static int enter_seccomp(const struct sandbox *sb)
{
	(void)sb;
	return seccomp_enter();
}

/* In the order in which they must come: Landlock opens what it allows, and needs no_new_privs when
 * not root; the new user can no longer make name spaces; seccomp forbids what the others use. */
static const struct {
	enum guard guard;
	const char *name;
	int (*enter)(const struct sandbox *sb);
} order[GUARDS] = {
	{GUARD_NO_NEW_PRIVS, "no_new_privs", enter_no_new_privs},
	{GUARD_RLIMITS, "rlimits", enter_rlimits},
	{GUARD_NETNS, "netns", enter_netns},
	{GUARD_LANDLOCK, "landlock", landlock_enter},
	{GUARD_UID, "uid", enter_uid},
	{GUARD_SECCOMP, "seccomp", enter_seccomp},
};

/* ---- probing ---- */

static void probe_all(struct guards *g, const struct sandbox *sb)
{
	for (int i = 0; i < GUARDS; i++)
		g->error[order[i].guard] = -order[i].enter(sb);
	g->landlock_abi = landlock_abi();
}

int sandbox_probe(struct guards *g, const struct sandbox *sb)
{
	struct guards got;
	int fds[2];
	pid_t pid;
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0) {
		memset(&got, 0, sizeof(got));
		probe_all(&got, sb);
		_exit(write(fds[1], &got, sizeof(got)) != sizeof(got));
	}
	close(fds[1]);
	/* The child does a few system calls and ends: there is nothing here to wait long for. */
	do
		n = pid < 0 ? -1 : read(fds[0], &got, sizeof(got));
	while (n < 0 && pid > 0 && errno == EINTR);
	close(fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(got))
		return -ECHILD;
	*g = got;
	return 0;
}

static void describe_one(
	const struct guards *g, const struct sandbox *sb, int i, char *dst, size_t size)
{
	int error = g->error[order[i].guard];

	if (error && order[i].guard == GUARD_UID && error == ENOENT)
		snprintf(dst, size, "uid (none was given)");
	else if (error)
		snprintf(dst, size, "%s (%s)", order[i].name, strerror(error));
	else if (order[i].guard == GUARD_LANDLOCK)
		snprintf(dst, size, "landlock=%d", (int)g->landlock_abi);
	else if (order[i].guard == GUARD_UID)
		snprintf(dst, size, "uid=%lld", (long long)sb->uid);
	else
		snprintf(dst, size, "%s", order[i].name);
}

void sandbox_describe(const struct guards *g, const struct sandbox *sb, char *dst, size_t size)
{
	size_t n = 0;

	*dst = '\0';
	for (int missing = 0; missing < 2; missing++) {
		const char *between = missing ? "; not to be had: " : "";

		for (int i = 0; i < GUARDS; i++) {
			char one[96];

			if (!!g->error[order[i].guard] != missing)
				continue;
			describe_one(g, sb, i, one, sizeof(one));
			n += snprintf(dst + n, size - n, "%s%s", between, one);
			if (n >= size)
				return;
			between = missing ? ", " : ",";
		}
	}
}

/* ---- entering ---- */

/* Where it cannot be raised the kernel chooses as it would otherwise: no reason not to run. */
static void be_killed_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = write(fd, SANDBOX_OOM_ADJ, strlen(SANDBOX_OOM_ADJ));
	(void)n;
	close(fd);
}

int sandbox_enter(
	const struct guards *g, const struct sandbox *sb, pid_t agent, const char **ret_guard)
{
	be_killed_first();
	for (int i = 0; i < GUARDS; i++) {
		int rc = g->error[order[i].guard] ? 0 : order[i].enter(sb);

		if (rc) {
			*ret_guard = order[i].name;
			return rc;
		}
		/* A change of user clears it (prctl(2)), seccomp comes last: so in between. */
		if (order[i].guard == GUARD_UID && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) {
			*ret_guard = "pdeathsig";
			return -errno;
		}
	}
	if (getppid() != agent) {
		*ret_guard = "pdeathsig";
		return -ESRCH;
	}
	return 0;
}
