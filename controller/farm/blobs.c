/* SPDX-License-Identifier: Apache-2.0 */
/* Uploaded files; see blobs.h and the upload functions of ctl.h. */
#include "farm/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"
#include "farm/ctl.h"

#define COPY_BYTES (256 * 1024)
#define USED_S     3600 /* its time is not written more often than so */

struct blobs {
	struct ctl_env env;
	char dir[512];
	int64_t max_bytes;
	_Atomic int64_t bytes; /* stored, and promised to open uploads */
	_Atomic int64_t next_tmp;
	pthread_mutex_t
		age_lock; /* using a file, and removing it for its age, exclude each other */
};

struct ctl_upload {
	struct blobs *blobs;
	char sha256[LIMIT_SHA256];
	char tmp[600];
	int64_t bytes, written;
	int fd;
	struct hash *hash;
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
	int rc;
	struct err err;
};

static int make_dir(const char *path, struct err *e)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_errno(e, errno, "cannot make the directory %s", path);
	return 0;
}

static int64_t add_up(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	int64_t sum = 0;
	char path[900];
	struct stat st;

	while (d && (de = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (str_is_sha256(de->d_name) && !stat(path, &st))
			sum += st.st_size;
	}
	if (d)
		closedir(d);
	return sum;
}

static void remove_leftovers(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	char path[900];

	while (d && (de = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (!strncmp(de->d_name, "up-", 3))
			unlink(path);
	}
	if (d)
		closedir(d);
}

struct blobs *blobs_open(
	const struct ctl_env *env, const char *dir, int64_t max_bytes, struct err *e)
{
	struct blobs *b = mem_zalloc(sizeof(*b));
	char path[600];

	pthread_mutex_init(&b->age_lock, NULL);
	b->env = *env;
	b->max_bytes = max_bytes;
	str_copy(b->dir, sizeof(b->dir), dir);
	snprintf(path, sizeof(path), "%s/tmp", dir);
	if (make_dir(dir, e) || make_dir(path, e)) {
		mem_free(b);
		return NULL;
	}
	remove_leftovers(path);
	for (int i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "%s/%02x", dir, i);
		if (make_dir(path, e)) {
			mem_free(b);
			return NULL;
		}
		b->bytes += add_up(path);
	}
	return b;
}

void blobs_close(struct blobs *b)
{
	if (b)
		pthread_mutex_destroy(&b->age_lock);
	mem_free(b);
}

void blobs_path(const struct blobs *b, const char *sha256, char *dst, size_t size)
{
	snprintf(dst, size, "%s/%.2s/%s", b->dir, sha256, sha256);
}

bool blobs_has(const struct blobs *b, const char *sha256, int64_t *ret_bytes)
{
	char path[700];
	struct stat st;

	if (!str_is_sha256(sha256))
		return false;
	blobs_path(b, sha256, path, sizeof(path));
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	if (ret_bytes)
		*ret_bytes = st.st_size;
	return true;
}

int64_t blobs_bytes(const struct blobs *b)
{
	return b->bytes;
}

/* Counts them as stored; the caller takes them back when nothing comes of it. */
static int take_room(struct blobs *b, int64_t bytes, struct err *e)
{
	if (atomic_fetch_add(&b->bytes, bytes) + bytes <= b->max_bytes)
		return 0;
	b->bytes -= bytes;
	return err_set(e, ERR_NOSPACE,
		"uploads are limited to %lld MiB; raise --files-max, or let unused ones go sooner "
		"with --keep-files",
		(long long)(b->max_bytes >> 20));
}

/* Nothing of the upload stays; its sender may try again once somebody has done what stands there. */
static int cannot_write(const struct blobs *b, int errnum, struct err *e)
{
	bool full = errnum == ENOSPC || errnum == EDQUOT;

	return err_set(e, err_from_errno(errnum),
		"the upload was not stored: %s; %s %s, then send it again", strerror(errnum),
		full ? "make room on the file system of" : "see to the disk of", b->dir);
}

static int open_tmp(struct blobs *b, char *path, size_t size, struct err *e)
{
	int fd;

	snprintf(path, size, "%s/tmp/up-%lld", b->dir, (long long)b->next_tmp++);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		cannot_write(b, errno, e);
	return fd;
}

static int write_all(const struct blobs *b, int fd, const char *p, size_t n, struct err *e)
{
	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return cannot_write(b, errno, e);
		p += put;
		n -= put;
	}
	return 0;
}

/* ---- uploads ---- */

static void upload_free(struct ctl_upload *u)
{
	if (u->fd >= 0)
		close(u->fd);
	hash_free(u->hash);
	mem_free(u);
}

int blobs_begin(struct blobs *b, const char *sha256, int64_t bytes, struct ctl_upload **ret_u,
	struct err *e)
{
	struct ctl_upload *u;
	int rc;

	if (!str_is_sha256(sha256))
		return err_set(
			e, ERR_INVAL, "the name must be a SHA-256: 64 lower-case hex digits");
	if (bytes < 0 || bytes > LIMIT_UPLOAD_BYTES)
		return err_set(e, ERR_TOOBIG, "%lld bytes; at most %lld may be uploaded",
			(long long)bytes, (long long)LIMIT_UPLOAD_BYTES);
	if (blobs_has(b, sha256, NULL))
		return err_set(e, ERR_EXISTS, "the file is there already");
	rc = take_room(b, bytes, e);
	if (rc)
		return rc;
	u = mem_zalloc(sizeof(*u));
	u->blobs = b;
	u->bytes = bytes;
	str_copy(u->sha256, sizeof(u->sha256), sha256);
	u->fd = open_tmp(b, u->tmp, sizeof(u->tmp), e);
	if (u->fd < 0) {
		b->bytes -= bytes;
		mem_free(u);
		return e ? e->code : ERR_IO;
	}
	u->hash = hash_new();
	*ret_u = u;
	return 0;
}

int ctl_upload_write(struct ctl_upload *u, const void *data, size_t n, struct err *e)
{
	if (u->written + (int64_t)n > u->bytes)
		return err_set(e, ERR_TOOBIG, "more bytes came than the %lld that were announced",
			(long long)u->bytes);
	hash_add(u->hash, data, n);
	u->written += n;
	return write_all(u->blobs, u->fd, data, n, e);
}

static int sync_dir_of(const char *path)
{
	char dir[700];
	char *slash;
	int fd, rc;

	str_copy(dir, sizeof(dir), path);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* From its temporary name to that of its hash. */
static int keep(const struct blobs *b, int fd, const char *tmp, const char *sha256, struct err *e)
{
	char path[700];

	blobs_path(b, sha256, path, sizeof(path));
	if (fchmod(fd, 0444) || fsync(fd) || rename(tmp, path) || sync_dir_of(path))
		return cannot_write(b, errno, e);
	return 0;
}

static void finish_work(void *arg)
{
	struct ctl_upload *u = arg;
	char hex[LIMIT_SHA256];

	if (u->written != u->bytes) {
		u->rc = err_set(&u->err, ERR_CORRUPT, "%lld of %lld bytes came",
			(long long)u->written, (long long)u->bytes);
		return;
	}
	hash_finish(u->hash, hex);
	u->hash = NULL;
	if (strcmp(hex, u->sha256)) {
		u->rc = err_set(&u->err, ERR_CORRUPT, "the bytes have the SHA-256 %s, not %s", hex,
			u->sha256);
		return;
	}
	u->rc = keep(u->blobs, u->fd, u->tmp, u->sha256, &u->err);
}

static void finish_done(void *arg)
{
	struct ctl_upload *u = arg;
	void (*done)(void *, int, const char *) = u->done;
	void *done_arg = u->arg;
	struct err err = u->err;
	int rc = u->rc;

	if (rc) {
		unlink(u->tmp);
		u->blobs->bytes -= u->bytes;
	}
	upload_free(u);
	done(done_arg, rc, rc ? err.text : "");
}

void ctl_upload_finish(
	struct ctl_upload *u, void (*done)(void *arg, int rc, const char *text), void *arg)
{
	struct driver_host *h = u->blobs->env.host;

	u->done = done;
	u->arg = arg;
	if (h->blocking(h, finish_work, finish_done, u)) {
		u->rc = err_set(&u->err, ERR_FULL, "too much work is queued; try again later");
		u->blobs->env.post(u->blobs->env.ctx, finish_done, u);
	}
}

void ctl_upload_abort(struct ctl_upload *u)
{
	if (!u)
		return;
	unlink(u->tmp);
	u->blobs->bytes -= u->bytes;
	upload_free(u);
}

/* ---- what the daemon makes itself ---- */

static int copy(const struct blobs *b, int fd, const struct blobs_source *src, struct hash *h,
	int64_t *ret_n, struct err *e)
{
	char *buf = mem_alloc(COPY_BYTES);
	int64_t n = 0, got = 0;
	int rc = 0;

	while (!rc && (got = src->read(src->arg, buf, COPY_BYTES, e)) > 0) {
		n += got;
		if (n > src->bytes) {
			rc = err_set(
				e, ERR_TOOBIG, "more than %lld bytes came", (long long)src->bytes);
			break;
		}
		hash_add(h, buf, (size_t)got);
		rc = write_all(b, fd, buf, (size_t)got, e);
	}
	mem_free(buf);
	*ret_n = n;
	return got < 0 ? (int)got : rc;
}

int blobs_add(struct blobs *b, const struct blobs_source *src, char ret_sha256[LIMIT_SHA256],
	int64_t *ret_bytes, bool *ret_new, struct err *e)
{
	char tmp[600], hex[LIMIT_SHA256];
	struct hash *h;
	int64_t n = 0;
	bool there;
	int fd, rc = take_room(b, src->bytes, e);

	if (rc)
		return rc;
	fd = open_tmp(b, tmp, sizeof(tmp), e);
	if (fd < 0) {
		b->bytes -= src->bytes;
		return ERR_IO;
	}
	h = hash_new();
	rc = copy(b, fd, src, h, &n, e);
	hash_finish(h, hex);
	there = !rc && blobs_has(b, hex, NULL);
	if (!rc && !there)
		rc = keep(b, fd, tmp, hex, e);
	if (rc || there)
		unlink(tmp);
	close(fd);
	b->bytes -= rc || there ? src->bytes : src->bytes - n;
	if (rc)
		return rc;
	memcpy(ret_sha256, hex, LIMIT_SHA256);
	*ret_bytes = n;
	*ret_new = !there;
	return 0;
}

void blobs_remove(struct blobs *b, const char *sha256)
{
	char path[700];
	int64_t bytes;

	if (!blobs_has(b, sha256, &bytes))
		return;
	blobs_path(b, sha256, path, sizeof(path));
	if (!unlink(path))
		b->bytes -= bytes;
}

/* ---- age ---- */

bool blobs_use(struct blobs *b, const char *sha256, int64_t *ret_bytes)
{
	char path[700];
	struct stat st;
	bool there;

	pthread_mutex_lock(&b->age_lock);
	there = blobs_has(b, sha256, ret_bytes);
	if (there) {
		blobs_path(b, sha256, path, sizeof(path));
		if (!stat(path, &st) && st.st_mtim.tv_sec < clock_wall_ms() / 1000 - USED_S)
			utimensat(AT_FDCWD, path, NULL, 0);
	}
	pthread_mutex_unlock(&b->age_lock);
	return there;
}

static void sweep_one(
	struct blobs *b, const char *path, int64_t before_ms, int64_t *n, int64_t *bytes)
{
	struct stat st;

	pthread_mutex_lock(&b->age_lock);
	if (!stat(path, &st) && S_ISREG(st.st_mode) &&
		st.st_mtim.tv_sec * 1000LL + st.st_mtim.tv_nsec / 1000000 < before_ms &&
		!unlink(path)) {
		b->bytes -= st.st_size;
		*bytes += st.st_size;
		++*n;
	}
	pthread_mutex_unlock(&b->age_lock);
}

void blobs_sweep(struct blobs *b, int dir, int64_t before_ms,
	bool (*wanted)(void *arg, const char *sha256), void *arg, int64_t *n, int64_t *bytes)
{
	char path[900];
	struct dirent *de;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%02x", b->dir, dir);
	d = opendir(path);
	while (d && (de = readdir(d))) {
		if (!str_is_sha256(de->d_name) || wanted(arg, de->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%02x/%s", b->dir, dir, de->d_name);
		sweep_one(b, path, before_ms, n, bytes);
	}
	if (d)
		closedir(d);
}
