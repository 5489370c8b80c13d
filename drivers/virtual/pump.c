/* SPDX-License-Identifier: Apache-2.0 */
/* Between a descriptor and a stream; see pump.h. */
#include "drivers/virtual/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "drivers/adb/mux.h"
#include "drivers/adb/packet.h"
#include "drivers/adb/shell2.h"
#include "drivers/driver.h"

#define READ_MIN 1024

static void no_block(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* ---- out ---- */

static size_t head_of(const struct pump_out *p)
{
	return p->shell_id < 0 ? 0 : ADB_SHELL2_HEADER;
}

/* As large as what waits there, so that a short answer costs no large buffer. */
static struct adb_buf *room(const struct pump_out *p)
{
	size_t head = head_of(p), want = READ_MIN;
	int n = 0;

	if (!ioctl(p->fd, FIONREAD, &n) && n > READ_MIN)
		want = n;
	if (want > p->max - head)
		want = p->max - head;
	return adb_buf_new((uint32_t)(want + head));
}

/* The buffer, filled; NULL with *ret_end or when there is nothing now. */
static struct adb_buf *read_some(struct pump_out *p, bool *ret_end)
{
	size_t head = head_of(p);
	struct adb_buf *b = room(p);
	ssize_t n;

	do
		n = read(p->fd, b->data + head, b->cap - head);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		/* A terminal whose last user is gone answers EIO. */
		*ret_end = n == 0 || errno != EAGAIN;
		adb_buf_unref(b);
		return NULL;
	}
	if (head)
		adb_shell2_put(b->data, (uint8_t)p->shell_id, (uint32_t)n);
	b->len = (uint32_t)(n + head);
	return b;
}

static void out_readable(void *arg, unsigned events)
{
	struct pump_out *p = arg;
	bool end = false;
	struct adb_buf *b = read_some(p, &end);

	(void)events;
	if (b && !adb_stream_send(p->to, b)) {
		p->kept = b;
		p->h->fd_set(p->h, p->watch, 0);
	}
	if (end) {
		pump_out_stop(p);
		p->end(p->arg);
	}
}

void pump_out_start(struct pump_out *p, struct driver_host *h, int fd, struct adb_stream *to,
	uint32_t max, int shell_id, void (*end)(void *arg), void *arg)
{
	*p = (struct pump_out){.h = h,
		.to = to,
		.max = max,
		.shell_id = shell_id,
		.fd = fd,
		.end = end,
		.arg = arg};
	no_block(fd);
	p->watch = h->fd_add(h, fd, HOST_FD_READ, out_readable, p);
}

void pump_out_resume(struct pump_out *p)
{
	struct adb_buf *b = p->kept;

	if (!b || p->fd < 0)
		return;
	p->kept = NULL;
	if (!adb_stream_send(p->to, b))
		p->kept = b;
	else
		p->h->fd_set(p->h, p->watch, HOST_FD_READ);
}

void pump_out_stop(struct pump_out *p)
{
	if (p->watch) {
		p->h->fd_del(p->h, p->watch);
		close(p->fd);
	}
	p->watch = NULL;
	p->fd = -1;
	adb_buf_unref(p->kept);
	p->kept = NULL;
}

bool pump_out_done(const struct pump_out *p)
{
	return !p->watch;
}

/* ---- in ---- */

/* Writes what it can of data; returns how much, -1 when the other end is closed. */
static ssize_t write_some(int fd, const uint8_t *data, size_t n)
{
	ssize_t wrote;

	do
		wrote = write(fd, data, n);
	while (wrote < 0 && errno == EINTR);
	return wrote < 0 && errno == EAGAIN ? 0 : wrote;
}

static void set_paused(struct pump_in *p, bool on)
{
	struct stream *s = adb_stream_base(p->from);

	if (p->paused == on)
		return;
	p->paused = on;
	s->ops->pause(s, on);
}

static void close_in(struct pump_in *p)
{
	if (p->watch)
		p->h->fd_del(p->h, p->watch);
	if (p->fd >= 0)
		close(p->fd);
	p->watch = NULL;
	p->fd = -1;
	buf_fini(&p->kept);
	p->sent = 0;
}

static void in_writable(void *arg, unsigned events)
{
	struct pump_in *p = arg;
	ssize_t n = write_some(p->fd, p->kept.data + p->sent, p->kept.len - p->sent);

	(void)events;
	if (n < 0) { /* nobody reads it: what comes is thrown away, as a pipe's writer would see */
		close_in(p);
		set_paused(p, false);
		return;
	}
	p->sent += n;
	if (p->sent < p->kept.len)
		return;
	p->kept.len = p->sent = 0;
	p->h->fd_set(p->h, p->watch, 0);
	if (p->closing)
		close_in(p);
	set_paused(p, false);
}

void pump_in_start(struct pump_in *p, struct driver_host *h, int fd, struct adb_stream *from)
{
	*p = (struct pump_in){.h = h, .from = from, .fd = fd};
	buf_init(&p->kept, 0);
	no_block(fd);
	p->watch = h->fd_add(h, fd, 0, in_writable, p);
}

void pump_in_data(struct pump_in *p, const uint8_t *data, size_t n)
{
	ssize_t wrote = 0;

	if (p->fd < 0 || p->closing)
		return;
	if (!p->kept.len)
		wrote = write_some(p->fd, data, n);
	if (wrote < 0) {
		close_in(p);
		return;
	}
	if ((size_t)wrote == n)
		return;
	/* Bounded: a paused stream brings at most what was granted to it. */
	buf_put(&p->kept, data + wrote, n - wrote);
	p->h->fd_set(p->h, p->watch, HOST_FD_WRITE);
	if (p->kept.len - p->sent >= PUMP_HIGH)
		set_paused(p, true);
}

void pump_in_finish(struct pump_in *p)
{
	p->closing = true;
	if (p->kept.len == p->sent)
		close_in(p);
}

void pump_in_stop(struct pump_in *p)
{
	close_in(p);
}
