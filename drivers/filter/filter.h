/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: a driver around a driver. What is returned is a `const struct driver` like any other; to
 * its caller it is the driver it wraps, under the same name and with the same devices, only worse
 * (fault) or better observed (trace). They nest. A filter is started at most once at a time, and
 * freed when its stopped() has come.
 */
#ifndef FRAMEFARM_DRIVERS_FILTER_FILTER_H
#define FRAMEFARM_DRIVERS_FILTER_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/driver.h"

#define FILTERS_MAX      8  /* alive at a time, of all kinds */
#define FILTER_FAULT_MAX 32 /* rules of one filter */

enum filter_fault_what {
	FILTER_FAIL,   /* completes with `code` without the driver having been asked */
	FILTER_DELAY,  /* the completion comes `ms` later */
	FILTER_REFUSE, /* submit() returns `code` */
	FILTER_LOSE,   /* the device is unplugged as the operation is submitted; back after `ms`, or
	                  never where `ms` is negative */
	FILTER_CUT,    /* the stream of a CONNECT ends behind `bytes` received, with `code` */
};

struct filter_fault {
	enum filter_fault_what what;
	enum driver_op_kind kind; /* DRIVER_OP_KINDS: of every kind */
	int after;                /* leaves the first `after` operations of that kind alone */
	int times;                /* and then strikes this often; 0: for ever */
	int code;                 /* an enum err_code */
	int64_t ms;
	int64_t bytes;
	bool blame_device; /* FILTER_FAIL */
};

/* Copies the rules. The first rule that strikes an operation is the one that counts. NULL when
 * FILTERS_MAX filters live. */
const struct driver *filter_fault_new(
	const struct driver *next, const struct filter_fault *faults, int n_faults);

/* One line a call and completion, in order, without a newline:
 *	ms=12 arrived dev=1
 *	ms=12 submit op=1 kind=push dev=1 rc=0
 *	ms=40 cancel op=1
 *	ms=41 done op=1 kind=push rc=-12 text="cancelled"
 *	ms=50 gone dev=1 why="…"
 * ms counts from start(). dev and op count from 1, so a trace is the same in each run. */
const struct driver *filter_trace_new(
	const struct driver *next, void (*line)(void *arg, const char *text), void *arg);

void filter_free(const struct driver *drv); /* NULL is allowed; not the driver it wraps */

#endif
