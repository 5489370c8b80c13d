/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that came, and what becomes of each; see mux_internal.h. Everything in them is the peer's
 * word. */
#include "drivers/adb/mux_internal.h"

#include <endian.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"

#define PER_TURN (512 * 1024) /* of what was kept for a paused stream, and one packet */
#define GATHER   4096         /* short packets are kept in buffers of this size */

static void violation(struct adb_mux *m, const char *text)
{
	if (m->bad)
		return;
	m->bad = true;
	m->ops->violation(m->arg, text);
}

/* ---- data ---- */

void mux_in_acknowledge(struct adb_stream *s)
{
	if (!s->owes || s->paused || s->state != MUX_OPEN)
		return;
	s->want_okay = true;
	mux_out_reply(s);
}

static void hand_out(struct adb_stream *s, const uint8_t *data, size_t n)
{
	if (n && s->s.events)
		s->s.events->data(s->s.arg, data, n);
	s->owes = true;
	s->due += (int64_t)n;
}

static struct mux_kept *pop(struct adb_stream *s)
{
	struct mux_kept *k = TAILQ_FIRST(&s->in);

	if (!k)
		return NULL;
	TAILQ_REMOVE(&s->in, k, link);
	s->kept -= k->n;
	return k;
}

static void kept_free(struct mux_kept *k)
{
	adb_buf_unref(k->buf);
	mem_free(k);
}

void mux_in_drop(struct adb_stream *s)
{
	struct mux_kept *k;

	while ((k = pop(s)))
		kept_free(k);
}

bool mux_in_deliver(struct adb_stream *s)
{
	size_t budget = PER_TURN;
	struct mux_kept *k;

	while (!s->paused && !s->deaf && budget && (k = pop(s))) {
		s->again = k->buf;
		hand_out(s, k->data, k->n);
		s->again = NULL;
		budget -= k->n < budget ? k->n : budget;
		kept_free(k);
	}
	if (s->deaf)
		mux_in_drop(s);
	if (s->kept)
		return false;
	mux_in_acknowledge(s);
	return true;
}

static struct mux_kept *kept_add(struct adb_stream *s, struct adb_buf *buf, bool held)
{
	struct mux_kept *k = mem_zalloc(sizeof(*k));

	k->buf = buf;
	k->held = held;
	k->data = buf->data;
	TAILQ_INSERT_TAIL(&s->in, k, link);
	return k;
}

static struct mux_kept *copy(struct adb_stream *s, const uint8_t *data, size_t n)
{
	struct mux_kept *k = TAILQ_LAST(&s->in, mux_kepts);

	if (!k || k->held || k->buf->cap - k->buf->len < n)
		k = kept_add(s, adb_buf_new(n < GATHER ? GATHER : (uint32_t)n), false);
	memcpy(k->buf->data + k->buf->len, data, n);
	k->buf->len += (uint32_t)n;
	return k;
}

/* False beyond the bound. */
static bool keep(struct adb_stream *s, const uint8_t *data, size_t n)
{
	size_t max = s->m->cfg.delayed_ack ? ADB_WINDOW + ADB_PAYLOAD_MAX : ADB_PAYLOAD_MAX;
	struct adb_link *l = s->m->l;
	struct adb_buf *packet;
	struct mux_kept *k;

	if (s->kept + n > max)
		return false;
	if (!n)
		return true;
	packet = l->ops->hold ? l->ops->hold(l) : NULL;
	if (packet) {
		k = kept_add(s, packet, true);
		k->data = data;
	} else {
		k = copy(s, data, n);
	}
	k->n += n;
	s->kept += n;
	return true;
}

static void on_wrte(struct adb_mux *m, const struct adb_header *h, const uint8_t *payload)
{
	struct adb_stream *s = map_get(m->by_id, h->arg1);

	if (!s || s->state != MUX_OPEN || s->remote != h->arg0)
		return;
	if (s->paused || s->kept) {
		if (!keep(s, payload, h->len))
			violation(m, "the peer sent more than it was allowed to");
		s->owes = true;
		return;
	}
	s->direct = true;
	hand_out(s, payload, h->len);
	s->direct = false;
	mux_in_acknowledge(s);
}

struct adb_buf *adb_stream_hold(struct adb_stream *s)
{
	struct adb_link *l = s->m->l;

	if (s->again)
		return adb_buf_ref(s->again);
	return s->direct && l->ops->hold ? l->ops->hold(l) : NULL;
}

/* ---- the rest ---- */

/* Bytes that the peer has taken, or its window in the answer to OPEN. Anything but four bytes is
 * passed over with delayed acknowledgement, as AOSP does (sockets.cpp). */
static bool acked(const struct adb_mux *m, const struct adb_header *h, const uint8_t *payload,
	int64_t *ret_bytes)
{
	uint32_t v;

	*ret_bytes = 0;
	if (!m->cfg.delayed_ack)
		return true;
	if (h->len != sizeof(v))
		return false;
	memcpy(&v, payload, sizeof(v));
	*ret_bytes = (int32_t)le32toh(v);
	return true;
}

static void on_opened(struct adb_stream *s, uint32_t remote, int64_t window)
{
	s->state = MUX_OPEN;
	s->remote = remote;
	s->credit = window;
	if (s->deadline)
		s->m->h->timer_del(s->m->h, s->deadline);
	s->deadline = NULL;
	mux_out_ready(s);
	if (s->opened)
		s->opened(s->s.arg);
}

static void on_okay(struct adb_mux *m, const struct adb_header *h, const uint8_t *payload)
{
	struct adb_stream *s = map_get(m->by_id, h->arg1);
	int64_t bytes;

	if (!s) {
		if (!h->arg0 || mux_was_closed(m, h->arg1))
			return;
		mux_remember_closed(m, h->arg1);
		mux_out_stray(m, h->arg1, h->arg0);
		return;
	}
	if (!acked(m, h, payload, &bytes) || !h->arg0)
		return;
	if (s->state == MUX_OPENING && !s->open_service) {
		on_opened(s, h->arg0, bytes);
		return;
	}
	if (s->state != MUX_OPEN || s->remote != h->arg0)
		return;
	s->credit += bytes;
	s->unacked = m->cfg.delayed_ack && s->unacked > bytes ? s->unacked - bytes : 0;
	mux_out_ready(s);
}

static void on_clse(struct adb_mux *m, const struct adb_header *h)
{
	struct adb_stream *s = map_get(m->by_id, h->arg1);

	if (!s || s->state == MUX_ASKED)
		return;
	if (s->state == MUX_OPENING) {
		if (!s->open_service)
			mux_stream_end(
				s, ERR_NOTFOUND, "the phone refused to open the service", false);
		return;
	}
	if (h->arg0 && h->arg0 != s->remote)
		return;
	mux_stream_end(s, 0, "the phone closed the stream", true);
}

/* The window must be there with delayed acknowledgement, and must not without. */
static bool open_is_sane(const struct adb_mux *m, const struct adb_header *h)
{
	return h->arg0 && h->len && h->len <= ADB_SERVICE_MAX && !h->arg1 == !m->cfg.delayed_ack &&
	       m->ops->open && m->n_streams < ADB_STREAMS_MAX && m->next_id != UINT32_MAX;
}

static void on_open(struct adb_mux *m, const struct adb_header *h, const uint8_t *payload)
{
	char service[ADB_SERVICE_MAX + 1];
	size_t n = h->len;
	struct adb_stream *s;

	if (!open_is_sane(m, h)) {
		if (h->arg0)
			mux_out_stray(m, 0, h->arg0);
		return;
	}
	memcpy(service, payload, n);
	while (n && !service[n - 1])
		n--;
	service[n] = '\0';
	s = mux_stream_new(m, MUX_ASKED);
	s->remote = h->arg0;
	s->credit = h->arg1;
	s->held = true;
	if (!m->ops->open(m->arg, s, service, n))
		adb_stream_refuse(s);
}

void adb_mux_packet(struct adb_mux *m, const struct adb_header *h, const uint8_t *payload)
{
	if (m->dead || m->bad)
		return;
	switch (h->command) {
	case ADB_OPEN:
		on_open(m, h, payload);
		break;
	case ADB_OKAY:
		on_okay(m, h, payload);
		break;
	case ADB_WRTE:
		on_wrte(m, h, payload);
		break;
	case ADB_CLSE:
		on_clse(m, h);
		break;
	}
}
