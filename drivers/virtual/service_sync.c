/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync:, between a stream and the machine of syncer.h. What comes waits while a pool thread works on
 * what came before, so that the peer sends the next megabyte while this one is being written; beyond
 * SYNC_HIGH the stream is paused. A long packet is worked on where it lies, short ones are gathered.
 * What the machine makes is sent on as it is.
 */
#include "drivers/virtual/service.h"

#include <string.h>
#include <sys/queue.h>

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

/* Some of what came. */
struct part {
	TAILQ_ENTRY(part) link;
	struct adb_buf *held; /* the packet that the bytes lie in; NULL: they are in own */
	struct buf own;
	const uint8_t *data;
	size_t n;
};

TAILQ_HEAD(parts, part);

struct sync {
	struct phone *phone;
	struct driver_host *h;
	struct adb_stream *stream; /* NULL: closed */
	struct syncer *machine;
	struct parts in;
	size_t waiting;    /* bytes of them */
	struct part *work; /* being worked on; NULL: none */
	size_t used;       /* of work */
	struct adb_buf *kept;
	bool busy, paused, finished;
	struct host_timer *again;
};

static void go_on(struct sync *y);

/* ---- what came ---- */

static void part_free(struct part *p)
{
	if (!p)
		return;
	adb_buf_unref(p->held);
	buf_fini(&p->own);
	mem_free(p);
}

static struct part *part_add(struct sync *y, struct adb_buf *held)
{
	struct part *p = mem_zalloc(sizeof(*p));

	p->held = held;
	buf_init(&p->own, 0);
	TAILQ_INSERT_TAIL(&y->in, p, link);
	return p;
}

static void gather(struct sync *y, const uint8_t *data, size_t n)
{
	struct adb_buf *held = adb_stream_hold(y->stream);
	struct part *p = TAILQ_LAST(&y->in, parts);

	y->waiting += n;
	if (held) {
		p = part_add(y, held);
		p->data = data;
		p->n = n;
		return;
	}
	if (!p || p->held)
		p = part_add(y, NULL);
	buf_put(&p->own, data, n);
	p->data = p->own.data;
	p->n = p->own.len;
}

static void sync_free(struct sync *y)
{
	struct part *p;

	if (y->again)
		y->h->timer_del(y->h, y->again);
	syncer_free(y->machine);
	adb_buf_unref(y->kept);
	part_free(y->work);
	while ((p = TAILQ_FIRST(&y->in))) {
		TAILQ_REMOVE(&y->in, p, link);
		part_free(p);
	}
	phone_service(y->phone, -1);
	mem_free(y);
}

/* ---- the pool's side ---- */

static void run(struct sync *y, int max_out)
{
	const uint8_t *data = y->work ? y->work->data + y->used : NULL;
	size_t n = y->work ? y->work->n - y->used : 0;

	y->used += syncer_run(y->machine, data, n, max_out);
}

static void work(void *arg)
{
	run(arg, SYNCER_OUT);
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
	bool on = y->waiting >= SYNC_HIGH;
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
	if ((y->work && y->used < y->work->n) || syncer_has_more(y->machine))
		return true;
	part_free(y->work);
	y->used = 0;
	y->work = TAILQ_FIRST(&y->in);
	if (!y->work)
		return false;
	TAILQ_REMOVE(&y->in, y->work, link);
	y->waiting -= y->work->n;
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
	if ((y->work && y->work->n > SYNC_SMALL) || syncer_has_more(y->machine))
		return false;
	run(y, 1);
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
	gather(y, data, n);
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
	TAILQ_INIT(&y->in);
	phone_service(y->phone, 1);
	adb_stream_accept(st, &sync_events, y);
	return true;
}
