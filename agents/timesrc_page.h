/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of a clock page and what the two sides of it share; see timesrc.h. Internal to
 * timesrc*.c.
 *
 * All fields that change are atomics, in sequentially consistent order: who writes what is said
 * beside each. `activity` is raised by everybody who stops running, behind the last thing he sent
 * and before he is seen to wait (or to be gone). A waiter with descriptors reads it, then looks at
 * them, then stores what it read in `checked`; so when all wait and checked == activity, nothing
 * that anybody sent is left unseen.
 */
#ifndef FRAMEFARM_AGENTS_TIMESRC_PAGE_H
#define FRAMEFARM_AGENTS_TIMESRC_PAGE_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "timesrc.h"

#define PAGE_MAGIC   0x4b434c43u /* "CLCK" */
#define PAGE_VERSION 1
#define PAGE_PATH    4096

enum slot_state {
	SLOT_RUNNING = 1, /* also of one that its parent expects */
	SLOT_WAITING = 2,
	SLOT_HOLDING = 3,
	SLOT_EXPECTED = 4,
};

struct page_slot {
	_Atomic uint64_t who;     /* page_who() of the process, 0 when free. Set by who claims the
	                              slot under the page's flock(), cleared also by the owner */
	_Atomic uint32_t state;   /* enum slot_state. Set by the participant; the owner turns
	                              waiting into running when it wakes one that is due */
	_Atomic uint32_t has_fds; /* participant: waits for descriptors too */
	_Atomic int64_t deadline; /* participant */
	_Atomic uint64_t checked; /* participant */
};

struct page_layout {
	uint32_t magic;
	uint32_t version;
	int64_t wall_offset_ns;    /* wall clock minus monotonic clock */
	_Atomic int64_t mono_ns;   /* owner */
	_Atomic uint64_t activity; /* everybody */
	struct page_slot slots[TIMESRC_SLOTS];
};

/* ---- both sides, timesrc_page.c ---- */

/* Maps the page; the descriptor goes to ret_fd. NULL and errno. */
struct page_layout *page_map(const char *path, int *ret_fd);
/* Path of slot i's FIFO, of the owner's for -1. 0 or -1/ENAMETOOLONG. */
int page_fifo_path(char dst[PAGE_PATH], const char *path, int i);
int page_fifo_open(const char *path, int i, int flags);
/* One byte into a FIFO. A full one is as good, as its reader will wake. */
void page_fifo_ring(int fd);
void page_fifo_drain(int fd);
/* Identity of a process: its id and, since ids are used again, the low half of its start time, 0
 * where /proc cannot be read (behind a sandbox), which then counts as any. */
uint64_t page_who(pid_t pid);
pid_t page_who_pid(uint64_t who);
bool page_who_same(uint64_t a, uint64_t b);

/* ---- a participant's side, timesrc_slot.c ---- */

struct slot;

struct slot *slot_open(const char *path);
void slot_close(struct slot *s);
const struct page_layout *slot_page(const struct slot *s);
int slot_wait(struct slot *s, struct pollfd *fds, int n, int64_t deadline_ns, bool hold);
int slot_expect(struct slot *s, pid_t child);

#endif
