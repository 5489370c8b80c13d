/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers and the primitive fields; see proto.h. Nothing here allocates or trusts a length: a
 * writer that is full and a reader that is bad stay so, and whoever uses them looks once at the
 * end.
 */
#include "proto.h"

#include <string.h>

/* ---- little-endian numbers, at any alignment ---- */

static void store(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t load(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

/* ---- headers ---- */

#define AT_MAGIC 0
#define AT_TYPE  4
#define AT_FLAGS 6
#define AT_LEN   8
#define AT_CRC   12

/* The checksum leaves out the magic, which is constant, and itself. */
static uint32_t checksum(const uint8_t *header, const void *payload, uint32_t len)
{
	uint32_t crc = proto_crc32c(0, header + AT_TYPE, AT_CRC - AT_TYPE);

	return proto_crc32c(crc, payload, len);
}

void proto_header_put(uint8_t dst[PROTO_HEADER], uint16_t type, const void *payload, uint32_t len)
{
	store(dst + AT_MAGIC, PROTO_MAGIC, 4);
	store(dst + AT_TYPE, type, 2);
	store(dst + AT_FLAGS, 0, 2);
	store(dst + AT_LEN, len, 4);
	store(dst + AT_CRC, checksum(dst, payload, len), 4);
}

int proto_header_get(const uint8_t src[PROTO_HEADER], struct proto_header *ret_h)
{
	uint32_t len = (uint32_t)load(src + AT_LEN, 4);

	if (load(src + AT_MAGIC, 4) != PROTO_MAGIC || len > PROTO_PAYLOAD_MAX)
		return -1;
	ret_h->type = (uint16_t)load(src + AT_TYPE, 2);
	ret_h->flags = (uint16_t)load(src + AT_FLAGS, 2);
	ret_h->len = len;
	ret_h->crc = (uint32_t)load(src + AT_CRC, 4);
	return 0;
}

bool proto_check(const uint8_t src[PROTO_HEADER], const void *payload, uint32_t len)
{
	return checksum(src, payload, len) == load(src + AT_CRC, 4);
}

/* ---- writer ---- */

void proto_w_init(struct proto_w *w, void *mem, size_t cap)
{
	*w = (struct proto_w){.p = mem, .cap = cap};
}

static uint8_t *room(struct proto_w *w, size_t n)
{
	uint8_t *p;

	if (w->full || w->cap - w->len < n) {
		w->full = true;
		return NULL;
	}
	p = w->p + w->len;
	w->len += n;
	return p;
}

static void put(struct proto_w *w, uint64_t v, size_t n)
{
	uint8_t *p = room(w, n);

	if (p)
		store(p, v, n);
}

void proto_put_u8(struct proto_w *w, uint8_t v)
{
	put(w, v, 1);
}

void proto_put_u16(struct proto_w *w, uint16_t v)
{
	put(w, v, 2);
}

void proto_put_u32(struct proto_w *w, uint32_t v)
{
	put(w, v, 4);
}

void proto_put_u64(struct proto_w *w, uint64_t v)
{
	put(w, v, 8);
}

void proto_put_i64(struct proto_w *w, int64_t v)
{
	put(w, (uint64_t)v, 8);
}

void proto_put_f64(struct proto_w *w, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put(w, bits, 8);
}

void proto_put_raw(struct proto_w *w, const void *data, size_t n)
{
	uint8_t *p = room(w, n);

	if (p && n)
		memcpy(p, data, n);
}

void proto_put_bytes(struct proto_w *w, const void *data, size_t n)
{
	if (n > UINT32_MAX)
		w->full = true;
	proto_put_u32(w, (uint32_t)n);
	proto_put_raw(w, data, n);
}

void proto_put_text(struct proto_w *w, const char *s)
{
	size_t n = strnlen(s, PROTO_TEXT_MAX + 1);

	if (n > PROTO_TEXT_MAX) /* cut before a character, not inside: 10xxxxxx goes on with one */
		for (n = PROTO_TEXT_MAX; n && ((uint8_t)s[n] & 0xc0) == 0x80;)
			n--;
	proto_put_u16(w, (uint16_t)n);
	proto_put_raw(w, s, n);
}

void proto_put_varint(struct proto_w *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		proto_put_u8(w, (uint8_t)(v | 0x80));
	proto_put_u8(w, (uint8_t)v);
}

void proto_put_zigzag(struct proto_w *w, int64_t v)
{
	proto_put_varint(w, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

/* ---- reader ---- */

void proto_r_init(struct proto_r *r, const void *data, size_t n)
{
	*r = (struct proto_r){.p = data, .end = n ? (const uint8_t *)data + n : data};
}

size_t proto_left(const struct proto_r *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

const uint8_t *proto_get_raw(struct proto_r *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || (size_t)(r->end - p) < n) {
		r->bad = true;
		return NULL;
	}
	r->p = n ? p + n : p;
	return p;
}

static uint64_t get(struct proto_r *r, size_t n)
{
	const uint8_t *p = proto_get_raw(r, n);

	return p ? load(p, n) : 0;
}

uint8_t proto_get_u8(struct proto_r *r)
{
	return (uint8_t)get(r, 1);
}

uint16_t proto_get_u16(struct proto_r *r)
{
	return (uint16_t)get(r, 2);
}

uint32_t proto_get_u32(struct proto_r *r)
{
	return (uint32_t)get(r, 4);
}

uint64_t proto_get_u64(struct proto_r *r)
{
	return get(r, 8);
}

int64_t proto_get_i64(struct proto_r *r)
{
	return (int64_t)get(r, 8);
}

double proto_get_f64(struct proto_r *r)
{
	uint64_t bits = get(r, 8);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

const uint8_t *proto_get_bytes(struct proto_r *r, uint32_t *ret_n)
{
	uint32_t n = proto_get_u32(r);
	const uint8_t *p = proto_get_raw(r, n);

	*ret_n = r->bad ? 0 : n;
	return p;
}

void proto_get_text(struct proto_r *r, char *dst, size_t size)
{
	size_t n = proto_get_u16(r);
	const uint8_t *p = proto_get_raw(r, n);

	if (!p || n >= size || (n && memchr(p, '\0', n))) {
		r->bad = true;
		n = 0;
	}
	if (n)
		memcpy(dst, p, n);
	if (size)
		dst[n] = '\0';
}

uint64_t proto_get_varint(struct proto_r *r)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		uint8_t b = proto_get_u8(r);

		if (shift == 63 && b > 1) /* the tenth byte holds bit 63 and nothing else */
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return r->bad ? 0 : v;
	}
	r->bad = true;
	return 0;
}

int64_t proto_get_zigzag(struct proto_r *r)
{
	uint64_t v = proto_get_varint(r);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}
