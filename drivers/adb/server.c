/* SPDX-License-Identifier: Apache-2.0 */
/* One request to an adb server; see server.h. */
#include "drivers/adb/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/smart.h"

#define REQUEST_MAX 256
#define HEAD        (ADB_SMART_STATUS + ADB_SMART_LENGTH)

struct adb_server_ask {
	struct driver_host *host;
	int port, fd;
	struct host_fd *watch;
	struct host_timer *timer; /* the deadline, or an end that is due */
	char request[REQUEST_MAX + ADB_SMART_LENGTH];
	size_t n_request, sent;
	uint8_t in[HEAD + ADB_SERVER_TEXT_MAX];
	size_t n_in;
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
	int rc;
	char text[LIMIT_CAUSE];
};

static void release(struct adb_server_ask *q)
{
	if (q->watch)
		q->host->fd_del(q->host, q->watch);
	if (q->timer)
		q->host->timer_del(q->host, q->timer);
	if (q->fd >= 0)
		close(q->fd);
	mem_free(q);
}

void adb_server_ask_cancel(struct adb_server_ask *q)
{
	release(q);
}

static void finish(struct adb_server_ask *q, int rc, const char *text)
{
	void (*done)(void *, int, const char *) = q->done;
	void *arg = q->arg;
	char said[ADB_SERVER_TEXT_MAX + 1];

	str_copy_clean(said, sizeof(said), text, strlen(text));
	release(q);
	done(arg, rc, said);
}

static void on_time(void *arg)
{
	struct adb_server_ask *q = arg;

	q->timer = NULL;
	finish(q, q->rc, q->text);
}

/* The answer is whole: OKAY or FAIL, a length, a text. */
static bool answered(struct adb_server_ask *q)
{
	int n = q->n_in < HEAD ? 0 : adb_smart_length(q->in + ADB_SMART_STATUS);
	bool okay = !memcmp(q->in, "OKAY", ADB_SMART_STATUS);

	if (q->n_in < HEAD)
		return false;
	if (n < 0 || n > ADB_SERVER_TEXT_MAX - 1 ||
		(!okay && memcmp(q->in, "FAIL", ADB_SMART_STATUS) != 0)) {
		finish(q, ERR_PROTO, "what listens there is no adb server");
		return true;
	}
	if (q->n_in < (size_t)(HEAD + n))
		return false;
	q->in[HEAD + n] = '\0';
	finish(q, okay ? 0 : ERR_NOTFOUND, (const char *)q->in + HEAD);
	return true;
}

static void receive(struct adb_server_ask *q)
{
	ssize_t n = recv(q->fd, q->in + q->n_in, sizeof(q->in) - 1 - q->n_in, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		finish(q, ERR_PROTO, "the adb server hung up");
		return;
	}
	q->n_in += n;
	answered(q);
}

static void on_ready(void *arg, unsigned events)
{
	struct adb_server_ask *q = arg;
	int err = events & HOST_FD_WRITE ? adb_smart_error(q->fd) : 0;
	ssize_t n;

	if (err) {
		adb_smart_unreachable(q->text, q->port, -err);
		finish(q, ERR_UNREACHABLE, q->text);
		return;
	}
	if (q->sent < q->n_request) {
		n = send(q->fd, q->request + q->sent, q->n_request - q->sent, MSG_NOSIGNAL);
		if (n > 0)
			q->sent += n;
		if (q->sent == q->n_request)
			q->host->fd_set(q->host, q->watch, HOST_FD_READ);
		return;
	}
	if (events & HOST_FD_READ)
		receive(q);
}

struct adb_server_ask *adb_server_ask(struct driver_host *h, int port, const char *request,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	struct adb_server_ask *q = mem_zalloc(sizeof(*q));
	size_t n = strlen(request);

	q->host = h;
	q->port = port;
	q->done = done;
	q->arg = arg;
	q->rc = ERR_TIMEOUT;
	str_copy(q->text, sizeof(q->text), "the adb server does not answer");
	q->fd = n > REQUEST_MAX ? -EMSGSIZE : adb_smart_connect(port);
	if (q->fd < 0) {
		q->rc = ERR_UNREACHABLE;
		adb_smart_unreachable(q->text, port, -q->fd);
		q->timer = h->timer_add(h, h->now_ms(h), on_time, q);
		return q;
	}
	q->n_request = adb_smart_request(q->request, request, n);
	q->watch = h->fd_add(h, q->fd, HOST_FD_READ | HOST_FD_WRITE, on_ready, q);
	q->timer = h->timer_add(h, h->now_ms(h) + ADB_SERVER_MS, on_time, q);
	return q;
}
