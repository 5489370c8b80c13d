/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quirks of packets: a link over a link. What comes in passes through, but for an old adbd's sums.
 * What goes out is taken from the link's user one packet at a time and changed, doubled, held for a
 * while, or preceded by something else.
 */
#include "drivers/virtual/quirk.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "drivers/adb/link.h"
#include "drivers/driver.h"

#define QUEUE    256 /* packets of our own that wait; more are dropped, which a quirk may */
#define EAGER_MS 50  /* an OKAY waits so long for the data that shall leave with it */
#define LATE_MAX 64
#define WINDOWS  64 /* streams whose window is watched */

/* What a stream of the peer may still send; the quirk's window instead of the session's. */
struct window {
	uint32_t local, remote; /* ours, the peer's */
	int64_t credit;
};

struct late {
	int64_t at_ms;
	uint32_t arg0, arg1;
};

struct qlink {
	struct adb_link link; /* first: what our user sees */
	struct adb_link *inner;
	struct driver_host *h;
	const struct quirks *q;
	struct adb_out queue[QUEUE];
	int n_queue;
	bool stale_sent, broken;
	struct adb_out held; /* until held_ms, or for the packet behind it */
	int64_t held_ms;     /* 0: none */
	bool held_for_data;
	int n_opens; /* OPENs of the peer that were not answered */
	struct late late[LATE_MAX];
	int n_late;
	struct window windows[WINDOWS];
	int n_windows;
	struct host_timer *timer;
};

static struct qlink *of(struct adb_link *l)
{
	return (struct qlink *)l;
}

static bool has(const struct qlink *k, enum quirk which)
{
	return k->q->on[which];
}

/* ---- time ---- */

static void fired(void *arg);

static int64_t earliest(const struct qlink *k)
{
	int64_t at = k->held_ms ? k->held_ms : INT64_MAX;

	for (int i = 0; i < k->n_late; i++)
		if (k->late[i].at_ms < at)
			at = k->late[i].at_ms;
	return at;
}

static void arm(struct qlink *k)
{
	int64_t at = earliest(k);

	if (k->timer)
		k->h->timer_del(k->h, k->timer);
	k->timer = at == INT64_MAX ? NULL : k->h->timer_add(k->h, at, fired, k);
}

/* ---- out ---- */

static void queue(struct qlink *k, uint32_t command, uint32_t arg0, uint32_t arg1)
{
	if (k->n_queue < QUEUE)
		k->queue[k->n_queue++] =
			(struct adb_out){.command = command, .arg0 = arg0, .arg1 = arg1};
}

static bool dequeue(struct qlink *k, struct adb_out *ret_out)
{
	if (!k->n_queue)
		return false;
	*ret_out = k->queue[0];
	memmove(k->queue, k->queue + 1, --k->n_queue * sizeof(k->queue[0]));
	return true;
}

/* What a session before this one may have left in the phone's queue. */
static void queue_stale(struct qlink *k)
{
	static const uint32_t commands[] = {ADB_WRTE, ADB_OKAY, ADB_CLSE};

	k->stale_sent = true;
	for (int64_t i = 0; i < quirk(k->q, QUIRK_STALE_PACKETS); i++) {
		queue(k, commands[i % 3], 7, 9);
		if (i % 3 == 0) {
			struct adb_buf *b = adb_buf_new(16);

			memcpy(b->data, "left from before", 16);
			b->len = 16;
			k->queue[k->n_queue - 1].buf = b;
		}
	}
}

static void remember_late(struct qlink *k, const struct adb_out *o)
{
	if (k->n_late == LATE_MAX)
		return;
	k->late[k->n_late++] =
		(struct late){.at_ms = k->h->now_ms(k->h) + quirk(k->q, QUIRK_LATE_CLOSE),
			.arg0 = o->arg0,
			.arg1 = o->arg1};
	arm(k);
}

static void change_close(struct qlink *k, struct adb_out *o)
{
	if (has(k, QUIRK_DUP_CLOSE))
		queue(k, ADB_CLSE, o->arg0, o->arg1);
	if (has(k, QUIRK_LATE_CLOSE))
		remember_late(k, o);
	if (has(k, QUIRK_ZERO_CLOSE))
		o->arg0 = 0;
}

static void hold(struct qlink *k, const struct adb_out *o, int64_t ms, bool for_data)
{
	k->held = *o;
	k->held_ms = k->h->now_ms(k->h) + ms;
	k->held_for_data = for_data;
	arm(k);
}

static bool let_go(struct qlink *k, struct adb_out *ret_out)
{
	*ret_out = k->held;
	k->held_ms = 0;
	arm(k);
	return true;
}

/* A packet is held: what comes behind it waits too, or sets it free. */
static bool next_behind_held(struct qlink *k, struct adb_out *ret_out)
{
	struct adb_out behind;

	if (k->h->now_ms(k->h) >= k->held_ms)
		return let_go(k, ret_out);
	if (!k->held_for_data || k->n_queue || !k->link.events->next(k->link.arg, &behind))
		return false;
	k->queue[k->n_queue++] = behind;
	return let_go(k, ret_out);
}

/* ---- the window ---- */

static struct window *window_of(struct qlink *k, uint32_t local)
{
	for (int i = 0; i < k->n_windows; i++)
		if (k->windows[i].local == local)
			return &k->windows[i];
	return NULL;
}

static int32_t okay_bytes(const struct adb_out *o)
{
	const uint8_t *b = o->buf && o->buf->len == 4 ? o->buf->data : NULL;

	return b ? (int32_t)(b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24) : 0;
}

static void put_okay_bytes(struct adb_out *o, uint32_t v)
{
	for (int i = 0; o->buf && o->buf->len == 4 && i < 4; i++)
		o->buf->data[i] = (uint8_t)(v >> 8 * i);
}

/* An OKAY on its way out: the one that answers OPEN grants our window, others what was taken. */
static void grant(struct qlink *k, struct adb_out *o, bool opened)
{
	struct window *w = window_of(k, o->arg0);

	if (!has(k, QUIRK_ACK_WINDOW))
		return;
	if (w && o->command == ADB_CLSE)
		*w = k->windows[--k->n_windows];
	if (o->command != ADB_OKAY || !o->buf)
		return;
	if (opened && !w && k->n_windows < WINDOWS) {
		w = &k->windows[k->n_windows++];
		*w = (struct window){o->arg0, o->arg1, quirk(k->q, QUIRK_ACK_WINDOW)};
		put_okay_bytes(o, (uint32_t)w->credit);
	} else if (w) {
		w->credit += okay_bytes(o);
	}
}

/* A WRTE that comes in though its stream has no credit is lost, and so is the stream. */
static bool is_beyond(struct qlink *k, const struct adb_header *h)
{
	struct window *w = window_of(k, h->arg1);

	if (!has(k, QUIRK_ACK_WINDOW) || !w || h->arg0 != w->remote)
		return false;
	if (h->command == ADB_CLSE)
		*w = k->windows[--k->n_windows];
	if (h->command != ADB_WRTE)
		return false;
	if (w->credit <= 0)
		return true;
	w->credit -= h->len;
	return false;
}

static bool answers_open(struct qlink *k, const struct adb_out *o)
{
	if (!k->n_opens || (o->command != ADB_OKAY && o->command != ADB_CLSE))
		return false;
	k->n_opens--;
	return o->command == ADB_OKAY;
}

static bool inner_next(void *arg, struct adb_out *ret_out)
{
	struct qlink *k = arg;
	bool opened;

	if (k->broken)
		return false;
	if (k->held_ms)
		return next_behind_held(k, ret_out);
	if (!k->stale_sent && has(k, QUIRK_STALE_PACKETS))
		queue_stale(k);
	if (dequeue(k, ret_out))
		return true;
	if (!k->link.events->next(k->link.arg, ret_out))
		return false;
	opened = answers_open(k, ret_out);
	grant(k, ret_out, opened);
	if (ret_out->command == ADB_CLSE)
		change_close(k, ret_out);
	if (ret_out->command == ADB_OKAY && has(k, QUIRK_SLOW_ACK)) {
		hold(k, ret_out, quirk(k->q, QUIRK_SLOW_ACK), false);
		return false;
	}
	if (opened && has(k, QUIRK_EAGER_WRITE)) {
		hold(k, ret_out, EAGER_MS, true);
		return next_behind_held(k, ret_out);
	}
	return true;
}

static void fired(void *arg)
{
	struct qlink *k = arg;
	int64_t now = k->h->now_ms(k->h);
	int n = 0;

	k->timer = NULL;
	for (int i = 0; i < k->n_late; i++) {
		if (k->late[i].at_ms <= now)
			queue(k, ADB_CLSE, k->late[i].arg0, k->late[i].arg1);
		else
			k->late[n++] = k->late[i];
	}
	k->n_late = n;
	if (!k->held_ms || k->held_ms > now)
		arm(k);
	k->inner->ops->kick(k->inner);
}

/* ---- in ---- */

static void inner_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct qlink *k = arg;

	if (k->broken)
		return;
	if (has(k, QUIRK_OLD_VERSION) && h->len && h->sum != adb_sum(payload, h->len)) {
		k->broken = true;
		k->link.events->broken(k->link.arg, ERR_PROTO, "the payload's sum is wrong");
		return;
	}
	if (h->command == ADB_OPEN)
		k->n_opens++;
	if (is_beyond(k, h))
		return;
	k->link.events->packet(k->link.arg, h, payload);
}

static void inner_broken(void *arg, int code, const char *text)
{
	struct qlink *k = arg;

	if (k->broken)
		return;
	k->broken = true;
	k->link.events->broken(k->link.arg, code, text);
}

static const struct adb_link_events inner_events = {
	.packet = inner_packet, .next = inner_next, .broken = inner_broken};

/* ---- as a link ---- */

static void kick(struct adb_link *l)
{
	of(l)->inner->ops->kick(of(l)->inner);
}

static void pause_reading(struct adb_link *l, bool on)
{
	of(l)->inner->ops->pause(of(l)->inner, on);
}

static void agreed(struct adb_link *l, uint32_t version, uint32_t max_payload)
{
	of(l)->inner->ops->agreed(of(l)->inner, version, max_payload);
}

static int resync(struct adb_link *l, int level, void (*done)(void *arg, int code), void *arg)
{
	return of(l)->inner->ops->resync(of(l)->inner, level, done, arg);
}

static void close_link(struct adb_link *l)
{
	struct qlink *k = of(l);

	k->inner->ops->close(k->inner);
	if (k->timer)
		k->h->timer_del(k->h, k->timer);
	if (k->held_ms)
		adb_buf_unref(k->held.buf);
	for (int i = 0; i < k->n_queue; i++)
		adb_buf_unref(k->queue[i].buf);
	mem_free(k);
}

static struct adb_buf *hold_payload(struct adb_link *l)
{
	struct adb_link *inner = of(l)->inner;

	return inner->ops->hold ? inner->ops->hold(inner) : NULL;
}

static const struct adb_link_ops ops = {.kick = kick,
	.pause = pause_reading,
	.agreed = agreed,
	.resync = resync,
	.close = close_link,
	.hold = hold_payload};

static bool is_about_packets(const struct quirks *q)
{
	static const enum quirk list[] = {QUIRK_OLD_VERSION, QUIRK_DUP_CLOSE, QUIRK_ZERO_CLOSE,
		QUIRK_LATE_CLOSE, QUIRK_STALE_PACKETS, QUIRK_EAGER_WRITE, QUIRK_SLOW_ACK,
		QUIRK_ACK_WINDOW};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (q->on[list[i]])
			return true;
	return false;
}

struct adb_link *quirk_link(struct driver_host *h, struct adb_link *inner, const struct quirks *q)
{
	struct qlink *k;

	if (!is_about_packets(q))
		return inner;
	k = mem_zalloc(sizeof(*k));
	k->link.ops = &ops;
	k->link.usb = inner->usb;
	snprintf(k->link.where, sizeof(k->link.where), "%s", inner->where);
	k->inner = inner;
	k->h = h;
	k->q = q;
	inner->events = &inner_events;
	inner->arg = k;
	return &k->link;
}
