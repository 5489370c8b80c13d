/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed series; see chunk.h. The unpacker takes hostile bytes: it reads within its bounds, and
 * what it accepts need not be what the packer would have written (a longer varint, the longer
 * mode).
 */
#include "chunk.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define MODE_STEADY  0
#define MODE_CHAINED 1
#define VARINT_MAX   10 /* bytes of a 64-bit number, seven bits each */

/* mode, n, and for each pair a time and a value; dt takes the place of a time residual more. */
_Static_assert(1 + 2 + VARINT_MAX + CHUNK_MAX * 2 * VARINT_MAX <= CHUNK_BYTES_MAX,
	"the longest chunk fits");

/* All differences are taken between unsigned numbers, where wrapping around is defined. */
static uint64_t zigzag(uint64_t v)
{
	return v << 1 ^ (0 - (v >> 63));
}

static uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

static uint8_t *put(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

static size_t put_size(uint64_t v)
{
	return (size_t)(63 - __builtin_clzll(v | 1)) / 7 + 1;
}

static uint64_t residual(int mode, const int64_t *t, const int64_t *v, uint32_t i)
{
	uint64_t step = (uint64_t)t[i] - (uint64_t)t[i - 1];

	if (mode == MODE_CHAINED)
		return zigzag(step - (uint64_t)v[i - 1]);
	return i > 1 ? zigzag(step - ((uint64_t)t[i - 1] - (uint64_t)t[i - 2])) : 0;
}

static uint64_t first_step(int mode, const int64_t *t)
{
	return mode == MODE_STEADY ? zigzag((uint64_t)t[1] - (uint64_t)t[0]) : 0;
}

static int shorter_mode(const int64_t *t, const int64_t *v, uint32_t n)
{
	size_t size[2];

	for (int mode = MODE_STEADY; mode <= MODE_CHAINED; mode++) {
		size[mode] = n > 1 ? put_size(first_step(mode, t)) : 0;
		for (uint32_t i = 1; i < n; i++)
			size[mode] += put_size(residual(mode, t, v, i));
	}
	return size[MODE_CHAINED] < size[MODE_STEADY] ? MODE_CHAINED : MODE_STEADY;
}

size_t chunk_pack(uint8_t dst[CHUNK_BYTES_MAX], const int64_t *t, const int64_t *v, uint32_t n)
{
	uint8_t *p = dst;
	int mode;

	assert(n >= 1 && n <= CHUNK_MAX);
	mode = shorter_mode(t, v, n);
	*p++ = (uint8_t)mode;
	p = put(p, n);
	p = put(p, zigzag((uint64_t)t[0]));
	p = put(p, zigzag((uint64_t)v[0]));
	if (n > 1)
		p = put(p, first_step(mode, t));
	for (uint32_t i = 1; i < n; i++) {
		p = put(p, residual(mode, t, v, i));
		p = put(p, zigzag((uint64_t)v[i] - (uint64_t)v[i - 1]));
	}
	return (size_t)(p - dst);
}

/* ---- reading ---- */

struct cursor {
	const uint8_t *p;
	const uint8_t *end;
};

static bool get_slow(struct cursor *c, uint64_t *ret_v)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64 && c->p < c->end; shift += 7) {
		uint8_t b = *c->p++;

		if (shift == 63 && b > 1)
			return false;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret_v = v;
			return true;
		}
	}
	return false;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HIGH_BITS 0x8080808080808080u

/* Up to eight bytes at once: the lowest clear high bit marks the last byte, then three steps close
 * the gaps that the high bits leave. */
static inline bool get(struct cursor *c, uint64_t *ret_v)
{
	uint64_t w, last;

	if (c->end - c->p < 8)
		return get_slow(c, ret_v);
	memcpy(&w, c->p, 8);
	last = ~w & HIGH_BITS;
	if (!last)
		return get_slow(c, ret_v);
	c->p += __builtin_ctzll(last) / 8 + 1;
	w &= last ^ (last - 1); /* up to the last byte's high bit, which is clear */
	w = (w & 0x007f007f007f007fu) | (w & 0x7f007f007f007f00u) >> 1;
	w = (w & 0x00003fff00003fffu) | (w & 0x3fff00003fff0000u) >> 2;
	*ret_v = (w & 0x000000000fffffffu) | (w & 0x0fffffff00000000u) >> 4;
	return true;
}
#else
#define get get_slow
#endif

static bool get_rest(struct cursor *c, int mode, int64_t *t, int64_t *v, uint32_t n)
{
	uint64_t step, time = (uint64_t)t[0], value = (uint64_t)v[0];

	if (!get(c, &step))
		return false;
	step = unzigzag(step);
	for (uint32_t i = 1; i < n; i++) {
		uint64_t dt, dv;

		if (!get(c, &dt) || !get(c, &dv))
			return false;
		if (mode == MODE_CHAINED)
			step = value;
		step += unzigzag(dt);
		time += step;
		value += unzigzag(dv);
		t[i] = (int64_t)time;
		v[i] = (int64_t)value;
	}
	return true;
}

int chunk_unpack(const uint8_t *src, size_t len, int64_t t[CHUNK_MAX], int64_t v[CHUNK_MAX])
{
	struct cursor c = {.p = src, .end = src + len};
	uint64_t n, t0, v0;
	int mode;

	if (!len || len > CHUNK_BYTES_MAX)
		return -1;
	mode = *c.p++;
	if (mode > MODE_CHAINED || !get(&c, &n) || n < 1 || n > CHUNK_MAX)
		return -1;
	if (!get(&c, &t0) || !get(&c, &v0))
		return -1;
	t[0] = (int64_t)unzigzag(t0);
	v[0] = (int64_t)unzigzag(v0);
	if (n > 1 && !get_rest(&c, mode, t, v, (uint32_t)n))
		return -1;
	return c.p == c.end ? (int)n : -1;
}
