/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams over one link: how they begin and end, and their events; see mux.h and mux_internal.h.
 *
 * What becomes of what real phones send:
 *	CLSE twice, or late		unknown by then; passed over
 *	CLSE with id 0			refuses an OPEN; ends an established stream (Android 5 to 7)
 *	CLSE of ours			once a stream, whoever ended it: adbd answers each with another
 *	OKAY for an unknown id		an OPEN that we gave up: answered with CLSE, once, so that the
 *					service ends; nothing where a CLSE went already
 *	OKAY from another id		passed over
 *	WRTE for an unknown id		passed over
 */
#include "drivers/adb/mux_internal.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

/* ---- streams ---- */

struct stream *adb_stream_base(struct adb_stream *s)
{
	return &s->s;
}

struct adb_stream *adb_stream_of(struct stream *s)
{
	assert(s->ops == &mux_stream_ops);
	return (struct adb_stream *)s;
}

struct adb_stream *mux_stream_new(struct adb_mux *m, enum mux_state state)
{
	struct adb_stream *s = mem_zalloc(sizeof(*s));

	s->s.ops = &mux_stream_ops;
	s->m = m;
	s->state = state;
	s->local = m->next_id++;
	TAILQ_INIT(&s->out);
	TAILQ_INIT(&s->in);
	TAILQ_INSERT_TAIL(&m->all, s, all);
	m->n_streams++;
	map_put(m->by_id, s->local, s);
	return s;
}

void mux_stream_check_free(struct adb_stream *s)
{
	struct adb_mux *m = s->m;

	if (!s->told || s->held || s->in_replies)
		return;
	assert(!s->in_ready && !s->in_todo && TAILQ_EMPTY(&s->out) && !s->deadline);
	TAILQ_REMOVE(&m->all, s, all);
	m->n_streams--;
	mux_in_drop(s);
	mem_free(s);
}

void mux_remember_closed(struct adb_mux *m, uint32_t local)
{
	m->closed[m->next_closed++ % MUX_CLOSED] = local;
}

bool mux_was_closed(const struct adb_mux *m, uint32_t local)
{
	for (int i = 0; i < MUX_CLOSED; i++)
		if (m->closed[i] == local)
			return true;
	return false;
}

static void drop_deadline(struct adb_stream *s)
{
	if (s->deadline)
		s->m->h->timer_del(s->m->h, s->deadline);
	s->deadline = NULL;
}

void mux_stream_end(struct adb_stream *s, int code, const char *text, bool clse)
{
	if (s->state == MUX_ENDED)
		return;
	drop_deadline(s);
	mux_out_unlist(s);
	map_del(s->m->by_id, s->local);
	s->want_clse = clse && s->remote;
	if (s->state != MUX_ASKED && s->want_clse)
		mux_remember_closed(s->m, s->local);
	if (s->state == MUX_ASKED)
		s->local = 0; /* a refusal: CLSE(0, remote) */
	s->state = MUX_ENDED;
	s->code = code;
	str_copy(s->text, sizeof(s->text), text);
	if (s->want_clse)
		mux_out_reply(s);
	mux_todo(s);
}

/* ---- what is told from the timer ---- */

static void tell_closed(struct adb_stream *s)
{
	s->told = true;
	s->held = true;
	if (s->s.events)
		s->s.events->closed(s->s.arg, s->code, s->text);
	s->held = false;
	mux_stream_check_free(s);
}

static void tell(struct adb_stream *s)
{
	if (s->told || s->held)
		return;
	if (s->m->dead && s->paused) /* who paused may never go on */
		s->deaf = true;
	if (!mux_in_deliver(s)) {
		if (!s->paused || s->m->dead)
			mux_todo(s);
		return;
	}
	if (s->in_todo) /* closed in its own data: the next turn */
		return;
	if (s->state == MUX_ENDED) {
		tell_closed(s);
		return;
	}
	if (s->want_drained && mux_out_has_room(s)) {
		s->want_drained = false;
		if (s->s.events)
			s->s.events->drained(s->s.arg);
	}
}

static void check_end(struct adb_mux *m)
{
	void (*freed)(void *arg) = m->ops->freed;
	void *arg = m->arg;

	if (!m->dead || !TAILQ_EMPTY(&m->all))
		return;
	if (m->soon)
		m->h->timer_del(m->h, m->soon);
	map_free(m->by_id);
	mem_free(m);
	if (freed)
		freed(arg);
}

/* Those that are listed now; what is listed meanwhile gets the next turn. */
static void on_soon(void *arg)
{
	struct adb_mux *m = arg;
	struct mux_list now = TAILQ_HEAD_INITIALIZER(now);
	struct adb_stream *s;

	m->soon = NULL;
	TAILQ_CONCAT(&now, &m->todo, todo);
	while ((s = TAILQ_FIRST(&now))) {
		TAILQ_REMOVE(&now, s, todo);
		s->in_todo = false;
		tell(s);
	}
	check_end(m);
}

static void turn_soon(struct adb_mux *m)
{
	if (!m->soon)
		m->soon = m->h->timer_add(m->h, m->h->now_ms(m->h), on_soon, m);
}

void mux_todo(struct adb_stream *s)
{
	if (s->in_todo || s->told)
		return;
	s->in_todo = true;
	TAILQ_INSERT_TAIL(&s->m->todo, s, todo);
	turn_soon(s->m);
}

/* ---- opening ---- */

static void on_deadline(void *arg)
{
	struct adb_stream *s = arg;
	struct adb_mux *m = s->m;

	s->deadline = NULL;
	mux_stream_end(
		s, ERR_TIMEOUT, "the phone did not answer to the opening of a service", false);
	if (m->ops->unanswered)
		m->ops->unanswered(m->arg);
}

void adb_stream_open_within(struct adb_stream *s, int64_t ms)
{
	struct driver_host *h = s->m->h;

	drop_deadline(s);
	if (s->state == MUX_OPENING)
		s->deadline = h->timer_add(h, h->now_ms(h) + ms, on_deadline, s);
}

struct adb_stream *adb_mux_open(struct adb_mux *m, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e)
{
	struct adb_stream *s;

	if (n + 1 > ADB_SERVICE_MAX || n + 1 > m->cfg.max_payload) {
		err_set(e, ERR_TOOBIG, "a service of %zu bytes is longer than this phone takes", n);
		return NULL;
	}
	if (m->n_streams >= ADB_STREAMS_MAX || m->next_id == UINT32_MAX || m->dead) {
		err_set(e, ERR_FULL, "the connection to the phone has no room for another stream");
		return NULL;
	}
	s = mux_stream_new(m, MUX_OPENING);
	s->s.events = events;
	s->s.arg = arg;
	s->opened = opened;
	s->open_service = adb_buf_new((uint32_t)n + 1);
	memcpy(s->open_service->data, service, n);
	s->open_service->data[n] = '\0'; /* needed before Android 9 */
	s->open_service->len = (uint32_t)n + 1;
	mux_out_reply(s);
	return s;
}

void adb_stream_accept(struct adb_stream *s, const struct stream_events *events, void *arg)
{
	assert(s->held);
	s->held = false;
	s->s.events = events;
	s->s.arg = arg;
	if (s->state == MUX_ENDED) {
		mux_todo(s);
		return;
	}
	s->state = MUX_OPEN;
	s->owes = true;
	s->due = ADB_WINDOW;
	mux_in_acknowledge(s);
}

void adb_stream_refuse(struct adb_stream *s)
{
	assert(s->held);
	s->held = false;
	mux_stream_end(s, ERR_NOTFOUND, "refused", true);
	mux_todo(s);
}

/* ---- the mux ---- */

struct adb_mux *adb_mux_new(struct driver_host *h, struct adb_link *l,
	const struct adb_mux_config *cfg, const struct adb_mux_ops *ops, void *arg)
{
	struct adb_mux *m = mem_zalloc(sizeof(*m));

	assert(cfg->max_payload >= 1 && cfg->max_payload <= ADB_PAYLOAD_MAX);
	m->h = h;
	m->l = l;
	m->cfg = *cfg;
	m->ops = ops;
	m->arg = arg;
	m->next_id = 1;
	m->by_id = map_new();
	TAILQ_INIT(&m->all);
	TAILQ_INIT(&m->replies);
	TAILQ_INIT(&m->ready);
	TAILQ_INIT(&m->todo);
	return m;
}

void adb_mux_free(struct adb_mux *m, int code, const char *text)
{
	struct adb_stream *s, *next;

	assert(!m->dead);
	if (m->link_paused)
		m->l->ops->pause(m->l, false);
	m->dead = true;
	for (s = TAILQ_FIRST(&m->all); s; s = next) {
		next = TAILQ_NEXT(s, all);
		mux_stream_end(s, code, text, false);
		if (s->in_replies) /* a CLSE that will not be sent */
			mux_out_unlist(s);
		s->want_clse = false;
		mux_todo(s);
		mux_stream_check_free(s);
	}
	turn_soon(m);
}

int adb_mux_streams(const struct adb_mux *m)
{
	return m->n_streams;
}

uint32_t adb_mux_max_payload(const struct adb_mux *m)
{
	return m->cfg.max_payload;
}
