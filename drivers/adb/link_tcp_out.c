/* SPDX-License-Identifier: Apache-2.0 */
/* What a link over TCP sends; see link_tcp_internal.h. Packets leave with their headers in one gathered
 * write. */
#include "drivers/adb/link_tcp_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/err.h"
#include "drivers/driver.h"

#define QUEUE_BYTES (256 * 1024) /* another packet is asked for below this */
/* What one callback may do: under a millisecond of copying by the kernel. */
#define WRITE_BYTES (1024 * 1024)

static struct tcp_slot *slot_at(struct tcp *t, unsigned i)
{
	return &t->queue[(t->first + i) % TCP_QUEUE];
}

void tcp_drop_queue(struct tcp *t)
{
	for (unsigned i = 0; i < t->n; i++)
		adb_buf_unref(slot_at(t, i)->buf);
	t->n = 0;
	t->bytes = t->sent = 0;
}

static void put_packet(struct tcp *t, const struct adb_out *out)
{
	struct tcp_slot *s = slot_at(t, t->n);
	struct adb_header h = {out->command, out->arg0, out->arg1, out->buf ? out->buf->len : 0, 0};

	if (t->sums && h.len)
		h.sum = adb_sum(out->buf->data, h.len);
	adb_header_put(s->head, &h);
	s->buf = out->buf;
	if (!t->n)
		t->moved_ms = t->h->now_ms(t->h);
	t->n++;
	t->bytes += ADB_HEADER + h.len;
}

/* Asks for packets while there is room. */
static void fill(struct tcp *t)
{
	while (t->wants && t->n < TCP_QUEUE && t->bytes < QUEUE_BYTES) {
		struct adb_out out = {0};

		t->wants = false; /* unless it is kicked meanwhile */
		if (!t->l.events->next(t->l.arg, &out))
			continue;
		if (t->fd < 0) {
			adb_buf_unref(out.buf);
			return;
		}
		t->wants = true;
		put_packet(t, &out);
	}
}

/* What is queued, from where the last write stopped. */
static int gather(struct tcp *t, struct iovec *iov)
{
	size_t skip = t->sent;
	int n = 0;

	for (unsigned i = 0; i < t->n; i++, skip = 0) {
		struct tcp_slot *s = slot_at(t, i);
		size_t part = skip < ADB_HEADER ? skip : ADB_HEADER;

		if (part < ADB_HEADER)
			iov[n++] = (struct iovec){s->head + part, ADB_HEADER - part};
		skip -= part;
		if (s->buf && skip < s->buf->len)
			iov[n++] = (struct iovec){s->buf->data + skip, s->buf->len - skip};
	}
	return n;
}

static void forget_sent(struct tcp *t, size_t n)
{
	t->bytes -= n;
	t->sent += n;
	while (t->n) {
		struct tcp_slot *s = slot_at(t, 0);
		size_t len = ADB_HEADER + (s->buf ? s->buf->len : 0);

		if (t->sent < len)
			break;
		t->sent -= len;
		adb_buf_unref(s->buf);
		t->first = (t->first + 1) % TCP_QUEUE;
		t->n--;
	}
}

/* One gathered write; how much went, 0 when there is no room. */
static size_t write_some(struct tcp *t)
{
	struct iovec iov[2 * TCP_QUEUE];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)gather(t, iov)};
	ssize_t put;

	do
		put = sendmsg(t->fd, &msg, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0 && errno != EAGAIN) {
		/* What the peer said before its end must be heard; the end is found by reading. */
		t->out_dead = true;
		tcp_drop_queue(t);
		if (t->paused)
			tcp_break_errno(t, errno);
	}
	if (put <= 0)
		return 0;
	t->moved_ms = t->h->now_ms(t->h);
	forget_sent(t, (size_t)put);
	return (size_t)put;
}

static void on_stall(void *arg)
{
	struct tcp *t = arg;
	int64_t due_ms = t->moved_ms + t->write_ms;

	t->stall = NULL;
	tcp_enter(t);
	if (t->n && t->h->now_ms(t->h) >= due_ms)
		tcp_break(t, ERR_TIMEOUT, "the phone does not take what is sent to it");
	else if (t->n)
		t->stall = t->h->timer_add(t->h, due_ms, on_stall, t);
	tcp_leave(t);
}

void tcp_write(struct tcp *t)
{
	size_t budget = WRITE_BYTES;

	while (t->fd >= 0 && !t->out_dead && budget) {
		size_t put;

		fill(t);
		if (t->fd < 0 || !t->n)
			return;
		put = write_some(t);
		if (!put)
			break;
		budget -= put < budget ? put : budget;
	}
	if (t->fd >= 0 && t->n && t->write_ms && !t->stall)
		t->stall = t->h->timer_add(t->h, t->moved_ms + t->write_ms, on_stall, t);
}
