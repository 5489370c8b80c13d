/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, descriptors and signals: libevent's, with our types and our clock. Loop thread. */
#include "loop/internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

/* The longest wait handed to libevent; a later deadline is waited for in steps. */
#define TIMER_STEP_MS (24 * 3600 * 1000LL)

struct loop_timer {
	struct loop *loop;
	struct event *ev;
	int64_t at_ms;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_fd {
	struct loop *loop;
	struct event *ev;
	int fd;
	unsigned events;
	void (*fn)(void *arg, unsigned events);
	void *arg;
};

struct loop_signal {
	struct loop *loop;
	struct event *ev;
	void (*fn)(void *arg);
	void *arg;
};

/* ---- timers ---- */

/* Milliseconds of the clock are cut, not rounded: the wait computed here may be up to one too long,
 * never too short. */
static void arm(struct loop_timer *t)
{
	int64_t ms = t->at_ms - clock_mono_ms();
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	if (ms > TIMER_STEP_MS)
		ms = TIMER_STEP_MS;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	if (event_add(t->ev, &tv) < 0)
		abort();
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
	loop_began(t->loop);
	if (clock_mono_ms() < t->at_ms) {
		arm(t);
		return;
	}
	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = mem_zalloc(sizeof(*t));

	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	t->ev = loop_event_new(l, -1, 0, on_timer, t);
	l->n_handles++;
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t at_mono_ms)
{
	t->at_ms = at_mono_ms;
	arm(t);
}

void loop_timer_clear(struct loop_timer *t)
{
	event_del(t->ev);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	event_free(t->ev);
	t->loop->n_handles--;
	mem_free(t);
}

/* ---- descriptors ---- */

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *f = arg;
	unsigned events = (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0);

	(void)fd;
	loop_began(f->loop);
	f->fn(f->arg, events);
}

static void watch(struct loop_fd *f)
{
	short what = EV_PERSIST;

	if (f->events & LOOP_READ)
		what |= EV_READ;
	if (f->events & LOOP_WRITE)
		what |= EV_WRITE;
	if (event_assign(f->ev, f->loop->base, f->fd, what, on_fd, f) < 0)
		abort();
	/* Fails for what epoll refuses alone: a closed descriptor or a regular file. */
	if (f->events && event_add(f->ev, NULL) < 0)
		abort();
}

struct loop_fd *loop_fd_new(
	struct loop *l, int fd, unsigned events, void (*fn)(void *arg, unsigned events), void *arg)
{
	struct loop_fd *f = mem_zalloc(sizeof(*f));

	assert(fd >= 0);
	f->loop = l;
	f->fd = fd;
	f->events = events;
	f->fn = fn;
	f->arg = arg;
	f->ev = loop_event_new(l, fd, EV_PERSIST, on_fd, f);
	l->n_handles++;
	watch(f);
	return f;
}

void loop_fd_set(struct loop_fd *f, unsigned events)
{
	if (f->events == events)
		return;
	event_del(f->ev);
	f->events = events;
	watch(f);
}

void loop_fd_free(struct loop_fd *f)
{
	if (!f)
		return;
	event_free(f->ev);
	f->loop->n_handles--;
	mem_free(f);
}

/* ---- signals ---- */

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)signo;
	(void)what;
	loop_began(s->loop);
	s->fn(s->arg);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(void *arg), void *arg)
{
	struct loop_signal *s = mem_zalloc(sizeof(*s));

	s->loop = l;
	s->fn = fn;
	s->arg = arg;
	s->ev = loop_event_new(l, signo, EV_SIGNAL | EV_PERSIST, on_signal, s);
	if (event_add(s->ev, NULL) < 0)
		abort();
	l->n_handles++;
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (!s)
		return;
	event_free(s->ev);
	s->loop->n_handles--;
	mem_free(s);
}
