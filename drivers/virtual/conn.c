/* SPDX-License-Identifier: Apache-2.0 */
/* A socket joined with a stream; see conn.h. */
#include "drivers/virtual/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "drivers/adb/mux.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/pump.h"
#include "drivers/virtual/session.h"

#define DIAL_MS 200

struct conn {
	struct phone *phone;
	struct driver_host *h;
	struct adb_stream *stream;
	uint32_t max;
	int fd; /* before the pumps have it */
	struct pump_in in;
	struct pump_out out;
};

static struct conn *conn_new(struct session *s, int fd)
{
	struct conn *c = mem_zalloc(sizeof(*c));

	*c = (struct conn){.phone = session_phone(s),
		.h = session_host(s),
		.max = session_max_payload(s),
		.fd = fd,
		.in = {.fd = -1},
		.out = {.fd = -1}};
	phone_service(c->phone, 1);
	return c;
}

static void conn_free(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	pump_in_stop(&c->in);
	pump_out_stop(&c->out);
	phone_service(c->phone, -1);
	mem_free(c);
}

static void socket_ended(void *arg)
{
	struct conn *c = arg;

	adb_stream_finish(c->stream);
}

static void join(struct conn *c)
{
	int one = 1, copy = dup(c->fd);

	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* not of a unix socket */
	pump_in_start(&c->in, c->h, copy, c->stream);
	pump_out_start(&c->out, c->h, c->fd, c->stream, c->max, -1, socket_ended, c);
	c->fd = -1;
}

static void conn_data(void *arg, const uint8_t *data, size_t n)
{
	struct conn *c = arg;

	pump_in_data(&c->in, data, n);
}

static void conn_drained(void *arg)
{
	struct conn *c = arg;

	pump_out_resume(&c->out);
}

static void conn_closed(void *arg, int code, const char *text)
{
	(void)code;
	(void)text;
	conn_free(arg);
}

static const struct stream_events conn_events = {
	.data = conn_data, .drained = conn_drained, .closed = conn_closed};

/* ---- from the peer ---- */

/* On loopback the answer is there at once; a listener whose queue is full may keep us DIAL_MS. The
 * stream cannot wait undecided, since its session may end meanwhile. */
static int dial(const struct sockaddr *sa, socklen_t n)
{
	struct timeval bound = {.tv_usec = DIAL_MS * 1000};
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
	if (connect(fd, sa, n)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool conn_dial(struct session *s, struct adb_stream *st, const struct sockaddr *sa, socklen_t n)
{
	int fd = dial(sa, n);
	struct conn *c;

	if (fd < 0)
		return false;
	c = conn_new(s, fd);
	c->stream = st;
	adb_stream_accept(st, &conn_events, c);
	join(c);
	return true;
}

/* ---- from the phone ---- */

static void opened(void *arg)
{
	join(arg);
}

void conn_accepted(struct session *s, int fd, const char *service)
{
	struct conn *c = conn_new(s, fd);

	c->stream = adb_mux_open(
		session_mux(s), service, strlen(service), &conn_events, opened, c, NULL);
	if (!c->stream)
		conn_free(c);
}
