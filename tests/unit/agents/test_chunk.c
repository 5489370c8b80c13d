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

static void unpacks(const uint8_t *bytes, size_t len, const struct series *s)
{
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX];

	assert_int_equal(chunk_unpack(bytes, len, t, v), s->n);
	assert_memory_equal(t, s->t, s->n * sizeof(*t));
	assert_memory_equal(v, s->v, s->n * sizeof(*v));
}

/* In the modes that every reader knows, and in the shortest of all, which is never longer. */
static size_t comes_back(const struct series *s)
{
	static uint8_t bytes[CHUNK_BYTES_MAX];
	size_t plain = chunk_pack_plain(bytes, s->t, s->v, s->n), len;

	assert_true(plain <= CHUNK_BYTES_MAX);
	assert_true(bytes[0] < CHUNK_MODE_RICE);
	unpacks(bytes, plain, s);
	len = chunk_pack(bytes, s->t, s->v, s->n);
	assert_true(len <= plain);
	assert_true(bytes[0] < CHUNK_MODE_RICE || len < plain);
	unpacks(bytes, len, s);
	return len;
}

/* A store may hold these bytes for ever. */
static void assert_plain_bytes(const struct series *s, const uint8_t *expected, size_t n)
{
	uint8_t bytes[CHUNK_BYTES_MAX];

	assert_int_equal(chunk_pack_plain(bytes, s->t, s->v, s->n), n);
	assert_memory_equal(bytes, expected, n);
	unpacks(expected, n, s);
	comes_back(s);
}

static void assert_bytes(const struct series *s, const uint8_t *expected, size_t n)
{
	uint8_t bytes[CHUNK_BYTES_MAX];

	assert_int_equal(chunk_pack(bytes, s->t, s->v, s->n), n);
	assert_memory_equal(bytes, expected, n);
	unpacks(expected, n, s);
}

static void a_steady_series_is_these_bytes(void **state)
{
	static const struct series s = {{1000, 1100, 1200, 1301}, {5000, 5000, 4999, 5250}, 4};
	static const uint8_t bytes[] = {
		0, 4, 0xd0, 0x0f, 0x90, 0x4e, 0xc8, 0x01, 0, 0, 0, 1, 2, 0xf6, 3};

	(void)state;
	assert_plain_bytes(&s, bytes, sizeof(bytes));
}

static void a_chained_series_is_these_bytes(void **state)
{
	static const struct series s = {{1000, 1150, 1400, 1411}, {150, 250, 10, 8}, 4};
	static const uint8_t bytes[] = {
		1, 4, 0xd0, 0x0f, 0xac, 0x02, 0, 0, 0xc8, 0x01, 0, 0xdf, 3, 2, 3};

	(void)state;
	assert_plain_bytes(&s, bytes, sizeof(bytes));
}

static void one_pair_is_a_chunk(void **state)
{
	static const struct series s = {{-1}, {64}, 1};
	static const uint8_t bytes[] = {0, 1, 1, 0x80, 1};

	(void)state;
	assert_plain_bytes(&s, bytes, sizeof(bytes));
}

static void differences_wrap_around(void **state)
{
	static const struct series s = {{INT64_MIN, INT64_MAX}, {INT64_MAX, INT64_MIN}, 2};
	static const uint8_t bytes[] = {0, 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 254,
		255, 255, 255, 255, 255, 255, 255, 255, 1, 1, 0, 2};

	(void)state;
	assert_plain_bytes(&s, bytes, sizeof(bytes));
}

/* Iterations: values about a level, times chained with a gap, one gap and one value far out. */
static const struct series rice_chained = {
	{1000, 6060, 11124, 16182, 21245, 26305, 31363, 36823, 42725},
	{5000, 5003, 4998, 5001, 5000, 4999, 5400, 5002, 5001}, 9};
static const uint8_t rice_chained_bytes[] = {0x02, 0x09, 0xd0, 0x0f, 0x90, 0x4e, 0x01, 0x02, 0x83,
	0x59, 0xec, 0xff, 0xff, 0x2b, 0x3c, 0x0e, 0x07, 0x3c, 0x60, 0x9e, 0xfc, 0xff, 0xff, 0x02,
	0xd2};
/* A counter that rises evenly, read by a timer with jitter. */
static const struct series rice_scheduled = {
	{500, 1000800, 2000300, 3000600, 4000100, 5000750, 6000550, 7000400, 8000500},
	{0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000}, 9};
static const uint8_t rice_scheduled_bytes[] = {0x02, 0x09, 0xe8, 0x07, 0x00, 0x12, 0x80, 0x89, 0x7a,
	0x0b, 0xe8, 0xff, 0x07, 0x32, 0x12, 0x7d, 0xf3, 0xc8, 0x6e, 0x30, 0x48, 0x00, 0xad, 0x18,
	0x03};

static void series_in_rice_codes_are_these_bytes(void **state)
{
	(void)state;
	assert_bytes(&rice_chained, rice_chained_bytes, sizeof(rice_chained_bytes));
	assert_bytes(&rice_scheduled, rice_scheduled_bytes, sizeof(rice_scheduled_bytes));
}

/* Each residual and each difference of values is INT64_MIN, whose zigzag takes all ten bytes:
 * values step by 2^63, time steps are 0 and 2^63 in turn. */
static void the_longest_chunk_fits_its_bound(void **state)
{
	static struct series s = {.n = CHUNK_MAX};
	static uint8_t bytes[CHUNK_BYTES_MAX];
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
	comes_back(&s);
	len = chunk_pack_plain(bytes, s.t, s.v, s.n);
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

/* Random in every bit: nothing is predicted, no code is shorter than the number. */
static void what_cannot_be_predicted_is_packed_plainly(void **state)
{
	static uint8_t bytes[CHUNK_BYTES_MAX];
	static struct series s = {.n = CHUNK_MAX};
	uint64_t seed = 23;

	(void)state;
	for (uint32_t i = 0; i < s.n; i++) {
		s.t[i] = (int64_t)(i % 2 ? next_random(&seed) : next_random(&seed) >> 60);
		s.v[i] = (int64_t)next_random(&seed) >> i % 64;
	}
	comes_back(&s);
	s.n = 2;
	s.t[1] = s.t[0] + 1;
	s.v[1] = s.v[0] + 1;
	assert_int_equal(chunk_pack(bytes, s.t, s.v, 2), chunk_pack_plain(bytes, s.t, s.v, 2));
	comes_back(&s);
}

/* Each of the models of chunk_rice.h is taken where it fits; they stand in the first byte of the
 * body. */
static void each_model_is_taken_where_it_fits(void **state)
{
	static struct series s = {.n = CHUNK_MAX};
	static uint8_t bytes[CHUNK_BYTES_MAX];
	uint64_t seed = 3, models = 0;

	(void)state;
	for (int kind = 0; kind < 6; kind++) {
		const uint8_t *p = bytes + 1;
		int64_t now = 0, walk = 5;

		for (int i = 0; i < CHUNK_MAX; i++) {
			int64_t noise = (int64_t)(next_random(&seed) % 1000);

			walk += noise - 500;
			s.v[i] = kind % 2 ? walk * 100 : 4000000 + noise;
			s.t[i] = kind / 2 == 2 ? i * 100000 + noise : now;
			now += kind / 2 == 1 ? s.v[i] + 60
			       : kind / 2    ? 0
			                     : 60000 + (int64_t)(next_random(&seed) % 20000);
		}
		comes_back(&s);
		chunk_pack(bytes, s.t, s.v, s.n);
		assert_int_equal(bytes[0], CHUNK_MODE_RICE);
		for (int varints = 0; varints < 3; p++)
			varints += *p < 128;
		models |= UINT64_C(1) << *p;
	}
	assert_int_equal(models, 0x70007); /* each pair of times and values */
}

/* The target: at most 4.5 bytes a value with all that is around it in the store. What noise of this kind
 * cannot take less than: 14.9 bits for each series, and 6.7 for the counter's values. */
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
	assert_in_range(comes_back(&counter), CHUNK_MAX * 216 / 80, CHUNK_MAX * 23 / 8);
	assert_in_range(comes_back(&iterations), CHUNK_MAX * 149 / 80, CHUNK_MAX * 16 / 8);
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
	static const uint8_t foreign_mode[] = {3, 1, 0, 0}, empty[] = {0, 0, 0, 0};
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

/* Each would be a chunk of two pairs if the one number were not looked at. */
static void rice_codes_of_no_meaning_are_refused(void **state)
{
	static const uint8_t good[] = {2, 2, 0, 0, 0x10, 0, 0, 0, 0};
	static const uint8_t times_3[] = {2, 2, 0, 0, 0x03, 0, 0, 0, 0};
	static const uint8_t values_2[] = {2, 2, 0, 0, 0x20, 0, 0, 0, 0};
	static const uint8_t middle_of_65_bits[] = {
		2, 2, 0, 0, 0, 65, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t k_57[] = {2, 2, 0, 0, 0, 0x80, 0x1c, 0, 0};
	static const uint8_t no_body[] = {2, 2, 0, 0}, no_period[] = {2, 2, 0, 0, 0x02};
	uint8_t bytes[sizeof(rice_chained_bytes) + 1] = {0};

	(void)state;
	assert_int_equal(unpack(good, sizeof(good)), 2);
	assert_int_equal(unpack(times_3, sizeof(times_3)), -1);
	assert_int_equal(unpack(values_2, sizeof(values_2)), -1);
	assert_int_equal(unpack(middle_of_65_bits, sizeof(middle_of_65_bits)), -1);
	assert_int_equal(unpack(k_57, sizeof(k_57)), -1);
	assert_int_equal(unpack(no_body, sizeof(no_body)), -1);
	assert_int_equal(unpack(no_period, sizeof(no_period)), -1);
	memcpy(bytes, rice_chained_bytes, sizeof(rice_chained_bytes));
	for (size_t n = 0; n < sizeof(rice_chained_bytes); n++)
		assert_int_equal(unpack(bytes, n), -1);
	assert_int_equal(unpack(bytes, sizeof(rice_chained_bytes)), 9);
	assert_int_equal(unpack(bytes, sizeof(bytes)), -1); /* a byte more */
}

static size_t sample_chunk(uint8_t *bytes, uint64_t *seed)
{
	static struct series s;

	s.n = (uint32_t)(next_random(seed) % 40) + 1;
	for (uint32_t i = 0; i < s.n; i++) {
		s.t[i] = (int64_t)(next_random(seed) >> next_random(seed) % 64);
		s.v[i] = (int64_t)(next_random(seed) >> next_random(seed) % 64);
	}
	for (uint32_t i = 0; s.n % 2 && i < s.n; i++) /* of half of them: smooth */
		s.t[i] = i * 100000 + (s.t[i] & 1023);
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
		cmocka_unit_test(series_in_rice_codes_are_these_bytes),
		cmocka_unit_test(the_longest_chunk_fits_its_bound),
		cmocka_unit_test(extremes_in_turn_come_back),
		cmocka_unit_test(numbers_of_every_length_come_back),
		cmocka_unit_test(what_cannot_be_predicted_is_packed_plainly),
		cmocka_unit_test(each_model_is_taken_where_it_fits),
		cmocka_unit_test(real_streams_are_short),
		cmocka_unit_test(what_is_no_chunk_is_refused),
		cmocka_unit_test(rice_codes_of_no_meaning_are_refused),
		cmocka_unit_test(damaged_chunks_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
