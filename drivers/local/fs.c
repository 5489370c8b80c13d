/* SPDX-License-Identifier: Apache-2.0 */
/* Small files and private directories; see local.h. Blocks: for the pool, never the loop thread. */
#include "drivers/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int local_path(char dst[DRIVER_PATH_MAX], const char *dir, const char *name, struct err *e)
{
	const char *slash = *dir && dir[strlen(dir) - 1] == '/' ? "" : "/";

	if (snprintf(dst, DRIVER_PATH_MAX, "%s%s%s", dir, slash, name) >= DRIVER_PATH_MAX)
		return err_set(e, ERR_TOOBIG, "the path %s/%s is too long", dir, name);
	return 0;
}

size_t local_read_text(const char *path, char *dst, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;
	ssize_t got = 1;

	while (fd >= 0 && got > 0 && n + 1 < size) {
		got = read(fd, dst + n, size - 1 - n);
		if (got > 0)
			n += got;
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	if (fd >= 0)
		close(fd);
	dst[n] = '\0';
	return n;
}

int local_private_dir(const char *path, struct err *e)
{
	struct stat st;
	int fd, rc = 0;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot make the directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "%s must be a directory", path);
	if (fstat(fd, &st) < 0)
		rc = err_errno(e, errno, "%s", path);
	else if (st.st_uid != geteuid())
		rc = err_set(e, ERR_PERM, "%s belongs to another user (uid %u)", path,
			(unsigned)st.st_uid);
	else if ((st.st_mode & 0777) != 0700 && fchmod(fd, 0700) < 0)
		rc = err_errno(e, errno, "cannot make %s private", path);
	close(fd);
	return rc;
}

int local_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = err_errno(e, errno, "cannot sync %s", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

int local_write_file(const char *path, const void *data, size_t n, struct err *e)
{
	char tmp[DRIVER_PATH_MAX + 8];
	int fd, rc = 0;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot write %s", path);
	errno = ENOSPC; /* what a short write of so few bytes means */
	if (write(fd, data, n) != (ssize_t)n || fsync(fd) < 0)
		rc = err_errno(e, errno, "cannot write %s", path);
	close(fd);
	if (!rc && rename(tmp, path) < 0)
		rc = err_errno(e, errno, "cannot write %s", path);
	if (rc)
		unlink(tmp);
	return rc;
}
