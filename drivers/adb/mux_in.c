/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that came, and what becomes of each; see mux_internal.h. Everything in them is the peer's
 * word. */
#include "drivers/adb/mux_internal.h"

#include <endian.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"

/* Of what was kept for a paused stream, in one call of data() and in one turn. */
#define PIECE    (64 * 1024)
#define PER_TURN (512 * 1024)

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

bool mux_in_deliver(struct adb_stream *s)
{
	size_t budget = PER_TURN;

	while (!s->paused && !s->deaf && s->in_at < s->in.len && budget) {
		size_t n = s->in.len - s->in_at;

		if (n > PIECE)
			n = PIECE;
		hand_out(s, s->in.data + s->in_at, n);
		s->in_at += n;
		budget -= n < budget ? n : budget;
	}
	if (!s->deaf && s->in_at < s->in.len)
		return false;
	buf_fini(&s->in);
	s->in_at = 0;
	mux_in_acknowledge(s);
	return true;
}

static bool keep(struct adb_stream *s, const uint8_t *data, size_t n)
{
	size_t max = s->m->cfg.delayed_ack ? ADB_WINDOW + ADB_PAYLOAD_MAX : ADB_PAYLOAD_MAX;

	return s->in.len + n <= max && (!n || !buf_put(&s->in, data, n));
}

static void on_wrte(struct adb_mux *m, const struct adb_header *h, const uint8_t *payload)
{
	struct adb_stream *s = map_get(m->by_id, h->arg1);

	if (!s || s->state != MUX_OPEN || s->remote != h->arg0)
		return;
	if (s->paused || s->in.len) {
		if (!keep(s, payload, h->len))
			violation(m, "the peer sent more than it was allowed to");
		s->owes = true;
		return;
	}
	hand_out(s, payload, h->len);
	mux_in_acknowledge(s);
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
