/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time: a list of timers by time, then by order of setting; a list of posts. */
#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/mem.h"
#include "drivers/driver.h"

struct host_timer {
	int64_t at;
	bool process; /* dies with the controller */
	bool own;     /* arg is the timer's */
	void (*fn)(void *arg);
	void *arg;
	TAILQ_ENTRY(host_timer) link;
};

TAILQ_HEAD(timer_list, host_timer);

struct host {
	struct driver_host dh;
	struct timer_list timers; /* by time */
	struct timer_list posts;
	int64_t mono_ms, wall_ms;
};

static struct host *of(struct driver_host *dh)
{
	return (struct host *)dh; /* its first member */
}

static int64_t now_ms(struct driver_host *dh)
{
	return of(dh)->mono_ms;
}

static struct host_timer *add(
	struct host *h, bool process, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	struct host_timer *t = mem_zalloc(sizeof(*t)), *it;

	t->at = at_ms > h->mono_ms ? at_ms : h->mono_ms;
	t->process = process;
	t->fn = fn;
	t->arg = arg;
	TAILQ_FOREACH_REVERSE(it, &h->timers, timer_list, link)
	if (it->at <= t->at)
		break;
	if (it)
		TAILQ_INSERT_AFTER(&h->timers, it, t, link);
	else
		TAILQ_INSERT_HEAD(&h->timers, t, link);
	return t;
}

static struct host_timer *timer_add(
	struct driver_host *dh, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	return add(of(dh), true, at_ms, fn, arg);
}

static void timer_del(struct driver_host *dh, struct host_timer *t)
{
	TAILQ_REMOVE(&of(dh)->timers, t, link);
	mem_free(t);
}

struct host *host_new(void)
{
	struct host *h = mem_zalloc(sizeof(*h));

	h->dh.now_ms = now_ms;
	h->dh.timer_add = timer_add;
	h->dh.timer_del = timer_del;
	h->mono_ms = HOST_BEGIN_MS;
	h->wall_ms = 1700000000000;
	TAILQ_INIT(&h->timers);
	TAILQ_INIT(&h->posts);
	return h;
}

static void drop_list(struct timer_list *l, bool all)
{
	struct host_timer *t, *next;

	for (t = TAILQ_FIRST(l); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (!all && !t->process)
			continue;
		TAILQ_REMOVE(l, t, link);
		if (t->own)
			mem_free(t->arg);
		mem_free(t);
	}
}

void host_crash(struct host *h)
{
	drop_list(&h->timers, false);
	drop_list(&h->posts, true);
}

void host_free(struct host *h)
{
	drop_list(&h->timers, true);
	drop_list(&h->posts, true);
	mem_free(h);
}

struct driver_host *host_driver_host(struct host *h)
{
	return &h->dh;
}

struct now host_now(void *ctx)
{
	struct host *h = ctx;

	return (struct now){.mono_ms = h->mono_ms, .wall_ms = h->wall_ms};
}

int64_t host_ms(const struct host *h)
{
	return h->mono_ms;
}

void host_post(void *ctx, void (*fn)(void *arg), void *arg)
{
	struct host *h = ctx;
	struct host_timer *t = mem_zalloc(sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	TAILQ_INSERT_TAIL(&h->posts, t, link);
}

void host_after(struct host *h, int64_t ms, void (*fn)(void *arg), void *arg)
{
	add(h, false, h->mono_ms + ms, fn, arg);
}

void host_after_own(struct host *h, int64_t ms, void (*fn)(void *arg), void *arg)
{
	add(h, false, h->mono_ms + ms, fn, arg)->own = true;
}

int64_t host_next_ms(const struct host *h)
{
	const struct host_timer *t = TAILQ_FIRST(&h->timers);

	return !TAILQ_EMPTY(&h->posts) ? h->mono_ms : t ? t->at : INT64_MAX;
}

void host_step_wall(struct host *h, int64_t ms)
{
	h->wall_ms += ms;
}

static void run_one(struct timer_list *l)
{
	struct host_timer *t = TAILQ_FIRST(l);
	void (*fn)(void *) = t->fn;
	void *arg = t->arg;

	TAILQ_REMOVE(l, t, link);
	mem_free(t);
	fn(arg);
}

bool host_turn(struct host *h)
{
	struct host_timer *t;

	if (!TAILQ_EMPTY(&h->posts)) {
		run_one(&h->posts);
		return true;
	}
	t = TAILQ_FIRST(&h->timers);
	if (!t)
		return false;
	h->wall_ms += t->at - h->mono_ms;
	h->mono_ms = t->at;
	run_one(&h->timers);
	return true;
}
