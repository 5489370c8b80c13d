/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of a phone from outside; see inroot.h. */
#include "drivers/virtual/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define NO_XDEV       0x01 /* RESOLVE_NO_XDEV */
#define NO_SYMLINKS   0x04 /* RESOLVE_NO_SYMLINKS */
#define IN_ROOT       0x10 /* RESOLVE_IN_ROOT; magic links are not followed either */
#define PATH_MAX_HERE 1100

struct open_how_v0 {
	uint64_t flags, mode, resolve;
};

static int resolve(int root, const char *path, int flags, mode_t mode, uint64_t how_to)
{
	struct open_how_v0 how = {.flags = flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = IN_ROOT | how_to};

	return (int)syscall(SYS_openat2, root, *path ? path : "/", &how, sizeof(how));
}

/* Storage may be mounted on its own (volume.h, the quirk noexec): what is in there is the phone's too. */
static int open_mounted(int root, const char *path, int flags, mode_t mode)
{
	static const char *const mounts[] = {"data/local/tmp", "data"};

	path += strspn(path, "/");
	for (int i = 0; i < 2; i++) {
		size_t n = strlen(mounts[i]);
		int base, fd;

		if (strncmp(path, mounts[i], n) || (path[n] && path[n] != '/'))
			continue;
		base = resolve(root, mounts[i], O_PATH | O_DIRECTORY, 0, NO_SYMLINKS);
		if (base < 0)
			return -1;
		fd = resolve(base, path + n, flags, mode, NO_XDEV);
		close(base);
		return fd;
	}
	errno = EXDEV;
	return -1;
}

int inroot_open(int root, const char *path, int flags, mode_t mode, bool own)
{
	int fd = resolve(root, path, flags, mode, own ? NO_XDEV : 0);

	if (fd < 0 && errno == EXDEV && own)
		fd = open_mounted(root, path, flags, mode);
	if (fd < 0 && errno == EXDEV)
		errno = EROFS;
	return fd;
}

int inroot_stat(int root, const char *path, bool follow, struct stat *ret_st)
{
	int fd = inroot_open(root, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0, false);
	int rc;

	if (fd < 0)
		return -1;
	rc = fstat(fd, ret_st);
	close(fd);
	return rc;
}

/* The path's parts one by one, below what is there. */
static int make_dirs(int root, const char *dir)
{
	char part[PATH_MAX_HERE];
	int fd = -1;

	if (!str_copy(part, sizeof(part), dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (char *p = part;;) {
		char *slash = strchr(p + 1, '/');
		char base[256];

		if (slash)
			*slash = '\0';
		fd = inroot_open(root, part, O_PATH | O_DIRECTORY, 0, true);
		if (fd < 0 && errno == ENOENT) {
			int above = inroot_parent(root, part, false, base, sizeof(base));

			if (above >= 0) {
				if (!mkdirat(above, base, 0775) || errno == EEXIST)
					fd = inroot_open(root, part, O_PATH | O_DIRECTORY, 0, true);
				close(above);
			}
		}
		if (fd < 0 || !slash)
			return fd;
		close(fd);
		*slash = '/';
		p = slash;
	}
}

int inroot_parent(int root, const char *path, bool make, char *ret_base, size_t size)
{
	char dir[PATH_MAX_HERE];
	char *slash;
	size_t n;
	int fd;

	if (!str_copy(dir, sizeof(dir), path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		dir[n - 1] = '\0';
	slash = strrchr(dir, '/');
	if (!str_copy(ret_base, size, slash ? slash + 1 : dir) || !*ret_base ||
		!strcmp(ret_base, "..") || !strcmp(ret_base, ".")) {
		errno = EISDIR;
		return -1;
	}
	if (slash)
		*slash = '\0';
	else
		*dir = '\0';
	fd = inroot_open(root, dir, O_PATH | O_DIRECTORY, 0, true);
	if (fd < 0 && errno == ENOENT && make)
		fd = make_dirs(root, dir);
	return fd;
}
