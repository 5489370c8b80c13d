/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd in a foreign loop; see http.h. It runs without a thread of its own: its epoll
 * descriptor wakes us, and MHD_run() does what is due. Three traps are closed here and nowhere
 * else:
 *
 *	1. MHD_resume_connection() does not make the epoll descriptor readable. wake() notes it in
 *	   `again`, which makes http_run() turn once more and http_deadline_ms() say "now".
 *	2. A suspended connection's disconnect is not seen. look() therefore asks the sockets of
 *	   those who wait now and then, and each wait has a deadline of ours, at which expire() ends
 *	   it: the resumed connection finds out whether its peer lives.
 *	3. MHD_stop_daemon() aborts the process when a connection is suspended. http_free() resumes
 *	   all, and `stopping` keeps every callback from suspending one again.
 *
 * libmicrohttpd's own time-outs are off: they cannot bound a request that trickles, and tests
 * could not move their clock. Each connection has one deadline instead, moved as its state moves; a
 * connection that misses it is shut down, which libmicrohttpd sees as a disconnect.
 */
#include "api/http_internal.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/reply.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define RUNS_MAX 16 /* turns of one http_run(); what is left follows in the next */

/* ---- waiting and waking ---- */

void http_suspend(struct call *c)
{
	assert(!c->suspended && !c->http->stopping);
	c->suspended = true;
	c->conn->deadline_ms = INT64_MAX;
	if (c->http->look_ms == INT64_MAX)
		c->http->look_ms = c->http->now_ms(c->http->arg) + API_LOOK_MS;
	MHD_suspend_connection(c->conn->mhd);
}

static void wake(struct call *c)
{
	if (!c->suspended)
		return;
	c->suspended = false;
	c->conn->deadline_ms = c->http->now_ms(c->http->arg) + API_MOVE_MS;
	MHD_resume_connection(c->conn->mhd);
	c->http->again = true;
}

void req_wait(struct req *r, int64_t until_ms, void (*expired)(struct req *r))
{
	struct call *c = call_of(r);

	assert(c->ready && !c->reply);
	c->waiting = true;
	c->until_ms = until_ms;
	c->expired = expired;
}

void req_wait_until(struct req *r, int64_t until_ms)
{
	call_of(r)->until_ms = until_ms;
}

void http_settle(struct req *r)
{
	void (*settled)(struct req * r) = r->settled;

	r->settled = NULL;
	if (settled)
		settled(r);
}

void req_reply(struct req *r, struct reply *p)
{
	struct call *c = call_of(r);

	assert(!c->reply && p);
	c->reply = p;
	c->waiting = false;
	http_settle(r);
	if (p->source)
		c->until_ms = INT64_MAX;
	wake(c);
}

void req_wake(struct req *r)
{
	struct call *c = call_of(r);

	c->woken = true;
	wake(c);
}

void req_abort(struct req *r)
{
	call_of(r)->broken = true;
	wake(call_of(r));
}

/* ---- the daemon ---- */

static void connected(
	void *arg, struct MHD_Connection *mhd, void **ctx, enum MHD_ConnectionNotificationCode code)
{
	struct http *h = arg;
	struct conn *conn = *ctx;
	socklen_t len = sizeof(conn->local), peer_len = sizeof(conn->peer);

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*ctx = conn = mem_zalloc(sizeof(*conn));
		conn->mhd = mhd;
		conn->fd =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		if (getsockname(conn->fd, (struct sockaddr *)&conn->local, &len))
			conn->local.ss_family = AF_UNSPEC;
		if (getpeername(conn->fd, (struct sockaddr *)&conn->peer, &peer_len))
			conn->peer.ss_family = AF_UNSPEC;
		conn->deadline_ms = h->now_ms(h->arg) + API_HEAD_MS;
		LIST_INSERT_HEAD(&h->conns, conn, entry);
		h->stats.connections++;
	} else if (conn) {
		LIST_REMOVE(conn, entry);
		h->stats.connections--;
		mem_free(conn);
	}
}

static void complain(void *arg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void complain(void *arg, const char *fmt, va_list ap)
{
	struct http *h = arg;
	char raw[sizeof(h->last_log)];
	size_t n;

	vsnprintf(raw, sizeof(raw), fmt, ap);
	n = strcspn(raw, "\n");
	str_copy_clean(h->last_log, sizeof(h->last_log), raw, n);
	log_debug("event=http text=\"%s\"", h->last_log);
}

static struct MHD_Daemon *start(struct http *h, const struct http_config *cfg)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)cfg->tls_cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)cfg->tls_key},
		{MHD_OPTION_END, 0, NULL},
	};

	if (cfg->tls_cert)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, NULL, NULL, http_handle, h, MHD_OPTION_EXTERNAL_LOGGER,
		complain, h, MHD_OPTION_LISTEN_SOCKET, cfg->listen_fd, MHD_OPTION_NOTIFY_COMPLETED,
		http_completed, h, MHD_OPTION_NOTIFY_CONNECTION, connected, h,
		MHD_OPTION_URI_LOG_CALLBACK, http_look, h, MHD_OPTION_UNESCAPE_CALLBACK,
		http_unescape, h, MHD_OPTION_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS_PER_IP,
		MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)API_CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
		tls, MHD_OPTION_END);
}

struct http *http_new(const struct http_config *cfg, struct err *e)
{
	struct http *h = mem_zalloc(sizeof(*h));

	h->ops = cfg->ops;
	h->now_ms = cfg->now_ms;
	h->arg = cfg->arg;
	h->tls = cfg->tls_cert != NULL;
	h->look_ms = INT64_MAX;
	LIST_INIT(&h->conns);
	h->daemon = start(h, cfg);
	if (h->daemon)
		return h;
	err_set(e, ERR_SYS, "the HTTP server does not start%s: %s",
		h->tls ? "; look at certificate and key" : "",
		*h->last_log ? h->last_log : "libmicrohttpd gives no reason");
	mem_free(h); /* libmicrohttpd has closed listen_fd: it does so on failure, too (0.9.75) */
	return NULL;
}

int http_epoll_fd(const struct http *h)
{
	return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static void cut(struct conn *conn)
{
	conn->cut = true;
	conn->deadline_ms = INT64_MAX;
	shutdown(conn->fd, SHUT_RDWR);
}

static void expire_call(struct http *h, struct call *c)
{
	h->stats.expired++;
	c->until_ms = INT64_MAX;
	if (c->reply)
		c->reply->source->expired(c->reply->source_arg);
	else if (c->expired)
		c->expired(&c->req);
	else
		req_reply(&c->req, reply_problem(503, "timeout",
					   "the answer did not come in time; try again"));
}

/* A peer that has said that it sends nothing more has left: one that waits for a stream or an answer
 * and still listens is not told from it, and who speaks HTTP does not do that. */
static void look(struct http *h, int64_t now)
{
	struct call *calls[API_CONNECTIONS];
	struct pollfd fds[API_CONNECTIONS];
	struct conn *conn;
	int n = 0;

	if (now < h->look_ms)
		return;
	LIST_FOREACH (conn, &h->conns, entry)
		if (conn->call && conn->call->suspended && n < API_CONNECTIONS) {
			fds[n] = (struct pollfd){conn->fd, POLLRDHUP, 0};
			calls[n++] = conn->call;
		}
	h->look_ms = n ? now + API_LOOK_MS : INT64_MAX;
	if (poll(fds, (nfds_t)n, 0) <= 0)
		return;
	for (int i = 0; i < n; i++)
		if (fds[i].revents) {
			h->stats.left++;
			req_abort(&calls[i]->req);
		}
}

/* Callbacks wake connections but free none: that happens inside MHD_run() alone. */
static void expire(struct http *h)
{
	int64_t now = h->now_ms(h->arg);
	struct conn *conn;

	LIST_FOREACH (conn, &h->conns, entry) {
		if (conn->call && conn->call->suspended && conn->call->until_ms <= now)
			expire_call(h, conn->call);
		if (conn->deadline_ms <= now && !conn->cut) {
			h->stats.slow++;
			h->again = true;
			cut(conn);
		}
	}
}

void http_run(struct http *h)
{
	int turns = 0;

	assert(!h->running);
	h->running = true;
	do {
		h->again = false;
		MHD_run(h->daemon);
		look(h, h->now_ms(h->arg));
		expire(h);
	} while (h->again && ++turns < RUNS_MAX);
	h->running = false;
}

int64_t http_deadline_ms(const struct http *h)
{
	int64_t now = h->now_ms(h->arg), at = h->look_ms;
	MHD_UNSIGNED_LONG_LONG wait;
	const struct conn *conn;

	if (h->again)
		return now;
	LIST_FOREACH (conn, &h->conns, entry) {
		if (conn->deadline_ms < at)
			at = conn->deadline_ms;
		if (conn->call && conn->call->suspended && conn->call->until_ms < at)
			at = conn->call->until_ms;
	}
	if (MHD_get_timeout(h->daemon, &wait) == MHD_YES && now + (int64_t)wait < at)
		at = now + (int64_t)wait;
	return at;
}

void http_drain(struct http *h)
{
	struct conn *conn;

	if (h->draining)
		return;
	h->draining = true;
	LIST_FOREACH (conn, &h->conns, entry)
		if (!conn->call)
			cut(conn);
	h->again = true;
}

void http_free(struct http *h)
{
	struct conn *conn;
	int fd;

	if (!h)
		return;
	http_drain(h);
	fd = MHD_quiesce_daemon(h->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
	h->stopping = true;
	LIST_FOREACH (conn, &h->conns, entry)
		if (conn->call && conn->call->suspended)
			wake(conn->call);
	http_run(h);
	MHD_stop_daemon(h->daemon);
	assert(LIST_EMPTY(&h->conns));
	mem_free(h);
}

void http_get_stats(const struct http *h, struct http_stats *ret_st)
{
	*ret_st = h->stats;
}
