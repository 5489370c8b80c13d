/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of chunks; see store.h. One owner at a time: the caller, or from store_samples() to
 * done() the sample writer. */
#include "store/batch.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define PAYLOAD_FIRST 4096 /* bytes; doubles from there */

struct store_batch *store_batch_new(void)
{
	return mem_zalloc(sizeof(struct store_batch));
}

void store_batch_free(struct store_batch *b)
{
	if (!b)
		return;
	mem_free(b->payload);
	mem_free(b->items);
	mem_free(b);
}

/* Makes room for `len` more bytes of payload. The bytes may move, and the chunks follow them. */
static void grow_payload(struct store_batch *b, size_t len)
{
	uint8_t *old = b->payload;

	while (b->payload_cap - b->payload_len < len)
		b->payload_cap = b->payload_cap ? 2 * b->payload_cap : PAYLOAD_FIRST;
	b->payload = mem_realloc(old, b->payload_cap, 1);
	for (size_t i = 0, at = 0; i < b->n; at += b->items[i++].chunk.len)
		b->items[i].chunk.payload = b->payload + at;
}

static struct batch_item *add_item(struct store_batch *b)
{
	struct batch_item *item;

	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 16;
		b->items = mem_realloc(b->items, b->cap, sizeof(*b->items));
	}
	item = &b->items[b->n++];
	memset(item, 0, sizeof(*item));
	return item;
}

void store_batch_add(struct store_batch *b, const struct store_chunk *c)
{
	struct batch_item *item;

	assert(b->n < STORE_BATCH_CHUNKS && c->len <= STORE_CHUNK_BYTES);
	assert(b->work.bytes + sizeof(*item) + c->len <= STORE_BATCH_BYTES);
	if (!b->payload || b->payload_cap - b->payload_len < c->len)
		grow_payload(b, c->len);
	item = add_item(b);
	item->chunk = *c;
	item->chunk.payload = b->payload + b->payload_len;
	if (c->len)
		memcpy(b->payload + b->payload_len, c->payload, c->len);
	b->payload_len += c->len;
	b->work.bytes += sizeof(*item) + c->len;
}

size_t store_batch_bytes(const struct store_batch *b)
{
	return b->work.bytes;
}

size_t store_batch_count(const struct store_batch *b)
{
	return b->n;
}

uint64_t store_batch_mark(const struct store_batch *b, size_t i, int *ret_rc)
{
	assert(i < b->n);
	*ret_rc = b->items[i].rc;
	return b->items[i].mark;
}

const struct store_chunk *store_batch_chunk(const struct store_batch *b, size_t i)
{
	assert(i < b->n);
	return &b->items[i].chunk;
}
