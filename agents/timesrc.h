/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time of agent and runner: every reading of a clock and every wait goes through here. The
 * source is chosen at start: the kernel, or a mapped clock page with which a virtual phone moves
 * time itself, so that ten minutes pass in seconds and give the same samples for the same seed.
 *
 * The clock page is a shared file. Whoever takes part claims a slot; a participant is either
 * running (time stands), waiting until a deadline, or holding (an answer from outside virtual
 * time is awaited: time stands). When every participant waits, the page's owner (the virtual
 * phone) moves time to the earliest deadline and wakes the waiters. See timesrc_page_advance().
 *
 * One struct timesrc per process; reading is safe from any thread, waiting is for one thread.
 */
#ifndef FRAMEFARM_AGENTS_TIMESRC_H
#define FRAMEFARM_AGENTS_TIMESRC_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define TIMESRC_FOREVER INT64_MAX

struct timesrc;

/* page: path of a clock page, or NULL for the kernel's clocks. NULL and errno on failure. */
struct timesrc *timesrc_open(const char *page);
void timesrc_close(struct timesrc *ts);
bool timesrc_is_virtual(const struct timesrc *ts);

int64_t timesrc_mono_ns(const struct timesrc *ts); /* CLOCK_MONOTONIC or the page's */
int64_t timesrc_boot_ns(const struct timesrc *ts); /* CLOCK_BOOTTIME */
int64_t timesrc_wall_ns(const struct timesrc *ts); /* CLOCK_REALTIME */

/* Waits until a descriptor is ready or the deadline (monotonic ns, absolute) has come; the rest is
 * poll()'s. hold: what comes on the descriptors comes from outside virtual time, and time must
 * stand still until then. */
int timesrc_poll(struct timesrc *ts, struct pollfd *fds, int n, int64_t deadline_ns, bool hold);
/* Sleeps until the deadline; what the runner paces with. Wakes early only for a signal. */
void timesrc_sleep_until(struct timesrc *ts, int64_t deadline_ns);

/* ---- the owner's side ---- */

/* Makes a page at path (replacing a file) whose clocks start at the given values. 0 or -1/errno. */
int timesrc_page_create(const char *path, int64_t mono_ns, int64_t wall_ns);
struct timesrc_page;
struct timesrc_page *timesrc_page_open(const char *path);
void timesrc_page_close(struct timesrc_page *p);
/* Moves time to the earliest deadline if every participant waits and there is one; returns the
 * number of ns moved, 0 when somebody runs or holds. Participants whose process is gone are
 * dropped. limit_ns: never beyond this monotonic time. */
int64_t timesrc_page_advance(struct timesrc_page *p, int64_t limit_ns);
int64_t timesrc_page_now_ns(const struct timesrc_page *p);

#endif
