/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The working directory and its files, on the pool:
 *
 *	DIR/device          0700; also the agent's --dir
 *	DIR/device/files    what was pushed, named by SHA-256, mode 0444, or 0555 for a program
 *
 * A file gets its name only when it is whole, synced and its hash is what the name says, so what
 * has a name is good. The bytes are shared with the host's copy where that is safe (a hard link to
 * an immutable file, or a reflink) and copied otherwise; they are hashed in any case, since a
 * damaged model must not become a strange measurement. Runners have a user of their own and get
 * descriptors: the directory stays closed to them.
 */
#include "drivers/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define COPY_CHUNK  (256 * 1024)
#define COLLECT_MAX (4 * 1024 * 1024)

/* ---- PREPARE ---- */

int local_prepare(struct local_op *lo, struct err *e)
{
	struct local *l = lo->l;
	char files[DRIVER_PATH_MAX];
	struct statvfs fs;
	int64_t free_mb;
	int rc = local_private_dir(l->workdir, e);

	lo->blame = true;
	if (!rc)
		rc = local_path(files, l->workdir, "files", e);
	if (!rc)
		rc = local_private_dir(files, e);
	if (rc)
		return rc;
	if (statvfs(l->workdir, &fs) < 0)
		return err_errno(e, errno, "cannot ask for the free space in %s", l->workdir);
	free_mb = (int64_t)(fs.f_bavail >> 10) * (int64_t)fs.f_frsize >> 10;
	if (free_mb < l->cfg.min_free_mb)
		return err_set(e, ERR_NOSPACE,
			"only %lld MB are free in %s and min_free_mb is %lld: make room",
			(long long)free_mb, l->workdir, (long long)l->cfg.min_free_mb);
	str_copy(lo->op->result.workdir, sizeof(lo->op->result.workdir), l->workdir);
	return 0;
}

/* ---- copying ---- */

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0) {
			p += put;
			n -= put;
		}
	}
	return 0;
}

/* Reads `in` to its end, at most max bytes, into `out` (-1: nowhere) and a digest (NULL: none). */
static int copy_and_hash(struct local_op *lo, int in, int out, int64_t max, int64_t *ret_bytes,
	char ret_hex[LIMIT_SHA256], struct err *e)
{
	struct hash *h = ret_hex ? hash_new() : NULL;
	uint8_t *chunk = mem_alloc(COPY_CHUNK);
	int64_t total = 0;
	ssize_t n = 1;
	int rc = 0;

	while (!rc && n) {
		n = read(in, chunk, COPY_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = err_errno(e, errno, "cannot read");
		else if (n > max - total)
			rc = err_set(
				e, ERR_TOOBIG, "more than the %lld bytes expected", (long long)max);
		else if (out >= 0 && write_all(out, chunk, n) < 0)
			rc = err_errno(e, errno, "cannot write");
		if (rc)
			break;
		total += n;
		if (h)
			hash_add(h, chunk, n);
		rc = local_op_stopped(lo, e);
	}
	if (h && !rc)
		hash_finish(h, ret_hex);
	else
		hash_free(h);
	mem_free(chunk);
	if (!rc)
		*ret_bytes = total;
	return rc;
}

/* ---- PUSH ---- */

struct push {
	struct local_op *lo;
	mode_t mode;
	char dst[DRIVER_PATH_MAX], tmp[DRIVER_PATH_MAX];
	int src; /* the host's copy */
};

int local_push_check(const struct local *l, const struct driver_op *op, struct err *e)
{
	if (!str_is_sha256(op->in.push.sha256) || op->in.push.bytes < 0)
		return err_set(e, ERR_INVAL, "a pushed file needs a SHA-256 and a size");
	if (l->n_of[DRIVER_OP_CLEAN])
		return err_set(e, ERR_BUSY, "the local device is being cleaned");
	return 0;
}

/* A name with all its bytes is a file that was checked when it got the name. Nobody may write it, and what
 * we ask for may be done; the agent lets the runner's own user execute it, which is more. */
static bool is_there(const struct push *p)
{
	const struct driver_op *op = p->lo->op;
	struct stat st;

	return !lstat(p->dst, &st) && S_ISREG(st.st_mode) && st.st_size == op->in.push.bytes &&
	       (st.st_mode & 07777 & ~0111) == 0444 && (st.st_mode & p->mode) == p->mode;
}

/* A hard link shares owner and mode with the host's copy, so only one that nobody writes and that
 * has the mode already will do. Returns a descriptor for reading it back, or -1. */
static int try_link(const struct push *p)
{
	struct stat st;

	if (fstat(p->src, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 07777) != p->mode)
		return -1;
	if (link(p->lo->op->in.push.src, p->tmp) < 0)
		return -1;
	return open(p->tmp, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Reads `in` whole, copies it to `out` (-1: nowhere), and compares it with what was promised. */
static int verify(struct push *p, int in, int out, struct err *e)
{
	const struct driver_op *op = p->lo->op;
	char hex[LIMIT_SHA256];
	int64_t bytes = 0;
	int rc = copy_and_hash(p->lo, in, out, op->in.push.bytes, &bytes, hex, e);

	if (!rc && bytes == op->in.push.bytes && !strcmp(hex, op->in.push.sha256))
		return 0;
	if (rc && rc != ERR_TOOBIG) {
		p->lo->blame = true;
		return err_wrap(e, "%s", op->in.push.src);
	}
	return err_set(e, ERR_CORRUPT,
		"%s is damaged: it does not have the %lld bytes and the hash %.12s… that were "
		"promised; upload it again",
		op->in.push.src, (long long)op->in.push.bytes, op->in.push.sha256);
}

/* A copy of our own, by reflink where the file system can, at p->tmp. */
static int copy_in(struct push *p, struct err *e)
{
	int out, rc;
	bool cloned;

	out = open(p->tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return err_errno(e, errno, "cannot make a file in %s", p->lo->l->workdir);
	cloned = ioctl(out, FICLONE, p->src) == 0;
	rc = verify(p, cloned ? out : p->src, cloned ? -1 : out, e);
	if (!rc && (fchmod(out, p->mode) < 0 || fsync(out) < 0)) {
		p->lo->blame = true;
		rc = err_errno(e, errno, "cannot keep %s", p->dst);
	}
	close(out);
	return rc;
}

static int bring(struct push *p, struct err *e)
{
	int in = try_link(p), rc;

	if (in < 0) {
		unlink(p->tmp);
		return copy_in(p, e);
	}
	rc = verify(p, in, -1, e);
	close(in);
	return rc;
}

static int push_paths(struct push *p, struct err *e)
{
	/* Names of temporary files of one process; CLEAN removes what a crash left. */
	static atomic_uint n_tmp;
	const char *sha = p->lo->op->in.push.sha256;
	char name[LIMIT_SHA256 + 48];
	int rc;

	snprintf(name, sizeof(name), "files/%s", sha);
	rc = local_path(p->dst, p->lo->l->workdir, name, e);
	snprintf(name, sizeof(name), "files/.%s.%d.%u", sha, (int)getpid(),
		atomic_fetch_add(&n_tmp, 1));
	return rc ? rc : local_path(p->tmp, p->lo->l->workdir, name, e);
}

int local_push(struct local_op *lo, struct err *e)
{
	struct driver_op *op = lo->op;
	struct push p = {.lo = lo, .mode = op->in.push.executable ? 0555 : 0444};
	char files[DRIVER_PATH_MAX];
	int rc = push_paths(&p, e);

	if (rc)
		return rc;
	op->result.push.bytes = op->in.push.bytes;
	if (is_there(&p)) {
		op->result.push.skipped = true;
		return 0;
	}
	p.src = open(op->in.push.src, O_RDONLY | O_CLOEXEC);
	if (p.src < 0)
		return err_errno(e, errno, "cannot open %s", op->in.push.src);
	rc = bring(&p, e);
	close(p.src);
	if (!rc && rename(p.tmp, p.dst) < 0) {
		lo->blame = true;
		rc = err_errno(e, errno, "cannot name %s", p.dst);
	}
	if (rc) {
		unlink(p.tmp);
		return rc;
	}
	/* rename() of two names of one file does nothing and leaves both. */
	unlink(p.tmp);
	rc = local_path(files, lo->l->workdir, "files", e);
	return rc ? rc : local_sync_dir(files, e);
}

/* ---- PULL, COLLECT ---- */

/* Opens a file below the working directory; no link leads out of it, whoever made it. */
static int open_below(const struct local *l, const char *src, struct err *e)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	size_t n = strlen(l->workdir);
	int dir, fd = -1;
	struct stat st;

	if (!strncmp(src, l->workdir, n) && src[n] == '/')
		src += n + 1;
	dir = open(l->workdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		fd = syscall(SYS_openat2, dir, src, &how, sizeof(how));
		close(dir);
	}
	if (fd < 0)
		return err_errno(e, errno, "cannot open %s on the local device", src);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_INVAL, "%s on the local device is not a file", src);
	}
	return fd;
}

/* Takes `in`. The file at dst is whole or not there. */
static int copy_out(struct local_op *lo, int in, const char *dst, int64_t max, struct err *e)
{
	char tmp[DRIVER_PATH_MAX + 8];
	int64_t bytes;
	int out, rc;

	snprintf(tmp, sizeof(tmp), "%s.part", dst);
	out = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0) {
		rc = err_errno(e, errno, "cannot write %s", dst);
		close(in);
		return rc;
	}
	rc = copy_and_hash(lo, in, out, max, &bytes, NULL, e);
	close(in);
	if (close(out) < 0 && !rc)
		rc = err_errno(e, errno, "cannot write %s", dst);
	if (!rc && rename(tmp, dst) < 0)
		rc = err_errno(e, errno, "cannot write %s", dst);
	if (rc)
		unlink(tmp);
	return rc;
}

int local_pull(struct local_op *lo, struct err *e)
{
	struct driver_op *op = lo->op;
	int in = open_below(lo->l, op->in.pull.src, e);

	return in < 0 ? in : copy_out(lo, in, op->in.pull.dst, op->in.pull.max_bytes, e);
}

/* The agent's log is all that this device has to tell; that there is none is no error. */
int local_collect(struct local_op *lo, struct err *e)
{
	static const char *const logs[] = {"agent.log", "agent.log.1"};
	char dst[DRIVER_PATH_MAX];
	int rc = 0;

	if (mkdir(lo->op->in.collect.dst, 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot make %s", lo->op->in.collect.dst);
	for (size_t i = 0; !rc && i < sizeof(logs) / sizeof(logs[0]); i++) {
		int in = open_below(lo->l, logs[i], e);

		rc = in == ERR_NOTFOUND ? 0 : in;
		if (in < 0)
			continue;
		rc = local_path(dst, lo->op->in.collect.dst, logs[i], e);
		if (rc)
			close(in);
		else
			rc = copy_out(lo, in, dst, COLLECT_MAX, e);
	}
	return rc;
}
