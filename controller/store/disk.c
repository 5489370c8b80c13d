/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a backup; see disk.h. */
#include "store/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define COPY_BYTES (256 * 1024)

int disk_path(char dst[PATH_MAX], const char *dir, const char *path, struct err *e)
{
	int n = snprintf(dst, PATH_MAX, "%s/%s", dir, path);

	return n < PATH_MAX ? 0 : err_set(e, ERR_TOOBIG, "the path %.80s… is too long", dir);
}

int disk_sync_dir(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd))
		rc = err_errno(e, errno, "%s cannot be synced", dir);
	if (fd >= 0)
		close(fd);
	return rc;
}

int disk_read(const char *dir, const char *path, struct buf *b, struct err *e)
{
	char full[PATH_MAX], *part = mem_alloc(COPY_BYTES);
	int fd = -1, rc = disk_path(full, dir, path, e);
	ssize_t n = 0;

	if (!rc && (fd = open(full, O_RDONLY | O_CLOEXEC)) < 0)
		rc = err_errno(e, errno, "%s cannot be read", full);
	while (!rc && (n = read(fd, part, COPY_BYTES)) > 0)
		if (buf_put(b, part, (size_t)n))
			rc = err_set(e, ERR_TOOBIG, "%s is too large", full);
	if (!rc && n < 0)
		rc = err_errno(e, errno, "%s cannot be read", full);
	if (fd >= 0)
		close(fd);
	mem_free(part);
	return rc;
}

static int put_all(int fd, const char *p, size_t n, const char *path, struct err *e)
{
	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_errno(e, errno, "%s cannot be written", path);
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static int open_new(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		err_errno(e, errno, "%s cannot be written", path);
	return fd;
}

static int finish(int fd, unsigned mode, const char *tmp, const char *path, struct err *e)
{
	if (fchmod(fd, mode) || fsync(fd) || rename(tmp, path))
		return err_errno(e, errno, "%s cannot be written", path);
	return 0;
}

int disk_write(const char *dir, const char *path, const void *data, size_t n, struct err *e)
{
	char full[PATH_MAX], tmp[PATH_MAX + 8];
	int fd, rc = disk_path(full, dir, path, e);

	if (rc)
		return rc;
	snprintf(tmp, sizeof(tmp), "%s.new", full);
	fd = open_new(tmp, e);
	if (fd < 0)
		return e->code;
	rc = put_all(fd, data, n, full, e);
	if (!rc)
		rc = finish(fd, 0600, tmp, full, e);
	close(fd);
	if (rc)
		unlink(tmp);
	return rc ? rc : disk_sync_dir(dir, e);
}

static int make_dirs(char *path, struct err *e)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return err_errno(e, errno, "%s cannot be made", path);
		*p = '/';
	}
	return 0;
}

static int copy_bytes(
	int in, int out, const char *path, bool (*go_on)(void *arg), void *arg, struct err *e)
{
	char *part = mem_alloc(COPY_BYTES);
	ssize_t n = 0;
	int rc = 0;

	while (!rc && (n = read(in, part, COPY_BYTES)) > 0) {
		rc = put_all(out, part, (size_t)n, path, e);
		if (!rc && go_on && !go_on(arg))
			rc = err_set(e, ERR_CANCELLED, "it was stopped");
	}
	if (!rc && n < 0)
		rc = err_errno(e, errno, "what becomes %s cannot be read", path);
	mem_free(part);
	return rc;
}

int disk_copy(const char *from_dir, const char *to_dir, const char *path, unsigned mode,
	bool (*go_on)(void *arg), void *arg, struct err *e)
{
	char from[PATH_MAX], to[PATH_MAX], tmp[PATH_MAX + 8];
	int in = -1, out = -1, rc = disk_path(from, from_dir, path, e);

	if (!rc)
		rc = disk_path(to, to_dir, path, e);
	if (!rc)
		rc = make_dirs(to, e);
	if (rc)
		return rc;
	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return err_errno(e, errno, "%s cannot be read", from);
	snprintf(tmp, sizeof(tmp), "%s.new", to);
	out = open_new(tmp, e);
	rc = out < 0 ? e->code : copy_bytes(in, out, to, go_on, arg, e);
	if (!rc)
		rc = finish(out, mode, tmp, to, e);
	close(in);
	if (out >= 0)
		close(out);
	if (rc)
		unlink(tmp);
	return rc;
}

int disk_is_empty(const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	int empty = 1;

	if (!d)
		return errno == ENOENT ? 1 : err_errno(e, errno, "%s cannot be looked into", dir);
	while (empty && (de = readdir(d)))
		empty = !strcmp(de->d_name, ".") || !strcmp(de->d_name, "..");
	closedir(d);
	return empty;
}
