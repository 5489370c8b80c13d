/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNECT, and the stream that it gives: a Unix socket to the agent. Memory is bounded both ways:
 * what the agent does not take waits in a buffer of LOCAL_STREAM_OUT bytes, and what the receiver
 * does not want stays in the kernel. A stream ends in one place, finish(), from a timer, so never
 * inside a call on it.
 */
#include "drivers/local/local.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

/* connect() does not wait for room in the agent's backlog; we ask again. */
#define RETRY_MS  20
#define RETRY_MAX 100

struct local_stream {
	struct stream s; /* first: what the receiver sees */
	struct local *l;
	struct local_stream *next, **prev;
	int fd;
	struct host_fd *watch;
	struct buf out;
	bool want_drained; /* a write took less than all */
	bool paused;
	bool out_dead; /* the agent takes no more; what it sent may still be read */
	struct host_timer *soon;
	int code;
	char text[LIMIT_CAUSE];
};

/* ---- the stream ---- */

static struct local_stream *of(struct stream *s)
{
	return (struct local_stream *)s;
}

static void update_watch(struct local_stream *ls)
{
	unsigned events = 0;

	if (!ls->paused)
		events |= HOST_FD_READ;
	if ((ls->out.len || ls->want_drained) && !ls->out_dead)
		events |= HOST_FD_WRITE;
	if (ls->watch)
		ls->l->host->fd_set(ls->l->host, ls->watch, events);
}

static void finish(void *arg)
{
	struct local_stream *ls = arg;
	struct local *l = ls->l;

	*ls->prev = ls->next;
	if (ls->next)
		ls->next->prev = ls->prev;
	l->n_streams--;
	buf_fini(&ls->out);
	if (ls->s.events)
		ls->s.events->closed(ls->s.arg, ls->code, ls->text);
	mem_free(ls);
	local_check_end(l);
}

/* Nothing but closed() will come. The first reason stays. */
static void end(struct local_stream *ls, int code, const char *text)
{
	struct driver_host *h = ls->l->host;

	if (ls->soon)
		return;
	ls->code = code;
	str_copy(ls->text, sizeof(ls->text), text);
	h->fd_del(h, ls->watch);
	ls->watch = NULL;
	close(ls->fd);
	ls->fd = -1;
	ls->soon = h->timer_add(h, h->now_ms(h), finish, ls);
}

/* Sends what it can; returns how much, 0 also for an agent that takes no more. */
static size_t send_some(struct local_stream *ls, const uint8_t *data, size_t n)
{
	ssize_t put;

	do
		put = send(ls->fd, data, n, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0 && errno != EAGAIN) {
		/* What the agent said before it closed must still be heard: reading goes on, and
		 * finds the end. */
		ls->out_dead = true;
		buf_fini(&ls->out);
	}
	return put > 0 ? put : 0;
}

static size_t stream_write(struct stream *s, const uint8_t *data, size_t n)
{
	struct local_stream *ls = of(s);
	size_t taken = 0, room;

	if (ls->soon || ls->out_dead)
		return n; /* into the void, until closed() tells */
	if (!ls->out.len)
		taken = send_some(ls, data, n);
	if (ls->out_dead)
		return n;
	room = LOCAL_STREAM_OUT - ls->out.len;
	if (room > n - taken)
		room = n - taken;
	if (room && !buf_put(&ls->out, data + taken, room))
		taken += room;
	if (taken < n)
		ls->want_drained = true;
	update_watch(ls);
	return taken;
}

static void stream_pause(struct stream *s, bool on)
{
	of(s)->paused = on;
	update_watch(of(s));
}

static void stream_close(struct stream *s)
{
	end(of(s), 0, "closed");
}

static const struct stream_ops ops = {stream_write, stream_pause, stream_close};

static void on_room(struct local_stream *ls)
{
	if (ls->out.len)
		buf_drop(&ls->out, send_some(ls, ls->out.data, ls->out.len));
	if ((!ls->out.len || ls->out_dead) && ls->want_drained) {
		ls->want_drained = false;
		if (ls->s.events)
			ls->s.events->drained(ls->s.arg);
	}
}

static void on_bytes(struct local_stream *ls)
{
	uint8_t *chunk = ls->l->chunk;
	ssize_t n = recv(ls->fd, chunk, LOCAL_READ_CHUNK, 0);

	if (n > 0) {
		if (ls->s.events)
			ls->s.events->data(ls->s.arg, chunk, n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0)
		end(ls, 0, "the agent closed the connection");
	else
		end(ls, ERR_UNREACHABLE, strerror(errno));
}

static void on_socket(void *arg, unsigned events)
{
	struct local_stream *ls = arg;

	if (events & HOST_FD_WRITE && !ls->out_dead)
		on_room(ls);
	/* The receiver may have paused or closed meanwhile. */
	if (events & HOST_FD_READ && !ls->soon && !ls->paused)
		on_bytes(ls);
	if (!ls->soon)
		update_watch(ls);
}

static struct stream *stream_new(struct local *l, int fd)
{
	struct local_stream *ls = mem_zalloc(sizeof(*ls));

	ls->s.ops = &ops;
	ls->l = l;
	ls->fd = fd;
	buf_init(&ls->out, LOCAL_STREAM_OUT);
	ls->next = l->streams;
	ls->prev = &l->streams;
	if (ls->next)
		ls->next->prev = &ls->next;
	l->streams = ls;
	l->n_streams++;
	ls->watch = l->host->fd_add(l->host, fd, HOST_FD_READ, on_socket, ls);
	return &ls->s;
}

void local_streams_end(struct local *l)
{
	for (struct local_stream *ls = l->streams; ls; ls = ls->next)
		end(ls, ERR_GONE, "the local driver was stopped");
}

void local_stream_drop(struct stream *s)
{
	s->events = NULL;
	end(of(s), 0, "");
}

/* ---- CONNECT ---- */

struct connect {
	struct local_op *lo;
	int fd;
	int tries;
	struct host_timer *timer;
	struct sockaddr_un sa;
};

static void release(struct connect *c)
{
	struct driver_host *h = c->lo->l->host;

	if (c->timer)
		h->timer_del(h, c->timer);
	if (c->fd >= 0)
		close(c->fd);
	c->lo->data = NULL;
	mem_free(c);
}

/* The agent is of our own user; somebody else's socket in its place is not it. */
static int check_peer(int fd, struct err *e)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return err_errno(e, errno, "cannot ask who listens");
	if (peer.uid != geteuid())
		return err_set(e, ERR_PERM, "another user (uid %u) listens in the agent's place",
			(unsigned)peer.uid);
	return 0;
}

static void try_connect(void *arg)
{
	struct connect *c = arg;
	struct local_op *lo = c->lo;
	struct driver_host *h = lo->l->host;
	struct err *e = &lo->err;
	int rc = 0;

	c->timer = NULL;
	if (connect(c->fd, (struct sockaddr *)&c->sa, sizeof(c->sa)) < 0) {
		if (errno == EAGAIN && ++c->tries < RETRY_MAX) {
			c->timer = h->timer_add(h, h->now_ms(h) + RETRY_MS, try_connect, c);
			return;
		}
		err_errno(e, errno, "cannot connect to the agent at %s", c->sa.sun_path);
		rc = ERR_UNREACHABLE;
		lo->blame = true;
	}
	if (!rc)
		rc = check_peer(c->fd, e);
	if (!rc) {
		lo->op->result.stream = stream_new(lo->l, c->fd);
		c->fd = -1;
	}
	release(c);
	local_op_finish(lo, rc);
}

int local_connect(struct local_op *lo, struct err *e)
{
	const char *ep = lo->op->in.connect.endpoint;
	struct driver_host *h = lo->l->host;
	struct connect *c;
	int fd;

	if (strncmp(ep, "unix:/", 6) != 0 || strlen(ep + 5) > LOCAL_SOCKET_MAX)
		return err_set(e, ERR_INVAL, "\"%s\" is no endpoint of the local device", ep);
	if (lo->l->n_streams + lo->l->n_of[DRIVER_OP_CONNECT] > LOCAL_STREAMS)
		return err_set(
			e, ERR_FULL, "the local device has %d connections already", LOCAL_STREAMS);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(e, errno, "cannot make a socket");
	c = mem_zalloc(sizeof(*c));
	*c = (struct connect){.lo = lo, .fd = fd, .sa.sun_family = AF_UNIX};
	memcpy(c->sa.sun_path, ep + 5, strlen(ep + 5) + 1);
	c->timer = h->timer_add(h, h->now_ms(h), try_connect, c);
	lo->data = c;
	return 0;
}

void local_connect_cancel(struct local_op *lo)
{
	release(lo->data);
	local_op_finish_soon(lo, ERR_CANCELLED);
}
