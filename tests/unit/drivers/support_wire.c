/* SPDX-License-Identifier: Apache-2.0 */
/* Links in memory; see support_adb.h. */
#include "support_adb.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* ---- a link whose far end is the test ---- */

static struct wire *wire_of(struct adb_link *l)
{
	return (struct wire *)l;
}

static void wire_kick(struct adb_link *l)
{
	assert_false(wire_of(l)->closed);
	wire_of(l)->kicks++;
}

static void wire_pause(struct adb_link *l, bool on)
{
	assert_false(wire_of(l)->closed);
	wire_of(l)->paused = on;
}

static void wire_agreed(struct adb_link *l, uint32_t version, uint32_t max_payload)
{
	wire_of(l)->version = version;
	wire_of(l)->max_payload = max_payload;
}

static int wire_resync(struct adb_link *l, int level, void (*done)(void *arg, int code), void *arg)
{
	struct wire *w = wire_of(l);

	assert_null(w->resynced);
	assert_true(w->n_resyncs < 8);
	w->resyncs[w->n_resyncs++] = level;
	if (!w->can_resync)
		return ERR_UNSUPPORTED;
	w->resynced = done;
	w->resynced_arg = arg;
	return 0;
}

static void wire_close(struct adb_link *l)
{
	assert_false(wire_of(l)->closed);
	wire_of(l)->closed = true;
}

static struct adb_buf *wire_hold(struct adb_link *l)
{
	struct wire *w = wire_of(l);

	assert_non_null(w->coming);
	return w->can_hold ? adb_buf_ref(w->coming) : NULL;
}

struct wire *wire_new(struct driver_host *h, bool usb)
{
	static const struct adb_link_ops ops = {
		wire_kick, wire_pause, wire_agreed, wire_resync, wire_close, wire_hold};
	struct wire *w = mem_zalloc(sizeof(*w));

	w->l.ops = &ops;
	w->l.usb = usb;
	w->can_resync = usb;
	w->h = h;
	str_copy(w->l.where, sizeof(w->l.where), "memory");
	return w;
}

void wire_free(struct wire *w)
{
	mem_free(w->last.data);
	mem_free(w);
}

const struct wire_packet *wire_next(struct wire *w)
{
	struct adb_out out = {0};

	if (w->closed || !w->l.events->next(w->l.arg, &out))
		return NULL;
	mem_free(w->last.data);
	w->last = (struct wire_packet){out.command, out.arg0, out.arg1, out.buf ? out.buf->len : 0};
	w->last.data = mem_zalloc(w->last.len + 1);
	if (out.buf)
		memcpy(w->last.data, out.buf->data, out.buf->len);
	adb_buf_unref(out.buf);
	return &w->last;
}

const struct wire_packet *wire_expect(
	struct wire *w, uint32_t command, uint32_t arg0, uint32_t arg1, const char *data)
{
	const struct wire_packet *p = wire_next(w);

	if (!p)
		fail_msg("%s was expected, and nothing came", adb_command_name(command));
	if (p->command != command || p->arg0 != arg0 || p->arg1 != arg1)
		fail_msg("%s(%u, %u) was expected, %s(%u, %u) came", adb_command_name(command),
			arg0, arg1, adb_command_name(p->command), p->arg0, p->arg1);
	if (data && (p->len != strlen(data) || memcmp(p->data, data, p->len) != 0))
		fail_msg("\"%s\" was expected, %u bytes \"%s\" came", data, p->len, p->data);
	return p;
}

void wire_expect_none(struct wire *w)
{
	const struct wire_packet *p = wire_next(w);

	if (p)
		fail_msg("%s(%u, %u) came, and nothing was expected", adb_command_name(p->command),
			p->arg0, p->arg1);
}

void wire_send(
	struct wire *w, uint32_t command, uint32_t arg0, uint32_t arg1, const void *data, size_t n)
{
	struct adb_header h = {command, arg0, arg1, (uint32_t)n, 0};

	w->coming = adb_buf_new((uint32_t)n);
	memset(w->coming->data, 0, n);
	if (data)
		memcpy(w->coming->data, data, n);
	if (!w->closed)
		w->l.events->packet(w->l.arg, &h, n ? w->coming->data : NULL);
	adb_buf_unref(w->coming);
	w->coming = NULL;
}

void wire_break(struct wire *w, int code, const char *text)
{
	w->l.events->broken(w->l.arg, code, text);
}

void wire_resynced(struct wire *w, int code)
{
	void (*done)(void *arg, int rc) = w->resynced;

	assert_non_null(done);
	w->resynced = NULL;
	done(w->resynced_arg, code);
}

/* ---- two links, end to end ---- */

struct half {
	struct adb_link l; /* first */
	struct driver_host *h;
	struct half *peer; /* NULL when it is closed */
	struct host_timer *soon;
	bool wants, paused, busy, closed;
};

static void half_run(void *arg);

static struct half *half_of(struct adb_link *l)
{
	return (struct half *)l;
}

static void half_soon(struct half *x)
{
	if (!x->soon)
		x->soon = x->h->timer_add(x->h, x->h->now_ms(x->h), half_run, x);
}

/* Moves one packet to the peer. */
static bool half_move(struct half *x)
{
	struct adb_out out = {0};
	struct adb_header h;

	if (!x->l.events->next(x->l.arg, &out))
		return false;
	h = (struct adb_header){out.command, out.arg0, out.arg1, out.buf ? out.buf->len : 0, 0};
	if (x->peer && !x->peer->closed) {
		struct half *peer = x->peer;
		bool was = peer->busy;

		peer->busy = true;
		peer->l.events->packet(peer->l.arg, &h, h.len ? out.buf->data : NULL);
		peer->busy = was;
	}
	adb_buf_unref(out.buf);
	return true;
}

static void half_free(struct half *x)
{
	if (x->soon)
		x->h->timer_del(x->h, x->soon);
	if (x->peer)
		x->peer->peer = NULL;
	mem_free(x);
}

static void half_run(void *arg)
{
	struct half *x = arg;

	x->soon = NULL;
	x->busy = true;
	if (x->closed) {
		if (x->peer && !x->peer->closed) {
			struct half *peer = x->peer;

			peer->busy = true;
			peer->l.events->broken(peer->l.arg, ERR_GONE, "the peer closed");
			peer->busy = false;
		}
		half_free(x);
		return;
	}
	while (x->wants && !x->closed && x->peer && !x->peer->paused)
		x->wants = half_move(x);
	x->busy = false;
	if (x->closed)
		half_soon(x);
}

static void half_kick(struct adb_link *l)
{
	half_of(l)->wants = true;
	half_soon(half_of(l));
}

static void half_pause(struct adb_link *l, bool on)
{
	half_of(l)->paused = on;
	if (!on && half_of(l)->peer)
		half_soon(half_of(l)->peer);
}

static void half_agreed(struct adb_link *l, uint32_t version, uint32_t max_payload)
{
	(void)l;
	(void)version;
	(void)max_payload;
}

static int half_resync(struct adb_link *l, int level, void (*done)(void *arg, int code), void *arg)
{
	(void)l;
	(void)level;
	(void)done;
	(void)arg;
	return ERR_UNSUPPORTED;
}

static void half_close(struct adb_link *l)
{
	half_of(l)->closed = true;
	half_soon(half_of(l));
}

static struct half *half_new(struct driver_host *h)
{
	static const struct adb_link_ops ops = {
		half_kick, half_pause, half_agreed, half_resync, half_close};
	struct half *x = mem_zalloc(sizeof(*x));

	x->l.ops = &ops;
	x->h = h;
	str_copy(x->l.where, sizeof(x->l.where), "memory");
	return x;
}

void pair_new(struct driver_host *h, struct adb_link **ret_a, struct adb_link **ret_b)
{
	struct half *a = half_new(h), *b = half_new(h);

	a->peer = b;
	b->peer = a;
	*ret_a = &a->l;
	*ret_b = &b->l;
}
