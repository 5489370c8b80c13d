/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync:, between a stream and the machine of syncer.h. What comes is gathered in one buffer while a
 * pool thread works on the other, so that the peer sends the next megabyte while this one is being
 * written; beyond SYNC_HIGH the stream is paused. What the machine makes is sent on as it is.
 */
#include "drivers/virtual/service.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "drivers/adb/mux.h"
#include "drivers/driver.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/session.h"
#include "drivers/virtual/space.h"
#include "drivers/virtual/syncer.h"

#define SYNC_HIGH  (2 * 1024 * 1024)
#define SYNC_SMALL (64 * 1024) /* done at once: a pool thread would cost more than the work */

struct sync {
	struct phone *phone;
	struct driver_host *h;
	struct adb_stream *stream; /* NULL: closed */
	struct syncer *machine;
	struct buf in, work; /* gathered; being worked on */
	size_t used;         /* of work */
	struct adb_buf *kept;
	bool busy, paused, finished;
	struct host_timer *again;
};

static void go_on(struct sync *y);

static void sync_free(struct sync *y)
{
	if (y->again)
		y->h->timer_del(y->h, y->again);
	syncer_free(y->machine);
	adb_buf_unref(y->kept);
	buf_fini(&y->in);
	buf_fini(&y->work);
	phone_service(y->phone, -1);
	mem_free(y);
}

/* ---- the pool's side ---- */

static void work(void *arg)
{
	struct sync *y = arg;

	y->used +=
		syncer_run(y->machine, y->work.data + y->used, y->work.len - y->used, SYNCER_OUT);
}

static void worked(void *arg)
{
	struct sync *y = arg;

	y->busy = false;
	if (!y->stream) {
		sync_free(y);
		return;
	}
	go_on(y);
}

/* ---- the loop's side ---- */

static void set_paused(struct sync *y)
{
	bool on = y->in.len >= SYNC_HIGH;
	struct stream *s = adb_stream_base(y->stream);

	if (y->paused == on)
		return;
	y->paused = on;
	s->ops->pause(s, on);
}

/* Sends what is made; false when the stream has no more room. */
static bool send_made(struct sync *y)
{
	struct adb_buf *b;

	for (;;) {
		b = y->kept ? y->kept : syncer_take(y->machine);
		y->kept = NULL;
		if (!b)
			return true;
		if (!adb_stream_send(y->stream, b)) {
			y->kept = b;
			return false;
		}
	}
}

/* Whether there is something for the machine to do; takes the next input where it has used its own. */
static bool next_work(struct sync *y)
{
	struct buf swap = y->work;

	if (y->used < y->work.len || syncer_has_more(y->machine))
		return true;
	if (!y->in.len)
		return false;
	y->work = y->in;
	y->in = swap;
	y->in.len = 0;
	y->used = 0;
	set_paused(y);
	return true;
}

static void try_again(void *arg)
{
	struct sync *y = arg;

	y->again = NULL;
	go_on(y);
}

/* A peer that copies a thousand small files waits for each answer. Bounded: SYNC_SMALL bytes to
 * write, and one buffer to read. */
static bool work_at_once(struct sync *y)
{
	if (y->work.len > SYNC_SMALL || syncer_has_more(y->machine))
		return false;
	y->used += syncer_run(y->machine, y->work.data + y->used, y->work.len - y->used, 1);
	return true;
}

static bool finish_if_ended(struct sync *y)
{
	if (!syncer_ended(y->machine))
		return false;
	y->finished = true;
	adb_stream_finish(y->stream);
	return true;
}

/* Whether the peer asked for what the phone does not survive: nothing more is said then. */
static bool was_fatal(struct sync *y)
{
	const char *path = syncer_asked(y->machine);

	if (!path || !phone_asked(y->phone, path, strlen(path)))
		return false;
	y->finished = true;
	return true;
}

static void go_on(struct sync *y)
{
	if (y->busy || y->finished)
		return;
	do
		if (was_fatal(y) || !send_made(y) || finish_if_ended(y) || !next_work(y))
			return;
	while (work_at_once(y));
	y->busy = true;
	if (!y->h->blocking(y->h, work, worked, y))
		return;
	/* The pool's queue is full: others' work goes first. */
	y->busy = false;
	if (!y->again)
		y->again = y->h->timer_add(y->h, y->h->now_ms(y->h) + 5, try_again, y);
}

static void sync_data(void *arg, const uint8_t *data, size_t n)
{
	struct sync *y = arg;

	if (y->finished)
		return;
	buf_put(&y->in, data, n);
	set_paused(y);
	go_on(y);
}

static void sync_drained(void *arg)
{
	go_on(arg);
}

static void sync_closed(void *arg, int code, const char *text)
{
	struct sync *y = arg;

	(void)code;
	(void)text;
	y->stream = NULL;
	if (!y->busy)
		sync_free(y);
}

static const struct stream_events sync_events = {
	.data = sync_data, .drained = sync_drained, .closed = sync_closed};

bool service_sync(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	struct space *sp = phone_space(session_phone(s));
	struct sync *y;

	(void)rest;
	(void)n;
	if (!sp)
		return false;
	y = mem_zalloc(sizeof(*y));
	y->phone = session_phone(s);
	y->h = session_host(s);
	y->stream = st;
	y->machine = syncer_new(
		phone_root(y->phone), session_max_payload(s), phone_compressions(y->phone));
	buf_init(&y->in, 0);
	buf_init(&y->work, 0);
	phone_service(y->phone, 1);
	adb_stream_accept(st, &sync_events, y);
	return true;
}
