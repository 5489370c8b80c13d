/* SPDX-License-Identifier: Apache-2.0 */
/* A file into a stream; see feed.h. One buffer is read while the ones before are on their way. */
#include "drivers/adb/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct adb_feed {
	struct adb_conn *conn;
	struct stream *stream;
	void (*done)(void *arg, int rc, const char *text);
	void *arg;
	int64_t left;
	struct adb_buf *out; /* waits for the link */
	bool reading, dropped;

	/* The pool's while reading. */
	char path[DRIVER_PATH_MAX];
	int fd;
	struct adb_buf *buf;
	uint32_t want;
	int rc;
	struct err err;
};

static void go_on(struct adb_feed *f);

static void release(struct adb_feed *f)
{
	if (f->fd >= 0)
		close(f->fd);
	adb_buf_unref(f->out);
	adb_buf_unref(f->buf);
	adb_conn_unref(f->conn);
	mem_free(f);
}

static void finish(struct adb_feed *f, int rc, const char *text)
{
	void (*done)(void *, int, const char *) = f->done;
	void *arg = f->arg;
	struct err e = {.code = rc};

	str_copy(e.text, sizeof(e.text), text);
	release(f);
	done(arg, rc, e.text);
}

static void work(void *arg)
{
	struct adb_feed *f = arg;
	ssize_t n = 1;

	if (f->fd < 0)
		f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0) {
		f->rc = err_errno(&f->err, errno, "cannot read %s", f->path);
		return;
	}
	while (f->buf->len < f->want && n) {
		n = read(f->fd, f->buf->data + f->buf->len, f->want - f->buf->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			f->rc = err_errno(&f->err, errno, "cannot read %s", f->path);
			return;
		}
		f->buf->len += (uint32_t)n;
	}
	if (f->buf->len < f->want)
		f->rc = err_set(&f->err, ERR_CORRUPT, "%s is shorter than it was", f->path);
}

static void worked(void *arg)
{
	struct adb_feed *f = arg;

	f->reading = false;
	if (f->dropped) {
		release(f);
		return;
	}
	if (f->rc) {
		finish(f, f->rc, f->err.text);
		return;
	}
	f->out = f->buf;
	f->buf = NULL;
	f->left -= f->out->len;
	go_on(f);
}

static void go_on(struct adb_feed *f)
{
	struct driver_host *h = f->conn->host;

	if (f->out) {
		if (!f->conn->ops->send(f->conn, f->stream, f->out))
			return;
		f->out = NULL;
	}
	if (!f->left) {
		finish(f, 0, "");
		return;
	}
	f->want = f->conn->max_payload;
	if (f->want > f->left)
		f->want = (uint32_t)f->left;
	f->buf = adb_buf_new(f->want);
	f->reading = !h->blocking(h, work, worked, f);
	if (!f->reading)
		finish(f, ERR_FULL, "too much work is queued");
}

struct adb_feed *adb_feed_new(struct adb_conn *c, struct stream *s, const char *path, int64_t bytes,
	void (*done)(void *arg, int rc, const char *text), void *arg)
{
	struct adb_feed *f = mem_zalloc(sizeof(*f));
	struct driver_host *h = c->host;

	f->conn = adb_conn_ref(c);
	f->stream = s;
	f->done = done;
	f->arg = arg;
	f->left = bytes;
	f->fd = -1;
	str_copy(f->path, sizeof(f->path), path);
	/* Always through the pool first, so that done() never comes from inside. */
	f->buf = adb_buf_new(bytes < c->max_payload ? (uint32_t)bytes : c->max_payload);
	f->want = f->buf->cap;
	f->reading = !h->blocking(h, work, worked, f);
	if (f->reading)
		return f;
	release(f);
	return NULL;
}

void adb_feed_drained(struct adb_feed *f)
{
	if (!f->reading)
		go_on(f);
}

void adb_feed_drop(struct adb_feed *f)
{
	if (!f)
		return;
	f->dropped = true;
	if (!f->reading)
		release(f);
}
