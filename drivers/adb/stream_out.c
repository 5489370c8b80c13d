/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that CONNECT hands out. It stands between the phone's stream and the receiver, so that
 * the driver knows when it has ended (a device is gone only behind its streams) and can end it itself
 * with the reason that the device's end has. Loop thread.
 */
#include "drivers/adb/adb.h"

#include <assert.h>

#include "base/mem.h"
#include "base/str.h"

struct adb_stream_out {
	struct stream s; /* first: the two are one pointer */
	struct driver_dev *dev;
	struct stream *inner; /* NULL before adb_stream_out_set() and once it is closed */
	struct adb_stream_out *next, **prev;
	bool deaf; /* its receiver has closed it */
};

static struct adb_stream_out *of(struct stream *s)
{
	return (struct adb_stream_out *)s;
}

/* ---- the receiver's calls ---- */

static size_t out_write(struct stream *s, const uint8_t *data, size_t n)
{
	struct stream *in = of(s)->inner;

	return in ? in->ops->write(in, data, n) : 0;
}

static void out_pause(struct stream *s, bool on)
{
	struct stream *in = of(s)->inner;

	if (in)
		in->ops->pause(in, on);
}

static void out_close(struct stream *s)
{
	struct stream *in = of(s)->inner;

	if (in)
		in->ops->close(in);
}

static const struct stream_ops out_ops = {out_write, out_pause, out_close};

/* ---- the phone's events ---- */

static void in_data(void *arg, const uint8_t *data, size_t n)
{
	struct stream *s = arg;

	if (s->events && s->events->data)
		s->events->data(s->arg, data, n);
}

static void in_drained(void *arg)
{
	struct stream *s = arg;

	if (s->events && s->events->drained)
		s->events->drained(s->arg);
}

static void in_closed(void *arg, int code, const char *text)
{
	struct adb_stream_out *o = arg;
	struct driver_dev *d = o->dev;

	*o->prev = o->next;
	if (o->next)
		o->next->prev = o->prev;
	d->n_streams--;
	o->inner = NULL;
	if (d->ending)
		code = ERR_GONE;
	if (o->s.events && o->s.events->closed)
		o->s.events->closed(o->s.arg, code, d->ending ? d->why : text);
	mem_free(o);
	adb_dev_check_end(d);
}

const struct stream_events adb_stream_out_events = {in_data, in_drained, in_closed};

/* ---- life ---- */

struct stream *adb_stream_out_new(struct driver_dev *d)
{
	struct adb_stream_out *o = mem_zalloc(sizeof(*o));

	o->s.ops = &out_ops;
	o->dev = d;
	return &o->s;
}

void adb_stream_out_set(struct stream *s, struct stream *inner)
{
	struct adb_stream_out *o = of(s);
	struct driver_dev *d = o->dev;

	o->inner = inner;
	o->next = d->streams;
	o->prev = &d->streams;
	if (o->next)
		o->next->prev = &o->next;
	d->streams = o;
	d->n_streams++;
}

void adb_stream_out_drop(struct stream *s)
{
	s->events = NULL;
	if (of(s)->inner)
		out_close(s);
	else
		mem_free(of(s));
}

/* Those over a connection that is being freed close by themselves; this hurries the others. */
void adb_streams_out_end(struct driver_dev *d, const char *why)
{
	(void)why;
	for (struct adb_stream_out *o = d->streams, *next; o; o = next) {
		next = o->next;
		out_close(&o->s);
	}
}
