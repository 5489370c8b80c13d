/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own files; see files.h. */
#include "agent/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NAME_MAX_TMP 128

int files_write_at(int fd, const void *data, size_t n, int64_t off)
{
	const char *p = data;

	while (n) {
		ssize_t got = pwrite(fd, p, n, off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ENOSPC;
		p += got;
		n -= got;
		off += got;
	}
	return 0;
}

int files_read_at(int fd, void *data, size_t n, int64_t off)
{
	char *p = data;

	while (n) {
		ssize_t got = pread(fd, p, n, off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		p += got;
		n -= got;
		off += got;
	}
	return 0;
}

int files_replace(int dirfd, const char *name, const void *data, size_t n)
{
	char tmp[NAME_MAX_TMP];
	int fd, rc;

	snprintf(tmp, sizeof(tmp), "%s.tmp", name);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	/* Not O_TRUNC before the write: a file that was reserved keeps its blocks on a full
	 * disk. */
	rc = files_write_at(fd, data, n, 0);
	if (!rc && (ftruncate(fd, n) || fsync(fd)))
		rc = -errno;
	close(fd);
	if (!rc && renameat(dirfd, tmp, dirfd, name))
		rc = -errno;
	if (!rc && fsync(dirfd))
		rc = -errno;
	return rc;
}

int files_create(int dirfd, const char *name, const void *data, size_t n)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = files_write_at(fd, data, n, 0);
	close(fd);
	return rc;
}

ssize_t files_read(int dirfd, const char *name, void *buf, size_t size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t rc;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	else if (st.st_size > (off_t)size)
		rc = -EFBIG;
	else
		rc = files_read_at(fd, buf, st.st_size, 0);
	close(fd);
	return rc ? rc : st.st_size;
}

ssize_t files_read_stream(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		n = -errno;
	else
		buf[n] = '\0';
	close(fd);
	return n;
}

int files_open_dir(int dirfd, const char *name, mode_t mode)
{
	int fd;

	if (mkdirat(dirfd, name, mode) && errno != EEXIST)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int64_t files_free_bytes(int fd)
{
	struct statvfs v;

	if (fstatvfs(fd, &v))
		return -errno;
	return (int64_t)v.f_bavail * (int64_t)v.f_frsize;
}

int files_remove_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(fd, e->d_name, 0);
	closedir(d);
	return unlinkat(dirfd, name, AT_REMOVEDIR) ? -errno : 0;
}
