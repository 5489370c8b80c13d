/* SPDX-License-Identifier: Apache-2.0 */
/* Rollups and the chart's view, against the plain sums over what was sent. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "agents/chunk.h"
#include "store/rollup.h"

#define SECOND 1000000000LL

/* ---- rollups alone ---- */

static void seconds_are_rounded_down(void **state)
{
	(void)state;
	assert_int_equal(rollup_second(0), 0);
	assert_int_equal(rollup_second(SECOND - 1), 0);
	assert_int_equal(rollup_second(SECOND), 1);
	assert_int_equal(rollup_second(-1), -1);
	assert_int_equal(rollup_second(-SECOND), -1);
	assert_int_equal(rollup_second(-SECOND - 1), -2);
}

static void rollups_survive_packing(void **state)
{
	static struct rollup made[ROLLUP_MAX], back[ROLLUP_MAX];
	static uint8_t packed[ROLLUP_BYTES_MAX];
	struct rng g = {3};

	(void)state;
	for (int round = 0; round < 300; round++) {
		int64_t t[CHUNK_MAX], v[CHUNK_MAX];
		int n = (int)rng_range(&g, 1, CHUNK_MAX), count;
		bool wild = round % 2;
		size_t len;

		for (int i = 0; i < n; i++) {
			t[i] = wild ? rng_range(&g, -STORE_TIME_MAX, STORE_TIME_MAX)
			            : i * 20000000LL;
			v[i] = wild ? (int64_t)rng_next(&g) : rng_range(&g, 0, 30000000);
		}
		count = rollup_build(made, t, v, n, 16000000);
		len = rollup_pack(packed, made, count);
		assert_int_equal(rollup_unpack(back, packed, len), count);
		for (int i = 0; i < count; i++) {
			assert_int_equal(back[i].second, made[i].second);
			assert_int_equal(back[i].n, made[i].n);
			assert_int_equal(back[i].over, made[i].over);
			assert_int_equal(back[i].first, made[i].first);
			assert_int_equal(back[i].min, made[i].min);
			assert_int_equal(back[i].max, made[i].max);
			assert_int_equal(back[i].last, made[i].last);
			assert_true(back[i].sum == made[i].sum);
		}
		/* Cut or changed bytes are refused or are rollups that could be; never more. */
		assert_int_equal(rollup_unpack(back, packed, len - 1), -1);
		packed[rng_next(&g) % len] ^= (uint8_t)(1 << rng_next(&g) % 8);
		assert_true(rollup_unpack(back, packed, len) <= ROLLUP_MAX);
	}
}

/* ---- a stream and what is expected of it ---- */

struct series {
	int64_t *t, *v;
	int n;
	int64_t budget;
	bool ordered; /* by time */
};

enum shape { SHAPE_PACED, SHAPE_BURSTS, SHAPE_SLOW, SHAPE_BACKWARDS, SHAPES };

static void make_series(struct rng *g, struct series *s, enum shape shape)
{
	int64_t t = rng_range(g, -40 * SECOND, 40 * SECOND);

	s->n = (int)rng_range(g, 1, 6000);
	s->t = mem_alloc((size_t)s->n * sizeof(int64_t));
	s->v = mem_alloc((size_t)s->n * sizeof(int64_t));
	s->budget = rng_next(g) % 4 ? 16000000 : 0;
	s->ordered = shape != SHAPE_BACKWARDS;
	for (int i = 0; i < s->n; i++) {
		s->t[i] = t;
		s->v[i] = rng_range(g, 12000000, 18000000) - (rng_next(g) % 50 ? 0 : INT64_MAX);
		switch (shape) {
		case SHAPE_PACED:
			t += 16666667;
			break;
		case SHAPE_BURSTS: /* several in one instant, then nothing for a while */
			t += rng_next(g) % 20 ? rng_range(g, 0, 3000) : rng_range(g, 0, 3 * SECOND);
			break;
		case SHAPE_SLOW:
			t += rng_range(g, SECOND / 2, 2 * SECOND);
			break;
		default: /* no agent does this; the store must not care */
			t += rng_range(g, -SECOND, SECOND);
			break;
		}
	}
}

/* In chunks of random sizes, some in one batch, some alone. */
static void store_series_of(
	struct store *s, struct rng *g, struct stream_id id, const struct series *x)
{
	struct store_batch *b = store_batch_new();
	uint64_t seq = 2;
	int n;

	add_decl_plain(b, id, x->budget);
	for (int i = 0; i < x->n; i += n) {
		n = (int)rng_range(g, 1, CHUNK_MAX);
		n = n > x->n - i ? x->n - i : n;
		add_pairs(b, id, seq++, x->t + i, x->v + i, n);
		if (rng_next(g) % 3)
			continue;
		store_all(s, b);
		b = store_batch_new();
	}
	store_all(s, b);
}

static void free_series(struct series *x)
{
	mem_free(x->t);
	mem_free(x->v);
}

/* ---- looking at all of it, the plain way ---- */

struct view {
	const struct series *x;
	int64_t t0, t1;
	int buckets; /* at most */
	int n;
	int64_t covered; /* pairs in the buckets so far */
	int64_t end;     /* of the last one */
};

static int check_bucket(void *arg, const struct store_bucket *b)
{
	struct view *w = arg;
	struct rollup want = {.n = 0};

	assert_true(b->t0 < b->t1 && b->t0 >= w->t0 && b->t1 <= w->t1);
	assert_true(!w->n || b->t0 >= w->end);
	w->end = b->t1;
	assert_true(++w->n <= w->buckets);
	for (int i = 0; i < w->x->n; i++)
		if (w->x->t[i] >= b->t0 && w->x->t[i] < b->t1)
			rollup_add(&want, &w->x->v[i], 1, w->x->budget);
	assert_int_equal(b->n, want.n);
	assert_true(b->n > 0);
	assert_int_equal(b->over, want.over);
	assert_int_equal(b->min, want.min);
	assert_int_equal(b->max, want.max);
	if (w->x->ordered) {
		assert_int_equal(b->first, want.first);
		assert_int_equal(b->last, want.last);
	}
	assert_true(b->mean == rollup_mean(&want));
	w->covered += b->n;
	return 0;
}

static int64_t count_between(const struct series *x, int64_t t0, int64_t t1)
{
	int64_t n = 0;

	for (int i = 0; i < x->n; i++)
		n += x->t[i] >= t0 && x->t[i] < t1;
	return n;
}

static void look(struct store_reader *rd, struct stream_id id, const struct series *x, int64_t t0,
	int64_t t1, int buckets)
{
	struct view w = {.x = x, .t0 = t0, .t1 = t1, .buckets = buckets};
	struct err e = {0};

	if (store_series(rd, id.attempt, id.stream, t0, t1, buckets, check_bucket, &w, &e))
		fail_msg("%s", e.text);
	assert_int_equal(w.covered, count_between(x, t0, t1)); /* none left out, none twice */
}

static void every_zoom_is_exact(void **state)
{
	struct rig *r = *state;
	struct rng g = {11};

	for (int round = 0; round < 24; round++) {
		struct stream_id id = {1, 1, (uint32_t)round + 3, STREAM_PACED};
		int64_t first = INT64_MAX, last = INT64_MIN;
		struct store_reader *rd;
		struct series x;

		make_series(&g, &x, (enum shape)(round % SHAPES));
		store_series_of(r->store, &g, id, &x);
		for (int i = 0; i < x.n; i++) {
			first = x.t[i] < first ? x.t[i] : first;
			last = x.t[i] > last ? x.t[i] : last;
		}
		rd = reader(r->store);
		look(rd, id, &x, first, last + 1, 1);
		look(rd, id, &x, first, last + 1, 300);
		look(rd, id, &x, rollup_second(first) * SECOND, (rollup_second(last) + 1) * SECOND,
			7);
		for (int k = 0; k < 25; k++) {
			int64_t t0 = rng_range(&g, first - SECOND, last + SECOND);
			int64_t t1 = t0 + rng_range(&g, 1, k % 2 ? last - first + SECOND : SECOND);

			look(rd, id, &x, t0, t1, (int)rng_range(&g, 1, k % 3 ? 50 : 900));
		}
		store_reader_put(rd);
		free_series(&x);
	}
}

static void the_whole_of_time_can_be_asked_for(void **state)
{
	struct rig *r = *state;
	struct stream_id id = {1, 1, 3, STREAM_ITER};
	static int64_t t[] = {-STORE_TIME_MAX, 0, STORE_TIME_MAX}, v[] = {INT64_MIN, 5, INT64_MAX};
	const struct series x = {t, v, 3, 4, true};
	struct rng g = {1};
	struct store_reader *rd;

	store_series_of(r->store, &g, id, &x);
	rd = reader(r->store);
	look(rd, id, &x, INT64_MIN, INT64_MAX, 1);
	look(rd, id, &x, INT64_MIN, INT64_MAX, STORE_BUCKETS_MAX);
	look(rd, id, &x, -STORE_TIME_MAX, 1, 10);
	look(rd, id, &x, 5, 5, 10);
	look(rd, id, &x, 6, 5, 10);
	look(rd, (struct stream_id){1, 1, 99, STREAM_ITER}, &(struct series){.n = 0}, 0, 5, 10);
	store_reader_put(rd);
}

/* ---- pairs ---- */

struct slice {
	const struct series *x;
	int64_t t0, t1;
	int at; /* next of the series to come */
	int n;
};

static int check_pairs(void *arg, const int64_t *t, const int64_t *v, int n)
{
	struct slice *s = arg;

	assert_true(n >= 1 && n <= CHUNK_MAX);
	for (int i = 0; i < n; i++, s->n++) {
		while (s->x->t[s->at] < s->t0 || s->x->t[s->at] >= s->t1)
			s->at++;
		assert_int_equal(t[i], s->x->t[s->at]);
		assert_int_equal(v[i], s->x->v[s->at++]);
	}
	return 0;
}

static void pairs_of_a_stretch_come_in_their_order(void **state)
{
	struct rig *r = *state;
	struct rng g = {5};

	for (int round = 0; round < SHAPES; round++) {
		struct stream_id id = {2, 1, (uint32_t)round + 3, STREAM_COUNTER};
		struct store_reader *rd;
		struct series x;

		make_series(&g, &x, (enum shape)round);
		store_series_of(r->store, &g, id, &x);
		rd = reader(r->store);
		for (int k = 0; k < 50; k++) {
			int64_t t0 = x.t[rng_next(&g) % (uint64_t)x.n];
			struct slice s = {&x, t0, t0 + rng_range(&g, 0, 50 * SECOND), 0, 0};

			assert_int_equal(
				store_values(rd, 2, id.stream, s.t0, s.t1, check_pairs, &s, NULL),
				0);
			assert_int_equal(s.n, count_between(&x, s.t0, s.t1));
		}
		store_reader_put(rd);
		free_series(&x);
	}
}

static int stop(void *arg, const int64_t *t, const int64_t *v, int n)
{
	(void)t;
	(void)v;
	(void)n;
	++*(int *)arg;
	return 12;
}

static int stop_series(void *arg, const struct store_bucket *b)
{
	(void)b;
	++*(int *)arg;
	return 13;
}

static void reading_stops_when_told(void **state)
{
	struct rig *r = *state;
	struct stream_id id = {1, 1, 3, STREAM_PACED};
	struct rng g = {9};
	struct series x;
	struct store_reader *rd;
	int calls = 0;

	do
		make_series(&g, &x, SHAPE_PACED);
	while (x.n < 2500 && (free_series(&x), true));
	store_series_of(r->store, &g, id, &x);
	rd = reader(r->store);
	assert_int_equal(store_values(rd, 1, 3, INT64_MIN, INT64_MAX, stop, &calls, NULL), 12);
	assert_int_equal(calls, 1);
	assert_int_equal(
		store_series(rd, 1, 3, x.t[0], x.t[x.n - 1], 50, stop_series, &calls, NULL), 13);
	assert_int_equal(calls, 2);
	/* The reader is as good as before. */
	look(rd, id, &x, x.t[0], x.t[x.n - 1] + 1, 20);
	store_reader_put(rd);
	free_series(&x);
}

static int ignore_pairs(void *arg, const int64_t *t, const int64_t *v, int n)
{
	(void)arg;
	(void)t;
	(void)v;
	(void)n;
	return 0;
}

static int ignore_bucket(void *arg, const struct store_bucket *b)
{
	(void)arg;
	(void)b;
	return 0;
}

static void damaged_chunks_are_told_of(void **state)
{
	struct rig *r = *state;
	struct stream_id id = {1, 1, 3, STREAM_PACED};
	struct rng g = {9};
	struct series x;
	struct store_reader *rd;
	struct err e = {0};

	make_series(&g, &x, SHAPE_PACED);
	store_series_of(r->store, &g, id, &x);
	rig_close(r);
	rig_sql(r, "samples.db", "UPDATE chunks SET data = x'00ff', seconds = x'01' WHERE seq = 2");
	rig_open(r);
	rd = reader(r->store);
	assert_int_equal(
		store_values(rd, 1, 3, INT64_MIN, INT64_MAX, ignore_pairs, NULL, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.text, "chunk 1 does not unpack"));
	assert_int_equal(store_series(rd, 1, 3, INT64_MIN, INT64_MAX, 1, ignore_bucket, NULL, &e),
		ERR_CORRUPT);
	assert_non_null(strstr(e.text, "rollups of chunk 1"));
	store_reader_put(rd);
	free_series(&x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_are_rounded_down),
		cmocka_unit_test(rollups_survive_packing),
		TEST(every_zoom_is_exact),
		TEST(the_whole_of_time_can_be_asked_for),
		TEST(pairs_of_a_stretch_come_in_their_order),
		TEST(reading_stops_when_told),
		TEST(damaged_chunks_are_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
