/* SPDX-License-Identifier: Apache-2.0 */
/* Ingestion; see ingest.h. */
#include "farm/ingest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"
#include "farm/ctl.h"
#include "farm/session.h"
#include "store/store.h"

#define READ_WAIT_MS 2000

/* What one session has under way. It outlives the session while a batch is being stored. */
struct feed {
	struct ingest *in;
	struct session *session; /* NULL once it is gone */
	struct store_batch *filling;
	struct store_batch **full; /* that wait for the store, the oldest first */
	int n_full;
	struct store_batch *storing; /* NULL: none is under way */
	int rc;
	char text[256];
	bool paused;
	struct host_timer *retry;
	struct map *marks; /* attempt and stream → last stored seq, as a pointer-sized number */
	struct ended {
		int64_t attempt;
		uint32_t n;
		struct {
			uint32_t stream;
			uint64_t last;
		} * streams;
		bool asked; /* the store was asked for the marks of this attempt */
	} ends[INGEST_ENDS];
	int n_ends;
	int looking; /* queries under way */
	TAILQ_ENTRY(feed) link;
};

TAILQ_HEAD(feed_list, feed);

struct ingest {
	struct ctl_env env;
	struct store *store;
	void (*stored)(void *arg, int64_t attempt);
	void *arg;
	struct feed_list feeds;
	size_t storing_bytes; /* handed to the store and not yet done */
	char trouble[256];    /* of the last batch; "": it was stored */
	struct ingest_stats stats;
};

struct ingest *ingest_new(const struct ctl_env *env, struct store *store,
	void (*stored)(void *arg, int64_t attempt), void *arg)
{
	struct ingest *in = mem_zalloc(sizeof(*in));

	in->env = *env;
	in->store = store;
	in->stored = stored;
	in->arg = arg;
	TAILQ_INIT(&in->feeds);
	return in;
}

static struct feed *feed_of(struct ingest *in, struct session *s)
{
	struct feed *f;

	TAILQ_FOREACH (f, &in->feeds, link)
		if (f->session == s)
			return f;
	f = mem_zalloc(sizeof(*f));
	f->in = in;
	f->session = s;
	f->filling = store_batch_new();
	f->marks = map_new();
	TAILQ_INSERT_HEAD(&in->feeds, f, link);
	return f;
}

static void end_drop(struct feed *f, int i)
{
	mem_free(f->ends[i].streams);
	f->ends[i] = f->ends[--f->n_ends];
}

static void feed_free(struct feed *f)
{
	assert(!f->storing && !f->looking && !f->retry);
	while (f->n_ends)
		end_drop(f, 0);
	TAILQ_REMOVE(&f->in->feeds, f, link);
	for (int i = 0; i < f->n_full; i++)
		store_batch_free(f->full[i]);
	mem_free(f->full);
	store_batch_free(f->filling);
	map_free(f->marks);
	mem_free(f);
}

/* ---- marks ---- */

static int64_t mark_key(int64_t attempt, uint32_t stream)
{
	return attempt * 65536 + stream;
}

static void set_mark(struct feed *f, int64_t attempt, uint32_t stream, uint64_t seq)
{
	map_put(f->marks, mark_key(attempt, stream), (void *)(uintptr_t)seq);
}

static uint64_t get_mark(const struct feed *f, int64_t attempt, uint32_t stream)
{
	return (uintptr_t)map_get(f->marks, mark_key(attempt, stream));
}

static bool complete(const struct feed *f, const struct ended *e)
{
	for (uint32_t i = 0; i < e->n; i++)
		if (get_mark(f, e->attempt, e->streams[i].stream) < e->streams[i].last)
			return false;
	return true;
}

/* ---- asking the store what it has: after a restart nobody else knows ---- */

struct look {
	struct feed *feed;
	int64_t attempt;
	struct {
		uint32_t stream;
		uint64_t mark;
	} found[MSG_STREAMS_MAX];
	int n;
};

static int look_stream(void *arg, const struct store_stream *st)
{
	struct look *l = arg;

	if (l->n < MSG_STREAMS_MAX) {
		l->found[l->n].stream = st->stream;
		l->found[l->n++].mark = st->mark;
	}
	return 0;
}

static void look_work(void *arg)
{
	struct look *l = arg;
	struct err e;
	struct store_reader *r = store_reader_get(l->feed->in->store, READ_WAIT_MS, &e);

	if (!r)
		return; /* asked again with the next END */
	store_streams(r, l->attempt, look_stream, l, &e);
	store_reader_put(r);
}

static bool has_waiting(const struct feed *f);
static void check_ends(struct feed *f);

static void look_done(void *arg)
{
	struct look *l = arg;
	struct feed *f = l->feed;

	f->looking--;
	for (int i = 0; i < l->n; i++)
		if (l->found[i].mark > get_mark(f, l->attempt, l->found[i].stream))
			set_mark(f, l->attempt, l->found[i].stream, l->found[i].mark);
	mem_free(l);
	if (f->session)
		check_ends(f);
	else if (!f->storing && !f->looking)
		feed_free(f);
}

static void ask_store(struct feed *f, struct ended *e)
{
	struct look *l = mem_zalloc(sizeof(*l));
	struct driver_host *h = f->in->env.host;

	l->feed = f;
	l->attempt = e->attempt;
	if (h->blocking(h, look_work, look_done, l)) {
		mem_free(l);
		return;
	}
	e->asked = true;
	f->looking++;
}

static void check_ends(struct feed *f)
{
	if (f->storing || has_waiting(f))
		return;
	for (int i = 0; i < f->n_ends;) {
		int64_t attempt = f->ends[i].attempt;

		if (complete(f, &f->ends[i])) {
			end_drop(f, i);
			f->in->stored(f->in->arg, attempt);
			continue;
		}
		if (!f->ends[i].asked)
			ask_store(f, &f->ends[i]);
		i++;
	}
}

void ingest_end(struct ingest *in, struct session *s, const struct msg_end *end)
{
	struct feed *f = feed_of(in, s);
	struct ended *e = NULL;

	for (int i = 0; i < f->n_ends; i++)
		if (f->ends[i].attempt == end->attempt)
			e = &f->ends[i];
	if (!e) {
		if (f->n_ends == INGEST_ENDS)
			return; /* it is said again at the next connection */
		e = &f->ends[f->n_ends++];
		memset(e, 0, sizeof(*e));
	}
	mem_free(e->streams);
	*e = (struct ended){.attempt = end->attempt, .n = end->n_streams};
	e->streams = mem_zalloc(end->n_streams * sizeof(*e->streams));
	for (uint32_t i = 0; i < end->n_streams; i++) {
		e->streams[i].stream = end->streams[i].stream;
		e->streams[i].last = end->streams[i].last_seq;
	}
	ingest_flush(in, s);
	check_ends(f);
}

/* ---- batches ---- */

static bool far_ahead(const struct feed *f)
{
	return f->n_full || store_batch_bytes(f->filling) > INGEST_AHEAD ||
	       store_batch_count(f->filling) > INGEST_CHUNKS_AHEAD;
}

static bool has_waiting(const struct feed *f)
{
	return f->n_full || store_batch_count(f->filling);
}

/* A stream that is paused may still hand out what it had: a megabyte at once, which is some twenty thousand
 * chunks if the agent likes. */
static void make_room(struct feed *f)
{
	if (store_batch_count(f->filling) < STORE_BATCH_CHUNKS &&
		store_batch_bytes(f->filling) < STORE_BATCH_BYTES / 2)
		return;
	f->full = mem_realloc(f->full, f->n_full + 1, sizeof(*f->full));
	f->full[f->n_full++] = f->filling;
	f->filling = store_batch_new();
}

/* The next one for the store; has_waiting(). */
static struct store_batch *take_batch(struct feed *f)
{
	struct store_batch *b = f->n_full ? f->full[0] : f->filling;

	if (!f->n_full)
		f->filling = store_batch_new();
	else
		memmove(f->full, f->full + 1, --f->n_full * sizeof(*f->full));
	return b;
}

void ingest_chunk(struct ingest *in, struct session *s, const struct msg_chunk *c, bool late)
{
	struct feed *f = feed_of(in, s);
	struct store_chunk sc = {.attempt = c->attempt,
		.boot = (int64_t)c->boot,
		.stream = c->stream,
		.seq = c->seq,
		.kind = c->kind,
		.n = c->n,
		.late = late,
		.payload = c->payload,
		.len = c->len};

	make_room(f);
	store_batch_add(f->filling, &sc);
	in->stats.chunks++;
	in->stats.values += c->n;
	if (!f->paused && far_ahead(f)) {
		f->paused = true;
		session_pause(s, true);
	}
}

/* One acknowledgement for each stream, with the last mark. */
static void acknowledge(struct feed *f, const struct store_batch *b)
{
	size_t n = store_batch_count(b);

	for (size_t i = 0; i < n; i++) {
		const struct store_chunk *c = store_batch_chunk(b, i);
		int rc = 0;
		uint64_t mark = store_batch_mark(b, i, &rc);

		if (rc) {
			log_warn(
				"event=chunk_refused attempt=a%lld stream=%u seq=%llu cause=\"%s\"",
				(long long)c->attempt, c->stream, (unsigned long long)c->seq,
				err_name(rc));
			session_fail(f->session, "a chunk did not follow the last one; the agent "
						 "must resend");
			return;
		}
		if (mark > get_mark(f, c->attempt, c->stream))
			set_mark(f, c->attempt, c->stream, mark);
	}
	for (size_t i = 0; i < n; i++) {
		const struct store_chunk *c = store_batch_chunk(b, i);
		const struct store_chunk *next = i + 1 < n ? store_batch_chunk(b, i + 1) : NULL;

		if (!next || next->attempt != c->attempt || next->stream != c->stream)
			session_ack(f->session, c->attempt, c->stream,
				get_mark(f, c->attempt, c->stream));
	}
}

static void submit(struct feed *f);

static void try_again(void *arg)
{
	struct feed *f = arg;

	f->retry = NULL;
	store_samples_retry(f->in->store);
	submit(f);
}

/* In the order of the list, so that a session that always has data cannot starve the others: each
 * goes to its end once it was served. */
static void flush_waiting(struct ingest *in)
{
	struct feed *f, *next;

	for (f = TAILQ_FIRST(&in->feeds); f; f = next) {
		next = TAILQ_NEXT(f, link);
		if (f->session && !f->storing && has_waiting(f))
			ingest_flush(in, f->session);
	}
}

static bool worth_a_retry(int rc)
{
	return rc == ERR_IO || rc == ERR_NOSPACE || rc == ERR_BUSY;
}

/* Said once, and not again for what was refused behind the one that failed. */
static void note_trouble(struct ingest *in, const struct feed *f)
{
	if (!*in->trouble)
		log_err("event=samples_failed retry_ms=%d cause=\"%s\"", INGEST_RETRY_MS, f->text);
	if (!*in->trouble || f->rc != ERR_IO)
		str_copy(in->trouble, sizeof(in->trouble), f->text);
}

static void end_trouble(struct ingest *in)
{
	if (*in->trouble)
		log_info("event=samples_recovered");
	*in->trouble = '\0';
}

static void batch_failed(struct feed *f)
{
	struct ingest *in = f->in;

	in->stats.failures++;
	if (!worth_a_retry(f->rc)) {
		log_err("event=store_broken cause=\"%s\"", f->text);
		in->env.fatal(in->env.ctx, f->text);
		return;
	}
	note_trouble(in, f);
	f->retry = in->env.host->timer_add(
		in->env.host, in->env.host->now_ms(in->env.host) + INGEST_RETRY_MS, try_again, f);
}

static void batch_stored(void *arg)
{
	struct feed *f = arg;
	struct ingest *in = f->in;
	struct store_batch *b = f->storing;

	if (f->rc && f->session) {
		batch_failed(f);
		return;
	}
	if (!f->rc)
		end_trouble(in);
	f->storing = NULL;
	in->storing_bytes -= store_batch_bytes(b);
	in->stats.batches++;
	if (!f->session) {
		store_batch_free(b);
		if (!f->looking)
			feed_free(f);
		flush_waiting(in);
		return;
	}
	acknowledge(f, b);
	store_batch_free(b);
	flush_waiting(in);
	if (f->paused && !far_ahead(f)) {
		f->paused = false;
		session_pause(f->session, false);
	}
	check_ends(f);
}

/* On the writer's thread. */
static void on_stored(void *arg, int rc, const char *text)
{
	struct feed *f = arg;

	f->rc = rc;
	snprintf(f->text, sizeof(f->text), "%s", text ? text : "");
	f->in->env.post(f->in->env.ctx, batch_stored, f);
}

static void submit(struct feed *f)
{
	store_samples(f->in->store, f->storing, on_stored, f);
}

void ingest_flush(struct ingest *in, struct session *s)
{
	struct feed *f = feed_of(in, s);

	if (f->storing || !has_waiting(f) || in->storing_bytes > INGEST_UNDER_WAY)
		return;
	f->storing = take_batch(f);
	in->storing_bytes += store_batch_bytes(f->storing);
	TAILQ_REMOVE(&in->feeds, f, link);
	TAILQ_INSERT_TAIL(&in->feeds, f, link);
	submit(f);
}

static bool anybody_waits(const struct ingest *in)
{
	const struct feed *f;

	TAILQ_FOREACH (f, &in->feeds, link)
		if (f->retry)
			return true;
	return false;
}

void ingest_session_gone(struct ingest *in, struct session *s)
{
	struct feed *f;

	TAILQ_FOREACH (f, &in->feeds, link)
		if (f->session == s)
			break;
	if (!f)
		return;
	f->session = NULL;
	if (f->retry) {
		/* Not stored and not acknowledged: the agent has it still. */
		in->env.host->timer_del(in->env.host, f->retry);
		f->retry = NULL;
		in->storing_bytes -= store_batch_bytes(f->storing);
		store_batch_free(f->storing);
		f->storing = NULL;
		if (!anybody_waits(in))
			*in->trouble = '\0'; /* nobody is left who would find that it is over */
	}
	if (!f->storing && !f->looking)
		feed_free(f);
}

bool ingest_idle(const struct ingest *in)
{
	return TAILQ_EMPTY(&in->feeds);
}

void ingest_free(struct ingest *in)
{
	if (!in)
		return;
	assert(ingest_idle(in));
	mem_free(in);
}

void ingest_forget(struct ingest *in, struct session *s, int64_t attempt)
{
	struct feed *f = feed_of(in, s);

	for (uint32_t i = 0; i < MSG_STREAMS_MAX; i++)
		map_del(f->marks, mark_key(attempt, i));
	for (int i = 0; i < f->n_ends; i++)
		if (f->ends[i].attempt == attempt)
			end_drop(f, i--);
}

const char *ingest_trouble(const struct ingest *in)
{
	return in->trouble;
}

void ingest_get_stats(const struct ingest *in, struct ingest_stats *ret_st)
{
	*ret_st = in->stats;
}
