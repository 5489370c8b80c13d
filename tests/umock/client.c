/* SPDX-License-Identifier: Apache-2.0 */
/* See umock.h. */
#include "umock.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

struct umock {
	pid_t pid;
	FILE *f;
};

/* Beside the test's own program. */
static void bus_path(char *dst, size_t size)
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	snprintf(dst, size, "%s/umock-bus", dirname(self));
}

/* In the child. The bus is no subject of the sanitizers: GLib keeps memory, and has its own locks. */
static void run_bus(const char *path, int fd)
{
	dup2(fd, 3);
	setenv("TSAN_OPTIONS", "report_bugs=0", 1);
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
	unsetenv("UMOCKDEV_DIR");
	execl(path, path, (char *)NULL);
	_exit(127);
}

static void read_answer(struct umock *m, const char *order, char *line, int size)
{
	if (!fgets(line, size, m->f))
		fail_msg("the bus is dead, after \"%s\"", order);
	if (strncmp(line, "ok", 2))
		fail_msg("the bus says to \"%s\": %s", order, line);
}

struct umock *umock_start(void)
{
	struct umock *m = mem_zalloc(sizeof(*m));
	char path[600], line[600];
	int sv[2];

	bus_path(path, sizeof(path));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	m->pid = fork();
	assert_true(m->pid >= 0);
	if (!m->pid)
		run_bus(path, sv[1]);
	close(sv[1]);
	m->f = fdopen(sv[0], "r+");
	read_answer(m, "its start", line, sizeof(line));
	line[strcspn(line, "\n")] = '\0';
	setenv("UMOCKDEV_DIR", line + 3, 1);
	return m;
}

void umock_stop(struct umock *m)
{
	int status;

	fclose(m->f);
	assert_int_equal(waitpid(m->pid, &status, 0), m->pid);
	assert_int_equal(status, 0);
	unsetenv("UMOCKDEV_DIR");
	mem_free(m);
}

long umock_tell(struct umock *m, const char *fmt, ...)
{
	char order[512], line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(order, sizeof(order), fmt, ap);
	va_end(ap);
	fprintf(m->f, "%s\n", order);
	fflush(m->f);
	read_answer(m, order, line, sizeof(line));
	return strtol(line + 2, NULL, 10);
}
