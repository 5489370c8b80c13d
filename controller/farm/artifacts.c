/* SPDX-License-Identifier: Apache-2.0 */
/* Files about attempts that failed; see artifacts.h. */
#include "farm/artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

#define PATH_SIZE 640
#define NFTW_FDS  8

static void path_of(char dst[PATH_SIZE], const char *data_dir, int64_t attempt)
{
	snprintf(dst, PATH_SIZE, "%.512s/artifacts/a%" PRId64, data_dir, attempt);
}

static bool plain_name(const char *name)
{
	return str_is_name(name); /* which begins with no dot */
}

/* ---- deleting ---- */

static int delete_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	remove(path);
	return 0;
}

/* Follows no link. */
static void delete_tree(const char *path)
{
	nftw(path, delete_one, NFTW_FDS, FTW_DEPTH | FTW_PHYS);
}

static bool attempt_of(const char *name, int64_t *ret_id)
{
	return name[0] == 'a' && str_to_i64(name + 1, ret_id) && *ret_id > 0;
}

/* Lets the oldest go until there is room for one more. */
static void make_room(const char *data_dir)
{
	char path[PATH_SIZE];
	int64_t id, oldest;
	struct dirent *de;
	DIR *dir;
	int n;

	do {
		snprintf(path, sizeof(path), "%.512s/artifacts", data_dir);
		dir = opendir(path);
		n = 0;
		oldest = INT64_MAX;
		while (dir && (de = readdir(dir))) {
			if (!attempt_of(de->d_name, &id))
				continue;
			n++;
			oldest = id < oldest ? id : oldest;
		}
		if (dir)
			closedir(dir);
		if (n < ARTIFACTS_ATTEMPTS)
			return;
		path_of(path, data_dir, oldest);
		delete_tree(path);
	} while (access(path, F_OK));
}

/* ---- collecting ---- */

int artifacts_begin(const char *data_dir, int64_t attempt, char *dst, size_t size, struct err *e)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%.512s/artifacts", data_dir);
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_errno(e, errno, "cannot make the directory %s", path);
	path_of(path, data_dir, attempt);
	if (access(path, F_OK))
		make_room(data_dir);
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_errno(e, errno, "cannot make the directory %s", path);
	if (!str_copy(dst, size, path))
		return err_set(e, ERR_TOOBIG, "the path of the data directory is too long");
	return 0;
}

/* What of the file's bytes the quota leaves; the beginning of a log says least, but a device's logs
 * are bounded where they are made, and this is for one that lies. */
static void cut(int dirfd, const char *name, int64_t bytes)
{
	int fd = openat(dirfd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, bytes))
		unlinkat(dirfd, name, 0);
	if (fd >= 0)
		close(fd);
}

static int64_t keep_within(const char *dir_path, int dirfd, const char *name, int64_t left)
{
	char path[PATH_SIZE + 256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%.255s", dir_path, name);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode) ||
		!plain_name(name) || !left) {
		delete_tree(path);
		return 0;
	}
	if (st.st_size <= left)
		return st.st_size;
	cut(dirfd, name, left);
	return left;
}

void artifacts_end(const char *data_dir, int64_t attempt)
{
	int64_t left = ARTIFACTS_BYTES;
	char path[PATH_SIZE];
	struct dirent *de;
	DIR *dir;

	path_of(path, data_dir, attempt);
	dir = opendir(path);
	if (!dir)
		return;
	while ((de = readdir(dir)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			left -= keep_within(path, dirfd(dir), de->d_name, left);
	closedir(dir);
	rmdir(path); /* where it is empty */
}

/* ---- reading ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct ctl_artifact *)a)->name, ((const struct ctl_artifact *)b)->name);
}

int artifacts_list(const char *data_dir, int64_t attempt, struct ctl_artifact *ret, int max)
{
	char path[PATH_SIZE];
	struct dirent *de;
	struct stat st;
	DIR *dir;
	int n = 0;

	path_of(path, data_dir, attempt);
	dir = opendir(path);
	while (dir && n < max && (de = readdir(dir))) {
		if (!plain_name(de->d_name) ||
			fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
			!S_ISREG(st.st_mode))
			continue;
		str_copy(ret[n].name, sizeof(ret[n].name), de->d_name);
		ret[n++].bytes = st.st_size;
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(ret, n, sizeof(*ret), by_name);
	return n;
}

int artifacts_open(
	const char *data_dir, int64_t attempt, const char *name, int64_t *ret_bytes, struct err *e)
{
	char path[PATH_SIZE], file[PATH_SIZE + LIMIT_NAME];
	struct stat st;
	int fd;

	path_of(path, data_dir, attempt);
	snprintf(file, sizeof(file), "%s/%.63s", path, name);
	fd = plain_name(name) ? open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return err_set(
			e, ERR_NOTFOUND, "a%" PRId64 " has no artifact of that name", attempt);
	}
	*ret_bytes = st.st_size;
	return fd;
}
