/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading packets from USB.
 *
 * The device sends no empty packets, so the length of a transfer must fit what it will send: a header
 * is read with exactly one packet's length and is 24 bytes; a payload of len bytes is read with len
 * rounded up to whole packets, and is len bytes. Longer, and a payload that is a multiple of mps never
 * ends; not whole packets, and the last one overflows.
 *
 * Once in step the next header's transfer is submitted with the payload's, so that the device never
 * waits for us. Before, one at a time: a phone whose last owner died in mid-transfer first sends what
 * it had left, and what comes next is unknown. Leftovers are thrown away until a CNXN is whole. An
 * AUTH of before may be cut short, since adbd drops what it has queued when our CNXN reaches it.
 */
#include "link_usb_internal.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

void lusb_in_reset(struct lusb *u)
{
	struct lusb_in *in = &u->in;

	in->synced = in->have = false;
	in->stale = 0;
	in->head = HEAD_IDLE;
	in->piece = ADB_PAYLOAD_MAX;
	in->starved_at = -1;
}

static size_t whole_packets(const struct lusb *u, size_t n)
{
	size_t mps = u->p->mps_in;

	return (n + mps - 1) / mps * mps;
}

/* ---- submitting ---- */

static int submit(struct lusb *u, enum in_kind kind, uint8_t *buf, size_t n)
{
	struct lusb_in *in = &u->in;
	int rc = u->p->ops->submit_in(u->p, buf, n);

	if (rc)
		return rc;
	in->starved_at = -1;
	in->ring[in->flying].kind = kind;
	in->ring[in->flying++].n = n;
	return 0;
}

static int submit_head(struct lusb *u)
{
	int rc = submit(u, IN_HEAD, u->in.raw, u->p->mps_in);

	if (!rc)
		u->in.head = HEAD_FLYING;
	return rc;
}

static int submit_piece(struct lusb *u)
{
	struct lusb_in *in = &u->in;
	size_t n = whole_packets(u, in->h.len) - in->asked;
	int rc;

	if (n > in->piece)
		n = in->piece;
	rc = submit(u, IN_PIECE, in->buf + in->asked, n);
	if (rc == ERR_NOMEM && n > ADB_USB_SPLIT) {
		in->piece = ADB_USB_SPLIT;
		return submit_piece(u);
	}
	if (!rc)
		in->asked += n;
	return rc;
}

/* Whether a transfer is on its way now. */
static bool submitted(struct lusb *u, int rc)
{
	if (rc == ERR_NOMEM)
		lusb_starve(u, &u->in.starved_at);
	else if (rc)
		lusb_fail_submit(u, rc);
	return !rc;
}

/* ---- what came ---- */

static void discard(struct lusb *u, size_t n)
{
	struct lusb_in *in = &u->in;

	in->have = false;
	in->stale += n ? n : 1;
	if (in->stale > ADB_USB_STALE_MAX)
		lusb_fail(u, ERR_PROTO, "the phone sends no ADB packets, only %zu other bytes",
			in->stale);
}

static bool may_begin_session(uint32_t command)
{
	return command == ADB_CNXN || command == ADB_AUTH || command == ADB_STLS;
}

static bool grow(struct lusb *u, size_t n)
{
	struct lusb_in *in = &u->in;

	if (n <= in->cap)
		return true;
	mem_free(in->buf);
	in->buf = mem_try(n);
	in->cap = in->buf ? n : 0;
	if (!in->buf)
		lusb_fail(u, ERR_IO, "no memory for a packet of %zu bytes", n);
	return in->buf;
}

/* A header's transfer is here: begins a packet, or throws the bytes away. */
static void take_head(struct lusb *u)
{
	struct lusb_in *in = &u->in;
	struct adb_header h;
	bool ok = in->raw_n == ADB_HEADER &&
	          !adb_header_get(in->raw, in->synced ? u->max : ADB_HANDSHAKE_MAX, &h);

	in->head = HEAD_IDLE;
	if (!in->raw_n || (!in->synced && (!ok || !may_begin_session(h.command)))) {
		discard(u, in->raw_n);
	} else if (!ok) {
		lusb_fail(
			u, ERR_PROTO, "the phone sent %zu bytes that are no ADB header", in->raw_n);
	} else if (grow(u, whole_packets(u, h.len))) {
		in->h = h;
		in->have = true;
		in->asked = in->got = 0;
		in->piece = ADB_PAYLOAD_MAX;
	}
}

static void deliver(struct lusb *u)
{
	struct lusb_in *in = &u->in;

	in->have = false;
	if (u->version < ADB_VERSION && in->h.sum && in->h.sum != adb_sum(in->buf, in->h.len)) {
		if (in->synced)
			lusb_fail(u, ERR_PROTO, "a packet's checksum is wrong");
		else
			discard(u, in->h.len);
		return;
	}
	in->stale = 0;
	if (in->h.command == ADB_CNXN)
		in->synced = true;
	u->l.events->packet(u->l.arg, &in->h, in->h.len ? in->buf : NULL);
}

/* One step towards the next packet; false when there is nothing to do until a transfer is back. */
static bool step(struct lusb *u)
{
	struct lusb_in *in = &u->in;

	if (!in->have && in->head == HEAD_HERE) {
		take_head(u);
		return true;
	}
	if (in->have && in->got == in->h.len) {
		deliver(u);
		return true;
	}
	if (in->flying == USB_PIPE_IN)
		return false;
	if (in->have && in->asked < in->h.len)
		return submitted(u, submit_piece(u));
	if (in->head == HEAD_IDLE && (!in->have || in->synced))
		return submitted(u, submit_head(u));
	return false;
}

void lusb_in_run(struct lusb *u)
{
	while (lusb_runs(u) && !u->paused && step(u))
		;
}

/* ---- completions ---- */

/* Out of step, a payload may never come; what came in its place may be the next header. */
static void take_for_head(struct lusb *u, size_t n)
{
	struct lusb_in *in = &u->in;

	in->have = false;
	in->raw_n = n < sizeof(in->raw) ? n : sizeof(in->raw);
	memcpy(in->raw, in->buf, in->raw_n);
	in->head = HEAD_HERE;
}

/* Each piece but the last is full. */
static void on_piece(struct lusb *u, size_t asked, size_t n)
{
	struct lusb_in *in = &u->in;
	size_t rest = in->h.len - in->got;

	if (n == (rest < asked ? rest : asked)) {
		in->got += n;
	} else if (!in->synced) {
		take_for_head(u, n);
	} else {
		lusb_fail(u, ERR_PROTO, "the phone announced %u bytes and sent %zu",
			(unsigned)in->h.len, in->got + n);
	}
}

void lusb_on_in(void *arg, enum usb_end end, size_t n)
{
	struct lusb *u = arg;
	struct lusb_in *in = &u->in;
	enum in_kind kind = in->ring[0].kind;
	size_t asked = in->ring[0].n;

	in->ring[0] = in->ring[1];
	in->flying--;
	if (!lusb_runs(u)) {
		lusb_drained(u);
		return;
	}
	if (end != USB_END_DONE) {
		lusb_fail_end(u, end, "reading");
	} else if (kind == IN_HEAD) {
		in->head = HEAD_HERE;
		in->raw_n = n;
	} else {
		on_piece(u, asked, n);
	}
	lusb_in_run(u);
}
