/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's side of a clock page; see timesrc.h and timesrc_page.h. An epoll descriptor gathers
 * what the owner has to hear of: its own FIFO, and a pidfd for each participant, which says when
 * the process is gone with all its descriptors closed, so that whoever watches those has been told
 * before time moves on.
 */
#include "timesrc_page.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same number on every architecture */
#endif

/* What the owner knows of a slot. */
struct watch {
	uint64_t who; /* whom `pidfd` belongs to, 0 for none */
	int pidfd;    /* -1 where the kernel has none (before Linux 5.3) */
	int wake_fd;  /* the slot's FIFO; opened for both, so it neither fails nor raises SIGPIPE */
	uint64_t asked; /* activity at which it was last asked to look at its descriptors */
};

struct timesrc_page {
	struct page_layout *page;
	int page_fd;
	int owner_fd;
	int epoll_fd;
	struct watch watches[TIMESRC_SLOTS];
};

/* ---- making ---- */

static int make_fifos(const char *path)
{
	char fifo[PAGE_PATH];

	for (int i = -1; i < TIMESRC_SLOTS; i++) {
		if (page_fifo_path(fifo, path, i))
			return -1;
		if (unlink(fifo) && errno != ENOENT)
			return -1;
		if (mkfifo(fifo, 0600))
			return -1;
	}
	return 0;
}

static int write_page(const char *path, const struct page_layout *page)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, page, sizeof(*page));
	if (n >= 0 && n < (ssize_t)sizeof(*page))
		errno = ENOSPC;
	close(fd);
	return n == sizeof(*page) ? 0 : -1;
}

/* The page comes last and whole, by a rename, so that nobody opens half of one. */
int timesrc_page_create(const char *path, int64_t mono_ns, int64_t wall_ns)
{
	struct page_layout page = {
		.magic = PAGE_MAGIC,
		.version = PAGE_VERSION,
		.wall_offset_ns = (int64_t)((uint64_t)wall_ns - (uint64_t)mono_ns),
		.mono_ns = mono_ns,
		.activity = 1,
	};
	char new_path[PAGE_PATH];
	int n = snprintf(new_path, sizeof(new_path), "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof(new_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (make_fifos(path) || write_page(new_path, &page))
		return -1;
	return rename(new_path, path);
}

static int watch_fd(struct timesrc_page *p, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static int open_all(struct timesrc_page *p, const char *path)
{
	p->page = page_map(path, &p->page_fd);
	if (!p->page)
		return -1;
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll_fd < 0)
		return -1;
	p->owner_fd = page_fifo_open(path, -1, O_RDWR);
	if (p->owner_fd < 0 || watch_fd(p, p->owner_fd))
		return -1;
	for (int i = 0; i < TIMESRC_SLOTS; i++) {
		p->watches[i].wake_fd = page_fifo_open(path, i, O_RDWR);
		if (p->watches[i].wake_fd < 0)
			return -1;
	}
	return 0;
}

struct timesrc_page *timesrc_page_open(const char *path)
{
	struct timesrc_page *p = calloc(1, sizeof(*p));
	int saved;

	if (!p)
		return NULL;
	p->page_fd = p->owner_fd = p->epoll_fd = -1;
	for (int i = 0; i < TIMESRC_SLOTS; i++)
		p->watches[i].pidfd = p->watches[i].wake_fd = -1;
	if (!open_all(p, path))
		return p;
	saved = errno;
	timesrc_page_close(p);
	errno = saved;
	return NULL;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void timesrc_page_close(struct timesrc_page *p)
{
	if (!p)
		return;
	for (int i = 0; i < TIMESRC_SLOTS; i++) {
		close_fd(p->watches[i].pidfd);
		close_fd(p->watches[i].wake_fd);
	}
	close_fd(p->owner_fd);
	close_fd(p->epoll_fd);
	close_fd(p->page_fd);
	if (p->page)
		munmap(p->page, sizeof(*p->page));
	free(p);
}

int timesrc_page_fd(const struct timesrc_page *p)
{
	return p->epoll_fd;
}

int64_t timesrc_page_now_ns(const struct timesrc_page *p)
{
	return p->page->mono_ns;
}

void timesrc_page_touch(struct timesrc_page *p)
{
	p->page->activity++;
}

/* ---- who is still there ---- */

static void forget(struct watch *w)
{
	close_fd(w->pidfd); /* and with it, it leaves the epoll set */
	w->pidfd = -1;
	w->who = 0;
	w->asked = 0;
}

/* The identity is compared behind pidfd_open(), so a process that took over the id between claim
 * and here is not taken for the one that claimed. */
static void get_to_know(struct timesrc_page *p, struct watch *w, uint64_t who)
{
	pid_t pid = page_who_pid(who);

	forget(w);
	w->who = who;
	w->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (w->pidfd >= 0 && (!page_who_same(page_who(pid), who) || watch_fd(p, w->pidfd))) {
		close(w->pidfd);
		w->pidfd = -1;
	}
}

static bool is_gone(const struct watch *w)
{
	struct pollfd fd = {.fd = w->pidfd, .events = POLLIN};

	if (w->pidfd >= 0)
		return poll(&fd, 1, 0) > 0;
	if (kill(page_who_pid(w->who), 0) && errno == ESRCH)
		return true;
	return !page_who_same(page_who(page_who_pid(w->who)), w->who);
}

/* Drops slots whose process is gone, and meets the new ones. */
static void look_around(struct timesrc_page *p)
{
	for (int i = 0; i < TIMESRC_SLOTS; i++) {
		struct watch *w = &p->watches[i];
		uint64_t who = p->page->slots[i].who;

		if (who != w->who && who)
			get_to_know(p, w, who);
		else if (!who && w->who)
			forget(w);
		if (who && is_gone(w)) {
			atomic_compare_exchange_strong(&p->page->slots[i].who, &who, 0);
			p->page->activity++;
			forget(w);
		}
	}
}

/* ---- moving ---- */

/* Whether time may move as far as slot i is concerned, at this count of activity. One that has not
 * looked at its descriptors since is asked to, once. */
static bool is_at_rest(struct timesrc_page *p, int i, uint64_t activity)
{
	struct page_slot *at = &p->page->slots[i];
	struct watch *w = &p->watches[i];

	if (at->state != SLOT_WAITING)
		return false;
	if (!at->has_fds || at->checked == activity)
		return true;
	if (w->asked != activity)
		page_fifo_ring(w->wake_fd);
	w->asked = activity;
	return false;
}

/* The waiter with the earliest deadline, the first slot of several; -1 for none, *ret_rest says
 * whether everybody waits. All are looked at, so that all who must be asked are asked at once. */
static int earliest(struct timesrc_page *p, bool *ret_rest)
{
	uint64_t activity = p->page->activity;
	int first = -1;
	bool rest = true;

	for (int i = 0; i < TIMESRC_SLOTS; i++) {
		struct page_slot *at = &p->page->slots[i];

		if (!at->who)
			continue;
		rest &= is_at_rest(p, i, activity);
		if (first < 0 || at->deadline < p->page->slots[first].deadline)
			first = i;
	}
	*ret_rest = rest && p->page->activity == activity;
	return first;
}

static void wake(struct timesrc_page *p, int i)
{
	uint32_t state = SLOT_WAITING;

	/* Marked here and not by the waiter, so that time stands from now on. */
	if (atomic_compare_exchange_strong(&p->page->slots[i].state, &state, SLOT_RUNNING))
		page_fifo_ring(p->watches[i].wake_fd);
}

int64_t timesrc_page_advance(struct timesrc_page *p, int64_t limit_ns)
{
	int64_t now = p->page->mono_ns, deadline, moved = 0;
	bool rest;
	int i;

	page_fifo_drain(p->owner_fd); /* before looking: what comes later makes it readable again */
	look_around(p);
	i = earliest(p, &rest);
	if (i < 0 || !rest)
		return 0;
	deadline = p->page->slots[i].deadline;
	if (deadline > now && limit_ns > now) {
		int64_t target = deadline < limit_ns ? deadline : limit_ns;

		if (target == TIMESRC_FOREVER)
			return 0;
		moved = target - now;
		p->page->mono_ns = now = target;
	}
	if (deadline <= now)
		wake(p, i);
	return moved;
}
