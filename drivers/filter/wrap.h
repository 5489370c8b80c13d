/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every filter is made of: an instance that stands between a host and a driver, passes every
 * call on in both directions, and lets a filter's hooks in where they want to be. A hook that is
 * NULL passes on.
 *
 *	host  <-- up ---  struct wrap  --- next -->  driver
 *
 * To the wrapped driver the wrap is a host; to the host it is a driver. Devices and operations go
 * through as they are: their private fields are the wrapped driver's.
 */
#ifndef FRAMEFARM_DRIVERS_FILTER_WRAP_H
#define FRAMEFARM_DRIVERS_FILTER_WRAP_H

#include "drivers/filter/filter.h"

struct wrap;

struct wrap_hooks {
	int (*submit)(struct wrap *w, struct driver_op *op, struct err *e);
	void (*cancel)(struct wrap *w, struct driver_op *op);
	void (*op_done)(struct wrap *w, struct driver_op *op);
	void (*arrived)(struct wrap *w, struct driver_dev *dev, const char *where);
	void (*gone)(struct wrap *w, struct driver_dev *dev, const char *why);
	void (*needs_human)(
		struct wrap *w, struct driver_dev *dev, const char *what_to_do, bool may_pass);
	void (*started)(struct wrap *w);
	/* The wrapped driver has stopped. The hook calls wrap_stopped() when the filter is through
	 * as well. */
	void (*stopped)(struct wrap *w);
	void (*free)(void *filter);
};

struct wrap {
	struct driver_host host; /* first: what the wrapped driver sees */
	struct driver drv;       /* what the host above sees */
	const struct driver *next;
	const struct wrap_hooks *hooks;
	void *filter; /* the hooks' own */
	struct driver_host *up;
	void *inst; /* of the wrapped driver */
	bool running;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* NULL when FILTERS_MAX filters live; `filter` stays the caller's then. */
struct wrap *wrap_new(const struct driver *next, const struct wrap_hooks *hooks, void *filter);

/* Passing on. */
int wrap_submit(struct wrap *w, struct driver_op *op, struct err *e);
void wrap_cancel(struct wrap *w, struct driver_op *op);
void wrap_op_done(struct wrap *w, struct driver_op *op);
void wrap_arrived(struct wrap *w, struct driver_dev *dev, const char *where);
void wrap_gone(struct wrap *w, struct driver_dev *dev, const char *why);
void wrap_needs_human(
	struct wrap *w, struct driver_dev *dev, const char *what_to_do, bool may_pass);
void wrap_stopped(struct wrap *w);

#endif
