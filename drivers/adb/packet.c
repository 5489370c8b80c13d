/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in and out of bytes; see packet.h. */
#include "drivers/adb/packet.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* What is read ahead while it is not known how long the next packet is. Many small packets come in
 * one read; of a large one at most this much has to be moved. */
#define CHUNK (64 * 1024)

/* ---- the header ---- */

static void put32(uint8_t *dst, uint32_t v)
{
	v = htole32(v);
	memcpy(dst, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *src)
{
	uint32_t v;

	memcpy(&v, src, sizeof(v));
	return le32toh(v);
}

const char *adb_command_name(uint32_t command)
{
	static const struct {
		uint32_t command;
		const char *name;
	} names[] = {
		{ADB_CNXN, "CNXN"},
		{ADB_AUTH, "AUTH"},
		{ADB_OPEN, "OPEN"},
		{ADB_OKAY, "OKAY"},
		{ADB_CLSE, "CLSE"},
		{ADB_WRTE, "WRTE"},
		{ADB_STLS, "STLS"},
		{ADB_SYNC, "SYNC"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].command == command)
			return names[i].name;
	return "?";
}

void adb_header_put(uint8_t dst[ADB_HEADER], const struct adb_header *h)
{
	put32(dst, h->command);
	put32(dst + 4, h->arg0);
	put32(dst + 8, h->arg1);
	put32(dst + 12, h->len);
	put32(dst + 16, h->sum);
	put32(dst + 20, h->command ^ 0xffffffffu);
}

int adb_header_get(const uint8_t src[ADB_HEADER], uint32_t max, struct adb_header *ret_h)
{
	struct adb_header h = {
		get32(src), get32(src + 4), get32(src + 8), get32(src + 12), get32(src + 16)};

	if ((h.command ^ 0xffffffffu) != get32(src + 20) || h.len > max)
		return ERR_PROTO;
	*ret_h = h;
	return 0;
}

uint32_t adb_sum(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i];
	return sum;
}

/* ---- packets out of a stream: what was read [used … have) is not taken yet ---- */

static bool is_long(uint32_t len)
{
	return ADB_HEADER + (size_t)len + ADB_HEADER > CHUNK;
}

/* The buffer's bytes, of which `head` is but the first. */
static uint8_t *bytes(struct adb_buf *b)
{
	return (uint8_t *)b + offsetof(struct adb_buf, head);
}

static size_t space(const struct adb_parser *p)
{
	return p->buf ? ADB_HEADER + (size_t)p->buf->cap + ADB_HEADER : 0;
}

void adb_parser_init(struct adb_parser *p, uint32_t max)
{
	*p = (struct adb_parser){.max = max, .verify = true};
}

void adb_parser_fini(struct adb_parser *p)
{
	adb_buf_unref(p->buf);
	*p = (struct adb_parser){.bad = ERR_PROTO};
}

/* Moves what is left to the front of a buffer of at least n bytes that is the parser's alone. */
static int make_space(struct adb_parser *p, size_t n)
{
	uint32_t left = p->have - p->used;
	struct adb_buf *buf = p->buf;

	if (n > space(p) || buf->refs > 1) {
		size_t cap = n - 2 * ADB_HEADER;

		if (cap < p->long_last)
			cap = p->long_last;
		buf = adb_buf_try((uint32_t)cap);
		if (!buf)
			return p->bad = ERR_NOMEM;
	}
	if (left && (buf != p->buf || p->used))
		memmove(bytes(buf), bytes(p->buf) + p->used, left);
	if (buf != p->buf)
		adb_buf_unref(p->buf);
	p->buf = buf;
	p->used = 0;
	p->have = left;
	return 0;
}

size_t adb_parser_room(struct adb_parser *p, uint8_t **ret_where)
{
	uint32_t left = p->have - p->used;
	size_t want = CHUNK;
	struct adb_header h;

	if (p->bad)
		return 0;
	/* Exactly to the end of a long packet and the header behind it, so that the next one begins
	 * at the front and is read to where it stays. */
	if (left >= ADB_HEADER && !adb_header_get(bytes(p->buf) + p->used, p->max, &h) &&
		is_long(h.len))
		want = ADB_HEADER + (size_t)h.len + ADB_HEADER;
	if ((p->used + want > space(p) || !left) && make_space(p, want))
		return 0;
	*ret_where = bytes(p->buf) + p->have;
	return p->used + want - p->have;
}

/* Links that nothing comes on hold no long buffer. */
static void drop_long(struct adb_parser *p)
{
	if (space(p) <= CHUNK)
		return;
	adb_buf_unref(p->buf);
	p->buf = NULL;
	p->have = p->used = 0;
}

int adb_parser_got(struct adb_parser *p, size_t n)
{
	const uint8_t *at;

	assert(p->bad || n <= space(p) - p->have);
	p->payload = NULL;
	if (p->bad)
		return p->bad;
	p->have += n;
	if (p->have == p->used)
		drop_long(p);
	if (p->have - p->used < ADB_HEADER)
		return 0;
	at = bytes(p->buf) + p->used;
	if (adb_header_get(at, p->max, &p->h))
		return p->bad = ERR_PROTO;
	if (p->have - p->used - ADB_HEADER < p->h.len)
		return 0;
	if (p->verify && p->h.sum && p->h.sum != adb_sum(at + ADB_HEADER, p->h.len))
		return p->bad = ERR_PROTO;
	if (p->h.len)
		p->payload = bytes(p->buf) + p->used + ADB_HEADER;
	p->used += ADB_HEADER + p->h.len;
	p->long_last = is_long(p->h.len) ? p->h.len : 0;
	return 1;
}

struct adb_buf *adb_parser_hold(struct adb_parser *p)
{
	bool worth = p->payload && is_long(p->h.len) && p->h.len >= p->buf->cap / 2;

	return worth ? adb_buf_ref(p->buf) : NULL;
}
