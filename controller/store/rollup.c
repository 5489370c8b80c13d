/* SPDX-License-Identifier: Apache-2.0 */
/* One-second rollups; see rollup.h. */
#include "store/rollup.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "agents/proto.h"

int64_t rollup_second(int64_t t_ns)
{
	int64_t s = t_ns / ROLLUP_NS;

	return t_ns % ROLLUP_NS < 0 ? s - 1 : s;
}

void rollup_add(struct rollup *r, const int64_t *v, int n, int64_t budget)
{
	struct rollup part = {.n = n};

	if (n < 1)
		return;
	part.first = part.min = part.max = v[0];
	part.last = v[n - 1];
	for (int i = 0; i < n; i++) {
		part.min = v[i] < part.min ? v[i] : part.min;
		part.max = v[i] > part.max ? v[i] : part.max;
		part.sum += v[i];
		part.over += v[i] > budget;
	}
	if (budget <= 0)
		part.over = 0;
	rollup_merge(r, &part);
}

void rollup_merge(struct rollup *into, const struct rollup *next)
{
	if (!next->n)
		return;
	if (!into->n) {
		into->first = next->first;
		into->min = next->min;
		into->max = next->max;
		into->over = 0;
		into->sum = 0;
	}
	into->min = next->min < into->min ? next->min : into->min;
	into->max = next->max > into->max ? next->max : into->max;
	into->last = next->last;
	into->n += next->n;
	into->over += next->over;
	into->sum += next->sum;
}

double rollup_mean(const struct rollup *r)
{
	return r->n ? (double)r->sum / (double)r->n : 0;
}

int rollup_build(
	struct rollup dst[ROLLUP_MAX], const int64_t *t, const int64_t *v, int n, int64_t budget)
{
	int count = 0;

	assert(n <= ROLLUP_MAX);
	for (int i = 0, end; i < n; i = end) {
		struct rollup *r = &dst[count++];
		uint64_t begin;

		memset(r, 0, sizeof(*r));
		r->second = rollup_second(t[i]);
		begin = (uint64_t)r->second * ROLLUP_NS;
		for (end = i + 1; end < n && (uint64_t)t[end] - begin < ROLLUP_NS; end++)
			;
		rollup_add(r, v + i, end - i, budget);
	}
	return count;
}

static void put_difference(struct proto_w *w, int64_t a, int64_t b)
{
	proto_put_varint(w, (uint64_t)a - (uint64_t)b);
}

size_t rollup_pack(uint8_t dst[ROLLUP_BYTES_MAX], const struct rollup *r, int n)
{
	int64_t second = 0, min = 0;
	struct proto_w w;

	proto_w_init(&w, dst, ROLLUP_BYTES_MAX);
	for (; n > 0; n--, r++) {
		unsigned __int128 above = (unsigned __int128)(r->sum - (__int128)r->min * r->n);

		proto_put_zigzag(&w, r->second - second);
		proto_put_varint(&w, (uint64_t)r->n);
		proto_put_varint(&w, (uint64_t)r->over);
		proto_put_zigzag(&w, (int64_t)((uint64_t)r->min - (uint64_t)min));
		put_difference(&w, r->max, r->min);
		put_difference(&w, r->first, r->min);
		put_difference(&w, r->last, r->min);
		proto_put_varint(&w, (uint64_t)above);
		proto_put_varint(&w, (uint64_t)(above >> 64));
		second = r->second;
		min = r->min;
	}
	assert(!w.full);
	return w.len;
}

static int64_t get_step(struct proto_r *r, int64_t before)
{
	return (int64_t)((uint64_t)before + (uint64_t)proto_get_zigzag(r));
}

/* Only rollup_pack() writes these: what it cannot have written is a damaged file. */
static bool get_one(struct proto_r *r, const struct rollup *before, struct rollup *s)
{
	uint64_t n, over, range, first, last, low;
	unsigned __int128 above;

	s->second = get_step(r, before->second);
	n = proto_get_varint(r);
	over = proto_get_varint(r);
	s->min = get_step(r, before->min);
	range = proto_get_varint(r);
	first = proto_get_varint(r);
	last = proto_get_varint(r);
	low = proto_get_varint(r);
	above = (unsigned __int128)proto_get_varint(r) << 64 | low;
	if (r->bad || n < 1 || n > CHUNK_MAX || over > n || first > range || last > range ||
		above > (unsigned __int128)range * n)
		return false;
	s->n = (int64_t)n;
	s->over = (int64_t)over;
	s->max = (int64_t)((uint64_t)s->min + range);
	s->first = (int64_t)((uint64_t)s->min + first);
	s->last = (int64_t)((uint64_t)s->min + last);
	s->sum = (__int128)s->min * s->n + (__int128)above;
	return true;
}

int rollup_unpack(struct rollup dst[ROLLUP_MAX], const uint8_t *src, size_t len)
{
	const struct rollup none = {0};
	struct proto_r r;
	int n = 0;

	proto_r_init(&r, src, len);
	for (; proto_left(&r) && n < ROLLUP_MAX; n++)
		if (!get_one(&r, n ? &dst[n - 1] : &none, &dst[n]))
			return -1;
	return proto_left(&r) ? -1 : n;
}
