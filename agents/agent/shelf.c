/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts on this device; see shelf.h. */
#include "agent/shelf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/spool.h"

void shelf_init(struct shelf *s, int dir, int64_t max_bytes)
{
	memset(s, 0, sizeof(*s));
	s->dir = dir;
	s->max_bytes = max_bytes;
}

static void close_item(struct shelf_item *it)
{
	if (it->fd >= 0)
		close(it->fd);
	free(it->acked_seq);
	free(it->end);
}

void shelf_fini(struct shelf *s)
{
	for (unsigned i = 0; i < s->n; i++)
		close_item(&s->items[i]);
	s->n = 0;
}

struct shelf_item *shelf_add(
	struct shelf *s, int64_t attempt, uint64_t boot, const struct spool *live)
{
	struct shelf_item *it = &s->items[s->n];

	assert(s->n < SHELF_MAX);
	s->n++;
	*it = (struct shelf_item){.attempt = attempt, .boot = boot, .live = live, .fd = -1};
	return it;
}

struct shelf_item *shelf_find(struct shelf *s, int64_t attempt)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->items[i].attempt == attempt)
			return &s->items[i];
	return NULL;
}

void shelf_ended(struct shelf *s, int64_t attempt, int64_t bytes)
{
	struct shelf_item *it = shelf_find(s, attempt);

	assert(it);
	it->live = NULL;
	it->bytes = bytes;
}

void shelf_keep_end(struct shelf *s, int64_t attempt, const uint8_t *frame)
{
	struct shelf_item *it = shelf_find(s, attempt);
	struct proto_header h;

	if (!it || proto_header_get(frame, &h) || h.type != PROTO_END)
		return;
	free(it->end);
	it->end = malloc(PROTO_HEADER + h.len);
	if (it->end)
		memcpy(it->end, frame, PROTO_HEADER + h.len);
}

int shelf_discard(struct shelf *s, int64_t attempt)
{
	struct shelf_item *it = shelf_find(s, attempt);
	int rc;

	if (!it)
		return -ENOENT;
	assert(!it->live);
	rc = spool_remove(s->dir, attempt);
	close_item(it);
	s->n--;
	memmove(it, it + 1, (size_t)(&s->items[s->n] - it) * sizeof(*it));
	return rc;
}

static int64_t item_bytes(const struct shelf_item *it)
{
	return it->live ? it->live->size : it->bytes;
}

int64_t shelf_waiting(const struct shelf *s)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < s->n; i++)
		sum += item_bytes(&s->items[i]) - s->items[i].acked;
	return sum;
}

static int64_t all_bytes(const struct shelf *s)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < s->n; i++)
		sum += item_bytes(&s->items[i]);
	return sum;
}

bool shelf_is_over(const struct shelf *s, int64_t ring_bytes)
{
	return all_bytes(s) + ring_bytes > s->max_bytes;
}

int shelf_has_room(const struct shelf *s, int64_t ring_bytes, char *why, size_t size)
{
	int64_t want = ring_bytes + SHELF_RESERVE, used = all_bytes(s);
	int64_t left = files_free_bytes(s->dir);

	if (s->n == SHELF_MAX) {
		snprintf(why, size, "%u attempts wait on this device to be discarded", s->n);
		return -ENOSPC;
	}
	if (used + want > s->max_bytes) {
		snprintf(why, size,
			"the spool may hold %lld bytes, holds %lld, and this run needs %lld",
			(long long)s->max_bytes, (long long)used, (long long)want);
		return -ENOSPC;
	}
	if (left < want) {
		snprintf(why, size,
			"the device's disk has %lld bytes left, and this run needs %lld",
			(long long)left, (long long)want);
		return -ENOSPC;
	}
	return 0;
}
