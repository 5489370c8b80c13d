/* SPDX-License-Identifier: Apache-2.0 */
/* Packed series: what goes in comes out, in these bytes, and foreign bytes do no harm. Expected
 * bytes were computed from the layout in chunk.h with a few lines of Python. */
#include "tests/unit/agents/support.h"

#include <stdlib.h>
#include <string.h>

#include "chunk.h"

struct series {
	int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	uint32_t n;
};

static size_t comes_back(const struct series *s)
{
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	static uint8_t bytes[CHUNK_BYTES_MAX];
	size_t len = chunk_pack(bytes, s->t, s->v, s->n);

	assert_true(len <= CHUNK_BYTES_MAX);
	assert_int_equal(chunk_unpack(bytes, len, t, v), s->n);
	assert_memory_equal(t, s->t, s->n * sizeof(*t));
	assert_memory_equal(v, s->v, s->n * sizeof(*v));
	return len;
}

static void assert_bytes(const struct series *s, const uint8_t *expected, size_t n)
{
	uint8_t bytes[CHUNK_BYTES_MAX];

	assert_int_equal(chunk_pack(bytes, s->t, s->v, s->n), n);
	assert_memory_equal(bytes, expected, n);
	comes_back(s);
}

static void a_steady_series_is_these_bytes(void **state)
{
	static const struct series s = {{1000, 1100, 1200, 1301}, {5000, 5000, 4999, 5250}, 4};
	static const uint8_t bytes[] = {
		0, 4, 0xd0, 0x0f, 0x90, 0x4e, 0xc8, 0x01, 0, 0, 0, 1, 2, 0xf6, 3};

	(void)state;
	assert_bytes(&s, bytes, sizeof(bytes));
}

static void a_chained_series_is_these_bytes(void **state)
{
	static const struct series s = {{1000, 1150, 1400, 1411}, {150, 250, 10, 8}, 4};
	static const uint8_t bytes[] = {
		1, 4, 0xd0, 0x0f, 0xac, 0x02, 0, 0, 0xc8, 0x01, 0, 0xdf, 3, 2, 3};

	(void)state;
	assert_bytes(&s, bytes, sizeof(bytes));
}

static void one_pair_is_a_chunk(void **state)
{
	static const struct series s = {{-1}, {64}, 1};
	static const uint8_t bytes[] = {0, 1, 1, 0x80, 1};

	(void)state;
	assert_bytes(&s, bytes, sizeof(bytes));
}

static void differences_wrap_around(void **state)
{
	static const struct series s = {{INT64_MIN, INT64_MAX}, {INT64_MAX, INT64_MIN}, 2};
	static const uint8_t bytes[] = {0, 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 254,
		255, 255, 255, 255, 255, 255, 255, 255, 1, 1, 0, 2};

	(void)state;
	assert_bytes(&s, bytes, sizeof(bytes));
}

/* Each residual and each difference of values is INT64_MIN, whose zigzag takes all ten bytes:
 * values step by 2^63, time steps are 0 and 2^63 in turn. */
static void the_longest_chunk_fits_its_bound(void **state)
{
	static struct series s = {.n = CHUNK_MAX};
	uint64_t step = 0;
	size_t len;

	(void)state;
	s.t[0] = s.v[0] = INT64_MIN;
	for (int i = 1; i < CHUNK_MAX; i++) {
		if (i > 1)
			step += (uint64_t)1 << 63;
		s.t[i] = (int64_t)((uint64_t)s.t[i - 1] + step);
		s.v[i] = (int64_t)((uint64_t)s.v[i - 1] + ((uint64_t)1 << 63));
	}
	len = comes_back(&s);
	/* dt is 0 and so is the first residual; 2 × 9 bytes short of the worst that could be. */
	assert_int_equal(len, 1 + 2 + 2 * 10 + 1 + 1 + 10 + (CHUNK_MAX - 2) * 20);
	assert_true(len + 2 * 9 <= CHUNK_BYTES_MAX);
}

static void extremes_in_turn_come_back(void **state)
{
	static const int64_t ends[] = {INT64_MIN, INT64_MAX, 0, -1, 1};
	static struct series s;

	(void)state;
	for (size_t a = 0; a < 5; a++)
		for (size_t b = 0; b < 5; b++) {
			for (uint32_t i = 0; i < CHUNK_MAX; i++) {
				s.t[i] = i % 2 ? ends[a] : ends[b];
				s.v[i] = i % 3 ? ends[b] : ends[a];
			}
			for (s.n = 1; s.n <= CHUNK_MAX; s.n = s.n * 2 + (s.n == 1))
				comes_back(&s);
		}
}

static void numbers_of_every_length_come_back(void **state)
{
	static struct series s;
	uint64_t seed = 11;

	(void)state;
	for (int round = 0; round < 300; round++) {
		s.n = (uint32_t)(next_random(&seed) % CHUNK_MAX) + 1;
		for (uint32_t i = 0; i < s.n; i++) {
			s.t[i] = (int64_t)(next_random(&seed) >> next_random(&seed) % 64);
			s.v[i] = (int64_t)(next_random(&seed) >> next_random(&seed) % 64);
		}
		comes_back(&s);
	}
}

/* What the store is promised: at most 4.5 bytes a value for what fast streams look like. */
static void real_streams_are_short(void **state)
{
	static struct series counter = {.n = CHUNK_MAX}, iterations = {.n = CHUNK_MAX};
	uint64_t seed = 5;
	int64_t now = 1000000000000;

	(void)state;
	for (int i = 0; i < CHUNK_MAX; i++) {
		int64_t jitter = (int64_t)(next_random(&seed) % 30000); /* 30 µs */

		counter.t[i] = (int64_t)i * 10000000 + jitter; /* 100 Hz */
		counter.v[i] = 41000 + jitter % 100;
		iterations.t[i] = now;
		iterations.v[i] = 5000000 + jitter;
		now += iterations.v[i] + 60; /* the loop's own cost */
	}
	assert_in_range(comes_back(&counter), CHUNK_MAX, CHUNK_MAX * 9 / 2);
	assert_in_range(comes_back(&iterations), CHUNK_MAX, CHUNK_MAX * 9 / 2);
}

/* ---- foreign bytes ---- */

static int unpack(const uint8_t *bytes, size_t n)
{
	int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	uint8_t *copy =
		malloc(n + !n); /* of this very size, so that a sanitizer sees a byte too far */
	int got;

	memcpy(copy, bytes, n);
	got = chunk_unpack(copy, n, t, v);
	free(copy);
	return got;
}

static void what_is_no_chunk_is_refused(void **state)
{
	static const uint8_t good[] = {
		0, 4, 0xd0, 0x0f, 0x90, 0x4e, 0xc8, 0x01, 0, 0, 0, 1, 2, 0xf6, 3};
	static const uint8_t foreign_mode[] = {2, 1, 0, 0}, empty[] = {0, 0, 0, 0};
	static const uint8_t too_many[] = {0, 0x81, 8, 0, 0}; /* 1025 */
	static const uint8_t endless[] = {0, 1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2};
	uint8_t longer[sizeof(good) + 1] = {0};

	(void)state;
	for (size_t n = 0; n < sizeof(good); n++)
		assert_int_equal(unpack(good, n), -1);
	assert_int_equal(unpack(good, sizeof(good)), 4);
	memcpy(longer, good, sizeof(good));
	assert_int_equal(unpack(longer, sizeof(longer)), -1);
	assert_int_equal(unpack(foreign_mode, sizeof(foreign_mode)), -1);
	assert_int_equal(unpack(empty, sizeof(empty)), -1);
	assert_int_equal(unpack(too_many, sizeof(too_many)), -1);
	assert_int_equal(unpack(endless, sizeof(endless)), -1);
}

static size_t sample_chunk(uint8_t *bytes, uint64_t *seed)
{
	static struct series s;

	s.n = (uint32_t)(next_random(seed) % 40) + 1;
	for (uint32_t i = 0; i < s.n; i++) {
		s.t[i] = (int64_t)(next_random(seed) >> next_random(seed) % 64);
		s.v[i] = (int64_t)(next_random(seed) >> next_random(seed) % 64);
	}
	return chunk_pack(bytes, s.t, s.v, s.n);
}

static void damaged_chunks_do_no_harm(void **state)
{
	static uint8_t bytes[CHUNK_BYTES_MAX];
	uint64_t seed = 17;
	int refused = 0, taken = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t len = sample_chunk(bytes, &seed);
		int flips = (int)(next_random(&seed) % 4);

		for (int k = 0; k < flips; k++)
			bytes[next_random(&seed) % len] = (uint8_t)next_random(&seed);
		if (next_random(&seed) % 4 == 0)
			len = next_random(&seed) % (len + 1);
		*(unpack(bytes, len) < 0 ? &refused : &taken) += 1;
	}
	assert_true(refused > 10000 && taken > 10000); /* both ways were taken often */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_steady_series_is_these_bytes),
		cmocka_unit_test(a_chained_series_is_these_bytes),
		cmocka_unit_test(one_pair_is_a_chunk),
		cmocka_unit_test(differences_wrap_around),
		cmocka_unit_test(the_longest_chunk_fits_its_bound),
		cmocka_unit_test(extremes_in_turn_come_back),
		cmocka_unit_test(numbers_of_every_length_come_back),
		cmocka_unit_test(real_streams_are_short),
		cmocka_unit_test(what_is_no_chunk_is_refused),
		cmocka_unit_test(damaged_chunks_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
