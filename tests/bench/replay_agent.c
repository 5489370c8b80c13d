/* SPDX-License-Identifier: Apache-2.0 */
/* See replay.h. What it sends is computed, not read: 200 of them must cost little. */
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/chunk.h"
#include "agents/msg.h"
#include "agents/plan.h"
#include "agents/proto.h"
#include "base/clock.h"
#include "base/mem.h"
#include "drivers/adb/mux.h"
#include "drivers/driver.h"

#define COUNTERS  20
#define STATUS_MS 500
#define SEAL      100 /* samples: ten seconds, as agent/record.h seals them */
#define SAMPLE_NS 100000000LL

struct replay_agent {
	struct driver_host *h;
	int number;
	void (*begun)(void *arg);
	void *arg;
	struct adb_stream *stream; /* NULL: nobody is connected */
	struct proto_parser in;
	struct host_timer *tick;
	int64_t attempt; /* 0: idle */
	int64_t begin_ns;
	int64_t sent; /* samples of each counter */
	uint64_t seq; /* of each counter's stream */
};

static void send_frame(struct replay_agent *a, uint16_t type, const struct proto_w *w)
{
	struct stream *s = a->stream ? adb_stream_base(a->stream) : NULL;
	uint8_t head[PROTO_HEADER];

	if (w->full)
		abort();
	if (!s)
		return;
	proto_header_put(head, type, w->p, (uint32_t)w->len);
	if (s->ops->write(s, head, sizeof(head)) + s->ops->write(s, w->p, w->len) !=
		sizeof(head) + w->len) {
		fprintf(stderr, "replay: the controller does not keep up\n");
		exit(1);
	}
}

/* ---- what an attempt sends ---- */

static void send_status(struct replay_agent *a, int64_t now_ns)
{
	struct msg_status m = {.attempt = a->attempt,
		.phase = a->attempt ? PHASE_PACED : PHASE_NONE,
		.permille = 500,
		.mono_ns = now_ns,
		.iterations = (uint64_t)(now_ns - a->begin_ns) / 16666667,
		.hottest_mc = 41000,
		.thermal_known = 1};
	uint8_t mem[512];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	msg_status_put(&w, &m);
	send_frame(a, PROTO_STATUS, &w);
}

static void send_chunk(
	struct replay_agent *a, int counter, uint64_t seq, uint32_t n, const void *data, size_t len)
{
	struct msg_chunk c = {.attempt = a->attempt,
		.boot = 1,
		.stream = STREAM_ID_FIRST + (uint32_t)counter,
		.seq = seq,
		.kind = STREAM_COUNTER,
		.n = n,
		.payload = data,
		.len = (uint32_t)len};
	static uint8_t mem[CHUNK_BYTES_MAX + 256];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	msg_chunk_put(&w, &c);
	send_frame(a, PROTO_CHUNK, &w);
}

static void name_counter(int i, char dst[MSG_NAME])
{
	snprintf(dst, MSG_NAME, "replay.counter%d", i);
}

static void declare(struct replay_agent *a, int counter)
{
	struct msg_decl d = {.kind = STREAM_COUNTER, .unit = "Hz", .scale = 1, .source = "replay"};
	uint8_t mem[512];
	struct proto_w w;

	name_counter(counter, d.name);
	proto_w_init(&w, mem, sizeof(mem));
	msg_decl_put(&w, &d);
	send_chunk(a, counter, 1, 0, mem, w.len);
}

/* Times with a jitter of microseconds, values as a clock or a thermometer has them. */
static void seal(struct replay_agent *a, int counter, uint32_t n)
{
	static uint8_t packed[CHUNK_BYTES_MAX];
	int64_t t[SEAL], v[SEAL];

	for (uint32_t i = 0; i < n; i++) {
		int64_t at = a->sent + i;

		t[i] = a->begin_ns + at * SAMPLE_NS + (at * 7919 + counter * 104729) % 50000;
		v[i] = 1000000LL * counter + (at * 31 + a->number) % 97 * 1000;
	}
	send_chunk(a, counter, a->seq, n, packed, chunk_pack(packed, t, v, n));
}

static void seal_all(struct replay_agent *a, uint32_t n)
{
	if (!n)
		return;
	if (!a->seq++)
		for (int i = 0; i < COUNTERS; i++)
			declare(a, i);
	a->seq += a->seq == 1;
	for (int i = 0; i < COUNTERS; i++)
		seal(a, i, n);
	a->sent += n;
}

static void on_tick(void *arg)
{
	struct replay_agent *a = arg;
	int64_t now_ns = clock_mono_ns();
	/* The first is shorter by a different length on each, as phones do not begin at once. */
	int64_t due = SEAL - (a->seq ? 0 : a->number * 7 % SEAL);

	a->tick = a->h->timer_add(a->h, a->h->now_ms(a->h) + STATUS_MS, on_tick, a);
	send_status(a, now_ns);
	if (a->attempt && (now_ns - a->begin_ns) / SAMPLE_NS - a->sent >= due)
		seal_all(a, (uint32_t)due);
}

/* ---- what is said to it ---- */

static void send_welcome(struct replay_agent *a)
{
	int64_t now_ns = clock_mono_ns();
	struct msg_welcome m = {.version = PROTO_VERSION,
		.agent_boot = 1,
		.kernel_boot_id = "11111111-2222-4333-8444-555555555555",
		.abi = "x86_64",
		.os = "Linux replayed",
		.agent_version = FRAMEFARM_VERSION,
		.mono_ns = now_ns,
		.boot_ns = now_ns,
		.wall_ns = clock_wall_ms() * 1000000,
		.n_counters = COUNTERS};
	struct msg_counter counters[COUNTERS] = {0};
	uint8_t mem[16 * 1024];
	struct proto_w w;

	snprintf(m.agent_uuid, sizeof(m.agent_uuid), "00000000-0000-4000-8000-%012d", a->number);
	for (int i = 0; i < COUNTERS; i++) {
		name_counter(i, counters[i].name);
		snprintf(counters[i].unit, MSG_UNIT, "Hz");
		counters[i].available = 1;
	}
	m.counters = counters;
	proto_w_init(&w, mem, sizeof(mem));
	msg_welcome_put(&w, &m);
	send_frame(a, PROTO_WELCOME, &w);
}

static void on_start(struct replay_agent *a, struct proto_r *r)
{
	proto_get_i64(r); /* epoch */
	a->attempt = proto_get_i64(r);
	a->begin_ns = clock_mono_ns();
	a->sent = 0;
	a->seq = 0;
	a->begun(a->arg);
}

static void on_stop(struct replay_agent *a)
{
	struct msg_end m = {.attempt = a->attempt, .boot = 1, .outcome = OUTCOME_CANCELLED};
	static uint8_t mem[8192];
	struct proto_w w;

	snprintf(m.cause, sizeof(m.cause), "told to stop");
	for (int i = 0; a->seq && i < COUNTERS; i++) {
		m.streams[i].stream = STREAM_ID_FIRST + (uint32_t)i;
		m.streams[i].last_seq = a->seq;
		m.n_streams++;
	}
	proto_w_init(&w, mem, sizeof(mem));
	msg_end_put(&w, &m);
	send_frame(a, PROTO_END, &w);
	a->attempt = 0;
}

static void on_ping(struct replay_agent *a, struct proto_r *r)
{
	int64_t now_ns = clock_mono_ns();
	uint8_t mem[64];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u64(&w, proto_get_u64(r));
	proto_put_i64(&w, now_ns);
	proto_put_i64(&w, now_ns);
	proto_put_i64(&w, clock_wall_ms() * 1000000);
	send_frame(a, PROTO_PONG, &w);
}

static void take(struct replay_agent *a, const struct proto_frame *f)
{
	struct proto_r r;

	proto_r_init(&r, f->payload, f->len);
	if (f->type == PROTO_HELLO)
		send_welcome(a);
	else if (f->type == PROTO_START)
		on_start(a, &r);
	else if (f->type == PROTO_STOP && a->attempt)
		on_stop(a);
	else if (f->type == PROTO_PING)
		on_ping(a, &r);
}

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct replay_agent *a = arg;
	struct proto_frame f;

	while (n) {
		size_t part = n < PROTO_FEED_MAX ? n : PROTO_FEED_MAX;

		if (proto_parser_feed(&a->in, data, part))
			abort();
		while (proto_parser_next(&a->in, &f) == 1)
			take(a, &f);
		data += part;
		n -= part;
	}
}

static void on_drained(void *arg)
{
	(void)arg;
}

static void on_closed(void *arg, int code, const char *text)
{
	struct replay_agent *a = arg;

	(void)code;
	(void)text;
	a->stream = NULL;
	if (a->tick)
		a->h->timer_del(a->h, a->tick);
	a->tick = NULL;
}

static const struct stream_events agent_events = {on_data, on_drained, on_closed};

struct replay_agent *replay_agent_new(
	struct driver_host *h, int number, void (*begun)(void *arg), void *arg)
{
	struct replay_agent *a = mem_zalloc(sizeof(*a));

	a->h = h;
	a->number = number;
	a->begun = begun;
	a->arg = arg;
	return a;
}

void replay_agent_connect(struct replay_agent *a, struct adb_stream *s)
{
	if (a->stream) {
		adb_stream_refuse(s);
		return;
	}
	proto_parser_fini(&a->in);
	proto_parser_init(&a->in);
	a->stream = s;
	adb_stream_accept(s, &agent_events, a);
	if (!a->tick)
		a->tick = a->h->timer_add(
			a->h, a->h->now_ms(a->h) + STATUS_MS + a->number % STATUS_MS, on_tick, a);
}
