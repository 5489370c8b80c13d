/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent that says what it likes to a whole session: the frames' parser, the handshake, the ingestion and
 * the rules by which the sample writer stores chunks, in a database that is rolled back behind each input.
 * The input is a script: frames whose checksums are put right, bytes as they are, and what the farm, the
 * store and the link do meanwhile.
 *
 * Whatever came: the handshake ends once, a start that was taken is answered once while the session lasts;
 * what we send can be parsed; a chunk is acknowledged only when it is stored, and an attempt is whole only
 * when all that its end lists is; a batch that fails is the file's fault, never the agent's; nothing is
 * left at the end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agents/msg.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "farm/ingest.h"
#include "farm/session.h"
#include "store/batch.h"
#include "store/db.h"
#include "store/samples.h"
#include "store/schema.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/farm/support_env.h"

#define ATTEMPTS    8 /* the farm knows those below; the last of them is late */
#define MARKS       4096
#define OUT_MAX     (64 * 1024)
#define CROWD_MAX   16000 /* chunks at once, and the bytes of one */
#define CROWD_CHUNK 64

/* ---- the store: the real rules, one thread, and a script that says when ---- */

struct mark {
	int64_t attempt;
	uint32_t stream;
	uint64_t seq;
};

enum { STORES, WAITS, FAILS };

static struct {
	struct db db;
	struct samples *samples;
	int mode;
	bool refuses; /* until it is told to try again */
	struct store_batch *held;
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
	struct mark marks[MARKS];
	int n_marks;
} st;

static uint64_t *mark_of(int64_t attempt, uint32_t stream)
{
	for (int i = 0; i < st.n_marks; i++)
		if (st.marks[i].attempt == attempt && st.marks[i].stream == stream)
			return &st.marks[i].seq;
	CHECK(st.n_marks < MARKS);
	st.marks[st.n_marks] = (struct mark){attempt, stream, 0};
	return &st.marks[st.n_marks++].seq;
}

static void apply(struct store_batch *b)
{
	struct err e = {0};

	CHECK(!db_exec(&st.db, "SAVEPOINT batch", &e));
	CHECK(!samples_ops.apply(st.samples, &b->work, &e));
	CHECK(!samples_ops.seal(st.samples, &e));
	CHECK(!db_exec(&st.db, "RELEASE batch", &e));
	samples_ops.settle(st.samples, true);
	for (size_t i = 0; i < store_batch_count(b); i++) {
		const struct store_chunk *c = store_batch_chunk(b, i);
		uint64_t *mark = mark_of(c->attempt, c->stream), seq;
		int rc;

		seq = store_batch_mark(b, i, &rc);
		if (!rc && seq > *mark)
			*mark = seq;
	}
}

static void release(void)
{
	struct store_batch *b = st.held;
	bool fails = st.mode == FAILS || st.refuses;

	if (!b)
		return;
	st.held = NULL;
	st.refuses = fails;
	if (!fails)
		apply(b);
	st.done(st.arg, fails ? ERR_IO : 0, fails ? "no disk" : "");
}

void store_samples(struct store *s, struct store_batch *b,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	(void)s;
	CHECK(!st.held && store_batch_count(b));
	st.held = b;
	st.done = done;
	st.arg = arg;
	if (st.mode != WAITS)
		release();
}

void store_samples_retry(struct store *s)
{
	(void)s;
	st.refuses = false;
}

struct store_reader *store_reader_get(struct store *s, int wait_ms, struct err *e)
{
	(void)wait_ms;
	if (st.mode == FAILS)
		err_set(e, ERR_BUSY, "no reader");
	return st.mode == FAILS ? NULL : (struct store_reader *)s;
}

void store_reader_put(struct store_reader *r)
{
	(void)r;
}

int store_streams(struct store_reader *r, int64_t attempt,
	int (*fn)(void *arg, const struct store_stream *s), void *arg, struct err *e)
{
	int rc = 0;

	(void)r, (void)e;
	for (int i = 0; i < st.n_marks && !rc; i++) {
		struct store_stream s = {
			.attempt = attempt, .stream = st.marks[i].stream, .mark = st.marks[i].seq};

		if (st.marks[i].attempt == attempt && s.mark)
			rc = fn(arg, &s);
	}
	return rc;
}

/* ---- the link ---- */

static struct {
	struct stream stream; /* first */
	bool there, closing, paused;
	size_t room; /* what it takes before it is full */
	struct proto_parser sent;
} link;

static void check_sent(void)
{
	struct proto_frame f;
	struct proto_r r;
	int got;

	while ((got = proto_parser_next(&link.sent, &f)) > 0) {
		int64_t attempt;
		uint32_t stream;

		if (f.type != PROTO_ACK)
			continue;
		proto_r_init(&r, f.payload, f.len);
		attempt = proto_get_i64(&r);
		stream = proto_get_u32(&r);
		CHECK(proto_get_u64(&r) <= *mark_of(attempt, stream) && !r.bad);
	}
	CHECK(!got);
}

static size_t link_write(struct stream *s, const uint8_t *data, size_t n)
{
	(void)s;
	CHECK(link.there && n);
	if (n > link.room)
		n = link.room;
	link.room -= n;
	for (size_t at = 0, part; at < n; at += part) {
		part = n - at < PROTO_FEED_MAX ? n - at : PROTO_FEED_MAX;
		CHECK(!proto_parser_feed(&link.sent, data + at, part));
		check_sent();
	}
	return n;
}

static void link_pause(struct stream *s, bool on)
{
	(void)s;
	CHECK(link.there);
	link.paused = on;
}

static void link_close(struct stream *s)
{
	(void)s;
	CHECK(link.there); /* more than once is allowed */
	link.closing = true;
}

static const struct stream_ops link_ops = {link_write, link_pause, link_close};

/* ---- the farm ---- */

static struct {
	struct env *env;
	struct ingest *ingest;
	struct session *session;
	int welcomes, welcome_rc, lost;
	int64_t started; /* the action that is not answered */
	struct msg_end ends[ATTEMPTS + 1];
} farm;

static void on_welcome(void *arg, int rc, const char *text, const struct msg_welcome *w)
{
	(void)arg;
	CHECK(!farm.welcomes++ && text && !rc == !!w);
	farm.welcome_rc = rc;
}

static void on_lost(void *arg, const char *text)
{
	(void)arg, (void)text;
	CHECK(farm.welcomes == 1 && !farm.welcome_rc && !farm.lost++);
}

static void on_status(void *arg, const struct msg_status *s)
{
	(void)arg;
	CHECK(farm.welcomes == 1 && !farm.lost && strlen(s->note) < sizeof(s->note));
}

static void on_started(void *arg, int64_t action, int rc, const char *text, bool blame)
{
	(void)arg, (void)rc, (void)text, (void)blame;
	CHECK(farm.started && action == farm.started);
	farm.started = 0;
}

static void on_ended(void *arg, const struct msg_end *end)
{
	(void)arg;
	CHECK(end->attempt > 0 && end->attempt <= ATTEMPTS);
	farm.ends[end->attempt] = *end;
}

static bool knows(void *arg, int64_t attempt, bool *ret_late)
{
	(void)arg;
	*ret_late = attempt == ATTEMPTS;
	return attempt > 0 && attempt <= ATTEMPTS;
}

static const struct session_ops ops = {on_welcome, on_lost, on_status, on_started, on_ended, knows};

static void on_stored(void *arg, int64_t attempt)
{
	const struct msg_end *end = &farm.ends[attempt];

	(void)arg;
	CHECK(end->attempt == attempt);
	for (uint32_t i = 0; i < end->n_streams; i++)
		CHECK(*mark_of(attempt, end->streams[i].stream) >= end->streams[i].last_seq);
}

/* ---- the script ---- */

static const uint16_t frame_types[] = {PROTO_CHUNK, PROTO_END, PROTO_STATUS, PROTO_WELCOME,
	PROTO_REFUSE, PROTO_PONG, PROTO_CHUNK, 4000};

static void come(const uint8_t *data, size_t n)
{
	if (link.there && !link.closing && n)
		link.stream.events->data(link.stream.arg, data, n);
}

static const uint8_t *take_bytes(struct input *in, size_t *ret_n)
{
	size_t n = take(in);
	const uint8_t *p;

	n |= (size_t)take(in) << 8;
	p = in->p;
	*ret_n = n = n < in->n ? n : in->n;
	in->p += n;
	in->n -= n;
	return p;
}

static void come_frame(uint16_t type, struct input *in)
{
	size_t n;
	const uint8_t *p = take_bytes(in, &n);
	uint8_t *mem = mem_alloc(PROTO_HEADER + n);

	proto_header_put(mem, type, p, (uint32_t)n);
	if (n)
		memcpy(mem + PROTO_HEADER, p, n);
	come(mem, PROTO_HEADER + n);
	mem_free(mem);
}

/* One packet full of tiny chunks, each the next of its stream. */
static void come_crowd(struct input *in)
{
	uint8_t *all = mem_alloc(CROWD_MAX * (PROTO_HEADER + CROWD_CHUNK)), text[] = {take(in)};
	int64_t attempt = take(in) % ATTEMPTS + 1;
	struct msg_chunk c = {
		.attempt = attempt, .boot = 1, .stream = STREAM_ID_TEXT, .kind = STREAM_TEXT};
	size_t n = 0, many = take(in);
	struct proto_w w;

	if (many == 255)
		many = CROWD_MAX;
	c.seq = *mark_of(attempt, c.stream) + 1;
	c.n = c.len = 1;
	c.payload = text;
	for (size_t i = 0; i < many; i++, c.seq++) {
		proto_w_init(&w, all + n + PROTO_HEADER, CROWD_CHUNK);
		msg_chunk_put(&w, &c);
		CHECK(!w.full);
		proto_header_put(all + n, PROTO_CHUNK, w.p, (uint32_t)w.len);
		n += PROTO_HEADER + w.len;
	}
	come(all, n);
	mem_free(all);
}

static void close_link(int code)
{
	if (!link.there)
		return;
	link.there = false;
	link.stream.events->closed(link.stream.arg, code, code ? "gone" : "");
}

static void start(struct input *in)
{
	int64_t attempt = take(in) % ATTEMPTS + 1;

	if (!session_start(farm.session, 77, attempt, 4, 60000, "plan", 4)) {
		CHECK(!farm.started);
		farm.started = 77;
	}
}

static void drain(size_t room)
{
	link.room = room;
	if (link.there && room)
		link.stream.events->drained(link.stream.arg);
}

static void act(uint8_t what, struct input *in)
{
	const uint8_t *p;
	size_t n;

	switch (what % 11) {
	case 0:
		p = take_bytes(in, &n);
		come(p, n);
		break;
	case 1:
		start(in);
		break;
	case 2:
		session_stop(farm.session, take(in) % ATTEMPTS + 1, 4, "enough");
		break;
	case 3:
		session_discard(farm.session, take(in) % ATTEMPTS + 1);
		break;
	case 4:
		env_advance(farm.env, take(in) * 500);
		break;
	case 5:
		st.mode = take(in) % 3;
		break;
	case 6:
		release();
		break;
	case 7:
		drain(take(in) * 256u);
		break;
	case 8:
		close_link(take(in) % 2 ? ERR_GONE : 0);
		break;
	case 9:
		env_run_posts(farm.env);
		break;
	case 10:
		come_crowd(in);
		break;
	}
}

static void play(struct input *in)
{
	while (in->n) {
		uint8_t op = take(in);

		if (op < 0xc0)
			come_frame(frame_types[op % 8], in);
		else
			act(op - 0xc0, in);
		if (link.closing)
			close_link(0);
	}
}

/* ---- one input ---- */

static void clean_up(void)
{
	samples_free(st.samples);
	db_close(&st.db);
}

static void open_store(void)
{
	struct db_setup setup = {.dir = fuzz_dir("session"),
		.name = "samples.db",
		.page_bytes = 1024,
		.cache_kib = 16384};
	struct err e = {0};
	int from;

	log_set_level(LOG_LEVEL_ERR);
	CHECK(!db_open_writer(&st.db, &setup, &e));
	CHECK(!schema_apply(&st.db, &schema_samples, &from, &e));
	st.samples = samples_new(&st.db, &e);
	CHECK(st.samples);
	atexit(clean_up);
}

static void open_session(void)
{
	static const struct session_config cfg = {
		.secret = (const uint8_t *)"0123456789abcdef0123456789abcdef",
		.farm_id = "farm",
		.epoch = 3};
	struct ctl_env env;

	memset(&farm, 0, sizeof(farm));
	memset(&link, 0, sizeof(link));
	proto_parser_init(&link.sent);
	link.stream.ops = &link_ops;
	link.room = OUT_MAX;
	link.there = true;
	st.mode = STORES;
	st.refuses = false;
	st.n_marks = 0;
	farm.env = env_new();
	env_ctl(farm.env, &env);
	farm.ingest = ingest_new(&env, (struct store *)&st, on_stored, NULL);
	farm.session = session_new(&env, &link.stream, farm.ingest, &cfg, &ops, NULL);
}

static void settle(void)
{
	do {
		release();
		env_run_posts(farm.env);
		env_advance(farm.env, 0);
	} while (st.held);
}

static void close_session(void)
{
	bool ended;

	st.mode = STORES;
	settle();
	env_advance(farm.env, INGEST_RETRY_MS);
	settle();
	ended = link.closing || !link.there;
	CHECK(!ended || farm.lost || farm.welcome_rc);
	CHECK(farm.welcomes <= 1 && farm.lost <= 1);
	session_free(farm.session);
	settle();
	CHECK(ingest_idle(farm.ingest) && !st.held);
	env_advance(farm.env, 3600000);
	CHECK(!env_fatal_count(farm.env));
	ingest_free(farm.ingest);
	env_free(farm.env);
	proto_parser_fini(&link.sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct err e = {0};

	if (!st.samples)
		open_store();
	CHECK(!db_exec(&st.db, "BEGIN", &e));
	open_session();
	play(&in);
	close_session();
	CHECK(!db_exec(&st.db, "ROLLBACK", &e));
	samples_ops.settle(st.samples, false);
	return 0;
}
