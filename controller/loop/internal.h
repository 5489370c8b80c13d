/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop's own files share. Included nowhere else. */
#ifndef FRAMEFARM_LOOP_INTERNAL_H
#define FRAMEFARM_LOOP_INTERNAL_H

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/spread.h"
#include "loop/loop.h"

/* A callback on its way to the loop thread. A larger object may have it as its first member; it is
 * freed as a whole behind fn(). */
struct loop_task {
	struct loop_task *next;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_queue {
	struct loop_task *head, **tail;
};

struct loop_pool {
	pthread_mutex_t lock; /* guards the rest; never held together with the loop's */
	pthread_cond_t more;
	struct loop_task *head, **tail; /* struct work, see pool.c */
	unsigned n_queued;
	bool closing;
	unsigned n_threads;
	pthread_t threads[LOOP_POOL_THREADS];
};

struct loop_child {
	struct loop *loop;
	struct loop_child *next, **prev;
	int pid; /* 0 once it is reaped */
	int pidfd;
	struct event *ev;
	void (*exited)(void *arg, int status);
	void *arg;
};

struct loop {
	struct event_base *base;
	atomic_bool stop;
	unsigned n_handles; /* timers, descriptors and signals that were not freed yet */

	/* Of the batch whose callbacks run; 0: it waits. */
	int64_t began_ns, began_processor_ns;
	struct spread turns, turns_processor;

	int wake_fd; /* eventfd; written when `posted` stops being empty */
	struct event *wake_ev;
	pthread_mutex_t post_lock; /* guards posted */
	struct loop_queue posted;

	struct loop_pool pool;

	unsigned n_children;
	struct loop_child *children;
	struct loop_child detached; /* the handle of every detached process */
};

/* loop.c */
void loop_post_task(struct loop *l, struct loop_task *t); /* takes t */
/* An event of libevent's, which owns no memory of ours; aborts when there is none. */
struct event *loop_event_new(struct loop *l, int fd, short what, event_callback_fn fn, void *arg);

/* First thing in each callback that libevent calls: the loop has stopped waiting. */
void loop_began(struct loop *l);

/* pool.c */
int loop_pool_start(struct loop_pool *p, struct err *e);
void loop_pool_stop(struct loop_pool *p); /* runs what is queued, then joins the threads */

/* child.c */
int loop_child_check(struct err *e); /* whether this kernel has what children need */
void loop_child_kill_all(struct loop *l);

#endif
