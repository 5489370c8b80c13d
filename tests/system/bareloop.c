/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading counters costs at least: opens the files it is given, then reads each of them once,
 * `hz` times a second, for `sweeps` times, and prints the processor time it took, in ns. Nothing is
 * parsed, stamped or kept.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 256

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(int argc, char *argv[])
{
	int fds[FILES_MAX], n = 0;
	char buf[16384];
	int64_t next, begin;
	int hz = argc > 3 ? atoi(argv[1]) : 0, sweeps = argc > 3 ? atoi(argv[2]) : 0;

	for (int i = 3; i < argc && n < FILES_MAX; i++)
		fds[n++] = open(argv[i], O_RDONLY);
	if (hz < 1 || !n)
		return 2;
	begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	next = now_ns(CLOCK_MONOTONIC);
	for (int k = 0; k < sweeps; k++) {
		struct timespec until = {next / 1000000000, next % 1000000000};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		for (int i = 0; i < n; i++)
			if (pread(fds[i], buf, sizeof(buf), 0) < 0)
				return 1;
		next += 1000000000 / hz;
	}
	printf("%lld\n", (long long)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin));
	return 0;
}
