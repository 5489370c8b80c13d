/* SPDX-License-Identifier: Apache-2.0 */
/* A phone over TCP; see phone_tcp.h. */
#include "drivers/virtual/phone_tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "drivers/adb/link.h"
#include "drivers/driver.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/quirk.h"

#define BACKLOG  16
#define RETRY_MS 200 /* where somebody took the port while the phone was away */

struct phone_tcp {
	struct driver_host *h;
	const struct quirks *q;
	struct phone *phone;
	int fd, port; /* fd is bound from the beginning on */
	struct host_fd *watch;
	struct host_timer *retry;
	struct quirk_wire *wire; /* of the first connection alone */
	bool wired;
};

static int bind_port(int port, int *ret_port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
	socklen_t len = sizeof(sa);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) ||
		getsockname(fd, (struct sockaddr *)&sa, &len)) {
		int was = errno;

		close(fd);
		errno = was;
		return -1;
	}
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

static void take(struct phone_tcp *t, int fd)
{
	char where[64];
	struct adb_link *l;

	if (!t->wired) {
		t->wired = true;
		fd = quirk_wire(t->h, fd, t->q, &t->wire);
		if (fd < 0)
			return;
	}
	snprintf(where, sizeof(where), "tcp 127.0.0.1:%d", t->port);
	l = adb_link_tcp(t->h, fd, where, 0);
	if (l)
		phone_attach(t->phone, l);
}

static void acceptable(void *arg, unsigned events)
{
	struct phone_tcp *t = arg;
	int fd = accept4(t->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		take(t, fd);
}

static void listen_now(void *arg)
{
	struct phone_tcp *t = arg;

	t->retry = NULL;
	if (t->fd < 0)
		t->fd = bind_port(t->port, &t->port);
	if (t->fd < 0 || listen(t->fd, BACKLOG)) {
		if (t->fd >= 0)
			close(t->fd);
		t->fd = -1;
		t->retry = t->h->timer_add(t->h, t->h->now_ms(t->h) + RETRY_MS, listen_now, t);
		return;
	}
	t->watch = t->h->fd_add(t->h, t->fd, HOST_FD_READ, acceptable, t);
}

void phone_tcp_open(struct phone_tcp *t, struct phone *p)
{
	t->phone = p;
	if (!t->watch && !t->retry)
		listen_now(t);
}

void phone_tcp_close(struct phone_tcp *t)
{
	if (t->retry)
		t->h->timer_del(t->h, t->retry);
	t->retry = NULL;
	if (!t->watch)
		return;
	t->h->fd_del(t->h, t->watch);
	t->watch = NULL;
	close(t->fd);
	t->fd = -1;
}

struct phone_tcp *phone_tcp_new(
	struct driver_host *h, int port, const struct quirks *q, struct err *e)
{
	struct phone_tcp *t = mem_zalloc(sizeof(*t));

	t->h = h;
	t->q = q;
	t->fd = bind_port(port, &t->port);
	if (t->fd >= 0)
		return t;
	err_errno(e, errno, "port %d of 127.0.0.1 cannot be had", port);
	mem_free(t);
	return NULL;
}

void phone_tcp_free(struct phone_tcp *t)
{
	if (!t)
		return;
	phone_tcp_close(t);
	if (t->fd >= 0)
		close(t->fd);
	quirk_wire_free(t->wire);
	mem_free(t);
}

int phone_tcp_port(const struct phone_tcp *t)
{
	return t->port;
}
