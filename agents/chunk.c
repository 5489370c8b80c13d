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

#include "chunk_rice.h"
#include "chunk_varint.h"

#define MODE_STEADY  0
#define MODE_CHAINED 1

/* mode, n, and for each pair a time and a value; dt takes the place of a time residual more. */
_Static_assert(1 + 2 + VARINT_MAX + CHUNK_MAX * 2 * VARINT_MAX <= CHUNK_BYTES_MAX,
	"the longest chunk fits");

uint8_t *varint_put(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

/* ---- modes 0 and 1 ---- */

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

/* Bytes of all that differs between the modes. */
static size_t times_size(int mode, const int64_t *t, const int64_t *v, uint32_t n)
{
	size_t size = n > 1 ? varint_size(first_step(mode, t)) : 0;

	for (uint32_t i = 1; i < n; i++)
		size += varint_size(residual(mode, t, v, i));
	return size;
}

static uint8_t *put_head(uint8_t *p, int mode, int64_t t, int64_t v, uint32_t n)
{
	*p++ = (uint8_t)mode;
	p = varint_put(p, n);
	p = varint_put(p, zigzag((uint64_t)t));
	return varint_put(p, zigzag((uint64_t)v));
}

size_t chunk_pack_plain(
	uint8_t dst[CHUNK_BYTES_MAX], const int64_t *t, const int64_t *v, uint32_t n)
{
	int mode = times_size(MODE_CHAINED, t, v, n) < times_size(MODE_STEADY, t, v, n)
	                   ? MODE_CHAINED
	                   : MODE_STEADY;
	uint8_t *p;

	assert(n >= 1 && n <= CHUNK_MAX);
	p = put_head(dst, mode, t[0], v[0], n);
	if (n > 1)
		p = varint_put(p, first_step(mode, t));
	for (uint32_t i = 1; i < n; i++) {
		p = varint_put(p, residual(mode, t, v, i));
		p = varint_put(p, zigzag((uint64_t)v[i] - (uint64_t)v[i - 1]));
	}
	return (size_t)(p - dst);
}

size_t chunk_pack(uint8_t dst[CHUNK_BYTES_MAX], const int64_t *t, const int64_t *v, uint32_t n)
{
	size_t plain = chunk_pack_plain(dst, t, v, n), head, body;

	if (n < 2)
		return plain;
	head = 1 + varint_size(n) + varint_size(zigzag((uint64_t)t[0])) +
	       varint_size(zigzag((uint64_t)v[0]));
	/* The head is as long in each mode. */
	body = rice_pack(dst + head, plain - head - 1, t, v, n);
	if (!body)
		return plain;
	dst[0] = CHUNK_MODE_RICE;
	return head + body;
}

/* ---- reading ---- */

static bool get_slow(const uint8_t **p, const uint8_t *end, uint64_t *ret_v)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64 && *p < end; shift += 7) {
		uint8_t b = *(*p)++;

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
static inline bool get(const uint8_t **p, const uint8_t *end, uint64_t *ret_v)
{
	uint64_t w, last;

	if (end - *p < 8)
		return get_slow(p, end, ret_v);
	memcpy(&w, *p, 8);
	last = ~w & HIGH_BITS;
	if (!last)
		return get_slow(p, end, ret_v);
	*p += __builtin_ctzll(last) / 8 + 1;
	w &= last ^ (last - 1); /* up to the last byte's high bit, which is clear */
	w = (w & 0x007f007f007f007fu) | (w & 0x7f007f007f007f00u) >> 1;
	w = (w & 0x00003fff00003fffu) | (w & 0x3fff00003fff0000u) >> 2;
	*ret_v = (w & 0x000000000fffffffu) | (w & 0x0fffffff00000000u) >> 4;
	return true;
}
#else
#define get get_slow
#endif

bool varint_get(const uint8_t **p, const uint8_t *end, uint64_t *ret_v)
{
	return get_slow(p, end, ret_v);
}

static bool get_plain(
	const uint8_t *p, const uint8_t *end, int mode, int64_t *t, int64_t *v, uint32_t n)
{
	uint64_t step, time = (uint64_t)t[0], value = (uint64_t)v[0];

	if (!get(&p, end, &step))
		return false;
	step = unzigzag(step);
	for (uint32_t i = 1; i < n; i++) {
		uint64_t dt, dv;

		if (!get(&p, end, &dt) || !get(&p, end, &dv))
			return false;
		if (mode == MODE_CHAINED)
			step = value;
		step += unzigzag(dt);
		time += step;
		value += unzigzag(dv);
		t[i] = (int64_t)time;
		v[i] = (int64_t)value;
	}
	return p == end;
}

int chunk_unpack(const uint8_t *src, size_t len, int64_t t[CHUNK_MAX], int64_t v[CHUNK_MAX])
{
	const uint8_t *p = src, *end = src + len;
	uint64_t n, t0, v0;
	bool good;
	int mode;

	if (!len || len > CHUNK_BYTES_MAX)
		return -1;
	mode = *p++;
	if (mode > CHUNK_MODE_RICE || !get(&p, end, &n) || n < 1 || n > CHUNK_MAX)
		return -1;
	if (!get(&p, end, &t0) || !get(&p, end, &v0))
		return -1;
	t[0] = (int64_t)unzigzag(t0);
	v[0] = (int64_t)unzigzag(v0);
	if (n == 1)
		good = p == end;
	else if (mode == CHUNK_MODE_RICE)
		good = rice_unpack(p, end, t, v, (uint32_t)n);
	else
		good = get_plain(p, end, mode, t, v, (uint32_t)n);
	return good ? (int)n : -1;
}
