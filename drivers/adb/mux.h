/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams over one link, once the handshake is through: OPEN, OKAY, WRTE, CLSE with flow control in
 * both directions, one unacknowledged WRTE a stream or delayed acknowledgement by credit. The same
 * for both roles: a host opens, a device accepts.
 *
 * What goes out is ordered fairly: replies first (bounded: one OKAY and one CLSE a stream), then one
 * packet of each stream that may send, in turn. What comes in is handed to its stream at once; a
 * stream that is paused withholds its OKAY, so the peer stops. With delayed acknowledgement a paused
 * stream keeps up to the window that was granted.
 *
 * Ids are never used twice in a session. Late and doubled CLSE, CLSE with id 0, OKAY for an unknown
 * id are what real phones send (Samsung, LG; Android 7 to 8.1): see mux.c for what becomes of each.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_MUX_H
#define FRAMEFARM_DRIVERS_ADB_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/adb/link.h"
#include "drivers/driver.h"

#define ADB_STREAMS_MAX 256                   /* open at a time, of a session */
#define ADB_SERVICE_MAX 4096                  /* a service string with its NUL */
#define ADB_WINDOW      (2 * ADB_PAYLOAD_MAX) /* granted with delayed acknowledgement */
#define ADB_WRITE_MAX   (256 * 1024)          /* queued by write() on one stream */
#define ADB_SEND_MAX    2                     /* whole buffers queued by adb_stream_send() */

struct adb_mux;

/* struct stream is its first member, so a stream goes wherever drivers hand out streams. events and
 * arg are set by adb_mux_open() or adb_stream_accept() and may be changed by the owner. */
struct adb_stream;
struct stream *adb_stream_base(struct adb_stream *s);
struct adb_stream *adb_stream_of(struct stream *s);

struct adb_mux_config {
	uint32_t max_payload; /* agreed */
	bool delayed_ack;     /* both banners name it */
	bool device;          /* our role: which side counts as the opener of reverse: streams */
};

struct adb_mux_ops {
	/* The peer opened a stream. Return true to decide later, with adb_stream_accept() or
	 * adb_stream_refuse(), also at once inside this call; false refuses. Who returned true must
	 * decide, even when the session has ended meanwhile: until then the stream is there. service has its NUL
	 * bytes at the end taken off and one put behind; borrowed. NULL ops->open refuses all. */
	bool (*open)(void *arg, struct adb_stream *s, const char *service, size_t n);
	/* The peer sent what no sane peer sends; the session should end. Comes once, from
	 * adb_mux_packet(). */
	void (*violation)(void *arg, const char *text);
	/* Behind adb_mux_free(), once every stream is closed; the mux is gone then. May be NULL. */
	void (*freed)(void *arg);
	/* An OPEN of ours had no answer in its time. Comes from a timer. May be NULL. */
	void (*unanswered)(void *arg);
};

struct adb_mux *adb_mux_new(struct driver_host *h, struct adb_link *l,
	const struct adb_mux_config *cfg, const struct adb_mux_ops *ops, void *arg);
/* Closes every stream: closed(code, text) of each comes later, on the loop, before the mux is gone;
 * nothing is sent any more and the link is not touched again. */
void adb_mux_free(struct adb_mux *m, int code, const char *text);

/* To be called from the link's events. */
void adb_mux_packet(struct adb_mux *m, const struct adb_header *h, const uint8_t *payload);
bool adb_mux_next(struct adb_mux *m, struct adb_out *ret_out);

/* Opens a stream. opened(arg) comes when the peer has taken it; a refusal is closed() with
 * ERR_NOTFOUND and no opened() before it. write() before opened() is queued. NULL and *e: ERR_FULL at
 * ADB_STREAMS_MAX, ERR_TOOBIG for a service that the peer's payload cannot hold. */
struct adb_stream *adb_mux_open(struct adb_mux *m, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e);

void adb_stream_accept(struct adb_stream *s, const struct stream_events *events, void *arg);
void adb_stream_refuse(struct adb_stream *s);

/* Sends a whole buffer, of at most the agreed payload, without copying it; takes the reference.
 * False when ADB_SEND_MAX are queued: drained() follows. Order with write() is kept. */
bool adb_stream_send(struct adb_stream *s, struct adb_buf *b);
/* Inside data(): a reference to the buffer that its bytes lie in, for who keeps them longer than the
 * call; NULL: they must be copied. */
struct adb_buf *adb_stream_hold(struct adb_stream *s);
/* Nothing is queued or unacknowledged. */
bool adb_stream_idle(const struct adb_stream *s);
/* As the stream's close(), but what is queued goes out first. */
void adb_stream_finish(struct adb_stream *s);

int adb_mux_streams(const struct adb_mux *m);
uint32_t adb_mux_max_payload(const struct adb_mux *m);

#endif
