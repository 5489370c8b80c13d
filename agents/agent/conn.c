/* SPDX-License-Identifier: Apache-2.0 */
/* One connection; see conn.h. */
#include "agent/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_MIN 4096

static const uint8_t legal[] = {
	[CONN_FREE] = 1 << CONN_GREETING,
	[CONN_GREETING] = 1 << CONN_READY | 1 << CONN_CLOSING | 1 << CONN_DEAD,
	[CONN_READY] = 1 << CONN_CLOSING | 1 << CONN_DEAD,
	[CONN_CLOSING] = 1 << CONN_DEAD,
	[CONN_DEAD] = 1 << CONN_FREE,
};

void conn_set_state(struct conn *c, enum conn_state to, int64_t now_ns)
{
	assert(legal[c->state] >> to & 1);
	c->state = to;
	c->deadline_ns = to == CONN_GREETING  ? now_ns + CONN_GREETING_NS
	                 : to == CONN_CLOSING ? now_ns + CONN_FLUSH_NS
	                                      : INT64_MAX;
}

void conn_open(struct conn *c, int fd, int64_t now_ns)
{
	assert(c->state == CONN_FREE);
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	proto_parser_init(&c->in);
	conn_set_state(c, CONN_GREETING, now_ns);
}

void conn_close(struct conn *c)
{
	if (c->state != CONN_DEAD)
		conn_set_state(c, CONN_DEAD, 0);
}

void conn_reap(struct conn *c)
{
	if (c->state != CONN_DEAD)
		return;
	close(c->fd);
	proto_parser_fini(&c->in);
	free(c->out);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

short conn_events(const struct conn *c)
{
	short events = c->state == CONN_GREETING || c->state == CONN_READY ? POLLIN : 0;

	return conn_queued(c) ? events | POLLOUT : events;
}

int64_t conn_deadline(const struct conn *c)
{
	return c->state == CONN_FREE ? INT64_MAX : c->deadline_ns;
}

void conn_tick(struct conn *c, int64_t now_ns)
{
	if (c->state == CONN_CLOSING && !conn_queued(c))
		conn_close(c);
	if (c->state != CONN_FREE && now_ns >= c->deadline_ns)
		conn_close(c);
}

void conn_read(struct conn *c)
{
	uint8_t buf[CONN_TURN_READ];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	if (c->state == CONN_GREETING) {
		c->greeted += n;
		if (c->greeted > CONN_GREETING_MAX) {
			conn_close(c);
			return;
		}
	}
	if (proto_parser_feed(&c->in, buf, n))
		conn_close(c);
}

int conn_next(struct conn *c, struct proto_frame *ret_f)
{
	if (c->state != CONN_GREETING && c->state != CONN_READY)
		return 0;
	return proto_parser_next(&c->in, ret_f);
}

void conn_write(struct conn *c)
{
	ssize_t n;

	if (c->state == CONN_DEAD || !conn_queued(c))
		return;
	n = send(c->fd, c->out + c->out_off, conn_queued(c), MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_close(c);
		return;
	}
	c->out_off += n;
	if (c->out_off == c->out_len)
		c->out_off = c->out_len = 0;
}

/* Room for n more bytes behind out_len, or NULL (and the connection dies). */
static uint8_t *room(struct conn *c, size_t n)
{
	size_t cap = c->out_cap ? c->out_cap : OUT_MIN;
	uint8_t *out;

	if (c->out_off && c->out_len + n > c->out_cap) {
		memmove(c->out, c->out + c->out_off, conn_queued(c));
		c->out_len -= c->out_off;
		c->out_off = 0;
	}
	if (c->out_len + n > CONN_OUT_MAX) {
		conn_close(c);
		return NULL;
	}
	while (cap < c->out_len + n)
		cap *= 2;
	if (cap > c->out_cap) {
		out = realloc(c->out, cap);
		if (!out) {
			conn_close(c);
			return NULL;
		}
		c->out = out;
		c->out_cap = cap;
	}
	return c->out + c->out_len;
}

void conn_send(struct conn *c, uint16_t type, const void *payload, uint32_t len)
{
	uint8_t *p = c->state == CONN_DEAD ? NULL : room(c, PROTO_HEADER + len);

	assert(len <= PROTO_PAYLOAD_MAX);
	if (!p)
		return;
	proto_header_put(p, type, payload, len);
	if (len)
		memcpy(p + PROTO_HEADER, payload, len);
	c->out_len += PROTO_HEADER + len;
}

void conn_send_frame(struct conn *c, const void *frame, size_t n)
{
	uint8_t *p = c->state == CONN_DEAD ? NULL : room(c, n);

	if (!p)
		return;
	memcpy(p, frame, n);
	c->out_len += n;
}

size_t conn_queued(const struct conn *c)
{
	return c->out_len - c->out_off;
}
