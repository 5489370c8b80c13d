/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's process id on disk; see pidfile.h. The file holds "PID STARTTIME". */
#include "agent/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/text.h"
#include "timesrc.h"

#define NAME      "runner"
#define STARTTIME 20 /* blanks between the name's parenthesis and field 22 (proc_pid_stat(5)) */
#define PAUSE_NS  10000000LL

/* These are the agent's own processes, of the machine that it runs on: read from the real /proc. */
static int start_time(pid_t pid, int64_t *ret_t)
{
	char path[32], text[1024];
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = files_read_stream(path, text, sizeof(text));
	if (n < 0)
		return n;
	p = strrchr(text, ')');
	for (int i = 0; p && i < STARTTIME; i++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p || text_int(p, ret_t))
		return -EINVAL;
	/* A zombie is dead; only its parent has not looked yet. */
	return strstr(text, ") Z ") ? -ESRCH : 0;
}

int pidfile_write(int dirfd, pid_t pid)
{
	char text[48];
	int64_t started;
	int fd, n, rc = start_time(pid, &started);

	if (rc)
		return rc;
	n = snprintf(text, sizeof(text), "%d %lld\n", (int)pid, (long long)started);
	fd = openat(dirfd, NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	rc = files_write_at(fd, text, n, 0);
	close(fd);
	return rc;
}

void pidfile_remove(int dirfd)
{
	unlinkat(dirfd, NAME, 0);
}

static int read_note(int dirfd, int64_t *ret_pid, int64_t *ret_started)
{
	char text[49];
	const char *end;
	ssize_t n = files_read(dirfd, NAME, text, sizeof(text) - 1);

	if (n < 0)
		return n;
	text[n] = '\0';
	if (text_int_end(text, ret_pid, &end) || text_int(end, ret_started) || *ret_pid < 2 ||
		*ret_pid > INT32_MAX)
		return -EINVAL;
	return 0;
}

int pidfile_kill(int dirfd, struct timesrc *ts)
{
	int64_t pid, started, now, until_ns = timesrc_mono_ns(ts) + PIDFILE_WAIT_NS;
	int rc = read_note(dirfd, &pid, &started);

	if (rc)
		return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
	while (!start_time(pid, &now) && now == started) {
		if (timesrc_mono_ns(ts) >= until_ns)
			return -ETIMEDOUT;
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		timesrc_sleep_until(ts, timesrc_mono_ns(ts) + PAUSE_NS);
	}
	pidfile_remove(dirfd);
	return 0;
}
