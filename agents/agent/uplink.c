/* SPDX-License-Identifier: Apache-2.0 */
/* Sending spools; see uplink.h. */
#include "agent/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/log.h"
#include "agent/plainer.h"
#include "agent/shelf.h"

void uplink_init(struct uplink *u, struct shelf *shelf)
{
	u->shelf = shelf;
	u->first = u->n = 0;
}

void uplink_reset(struct uplink *u)
{
	u->first = u->n = 0;
	for (unsigned i = 0; i < u->shelf->n; i++) {
		u->shelf->items[i].sent = u->shelf->items[i].acked;
		u->shelf->items[i].end_sent = false;
	}
}

/* ---- acknowledgements ---- */

static bool is_acked(const struct shelf_item *it, uint32_t stream, uint64_t seq)
{
	return it->acked_seq && seq <= it->acked_seq[stream];
}

/* Moves the window's beginning over what is acknowledged, and each attempt's mark with it. */
static void slide(struct uplink *u)
{
	while (u->n) {
		const struct uplink_frame *f = &u->window[u->first];
		struct shelf_item *it = shelf_find(u->shelf, f->attempt);

		if (it && !is_acked(it, f->stream, f->seq))
			return;
		if (it)
			it->acked = f->end;
		u->first = (u->first + 1) % UPLINK_WINDOW;
		u->n--;
	}
}

void uplink_ack(struct uplink *u, int64_t attempt, uint32_t stream, uint64_t seq)
{
	struct shelf_item *it = shelf_find(u->shelf, attempt);

	if (!it || stream >= MSG_STREAMS_MAX)
		return;
	if (!it->acked_seq)
		it->acked_seq = calloc(MSG_STREAMS_MAX, sizeof(*it->acked_seq));
	if (!it->acked_seq)
		return; /* it will be sent again, which harms nobody */
	if (seq > it->acked_seq[stream])
		it->acked_seq[stream] = seq;
	slide(u);
}

void uplink_repeat_end(struct uplink *u, int64_t attempt)
{
	struct shelf_item *it = shelf_find(u->shelf, attempt);

	if (it)
		it->end_sent = false;
}

void uplink_forget(struct uplink *u, int64_t attempt)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < u->n; i++) {
		struct uplink_frame f = u->window[(u->first + i) % UPLINK_WINDOW];

		if (f.attempt != attempt)
			u->window[(u->first + kept++) % UPLINK_WINDOW] = f;
	}
	u->n = kept;
	slide(u);
}

bool uplink_waits(const struct uplink *u)
{
	if (u->n == UPLINK_WINDOW)
		return true;
	for (unsigned i = 0; i < u->shelf->n; i++)
		if (u->shelf->items[i].end_sent)
			return true;
	return false;
}

/* ---- sending ---- */

static int open_frames(const struct shelf *s, int64_t attempt)
{
	char path[SPOOL_NAME + 16];
	int fd;

	snprintf(path, sizeof(path), "%lld/frames", (long long)attempt);
	fd = openat(s->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* Sends the next frame of an attempt that is not acknowledged. Returns 1, 0 when there is none, or
 * -errno. */
static int send_next(struct uplink *u, struct shelf_item *it, struct conn *c)
{
	int64_t size = it->live ? it->live->synced : it->bytes;
	struct msg_chunk m;

	if (it->fd < 0 && it->sent < size)
		it->fd = open_frames(u->shelf, it->attempt);
	if (it->fd < 0 && it->sent < size)
		return it->fd;
	while (it->sent < size) {
		ssize_t n = spool_read_frame(it->fd, it->sent, size, u->buf, &m);

		if (n <= 0 || m.attempt != it->attempt)
			return n < 0 ? (int)n : -EBADMSG;
		it->sent += n;
		if (is_acked(it, m.stream, m.seq)) {
			if (!u->n)
				it->acked = it->sent;
			continue;
		}
		u->window[(u->first + u->n++) % UPLINK_WINDOW] =
			(struct uplink_frame){it->attempt, it->sent, m.stream, m.seq};
		conn_send_frame(c, u->buf, plainer_frame(u->buf, (uint32_t)n, &m, c->version));
		return 1;
	}
	return 0;
}

static void send_end(struct uplink *u, struct shelf_item *it, struct conn *c)
{
	struct proto_header h;
	ssize_t n;

	if (it->end && !proto_header_get(it->end, &h))
		memcpy(u->buf, it->end, n = PROTO_HEADER + h.len);
	else
		n = spool_load_end(u->shelf->dir, it->attempt, u->buf, sizeof(u->buf));
	it->end_sent = true;
	if (n > 0)
		conn_send_frame(c, u->buf, n);
	else
		log_err("event=end-lost attempt=%lld error=%d", (long long)it->attempt, (int)n);
	if (it->fd >= 0)
		close(it->fd);
	it->fd = -1;
}

/* Everything of one attempt that may go now. Returns false when the connection or the window has no
 * more room. */
static bool pump_item(struct uplink *u, struct shelf_item *it, struct conn *c)
{
	int rc = 1;

	while (rc == 1) {
		if (u->n == UPLINK_WINDOW || conn_queued(c) > UPLINK_QUEUE)
			return false;
		rc = send_next(u, it, c);
	}
	if (rc < 0) {
		log_err("event=spool-unreadable attempt=%lld offset=%lld error=%d",
			(long long)it->attempt, (long long)it->sent, rc);
		it->sent = it->live ? it->live->synced : it->bytes;
	}
	if (!it->live && !it->end_sent)
		send_end(u, it, c);
	return true;
}

void uplink_pump(struct uplink *u, struct conn *c)
{
	slide(u); /* an attempt that was discarded meanwhile must not keep the window full */
	for (unsigned i = 0; i < u->shelf->n; i++)
		if (!pump_item(u, &u->shelf->items[i], c))
			return;
}
