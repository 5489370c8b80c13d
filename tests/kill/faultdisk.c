/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails, or a machine that dies in the middle of a write, for the tests in this folder.
 * It stands in front of libc's writing calls: preloaded into the daemon, linked into an agent of the
 * tests' own. What shall happen stands in a small file that the test writes and this maps: which
 * calls, on which files, from which one on, and what then. Without that file, or with its mode 0,
 * every call goes through. faults.py has the same struct.
 *
 * The file is named by FRAMEFARM_FAULTS; a process that gets no environment (an agent) finds it as
 * `faults` beside the directory that it was started with (--dir=DIR).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum mode { OFF, FAIL_IO, FAIL_SPACE, DIE };
enum op { OP_WRITE = 1, OP_SYNC = 2, OP_TRUNCATE = 4, OP_RENAME = 8, OP_CREATE = 16 };

struct faults {
	_Atomic uint32_t mode;
	uint32_t ops;          /* enum op, as a mask */
	uint32_t after;        /* so many go through first */
	uint32_t every;        /* of those behind them, each how manieth fails; 1: all */
	uint32_t partial;      /* of a write that fails, so many thousandths are written first */
	_Atomic uint32_t seen; /* calls that were meant */
	_Atomic uint32_t hits; /* of them, those that failed */
	_Atomic uint32_t last; /* enum op of the last hit */
	char below[1024];      /* the beginning of the files' paths */
};

static struct faults *faults;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- finding the file ---- */

static void path_beside_dir(char *dst, size_t size)
{
	static char args[8192];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, args, sizeof(args) - 1);

	if (fd >= 0)
		close(fd);
	*dst = '\0';
	for (const char *p = args; p < args + n; p += strlen(p) + 1)
		if (!strncmp(p, "--dir=", 6))
			snprintf(dst, size, "%s/../faults", p + 6);
}

static void find(void)
{
	const char *named = getenv("FRAMEFARM_FAULTS");
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (named)
		snprintf(path, sizeof(path), "%s", named);
	else
		path_beside_dir(path, sizeof(path));
	fd = *path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size >= (off_t)sizeof(*faults)) {
		void *mem = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		faults = mem == MAP_FAILED ? NULL : mem;
	}
	close(fd);
}

static bool armed(enum op op)
{
	int saved = errno;

	pthread_once(&once, find);
	errno = saved;
	return faults && faults->mode != OFF && (faults->ops & op);
}

/* ---- whether this call is the one ---- */

static bool is_below(const char *path)
{
	return !strncmp(path, faults->below, strlen(faults->below));
}

static bool its_turn(enum op op)
{
	uint32_t n = faults->seen++;

	if (n < faults->after || (n - faults->after) % (faults->every ? faults->every : 1))
		return false;
	faults->hits++;
	faults->last = op;
	return true;
}

static bool hit_fd(enum op op, int fd)
{
	char link[64], path[PATH_MAX];
	int saved = errno;
	ssize_t n;

	if (!armed(op))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	errno = saved;
	if (n < 0)
		return false;
	path[n] = '\0';
	return is_below(path) && its_turn(op);
}

static bool hit_path(enum op op, const char *path)
{
	return armed(op) && is_below(path) && its_turn(op);
}

static bool hit_at(enum op op, int dir, const char *name)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (*name == '/' || dir == AT_FDCWD || !armed(op))
		return hit_path(op, name);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, path, sizeof(path) / 2);
	if (n < 0)
		return false;
	snprintf(path + n, sizeof(path) - n, "/%s", name);
	return hit_path(op, path);
}

/* The machine dies here, or the call fails. */
static int fail(void)
{
	if (faults->mode == DIE)
		kill(getpid(), SIGKILL);
	errno = faults->mode == FAIL_SPACE ? ENOSPC : EIO;
	return -1;
}

#define REAL(name)                                                                                 \
	static __typeof__(name) *real;                                                             \
	if (!real)                                                                                 \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static size_t part(size_t n)
{
	return n / 1000 * faults->partial + n % 1000 * faults->partial / 1000;
}

/* ---- the calls ---- */

ssize_t write(int fd, const void *p, size_t n)
{
	REAL(write);
	if (!hit_fd(OP_WRITE, fd))
		return real(fd, p, n);
	if (part(n))
		(void)!real(fd, p, part(n));
	return fail();
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
	REAL(pwrite);
	if (!hit_fd(OP_WRITE, fd))
		return real(fd, p, n, off);
	if (part(n))
		(void)!real(fd, p, part(n), off);
	return fail();
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t off)
{
	REAL(pwrite64);
	if (!hit_fd(OP_WRITE, fd))
		return real(fd, p, n, off);
	if (part(n))
		(void)!real(fd, p, part(n), off);
	return fail();
}

int posix_fallocate(int fd, off_t off, off_t n)
{
	REAL(posix_fallocate);
	if (!hit_fd(OP_WRITE, fd))
		return real(fd, off, n);
	fail();
	return errno;
}

int fsync(int fd)
{
	REAL(fsync);
	return hit_fd(OP_SYNC, fd) ? fail() : real(fd);
}

int fdatasync(int fd)
{
	REAL(fdatasync);
	return hit_fd(OP_SYNC, fd) ? fail() : real(fd);
}

int ftruncate(int fd, off_t n)
{
	REAL(ftruncate);
	return hit_fd(OP_TRUNCATE, fd) ? fail() : real(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
	REAL(ftruncate64);
	return hit_fd(OP_TRUNCATE, fd) ? fail() : real(fd, n);
}

int rename(const char *from, const char *to)
{
	REAL(rename);
	return hit_path(OP_RENAME, to) ? fail() : real(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	REAL(renameat);
	return hit_at(OP_RENAME, to_dir, to) ? fail() : real(from_dir, from, to_dir, to);
}

int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir);
	return hit_path(OP_CREATE, path) ? fail() : real(path, mode);
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN_BODY(name, is_hit, ...)                                                               \
	va_list ap;                                                                                \
	mode_t mode;                                                                               \
	va_start(ap, flags);                                                                       \
	mode = mode_of(flags, ap);                                                                 \
	va_end(ap);                                                                                \
	REAL(name);                                                                                \
	return (flags & O_CREAT) && (is_hit) ? fail() : real(__VA_ARGS__, flags, mode)

int open(const char *path, int flags, ...)
{
	OPEN_BODY(open, hit_path(OP_CREATE, path), path);
}

int open64(const char *path, int flags, ...)
{
	OPEN_BODY(open64, hit_path(OP_CREATE, path), path);
}

int openat(int dir, const char *path, int flags, ...)
{
	OPEN_BODY(openat, hit_at(OP_CREATE, dir, path), dir, path);
}
