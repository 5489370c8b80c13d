/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop itself: batches of callbacks with a turn behind each, and the way in from other threads.
 *
 * libevent is called from the loop thread alone. Another thread puts its callback on a list under
 * a mutex and writes to an eventfd, once for as long as the list is not empty; the loop thread
 * takes the list whole and runs it. So libevent needs no locks, and what runs posted callbacks
 * never posts into the batch that it is running: the turn comes in between.
 */
#include "loop/internal.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/* Callbacks that post callbacks end some day; so long a chain while the loop is freed is a bug. */
#define LOOP_DRAIN_ROUNDS 10000

static int64_t processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void loop_began(struct loop *l)
{
	if (l->began_ns)
		return;
	l->began_ns = clock_mono_ns();
	l->began_processor_ns = processor_ns();
}

/* The batch and the turn behind it are over. */
static void ended(struct loop *l)
{
	if (!l->began_ns)
		return;
	spread_add(&l->turns, clock_mono_ns() - l->began_ns);
	spread_add(&l->turns_processor, processor_ns() - l->began_processor_ns);
	l->began_ns = 0;
}

const struct spread *loop_turns(const struct loop *l)
{
	return &l->turns;
}

const struct spread *loop_turns_processor(const struct loop *l)
{
	return &l->turns_processor;
}

static void queue_init(struct loop_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

/* Takes the posted list whole and runs it; false when it was empty. */
static bool run_posted(struct loop *l)
{
	struct loop_task *t, *next;

	pthread_mutex_lock(&l->post_lock);
	t = l->posted.head;
	queue_init(&l->posted);
	pthread_mutex_unlock(&l->post_lock);
	if (!t)
		return false;
	for (; t; t = next) {
		next = t->next;
		t->fn(t->arg);
		mem_free(t);
	}
	return true;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	eventfd_t n;

	(void)what;
	loop_began(l);
	/* The count is cleared before the list is taken: a post in between wakes us once too often,
	 * never once too seldom. */
	if (eventfd_read(fd, &n) < 0 && errno != EAGAIN)
		abort();
	run_posted(l);
}

static void wake(struct loop *l)
{
	/* EAGAIN is a counter near 2^64: awake in any case. */
	if (eventfd_write(l->wake_fd, 1) < 0 && errno != EAGAIN)
		abort();
}

void loop_post_task(struct loop *l, struct loop_task *t)
{
	bool first;

	t->next = NULL;
	pthread_mutex_lock(&l->post_lock);
	first = !l->posted.head;
	*l->posted.tail = t;
	l->posted.tail = &t->next;
	pthread_mutex_unlock(&l->post_lock);
	if (first)
		wake(l);
}

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_task *t = mem_zalloc(sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	loop_post_task(l, t);
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	wake(l);
}

struct event *loop_event_new(struct loop *l, int fd, short what, event_callback_fn fn, void *arg)
{
	struct event *ev = event_new(l->base, fd, what, fn, arg);

	if (!ev)
		abort();
	return ev;
}

/* Timers count from the time that is read when they are set, never from libevent's cached or coarse
 * one, which lies in the past: they would fire early. */
static struct event_base *base_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base;

	if (!cfg)
		return NULL;
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	return base;
}

struct loop *loop_new(struct err *e)
{
	struct loop *l;

	if (loop_child_check(e))
		return NULL;
	l = mem_zalloc(sizeof(*l));
	queue_init(&l->posted);
	pthread_mutex_init(&l->post_lock, NULL);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->base = base_new();
	if (l->wake_fd < 0 || !l->base) {
		err_errno(e, errno, "cannot make an event loop");
		goto fail;
	}
	if (loop_pool_start(&l->pool, e))
		goto fail;
	l->wake_ev = loop_event_new(l, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
	if (event_add(l->wake_ev, NULL) < 0)
		abort();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	return l;
fail:
	if (l->base)
		event_base_free(l->base);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	pthread_mutex_destroy(&l->post_lock);
	mem_free(l);
	return NULL;
}

void loop_free(struct loop *l)
{
	int rounds = 0;

	if (!l)
		return;
	loop_child_kill_all(l);
	loop_pool_stop(&l->pool);
	while (run_posted(l)) {
		loop_child_kill_all(l);
		rounds++;
		assert(rounds < LOOP_DRAIN_ROUNDS);
	}
	assert(l->n_handles == 0);
	event_free(l->wake_ev);
	event_base_free(l->base);
	close(l->wake_fd);
	pthread_mutex_destroy(&l->post_lock);
	mem_free(l);
}

void loop_run(struct loop *l, void (*turn)(void *arg), void *arg)
{
	while (!atomic_exchange(&l->stop, false)) {
		if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
			abort();
		turn(arg);
		ended(l);
	}
}
