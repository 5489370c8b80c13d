/* SPDX-License-Identifier: Apache-2.0 */
/* See support_samples.h. */
#include "support_samples.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "agents/chunk.h"
#include "agents/msg.h"
#include "base/str.h"
#include "farm/ctl.h"
#include "store/store.h"

struct commit {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	int rc;
};

static void committed(void *arg, int rc, const char *text)
{
	struct commit *w = arg;

	(void)text;
	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	w->done = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void commit(struct ctl *c, struct store_batch *b)
{
	struct commit w = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	int rc = 0;

	store_samples(ctl_store(c), b, committed, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.changed, &w.lock);
	pthread_mutex_unlock(&w.lock);
	assert(!w.rc);
	for (size_t i = 0; i < store_batch_count(b); i++)
		assert(store_batch_mark(b, i, &rc));
	store_batch_free(b);
}

static void add(struct store_batch *b, const struct samples *s, uint64_t seq, uint32_t n,
	const uint8_t *payload, size_t len)
{
	struct store_chunk c = {.attempt = s->attempt,
		.boot = 1,
		.stream = s->stream,
		.seq = seq,
		.kind = (uint8_t)s->kind,
		.n = n,
		.payload = payload,
		.len = (uint32_t)len};

	store_batch_add(b, &c);
}

static void declare(struct store_batch *b, const struct samples *s)
{
	struct msg_decl d = {.kind = (uint8_t)s->kind,
		.scale = s->scale ? s->scale : 1,
		.budget_ns = s->budget_ns,
		.period_ns = s->period_ns,
		.source = "test"};
	uint8_t mem[512];
	struct proto_w w;

	str_copy(d.name, sizeof(d.name), s->name);
	str_copy(d.unit, sizeof(d.unit), s->unit ? s->unit : "");
	proto_w_init(&w, mem, sizeof(mem));
	msg_decl_put(&w, &d);
	assert(!w.full);
	add(b, s, 1, 0, mem, w.len);
}

void samples_put(struct ctl *c, const struct samples *s, const int64_t *t, const int64_t *v, int n)
{
	struct store_batch *b = store_batch_new();
	uint8_t packed[CHUNK_BYTES_MAX];
	uint64_t seq = 2;

	declare(b, s);
	for (int i = 0; i < n; i += CHUNK_MAX) {
		uint32_t part = n - i < CHUNK_MAX ? (uint32_t)(n - i) : CHUNK_MAX;

		add(b, s, seq++, part, packed, chunk_pack(packed, t + i, v + i, part));
		if (store_batch_count(b) == 1000) {
			commit(c, b);
			b = store_batch_new();
		}
	}
	if (store_batch_count(b))
		commit(c, b);
	else
		store_batch_free(b);
}

void samples_text(struct ctl *c, int64_t attempt, const char *text)
{
	const struct samples s = {
		.attempt = attempt, .stream = STREAM_ID_TEXT, .kind = STREAM_TEXT, .name = "text"};
	struct store_batch *b = store_batch_new();

	declare(b, &s);
	add(b, &s, 2, (uint32_t)strlen(text), (const uint8_t *)text, strlen(text));
	commit(c, b);
}

static void put_fact(struct ctl *c, int64_t attempt, uint64_t seq, const struct fact *f)
{
	const struct samples s = {.attempt = attempt,
		.stream = STREAM_ID_FACTS,
		.kind = STREAM_FACTS,
		.name = "facts"};
	struct store_batch *b = store_batch_new();
	uint8_t mem[2048];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	fact_put(&w, f);
	if (seq == 1)
		declare(b, &s);
	add(b, &s, seq + 1, 1, mem, w.len);
	commit(c, b);
}

void samples_fact_int(struct ctl *c, int64_t attempt, uint64_t seq, const char *key, int64_t v)
{
	struct fact f = {.mono_ns = SAMPLES_BOOT_NS, .kind = FACT_INT, .i = v};

	str_copy(f.key, sizeof(f.key), key);
	put_fact(c, attempt, seq, &f);
}

void samples_fact_text(
	struct ctl *c, int64_t attempt, uint64_t seq, const char *key, const char *text)
{
	struct fact f = {.mono_ns = SAMPLES_BOOT_NS, .kind = FACT_TEXT};

	str_copy(f.key, sizeof(f.key), key);
	str_copy(f.text, sizeof(f.text), text);
	put_fact(c, attempt, seq, &f);
}
