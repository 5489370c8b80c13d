/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: the only room that includes libevent. It owns descriptors, timers, signals, child
 * processes, the bounded pool of threads for what blocks, and the way back from other threads.
 * Everything but loop_post() and loop_stop() is for the loop thread.
 */
#ifndef FRAMEFARM_LOOP_LOOP_H
#define FRAMEFARM_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct loop_timer;
struct loop_fd;
struct loop_child;
struct loop_signal;

#define LOOP_READ  1
#define LOOP_WRITE 2

#define LOOP_POOL_THREADS 4
#define LOOP_POOL_QUEUE   4096

struct loop *loop_new(struct err *e);
void loop_free(struct loop *l); /* after loop_run(); waits for the pool's threads */
/* Dispatches until loop_stop(). turn(arg) runs once behind each batch of callbacks. */
void loop_run(struct loop *l, void (*turn)(void *arg), void *arg);
void loop_stop(struct loop *l); /* any thread */

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_set(struct loop_timer *t, int64_t at_mono_ms); /* again to move it */
void loop_timer_clear(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* allowed in its callback; NULL allowed */

struct loop_fd *loop_fd_new(struct loop *l, int fd, unsigned events,
	void (*fn)(void *arg, unsigned events), void *arg);
void loop_fd_set(struct loop_fd *f, unsigned events);
void loop_fd_free(struct loop_fd *f); /* does not close; allowed in its callback; NULL allowed */

struct loop_signal *loop_signal_new(
	struct loop *l, int signo, void (*fn)(void *arg), void *arg);
void loop_signal_free(struct loop_signal *s);

/* Runs fn(arg) on the loop thread, later. Any thread; the queue is bounded by what its callers have
 * reserved (each completion belongs to one submitted piece of work), so it never refuses. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

/* work(arg) on a pool thread, then done(arg) on the loop thread, exactly once, even while the loop
 * is being stopped (loop_free() runs what is left). ERR_FULL when LOOP_POOL_QUEUE is reached. */
int loop_blocking(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg);

struct loop_spawn {
	const char *path;
	char *const *argv;
	char *const *envp;         /* NULL: PATH and LANG alone */
	int fd_in, fd_out, fd_err; /* -1: /dev/null */
	bool detach;               /* double fork and setsid: not a child of ours, no exit report */
};

struct loop_child *loop_spawn(struct loop *l, const struct loop_spawn *sp,
	void (*exited)(void *arg, int status), void *arg, struct err *e);
void loop_child_kill(struct loop_child *c, int sig);
int loop_child_pid(const struct loop_child *c);

#endif
