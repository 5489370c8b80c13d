/* SPDX-License-Identifier: Apache-2.0 */
/* Values into chunks; see record.h. */
#include "agent/record.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sampler.h"
#include "agent/spool.h"
#include "plan.h"

#define NOTHING     INT64_MAX
#define MARKS_MAX   64
#define FACT_BYTES  1280 /* more than the longest encoded fact */
#define RATE_MARGIN 2    /* a series holds what RECORD_AGE_NS brings, and this many seconds more */

static uint32_t latency_id(unsigned block)
{
	return RECORD_BLOCKS + 2 * block;
}

/* ---- setting up ---- */

static int series_init(struct series *s, uint32_t cap)
{
	s->t = calloc(2 * (size_t)cap, sizeof(*s->t));
	s->v = s->t ? s->t + cap : NULL;
	s->cap = cap;
	return s->t ? 0 : -ENOMEM;
}

/* All series of counters share one piece of memory, of which only what is used is touched. */
static int counters_init(struct record *r, uint32_t hz)
{
	uint32_t n = sampler_count(r->sampler);
	uint32_t cap = (RECORD_AGE_NS / 1000000000 + RATE_MARGIN) * (hz ? hz : 1);
	uint32_t room = n ? RECORD_CELLS_MAX / (n * 2 * sizeof(int64_t)) : 0;

	if (cap > room)
		cap = room;
	if (cap > CHUNK_MAX)
		cap = CHUNK_MAX;
	r->counters = calloc(n + 1, sizeof(*r->counters));
	r->cells = calloc((size_t)n * cap * 2 + 1, sizeof(*r->cells));
	if (!r->counters || !r->cells)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		int64_t *at = r->cells + (size_t)i * cap * 2;

		r->counters[i] = (struct series){.cap = cap, .t = at, .v = at + cap};
	}
	r->n_counters = n;
	return 0;
}

int record_init(struct record *r, struct spool *spool, const struct plan *plan,
	const struct sampler *sampler, uint32_t hz)
{
	memset(r, 0, sizeof(*r));
	r->spool = spool;
	r->plan = plan;
	r->sampler = sampler;
	r->oldest_ns = NOTHING;
	r->facts_mem = malloc(RECORD_FACTS);
	r->text_mem = malloc(RECORD_TEXT);
	r->packed = malloc(CHUNK_BYTES_MAX);
	if (!r->facts_mem || !r->text_mem || !r->packed || series_init(&r->marks, MARKS_MAX) ||
		series_init(&r->latency, CHUNK_MAX) || series_init(&r->exec, CHUNK_MAX) ||
		(sampler && counters_init(r, hz))) {
		record_fini(r);
		return -ENOMEM;
	}
	proto_w_init(&r->facts, r->facts_mem, RECORD_FACTS);
	return 0;
}

void record_fini(struct record *r)
{
	free(r->marks.t);
	free(r->latency.t);
	free(r->exec.t);
	free(r->counters);
	free(r->cells);
	free(r->facts_mem);
	free(r->text_mem);
	free(r->packed);
	memset(r, 0, sizeof(*r));
}

/* ---- declarations ---- */

static void decl_block(const struct record *r, struct msg_decl *d)
{
	d->budget_ns = d->kind == STREAM_EXEC ? 0 : r->plan->budget_ns;
	d->period_ns = r->block.period_ns;
	snprintf(d->unit, sizeof(d->unit), "ns");
	snprintf(d->source, sizeof(d->source), "ring block %u", r->block.number);
	snprintf(d->name, sizeof(d->name), "%s%s", phase_name(r->block.phase),
		d->kind == STREAM_EXEC ? ".exec" : "");
}

static void decl_counter(const struct record *r, uint32_t stream, struct msg_decl *d)
{
	const struct counter *c = sampler_counter(r->sampler, stream - RECORD_COUNTERS);

	memcpy(d->name, c->info.name, sizeof(d->name));
	memcpy(d->unit, c->info.unit, sizeof(d->unit));
	memcpy(d->source, c->info.source, sizeof(d->source));
	d->scale = c->scale;
}

static void decl_fill(const struct record *r, uint32_t stream, struct msg_decl *d)
{
	static const char *const names[] = {"facts", "text", "marks"};

	if (stream < RECORD_BLOCKS)
		snprintf(d->name, sizeof(d->name), "%s", names[stream]);
	else if (stream < RECORD_COUNTERS)
		decl_block(r, d);
	else
		decl_counter(r, stream, d);
}

static void declare(struct record *r, uint32_t stream, uint8_t kind)
{
	struct msg_decl d = {.kind = kind, .scale = 1};
	struct msg_chunk c = {.stream = stream, .kind = kind};
	uint8_t mem[512];
	struct proto_w w;

	decl_fill(r, stream, &d);
	proto_w_init(&w, mem, sizeof(mem));
	msg_decl_put(&w, &d);
	assert(!w.full);
	c.payload = mem;
	c.len = w.len;
	r->rc = spool_append(r->spool, &c);
}

/* ---- sealing ---- */

static void append(struct record *r, uint32_t stream, uint8_t kind, uint32_t n, const void *payload,
	uint32_t len)
{
	struct msg_chunk c = {
		.stream = stream, .kind = kind, .n = n, .payload = payload, .len = len};

	if (!r->rc && !r->spool->streams[stream].last_seq)
		declare(r, stream, kind);
	if (!r->rc)
		r->rc = spool_append(r->spool, &c);
}

static void seal_series(struct record *r, uint32_t stream, uint8_t kind, struct series *s)
{
	size_t len;

	if (!s->n)
		return;
	len = chunk_pack(r->packed, s->t, s->v, s->n);
	append(r, stream, kind, s->n, r->packed, len);
	s->n = 0;
}

static void seal_facts(struct record *r)
{
	if (r->n_facts)
		append(r, STREAM_ID_FACTS, STREAM_FACTS, r->n_facts, r->facts_mem, r->facts.len);
	r->n_facts = 0;
	proto_w_init(&r->facts, r->facts_mem, RECORD_FACTS);
}

static void seal_text(struct record *r)
{
	if (r->text_len)
		append(r, STREAM_ID_TEXT, STREAM_TEXT, r->text_len, r->text_mem, r->text_len);
	r->text_len = 0;
}

static void seal_block(struct record *r)
{
	uint32_t id = latency_id(r->block.number);

	seal_series(r, id, r->block.period_ns ? STREAM_PACED : STREAM_ITER, &r->latency);
	seal_series(r, id + 1, STREAM_EXEC, &r->exec);
}

void record_seal_beside_block(struct record *r)
{
	seal_facts(r);
	seal_text(r);
	seal_series(r, STREAM_ID_MARKS, STREAM_MARKS, &r->marks);
	for (uint32_t i = 0; i < r->n_counters; i++)
		seal_series(r, RECORD_COUNTERS + i, STREAM_COUNTER, &r->counters[i]);
	if (!r->latency.n && !r->exec.n)
		r->oldest_ns = NOTHING;
}

void record_seal(struct record *r)
{
	seal_block(r);
	record_seal_beside_block(r);
}

void record_tick(struct record *r, int64_t now_ns)
{
	r->now_ns = now_ns;
	if (r->oldest_ns != NOTHING && now_ns - r->oldest_ns >= RECORD_AGE_NS)
		record_seal(r);
}

/* ---- collecting ---- */

static void note_age(struct record *r)
{
	if (r->oldest_ns == NOTHING)
		r->oldest_ns = r->now_ns;
}

static void add(
	struct record *r, uint32_t stream, uint8_t kind, struct series *s, int64_t t, int64_t v)
{
	note_age(r);
	s->t[s->n] = t;
	s->v[s->n++] = v;
	if (s->n == s->cap)
		seal_series(r, stream, kind, s);
}

void record_counter(void *arg, uint32_t counter, int64_t t_ns, int64_t v)
{
	struct record *r = arg;

	if (counter < r->n_counters)
		add(r, RECORD_COUNTERS + counter, STREAM_COUNTER, &r->counters[counter], t_ns, v);
}

void record_mark(struct record *r, int64_t t_ns, uint16_t phase, uint32_t block)
{
	add(r, STREAM_ID_MARKS, STREAM_MARKS, &r->marks, t_ns,
		(int64_t)phase * 65536 + (block & 0xffff));
}

void record_text(struct record *r, const void *data, uint32_t n)
{
	const uint8_t *p = data;

	note_age(r);
	while (n) {
		uint32_t k = RECORD_TEXT - r->text_len;

		if (k > n)
			k = n;
		memcpy(r->text_mem + r->text_len, p, k);
		r->text_len += k;
		p += k;
		n -= k;
		if (r->text_len == RECORD_TEXT)
			seal_text(r);
	}
}

void record_fact(struct record *r, const struct fact *f)
{
	if (r->all_facts++ >= RECORD_FACTS_MAX)
		return;
	note_age(r);
	if (r->facts.len + FACT_BYTES > r->facts.cap)
		seal_facts(r);
	fact_put(&r->facts, f);
	assert(!r->facts.full);
	r->n_facts++;
}

void record_int(struct record *r, const char *key, int64_t v)
{
	struct fact f = {.mono_ns = r->now_ns, .kind = FACT_INT, .i = v};

	snprintf(f.key, sizeof(f.key), "%s", key);
	record_fact(r, &f);
}

void record_str(struct record *r, const char *key, const char *text)
{
	struct fact f = {.mono_ns = r->now_ns, .kind = FACT_TEXT};

	snprintf(f.key, sizeof(f.key), "%s", key);
	snprintf(f.text, sizeof(f.text), "%s", text);
	record_fact(r, &f);
}

uint64_t record_facts_dropped(const struct record *r)
{
	return r->all_facts > RECORD_FACTS_MAX ? r->all_facts - RECORD_FACTS_MAX : 0;
}

/* ---- blocks ---- */

void record_block_begin(struct record *r, const struct record_block *b)
{
	assert(b->number < RING_BLOCKS_MAX);
	seal_block(r);
	r->block = *b;
}

void record_latency(struct record *r, int64_t t_ns, int64_t v)
{
	add(r, latency_id(r->block.number), r->block.period_ns ? STREAM_PACED : STREAM_ITER,
		&r->latency, t_ns, v);
}

void record_exec(struct record *r, int64_t t_ns, int64_t v)
{
	add(r, latency_id(r->block.number) + 1, STREAM_EXEC, &r->exec, t_ns, v);
}

uint64_t record_latencies_sealed(const struct record *r, unsigned block)
{
	return r->spool->streams[latency_id(block)].items;
}

uint64_t record_execs_sealed(const struct record *r, unsigned block)
{
	return r->spool->streams[latency_id(block) + 1].items;
}
