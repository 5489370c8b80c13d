/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages with a shape of their own; see msg.h. On the wire a message is its struct's fields
 * in the struct's order, a list is a u32 count and its items. Enums that decide what the bytes
 * mean (a stream's kind, a fact's kind) are closed and a foreign one is refused; enums that only
 * name something (phase, outcome) pass as they are.
 */
#include "msg.h"

#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "field.h"

/* ---- welcome ---- */

static const struct field welcome_fields[] = {
	FIELD(struct msg_welcome, version),
	FIELD(struct msg_welcome, agent_uuid),
	FIELD(struct msg_welcome, agent_boot),
	FIELD(struct msg_welcome, kernel_boot_id),
	FIELD(struct msg_welcome, abi),
	FIELD(struct msg_welcome, os),
	FIELD(struct msg_welcome, agent_version),
	FIELD(struct msg_welcome, farm_id),
	FIELD(struct msg_welcome, epoch),
	FIELD(struct msg_welcome, mono_ns),
	FIELD(struct msg_welcome, boot_ns),
	FIELD(struct msg_welcome, wall_ns),
	FIELD(struct msg_welcome, protections),
};

static const struct field counter_fields[] = {
	FIELD(struct msg_counter, name),
	FIELD(struct msg_counter, unit),
	FIELD(struct msg_counter, source),
	FIELD(struct msg_counter, available),
	FIELD(struct msg_counter, error),
};

#define COUNTER_LEAST (3 * 2 + 1 + 4)
#define ATTEMPT_BYTES (8 + 8 + 1)

void msg_welcome_put(struct proto_w *w, const struct msg_welcome *m)
{
	if (m->n_counters > MSG_COUNTERS_MAX || m->n_attempts > MSG_ATTEMPTS_MAX) {
		w->full = true;
		return;
	}
	FIELD_PUT(w, welcome_fields, m);
	proto_put_u32(w, m->n_counters);
	for (uint32_t i = 0; i < m->n_counters; i++)
		FIELD_PUT(w, counter_fields, &m->counters[i]);
	proto_put_u32(w, m->n_attempts);
	for (uint32_t i = 0; i < m->n_attempts; i++) {
		proto_put_i64(w, m->attempts[i].attempt);
		proto_put_u64(w, m->attempts[i].boot);
		proto_put_u8(w, m->attempts[i].state);
	}
}

static int welcome_get_counters(struct proto_r *r, struct msg_welcome *m)
{
	uint32_t n = field_get_count(r, MSG_COUNTERS_MAX, COUNTER_LEAST);

	if (!n)
		return r->bad ? -1 : 0;
	m->counters = calloc(n, sizeof(*m->counters));
	if (!m->counters)
		return -1;
	m->n_counters = n;
	for (uint32_t i = 0; i < n; i++)
		FIELD_GET(r, counter_fields, &m->counters[i]);
	return r->bad ? -1 : 0;
}

static int welcome_get_attempts(struct proto_r *r, struct msg_welcome *m)
{
	m->n_attempts = field_get_count(r, MSG_ATTEMPTS_MAX, ATTEMPT_BYTES);
	for (uint32_t i = 0; i < m->n_attempts; i++) {
		m->attempts[i].attempt = proto_get_i64(r);
		m->attempts[i].boot = proto_get_u64(r);
		m->attempts[i].state = proto_get_u8(r);
		if (m->attempts[i].state != ATTEMPT_RUNNING &&
			m->attempts[i].state != ATTEMPT_ENDED)
			r->bad = true;
	}
	return r->bad ? -1 : 0;
}

int msg_welcome_get(const void *data, size_t n, struct msg_welcome *ret_m)
{
	struct msg_welcome m = {0};
	struct proto_r r;

	proto_r_init(&r, data, n);
	FIELD_GET(&r, welcome_fields, &m);
	if (r.bad || welcome_get_counters(&r, &m) || welcome_get_attempts(&r, &m)) {
		msg_welcome_fini(&m);
		return -1;
	}
	*ret_m = m;
	return 0;
}

void msg_welcome_fini(struct msg_welcome *m)
{
	free(m->counters);
	m->counters = NULL;
	m->n_counters = 0;
}

/* ---- status ---- */

static const struct field status_fields[] = {
	FIELD(struct msg_status, attempt),
	FIELD(struct msg_status, phase),
	FIELD(struct msg_status, block),
	FIELD(struct msg_status, permille),
	FIELD(struct msg_status, mono_ns),
	FIELD(struct msg_status, iterations),
	FIELD(struct msg_status, over_budget),
	FIELD(struct msg_status, spool_bytes),
	FIELD(struct msg_status, hottest_mc),
	FIELD(struct msg_status, thermal_known),
	FIELD(struct msg_status, note),
};

void msg_status_put(struct proto_w *w, const struct msg_status *m)
{
	FIELD_PUT(w, status_fields, m);
}

int msg_status_get(const void *data, size_t n, struct msg_status *ret_m)
{
	struct msg_status m = {0};
	struct proto_r r;

	proto_r_init(&r, data, n);
	FIELD_GET(&r, status_fields, &m);
	if (r.bad)
		return -1;
	*ret_m = m;
	return 0;
}

/* ---- chunk ---- */

static const struct field chunk_fields[] = {
	FIELD(struct msg_chunk, attempt),
	FIELD(struct msg_chunk, boot),
	FIELD(struct msg_chunk, stream),
	FIELD(struct msg_chunk, seq),
	FIELD(struct msg_chunk, kind),
	FIELD(struct msg_chunk, n),
};

static bool kind_known(uint8_t kind)
{
	return kind >= STREAM_FACTS && kind <= STREAM_MARKS;
}

void msg_chunk_put(struct proto_w *w, const struct msg_chunk *m)
{
	FIELD_PUT(w, chunk_fields, m);
	proto_put_bytes(w, m->payload, m->len);
}

/* Facts and text are no more than the bytes that hold them, pairs no more than a chunk packs. */
static bool chunk_count_fits(const struct msg_chunk *m)
{
	return m->n <= (m->kind == STREAM_FACTS || m->kind == STREAM_TEXT ? m->len : CHUNK_MAX);
}

int msg_chunk_get(const void *data, size_t n, struct msg_chunk *ret_m)
{
	struct msg_chunk m = {0};
	struct proto_r r;

	proto_r_init(&r, data, n);
	FIELD_GET(&r, chunk_fields, &m);
	m.payload = proto_get_bytes(&r, &m.len);
	if (r.bad || !m.seq || !kind_known(m.kind) || !chunk_count_fits(&m))
		return -1;
	*ret_m = m;
	return 0;
}

/* ---- declaration ---- */

static const struct field decl_fields[] = {
	FIELD(struct msg_decl, kind),
	FIELD(struct msg_decl, name),
	FIELD(struct msg_decl, unit),
	FIELD(struct msg_decl, scale),
	FIELD(struct msg_decl, source),
	FIELD(struct msg_decl, budget_ns),
	FIELD(struct msg_decl, period_ns),
};

void msg_decl_put(struct proto_w *w, const struct msg_decl *m)
{
	FIELD_PUT(w, decl_fields, m);
}

int msg_decl_get(const void *data, size_t n, struct msg_decl *ret_m)
{
	struct msg_decl m = {0};
	struct proto_r r;

	proto_r_init(&r, data, n);
	FIELD_GET(&r, decl_fields, &m);
	if (r.bad || !kind_known(m.kind) || m.scale < 1 || m.budget_ns < 0 || m.period_ns < 0)
		return -1;
	*ret_m = m;
	return 0;
}

/* ---- end ---- */

static const struct field end_fields[] = {
	FIELD(struct msg_end, attempt),
	FIELD(struct msg_end, boot),
	FIELD(struct msg_end, outcome),
	FIELD(struct msg_end, cause),
};

#define END_STREAM_BYTES (4 + 8)

void msg_end_put(struct proto_w *w, const struct msg_end *m)
{
	if (m->n_streams > MSG_STREAMS_MAX) {
		w->full = true;
		return;
	}
	FIELD_PUT(w, end_fields, m);
	proto_put_u32(w, m->n_streams);
	for (uint32_t i = 0; i < m->n_streams; i++) {
		proto_put_u32(w, m->streams[i].stream);
		proto_put_u64(w, m->streams[i].last_seq);
	}
}

int msg_end_get(const void *data, size_t n, struct msg_end *ret_m)
{
	struct msg_end m = {0};
	struct proto_r r;

	proto_r_init(&r, data, n);
	FIELD_GET(&r, end_fields, &m);
	m.n_streams = field_get_count(&r, MSG_STREAMS_MAX, END_STREAM_BYTES);
	for (uint32_t i = 0; i < m.n_streams; i++) {
		m.streams[i].stream = proto_get_u32(&r);
		m.streams[i].last_seq = proto_get_u64(&r);
	}
	if (r.bad)
		return -1;
	*ret_m = m;
	return 0;
}

/* ---- facts ---- */

static const struct field fact_fields[] = {
	FIELD(struct fact, mono_ns),
	FIELD(struct fact, key),
	FIELD(struct fact, kind),
};

void fact_put(struct proto_w *w, const struct fact *f)
{
	FIELD_PUT(w, fact_fields, f);
	switch (f->kind) {
	case FACT_INT:
		proto_put_i64(w, f->i);
		break;
	case FACT_NUM:
		proto_put_f64(w, f->f);
		break;
	case FACT_TEXT:
		proto_put_text(w, f->text);
		break;
	default:
		w->full = true;
	}
}

int fact_get(struct proto_r *r, struct fact *ret_f)
{
	struct fact f = {0};

	FIELD_GET(r, fact_fields, &f);
	switch (f.kind) {
	case FACT_INT:
		f.i = proto_get_i64(r);
		break;
	case FACT_NUM:
		f.f = proto_get_f64(r);
		break;
	case FACT_TEXT:
		proto_get_text(r, f.text, sizeof(f.text));
		break;
	default:
		r->bad = true;
	}
	if (r->bad)
		return -1;
	*ret_f = f;
	return 0;
}
