/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time of agent and runner: every reading of a clock and every wait goes through here. The
 * source is chosen at start: the kernel, or a mapped clock page with which a virtual phone moves
 * time itself, so that ten minutes pass in seconds and give the same samples for the same seed.
 *
 * The clock page is a shared file. Whoever takes part claims a slot; a participant is either
 * running (time stands), waiting until a deadline, or holding (an answer from outside virtual
 * time is awaited: time stands). When every participant waits, the page's owner (the virtual
 * phone) moves time to the earliest deadline and wakes who is due, one at a time. See
 * timesrc_page_advance().
 *
 * A participant that waits for descriptors may have bytes coming from one that has just run. So
 * the owner moves time only when every such waiter has looked at its descriptors since anybody last
 * ran, and asks those who have not. Nobody spins: each slot has a FIFO beside the page (PATH.0,
 * PATH.1 …) that a waiter watches together with its descriptors and the owner writes to; PATH.owner
 * goes the other way. FIFOs need no library, no network namespace and no rights after they were
 * opened, and tell a waiter when the owner is gone.
 *
 * One struct timesrc per process, opened behind the last fork() of a daemon; reading is safe from
 * any thread, waiting is for one thread.
 */
#ifndef FRAMEFARM_AGENTS_TIMESRC_H
#define FRAMEFARM_AGENTS_TIMESRC_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TIMESRC_FOREVER INT64_MAX
#define TIMESRC_FDS_MAX 64 /* descriptors of one timesrc_poll() */
#define TIMESRC_SLOTS   16 /* participants of one page */

struct timesrc;

/* page: path of a clock page, or NULL for the kernel's clocks. NULL and errno on failure: EUSERS
 * when all slots are taken, EPROTO for a file that is no page of this version. A process that is to
 * be locked into a sandbox opens the page before. */
struct timesrc *timesrc_open(const char *page);
void timesrc_close(struct timesrc *ts);
bool timesrc_is_virtual(const struct timesrc *ts);

int64_t timesrc_mono_ns(const struct timesrc *ts); /* CLOCK_MONOTONIC or the page's */
int64_t timesrc_boot_ns(const struct timesrc *ts); /* CLOCK_BOOTTIME */
int64_t timesrc_wall_ns(const struct timesrc *ts); /* CLOCK_REALTIME */

/* Waits until a descriptor is ready or the deadline (monotonic ns, absolute) has come, and never
 * returns 0 before it; the rest is poll()'s. hold: what comes on the descriptors comes from outside
 * virtual time, and time must stand still until then, so the deadline does not come either. -1 and
 * EOWNERDEAD when the page's owner is gone and time will not move again: end. */
int timesrc_poll(struct timesrc *ts, struct pollfd *fds, int n, int64_t deadline_ns, bool hold);
/* Sleeps until the deadline; what the runner paces with. Wakes early only for a signal. */
void timesrc_sleep_until(struct timesrc *ts, int64_t deadline_ns);
/* Tells the page of a child that was just forked: time stands until it has opened the page and
 * waits, or has ended. 0, or -1 and errno when there is no slot for it. With the kernel's clocks it
 * does nothing. */
int timesrc_expect(struct timesrc *ts, pid_t child);

/* ---- the owner's side ---- */

/* Makes a page at path, and its FIFOs, whose clocks start at the given values; what stood there is
 * replaced. The files are the caller's to remove. 0 or -1/errno. */
int timesrc_page_create(const char *path, int64_t mono_ns, int64_t wall_ns);

/* A page has one owner at a time; everything here is for one thread. */
struct timesrc_page;
struct timesrc_page *timesrc_page_open(const char *path); /* NULL and errno */
void timesrc_page_close(struct timesrc_page *p);
/* Becomes readable when a participant came, waits or ended: call timesrc_page_advance() until it
 * returns 0. The page keeps the descriptor. */
int timesrc_page_fd(const struct timesrc_page *p);
/* Moves time to the earliest deadline if every participant waits; returns the number of ns moved.
 * 0: nobody takes part, somebody runs, holds or has yet to look at its descriptors, one who was due
 * as well was woken, or there is no deadline. Participants whose process is gone are dropped.
 * limit_ns: the owner's own deadline, TIMESRC_FOREVER for none; time never moves beyond it. */
int64_t timesrc_page_advance(struct timesrc_page *p, int64_t limit_ns);
/* To be called when the owner itself has written what a participant may be waiting for. */
void timesrc_page_touch(struct timesrc_page *p);
int64_t timesrc_page_now_ns(const struct timesrc_page *p);

#endif
