/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that go: queued on their streams, ordered here; see mux_internal.h. */
#include "drivers/adb/mux_internal.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/mem.h"

/* Small writes are gathered in a chunk of this size until the link takes it. */
#define SMALL_CHUNK 4096

void mux_kick(struct adb_mux *m)
{
	if (!m->dead)
		m->l->ops->kick(m->l);
}

/* ---- queues ---- */

void mux_out_reply(struct adb_stream *s)
{
	if (s->m->dead)
		return;
	if (!s->in_replies)
		TAILQ_INSERT_TAIL(&s->m->replies, s, replies);
	s->in_replies = true;
	mux_kick(s->m);
}

static bool may_send(const struct adb_stream *s)
{
	if (s->state != MUX_OPEN || TAILQ_EMPTY(&s->out))
		return false;
	/* Waiting for credit for a whole packet would wait for ever on a small window. AOSP's own
	 * host goes one packet beyond, too (sockets.cpp). */
	return s->m->cfg.delayed_ack ? s->credit > 0 : !s->unacked;
}

void mux_out_ready(struct adb_stream *s)
{
	if (s->in_ready || !may_send(s))
		return;
	s->in_ready = true;
	TAILQ_INSERT_TAIL(&s->m->ready, s, ready);
	mux_kick(s->m);
}

static struct adb_buf *pop(struct adb_stream *s)
{
	struct mux_chunk *c = TAILQ_FIRST(&s->out);
	struct adb_buf *b = c->buf;

	TAILQ_REMOVE(&s->out, c, link);
	if (c->sent_whole)
		s->sends--;
	else
		s->written -= b->len;
	mem_free(c);
	return b;
}

static void push(struct adb_stream *s, struct adb_buf *b, bool sent_whole)
{
	struct mux_chunk *c = mem_zalloc(sizeof(*c));

	c->buf = b;
	c->sent_whole = sent_whole;
	TAILQ_INSERT_TAIL(&s->out, c, link);
}

void mux_out_unlist(struct adb_stream *s)
{
	struct adb_mux *m = s->m;

	if (s->in_ready)
		TAILQ_REMOVE(&m->ready, s, ready);
	if (s->in_replies)
		TAILQ_REMOVE(&m->replies, s, replies);
	s->in_ready = s->in_replies = false;
	s->want_okay = false;
	adb_buf_unref(s->open_service);
	s->open_service = NULL;
	while (!TAILQ_EMPTY(&s->out))
		adb_buf_unref(pop(s));
}

void mux_out_stray(struct adb_mux *m, uint32_t local, uint32_t remote)
{
	unsigned at = (m->first_stray + m->n_strays) % MUX_STRAYS;

	if (m->n_strays == MUX_STRAYS) {
		/* The link was paused long ago: it hands out what it should not. */
		m->bad = true;
		m->ops->violation(m->arg, "the peer floods and does not read");
		return;
	}
	m->strays[at].local = local;
	m->strays[at].remote = remote;
	m->n_strays++;
	mux_kick(m);
	if (m->n_strays >= MUX_STRAYS / 2 && !m->link_paused) {
		m->link_paused = true;
		m->l->ops->pause(m->l, true);
	}
}

/* ---- the order ---- */

static bool next_stray(struct adb_mux *m, struct adb_out *ret_out)
{
	if (!m->n_strays)
		return false;
	*ret_out = (struct adb_out){.command = ADB_CLSE,
		.arg0 = m->strays[m->first_stray].local,
		.arg1 = m->strays[m->first_stray].remote};
	m->first_stray = (m->first_stray + 1) % MUX_STRAYS;
	m->n_strays--;
	if (!m->n_strays && m->link_paused) {
		m->link_paused = false;
		m->l->ops->pause(m->l, false);
	}
	return true;
}

static struct adb_buf *okay_payload(struct adb_stream *s)
{
	uint32_t bytes = htole32((uint32_t)s->due);
	struct adb_buf *b;

	if (!s->m->cfg.delayed_ack)
		return NULL;
	b = adb_buf_new(sizeof(bytes));
	memcpy(b->data, &bytes, sizeof(bytes));
	b->len = sizeof(bytes);
	return b;
}

static struct adb_out make_reply(struct adb_stream *s)
{
	struct adb_out out = {.arg0 = s->local, .arg1 = s->remote};

	if (s->open_service) {
		out.command = ADB_OPEN;
		out.arg1 = s->m->cfg.delayed_ack ? ADB_WINDOW : 0;
		out.buf = s->open_service;
		s->open_service = NULL;
	} else if (s->want_okay) {
		out.command = ADB_OKAY;
		out.buf = okay_payload(s);
		s->want_okay = s->owes = false;
		s->due = 0;
	} else {
		assert(s->want_clse);
		out.command = ADB_CLSE;
		s->want_clse = false;
	}
	return out;
}

static bool next_reply(struct adb_mux *m, struct adb_out *ret_out)
{
	struct adb_stream *s = TAILQ_FIRST(&m->replies);

	if (!s)
		return false;
	*ret_out = make_reply(s);
	if (s->want_okay || s->want_clse)
		return true;
	TAILQ_REMOVE(&m->replies, s, replies);
	s->in_replies = false;
	mux_stream_check_free(s);
	return true;
}

static bool next_data(struct adb_mux *m, struct adb_out *ret_out)
{
	struct adb_stream *s = TAILQ_FIRST(&m->ready);

	if (!s)
		return false;
	TAILQ_REMOVE(&m->ready, s, ready);
	s->in_ready = false;
	*ret_out = (struct adb_out){ADB_WRTE, s->local, s->remote, pop(s)};
	s->credit -= ret_out->buf->len;
	s->unacked += ret_out->buf->len;
	mux_out_ready(s); /* behind the others */
	if (s->want_drained && mux_out_has_room(s))
		mux_todo(s);
	if (s->finishing && TAILQ_EMPTY(&s->out))
		mux_stream_end(s, 0, "finished", true);
	return true;
}

bool adb_mux_next(struct adb_mux *m, struct adb_out *ret_out)
{
	if (m->dead)
		return false;
	return next_stray(m, ret_out) || next_reply(m, ret_out) || next_data(m, ret_out);
}

/* ---- what the user of a stream calls ---- */

bool mux_out_has_room(const struct adb_stream *s)
{
	return s->sends < ADB_SEND_MAX && s->written <= ADB_WRITE_MAX / 2;
}

/* The chunk that the next bytes of write() go to. */
static struct adb_buf *tail(struct adb_stream *s, size_t n)
{
	struct mux_chunk *last = TAILQ_LAST(&s->out, mux_chunks);
	uint32_t cap = s->m->cfg.max_payload;
	struct adb_buf *b;

	if (last && !last->sent_whole && last->buf->len < last->buf->cap)
		return last->buf;
	if (n < cap)
		cap = n > SMALL_CHUNK || cap < SMALL_CHUNK ? (uint32_t)n : SMALL_CHUNK;
	b = adb_buf_new(cap);
	push(s, b, false);
	return b;
}

static size_t stream_write(struct stream *base, const uint8_t *data, size_t n)
{
	struct adb_stream *s = adb_stream_of(base);
	size_t take, left;

	if (s->state == MUX_ENDED || s->finishing)
		return n; /* into the void, until closed() tells */
	take = ADB_WRITE_MAX - s->written;
	if (take > n)
		take = n;
	for (left = take; left;) {
		struct adb_buf *b = tail(s, left);
		uint32_t part = b->cap - b->len;

		if (part > left)
			part = (uint32_t)left;
		memcpy(b->data + b->len, data, part);
		b->len += part;
		data += part;
		left -= part;
	}
	s->written += take;
	if (take < n)
		s->want_drained = true;
	mux_out_ready(s);
	return take;
}

static void stream_pause(struct stream *base, bool on)
{
	struct adb_stream *s = adb_stream_of(base);

	s->paused = on;
	if (on)
		return;
	if (s->kept || s->state == MUX_ENDED)
		mux_todo(s);
	else
		mux_in_acknowledge(s);
}

static void stream_close(struct stream *base)
{
	struct adb_stream *s = adb_stream_of(base);

	s->deaf = true;
	mux_stream_end(s, 0, "closed", true);
	mux_todo(s);
}

const struct stream_ops mux_stream_ops = {stream_write, stream_pause, stream_close};

bool adb_stream_send(struct adb_stream *s, struct adb_buf *b)
{
	assert(b->len && b->len <= s->m->cfg.max_payload);
	if (s->state == MUX_ENDED || s->finishing) {
		adb_buf_unref(b);
		return true;
	}
	if (s->sends >= ADB_SEND_MAX) {
		s->want_drained = true;
		return false;
	}
	s->sends++;
	push(s, b, true);
	mux_out_ready(s);
	return true;
}

bool adb_stream_idle(const struct adb_stream *s)
{
	return TAILQ_EMPTY(&s->out) && s->unacked <= 0;
}

void adb_stream_finish(struct adb_stream *s)
{
	if (s->state == MUX_ENDED || s->finishing)
		return;
	s->finishing = true;
	if (TAILQ_EMPTY(&s->out))
		stream_close(&s->s);
}
