/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory's lock; see dirlock.h. */
#include "store/dirlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"

/* An open file description's lock: unlike a process's, it also keeps out a second open by the same
 * process, and closing another descriptor of the file does not drop it. */
static int try_lock(int fd)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &fl) ? errno : 0;
}

/* The holder writes its pid right behind taking the lock, so the file may still be empty. */
static int say_who(int fd, const char *dir, struct err *e)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;
	char who[48] = "";

	if (pid > 0)
		snprintf(who, sizeof(who), " (pid %ld)", pid);
	return err_set(e, ERR_BUSY,
		"another framefarm%s uses %s: stop it first, or choose another data directory", who,
		dir);
}

static int write_pid(int fd, const char *path, struct err *e)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
		return err_errno(e, errno, "%s cannot be written", path);
	return 0;
}

int dirlock_take(const char *dir, struct err *e)
{
	char path[PATH_MAX + 8];
	int fd, errnum, rc;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOENT)
		return err_errno(e, errno, "the data directory %s", dir);
	if (fd < 0)
		return err_errno(e, errno, "%s cannot be opened", path);
	errnum = try_lock(fd);
	if (errnum == EAGAIN || errnum == EACCES)
		rc = say_who(fd, dir, e);
	else if (errnum)
		rc = err_errno(e, errnum, "%s cannot be locked", path);
	else
		rc = write_pid(fd, path, e);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

void dirlock_drop(int fd)
{
	if (fd >= 0)
		close(fd);
}
