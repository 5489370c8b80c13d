/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone's services through an adb server: each is a socket that says first which phone, then which
 * service, and is the phone's stream from then on. See server.h. What is written waits in one bounded
 * buffer; what the receiver does not want stays in the kernel. Loop thread.
 */
#include "drivers/adb/server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/mux.h"
#include "drivers/adb/smart.h"

#define PAYLOAD   (256 * 1024)
#define QUEUE_MAX (PAYLOAD * 2)
#define READ_MAX  (256 * 1024)

enum stage { ASK_TRANSPORT, ASK_SERVICE, OPEN };

struct via_stream {
	struct stream s; /* first: the two are one pointer */
	struct via_conn *conn;
	struct via_stream *next, **prev;
	int fd;
	struct host_fd *watch;
	struct host_timer *end; /* closed() is due */
	enum stage stage;
	char *service;
	size_t n_service;
	uint8_t status[ADB_SMART_STATUS];
	size_t n_status;
	struct buf out;
	bool full; /* write() took less than all */
	bool paused, finishing;
	int rc;
	char text[LIMIT_CAUSE];
	void (*opened)(void *arg);
};

struct via_conn {
	struct adb_conn conn; /* first */
	int port;
	char serial[LIMIT_NAME];
	struct via_stream *streams;
	uint8_t *chunk; /* READ_MAX bytes, for one read at a time */
	bool closed;
};

static struct via_stream *of(struct stream *s)
{
	return (struct via_stream *)s;
}

/* ---- the end ---- */

static void on_end(void *arg)
{
	struct via_stream *v = arg;
	struct via_conn *c = v->conn;

	*v->prev = v->next;
	if (v->next)
		v->next->prev = v->prev;
	if (v->s.events && v->s.events->closed)
		v->s.events->closed(v->s.arg, v->rc, v->text);
	buf_fini(&v->out);
	mem_free(v->service);
	mem_free(v);
	adb_conn_unref(&c->conn);
}

static void end_soon(struct via_stream *v, int rc, const char *text)
{
	struct driver_host *h = v->conn->conn.host;

	if (v->end)
		return;
	v->rc = rc;
	str_copy(v->text, sizeof(v->text), text);
	if (v->watch)
		h->fd_del(h, v->watch);
	v->watch = NULL;
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
	v->end = h->timer_add(h, h->now_ms(h), on_end, v);
}

/* ---- the socket ---- */

static void watch(struct via_stream *v)
{
	struct driver_host *h = v->conn->conn.host;
	unsigned events = 0;

	if (!v->watch)
		return;
	if (!v->paused || v->stage != OPEN)
		events |= HOST_FD_READ;
	if (v->out.len)
		events |= HOST_FD_WRITE;
	h->fd_set(h, v->watch, events);
}

static void flush(struct via_stream *v)
{
	ssize_t n;

	while (v->out.len) {
		n = send(v->fd, v->out.data, v->out.len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			end_soon(v, ERR_GONE, "the adb server hung up");
			return;
		}
		buf_drop(&v->out, n);
	}
	if (v->finishing)
		end_soon(v, 0, "");
}

static void ask(struct via_stream *v, const char *request, size_t n)
{
	char head[ADB_SERVICE_MAX + ADB_SMART_LENGTH];

	buf_put(&v->out, head, adb_smart_request(head, request, n));
}

static void next_stage(struct via_stream *v)
{
	v->n_status = 0;
	if (v->stage == ASK_TRANSPORT) {
		v->stage = ASK_SERVICE;
		ask(v, v->service, v->n_service);
		return;
	}
	v->stage = OPEN;
	if (v->opened)
		v->opened(v->s.arg);
}

static void read_status(struct via_stream *v)
{
	ssize_t n = recv(v->fd, v->status + v->n_status, sizeof(v->status) - v->n_status, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_soon(v, ERR_GONE, "the adb server hung up");
		return;
	}
	v->n_status += n;
	if (v->n_status < sizeof(v->status))
		return;
	if (!memcmp(v->status, "OKAY", sizeof(v->status)))
		next_stage(v);
	else if (v->stage == ASK_TRANSPORT)
		end_soon(v, ERR_GONE, "the adb server does not have the phone");
	else
		end_soon(v, ERR_NOTFOUND, "the phone has no such service");
}

static void read_data(struct via_stream *v)
{
	ssize_t n = recv(v->fd, v->conn->chunk, READ_MAX, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		end_soon(v, ERR_GONE, "the adb server hung up");
	else if (!n)
		end_soon(v, 0, "");
	else if (v->s.events && v->s.events->data)
		v->s.events->data(v->s.arg, v->conn->chunk, n);
}

static void on_ready(void *arg, unsigned events)
{
	struct via_stream *v = arg;

	if (events & HOST_FD_WRITE) {
		int err = v->stage == ASK_TRANSPORT ? adb_smart_error(v->fd) : 0;

		if (err) {
			adb_smart_unreachable(v->text, v->conn->port, -err);
			end_soon(v, ERR_UNREACHABLE, v->text);
			return;
		}
		flush(v);
		if (!v->end && v->full && v->stage == OPEN && v->out.len < QUEUE_MAX / 2) {
			v->full = false;
			if (v->s.events && v->s.events->drained)
				v->s.events->drained(v->s.arg);
		}
	}
	if (!v->end && events & HOST_FD_READ) {
		if (v->stage == OPEN)
			read_data(v);
		else
			read_status(v);
	}
	if (!v->end)
		watch(v);
}

/* ---- the user's calls ---- */

static size_t via_write(struct stream *s, const uint8_t *data, size_t n)
{
	struct via_stream *v = of(s);
	size_t room = QUEUE_MAX - v->out.len, take = n < room ? n : room;

	/* What is written before the service is open would be read as a request. */
	if (v->end || v->finishing)
		return 0;
	if (v->stage != OPEN)
		take = 0;
	v->full = take < n;
	buf_put(&v->out, data, take);
	watch(v);
	return take;
}

static void via_pause(struct stream *s, bool on)
{
	of(s)->paused = on;
	watch(of(s));
}

static void via_close(struct stream *s)
{
	end_soon(of(s), 0, "");
}

static const struct stream_ops stream_ops = {via_write, via_pause, via_close};

static bool via_send(struct adb_conn *c, struct stream *s, struct adb_buf *b)
{
	struct via_stream *v = of(s);

	(void)c;
	if (!v->end && v->out.len + b->len > QUEUE_MAX) {
		v->full = true;
		return false;
	}
	if (!v->end)
		buf_put(&v->out, b->data, b->len);
	adb_buf_unref(b);
	watch(v);
	return true;
}

static void via_finish(struct adb_conn *c, struct stream *s)
{
	(void)c;
	of(s)->finishing = true;
	if (!of(s)->out.len)
		end_soon(of(s), 0, "");
}

static struct stream *via_open(struct adb_conn *c, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e)
{
	struct via_conn *vc = (struct via_conn *)c;
	struct via_stream *v;
	char request[LIMIT_NAME + 32];
	int fd;

	if (n >= ADB_SERVICE_MAX) {
		err_set(e, ERR_TOOBIG, "a service has at most %d bytes", ADB_SERVICE_MAX - 1);
		return NULL;
	}
	if (vc->closed) {
		err_set(e, ERR_GONE, "the phone is gone");
		return NULL;
	}
	fd = adb_smart_connect(vc->port);
	if (fd < 0) {
		err_errno(e, -fd, "cannot reach the adb server at 127.0.0.1:%d", vc->port);
		return NULL;
	}
	v = mem_zalloc(sizeof(*v));
	v->s = (struct stream){&stream_ops, events, arg};
	v->conn = vc;
	adb_conn_ref(c);
	v->next = vc->streams;
	v->prev = &vc->streams;
	if (v->next)
		v->next->prev = &v->next;
	vc->streams = v;
	v->fd = fd;
	v->opened = opened;
	v->service = mem_alloc(n);
	memcpy(v->service, service, n);
	v->n_service = n;
	buf_init(&v->out, QUEUE_MAX);
	snprintf(request, sizeof(request), "host:transport:%s", vc->serial);
	ask(v, request, strlen(request));
	v->watch = c->host->fd_add(c->host, fd, HOST_FD_READ | HOST_FD_WRITE, on_ready, v);
	return &v->s;
}

static void via_close_all(struct adb_conn *c)
{
	struct via_conn *vc = (struct via_conn *)c;

	vc->closed = true;
	for (struct via_stream *v = vc->streams; v; v = v->next)
		end_soon(v, ERR_GONE, "the phone is gone");
}

static void via_free(struct adb_conn *c)
{
	mem_free(((struct via_conn *)c)->chunk);
	mem_free(c);
}

static const struct adb_conn_ops via_ops = {
	via_open, via_send, NULL, via_finish, via_close_all, via_free};

/* What the server can carry for the phone: all but what concerns packets. */
static uint32_t read_features(const char *list)
{
	uint32_t all = 0;

	while (*list) {
		size_t n = strcspn(list, ",");

		all |= adb_feature_of(list, n);
		list += n + (list[n] == ',');
	}
	return all & ~(uint32_t)ADB_F_DELAYED_ACK;
}

struct adb_conn *adb_conn_server(
	struct driver_host *h, int port, const char *serial, const char *features)
{
	struct via_conn *vc = mem_zalloc(sizeof(*vc));

	vc->conn.ops = &via_ops;
	vc->conn.host = h;
	vc->conn.banner.peer = ADB_PEER_DEVICE;
	vc->conn.banner.features = read_features(features);
	vc->conn.max_payload = PAYLOAD;
	vc->port = port;
	str_copy(vc->serial, sizeof(vc->serial), serial);
	vc->chunk = mem_alloc(READ_MAX);
	vc->conn.refs = 1;
	return &vc->conn;
}
