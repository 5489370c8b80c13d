/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole phone behind a port: the virtual phone's program, which plays adbd on a port of loopback.
 * What the host sends over USB goes there packet by packet as it came, sums and all, and what comes
 * from there goes to the host. Neither side is read from faster than the other one takes it. When
 * adbd hangs up (it restarts, the phone restarts or vanishes), ended() says so on the main thread.
 */
#include "bus.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAITING_MAX (1024 * 1024) /* bytes one way that the other side has not taken */

struct relay {
	struct adb_link *l; /* to the host */
	int fd;             /* to the phone */
	guint reading, writing;
	GByteArray *out; /* the host's, for the phone */
	gboolean paused;
	struct adb_parser in;
	GQueue packets; /* struct adb_out, the phone's, for the host */
	gsize waiting;
	gboolean over;
	void (*ended)(void *arg);
	void *arg;
};

static void rest_or_read(struct relay *r);

/* ---- to the phone ---- */

static gboolean on_writable(gint fd, GIOCondition cond, gpointer arg);

static void set_paused(struct relay *r, gboolean on)
{
	if (r->paused == on)
		return;
	r->paused = on;
	r->l->ops->pause(r->l, on);
}

static void flush(struct relay *r)
{
	while (r->out->len) {
		ssize_t n = send(r->fd, r->out->data, r->out->len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			g_byte_array_set_size(r->out, 0); /* reading tells of the end */
		if (n <= 0)
			break;
		g_byte_array_remove_range(r->out, 0, n);
	}
	if (r->out->len && !r->writing)
		r->writing = g_unix_fd_add(r->fd, G_IO_OUT, on_writable, r);
	set_paused(r, r->out->len > WAITING_MAX);
}

static gboolean on_writable(gint fd, GIOCondition cond, gpointer arg)
{
	struct relay *r = arg;

	(void)fd;
	(void)cond;
	g_rec_mutex_lock(&bus_lock);
	r->writing = 0;
	flush(r);
	g_rec_mutex_unlock(&bus_lock);
	return FALSE;
}

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct relay *r = arg;
	guint8 head[ADB_HEADER];

	adb_header_put(head, h);
	g_byte_array_append(r->out, head, sizeof(head));
	if (h->len)
		g_byte_array_append(r->out, payload, h->len);
	flush(r);
}

/* ---- to the host ---- */

static void keep(struct relay *r)
{
	struct adb_out *o = g_new0(struct adb_out, 1);
	const struct adb_header *h = &r->in.h;

	*o = (struct adb_out){.command = h->command, .arg0 = h->arg0, .arg1 = h->arg1};
	if (h->len) {
		o->buf = adb_buf_new(h->len);
		o->buf->len = h->len;
		memcpy(o->buf->data, r->in.payload, h->len);
	}
	r->waiting += ADB_HEADER + h->len;
	g_queue_push_tail(&r->packets, o);
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	struct relay *r = arg;
	struct adb_out *o = g_queue_pop_head(&r->packets);

	if (!o)
		return false;
	*ret_out = *o;
	r->waiting -= ADB_HEADER + (o->buf ? o->buf->len : 0);
	g_free(o);
	rest_or_read(r);
	return true;
}

/* False at the end. */
static gboolean take(struct relay *r)
{
	uint8_t *where;
	size_t room = adb_parser_room(&r->in, &where);
	ssize_t n = recv(r->fd, where, room, MSG_DONTWAIT);
	int rc;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		return FALSE;
	while ((rc = adb_parser_got(&r->in, n)) == 1) {
		keep(r);
		n = 0;
	}
	r->l->ops->kick(r->l);
	return rc == 0;
}

static gboolean on_readable(gint fd, GIOCondition cond, gpointer arg)
{
	struct relay *r = arg;
	gboolean more, over;

	(void)fd;
	(void)cond;
	g_rec_mutex_lock(&bus_lock);
	r->over |= !take(r);
	over = r->over;
	more = !over && r->waiting <= WAITING_MAX;
	if (!more)
		r->reading = 0;
	g_rec_mutex_unlock(&bus_lock);
	if (over)
		r->ended(r->arg); /* frees r */
	return more;
}

static void rest_or_read(struct relay *r)
{
	if (!r->reading && !r->over && r->waiting <= WAITING_MAX)
		r->reading = g_unix_fd_add(r->fd, G_IO_IN | G_IO_HUP, on_readable, r);
}

static void on_broken(void *arg, int code, const char *text)
{
	(void)arg;
	(void)code;
	(void)text;
}

static const struct adb_link_events events = {on_packet, on_next, on_broken};

/* ---- life ---- */

int relay_connect(unsigned port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	close(fd);
	return -1;
}

struct relay *relay_new(struct adb_link *l, int fd, void (*ended)(void *arg), void *arg)
{
	struct relay *r = g_new0(struct relay, 1);

	r->l = l;
	l->events = &events;
	l->arg = r;
	r->fd = fd;
	r->out = g_byte_array_new();
	adb_parser_init(&r->in, ADB_PAYLOAD_MAX);
	r->ended = ended;
	r->arg = arg;
	rest_or_read(r);
	return r;
}

void relay_free(struct relay *r)
{
	struct adb_out *o;

	if (r->reading)
		g_source_remove(r->reading);
	if (r->writing)
		g_source_remove(r->writing);
	r->l->ops->close(r->l);
	close(r->fd);
	while ((o = g_queue_pop_head(&r->packets))) {
		adb_buf_unref(o->buf);
		g_free(o);
	}
	adb_parser_fini(&r->in);
	g_byte_array_unref(r->out);
	g_free(r);
}
