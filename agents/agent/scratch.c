/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner's working directory; see scratch.h. A tree that somebody else built may be deeper than
 * any stack or path, so it is not walked: what lies in a directory that is not empty is moved up to
 * the top, and the directory deleted. Each entry is touched a fixed number of times.
 */
#include "agent/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool.h"

/* Names given to what is moved up; nothing that the runner chose can stand in the way for long, as
 * renameat() of a directory replaces an empty one and the number goes on otherwise. */
#define MOVED ".moved%u"

struct sweep {
	int top;
	unsigned entries, moved;
};

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static DIR *open_dir(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d;

	if (fd < 0)
		return NULL;
	d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

static int move_up(struct sweep *s, int from, const char *name)
{
	char to[32];

	for (int tries = 0; tries < 1000; tries++) {
		snprintf(to, sizeof(to), MOVED, s->moved++);
		if (faccessat(s->top, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		return renameat(from, name, s->top, to) ? -errno : 0;
	}
	return -EEXIST;
}

/* Deletes what a directory below the top holds, or moves it up when it is a directory itself. */
static int hollow(struct sweep *s, const char *name)
{
	struct dirent *e;
	DIR *d;
	int rc = 0;

	fchmodat(s->top, name, 0700, 0);
	d = open_dir(s->top, name);
	if (!d)
		return -errno;
	while (!rc && (e = readdir(d)) != NULL && s->entries++ < SCRATCH_ENTRIES_MAX) {
		if (is_dots(e->d_name) || !unlinkat(dirfd(d), e->d_name, 0) ||
			!unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR))
			continue;
		/* A directory can only be moved by who may write it. It is one: anything else, a
		 * symbolic link above all, was just deleted. */
		fchmodat(dirfd(d), e->d_name, 0700, 0);
		rc = move_up(s, dirfd(d), e->d_name);
	}
	closedir(d);
	return rc;
}

/* One pass over the top; returns how many entries are left (moved ones among them), or -errno. */
static int pass(struct sweep *s)
{
	DIR *d = open_dir(s->top, ".");
	struct dirent *e;
	int left = 0;

	if (!d)
		return -errno;
	while ((e = readdir(d)) != NULL && s->entries++ < SCRATCH_ENTRIES_MAX) {
		if (is_dots(e->d_name) || !unlinkat(s->top, e->d_name, 0) ||
			!unlinkat(s->top, e->d_name, AT_REMOVEDIR))
			continue;
		left++;
		hollow(s, e->d_name);
		unlinkat(s->top, e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
	return left;
}

static int empty(int top)
{
	struct sweep s = {.top = top};
	int left;

	do
		left = pass(&s);
	while (left > 0 && s.entries < SCRATCH_ENTRIES_MAX);
	return left > 0 ? -ENOTEMPTY : left;
}

static int remove_named(int parent, const char *name)
{
	int top, rc;

	fchmodat(parent, name, 0700, 0);
	top = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (top < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = empty(top);
	close(top);
	if (rc)
		return rc;
	return unlinkat(parent, name, AT_REMOVEDIR) ? -errno : 0;
}

int scratch_remove(int parent, int64_t attempt)
{
	char name[SPOOL_NAME];

	spool_name(name, attempt);
	return remove_named(parent, name);
}

int scratch_make(int parent, int64_t attempt, int64_t uid)
{
	char name[SPOOL_NAME];
	int fd, rc = scratch_remove(parent, attempt);

	if (rc)
		return rc;
	spool_name(name, attempt);
	if (mkdirat(parent, name, 0700))
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (uid < 0 || !fchown(fd, uid, uid) || errno == EPERM)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

void scratch_remove_all(int parent)
{
	DIR *d = open_dir(parent, ".");
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		if (!is_dots(e->d_name))
			remove_named(parent, e->d_name);
	if (d)
		closedir(d);
}
