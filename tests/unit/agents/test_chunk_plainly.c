/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rice codes read one bit at a time, as chunk_rice.h tells them, beside chunk_unpack(): both take the same
 * bytes, to the same pairs, and refuse the same ones. Bytes that were packed, damaged, cut or lengthened, and
 * bytes of a writer that knows the form and no sense.
 */
#include "tests/unit/agents/support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "chunk_rice.h"

/* ---- the plain reader ---- */

struct plain {
	const uint8_t *p;
	size_t len, at; /* bytes, bits; behind the end there are zeros */
	bool bad;
};

static uint64_t bits(struct plain *r, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++, r->at++)
		if (r->at < 8 * r->len)
			v |= (uint64_t)(r->p[r->at / 8] >> r->at % 8 & 1) << i;
	return v;
}

static uint64_t sized(struct plain *r)
{
	unsigned n = (unsigned)bits(r, 7);

	r->bad |= n > 64;
	return n > 64 ? 0 : bits(r, n);
}

static uint64_t varint(struct plain *r)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		uint64_t b = bits(r, 8);

		r->bad |= (shift == 63 && b > 1) || r->at > 8 * r->len;
		v |= (b & 127) << shift;
		if (b < 128)
			return v;
	}
	r->bad = true;
	return v;
}

static uint64_t signed_of(uint64_t u)
{
	return u & 1 ? ~(u >> 1) : u >> 1;
}

static uint64_t code(struct plain *r, unsigned k)
{
	uint64_t ones = 0;

	while (ones < RICE_ESCAPE && bits(r, 1))
		ones++;
	return ones == RICE_ESCAPE ? sized(r) : ones << k | bits(r, k);
}

/* The block's K, behind its middle. */
static unsigned block(struct plain *r, uint64_t *middle)
{
	unsigned k;

	*middle += signed_of(sized(r));
	k = (unsigned)bits(r, 6);
	r->bad |= k > 56 && k != 63;
	return k;
}

static uint64_t residual(struct plain *r, unsigned k, uint64_t middle)
{
	return middle + (k == 63 || r->bad ? 0 : signed_of(code(r, k)));
}

static void body(struct plain *r, uint64_t *t, uint64_t *v, uint32_t n)
{
	unsigned models = (unsigned)bits(r, 8), times = models & 15, values = models >> 4;
	uint64_t period = times == 2 ? signed_of(varint(r)) : 0;
	uint64_t middle[2] = {values ? 0 : v[0], 0};

	r->bad |= times > 2 || values > 1 || r->at > 8 * r->len;
	for (uint32_t i = 1; i < n && !r->bad; i += RICE_BLOCK) {
		uint32_t end = n - i < RICE_BLOCK ? n : i + RICE_BLOCK;
		unsigned k = block(r, &middle[0]);

		for (uint32_t j = i; j < end; j++)
			v[j] = residual(r, k, middle[0]) + (values ? v[j - 1] : 0);
		k = block(r, &middle[1]);
		for (uint32_t j = i; j < end; j++)
			t[j] = residual(r, k, middle[1]) +
			       (times == 2 ? t[0] + j * period : t[j - 1] + (times ? v[j - 1] : 0));
	}
}

/* As chunk_unpack(), of mode 2 with more than one pair. */
static int plainly(const uint8_t *src, size_t len, uint64_t *t, uint64_t *v)
{
	struct plain r = {.p = src + 1, .len = len - 1};
	uint64_t n = varint(&r);

	t[0] = signed_of(varint(&r));
	v[0] = signed_of(varint(&r));
	if (r.bad || n > CHUNK_MAX)
		return -1;
	assert_true(n > 1);
	body(&r, t, v, (uint32_t)n);
	return r.bad || r.at > 8 * r.len || r.at + 8 <= 8 * r.len ? -1 : (int)n;
}

/* Returns whether both took it. */
static bool both_say_the_same(const uint8_t *bytes, size_t len)
{
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	static uint64_t t2[CHUNK_MAX], v2[CHUNK_MAX];
	uint8_t *copy =
		malloc(len); /* of this very size, so that a sanitizer sees a byte too far */
	int n, n2;

	memcpy(copy, bytes, len);
	n = chunk_unpack(copy, len, t, v);
	n2 = plainly(copy, len, t2, v2);
	free(copy);
	assert_int_equal(n, n2);
	if (n < 0)
		return false;
	assert_memory_equal(t, t2, (size_t)n * sizeof(*t));
	assert_memory_equal(v, v2, (size_t)n * sizeof(*v));
	return true;
}

/* ---- packed ones ---- */

static int64_t noise(uint64_t *seed, unsigned width)
{
	uint64_t far = next_random(seed) % 150 == 0 ? 8 : 0;

	return (int64_t)(next_random(seed) >> (63 - (width + far > 63 ? 63 : width + far)) >> 1);
}

static size_t made(uint8_t *dst, uint64_t *seed)
{
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	unsigned width = (unsigned)(next_random(seed) % 58),
		 jitter = (unsigned)(next_random(seed) % 30);
	uint32_t n = 40 + (uint32_t)(next_random(seed) % (CHUNK_MAX - 39));
	int64_t now = 0;

	for (uint32_t i = 0; i < n; i++) {
		v[i] = 7000000 + noise(seed, width);
		t[i] = now + noise(seed, jitter);
		now += n % 2 ? 10000000 : v[i] % 1000000000;
	}
	return chunk_pack(dst, t, v, n);
}

static void what_was_packed_is_read_alike(void **state)
{
	static uint8_t bytes[CHUNK_BYTES_MAX + 1];
	uint64_t seed = 29;
	int in_rice = 0;

	(void)state;
	for (int i = 0; i < 600; i++) {
		size_t len = made(bytes, &seed);

		if (bytes[0] != CHUNK_MODE_RICE)
			continue;
		in_rice++;
		assert_true(both_say_the_same(bytes, len));
		bytes[len] = 0;
		assert_false(both_say_the_same(bytes, len + 1));
		for (int cut = 0; cut < 4; cut++)
			assert_false(both_say_the_same(bytes, 6 + next_random(&seed) % (len - 6)));
	}
	assert_true(in_rice > 500);
}

static void what_was_damaged_is_read_alike(void **state)
{
	static uint8_t bytes[CHUNK_BYTES_MAX], damaged[CHUNK_BYTES_MAX];
	uint64_t seed = 31;
	int taken = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		size_t len = made(bytes, &seed);

		for (int k = 0; k < 10 && bytes[0] == CHUNK_MODE_RICE; k++) {
			size_t behind_the_head = 20 + next_random(&seed) % (len - 20);

			memcpy(damaged, bytes, len);
			damaged[behind_the_head] ^= (uint8_t)(1 << next_random(&seed) % 8);
			if (k % 2)
				damaged[len - 1 - next_random(&seed) % 10] =
					(uint8_t)next_random(&seed);
			*(both_say_the_same(damaged, len) ? &taken : &refused) += 1;
		}
	}
	assert_true(taken > 1000 && refused > 100);
}

/* ---- a writer without sense ---- */

struct writer {
	uint8_t bytes[CHUNK_BYTES_MAX];
	size_t at; /* bits */
};

static void put(struct writer *w, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n && w->at < 8 * sizeof(w->bytes); i++, w->at++)
		w->bytes[w->at / 8] |= (uint8_t)((v >> i & 1) << w->at % 8);
}

/* One in some hundred is longer than any number. */
static void put_any_sized(struct writer *w, uint64_t *seed)
{
	unsigned n = (unsigned)(next_random(seed) % 65);

	put(w, next_random(seed) % 250 ? n : n + 64, 7);
	put(w, next_random(seed), n);
}

static void put_any_block(struct writer *w, uint64_t *seed, uint32_t n)
{
	unsigned k = (unsigned)(next_random(seed) % 60);

	k = k > 56 && next_random(seed) % 16 ? 63 : k;
	put_any_sized(w, seed);
	put(w, k, 6);
	for (; n && k != 63; n--) {
		unsigned ones = (unsigned)(next_random(seed) % 8);

		if (next_random(seed) % 32 == 0)
			ones = (unsigned)(next_random(seed) % (RICE_ESCAPE + 1));
		put(w, (UINT64_C(1) << ones) - 1, ones);
		if (ones == RICE_ESCAPE) {
			put_any_sized(w, seed);
		} else {
			put(w, 0, 1);
			put(w, next_random(seed), k);
		}
	}
}

static size_t put_any_chunk(struct writer *w, uint64_t *seed)
{
	uint32_t n = 2 + (uint32_t)(next_random(seed) % 400);
	unsigned times = (unsigned)(next_random(seed) % 3),
		 values = (unsigned)(next_random(seed) % 2);

	memset(w, 0, sizeof(*w));
	put(w, CHUNK_MODE_RICE, 8);
	put(w, (n & 127) | 128, 8);
	put(w, n >> 7, 8);
	put(w, next_random(seed) & 0x7f7f, 16); /* the first time and the first value */
	put(w, times | values << 4, 8);
	if (times == 2)
		put(w, next_random(seed) & 127, 8);
	for (uint32_t i = 1; i < n; i += RICE_BLOCK)
		for (int c = 0; c < 2; c++)
			put_any_block(w, seed, n - i < RICE_BLOCK ? n - i : RICE_BLOCK);
	return (w->at + 7) / 8;
}

static void codes_of_every_form_are_read_alike(void **state)
{
	static struct writer w;
	uint64_t seed = 37;
	int taken = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		size_t len = put_any_chunk(&w, &seed);

		if (w.at >= 8 * sizeof(w.bytes))
			continue;
		*(both_say_the_same(w.bytes, len) ? &taken : &refused) += 1;
		len = next_random(&seed) % 2 ? len - 1 : 6 + next_random(&seed) % (len - 6);
		*(both_say_the_same(w.bytes, len) ? &taken : &refused) += 1;
	}
	assert_true(taken > 1000 && refused > 1000);
}

static void bytes_without_any_form_are_read_alike(void **state)
{
	static uint8_t bytes[300];
	uint64_t seed = 41;
	int taken = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t len = 6 + next_random(&seed) % (i % 3 ? 24 : sizeof(bytes) - 6);

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)(next_random(&seed) | (i % 5 ? 0 : next_random(&seed)));
		bytes[0] = CHUNK_MODE_RICE;
		bytes[1] = 2 + bytes[1] % 20;
		bytes[2] &= 127;
		bytes[3] &= 127;
		bytes[4] = (uint8_t)(bytes[4] % 3 | (bytes[4] & 16));
		if (i % 2) /* of few bits a number, or hardly any is read to its end */
			bytes[5] &= 0x87;
		taken += both_say_the_same(bytes, len);
	}
	assert_true(taken > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_is_read_alike),
		cmocka_unit_test(what_was_damaged_is_read_alike),
		cmocka_unit_test(codes_of_every_form_are_read_alike),
		cmocka_unit_test(bytes_without_any_form_are_read_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
