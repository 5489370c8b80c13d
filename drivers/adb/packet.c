/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as bytes; see packet.h. */
#include "drivers/adb/packet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define MAGIC_FLIP 0xffffffffu

/* A reader keeps room for at least this much, so that small packets come many at a time. */
#define ROOM_MIN (64 * 1024)

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

const char *adb_command_name(uint32_t command)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].command == command)
			return names[i].name;
	return "?";
}

static void put32(uint8_t *dst, uint32_t v)
{
	dst[0] = (uint8_t)v;
	dst[1] = (uint8_t)(v >> 8);
	dst[2] = (uint8_t)(v >> 16);
	dst[3] = (uint8_t)(v >> 24);
}

static uint32_t get32(const uint8_t *src)
{
	return src[0] | (uint32_t)src[1] << 8 | (uint32_t)src[2] << 16 | (uint32_t)src[3] << 24;
}

void adb_header_put(uint8_t dst[ADB_HEADER], const struct adb_header *h)
{
	put32(dst, h->command);
	put32(dst + 4, h->arg0);
	put32(dst + 8, h->arg1);
	put32(dst + 12, h->len);
	put32(dst + 16, h->sum);
	put32(dst + 20, h->command ^ MAGIC_FLIP);
}

int adb_header_get(const uint8_t src[ADB_HEADER], uint32_t max, struct adb_header *ret_h)
{
	struct adb_header h = {.command = get32(src),
		.arg0 = get32(src + 4),
		.arg1 = get32(src + 8),
		.len = get32(src + 12),
		.sum = get32(src + 16)};

	if (get32(src + 20) != (h.command ^ MAGIC_FLIP) || h.len > max)
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

/* ---- buffers ---- */

struct adb_buf *adb_buf_new(uint32_t cap)
{
	struct adb_buf *b;

	assert(cap <= ADB_PAYLOAD_MAX);
	b = mem_alloc(sizeof(*b) + cap);
	b->refs = 1;
	b->cap = cap;
	b->len = 0;
	return b;
}

struct adb_buf *adb_buf_ref(struct adb_buf *b)
{
	b->refs++;
	return b;
}

void adb_buf_unref(struct adb_buf *b)
{
	if (b && !--b->refs)
		mem_free(b);
}

/* ---- the parser ---- */

void adb_parser_init(struct adb_parser *p, uint32_t max)
{
	memset(p, 0, sizeof(*p));
	p->max = max;
}

void adb_parser_fini(struct adb_parser *p)
{
	mem_free(p->buf);
	memset(p, 0, sizeof(*p));
	p->bad = true;
}

/* How many bytes the packet under way has, as far as it can be told. */
static size_t packet_size(const struct adb_parser *p)
{
	const uint8_t *at = p->buf + p->used;
	uint32_t len;

	if (p->have - p->used < ADB_HEADER)
		return ADB_HEADER;
	len = get32(at + 12);
	return ADB_HEADER + (len <= p->max ? len : 0);
}

/* What is left of a packet moves to the front: the half of one packet at most, once a read. */
static void to_front(struct adb_parser *p)
{
	if (!p->used)
		return;
	memmove(p->buf, p->buf + p->used, p->have - p->used);
	p->have -= p->used;
	p->used = 0;
}

static bool grow(struct adb_parser *p, size_t need)
{
	uint8_t *buf;

	if (need <= p->cap)
		return true;
	buf = realloc(p->buf, need);
	if (!buf)
		return false;
	p->buf = buf;
	p->cap = (uint32_t)need;
	return true;
}

size_t adb_parser_room(struct adb_parser *p, uint8_t **ret_where)
{
	size_t need;

	if (p->bad)
		return 0;
	if (p->buf)
		to_front(p);
	need = p->buf ? packet_size(p) : ADB_HEADER;
	if (need < ROOM_MIN)
		need = ROOM_MIN;
	if (!grow(p, need)) {
		p->bad = true;
		return 0;
	}
	*ret_where = p->buf + p->have;
	return p->cap - p->have;
}

static int bad(struct adb_parser *p)
{
	p->bad = true;
	return ERR_PROTO;
}

int adb_parser_got(struct adb_parser *p, size_t n)
{
	uint8_t *at;

	if (p->bad)
		return ERR_PROTO;
	assert(p->have + n <= p->cap);
	p->have += (uint32_t)n;
	if (p->have - p->used < ADB_HEADER)
		return 0;
	at = p->buf + p->used;
	if (adb_header_get(at, p->max, &p->h))
		return bad(p);
	if (p->have - p->used < ADB_HEADER + p->h.len)
		return 0;
	p->payload = p->h.len ? at + ADB_HEADER : NULL;
	if (p->verify && p->h.sum && p->h.len && adb_sum(p->payload, p->h.len) != p->h.sum)
		return bad(p);
	p->used += ADB_HEADER + p->h.len;
	return 1;
}
