/* SPDX-License-Identifier: Apache-2.0 */
/* Services over a session of our own; see conn.h. The session's owner frees it, which closes the
 * streams; this is the small table that makes it look like any connection. */
#include "drivers/adb/conn.h"

#include "base/err.h"
#include "base/mem.h"
#include "drivers/adb/host.h"

struct direct {
	struct adb_conn conn; /* first: the two are one pointer */
	struct adb_host *session;
};

static struct stream *direct_open(struct adb_conn *c, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e)
{
	struct direct *d = (struct direct *)c;
	struct adb_stream *s;

	if (!d->session) {
		err_set(e, ERR_GONE, "the phone is gone");
		return NULL;
	}
	s = adb_host_open(d->session, service, n, events, opened, arg, e);
	return s ? adb_stream_base(s) : NULL;
}

static bool direct_send(struct adb_conn *c, struct stream *s, struct adb_buf *b)
{
	(void)c;
	return adb_stream_send(adb_stream_of(s), b);
}

static struct adb_buf *direct_hold(struct adb_conn *c, struct stream *s)
{
	(void)c;
	return adb_stream_hold(adb_stream_of(s));
}

static void direct_finish(struct adb_conn *c, struct stream *s)
{
	(void)c;
	adb_stream_finish(adb_stream_of(s));
}

/* The session's end closes the streams. */
static void direct_close(struct adb_conn *c)
{
	((struct direct *)c)->session = NULL;
}

static void direct_free(struct adb_conn *c)
{
	mem_free(c);
}

static const struct adb_conn_ops direct_ops = {
	direct_open, direct_send, direct_hold, direct_finish, direct_close, direct_free};

struct adb_conn *adb_conn_direct(struct driver_host *h, struct adb_host *session)
{
	struct direct *d = mem_zalloc(sizeof(*d));

	d->conn.ops = &direct_ops;
	d->conn.refs = 1;
	d->conn.host = h;
	d->conn.banner = *adb_host_banner(session);
	d->conn.max_payload = adb_mux_max_payload(adb_host_mux(session));
	for (uint32_t f = 1; f; f <<= 1)
		if (!adb_host_has(session, (enum adb_feature)f))
			d->conn.banner.features &= ~f;
	d->session = session;
	return &d->conn;
}
