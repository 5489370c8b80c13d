/* SPDX-License-Identifier: Apache-2.0 */
/* A stream that can be cut from outside; see fault.h. Loop thread. */
#include "drivers/filter/fault.h"

#include <assert.h>

#include "base/err.h"
#include "base/mem.h"

struct fault_stream {
	struct stream s; /* first: what the receiver sees */
	struct fault_stream *next;
	struct fault *f;
	struct fault_dev *dev;
	struct stream *in; /* NULL: cut, only closed() is left */
	int64_t left;      /* bytes until it is cut; negative: none */
	int code;
	struct host_timer *timer;
};

static struct fault_stream *of(struct stream *s)
{
	return (struct fault_stream *)s;
}

static void finish(struct fault_stream *fs, int code, const char *text)
{
	struct fault_stream **at = &fs->f->streams;
	struct fault *f = fs->f;
	struct fault_dev *d = fs->dev;

	while (*at != fs)
		at = &(*at)->next;
	*at = fs->next;
	if (fs->s.events)
		fs->s.events->closed(fs->s.arg, code, text);
	mem_free(fs);
	d->n_busy--;
	fault_check_gone(f, d);
}

static void on_cut(void *arg)
{
	struct fault_stream *fs = arg;

	finish(fs, fs->code, fs->code == ERR_GONE ? "the device was unplugged" : "cut");
}

void fault_stream_drop(struct stream *in)
{
	in->events = NULL;
	in->ops->close(in);
}

static void cut(struct fault_stream *fs, int code)
{
	struct driver_host *up = fs->f->w->up;

	if (!fs->in)
		return;
	fault_stream_drop(fs->in);
	fs->in = NULL;
	fs->code = code;
	fs->timer = up->timer_add(up, up->now_ms(up), on_cut, fs);
}

void fault_streams_lose(struct fault *f, struct fault_dev *d)
{
	for (struct fault_stream *fs = f->streams; fs; fs = fs->next)
		if (fs->dev == d)
			cut(fs, ERR_GONE);
}

void fault_streams_end(struct fault *f, struct fault_dev *d)
{
	struct fault_stream *fs, *next;

	for (fs = f->streams; fs; fs = next) {
		next = fs->next;
		if (fs->dev != d)
			continue;
		assert(fs->timer);
		f->w->up->timer_del(f->w->up, fs->timer);
		on_cut(fs);
	}
}

/* ---- from the receiver ---- */

static size_t on_write(struct stream *s, const uint8_t *data, size_t n)
{
	struct stream *in = of(s)->in;

	return in ? in->ops->write(in, data, n) : n;
}

static void on_pause(struct stream *s, bool on)
{
	struct stream *in = of(s)->in;

	if (in)
		in->ops->pause(in, on);
}

static void on_close(struct stream *s)
{
	struct stream *in = of(s)->in;

	if (in)
		in->ops->close(in);
}

static const struct stream_ops ops = {on_write, on_pause, on_close};

/* ---- from the wrapped driver ---- */

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct fault_stream *fs = arg;
	bool last = fs->left >= 0 && (int64_t)n >= fs->left;

	if (last)
		n = fs->left;
	if (fs->left >= 0)
		fs->left -= n;
	if (n && fs->s.events)
		fs->s.events->data(fs->s.arg, data, n);
	if (last)
		cut(fs, fs->code);
}

static void on_drained(void *arg)
{
	struct fault_stream *fs = arg;

	if (fs->s.events)
		fs->s.events->drained(fs->s.arg);
}

static void on_closed(void *arg, int code, const char *text)
{
	struct fault_stream *fs = arg;

	fs->in = NULL;
	finish(fs, code, text);
}

struct stream *fault_stream_new(
	struct fault *f, struct fault_dev *d, struct stream *in, int64_t bytes, int code)
{
	static const struct stream_events events = {on_data, on_drained, on_closed};
	struct fault_stream *fs = mem_zalloc(sizeof(*fs));

	*fs = (struct fault_stream){.s.ops = &ops,
		.next = f->streams,
		.f = f,
		.dev = d,
		.in = in,
		.left = bytes,
		.code = code};
	f->streams = fs;
	d->n_busy++;
	in->events = &events;
	in->arg = fs;
	return &fs->s;
}
