/* SPDX-License-Identifier: Apache-2.0 */
/* A short stderr; see hush.h. */
#include "hush.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "memory.h"

static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

#define N_FATAL (sizeof(fatal) / sizeof(fatal[0]))

/* For the signal handler: -1 where nothing is hushed. */
static volatile int mem = -1, old = -1;
static struct sigaction before[N_FATAL];

int hush_stderr(void)
{
	return old < 0 ? STDERR_FILENO : old;
}

/* Only async-signal-safe calls. SA_RESETHAND has put the default action back. */
static void on_fatal(int sig)
{
	char text[HUSH_KEEP];
	off_t all = lseek(mem, 0, SEEK_END);
	ssize_t n;

	n = pread(mem, text, sizeof(text), all > HUSH_KEEP ? all - HUSH_KEEP : 0);
	if (n > 0 && write(old, text, (size_t)n) < 0)
		_exit(128 + sig);
	raise(sig);
}

void hush_begin(void)
{
	struct sigaction sa = {.sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND};

	fflush(stderr);
	mem = memory_file("stderr");
	old = mem < 0 ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (old < 0) {
		if (mem >= 0)
			close(mem);
		return;
	}
	for (size_t i = 0; i < N_FATAL; i++)
		sigaction(fatal[i], &sa, &before[i]);
	dup2(mem, STDERR_FILENO);
}

static void pass_on(void)
{
	char text[HUSH_KEEP];
	off_t all = lseek(mem, 0, SEEK_END);
	ssize_t n = pread(mem, text, sizeof(text), 0);

	while (n > 0 && n < all && text[n - 1] != '\n') /* whole lines */
		n--;
	if (n > 0)
		fprintf(stderr, "%.*s", (int)n, text);
	if (all > n)
		fprintf(stderr, "%lld bytes of what the runtime printed are left out\n",
			(long long)(all - n));
}

void hush_end(void)
{
	if (old < 0)
		return;
	fflush(stderr);
	dup2(old, STDERR_FILENO);
	for (size_t i = 0; i < N_FATAL; i++)
		sigaction(fatal[i], &before[i], NULL);
	pass_on();
	close(old);
	close(mem);
	old = mem = -1;
}
