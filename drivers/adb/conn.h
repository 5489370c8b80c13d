/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection on which a phone's services can be opened: a session of our own (host.h), or an adb
 * server that owns the phone (server.h). The operations of the driver know nothing else of how a
 * phone is reached. Loop thread.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_CONN_H
#define FRAMEFARM_DRIVERS_ADB_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/adb/banner.h"
#include "drivers/adb/packet.h"
#include "drivers/driver.h"

struct adb_conn;

struct adb_conn_ops {
	/* As adb_mux_open(): opened(arg) when the phone has taken it, else closed(). */
	struct stream *(*open)(struct adb_conn *c, const char *service, size_t n,
		const struct stream_events *events, void (*opened)(void *arg), void *arg,
		struct err *e);
	/* Sends a whole buffer in order with write(); takes the reference. False when enough is
	 * queued: drained() follows. */
	bool (*send)(struct adb_conn *c, struct stream *s, struct adb_buf *b);
	/* As adb_stream_hold(); NULL: never. */
	struct adb_buf *(*hold)(struct adb_conn *c, struct stream *s);
	/* As the stream's close(), but what is queued goes out first. */
	void (*finish)(struct adb_conn *c, struct stream *s);
	/* The owner's end of it: every stream is closed with ERR_GONE, later, on the loop, and
	 * nothing is opened any more. */
	void (*close)(struct adb_conn *c);
	void (*free)(struct adb_conn *c); /* the last reference is gone */
};

/* Counted by references, since what is on the pool looks at `banner` after the phone is gone. */
struct adb_conn {
	const struct adb_conn_ops *ops;
	int refs; /* of the loop thread alone */
	struct driver_host *host;
	struct adb_banner banner; /* features: those that both sides have */
	uint32_t max_payload;     /* longest adb_buf that is worth making */
};

static inline struct adb_conn *adb_conn_ref(struct adb_conn *c)
{
	c->refs++;
	return c;
}

static inline void adb_conn_unref(struct adb_conn *c)
{
	if (!--c->refs)
		c->ops->free(c);
}

static inline struct adb_buf *adb_conn_hold(struct adb_conn *c, struct stream *s)
{
	return c->ops->hold ? c->ops->hold(c, s) : NULL;
}

static inline bool adb_conn_has(const struct adb_conn *c, enum adb_feature f)
{
	return c->banner.features & f;
}

/* Over a session that is ONLINE; borrowed until close(), freed by its owner behind that. One
 * reference. */
struct adb_host;
struct adb_conn *adb_conn_direct(struct driver_host *h, struct adb_host *session);

#endif
