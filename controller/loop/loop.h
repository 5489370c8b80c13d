/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: the only room that includes libevent. It owns descriptors, timers, signals, child
 * processes, the bounded pool of threads for what blocks, and the way back from other threads.
 * Everything but loop_post() and loop_stop() is for the loop thread.
 *
 * A callback is never called from inside the function that asked for it: it comes in a later batch.
 */
#ifndef FRAMEFARM_LOOP_LOOP_H
#define FRAMEFARM_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct spread;
struct loop_timer;
struct loop_fd;
struct loop_child;
struct loop_signal;

#define LOOP_READ  1
#define LOOP_WRITE 2

#define LOOP_POOL_THREADS 4
#define LOOP_POOL_QUEUE   4096 /* pieces of work that no thread has begun yet */
#define LOOP_CHILDREN     1024 /* living children; a detached one does not count */

/* From now on this process ignores SIGPIPE (a closed peer is an error code, not a death) and has
 * SIGCHLD at its default, without which no exit status could be had. */
struct loop *loop_new(struct err *e);
/* After loop_run(). Kills the children that are left and reports their exit, runs the work that is
 * queued and its done(), and what was posted: all on the calling thread, all before it returns.
 * No other thread may post any more; timers, descriptors and signals must have been freed, at the
 * latest by these callbacks. NULL is allowed. */
void loop_free(struct loop *l);
/* Dispatches until loop_stop(). turn(arg) runs once behind each batch of callbacks, the last one
 * included. A stop that comes early ends the next run. */
void loop_run(struct loop *l, void (*turn)(void *arg), void *arg);
void loop_stop(struct loop *l); /* any thread */
/* How long turns took, each from its first callback to the end of turn(): on the clock, and of the
 * processor alone, which shows whether a long one was ours. Valid until loop_free(). */
const struct spread *loop_turns(const struct loop *l);
const struct spread *loop_turns_processor(const struct loop *l);

/* A timer is not set at first, and is not set any more when its callback runs; it may set itself
 * again there. It never fires before its time; a time in the past means "soon". */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_set(struct loop_timer *t, int64_t at_mono_ms); /* again to move it */
void loop_timer_clear(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* allowed in its callback; NULL allowed */

/* Level-triggered. The descriptor must be one that epoll takes (no regular file). With events 0 it
 * rests: not even a hang-up is reported. */
struct loop_fd *loop_fd_new(
	struct loop *l, int fd, unsigned events, void (*fn)(void *arg, unsigned events), void *arg);
void loop_fd_set(struct loop_fd *f, unsigned events);
void loop_fd_free(struct loop_fd *f); /* does not close; allowed in any callback; NULL allowed */

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*fn)(void *arg), void *arg);
void loop_signal_free(struct loop_signal *s); /* NULL allowed */

/* Runs fn(arg) on the loop thread, later. Any thread; what one thread posts runs in its order. The
 * queue is bounded by what its callers have reserved (each completion belongs to one submitted
 * piece of work), so it never refuses. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

/* work(arg) on a pool thread, then done(arg) on the loop thread, exactly once, even while the loop
 * is being freed: what is queued by then is still run, since it is bounded. ERR_FULL when
 * LOOP_POOL_QUEUE is reached, ERR_WRONGSTATE from inside loop_free(); then neither comes. */
int loop_blocking(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg);

/* The child has default signal dispositions, an empty signal mask, and no descriptor of ours but
 * the three; it leads a process group of its own, so a Ctrl-C meant for us does not reach it. */
struct loop_spawn {
	const char *path; /* no search in PATH */
	char *const *argv;
	char *const *envp;         /* NULL: PATH and LANG alone */
	int fd_in, fd_out, fd_err; /* copied; stay the caller's; -1: /dev/null */
	bool detach;               /* double fork and setsid: not a child of ours, no exit report */
};

/* NULL with *e when it cannot be started, a missing program included. The handle is valid until
 * exited() has returned. A detached process has no handle of its own: what is returned for it only
 * says that it was started. */
struct loop_child *loop_spawn(struct loop *l, const struct loop_spawn *sp,
	void (*exited)(void *arg, int status), void *arg, struct err *e);
/* Signals the child's whole process group; nothing for a detached one or one that has ended. */
void loop_child_kill(struct loop_child *c, int sig);
int loop_child_pid(const struct loop_child *c); /* 0 for a detached one or one that has ended */

#endif
