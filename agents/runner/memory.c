/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of this process; see memory.h. */
#include "memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define STATUS_BYTES  8192
#define CLOSE_ON_EXEC 1u /* MFD_CLOEXEC, Linux 3.17 */

/* A line of /proc/self/status such as "VmHWM:	   39212 kB", in bytes. */
static int64_t status_bytes(const char *key)
{
	char text[STATUS_BYTES], *p;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	p = strstr(text, key);
	return p ? strtoll(p + strlen(key), NULL, 10) * 1024 : -1;
}

int64_t memory_rss_bytes(void)
{
	return status_bytes("\nVmRSS:");
}

int64_t memory_rss_peak_bytes(void)
{
	return status_bytes("\nVmHWM:");
}

/* proc(5): writing 5 to clear_refs resets the peak resident set size. */
bool memory_peak_reset(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, "5", 1) == 1;
	close(fd);
	return done;
}

void memory_give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/* Through the kernel: bionic has memfd_create() only from Android 11 on. */
int memory_file(const char *name)
{
	return (int)syscall(SYS_memfd_create, name, CLOSE_ON_EXEC);
}
