/* SPDX-License-Identifier: Apache-2.0 */
/* Messages come back as they were put, also from a peer that knows more; from one that lies about a
 * count, or stops half-way, nothing comes back and nothing is left behind. */
#include "tests/unit/agents/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "msg.h"

static uint8_t mem[PROTO_PAYLOAD_MAX];
static struct proto_w w;

static void start(void)
{
	proto_w_init(&w, mem, sizeof(mem));
}

static struct msg_counter *counters(uint32_t n)
{
	struct msg_counter *c = calloc(n, sizeof(*c));

	for (uint32_t i = 0; i < n; i++) {
		strcpy(c[i].name, "thermal.x86_pkg_temp");
		strcpy(c[i].unit, "mC");
		strcpy(c[i].source, "/sys/class/thermal/thermal_zone0/temp");
		c[i].available = i % 2;
		c[i].error = i % 2 ? 0 : -13;
	}
	return c;
}

static struct msg_welcome welcome(uint32_t n_counters)
{
	struct msg_welcome m = {.version = 1,
		.agent_uuid = "0b6c1f3e-7d0e-4f65-a4c4-1f3f5b1d2e3a",
		.agent_boot = 0xfedcba9876543210,
		.kernel_boot_id = "",
		.abi = "x86_64",
		.os = "Linux 6.1.0-18-amd64 #1 SMP",
		.agent_version = "0.1",
		.farm_id = "lab",
		.epoch = -3,
		.mono_ns = 1,
		.boot_ns = 2,
		.wall_ns = INT64_MAX,
		.protections = "no_new_privs,rlimits",
		.n_counters = n_counters,
		.counters = counters(n_counters),
		.n_attempts = 2};

	m.attempts[0].attempt = 41;
	m.attempts[0].boot = 7;
	m.attempts[0].state = ATTEMPT_ENDED;
	m.attempts[1].attempt = 42;
	m.attempts[1].boot = 8;
	m.attempts[1].state = ATTEMPT_RUNNING;
	return m;
}

static void welcome_comes_back(void **state)
{
	struct msg_welcome m = welcome(MSG_COUNTERS_MAX), got;

	(void)state;
	start();
	msg_welcome_put(&w, &m);
	assert_false(w.full);
	assert_int_equal(msg_welcome_get(mem, w.len, &got), 0);
	assert_string_equal(got.agent_uuid, m.agent_uuid);
	assert_true(got.agent_boot == m.agent_boot && got.epoch == -3);
	assert_true(got.mono_ns == 1 && got.boot_ns == 2 && got.wall_ns == INT64_MAX);
	assert_string_equal(got.os, m.os);
	assert_string_equal(got.protections, m.protections);
	assert_int_equal(got.n_counters, MSG_COUNTERS_MAX);
	assert_memory_equal(got.counters, m.counters, MSG_COUNTERS_MAX * sizeof(*m.counters));
	assert_int_equal(got.n_attempts, 2);
	assert_int_equal(got.attempts[1].attempt, 42);
	assert_int_equal(got.attempts[1].state, ATTEMPT_RUNNING);
	msg_welcome_fini(&got);
	msg_welcome_fini(&got); /* twice does no harm */
	msg_welcome_fini(&m);
}

/* Each decoder meets each truncation of a good message, and then bytes of the future behind it. */
typedef int (*get_fn)(const void *data, size_t n);

static int get_welcome(const void *data, size_t n)
{
	struct msg_welcome m;
	int r = msg_welcome_get(data, n, &m);

	if (!r)
		msg_welcome_fini(&m);
	return r;
}

static int get_status(const void *data, size_t n)
{
	struct msg_status m;

	return msg_status_get(data, n, &m);
}

static int get_chunk(const void *data, size_t n)
{
	struct msg_chunk m;

	return msg_chunk_get(data, n, &m);
}

static int get_decl(const void *data, size_t n)
{
	struct msg_decl m;

	return msg_decl_get(data, n, &m);
}

static int get_end(const void *data, size_t n)
{
	struct msg_end m;

	return msg_end_get(data, n, &m);
}

static void only_the_whole_message_will_do(get_fn get)
{
	assert_false(w.full);
	for (size_t n = 0; n < w.len; n++) {
		uint8_t *part = malloc(n + !n);

		memcpy(part, mem, n);
		assert_int_equal(get(part, n), -1);
		free(part);
	}
	assert_int_equal(get(mem, w.len), 0);
	proto_put_text(&w, "a field of version 9");
	assert_int_equal(get(mem, w.len), 0);
}

static void welcome_may_grow_but_not_shrink(void **state)
{
	struct msg_welcome m = welcome(3);

	(void)state;
	start();
	msg_welcome_put(&w, &m);
	only_the_whole_message_will_do(get_welcome);
	msg_welcome_fini(&m);
}

static void welcome_refuses_lying_counts(void **state)
{
	struct msg_welcome m = welcome(0), got = {.epoch = 77};
	size_t at_counters, at_attempts;

	(void)state;
	m.n_attempts = 0;
	start();
	msg_welcome_put(&w, &m);
	at_attempts = w.len - 4;
	at_counters = w.len - 8;
	memset(mem + w.len, 0, 4096);
	mem[at_attempts] = MSG_ATTEMPTS_MAX + 1;
	assert_int_equal(msg_welcome_get(mem, w.len + 4096, &got), -1);
	mem[at_attempts] = 1; /* an attempt in state 0 */
	assert_int_equal(msg_welcome_get(mem, w.len + 4096, &got), -1);
	mem[at_attempts] = 0;
	mem[at_counters + 1] = 1; /* 256, each of which takes 11 bytes at least */
	assert_int_equal(msg_welcome_get(mem, w.len + 2000, &got), -1);
	assert_int_equal(msg_welcome_get(mem, w.len + 4096, &got), 0);
	msg_welcome_fini(&got);
	got.epoch = 77;
	mem[at_counters] = 1; /* 257 */
	assert_int_equal(msg_welcome_get(mem, w.len + 4096, &got), -1);
	assert_int_equal(got.epoch, 77); /* untouched on failure */
	msg_welcome_fini(&m);
}

static void encoders_refuse_counts_beyond_the_bound(void **state)
{
	struct msg_welcome m = welcome(0);
	struct msg_end end = {.n_streams = MSG_STREAMS_MAX + 1};
	struct fact fact = {.kind = 9};

	(void)state;
	start();
	m.n_counters = MSG_COUNTERS_MAX + 1;
	msg_welcome_put(&w, &m);
	assert_true(w.full);
	m.n_counters = 0;
	m.n_attempts = MSG_ATTEMPTS_MAX + 1;
	start();
	msg_welcome_put(&w, &m);
	assert_true(w.full);
	start();
	msg_end_put(&w, &end);
	assert_true(w.full);
	start();
	fact_put(&w, &fact);
	assert_true(w.full);
	msg_welcome_fini(&m);
}

static void status_comes_back(void **state)
{
	struct msg_status m = {.attempt = 5,
		.phase = 10,
		.block = 2,
		.permille = 999,
		.mono_ns = 123,
		.iterations = UINT64_MAX,
		.over_budget = 4,
		.spool_bytes = 1 << 20,
		.hottest_mc = INT32_MIN,
		.thermal_known = 0,
		.note = "waits for 38.0 °C"};
	struct msg_status got;

	(void)state;
	start();
	msg_status_put(&w, &m);
	memset(&got, 0, sizeof(got));
	assert_int_equal(msg_status_get(mem, w.len, &got), 0);
	assert_int_equal(got.attempt, 5);
	assert_int_equal(got.phase, 10);
	assert_int_equal(got.permille, 999);
	assert_true(got.iterations == UINT64_MAX);
	assert_true(got.hottest_mc == INT32_MIN);
	assert_string_equal(got.note, m.note);
	only_the_whole_message_will_do(get_status);
}

static const uint8_t payload[] = {0, 1, 1, 0x80, 1};

static struct msg_chunk chunk(void)
{
	return (struct msg_chunk){.attempt = 5,
		.boot = 6,
		.stream = 7,
		.seq = 2,
		.kind = STREAM_COUNTER,
		.n = 1,
		.payload = payload,
		.len = sizeof(payload)};
}

/* attempt, boot, stream, seq, kind, n, then a u32 length and the payload. */
static void a_chunk_is_these_bytes(void **state)
{
	static const uint8_t expected[] = {5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0,
		0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 5, 0, 0, 0, 0, 1, 1, 0x80, 1};
	struct msg_chunk m = chunk(), got;

	(void)state;
	start();
	msg_chunk_put(&w, &m);
	assert_int_equal(w.len, sizeof(expected));
	assert_memory_equal(mem, expected, sizeof(expected));
	assert_int_equal(msg_chunk_get(mem, w.len, &got), 0);
	assert_int_equal(got.stream, 7);
	assert_int_equal(got.seq, 2);
	assert_int_equal(got.len, sizeof(payload));
	assert_ptr_equal(got.payload, mem + 37); /* in the frame, not copied */
	only_the_whole_message_will_do(get_chunk);
}

static int chunk_get(struct msg_chunk m)
{
	start();
	msg_chunk_put(&w, &m);
	return get_chunk(mem, w.len);
}

static void a_chunk_must_agree_with_itself(void **state)
{
	struct msg_chunk m = chunk();

	(void)state;
	m.seq = 0; /* chunks count from 1 */
	assert_int_equal(chunk_get(m), -1);
	m = chunk();
	m.kind = STREAM_MARKS + 1;
	assert_int_equal(chunk_get(m), -1);
	m.kind = 0;
	assert_int_equal(chunk_get(m), -1);
	m = chunk();
	m.n = CHUNK_MAX;
	assert_int_equal(chunk_get(m), 0);
	m.n = CHUNK_MAX + 1;
	assert_int_equal(chunk_get(m), -1);
	m = chunk();
	m.kind = STREAM_TEXT;
	m.n = m.len;
	assert_int_equal(chunk_get(m), 0);
	m.n = m.len + 1;
	assert_int_equal(chunk_get(m), -1);
	m = chunk();
	m.n = m.len = 0; /* nothing is something: an empty declaration is for the next layer */
	assert_int_equal(chunk_get(m), 0);
}

static void a_payload_longer_than_its_frame_is_refused(void **state)
{
	struct msg_chunk m = chunk();

	(void)state;
	start();
	msg_chunk_put(&w, &m);
	mem[33] = sizeof(payload) + 1;
	assert_int_equal(get_chunk(mem, w.len), -1);
	mem[36] = 0xff; /* 4 GiB */
	assert_int_equal(get_chunk(mem, w.len), -1);
}

static void a_declaration_comes_back(void **state)
{
	struct msg_decl m = {.kind = STREAM_PACED,
		.name = "paced",
		.unit = "ns",
		.scale = 1,
		.source = "",
		.budget_ns = 16000000,
		.period_ns = 16666667};
	struct msg_decl got;

	(void)state;
	start();
	msg_decl_put(&w, &m);
	assert_int_equal(msg_decl_get(mem, w.len, &got), 0);
	assert_int_equal(got.kind, STREAM_PACED);
	assert_string_equal(got.name, "paced");
	assert_int_equal(got.budget_ns, 16000000);
	assert_int_equal(got.period_ns, 16666667);
	only_the_whole_message_will_do(get_decl);

	m.scale = 0; /* readers divide by it */
	start();
	msg_decl_put(&w, &m);
	assert_int_equal(get_decl(mem, w.len), -1);
}

static void an_end_comes_back(void **state)
{
	struct msg_end m = {.attempt = 9,
		.boot = 10,
		.outcome = 4,
		.cause = "the runner died of signal 11",
		.n_streams = MSG_STREAMS_MAX};
	struct msg_end got;

	(void)state;
	for (uint32_t i = 0; i < m.n_streams; i++) {
		m.streams[i].stream = i;
		m.streams[i].last_seq = (uint64_t)i << 33;
	}
	start();
	msg_end_put(&w, &m);
	assert_int_equal(msg_end_get(mem, w.len, &got), 0);
	assert_int_equal(got.outcome, 4);
	assert_string_equal(got.cause, m.cause);
	assert_int_equal(got.n_streams, MSG_STREAMS_MAX);
	assert_true(got.streams[319].last_seq == (uint64_t)319 << 33);
	only_the_whole_message_will_do(get_end);
}

static void an_end_refuses_lying_counts(void **state)
{
	struct msg_end m = {.n_streams = 0};

	(void)state;
	start();
	msg_end_put(&w, &m);
	memset(mem + w.len, 0, 8192);
	mem[w.len - 3] = 1; /* 256 × 12 bytes */
	assert_int_equal(get_end(mem, w.len + 256 * 12), 0);
	assert_int_equal(get_end(mem, w.len + 256 * 12 - 1), -1);
	mem[w.len - 4] = 65; /* 321 */
	assert_int_equal(get_end(mem, w.len + 8192), -1);
}

static void facts_follow_one_another(void **state)
{
	struct fact i = {.mono_ns = 1, .key = "load.cold_ns", .kind = FACT_INT, .i = INT64_MIN};
	struct fact f = {.mono_ns = 2, .key = "golden.cosine", .kind = FACT_NUM};
	struct fact t = {.mono_ns = 3, .key = "env.governor", .kind = FACT_TEXT};
	struct proto_r r;
	struct fact got;

	(void)state;
	f.f = (double)NAN;
	memset(t.text, 'x', sizeof(t.text) - 1);
	start();
	fact_put(&w, &i);
	fact_put(&w, &f);
	fact_put(&w, &t);
	assert_false(w.full);
	proto_r_init(&r, mem, w.len);
	assert_int_equal(fact_get(&r, &got), 0);
	assert_string_equal(got.key, "load.cold_ns");
	assert_true(got.i == INT64_MIN);
	assert_int_equal(fact_get(&r, &got), 0);
	assert_true(isnan(got.f));
	assert_int_equal(fact_get(&r, &got), 0);
	assert_int_equal(strlen(got.text), 1023);
	assert_int_equal(proto_left(&r), 0);
	assert_int_equal(fact_get(&r, &got), -1);
	assert_int_equal(strlen(got.text), 1023); /* untouched on failure */
}

static void a_fact_of_a_foreign_kind_is_refused(void **state)
{
	struct fact i = {.key = "k", .kind = FACT_INT};
	struct proto_r r;
	struct fact got;

	(void)state;
	start();
	fact_put(&w, &i);
	mem[8 + 2 + 1] = 4; /* mono_ns, length and byte of the key, then the kind */
	proto_r_init(&r, mem, w.len);
	assert_int_equal(fact_get(&r, &got), -1);
	assert_true(r.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(welcome_comes_back),
		cmocka_unit_test(welcome_may_grow_but_not_shrink),
		cmocka_unit_test(welcome_refuses_lying_counts),
		cmocka_unit_test(encoders_refuse_counts_beyond_the_bound),
		cmocka_unit_test(status_comes_back),
		cmocka_unit_test(a_chunk_is_these_bytes),
		cmocka_unit_test(a_chunk_must_agree_with_itself),
		cmocka_unit_test(a_payload_longer_than_its_frame_is_refused),
		cmocka_unit_test(a_declaration_comes_back),
		cmocka_unit_test(an_end_comes_back),
		cmocka_unit_test(an_end_refuses_lying_counts),
		cmocka_unit_test(facts_follow_one_another),
		cmocka_unit_test(a_fact_of_a_foreign_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
