/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time from the kernel, or from a clock page; see timesrc.h. Here is the kernel's side and the
 * choice between the two.
 */
#include "timesrc.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "timesrc_page.h"

#define NS_PER_S 1000000000

struct timesrc {
	struct slot *slot; /* NULL: the kernel's clocks */
};

struct timesrc *timesrc_open(const char *page)
{
	struct timesrc *ts = calloc(1, sizeof(*ts));

	if (!ts || !page)
		return ts;
	ts->slot = slot_open(page);
	if (!ts->slot) {
		free(ts);
		return NULL;
	}
	return ts;
}

void timesrc_close(struct timesrc *ts)
{
	if (!ts)
		return;
	slot_close(ts->slot);
	free(ts);
}

bool timesrc_is_virtual(const struct timesrc *ts)
{
	return ts->slot != NULL;
}

static int64_t kernel_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t); /* fails only for a clock that does not exist */
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t timesrc_mono_ns(const struct timesrc *ts)
{
	return ts->slot ? slot_page(ts->slot)->mono_ns : kernel_ns(CLOCK_MONOTONIC);
}

/* A virtual phone does not suspend, so its two clocks since boot are one. */
int64_t timesrc_boot_ns(const struct timesrc *ts)
{
	return ts->slot ? slot_page(ts->slot)->mono_ns : kernel_ns(CLOCK_BOOTTIME);
}

int64_t timesrc_wall_ns(const struct timesrc *ts)
{
	const struct page_layout *page;

	if (!ts->slot)
		return kernel_ns(CLOCK_REALTIME);
	page = slot_page(ts->slot);
	return page->mono_ns + page->wall_offset_ns;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

/* ppoll() takes nanoseconds, so nothing is rounded, and it counts from later than now: it may end
 * behind the deadline, never before. */
static int kernel_poll(struct pollfd *fds, int n, int64_t deadline_ns)
{
	int64_t now = kernel_ns(CLOCK_MONOTONIC);
	struct timespec left = timespec_of(deadline_ns > now ? deadline_ns - now : 0);

	return ppoll(fds, (nfds_t)n, deadline_ns == TIMESRC_FOREVER ? NULL : &left, NULL);
}

int timesrc_poll(struct timesrc *ts, struct pollfd *fds, int n, int64_t deadline_ns, bool hold)
{
	if (n < 0 || n > TIMESRC_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (ts->slot)
		return slot_wait(ts->slot, fds, n, deadline_ns, hold);
	return kernel_poll(fds, n, deadline_ns);
}

/* Without its owner a page's time stands for good. A sleeper cannot say so to its caller, and to
 * come back early would make the caller spin, so it sleeps on until somebody ends the process. */
static void sleep_for_good(void)
{
	struct timespec t = timespec_of(TIMESRC_FOREVER);

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

void timesrc_sleep_until(struct timesrc *ts, int64_t deadline_ns)
{
	struct timespec t = timespec_of(deadline_ns > 0 ? deadline_ns : 0);

	if (!ts->slot)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	else if (slot_wait(ts->slot, NULL, 0, deadline_ns, false) < 0 && errno == EOWNERDEAD)
		sleep_for_good();
}

int timesrc_expect(struct timesrc *ts, pid_t child)
{
	return ts->slot ? slot_expect(ts->slot, child) : 0;
}
