/* SPDX-License-Identifier: Apache-2.0 */
/* A driver that passes everything on; see wrap.h. Loop thread. */
#include "drivers/filter/wrap.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

/* start() is not told which driver it belongs to, so each living filter has a start() of its own,
 * and these are the wraps they belong to. */
static struct wrap *slots[FILTERS_MAX];

static struct wrap *of(struct driver_host *h)
{
	return (struct wrap *)h;
}

/* ---- up: the wrapped driver uses its host ---- */

static int64_t now_ms(struct driver_host *h)
{
	return of(h)->up->now_ms(of(h)->up);
}

static struct host_timer *timer_add(
	struct driver_host *h, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	return of(h)->up->timer_add(of(h)->up, at_ms, fn, arg);
}

static void timer_del(struct driver_host *h, struct host_timer *t)
{
	of(h)->up->timer_del(of(h)->up, t);
}

static struct host_fd *fd_add(struct driver_host *h, int fd, unsigned events,
	void (*fn)(void *arg, unsigned events), void *arg)
{
	return of(h)->up->fd_add(of(h)->up, fd, events, fn, arg);
}

static void fd_events(struct driver_host *h, struct host_fd *f, unsigned events)
{
	of(h)->up->fd_set(of(h)->up, f, events);
}

static void fd_del(struct driver_host *h, struct host_fd *f)
{
	of(h)->up->fd_del(of(h)->up, f);
}

static struct host_child *spawn(struct driver_host *h, const struct host_spawn *sp,
	void (*exited)(void *arg, int status), void *arg, struct err *e)
{
	return of(h)->up->spawn(of(h)->up, sp, exited, arg, e);
}

static void child_kill(struct driver_host *h, struct host_child *c, int sig)
{
	of(h)->up->child_kill(of(h)->up, c, sig);
}

static int blocking(
	struct driver_host *h, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	return of(h)->up->blocking(of(h)->up, work, done, arg);
}

void wrap_arrived(struct wrap *w, struct driver_dev *dev, const char *where)
{
	w->up->arrived(w->up, &w->drv, dev, where);
}

void wrap_gone(struct wrap *w, struct driver_dev *dev, const char *why)
{
	w->up->gone(w->up, dev, why);
}

void wrap_needs_human(struct wrap *w, struct driver_dev *dev, const char *what_to_do, bool may_pass)
{
	w->up->needs_human(w->up, dev, what_to_do, may_pass);
}

void wrap_op_done(struct wrap *w, struct driver_op *op)
{
	w->up->op_done(w->up, op);
}

static void arrived(
	struct driver_host *h, const struct driver *drv, struct driver_dev *dev, const char *where)
{
	(void)drv;
	(of(h)->hooks->arrived ? of(h)->hooks->arrived : wrap_arrived)(of(h), dev, where);
}

static void gone(struct driver_host *h, struct driver_dev *dev, const char *why)
{
	(of(h)->hooks->gone ? of(h)->hooks->gone : wrap_gone)(of(h), dev, why);
}

static void needs_human(
	struct driver_host *h, struct driver_dev *dev, const char *what_to_do, bool may_pass)
{
	(of(h)->hooks->needs_human ? of(h)->hooks->needs_human : wrap_needs_human)(
		of(h), dev, what_to_do, may_pass);
}

static void op_done(struct driver_host *h, struct driver_op *op)
{
	(of(h)->hooks->op_done ? of(h)->hooks->op_done : wrap_op_done)(of(h), op);
}

static const struct driver_host host_table = {now_ms, timer_add, timer_del, fd_add, fd_events,
	fd_del, spawn, child_kill, blocking, arrived, gone, needs_human, op_done};

/* ---- down: the host above uses its driver ---- */

int wrap_submit(struct wrap *w, struct driver_op *op, struct err *e)
{
	return w->next->submit(w->inst, op, e);
}

void wrap_cancel(struct wrap *w, struct driver_op *op)
{
	w->next->cancel(w->inst, op);
}

void wrap_stopped(struct wrap *w)
{
	w->running = false;
	w->stopped(w->stopped_arg);
}

static int start(struct wrap *w, struct driver_host *h, const char *dir,
	const struct driver_option *opts, int n_opts, void **ret_inst, struct err *e)
{
	int rc;

	assert(!w->running);
	w->up = h;
	rc = w->next->start(&w->host, dir, opts, n_opts, &w->inst, e);
	if (rc)
		return rc;
	w->running = true;
	*ret_inst = w;
	if (w->hooks->started)
		w->hooks->started(w);
	return 0;
}

static void next_stopped(void *arg)
{
	struct wrap *w = arg;

	(w->hooks->stopped ? w->hooks->stopped : wrap_stopped)(w);
}

static void stop(void *inst, void (*stopped)(void *arg), void *arg)
{
	struct wrap *w = inst;

	w->stopped = stopped;
	w->stopped_arg = arg;
	w->next->stop(w->inst, next_stopped, w);
}

static int submit(void *inst, struct driver_op *op, struct err *e)
{
	struct wrap *w = inst;

	return (w->hooks->submit ? w->hooks->submit : wrap_submit)(w, op, e);
}

static void cancel(void *inst, struct driver_op *op)
{
	struct wrap *w = inst;

	(w->hooks->cancel ? w->hooks->cancel : wrap_cancel)(w, op);
}

static int address(void *inst, const char *text, bool add, struct err *e)
{
	struct wrap *w = inst;

	return w->next->address(w->inst, text, add, e);
}

static void addresses(void *inst, driver_address_fn *each, void *arg)
{
	struct wrap *w = inst;

	w->next->addresses(w->inst, each, arg);
}

#define START(n)                                                                                   \
	static int start_##n(struct driver_host *h, const char *dir,                               \
		const struct driver_option *opts, int n_opts, void **ret_inst, struct err *e)      \
	{                                                                                          \
		return start(slots[n], h, dir, opts, n_opts, ret_inst, e);                         \
	}

START(0)
START(1)
START(2)
START(3)
START(4)
START(5)
START(6)
START(7)

static int (*const starts[FILTERS_MAX])(struct driver_host *h, const char *dir,
	const struct driver_option *opts, int n_opts, void **ret_inst,
	struct err *e) = {start_0, start_1, start_2, start_3, start_4, start_5, start_6, start_7};

struct wrap *wrap_new(const struct driver *next, const struct wrap_hooks *hooks, void *filter)
{
	struct wrap *w;
	int i = 0;

	while (i < FILTERS_MAX && slots[i])
		i++;
	if (i == FILTERS_MAX)
		return NULL;
	w = mem_zalloc(sizeof(*w));
	w->host = host_table;
	w->drv = *next;
	w->drv.start = starts[i];
	w->drv.stop = stop;
	w->drv.submit = submit;
	w->drv.cancel = cancel;
	w->drv.address = next->address ? address : NULL;
	w->drv.addresses = next->address ? addresses : NULL;
	w->next = next;
	w->hooks = hooks;
	w->filter = filter;
	slots[i] = w;
	return w;
}

void filter_free(const struct driver *drv)
{
	for (int i = 0; drv && i < FILTERS_MAX; i++) {
		struct wrap *w = slots[i];

		if (!w || drv != &w->drv)
			continue;
		assert(!w->running);
		w->hooks->free(w->filter);
		mem_free(w);
		slots[i] = NULL;
		return;
	}
	assert(!drv);
}
