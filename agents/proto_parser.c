/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames out of a stream of bytes; see proto.h. The buffer grows with what is fed and never beyond
 * one frame and one feed, whatever length a header claims: a header is checked before its payload
 * is waited for.
 */
#include "proto.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_MIN 4096
#define BUFFER_MAX (PROTO_HEADER + PROTO_PAYLOAD_MAX + PROTO_FEED_MAX)

void proto_parser_init(struct proto_parser *p)
{
	memset(p, 0, sizeof(*p));
}

void proto_parser_fini(struct proto_parser *p)
{
	free(p->buf);
	memset(p, 0, sizeof(*p));
}

static int reserve(struct proto_parser *p, size_t want)
{
	size_t cap = p->cap ? p->cap : BUFFER_MIN;
	uint8_t *buf;

	if (want <= p->cap)
		return 0;
	while (cap < want)
		cap *= 2;
	if (cap > BUFFER_MAX)
		cap = BUFFER_MAX;
	buf = realloc(p->buf, cap);
	if (!buf)
		return -1;
	p->buf = buf;
	p->cap = cap;
	return 0;
}

int proto_parser_feed(struct proto_parser *p, const void *data, size_t n)
{
	if (p->used) {
		p->len -= p->used;
		memmove(p->buf, p->buf + p->used, p->len);
		p->used = 0;
	}
	if (n > BUFFER_MAX - p->len || reserve(p, p->len + n))
		return -1;
	if (n)
		memcpy(p->buf + p->len, data, n);
	p->len += n;
	return 0;
}

int proto_parser_next(struct proto_parser *p, struct proto_frame *ret_f)
{
	size_t left = p->len - p->used;
	const uint8_t *at;
	struct proto_header h;

	if (left < PROTO_HEADER)
		return 0;
	at = p->buf + p->used;
	if (proto_header_get(at, &h))
		return -1;
	if (left - PROTO_HEADER < h.len)
		return 0;
	if (!proto_check(at, at + PROTO_HEADER, h.len))
		return -1;
	*ret_f = (struct proto_frame){.type = h.type, .payload = at + PROTO_HEADER, .len = h.len};
	p->used += PROTO_HEADER + h.len;
	return 1;
}
