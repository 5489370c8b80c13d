/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logcat and log. A buffer is a file of lines that are written as a whole; following it waits for the
 * kernel's word that the file changed.
 */
#include "drivers/virtual/tool.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "timesrc.h"

#define LOGS    TOOL_SYSTEM "/log"
#define BUFFERS 6
#define BLOCK   65536

struct logcat {
	const char *names[BUFFERS];
	int fds[BUFFERS];
	int n;
	bool dump, clear;
	long tail; /* -t: the last lines of each; 0: all */
};

static void path_of(char dst[128], const char *name)
{
	snprintf(dst, 128, LOGS "/%.60s", name);
}

static void choose(struct logcat *l, char *list)
{
	for (char *p = strtok(list, ","); p && l->n < BUFFERS; p = strtok(NULL, ","))
		if (!strchr(p, '/'))
			l->names[l->n++] = p;
}

static void read_options(struct logcat *l, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-d"))
			l->dump = true;
		else if (!strcmp(argv[i], "-c"))
			l->clear = true;
		else if (!strcmp(argv[i], "-b") && i + 1 < argc)
			choose(l, argv[++i]);
		else if (!strcmp(argv[i], "-t") && i + 1 < argc) {
			l->dump = true;
			l->tail = atol(argv[++i]);
		} else if (!strcmp(argv[i], "-v") && i + 1 < argc)
			i++;
	}
	if (!l->n || !strcmp(l->names[0], "all") || !strcmp(l->names[0], "default")) {
		l->names[0] = "main";
		l->n = 1;
	}
}

/* Where the last `lines` lines begin. */
static off_t tail_start(int fd, long lines)
{
	off_t at = lseek(fd, 0, SEEK_END);
	char c;

	for (long seen = 0; at > 0; at--) {
		if (pread(fd, &c, 1, at - 1) == 1 && c == '\n' && ++seen > lines)
			break;
	}
	return at;
}

/* A buffer that got shorter was cleared, and begins anew. */
static bool print_from(struct logcat *l, off_t at[BUFFERS])
{
	char block[BLOCK];
	ssize_t n;

	for (int i = 0; i < l->n; i++) {
		off_t end = lseek(l->fds[i], 0, SEEK_END);

		if (end < at[i])
			at[i] = 0;
		while ((n = pread(l->fds[i], block, sizeof(block), at[i])) > 0) {
			if (write(1, block, n) != n)
				return false;
			at[i] += n;
		}
	}
	return true;
}

static int follow(struct logcat *l, off_t at[BUFFERS])
{
	int watch = inotify_init1(IN_CLOEXEC);
	struct pollfd p[2] = {{.fd = watch, .events = POLLIN}, {.fd = 1, .events = 0}};
	char block[4096];

	inotify_add_watch(watch, LOGS, IN_MODIFY);
	for (;;) {
		if (!print_from(l, at))
			return 1;
		/* Also ends when nobody reads any more. */
		if (poll(p, 2, -1) < 0 || p[1].revents)
			return 0;
		if (read(watch, block, sizeof(block)) < 0)
			return 1;
	}
}

int tool_logcat(int argc, char **argv)
{
	struct logcat l = {0};
	off_t at[BUFFERS] = {0};
	char path[128];

	read_options(&l, argc, argv);
	for (int i = 0; i < l.n; i++) {
		path_of(path, l.names[i]);
		if (l.clear && truncate(path, 0))
			perror("logcat: failed to clear");
		l.fds[i] = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
		if (l.fds[i] < 0) {
			perror("logcat");
			return 1;
		}
		if (l.tail)
			at[i] = tail_start(l.fds[i], l.tail);
	}
	if (l.clear)
		return 0;
	if (!l.dump)
		return follow(&l, at);
	for (int i = 0; i < l.n; i++)
		printf("--------- beginning of %s\n", l.names[i]);
	fflush(stdout);
	return !print_from(&l, at);
}

/* ---- log ---- */

static void stamp(char dst[32])
{
	struct timesrc *ts = timesrc_open(NULL);
	int64_t ns = ts ? timesrc_wall_ns(ts) : 0;
	time_t s = ns / 1000000000;
	struct tm tm;
	size_t n;

	timesrc_close(ts);
	gmtime_r(&s, &tm);
	n = strftime(dst, 20, "%m-%d %H:%M:%S", &tm);
	snprintf(dst + n, 32 - n, ".%03d", (int)(ns / 1000000 % 1000));
}

/* log [-p PRIORITY] [-t TAG] MESSAGE… */
int tool_log(int argc, char **argv)
{
	char priority = 'I', when[32], line[4096];
	const char *tag = "log";
	int i = 1, fd, n;

	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "-p"))
			priority = argv[i + 1][0] - (argv[i + 1][0] >= 'a' ? 32 : 0);
		else if (!strcmp(argv[i], "-t"))
			tag = argv[i + 1];
	}
	stamp(when);
	n = snprintf(line, sizeof(line), "%s %5d %5d %c %-8.40s:", when, getpid(), getpid(),
		priority, tag);
	for (; i < argc && n < (int)sizeof(line) - 2; i++)
		n += snprintf(line + n, sizeof(line) - n - 1, " %s", argv[i]);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	fd = open(LOGS "/main", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return fd < 0 || write(fd, line, n) != n;
}
