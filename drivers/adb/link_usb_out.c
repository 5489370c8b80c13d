/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing packets to USB.
 *
 * Header and payload are transfers of their own, one behind the other, a few in flight so that the
 * bus never idles. A payload that is a multiple of mps is followed by an empty packet, or the device
 * takes the next header for more of it and drops the connection ("too many bytes"). A header without
 * a payload is followed by nothing: an empty transfer there breaks the session (adb_shell #127).
 *
 * When the kernel has no memory for a whole payload it goes in pieces of 16 KiB, which the device
 * does not see: only the last one ends the transfer.
 *
 * A closed link first gives the phone the rest of a packet that it may have half of, if it takes it in
 * time. Else it would take the next owner's CNXN for that rest, and only clear-halt would help, which
 * some phones do not survive (Google 404741058).
 */
#include "link_usb_internal.h"

#include "base/err.h"
#include "drivers/driver.h"

void lusb_out_reset(struct lusb *u)
{
	struct lusb_out *out = &u->out;

	adb_buf_unref(out->cur);
	out->cur = NULL;
	out->piece = ADB_PAYLOAD_MAX;
	out->starved_at = -1;
}

void lusb_out_drop(struct lusb *u)
{
	struct lusb_out *out = &u->out;

	for (int i = 0; i < out->flying; i++)
		adb_buf_unref(out->ring[i].buf);
	adb_buf_unref(out->cur);
}

/* ---- the write that does not move ---- */

/* While a session is being made, the handshake's own deadline comes first: it gets back in step. */
static int64_t patience_ms(const struct lusb *u)
{
	return u->in.synced ? ADB_USB_WRITE_MS : 2 * ADB_USB_WRITE_MS;
}

static void on_watch(void *arg)
{
	struct lusb *u = arg;
	struct lusb_out *out = &u->out;
	int64_t due = out->moved_at + patience_ms(u);

	out->watch = NULL;
	if (!out->flying || u->dead)
		return;
	if (u->h->now_ms(u->h) >= due)
		lusb_fail(u, ERR_TIMEOUT, "the phone took nothing for %d ms", (int)patience_ms(u));
	else
		out->watch = u->h->timer_add(u->h, due, on_watch, u);
}

/* A write began, or came back. */
static void moved(struct lusb *u)
{
	struct lusb_out *out = &u->out;

	out->moved_at = u->h->now_ms(u->h);
	if (!out->watch && !u->closed)
		out->watch = u->h->timer_add(u->h, out->moved_at + ADB_USB_WRITE_MS, on_watch, u);
}

/* ---- submitting ---- */

static bool take_next(struct lusb *u)
{
	struct adb_out o = {0};
	struct adb_header h;

	if (!u->out.want)
		return false;
	u->out.want = u->l.events->next(u->l.arg, &o);
	if (!u->out.want)
		return false;
	if (!o.buf)
		o.buf = adb_buf_new(0);
	h = (struct adb_header){o.command, o.arg0, o.arg1, o.buf->len, 0};
	if (u->version < ADB_VERSION)
		h.sum = adb_sum(o.buf->data, o.buf->len);
	adb_header_put(o.buf->head, &h);
	u->out.cur = o.buf;
	u->out.head_sent = false;
	u->out.off = 0;
	return true;
}

static int submit(struct lusb *u, const uint8_t *data, size_t n, bool zlp)
{
	struct lusb_out *out = &u->out;
	int rc = u->p->ops->submit_out(u->p, data, n, zlp);

	if (rc)
		return rc;
	if (!out->flying)
		moved(u);
	out->starved_at = -1;
	out->ring[out->flying].buf = adb_buf_ref(out->cur);
	out->ring[out->flying++].n = n;
	return 0;
}

static int submit_data(struct lusb *u)
{
	struct lusb_out *out = &u->out;
	size_t n = out->cur->len - out->off;
	bool zlp;
	int rc;

	if (n > out->piece)
		n = out->piece;
	zlp = out->off + n == out->cur->len && out->cur->len % u->p->mps_out == 0;
	rc = submit(u, out->cur->data + out->off, n, zlp);
	if (rc == ERR_NOMEM && n > ADB_USB_SPLIT) {
		out->piece = ADB_USB_SPLIT;
		return submit_data(u);
	}
	if (!rc)
		out->off += n;
	return rc;
}

static int submit_some(struct lusb *u)
{
	struct lusb_out *out = &u->out;
	int rc;

	if (out->head_sent) {
		rc = submit_data(u);
	} else {
		rc = submit(u, out->cur->head, ADB_HEADER, false);
		out->head_sent = !rc;
	}
	if (!rc && out->off == out->cur->len) {
		adb_buf_unref(out->cur);
		out->cur = NULL;
		out->piece = ADB_PAYLOAD_MAX;
	}
	return rc;
}

void lusb_out_run(struct lusb *u)
{
	struct lusb_out *out = &u->out;
	int rc;

	while (lusb_runs(u) && out->flying < USB_PIPE_OUT && (out->cur || take_next(u))) {
		rc = submit_some(u);
		if (rc == ERR_NOMEM) {
			lusb_starve(u, &out->starved_at);
			return;
		}
		if (rc)
			lusb_fail_submit(u, rc);
	}
}

/* ---- behind close() ---- */

bool lusb_out_owes(const struct lusb *u)
{
	return u->out.flying || (u->out.cur && u->out.head_sent);
}

void lusb_out_leave(struct lusb *u)
{
	struct lusb_out *out = &u->out;

	while (out->cur && out->head_sent && out->flying < USB_PIPE_OUT)
		if (submit_some(u))
			break;
	if (!out->flying)
		lusb_left(u);
}

/* ---- completions ---- */

void lusb_on_out(void *arg, enum usb_end end, size_t n)
{
	struct lusb *u = arg;
	struct lusb_out *out = &u->out;
	size_t asked = out->ring[0].n;

	adb_buf_unref(out->ring[0].buf);
	out->flying--;
	for (int i = 0; i < out->flying; i++)
		out->ring[i] = out->ring[i + 1];
	if (u->leave) {
		if (end == USB_END_DONE && n == asked)
			lusb_out_leave(u);
		else
			lusb_left(u);
		return;
	}
	if (!lusb_runs(u)) {
		lusb_drained(u);
		return;
	}
	moved(u);
	if (end != USB_END_DONE)
		lusb_fail_end(u, end, "writing");
	else if (n != asked)
		lusb_fail(u, ERR_IO, "the phone took %zu of %zu bytes", n, asked);
	lusb_out_run(u);
}
