/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link over a stream socket; see link.h. Packets are read to where they stay and leave with their
 * headers in one gathered write; nothing is copied here. One callback reads and writes a bounded
 * amount, so that a fast phone does not keep the loop from the others. Socket buffers are left to
 * the kernel, which adapts them.
 *
 * All events come from on_socket() and from timers, between enter() and leave(); a link that is
 * closed in its own event is freed by leave().
 */
#include "drivers/adb/link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"

#define QUEUE_PACKETS 32
#define QUEUE_BYTES   (256 * 1024) /* another packet is asked for below this */
/* What one callback may do: under a millisecond of copying by the kernel, and as many packets as a
 * flood of empty ones may cost. */
#define READ_BYTES   (1024 * 1024)
#define READ_PACKETS 1024
#define WRITE_BYTES  (1024 * 1024)

/* A packet that is queued for the kernel. */
struct slot {
	uint8_t head[ADB_HEADER];
	struct adb_buf *buf;
};

struct tcp {
	struct adb_link l; /* first: what the user sees */
	struct driver_host *h;
	int fd; /* -1 behind the end */
	struct host_fd *watch;
	unsigned events; /* watched for */
	int in;          /* depth of our own callbacks */
	bool dead;       /* closed: leave() frees */
	bool connecting;
	bool paused;
	bool wants;    /* next() may have something */
	bool unparsed; /* the parser may hold whole packets */
	bool out_dead; /* the peer takes no more; what it sent may still be read */
	bool sums;
	struct adb_parser parser;

	struct slot queue[QUEUE_PACKETS]; /* a ring */
	unsigned first, n;
	size_t sent;  /* of the first */
	size_t bytes; /* in all, not sent */

	int64_t write_ms, moved_ms;
	struct host_timer *stall; /* the write that does not move */
	struct host_timer *soon;  /* goes on with what was not read for */
	int failed;               /* errno of a connect() that failed at once */
};

static struct tcp *of(struct adb_link *l)
{
	return (struct tcp *)l;
}

/* ---- the end ---- */

static struct slot *slot_at(struct tcp *t, unsigned i)
{
	return &t->queue[(t->first + i) % QUEUE_PACKETS];
}

static void drop_queue(struct tcp *t)
{
	for (unsigned i = 0; i < t->n; i++)
		adb_buf_unref(slot_at(t, i)->buf);
	t->n = 0;
	t->bytes = t->sent = 0;
}

static void timer_drop(struct tcp *t, struct host_timer **timer)
{
	if (*timer)
		t->h->timer_del(t->h, *timer);
	*timer = NULL;
}

/* Gives everything back but the memory. */
static void shut(struct tcp *t)
{
	if (t->fd < 0)
		return;
	t->h->fd_del(t->h, t->watch);
	close(t->fd);
	t->fd = -1;
	timer_drop(t, &t->stall);
	timer_drop(t, &t->soon);
	drop_queue(t);
}

static void enter(struct tcp *t)
{
	t->in++;
}

static void update_watch(struct tcp *t)
{
	unsigned events = 0;

	if (t->fd < 0)
		return;
	if (t->connecting)
		events = HOST_FD_WRITE;
	else if (!t->paused && !t->unparsed)
		events = HOST_FD_READ;
	if (!t->connecting && !t->out_dead && (t->n || t->wants))
		events |= HOST_FD_WRITE;
	if (events != t->events)
		t->h->fd_set(t->h, t->watch, events);
	t->events = events;
}

static void leave(struct tcp *t)
{
	if (--t->in)
		return;
	if (!t->dead) {
		update_watch(t);
		return;
	}
	adb_parser_fini(&t->parser);
	mem_free(t);
}

static void break_link(struct tcp *t, int code, const char *text)
{
	assert(t->in);
	if (t->fd < 0)
		return;
	shut(t);
	t->l.events->broken(t->l.arg, code, text);
}

/* The peer's end of the connection, by errno. A keepalive that was not answered is an unplugged
 * phone too. */
static void break_errno(struct tcp *t, int errnum)
{
	bool gone = errnum == ECONNRESET || errnum == EPIPE || errnum == ETIMEDOUT ||
	            errnum == EHOSTUNREACH || errnum == ENETUNREACH || errnum == ENETDOWN;

	break_link(t, gone ? ERR_GONE : ERR_IO, strerror(errnum));
}

/* ---- out ---- */

static void put_packet(struct tcp *t, const struct adb_out *out)
{
	struct slot *s = slot_at(t, t->n);
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
	while (t->wants && t->n < QUEUE_PACKETS && t->bytes < QUEUE_BYTES) {
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
		struct slot *s = slot_at(t, i);
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
		struct slot *s = slot_at(t, 0);
		size_t len = ADB_HEADER + (s->buf ? s->buf->len : 0);

		if (t->sent < len)
			break;
		t->sent -= len;
		adb_buf_unref(s->buf);
		t->first = (t->first + 1) % QUEUE_PACKETS;
		t->n--;
	}
}

/* One gathered write; how much went, 0 when there is no room. */
static size_t write_some(struct tcp *t)
{
	struct iovec iov[2 * QUEUE_PACKETS];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)gather(t, iov)};
	ssize_t put;

	do
		put = sendmsg(t->fd, &msg, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0 && errno != EAGAIN) {
		/* What the peer said before its end must be heard; the end is found by reading. */
		t->out_dead = true;
		drop_queue(t);
		if (t->paused)
			break_errno(t, errno);
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
	enter(t);
	if (t->n && t->h->now_ms(t->h) >= due_ms)
		break_link(t, ERR_TIMEOUT, "the phone does not take what is sent to it");
	else if (t->n)
		t->stall = t->h->timer_add(t->h, due_ms, on_stall, t);
	leave(t);
}

static void write_out(struct tcp *t)
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

/* ---- in ---- */

static void on_soon(void *arg);

/* Hands out what the parser has; false when that was the end, or enough for now. */
static bool parse(struct tcp *t, size_t n, int *budget)
{
	int rc;

	t->unparsed = true;
	while (t->fd >= 0 && !t->paused && *budget > 0) {
		rc = adb_parser_got(&t->parser, n);
		n = 0;
		if (rc < 0) {
			break_link(t, rc, "the peer sent what is no ADB packet");
			return false;
		}
		if (!rc) {
			t->unparsed = false;
			return true;
		}
		--*budget;
		t->l.events->packet(t->l.arg, &t->parser.h, t->parser.payload);
	}
	return false;
}

static void read_in(struct tcp *t)
{
	int budget = READ_PACKETS;
	size_t bytes = 0;

	if (t->unparsed && !parse(t, 0, &budget))
		return;
	while (bytes < READ_BYTES) {
		uint8_t *where;
		size_t room = adb_parser_room(&t->parser, &where);
		ssize_t got = room ? recv(t->fd, where, room, 0) : -1;

		if (!room) {
			break_link(t, ERR_NOMEM, "no memory for a packet");
			return;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0) {
			break_errno(t, errno);
			return;
		}
		if (!got) {
			break_link(t, ERR_GONE, "the peer closed the connection");
			return;
		}
		bytes += (size_t)got;
		if (!parse(t, (size_t)got, &budget) || (size_t)got < room)
			return;
	}
}

/* Parsing that was stopped goes on without the socket having to say something. */
static void go_on_soon(struct tcp *t)
{
	if (t->fd >= 0 && t->unparsed && !t->paused && !t->soon)
		t->soon = t->h->timer_add(t->h, t->h->now_ms(t->h), on_soon, t);
}

static void connected(struct tcp *t)
{
	int errnum = t->failed;
	socklen_t len = sizeof(errnum);
	char text[160];

	if (!errnum && getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) < 0)
		errnum = errno;
	t->connecting = false;
	if (!errnum)
		return;
	snprintf(text, sizeof(text), "cannot connect: %s", strerror(errnum));
	break_link(t, ERR_UNREACHABLE, text);
}

static void work(struct tcp *t, bool readable)
{
	enter(t);
	if (t->connecting)
		connected(t);
	if (readable && t->fd >= 0 && !t->paused)
		read_in(t);
	write_out(t);
	if (t->fd >= 0 && t->out_dead && t->paused)
		break_link(t, ERR_GONE, "the peer closed the connection");
	go_on_soon(t);
	leave(t);
}

static void on_socket(void *arg, unsigned events)
{
	work(arg, events & HOST_FD_READ);
}

static void on_soon(void *arg)
{
	((struct tcp *)arg)->soon = NULL;
	work(arg, ((struct tcp *)arg)->unparsed);
}

/* ---- what the user calls ---- */

static void tcp_kick(struct adb_link *l)
{
	of(l)->wants = true;
	if (!of(l)->in)
		update_watch(of(l));
}

static void tcp_pause(struct adb_link *l, bool on)
{
	struct tcp *t = of(l);

	t->paused = on;
	if (t->in)
		return;
	go_on_soon(t);
	update_watch(t);
}

static void tcp_agreed(struct adb_link *l, uint32_t version, uint32_t max_payload)
{
	struct tcp *t = of(l);

	t->sums = version < ADB_VERSION;
	t->parser.verify = t->sums;
	t->parser.max = max_payload;
}

static int tcp_resync(struct adb_link *l, int level, void (*done)(void *arg, int code), void *arg)
{
	(void)l;
	(void)level;
	(void)done;
	(void)arg;
	return ERR_UNSUPPORTED;
}

static void tcp_close(struct adb_link *l)
{
	struct tcp *t = of(l);

	shut(t);
	t->dead = true;
	enter(t);
	leave(t);
}

static struct adb_buf *tcp_hold(struct adb_link *l)
{
	return adb_parser_hold(&of(l)->parser);
}

static const struct adb_link_ops tcp_ops = {
	tcp_kick, tcp_pause, tcp_agreed, tcp_resync, tcp_close, tcp_hold};

/* AOSP's own values (client/transport_local.cpp, adb_utils): a peer that does not answer for eleven
 * seconds is gone. They fail on a socket that is not TCP, as tests use, which does no harm. */
static void set_options(int fd)
{
	const int one = 1, probes = 10;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

struct adb_link *adb_link_tcp(struct driver_host *h, int fd, const char *where, int64_t write_ms)
{
	struct tcp *t = mem_zalloc(sizeof(*t));
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	t->l.ops = &tcp_ops;
	str_copy(t->l.where, sizeof(t->l.where), where);
	t->h = h;
	t->fd = fd;
	t->write_ms = write_ms;
	t->sums = true;
	adb_parser_init(&t->parser, ADB_PAYLOAD_MAX);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	set_options(fd);
	t->connecting = getpeername(fd, (struct sockaddr *)&peer, &len) < 0;
	t->events = t->connecting ? HOST_FD_WRITE : HOST_FD_READ;
	t->watch = h->fd_add(h, fd, t->events, on_socket, t);
	return &t->l;
}

/* ---- by address ---- */

/* "1.2.3.4:5555" or "[::1]:5555"; nothing is looked up, since that would block. */
static struct addrinfo *resolve(const char *address, struct err *e)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	const char *host = address, *colon = strrchr(address, ':');
	struct addrinfo *ai = NULL;
	size_t n = colon ? (size_t)(colon - address) : 0;
	char text[64] = "";
	int64_t port = 0;

	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	} else if (n && memchr(host, ':', n)) {
		n = 0; /* which colon stands before the port? */
	}
	if (n && n < sizeof(text))
		memcpy(text, host, n);
	if (!*text || !str_to_i64(colon + 1, &port) || port < 1 || port > 65535 ||
		getaddrinfo(text, colon + 1, &hints, &ai))
		err_set(e, ERR_INVAL,
			"\"%s\" is no address such as 192.0.2.1:5555 or [2001:db8::1]:5555",
			address);
	return ai;
}

struct adb_link *adb_link_tcp_connect(struct driver_host *h, const char *address, struct err *e)
{
	struct addrinfo *ai = resolve(address, e);
	struct adb_link *l = NULL;
	char where[sizeof(l->where)];
	int fd, failed = 0;

	if (!ai)
		return NULL;
	snprintf(where, sizeof(where), "tcp %s", address);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err_errno(e, errno, "cannot make a socket for %s", address);
		freeaddrinfo(ai);
		return NULL;
	}
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
		failed = errno;
	freeaddrinfo(ai);
	l = adb_link_tcp(h, fd, where, ADB_LINK_WRITE_MS);
	of(l)->failed = failed;
	if (failed) {
		of(l)->connecting = true;
		of(l)->soon = h->timer_add(h, h->now_ms(h), on_soon, of(l));
	}
	return l;
}
