/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for testing any driver: time is virtual and moves only when the test says so, descriptors
 * and children are real, blocking work runs where the test wants it. It also stands guard over the
 * contract of driver.h and fails the test when a driver breaks it:
 *	- nothing is reported from inside start(), submit(), cancel() or stop();
 *	- an operation completes exactly once, and only one that was submitted;
 *	- a device arrives once, and is gone only when its operations are done;
 *	- stopped() comes once, behind the last gone();
 *	- at the end no timer, descriptor (watched or open), child or work is left.
 *
 *	struct support_host *sh = support_host_new(SUPPORT_INLINE);
 *	void *inst = support_start(sh, &driver_x, dir, opts, n_opts);
 *	support_until_arrived(sh, 1);
 *	support_submit(sh, &op);
 *	support_until_done(sh, &op);
 *	support_stop(sh);
 *	support_host_free(sh);
 */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_HOST_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_HOST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "drivers/driver.h"

#define SUPPORT_OPS         32
#define SUPPORT_DEVS        8
#define SUPPORT_PATIENCE_MS 60000 /* real time, after which a wait fails the test */

enum support_work {
	SUPPORT_INLINE,  /* blocking work runs in support_step(), in its order, on this thread */
	SUPPORT_THREADS, /* each piece of work on a thread of its own */
	SUPPORT_HELD,    /* it waits for support_release_work() */
};

struct support_host;

struct support_host *support_host_new(enum support_work mode);
void support_host_free(struct support_host *sh); /* checks that nothing is left */
struct driver_host *support_host(struct support_host *sh);

/* ---- the driver under test; one a host ---- */

void support_start(struct support_host *sh, const struct driver *drv, const char *dir,
	const struct driver_option *opts, int n_opts);
/* Steps until stopped(); does nothing when the driver was never started. */
void support_stop(struct support_host *sh);
void support_ask_stop(struct support_host *sh); /* without waiting */
bool support_is_stopped(const struct support_host *sh);
/* The nth device that arrived, from 0. */
struct driver_dev *support_dev(const struct support_host *sh, int n);
int support_n_arrived(const struct support_host *sh);
/* What the nth device last said that a person must do; "" for nothing. */
const char *support_need(const struct support_host *sh, int n);
/* How often a person was called, by any device. */
int support_n_needs(const struct support_host *sh);
const char *support_where(const struct support_host *sh, int n);
int support_n_gone(const struct support_host *sh);

/* Fills op->dev with the newest device where it is NULL. Returns what submit() did. */
int support_submit(struct support_host *sh, struct driver_op *op, struct err *e);
void support_cancel(struct support_host *sh, struct driver_op *op);
bool support_is_done(const struct support_host *sh, const struct driver_op *op);

/* ---- time and progress ---- */

/* Moves virtual time. Timers that are due fire in the next steps. */
void support_advance(struct support_host *sh, int64_t ms);
/* Whether virtual time goes on with the real clock's in the waits below: for a peer with a life of its
 * own, to whom the driver comes back in its own time. */
void support_follow_clock(struct support_host *sh, bool on);
void support_hold_work(struct support_host *sh, enum support_work mode);
void support_release_work(struct support_host *sh);
/* One batch: due timers, one piece of work, ready descriptors, ended children. Does not wait.
 * Returns how many callbacks ran. */
int support_step(struct support_host *sh);
/* Steps, waiting in real time for descriptors, children and threads, until cond(arg). Virtual time
 * stands. */
void support_until(struct support_host *sh, bool (*cond)(void *arg), void *arg);
void support_until_arrived(struct support_host *sh, int n);
void support_until_gone(struct support_host *sh, int n);
void support_until_done(struct support_host *sh, const struct driver_op *op);
/* Both of the above: submits, which must work, and waits; returns op->rc. */
int support_do(struct support_host *sh, struct driver_op *op);

/* ---- streams ---- */

/* A receiver that keeps what comes; its memory is bounded by pausing the stream itself. */
struct support_sink {
	struct stream *s; /* NULL behind closed() */
	uint8_t *data;
	size_t n, cap;
	size_t pause_at; /* pauses the stream when this much is here; 0: never */
	int drained, closed, code;
	char text[LIMIT_CAUSE];
};

void support_sink_init(struct support_sink *k, struct stream *s, size_t cap);
void support_sink_fini(struct support_sink *k);

#endif
