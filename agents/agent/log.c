/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's log; see log.h. */
#include "agent/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "timesrc.h"

#define REPEATS   16
#define WINDOW_NS 10000000000LL

struct repeat {
	const char *fmt;
	int64_t since_ns;
	unsigned n;
};

static struct {
	int fd;
	bool owns_stdio;
	bool grows; /* a regular file: a device or a pipe is never renamed */
	const char *path;
	const struct timesrc *ts;
	int64_t bytes;
	struct repeat repeats[REPEATS];
} the_log = {.fd = STDERR_FILENO};

static const char *const level_names[] = {"err", "warn", "info", "debug"};

static int open_file(void)
{
	int fd = open(the_log.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (the_log.fd != STDERR_FILENO)
		close(the_log.fd);
	the_log.fd = fd;
	the_log.grows = !fstat(fd, &st) && S_ISREG(st.st_mode);
	the_log.bytes = the_log.grows ? st.st_size : 0;
	if (the_log.owns_stdio)
		log_take_stdio();
	return 0;
}

int log_open(const char *path, const struct timesrc *ts)
{
	the_log.ts = ts;
	the_log.path = path;
	return path ? open_file() : 0;
}

void log_take_stdio(void)
{
	the_log.owns_stdio = true;
	if (the_log.fd == STDERR_FILENO)
		return;
	dup2(the_log.fd, STDOUT_FILENO);
	dup2(the_log.fd, STDERR_FILENO);
}

void log_close(void)
{
	if (the_log.fd != STDERR_FILENO)
		close(the_log.fd);
	memset(&the_log, 0, sizeof(the_log));
	the_log.fd = STDERR_FILENO;
}

static void start_over(void)
{
	char old[4096];

	if (snprintf(old, sizeof(old), "%s.1", the_log.path) >= (int)sizeof(old))
		return;
	if (!rename(the_log.path, old))
		open_file();
}

/* Whether this kind of line may be written now; *ret_missed is how many were left out before. */
static bool may_write(const char *fmt, int64_t now_ns, unsigned *ret_missed)
{
	struct repeat *r = &the_log.repeats[((uintptr_t)fmt >> 2) % REPEATS];

	*ret_missed = 0;
	if (r->fmt != fmt || now_ns - r->since_ns > WINDOW_NS) {
		if (r->fmt == fmt && r->n > LOG_BURST)
			*ret_missed = r->n - LOG_BURST;
		*r = (struct repeat){.fmt = fmt, .since_ns = now_ns};
	}
	return ++r->n <= LOG_BURST;
}

static size_t escape(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	for (; *src && n + 6 < size; src++) {
		if ((unsigned char)*src >= 0x20 && (unsigned char)*src < 0x7f)
			dst[n++] = *src;
		else
			n += snprintf(dst + n, size - n, "\\x%02x", (unsigned char)*src);
	}
	dst[n++] = '\n';
	return n;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	int64_t wall_ns = the_log.ts ? timesrc_wall_ns(the_log.ts) : 0;
	int64_t mono_ns = the_log.ts ? timesrc_mono_ns(the_log.ts) : 0;
	char raw[LOG_LINE_MAX], line[LOG_LINE_MAX + 64];
	unsigned missed;
	va_list ap;
	size_t n, len;

	if (!may_write(fmt, mono_ns, &missed))
		return;
	n = snprintf(raw, sizeof(raw), "wall=%lld.%03lld level=%s ",
		(long long)(wall_ns / 1000000000), (long long)(wall_ns / 1000000 % 1000),
		level_names[level]);
	if (missed)
		n += snprintf(raw + n, sizeof(raw) - n, "left_out=%u ", missed);
	va_start(ap, fmt);
	vsnprintf(raw + n, sizeof(raw) - n, fmt, ap);
	va_end(ap);
	len = escape(line, sizeof(line), raw);
	if (the_log.grows && the_log.bytes + (int64_t)len > LOG_FILE_MAX)
		start_over();
	if (write(the_log.fd, line, len) > 0)
		the_log.bytes += len;
}
