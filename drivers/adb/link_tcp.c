/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link over a stream socket: its life, and what its user calls; see link.h and link_tcp_internal.h.
 * One callback reads and writes a bounded amount, so that a fast phone does not keep the loop from
 * the others. Socket buffers are left to the kernel, which adapts them.
 */
#include "drivers/adb/link_tcp_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"

static void on_soon(void *arg);

static struct tcp *of(struct adb_link *l)
{
	return (struct tcp *)l;
}

/* ---- the end ---- */

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
	tcp_drop_queue(t);
}

void tcp_enter(struct tcp *t)
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

void tcp_leave(struct tcp *t)
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

void tcp_break(struct tcp *t, int code, const char *text)
{
	assert(t->in);
	if (t->fd < 0)
		return;
	shut(t);
	t->l.events->broken(t->l.arg, code, text);
}

void tcp_break_errno(struct tcp *t, int errnum)
{
	bool gone = errnum == ECONNRESET || errnum == EPIPE || errnum == ETIMEDOUT ||
	            errnum == EHOSTUNREACH || errnum == ENETUNREACH || errnum == ENETDOWN;

	tcp_break(t, gone ? ERR_GONE : ERR_IO, strerror(errnum));
}

/* ---- its callbacks ---- */

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
	tcp_break(t, ERR_UNREACHABLE, text);
}

static void work(struct tcp *t, bool readable)
{
	tcp_enter(t);
	if (t->connecting)
		connected(t);
	if (readable && t->fd >= 0 && !t->paused)
		tcp_read(t);
	tcp_write(t);
	if (t->fd >= 0 && t->out_dead && t->paused)
		tcp_break(t, ERR_GONE, "the peer closed the connection");
	go_on_soon(t);
	tcp_leave(t);
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
	tcp_enter(t);
	tcp_leave(t);
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

void tcp_connect_failed(struct adb_link *l, int errnum)
{
	struct tcp *t = of(l);

	t->failed = errnum;
	t->connecting = true;
	t->soon = t->h->timer_add(t->h, t->h->now_ms(t->h), on_soon, t);
}
