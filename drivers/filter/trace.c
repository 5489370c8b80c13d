/* SPDX-License-Identifier: Apache-2.0 */
/* The trace filter: a line for each call and completion; see filter.h. Changes nothing. */
#include "drivers/filter/wrap.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"

#define LINE_BYTES 512

struct trace {
	void (*line)(void *arg, const char *text);
	void *arg;
	int64_t begin_ms;
	/* Numbers of what is there: pointers differ from run to run. */
	struct map *numbers; /* by pointer */
	intptr_t n_devs, n_ops;
};

static void say(struct wrap *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct wrap *w, const char *fmt, ...)
{
	struct trace *t = w->filter;
	char text[LINE_BYTES];
	va_list ap;
	int n = snprintf(
		text, sizeof(text), "ms=%lld ", (long long)(w->up->now_ms(w->up) - t->begin_ms));

	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	t->line(t->arg, text);
}

static int number(struct trace *t, const void *p)
{
	return (int)(intptr_t)map_get(t->numbers, (int64_t)(intptr_t)p);
}

static int forget(struct trace *t, const void *p)
{
	return (int)(intptr_t)map_del(t->numbers, (int64_t)(intptr_t)p);
}

static int learn(struct trace *t, const void *p, intptr_t *count)
{
	map_put(t->numbers, (int64_t)(intptr_t)p, (void *)++*count);
	return (int)*count;
}

static int on_submit(struct wrap *w, struct driver_op *op, struct err *e)
{
	struct trace *t = w->filter;
	struct err why = {0};
	int n = learn(t, op, &t->n_ops), rc = wrap_submit(w, op, &why);

	if (!rc) {
		say(w, "submit op=%d kind=%s dev=%d rc=0", n, driver_op_name(op->kind),
			number(t, op->dev));
		return 0;
	}
	say(w, "submit op=%d kind=%s dev=%d rc=%d text=\"%s\"", n, driver_op_name(op->kind),
		number(t, op->dev), rc, why.text);
	forget(t, op);
	return err_set(e, rc, "%s", why.text);
}

static void on_cancel(struct wrap *w, struct driver_op *op)
{
	say(w, "cancel op=%d", number(w->filter, op));
	wrap_cancel(w, op);
}

static void on_op_done(struct wrap *w, struct driver_op *op)
{
	int n = forget(w->filter, op);

	if (op->rc)
		say(w, "done op=%d kind=%s rc=%d text=\"%s\"", n, driver_op_name(op->kind), op->rc,
			op->text);
	else
		say(w, "done op=%d kind=%s rc=0", n, driver_op_name(op->kind));
	wrap_op_done(w, op);
}

static void on_arrived(struct wrap *w, struct driver_dev *dev, const char *where)
{
	struct trace *t = w->filter;

	say(w, "arrived dev=%d", learn(t, dev, &t->n_devs));
	wrap_arrived(w, dev, where);
}

static void on_gone(struct wrap *w, struct driver_dev *dev, const char *why)
{
	say(w, "gone dev=%d why=\"%s\"", forget(w->filter, dev), why);
	wrap_gone(w, dev, why);
}

static void on_needs_human(
	struct wrap *w, struct driver_dev *dev, const char *what_to_do, bool may_pass)
{
	say(w, "needs_human dev=%d may_pass=%d text=\"%s\"", number(w->filter, dev), may_pass,
		what_to_do);
	wrap_needs_human(w, dev, what_to_do, may_pass);
}

static void on_started(struct wrap *w)
{
	struct trace *t = w->filter;

	t->begin_ms = w->up->now_ms(w->up);
	say(w, "started");
}

static void on_stopped(struct wrap *w)
{
	say(w, "stopped");
	wrap_stopped(w);
}

static void trace_free(void *filter)
{
	struct trace *t = filter;

	map_free(t->numbers);
	mem_free(t);
}

static const struct wrap_hooks hooks = {on_submit, on_cancel, on_op_done, on_arrived, on_gone,
	on_needs_human, on_started, on_stopped, trace_free};

const struct driver *filter_trace_new(
	const struct driver *next, void (*line)(void *arg, const char *text), void *arg)
{
	struct trace *t = mem_zalloc(sizeof(*t));
	struct wrap *w = wrap_new(next, &hooks, t);

	*t = (struct trace){.line = line, .arg = arg, .numbers = map_new()};
	if (w)
		return &w->drv;
	trace_free(t);
	return NULL;
}
