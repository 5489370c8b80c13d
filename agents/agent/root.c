/* SPDX-License-Identifier: Apache-2.0 */
/* The tree that is read; see root.h. */
#include "agent/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/text.h"

/* openat2() and its resolve flag, which older C libraries do not know (Linux 5.6, openat2(2)). */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define RESOLVE_IN_ROOT_BIT 0x10

struct open_how_v0 {
	uint64_t flags, mode, resolve;
};

int root_init(struct root *r, const char *dir)
{
	r->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r->whole = !strcmp(dir, "/");
	return r->fd < 0 ? -errno : 0;
}

void root_fini(struct root *r)
{
	close(r->fd);
	r->fd = -1;
}

static int open_under(const struct root *r, const char *path, int flags)
{
	struct open_how_v0 how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT_BIT};
	int fd;

	while (*path == '/')
		path++;
	if (!*path)
		path = ".";
	if (!r->whole) {
		fd = syscall(SYS_openat2, r->fd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return fd < 0 ? -errno : fd;
	}
	fd = openat(r->fd, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int root_open(const struct root *r, const char *path)
{
	return open_under(r, path, O_RDONLY | O_NONBLOCK);
}

ssize_t root_pread(int fd, char *buf, size_t size)
{
	ssize_t n;

	do
		n = pread(fd, buf, size - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	buf[n] = '\0';
	return n;
}

ssize_t root_read(const struct root *r, const char *path, char *buf, size_t size)
{
	int fd = root_open(r, path);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? n : 0;
	}
	if (n < 0)
		n = -errno;
	else if (n > 0 && len == size - 1)
		n = -EFBIG;
	close(fd);
	if (n < 0)
		return n;
	buf[len] = '\0';
	text_trim(buf);
	return strlen(buf);
}

static int by_number(const void *a, const void *b)
{
	return text_compare(a, b);
}

static int read_names(DIR *d, const char *prefix, char (*names)[ROOT_NAME])
{
	size_t want = strlen(prefix);
	struct dirent *e;
	int n = 0;

	while (n < ROOT_NAMES_MAX && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || strncmp(e->d_name, prefix, want))
			continue;
		if (strlen(e->d_name) < ROOT_NAME)
			strcpy(names[n++], e->d_name);
	}
	return n;
}

int root_list(
	const struct root *r, const char *dir, const char *prefix, char (**ret_names)[ROOT_NAME])
{
	int fd = open_under(r, dir, O_RDONLY | O_DIRECTORY);
	char(*names)[ROOT_NAME];
	DIR *d;
	int n;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	names = malloc(ROOT_NAMES_MAX * sizeof(*names));
	if (!names) {
		closedir(d);
		return -ENOMEM;
	}
	n = read_names(d, prefix, names);
	closedir(d);
	qsort(names, n, sizeof(*names), by_number);
	*ret_names = names;
	return n;
}
