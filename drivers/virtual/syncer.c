/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side of sync:, its messages and its output; see syncer.h. */
#include "drivers/virtual/syncer_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- output ---- */

static void close_buf(struct syncer *y)
{
	if (!y->open)
		return;
	if (y->open->len)
		y->out[y->n_out++] = y->open;
	else
		adb_buf_unref(y->open);
	y->open = NULL;
}

uint8_t *syncer_room(struct syncer *y, size_t n)
{
	if (y->open && y->open->cap - y->open->len < n)
		close_buf(y);
	if (!y->open)
		y->open = adb_buf_new(y->max);
	return y->open->data + y->open->len;
}

void syncer_wrote(struct syncer *y, size_t n)
{
	y->open->len += (uint32_t)n;
}

size_t syncer_left(const struct syncer *y)
{
	return y->open ? y->open->cap - y->open->len : y->max;
}

void syncer_put(struct syncer *y, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n) {
		size_t part = n < syncer_left(y) ? n : syncer_left(y);

		if (!part) {
			close_buf(y);
			continue;
		}
		memcpy(syncer_room(y, part), p, part);
		syncer_wrote(y, part);
		p += part;
		n -= part;
	}
}

void syncer_fail(struct syncer *y, const char *text, int errnum)
{
	uint8_t head[ADB_SYNC_REQUEST];
	char line[512];
	int n = snprintf(line, sizeof(line), "%s%s%s", text, errnum ? ": " : "",
		errnum ? strerror(errnum) : "");

	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	adb_sync_put_request(head, ADB_SYNC_FAIL, n);
	syncer_put(y, head, sizeof(head));
	syncer_put(y, line, n);
}

struct adb_buf *syncer_take(struct syncer *y)
{
	struct adb_buf *b = y->n_out ? y->out[0] : NULL;

	if (b)
		memmove(y->out, y->out + 1, --y->n_out * sizeof(y->out[0]));
	return b;
}

/* ---- messages ---- */

/* "path,MODE", split on the last comma. */
static enum syncer_stage send_v1(struct syncer *y)
{
	char *comma = strrchr(y->path, ',');
	uint32_t mode = 0644;

	if (comma) {
		mode = (uint32_t)strtoul(comma + 1, NULL, 10);
		*comma = '\0';
	}
	return syncer_send_begin(y, mode, 0);
}

static enum syncer_stage unknown(struct syncer *y)
{
	char text[64];

	snprintf(text, sizeof(text), "unknown command %08x", y->id);
	syncer_fail(y, text, 0);
	return SYNCER_END;
}

static enum syncer_stage on_request(struct syncer *y)
{
	switch (y->id) {
	case ADB_SYNC_STAT:
	case ADB_SYNC_STA2:
	case ADB_SYNC_LST2:
		return syncer_stat(y);
	case ADB_SYNC_LIST:
	case ADB_SYNC_LIS2:
		return syncer_list(y);
	case ADB_SYNC_SEND:
		return send_v1(y);
	case ADB_SYNC_RECV:
		return syncer_recv_begin(y, 0);
	case ADB_SYNC_SND2:
	case ADB_SYNC_RCV2:
		return SYNCER_SPEC;
	case ADB_SYNC_QUIT:
		return SYNCER_END;
	default:
		return unknown(y);
	}
}

/* Gathers `want` bytes in head; returns how many of the input were used. */
static size_t gather(struct syncer *y, size_t want, const uint8_t *in, size_t n)
{
	size_t missing = y->have < want ? want - y->have : 0;
	size_t part = missing < n ? missing : n;

	memcpy(y->head + y->have, in, part);
	y->have += part;
	return part;
}

static size_t feed_request(struct syncer *y, const uint8_t *in, size_t n)
{
	size_t used = gather(y, ADB_SYNC_REQUEST, in, n);
	uint32_t len;

	if (y->have < ADB_SYNC_REQUEST)
		return used;
	len = get32(y->head + 4);
	if (len > ADB_SYNC_PATH_MAX) {
		syncer_fail(y, "path too long", 0);
		y->stage = SYNCER_END;
		return n;
	}
	used += gather(y, ADB_SYNC_REQUEST + len, in + used, n - used);
	if (y->have < ADB_SYNC_REQUEST + len)
		return used;
	y->have = 0;
	y->id = get32(y->head);
	memcpy(y->path, y->head + ADB_SYNC_REQUEST, len);
	y->path[len] = '\0';
	memcpy(y->asked, y->path, len + 1);
	y->is_new = true;
	y->stage = on_request(y);
	return used;
}

/* "SND2", mode, flags or "RCV2", flags */
static size_t feed_spec(struct syncer *y, const uint8_t *in, size_t n)
{
	bool send = y->id == ADB_SYNC_SND2;
	size_t want = send ? 12 : 8, used = gather(y, want, in, n);

	if (y->have < want)
		return used;
	y->have = 0;
	if (get32(y->head) != y->id) {
		syncer_fail(y, "the second message does not fit the first", 0);
		y->stage = SYNCER_END;
	} else if (send) {
		y->stage = syncer_send_begin(y, get32(y->head + 4), get32(y->head + 8));
	} else {
		y->stage = syncer_recv_begin(y, get32(y->head + 4));
	}
	return used;
}

static size_t feed(struct syncer *y, const uint8_t *in, size_t n)
{
	switch (y->stage) {
	case SYNCER_REQUEST:
		return feed_request(y, in, n);
	case SYNCER_SPEC:
		return feed_spec(y, in, n);
	case SYNCER_DATA:
		return syncer_send_feed(y, in, n);
	default:
		return n; /* what comes behind the end */
	}
}

size_t syncer_run(struct syncer *y, const uint8_t *in, size_t n, int max_out)
{
	size_t used = 0;

	while (y->n_out < max_out) {
		if (y->stage == SYNCER_RECV)
			y->stage = syncer_recv_more(y);
		else if (y->stage == SYNCER_LIST)
			y->stage = syncer_list_more(y);
		else if (used < n)
			used += feed(y, in + used, n - used);
		else
			break;
	}
	/* What is not full leaves too: the peer waits for it. */
	if (!syncer_has_more(y))
		close_buf(y);
	return used;
}

const char *syncer_asked(struct syncer *y)
{
	bool was_new = y->is_new;

	y->is_new = false;
	return was_new ? y->asked : NULL;
}

bool syncer_has_more(const struct syncer *y)
{
	return y->stage == SYNCER_RECV || y->stage == SYNCER_LIST;
}

bool syncer_ended(const struct syncer *y)
{
	return y->stage == SYNCER_END;
}

struct syncer *syncer_new(int root, uint32_t max, uint32_t compress)
{
	struct syncer *y = mem_zalloc(sizeof(*y));

	y->root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	y->max = max;
	y->compress = compress;
	y->send.fd = y->send.dir = y->recv.fd = -1;
	return y;
}

void syncer_free(struct syncer *y)
{
	struct adb_buf *b;

	if (!y)
		return;
	syncer_send_drop(y);
	syncer_recv_drop(y);
	if (y->list)
		closedir(y->list);
	while ((b = syncer_take(y)))
		adb_buf_unref(b);
	adb_buf_unref(y->open);
	if (y->root >= 0)
		close(y->root);
	mem_free(y->scratch);
	mem_free(y);
}
