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

/* ---- packets out of a stream: buf[used … have) is not taken yet ---- */

void adb_parser_init(struct adb_parser *p, uint32_t max)
{
	*p = (struct adb_parser){.max = max, .verify = true};
}

void adb_parser_fini(struct adb_parser *p)
{
	mem_free(p->buf);
	*p = (struct adb_parser){.bad = ERR_PROTO};
}

/* Moves what is left to the front of a buffer of at least n bytes. */
static int make_space(struct adb_parser *p, size_t n)
{
	uint32_t left = p->have - p->used;
	uint8_t *buf = p->buf;

	if (n > p->cap) {
		buf = mem_try(n);
		if (!buf)
			return p->bad = ERR_NOMEM;
	}
	if (left && (buf != p->buf || p->used))
		memmove(buf, p->buf + p->used, left);
	if (buf != p->buf) {
		mem_free(p->buf);
		p->buf = buf;
		p->cap = n;
	}
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
	if (left >= ADB_HEADER && !adb_header_get(p->buf + p->used, p->max, &h) &&
		ADB_HEADER + (size_t)h.len + ADB_HEADER > CHUNK)
		want = ADB_HEADER + (size_t)h.len + ADB_HEADER;
	if ((p->used + want > p->cap || !left) && make_space(p, want))
		return 0;
	*ret_where = p->buf + p->have;
	return p->used + want - p->have;
}

int adb_parser_got(struct adb_parser *p, size_t n)
{
	const uint8_t *at;

	assert(p->bad || n <= p->cap - p->have);
	p->payload = NULL;
	if (p->bad)
		return p->bad;
	p->have += n;
	if (p->have - p->used < ADB_HEADER)
		return 0;
	at = p->buf + p->used;
	if (adb_header_get(at, p->max, &p->h))
		return p->bad = ERR_PROTO;
	if (p->have - p->used - ADB_HEADER < p->h.len)
		return 0;
	if (p->verify && p->h.sum && p->h.sum != adb_sum(at + ADB_HEADER, p->h.len))
		return p->bad = ERR_PROTO;
	if (p->h.len)
		p->payload = p->buf + p->used + ADB_HEADER;
	p->used += ADB_HEADER + p->h.len;
	return 1;
}
