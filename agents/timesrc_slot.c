/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A participant's side of a clock page; see timesrc.h and timesrc_page.h. Claims are made under the
 * page file's flock(), which the kernel releases whatever happens to its holder.
 */
#include "timesrc_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

struct slot {
	struct page_layout *page;
	struct page_slot *at;
	uint64_t who;
	int page_fd;
	int wake_fd;  /* this slot's FIFO, to read */
	int owner_fd; /* the owner's, to write; opened for both, so a dead owner makes no SIGPIPE */
};

/* ---- claiming ---- */

static int lock(int fd)
{
	int r;

	do
		r = flock(fd, LOCK_EX);
	while (r && errno == EINTR);
	return r;
}

/* The slot in which a parent expects this process, or else a free one; NULL when all are taken. */
static struct page_slot *find(struct page_layout *page, uint64_t who)
{
	struct page_slot *free_slot = NULL;

	for (int i = TIMESRC_SLOTS - 1; i >= 0; i--) {
		struct page_slot *at = &page->slots[i];

		if (at->state == SLOT_EXPECTED && page_who_same(at->who, who))
			return at;
		if (!at->who)
			free_slot = at;
	}
	return free_slot;
}

/* The state goes first: from `who` on the owner looks at it. */
static struct page_slot *claim(struct page_layout *page, int fd, uint64_t who, uint32_t state)
{
	struct page_slot *at;

	if (lock(fd))
		return NULL;
	at = find(page, who);
	if (at) {
		at->state = state;
		at->who = who;
		page->activity++;
	} else {
		errno = EUSERS;
	}
	flock(fd, LOCK_UN);
	return at;
}

static int open_fifos(struct slot *s, const char *path)
{
	s->owner_fd = page_fifo_open(path, -1, O_RDWR);
	if (s->owner_fd < 0)
		return -1;
	s->wake_fd = page_fifo_open(path, (int)(s->at - s->page->slots), O_RDONLY);
	if (s->wake_fd < 0)
		return -1;
	page_fifo_drain(s->wake_fd); /* what was meant for the slot's last holder */
	page_fifo_ring(s->owner_fd);
	return 0;
}

struct slot *slot_open(const char *path)
{
	struct slot *s = calloc(1, sizeof(*s));
	int saved;

	if (!s)
		return NULL;
	s->wake_fd = s->owner_fd = s->page_fd = -1;
	s->who = page_who(getpid());
	s->page = page_map(path, &s->page_fd);
	if (s->page)
		s->at = claim(s->page, s->page_fd, s->who, SLOT_RUNNING);
	if (s->at && !open_fifos(s, path))
		return s;
	saved = errno;
	slot_close(s);
	errno = saved;
	return NULL;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void slot_close(struct slot *s)
{
	if (!s)
		return;
	if (s->at) {
		s->page->activity++; /* see timesrc_page.h for the order */
		s->at->who = 0;
	}
	if (s->owner_fd >= 0)
		page_fifo_ring(s->owner_fd);
	if (s->page)
		munmap(s->page, sizeof(*s->page));
	close_fd(s->wake_fd);
	close_fd(s->owner_fd);
	close_fd(s->page_fd);
	free(s);
}

const struct page_layout *slot_page(const struct slot *s)
{
	return s->page;
}

int slot_expect(struct slot *s, pid_t child)
{
	uint64_t who = page_who(child);
	struct page_slot *at;
	bool there = false;

	/* A child that was quicker than its parent has a slot already. */
	for (int i = 0; i < TIMESRC_SLOTS; i++)
		there |= page_who_same(s->page->slots[i].who, who);
	if (there)
		return 0;
	at = claim(s->page, s->page_fd, who, SLOT_EXPECTED);
	if (!at)
		return -1;
	page_fifo_ring(s->owner_fd);
	return 0;
}

/* ---- waiting ---- */

static void go_wait(struct slot *s, bool has_fds, int64_t deadline_ns, bool hold)
{
	s->at->deadline = deadline_ns;
	s->at->has_fds = has_fds;
	s->page->activity++; /* see timesrc_page.h for the order */
	s->at->state = hold ? SLOT_HOLDING : SLOT_WAITING;
}

static int go_run(struct slot *s, int ret)
{
	int saved = errno;

	s->at->state = SLOT_RUNNING;
	s->page->activity++;
	errno = saved;
	return ret;
}

/* Waits for the descriptors or a word of the owner's. 0 when there is something to look at again,
 * or -1 and errno. */
static int sleep_on(struct slot *s, const struct pollfd *fds, int n)
{
	struct pollfd all[TIMESRC_FDS_MAX + 1];

	if (n)
		memcpy(all, fds, (size_t)n * sizeof(*fds));
	all[n] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
	if (poll(all, (nfds_t)n + 1, -1) < 0)
		return -1;
	if (all[n].revents & POLLIN)
		page_fifo_drain(s->wake_fd);
	if (!(all[n].revents & (POLLHUP | POLLERR)))
		return 0;
	errno = EOWNERDEAD;
	return -1;
}

int slot_wait(struct slot *s, struct pollfd *fds, int n, int64_t deadline_ns, bool hold)
{
	if (s->page->mono_ns >= deadline_ns)
		return n ? poll(fds, (nfds_t)n, 0) : 0;
	go_wait(s, n > 0, deadline_ns, hold);
	for (;;) {
		uint64_t seen = s->page->activity;
		bool woken = s->at->state == SLOT_RUNNING; /* the owner's doing */
		int ready = n ? poll(fds, (nfds_t)n, 0) : 0;

		if (ready || (woken && s->page->mono_ns >= deadline_ns))
			return go_run(s, ready);
		if (woken) { /* meant for a wait that a descriptor or a signal ended meanwhile */
			go_wait(s, n > 0, deadline_ns, hold);
			continue;
		}
		s->at->checked = seen;
		page_fifo_ring(s->owner_fd);
		if (sleep_on(s, fds, n))
			return go_run(s, -1);
	}
}
