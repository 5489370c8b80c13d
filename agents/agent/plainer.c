/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks for older controllers; see plainer.h. */
#include "agent/plainer.h"

#include <assert.h>

#include "agent/spool.h"
#include "chunk.h"

uint32_t plainer_frame(uint8_t *frame, uint32_t len, const struct msg_chunk *m, uint16_t version)
{
	/* Not on the stack; pages that nobody touches are none. */
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	static uint8_t plain[CHUNK_BYTES_MAX];
	struct msg_chunk c = *m;
	struct proto_w w;
	int n;

	/* A declaration has n 0; facts and text are not packed. */
	if (version >= CHUNK_RICE_SINCE || !m->n || m->kind < STREAM_COUNTER || !m->len ||
		*m->payload < CHUNK_MODE_RICE)
		return len;
	n = chunk_unpack(m->payload, m->len, t, v);
	if (n < 1)
		return len;
	c.payload = plain;
	c.len = (uint32_t)chunk_pack_plain(plain, t, v, (uint32_t)n);
	proto_w_init(&w, frame + PROTO_HEADER, SPOOL_FRAME_MAX - PROTO_HEADER);
	msg_chunk_put(&w, &c);
	assert(!w.full); /* it holds the longest chunk */
	proto_header_put(frame, PROTO_CHUNK, frame + PROTO_HEADER, (uint32_t)w.len);
	return PROTO_HEADER + (uint32_t)w.len;
}
