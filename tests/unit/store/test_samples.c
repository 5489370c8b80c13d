/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a stream, as a phone keeps or breaks them; facts and text. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agents/chunk.h"
#include "base/mem.h"

static const struct stream_id iter = {7, -5, 3, STREAM_ITER};
static const struct stream_id facts = {7, -5, STREAM_ID_FACTS, STREAM_FACTS};
static const struct stream_id text = {7, -5, STREAM_ID_TEXT, STREAM_TEXT};

static const int64_t two_t[] = {1000000000, 1020000000}, two_v[] = {16000000, 16000001};

struct seen {
	struct store_stream stream[8];
	int n;
};

static int note_stream(void *arg, const struct store_stream *s)
{
	struct seen *seen = arg;

	assert_true(seen->n < 8);
	seen->stream[seen->n++] = *s;
	return 0;
}

static struct seen streams_of(struct store *s, int64_t attempt)
{
	struct store_reader *rd = reader(s);
	struct seen seen = {.n = 0};

	assert_int_equal(store_streams(rd, attempt, note_stream, &seen, NULL), 0);
	store_reader_put(rd);
	return seen;
}

static int note_pairs(void *arg, const int64_t *t, const int64_t *v, int n)
{
	int64_t *sum = arg; /* of pairs, times and values */

	for (int i = 0; i < n; i++) {
		sum[0]++;
		sum[1] += t[i];
		sum[2] += v[i];
	}
	return 0;
}

static int64_t pairs_of(struct store *s, struct stream_id id)
{
	struct store_reader *rd = reader(s);
	int64_t sum[3] = {0};

	assert_int_equal(store_values(rd, id.attempt, id.stream, INT64_MIN, INT64_MAX, note_pairs,
				 sum, NULL),
		0);
	store_reader_put(rd);
	return sum[0];
}

/* A batch with one chunk; its mark, or why it was refused. */
static int64_t send_pairs(struct store *s, struct stream_id id, uint64_t seq, const int64_t *t,
	const int64_t *v, int n)
{
	struct store_batch *b = store_batch_new();
	int64_t mark;

	add_pairs(b, id, seq, t, v, n);
	assert_int_equal(commit_batch(s, b), 0);
	mark = mark_of(b, 0);
	store_batch_free(b);
	return mark;
}

static void declare(struct store *s, struct stream_id id, int64_t budget_ns)
{
	struct store_batch *b = store_batch_new();

	add_decl_plain(b, id, budget_ns);
	store_all(s, b);
}

/* ---- declarations ---- */

static void a_declaration_is_kept_and_cleaned(void **state)
{
	struct rig *r = *state;
	struct msg_decl d = {.kind = STREAM_COUNTER,
		.name = "thermal.\x1b[2Jzone",
		.unit = "m\xff",
		.scale = 1000,
		.source = "/sys/class/\xe2\x82\xac",
		.budget_ns = 0,
		.period_ns = 100000000};
	struct store_batch *b = store_batch_new();
	struct stream_id id = {7, INT64_MIN, 12, STREAM_COUNTER};
	struct seen seen;

	add_decl(b, id, &d);
	store_all(r->store, b);
	rig_reopen(r);
	seen = streams_of(r->store, 7);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.stream[0].name, "thermal.?[2Jzone");
	assert_string_equal(seen.stream[0].unit, "m?");
	assert_string_equal(seen.stream[0].source, "/sys/class/\xe2\x82\xac");
	assert_int_equal(seen.stream[0].boot, INT64_MIN);
	assert_int_equal(seen.stream[0].stream, 12);
	assert_int_equal(seen.stream[0].kind, STREAM_COUNTER);
	assert_int_equal(seen.stream[0].scale, 1000);
	assert_int_equal(seen.stream[0].period_ns, 100000000);
	assert_int_equal(seen.stream[0].mark, 1);
	assert_int_equal(seen.stream[0].n_values, 0);
}

static void nothing_comes_before_the_declaration(void **state)
{
	struct rig *r = *state;

	assert_int_equal(send_pairs(r->store, iter, 2, two_t, two_v, 2), ERR_PROTO);
	/* Pairs where a declaration belongs. */
	assert_int_equal(send_pairs(r->store, iter, 1, two_t, two_v, 2), ERR_PROTO);
	assert_int_equal(streams_of(r->store, 7).n, 0);
}

static void the_kind_stays_what_was_declared(void **state)
{
	struct rig *r = *state;
	struct stream_id other = iter;
	struct store_batch *b = store_batch_new();

	other.kind = STREAM_PACED;
	declare(r->store, iter, 0);
	assert_int_equal(send_pairs(r->store, other, 2, two_t, two_v, 2), ERR_PROTO);
	/* A chunk of one kind around a declaration of another. */
	other.stream = 4;
	add_decl_plain(b, (struct stream_id){7, -5, 4, STREAM_ITER}, 0);
	add_raw(b, other, 1, 0, store_batch_chunk(b, 0)->payload, store_batch_chunk(b, 0)->len);
	assert_int_equal(commit_batch(r->store, b), 0);
	assert_int_equal(mark_of(b, 0), 1);
	assert_int_equal(mark_of(b, 1), 1); /* a resend by now: skipped whatever it says */
	store_batch_free(b);
	b = store_batch_new();
	add_decl_plain(b, (struct stream_id){7, -5, 5, STREAM_ITER}, 0);
	other.stream = 6;
	add_raw(b, other, 1, 0, store_batch_chunk(b, 0)->payload, store_batch_chunk(b, 0)->len);
	assert_int_equal(commit_batch(r->store, b), 0);
	assert_int_equal(mark_of(b, 1), ERR_PROTO);
	store_batch_free(b);
}

static void numbers_nobody_gives_are_refused(void **state)
{
	struct rig *r = *state;
	struct store_batch *b = store_batch_new();

	add_decl_plain(b, (struct stream_id){7, 1, 5000, STREAM_ITER}, 0);
	add_decl_plain(b, (struct stream_id){0, 1, 3, STREAM_ITER}, 0);
	add_raw(b, iter, 0, 0, "", 0);
	assert_int_equal(commit_batch(r->store, b), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mark_of(b, i), ERR_PROTO);
	store_batch_free(b);
}

/* ---- order ---- */

static void a_resend_is_skipped(void **state)
{
	struct rig *r = *state;
	struct store_stats stats;
	struct seen seen;

	declare(r->store, iter, 16000000);
	assert_int_equal(send_pairs(r->store, iter, 2, two_t, two_v, 2), 2);
	assert_int_equal(send_pairs(r->store, iter, 2, two_t, two_v, 2), 2);
	rig_reopen(r); /* the mark is in the file, not in memory alone */
	assert_int_equal(send_pairs(r->store, iter, 2, two_t, two_v, 2), 2);
	declare(r->store, iter, 16000000);
	assert_int_equal(pairs_of(r->store, iter), 2);
	seen = streams_of(r->store, 7);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.stream[0].n_values, 2);
	assert_int_equal(seen.stream[0].n_over, 1); /* 16 ms is in the budget, a ns more is not */
	assert_int_equal(seen.stream[0].t_first, two_t[0]);
	assert_int_equal(seen.stream[0].t_last, two_t[1]);
	store_get_stats(r->store, &stats);
	assert_int_equal(stats.resends, 2); /* since the reopening */
}

/* 16 ms is within 16 ms, and a ns more is not; a resend and what was refused count for nothing. */
static void latencies_are_counted_by_bounds_once(void **state)
{
	static const int64_t t[] = {1, 2, 1000000000, 1000000001, 1000000002, 5000000000};
	static const int64_t v[] = {16000000, 16000001, 16666667, 16666668, -5, INT64_MAX};
	struct stream_id paced = {7, 1, 3, STREAM_PACED}, counter = {7, 1, 4, STREAM_COUNTER};
	struct rig *r = *state;
	struct store_latency paced_l, other;
	struct store_stats stats;
	uint64_t within = 0;
	int b = 0;

	declare(r->store, paced, 16000000);
	declare(r->store, counter, 0);
	assert_int_equal(send_pairs(r->store, paced, 2, t, v, 6), 2);
	assert_int_equal(send_pairs(r->store, paced, 2, t, v, 6), 2);
	assert_true(send_pairs(r->store, paced, 9, t, v, 6) < 0);
	assert_int_equal(send_pairs(r->store, counter, 2, t, v, 6), 2);
	store_get_stats(r->store, &stats);
	paced_l = stats.latency[STORE_LATENCY_PACED];
	other = stats.latency[STORE_LATENCY_BACK_TO_BACK];
	for (; store_latency_bounds_ns[b] < 16000000; b++)
		within += paced_l.n[b];
	assert_int_equal(store_latency_bounds_ns[b], 16000000);
	assert_int_equal(store_latency_bounds_ns[b + 1], 16666667);
	assert_int_equal(within, 1); /* what no clock measures is 0 */
	assert_int_equal(paced_l.n[b], 1);
	assert_int_equal(paced_l.n[b + 1], 2);
	assert_int_equal(paced_l.n[b + 2], 1);
	assert_int_equal(paced_l.n[STORE_LATENCY_BOUNDS], 1);
	assert_int_equal(paced_l.sum_ns, 16000000LL * 2 + 1 + 16666667LL * 2 + 1 + 3600000000000LL);
	assert_int_equal(other.sum_ns, 0);
}

static void a_gap_refuses_its_stream_and_no_other(void **state)
{
	struct rig *r = *state;
	struct stream_id second = iter;
	struct store_batch *b = store_batch_new();

	second.stream = 4;
	add_decl_plain(b, iter, 0);
	add_decl_plain(b, second, 0);
	add_pairs(b, iter, 2, two_t, two_v, 2);
	add_pairs(b, iter, 4, two_t, two_v, 2); /* 3 is missing */
	add_pairs(b, iter, 5, two_t, two_v, 2); /* behind the gap */
	add_pairs(b, second, 2, two_t, two_v, 2);
	assert_int_equal(commit_batch(r->store, b), 0);
	assert_int_equal(mark_of(b, 0), 2); /* the mark of its stream after the commit */
	assert_int_equal(mark_of(b, 1), 2);
	assert_int_equal(mark_of(b, 2), 2);
	assert_int_equal(mark_of(b, 3), ERR_PROTO);
	assert_int_equal(mark_of(b, 4), ERR_PROTO);
	assert_int_equal(mark_of(b, 5), 2);
	store_batch_free(b);
	assert_int_equal(send_pairs(r->store, iter, 3, two_t, two_v, 2), 3);
	assert_int_equal(pairs_of(r->store, iter), 4);
	assert_int_equal(pairs_of(r->store, second), 2);
}

static void streams_of_other_boots_and_attempts_are_others(void **state)
{
	struct rig *r = *state;
	struct stream_id boot = iter, attempt = iter;

	boot.boot = 6;
	attempt.attempt = 8;
	declare(r->store, iter, 0);
	assert_int_equal(send_pairs(r->store, boot, 2, two_t, two_v, 2), ERR_PROTO);
	assert_int_equal(send_pairs(r->store, attempt, 2, two_t, two_v, 2), ERR_PROTO);
	declare(r->store, boot, 0);
	assert_int_equal(send_pairs(r->store, iter, 2, two_t, two_v, 2), 2);
	assert_int_equal(send_pairs(r->store, boot, 2, two_t, two_v, 2), 2);
	assert_int_equal(streams_of(r->store, 7).n, 2);
	assert_int_equal(pairs_of(r->store, iter), 4); /* both boots, one behind the other */
}

/* ---- payloads ---- */

static void bytes_that_are_no_chunk_are_refused(void **state)
{
	struct rig *r = *state;
	uint8_t packed[CHUNK_BYTES_MAX], junk[300];
	uint32_t len = (uint32_t)chunk_pack(packed, two_t, two_v, 2);
	static const int64_t far_t[] = {STORE_TIME_MAX + 1};
	struct rng g = {7};
	struct store_batch *b = store_batch_new();

	add_decl_plain(b, iter, 0);
	add_raw(b, iter, 2, 2, packed, len - 1);
	add_raw(b, iter, 2, 3, packed, len); /* says three, holds two */
	add_raw(b, iter, 2, 0, "", 0);
	add_pairs(b, iter, 2, far_t, two_v, 1);
	for (int i = 0; i < 200; i++) {
		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (uint8_t)rng_next(&g);
		add_raw(b, iter, 2, (uint32_t)rng_range(&g, 0, 2000), junk,
			(uint32_t)rng_range(&g, 0, sizeof(junk)));
	}
	assert_int_equal(commit_batch(r->store, b), 0);
	for (size_t i = 1; i < store_batch_count(b); i++)
		assert_int_equal(mark_of(b, i), ERR_PROTO);
	store_batch_free(b);
	assert_int_equal(send_pairs(r->store, iter, 2, two_t, two_v, 2), 2);
	assert_int_equal(pairs_of(r->store, iter), 2);
}

static void the_extremes_are_kept(void **state)
{
	struct rig *r = *state;
	static const int64_t t[] = {-STORE_TIME_MAX, -1, 0, STORE_TIME_MAX};
	static const int64_t v[] = {INT64_MIN, INT64_MAX, INT64_MAX, INT64_MIN};
	struct store_reader *rd;
	int64_t sum[3] = {0};

	declare(r->store, iter, 1);
	assert_int_equal(send_pairs(r->store, iter, 2, t, v, 4), 2);
	rd = reader(r->store);
	assert_int_equal(store_values(rd, 7, 3, INT64_MIN, INT64_MAX, note_pairs, sum, NULL), 0);
	store_reader_put(rd);
	assert_int_equal(sum[0], 4);
	assert_int_equal(sum[1], -1);
	assert_int_equal(sum[2], -2);
	assert_int_equal(streams_of(r->store, 7).stream[0].n_over, 2);
}

static void many_streams_fit_one_attempt(void **state)
{
	struct rig *r = *state;
	struct store_batch *b = store_batch_new();
	struct stream_id id = {7, 1, 0, STREAM_COUNTER};

	for (id.stream = 3; id.stream < 3 + MSG_STREAMS_MAX; id.stream++)
		add_decl_plain(b, id, 0);
	for (id.stream = 3; id.stream < 3 + MSG_STREAMS_MAX; id.stream++)
		add_pairs(b, id, 2, two_t, two_v, 2);
	store_all(r->store, b);
	id.stream = 200;
	assert_int_equal(pairs_of(r->store, id), 2);
}

/* ---- facts ---- */

struct facts_seen {
	struct store_fact f[16];
	int n;
};

static int note_fact(void *arg, const struct store_fact *f)
{
	struct facts_seen *seen = arg;

	seen->f[seen->n++] = *f;
	return 0;
}

static struct facts_seen facts_of(struct store *s, int64_t attempt)
{
	struct store_reader *rd = reader(s);
	struct facts_seen seen = {.n = 0};

	assert_int_equal(store_facts(rd, attempt, note_fact, &seen, NULL), 0);
	store_reader_put(rd);
	return seen;
}

static void facts_come_back_in_their_order(void **state)
{
	struct rig *r = *state;
	const struct fact f[] = {
		{.mono_ns = 5, .key = "z.int", .kind = FACT_INT, .i = INT64_MIN},
		{.mono_ns = -6, .key = "a.num", .kind = FACT_NUM, .f = 0.1},
		{.key = "nan", .kind = FACT_NUM, .f = NAN},
		{.key = "inf", .kind = FACT_NUM, .f = -INFINITY},
		{.key = "whole", .kind = FACT_NUM, .f = 3.0},
		{.key = "text\x07", .kind = FACT_TEXT, .text = "caf\xc3\xa9 \xff <b>"},
		{.key = "empty", .kind = FACT_TEXT, .text = ""},
	};
	struct store_batch *b = store_batch_new();
	struct facts_seen seen;

	add_decl_plain(b, facts, 0);
	add_facts(b, facts, 2, f, 4);
	add_facts(b, facts, 3, f + 4, 3);
	add_facts(b, facts, 3, f, 4); /* a resend */
	store_all(r->store, b);
	seen = facts_of(r->store, 7);
	assert_int_equal(seen.n, 7);
	assert_string_equal(seen.f[0].key, "z.int");
	assert_int_equal(seen.f[0].t, 5);
	assert_int_equal(seen.f[0].kind, FACT_INT);
	assert_int_equal(seen.f[0].i, INT64_MIN);
	assert_int_equal(seen.f[1].t, -6);
	assert_true(seen.f[1].f == 0.1);
	assert_true(isnan(seen.f[2].f));
	assert_true(isinf(seen.f[3].f) && seen.f[3].f < 0);
	assert_true(seen.f[4].f == 3.0);
	assert_string_equal(seen.f[5].key, "text?");
	assert_string_equal(seen.f[5].text, "caf\xc3\xa9 ? <b>");
	assert_int_equal(seen.f[6].kind, FACT_TEXT);
	assert_string_equal(seen.f[6].text, "");
	assert_int_equal(streams_of(r->store, 7).stream[0].n_values, 7);
	assert_int_equal(facts_of(r->store, 8).n, 0);
}

static void half_a_fact_leaves_none(void **state)
{
	struct rig *r = *state;
	const struct fact f[] = {{.key = "good", .kind = FACT_INT, .i = 1},
		{.key = "cut", .kind = FACT_TEXT, .text = "words"}};
	struct store_batch *whole = store_batch_new(), *b = store_batch_new();
	const struct store_chunk *c;

	add_facts(whole, facts, 2, f, 2);
	c = store_batch_chunk(whole, 0);
	add_decl_plain(b, facts, 0);
	add_raw(b, facts, 2, 2, c->payload, c->len - 1);
	add_raw(b, facts, 2, 1, c->payload, c->len); /* more than it says */
	add_raw(b, facts, 2, 3, c->payload, c->len); /* fewer */
	assert_int_equal(commit_batch(r->store, b), 0);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(mark_of(b, i), ERR_PROTO);
	assert_int_equal(facts_of(r->store, 7).n, 0);
	store_batch_free(b);
	store_batch_free(whole);
}

/* ---- text ---- */

static void text_is_one_run_of_bytes(void **state)
{
	struct rig *r = *state;
	static const char *const parts[] = {
		"Loading model\n", "", "x", "warn: \xff\x1b[31m\n", "end"};
	struct store_batch *b = store_batch_new();
	struct stream_id again = text;
	char whole[128] = "", got[128];
	struct store_reader *rd;
	size_t len;

	add_decl_plain(b, text, 0);
	for (uint64_t i = 0; i < 5; i++) {
		add_text(b, text, i + 2, parts[i]);
		strcat(whole, parts[i]);
	}
	/* An attempt begun anew under another boot: its text stands behind the first. */
	again.boot++;
	add_decl_plain(b, again, 0);
	add_text(b, again, 2, "second");
	strcat(whole, "second");
	store_all(r->store, b);
	len = strlen(whole);
	rd = reader(r->store);
	for (size_t from = 0; from <= len + 2; from++) {
		for (size_t max = 0; max <= len + 2; max++) {
			size_t want = from >= len ? 0 : len - from < max ? len - from : max;

			memset(got, '#', sizeof(got));
			assert_int_equal(store_text(rd, 7, (int64_t)from, got, max, NULL), want);
			if (want)
				assert_memory_equal(got, whole + from, want);
			assert_int_equal(got[want], '#');
		}
	}
	assert_int_equal(store_text(rd, 7, -1, got, 5, NULL), ERR_RANGE);
	assert_int_equal(store_text(rd, 7, INT64_MAX, got, 5, NULL), 0);
	assert_int_equal(store_text(rd, 9, 0, got, 5, NULL), 0);
	store_reader_put(rd);
}

static void a_batch_takes_its_bound(void **state)
{
	struct rig *r = *state;
	struct store_batch *b = store_batch_new();
	char *big = mem_alloc(STORE_CHUNK_BYTES);
	uint64_t seq = 2;

	memset(big, 'b', STORE_CHUNK_BYTES);
	add_decl_plain(b, text, 0);
	while (store_batch_bytes(b) + STORE_CHUNK_BYTES + 256 <= STORE_BATCH_BYTES)
		add_raw(b, text, seq++, STORE_CHUNK_BYTES, big, STORE_CHUNK_BYTES);
	store_all(r->store, b);
	assert_int_equal(
		streams_of(r->store, 7).stream[0].n_values, (int64_t)(seq - 2) * STORE_CHUNK_BYTES);
	mem_free(big);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_declaration_is_kept_and_cleaned),
		TEST(nothing_comes_before_the_declaration),
		TEST(the_kind_stays_what_was_declared),
		TEST(numbers_nobody_gives_are_refused),
		TEST(a_resend_is_skipped),
		TEST(latencies_are_counted_by_bounds_once),
		TEST(a_gap_refuses_its_stream_and_no_other),
		TEST(streams_of_other_boots_and_attempts_are_others),
		TEST(bytes_that_are_no_chunk_are_refused),
		TEST(the_extremes_are_kept),
		TEST(many_streams_fit_one_attempt),
		TEST(facts_come_back_in_their_order),
		TEST(half_a_fact_leaves_none),
		TEST(text_is_one_run_of_bytes),
		TEST(a_batch_takes_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
