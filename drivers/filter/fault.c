/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fault filter; see filter.h. It keeps the contract of driver.h whatever it breaks: what it
 * holds still completes once, a device that it unplugs is gone only when its operations and streams
 * are done, and one that comes back arrives anew. The wrapped driver never learns of it: to it,
 * operations were cancelled and streams closed. Loop thread; all waiting is the host's timers.
 */
#include "drivers/filter/fault.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/* ---- devices ---- */

static struct fault_dev *find_dev(struct fault *f, const struct driver_dev *dev)
{
	struct fault_dev *d = f->devs;

	while (d && d->dev != dev)
		d = d->next;
	return d;
}

static void on_arrived(struct wrap *w, struct driver_dev *dev, const char *where)
{
	struct fault *f = w->filter;
	struct fault_dev *d = mem_zalloc(sizeof(*d));

	*d = (struct fault_dev){.next = f->devs, .f = f, .dev = dev};
	str_copy(d->where, sizeof(d->where), where);
	f->devs = d;
	wrap_arrived(w, dev, where);
}

static void on_back(void *arg)
{
	struct fault_dev *d = arg;

	d->back = NULL;
	d->lost = d->told = false;
	wrap_arrived(d->f->w, d->dev, d->where);
}

void fault_check_gone(struct fault *f, struct fault_dev *d)
{
	struct driver_host *up = f->w->up;

	if (!d->lost || d->told || d->n_busy)
		return;
	d->told = true;
	wrap_gone(f->w, d->dev, d->why ? d->why : "unplugged");
	if (d->back_ms >= 0)
		d->back = up->timer_add(up, up->now_ms(up) + d->back_ms, on_back, d);
}

/* ---- operations ---- */

static struct fault_op *find_op(struct fault *f, const struct driver_op *op)
{
	struct fault_op *fo = f->ops;

	while (fo && fo->op != op)
		fo = fo->next;
	return fo;
}

static struct fault_op *first_op(struct fault *f, const struct fault_dev *d)
{
	struct fault_op *fo = f->ops;

	while (fo && fo->dev != d)
		fo = fo->next;
	return fo;
}

static struct fault_op *op_new(
	struct fault *f, struct driver_op *op, struct fault_dev *d, const struct filter_fault *rule)
{
	struct fault_op *fo = mem_zalloc(sizeof(*fo));

	*fo = (struct fault_op){.next = f->ops, .f = f, .op = op, .dev = d, .rule = rule};
	f->ops = fo;
	d->n_busy++;
	return fo;
}

static void op_free(struct fault_op *fo)
{
	struct fault_op **at = &fo->f->ops;

	while (*at != fo)
		at = &(*at)->next;
	*at = fo->next;
	fo->dev->n_busy--;
	mem_free(fo);
}

static void set_failed(struct driver_op *op, int code, const char *text, bool blame)
{
	if (!op->rc && op->kind == DRIVER_OP_EXEC) {
		mem_free(op->result.exec.out);
		mem_free(op->result.exec.err);
	} else if (!op->rc && op->kind == DRIVER_OP_CONNECT && op->result.stream) {
		fault_stream_drop(op->result.stream);
	}
	memset(&op->result, 0, sizeof(op->result));
	op->rc = code;
	op->blame_device = blame;
	str_copy(op->text, sizeof(op->text), text);
}

static void complete(struct fault_op *fo)
{
	struct driver_op *op = fo->op;
	struct fault_dev *d = fo->dev;
	struct fault *f = fo->f;
	bool cut = fo->rule && fo->rule->what == FILTER_CUT;

	if (d->lost)
		set_failed(op, ERR_GONE, "the device was unplugged", false);
	if (!op->rc && op->kind == DRIVER_OP_CONNECT)
		op->result.stream = fault_stream_new(f, d, op->result.stream,
			cut ? fo->rule->bytes : -1, cut ? fo->rule->code : 0);
	op_free(fo);
	wrap_op_done(f->w, op);
	fault_check_gone(f, d);
}

static void on_hold_over(void *arg)
{
	struct fault_op *fo = arg;

	fo->timer = NULL;
	complete(fo);
}

/* Completes after ms, whatever op says by then. */
static void hold(struct fault_op *fo, int64_t ms)
{
	struct driver_host *up = fo->f->w->up;

	if (fo->timer)
		up->timer_del(up, fo->timer);
	fo->held = true;
	fo->timer = up->timer_add(up, up->now_ms(up) + ms, on_hold_over, fo);
}

/* Pulls the plug. Nothing is reported from here: what is under way comes back cancelled, what is
 * held comes at once. */
static void lose(struct fault *f, struct fault_dev *d, int64_t back_ms)
{
	struct fault_op *fo, *next;

	d->lost = true;
	d->back_ms = back_ms;
	for (fo = f->ops; fo; fo = next) {
		next = fo->next;
		if (fo->dev != d)
			continue;
		if (fo->held)
			hold(fo, 0);
		else
			wrap_cancel(f->w, fo->op);
	}
	fault_streams_lose(f, d);
}

/* The first rule that strikes; every rule of the kind counts what it sees. */
static const struct filter_fault *strike(struct fault *f, enum driver_op_kind kind)
{
	const struct filter_fault *hit = NULL;

	for (int i = 0; i < f->n_rules; i++) {
		const struct filter_fault *r = &f->rules[i];

		if (r->kind != kind && r->kind != DRIVER_OP_KINDS)
			continue;
		if (r->what == FILTER_CUT && kind != DRIVER_OP_CONNECT)
			continue;
		if (f->seen[i]++ < r->after || (r->times && f->struck[i] >= r->times) || hit)
			continue;
		f->struck[i]++;
		hit = r;
	}
	return hit;
}

static int pass_on(struct fault *f, struct fault_op *fo, struct err *e)
{
	int rc = wrap_submit(f->w, fo->op, e);

	if (rc)
		op_free(fo);
	return rc;
}

static int on_submit(struct wrap *w, struct driver_op *op, struct err *e)
{
	struct fault *f = w->filter;
	struct fault_dev *d = find_dev(f, op->dev);
	const struct filter_fault *rule;
	struct fault_op *fo;

	if (!d || d->lost)
		return err_set(e, ERR_GONE, "the device was unplugged");
	rule = strike(f, op->kind);
	if (rule && rule->what == FILTER_REFUSE)
		return err_set(e, rule->code, "refused by a fault");
	fo = op_new(f, op, d, rule);
	if (!rule || rule->what == FILTER_DELAY || rule->what == FILTER_CUT)
		return pass_on(f, fo, e);
	op->rc = rule->code; /* so that set_failed() finds no result to drop */
	if (rule->what == FILTER_FAIL) {
		set_failed(op, rule->code, "failed by a fault", rule->blame_device);
		hold(fo, rule->ms);
	} else {
		op->rc = ERR_GONE;
		hold(fo, 0);
		lose(f, d, rule->ms);
	}
	return 0;
}

static void on_op_done(struct wrap *w, struct driver_op *op)
{
	struct fault_op *fo = find_op(w->filter, op);

	assert(fo && !fo->held);
	if (!fo->dev->lost && fo->rule && fo->rule->what == FILTER_DELAY)
		hold(fo, fo->rule->ms);
	else
		complete(fo);
}

/* What would have failed later is cancelled; what has its result already passes at once. */
static void on_cancel(struct wrap *w, struct driver_op *op)
{
	struct fault_op *fo = find_op(w->filter, op);

	if (!fo)
		return;
	if (!fo->held) {
		wrap_cancel(w, op);
		return;
	}
	if (fo->rule && fo->rule->what == FILTER_FAIL)
		set_failed(op, ERR_CANCELLED, "cancelled", false);
	hold(fo, 0);
}

/* The wrapped driver's device goes: what we hold of it must not outlive it. */
static void on_gone(struct wrap *w, struct driver_dev *dev, const char *why)
{
	struct fault *f = w->filter;
	struct fault_dev *d = find_dev(f, dev), **at = &f->devs;
	struct fault_op *fo;

	assert(d);
	if (d->back)
		w->up->timer_del(w->up, d->back);
	d->back = NULL;
	d->back_ms = -1;
	d->lost = true;
	d->why = why;
	while ((fo = first_op(f, d))) {
		assert(fo->held);
		w->up->timer_del(w->up, fo->timer);
		complete(fo);
	}
	fault_streams_end(f, d);
	fault_check_gone(f, d);
	assert(d->told);
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	mem_free(d);
}

static const struct wrap_hooks hooks = {.submit = on_submit,
	.cancel = on_cancel,
	.op_done = on_op_done,
	.arrived = on_arrived,
	.gone = on_gone,
	.free = mem_free};

const struct driver *filter_fault_new(
	const struct driver *next, const struct filter_fault *faults, int n_faults)
{
	struct fault *f = mem_zalloc(sizeof(*f));

	assert(n_faults >= 0 && n_faults <= FILTER_FAULT_MAX);
	f->n_rules = n_faults;
	if (n_faults)
		memcpy(f->rules, faults, n_faults * sizeof(*faults));
	f->w = wrap_new(next, &hooks, f);
	if (f->w)
		return &f->w->drv;
	mem_free(f);
	return NULL;
}
