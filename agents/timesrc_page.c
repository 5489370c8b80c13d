/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides of a clock page share; see timesrc_page.h. */
#include "timesrc_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAT_MAX        512
#define STAT_START_TIME 22 /* field of /proc/PID/stat, proc(5) */
#define STAT_STATE      3

struct page_layout *page_map(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct page_layout *page = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st))
		goto out;
	errno = EPROTO;
	if (!S_ISREG(st.st_mode) || st.st_size != sizeof(*page))
		goto out;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		page = NULL;
		goto out;
	}
	if (page->magic != PAGE_MAGIC || page->version != PAGE_VERSION) {
		munmap(page, sizeof(*page));
		page = NULL;
		errno = EPROTO;
	}
out:
	if (page)
		*ret_fd = fd;
	else
		close(fd);
	return page;
}

int page_fifo_path(char dst[PAGE_PATH], const char *path, int i)
{
	int n = i < 0 ? snprintf(dst, PAGE_PATH, "%s.owner", path)
	              : snprintf(dst, PAGE_PATH, "%s.%d", path, i);

	if (n < 0 || n >= PAGE_PATH) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int page_fifo_open(const char *path, int i, int flags)
{
	char fifo[PAGE_PATH];

	if (page_fifo_path(fifo, path, i))
		return -1;
	return open(fifo, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
}

void page_fifo_ring(int fd)
{
	ssize_t n;

	do
		n = write(fd, "", 1);
	while (n < 0 && errno == EINTR);
}

void page_fifo_drain(int fd)
{
	char trash[256];
	ssize_t n;

	do
		n = read(fd, trash, sizeof(trash));
	while (n == sizeof(trash) || (n < 0 && errno == EINTR));
}

/* Field 2, the name, is in parentheses and may hold anything, so fields are counted behind it. */
static uint32_t start_time(pid_t pid)
{
	char path[64], text[STAT_MAX];
	const char *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')');
	for (int field = STAT_STATE - 1; p && field < STAT_START_TIME; field++)
		p = strchr(p + 1, ' ');
	return p ? (uint32_t)strtoull(p, NULL, 10) : 0;
}

uint64_t page_who(pid_t pid)
{
	return (uint64_t)pid << 32 | start_time(pid);
}

pid_t page_who_pid(uint64_t who)
{
	return (pid_t)(who >> 32);
}

bool page_who_same(uint64_t a, uint64_t b)
{
	return a >> 32 == b >> 32 && (a == b || !(uint32_t)a || !(uint32_t)b);
}
