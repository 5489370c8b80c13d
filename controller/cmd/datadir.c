/* SPDX-License-Identifier: Apache-2.0 */
/* See datadir.h. */
#include "cmd/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "cmd/paths.h"

int datadir_check(const char *dir, struct err *e)
{
	struct stat st;

	if (stat(dir, &st))
		return errno == ENOENT ? 0 : err_errno(e, errno, "cannot look at %s", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(
			e, ERR_INVAL, "%s is no directory; name another one with --data", dir);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_PERM,
			"the data directory %s belongs to another user; name "
			"another one with --data",
			dir);
	return 0;
}

int datadir_unwritable(const char *dir, char *ret_part, size_t size)
{
	/* What a start as another user, root most of all, leaves behind. */
	static const char *const parts[] = {"", "lock", "control.db", "control.db-wal",
		"control.db-shm", "samples.db", "samples.db-wal", "samples.db-shm", "files",
		"devices", "runtimes.json"};
	char path[PATHS_MAX + 32];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		if (!faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) || errno == ENOENT)
			continue;
		str_copy(ret_part, size, parts[i]);
		return errno;
	}
	return 0;
}

static int refuse(const char *dir, int errnum, const char *part, struct err *e)
{
	if (errnum == EROFS)
		return err_set(e, ERR_PERM,
			"the data directory %s is on a file system that is mounted read-only: "
			"mount it "
			"for writing, or name another directory with --data",
			dir);
	return err_set(e, ERR_PERM,
		"%s%s%s cannot be written by user %u (%s): `chown -R %u` the data directory, or "
		"name "
		"another one with --data",
		dir, *part ? "/" : "", part, (unsigned)geteuid(), strerror(errnum),
		(unsigned)geteuid());
}

static int cannot_make(const char *path, int errnum, struct err *e)
{
	if (errnum == EROFS || errnum == EACCES || errnum == EPERM)
		return err_errno(e, errnum,
			"cannot make the data directory %s: make it for user %u, or name another "
			"one "
			"with --data",
			path, (unsigned)geteuid());
	return err_errno(e, errnum, "cannot make the data directory %s", path);
}

int datadir_make(const char *dir, struct err *e)
{
	char path[PATHS_MAX], part[32];
	struct stat st;
	int rc;

	if (!str_copy(path, sizeof(path), dir))
		return err_set(e, ERR_TOOBIG, "the path of the data directory is too long");
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (access(path, F_OK) && mkdir(path, 0755) && errno != EEXIST)
			return cannot_make(path, errno, e);
		*p = '/';
	}
	if (access(path, F_OK) && mkdir(path, 0700) && errno != EEXIST)
		return cannot_make(path, errno, e);
	rc = datadir_check(path, e);
	if (rc)
		return rc;
	rc = datadir_unwritable(path, part, sizeof(part));
	if (rc)
		return refuse(path, rc, part, e);
	if (stat(path, &st))
		return err_errno(e, errno, "cannot look at %s", path);
	if ((st.st_mode & 077) && chmod(path, 0700))
		return err_errno(e, errno, "cannot make the data directory %s private", path);
	return 0;
}
