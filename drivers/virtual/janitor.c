/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the temporary directory away; see janitor.h. */
#include "drivers/virtual/janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/virtual/files.h"
#include "drivers/virtual/unroot.h"

/* Phones that were not stopped in order die while we begin; what they wrote last is found later. */
#define ROUNDS 3

static int remove_contents(unsigned uid)
{
	if (unroot(uid))
		return 1;
	for (int i = 0; i < ROUNDS; i++)
		files_remove_below(".");
	return 0;
}

static int clean(const char *dir, unsigned uid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(remove_contents(uid));
	if (pid > 0)
		waitpid(pid, &status, 0);
	return chdir("/") || rmdir(dir) ? 1 : 0;
}

static int wait_and_clean(int pipe, const char *dir, unsigned uid)
{
	ssize_t n;
	char c;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	do
		n = read(pipe, &c, 1);
	while (n > 0 || (n < 0 && errno == EINTR));
	return clean(dir, uid);
}

int janitor_start(struct janitor *j, const char *dir, unsigned uid)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	j->pid = fork();
	if (j->pid == 0) {
		/* Whoever reads our output waits for its end, which is not ours to delay. */
		int null = open("/dev/null", O_RDWR);

		for (int i = 0; i < 3; i++)
			dup2(null, i);
		close(ends[1]);
		_exit(wait_and_clean(ends[0], dir, uid));
	}
	close(ends[0]);
	j->pipe = ends[1];
	return j->pid < 0 ? -1 : 0;
}

int janitor_finish(struct janitor *j)
{
	int status;

	close(j->pipe);
	if (waitpid(j->pid, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
