/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a phone's directory; see files.h. */
#include "drivers/virtual/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define PATH_BYTES 4096
#define WORD       8 /* what the kernel copies in one piece */

int files_mkdirs(const char *path)
{
	char part[PATH_BYTES];

	if (!str_copy(part, sizeof(part), path))
		return ENAMETOOLONG;
	for (char *slash = part + 1;; slash++) {
		char was = *slash;

		if (was && was != '/')
			continue;
		*slash = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return errno;
		*slash = was;
		if (!was)
			return 0;
	}
}

static int mkdirs_above(const char *path)
{
	char dir[PATH_BYTES];
	char *slash;

	str_copy(dir, sizeof(dir), path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	return files_mkdirs(dir);
}

static int write_all(int fd, const char *text, size_t n)
{
	ssize_t wrote = pwrite(fd, text, n, 0);

	return wrote == (ssize_t)n ? 0 : wrote < 0 ? errno : ENOSPC;
}

/* The text filled up with blanks before its last line's end, to `want` bytes; mem_free() it. */
static char *pad(const char *text, size_t n, size_t want)
{
	char *padded = mem_alloc(want);

	memcpy(padded, text, n - 1);
	memset(padded + n - 1, ' ', want - n);
	padded[want - 1] = text[n - 1];
	return padded;
}

static int write_new(const char *path, const char *text, size_t n, bool open_for_shell)
{
	char tmp[PATH_BYTES + 8];
	int fd, rc;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == ENOENT && !mkdirs_above(path))
		fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno;
	rc = write_all(fd, text, n);
	if (!rc && fchmod(fd, open_for_shell ? 0644 : 0))
		rc = errno;
	close(fd);
	if (!rc && rename(tmp, path))
		rc = errno;
	if (rc)
		unlink(tmp);
	return rc;
}

/* Over what is there, or new where nothing is. */
static int write_moving(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), rc;
	size_t want = (n + WORD - 1) / WORD * WORD;
	struct stat st;
	char *padded;

	if (fd >= 0 && !fstat(fd, &st) && (size_t)st.st_size > want)
		want = st.st_size;
	padded = pad(text, n, want);
	rc = fd >= 0 ? write_all(fd, padded, want) : write_new(path, padded, want, true);
	if (fd >= 0)
		close(fd);
	mem_free(padded);
	return rc;
}

static void put(void *arg, const char *path, const char *text, size_t n, bool open_for_shell)
{
	struct files *f = arg;
	char full[PATH_BYTES];
	int rc;

	if (snprintf(full, sizeof(full), "%s/%s", f->dir, path) >= (int)sizeof(full))
		return;
	rc = f->moving && n ? write_moving(full, text, n)
	                    : write_new(full, text, n, open_for_shell);
	if (rc && !f->failed) {
		f->failed = rc;
		str_copy(f->what, sizeof(f->what), path);
	}
}

struct tree_out files_out(struct files *f)
{
	return (struct tree_out){.put = put, .arg = f};
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)where;
	/* A directory of the phone's may have been closed by its owner. */
	if (kind == FTW_DNR)
		chmod(path, 0700);
	if (remove(path) && errno != ENOENT)
		return errno;
	return 0;
}

static int open_dir(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)where;
	if (kind == FTW_D || kind == FTW_DNR)
		chmod(path, 0700);
	return 0;
}

int files_remove(const char *path)
{
	int rc;

	nftw(path, open_dir, 16, FTW_PHYS);
	rc = nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
	return rc < 0 ? (errno == ENOENT ? 0 : errno) : rc;
}

void files_remove_below(const char *path)
{
	DIR *d = opendir(path);
	char full[PATH_BYTES];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (snprintf(full, sizeof(full), "%s/%s", path, e->d_name) < (int)sizeof(full))
			files_remove(full);
	}
	if (d)
		closedir(d);
}
