/* SPDX-License-Identifier: Apache-2.0 */
/* See support_usb.h. */
#include "support_usb.h"

#include <string.h>

#include "base/mem.h"
#include "drivers/adb/packet.h"

static struct support_usb *of(struct usb_pipe *p)
{
	return (struct support_usb *)p;
}

/* ---- the pipe ---- */

static int submit_in(struct usb_pipe *p, uint8_t *buf, size_t len)
{
	struct support_usb *su = of(p);

	assert_false(su->closing);
	assert_true(len > 0 && su->n_in < USB_PIPE_IN);
	if (su->unplugged)
		return ERR_GONE;
	if (len > su->nomem_in)
		return ERR_NOMEM;
	su->in[su->n_in].buf = buf;
	su->in[su->n_in].len = len;
	su->in[su->n_in].got = 0;
	su->in[su->n_in++].cancelled = false;
	if (su->n_in > su->most_in)
		su->most_in = su->n_in;
	if (len > su->longest_in)
		su->longest_in = len;
	return 0;
}

static int submit_out(struct usb_pipe *p, const uint8_t *buf, size_t len, bool zlp)
{
	struct support_usb *su = of(p);

	assert_false(su->closing);
	assert_true(su->n_out < USB_PIPE_OUT);
	if (su->unplugged)
		return ERR_GONE;
	if (len > su->nomem_out)
		return ERR_NOMEM;
	su->out[su->n_out].buf = buf;
	su->out[su->n_out].len = len;
	su->out[su->n_out].zlp = zlp;
	su->out[su->n_out++].cancelled = false;
	if (su->n_out > su->most_out)
		su->most_out = su->n_out;
	if (len > su->longest_out)
		su->longest_out = len;
	return 0;
}

static void cancel(struct usb_pipe *p)
{
	struct support_usb *su = of(p);

	su->cancels++;
	for (int i = 0; i < su->n_in; i++)
		su->in[i].cancelled = true;
	for (int i = 0; i < su->n_out; i++)
		su->out[i].cancelled = true;
}

static int blocks(struct support_usb *su, int *count, void (*done)(void *arg, int code), void *arg)
{
	assert_int_equal(su->n_in + su->n_out, 0);
	assert_null(su->resynced);
	if (su->pool_full)
		return ERR_FULL;
	(*count)++;
	su->resynced = done;
	su->resynced_arg = arg;
	return 0;
}

static int clear_halt(struct usb_pipe *p, void (*done)(void *arg, int code), void *arg)
{
	return blocks(of(p), &of(p)->halts_cleared, done, arg);
}

static int reset(struct usb_pipe *p, void (*done)(void *arg, int code), void *arg)
{
	return blocks(of(p), &of(p)->resets, done, arg);
}

static void leave(struct usb_pipe *p)
{
	assert_false(of(p)->leaving || of(p)->closing);
	of(p)->leaving = true;
}

static void close_pipe(struct usb_pipe *p)
{
	assert_false(of(p)->closing);
	of(p)->closing = true;
	cancel(p);
}

static const struct usb_pipe_ops ops = {
	submit_in, submit_out, cancel, clear_halt, reset, leave, close_pipe};

/* ---- transfers move ---- */

static void pop_in(struct support_usb *su, enum usb_end end)
{
	size_t n = su->in[0].got;

	su->n_in--;
	memmove(su->in, su->in + 1, su->n_in * sizeof(su->in[0]));
	if (!su->closing)
		su->p.events->in(su->p.arg, end, n);
}

static bool move_in(struct support_usb *su)
{
	bool full, last = false;

	if (!su->n_in)
		return false;
	if (su->in[0].cancelled || su->unplugged || su->end_in) {
		enum usb_end end = su->unplugged         ? USB_END_GONE
		                   : su->in[0].cancelled ? USB_END_CANCELLED
		                                         : su->end_in;

		su->end_in = USB_END_DONE;
		pop_in(su, end);
		return true;
	}
	if (su->first == su->n_packets)
		return false;
	if (su->in[0].got + su->packets[su->first].n > su->in[0].len) {
		pop_in(su, USB_END_OVERFLOW);
		return true;
	}
	memcpy(su->in[0].buf + su->in[0].got, su->packets[su->first].data,
		su->packets[su->first].n);
	su->in[0].got += su->packets[su->first].n;
	last = su->packets[su->first++].n < su->p.mps_in;
	full = su->in[0].got == su->in[0].len;
	if (full || last)
		pop_in(su, USB_END_DONE);
	return true;
}

static void end_message(struct support_usb *su)
{
	assert_true(su->n_msgs < SUPPORT_USB_MSGS);
	su->msgs[su->n_msgs++] = su->part;
	su->part = (struct support_usb_msg){0};
}

static void phone_takes(struct support_usb *su, const uint8_t *data, size_t n, bool zlp)
{
	su->part.data = mem_realloc(su->part.data, su->part.n + n + 1, 1);
	memcpy(su->part.data + su->part.n, data, n);
	su->part.n += n;
	if (n % su->p.mps_out || zlp || !n)
		end_message(su);
}

static bool move_out(struct support_usb *su)
{
	enum usb_end end = su->end_out;
	size_t n;

	if (!su->n_out)
		return false;
	n = su->out[0].len;
	if (su->unplugged)
		end = USB_END_GONE;
	else if (su->out[0].cancelled)
		end = USB_END_CANCELLED;
	else if (su->stuck)
		return false;
	if (end == USB_END_DONE) {
		n -= su->short_out;
		phone_takes(su, su->out[0].buf, n, su->out[0].zlp);
	} else {
		n = 0;
	}
	su->end_out = USB_END_DONE;
	su->short_out = 0;
	su->n_out--;
	memmove(su->out, su->out + 1, su->n_out * sizeof(su->out[0]));
	if (!su->closing)
		su->p.events->out(su->p.arg, end, n);
	return true;
}

static bool move_rest(struct support_usb *su)
{
	if (su->resynced) {
		void (*done)(void *arg, int code) = su->resynced;

		su->resynced = NULL;
		if (!su->closing)
			done(su->resynced_arg, su->resync_code);
		return true;
	}
	if (su->closing && !su->closed && !su->n_in && !su->n_out) {
		su->closed = true;
		su->p.events->closed(su->p.arg);
		return true;
	}
	return false;
}

void support_usb_run(struct support_usb *su)
{
	while (support_step(su->sh) || move_in(su) || move_out(su) || move_rest(su))
		;
}

void support_usb_unplug(struct support_usb *su)
{
	su->unplugged = true;
	if (!su->closing)
		su->p.events->gone(su->p.arg);
}

/* ---- the phone ---- */

static void push(struct support_usb *su, const uint8_t *data, size_t n)
{
	assert_true(su->n_packets < SUPPORT_USB_PACKETS);
	memcpy(su->packets[su->n_packets].data, data, n);
	su->packets[su->n_packets++].n = n;
}

void support_usb_send(struct support_usb *su, const void *data, size_t n)
{
	const uint8_t *p = data;

	if (su->first == su->n_packets)
		su->first = su->n_packets = 0;
	for (size_t off = 0, k; off < n; off += k) {
		k = n - off < su->p.mps_in ? n - off : su->p.mps_in;
		push(su, p + off, k);
	}
}

void support_usb_send_packet(
	struct support_usb *su, uint32_t command, uint32_t arg0, size_t n, bool sum)
{
	struct adb_header h = {command, arg0, 0, n, 0};
	uint8_t head[ADB_HEADER], *payload = mem_alloc(n + 1);

	for (size_t i = 0; i < n; i++)
		payload[i] = i;
	if (sum)
		h.sum = adb_sum(payload, n);
	adb_header_put(head, &h);
	support_usb_send(su, head, sizeof(head));
	support_usb_send(su, payload, n);
	mem_free(payload);
}

static struct support_usb_msg take_msg(struct support_usb *su)
{
	struct support_usb_msg m;

	if (!su->n_msgs)
		fail_msg("the phone waits for a message, and has %zu bytes of one", su->part.n);
	m = su->msgs[0];
	su->n_msgs--;
	memmove(su->msgs, su->msgs + 1, su->n_msgs * sizeof(m));
	return m;
}

struct adb_header support_usb_take(struct support_usb *su)
{
	struct support_usb_msg m = take_msg(su);
	struct adb_header h;

	assert_int_equal(m.n, ADB_HEADER);
	assert_int_equal(adb_header_get(m.data, ADB_PAYLOAD_MAX, &h), 0);
	mem_free(m.data);
	if (!h.len)
		return h;
	m = take_msg(su);
	assert_int_equal(m.n, h.len); /* adbd: "too many bytes" */
	for (size_t i = 0; i < m.n; i++)
		if (m.data[i] != (uint8_t)i)
			fail_msg("byte %zu of the payload is %u", i, m.data[i]);
	if (h.sum)
		assert_int_equal(h.sum, adb_sum(m.data, m.n));
	mem_free(m.data);
	return h;
}

bool support_usb_nothing(const struct support_usb *su)
{
	return !su->n_msgs && !su->part.n;
}

struct support_usb *support_usb_new(struct support_host *sh, uint16_t mps)
{
	struct support_usb *su = mem_zalloc(sizeof(*su));

	su->p = (struct usb_pipe){.ops = &ops, .mps_in = mps, .mps_out = mps, .path = "1-4.2"};
	su->sh = sh;
	su->nomem_in = su->nomem_out = SIZE_MAX;
	su->packets = mem_alloc(SUPPORT_USB_PACKETS * sizeof(*su->packets));
	return su;
}

void support_usb_free(struct support_usb *su)
{
	support_usb_run(su);
	assert_true(su->closed);
	for (int i = 0; i < su->n_msgs; i++)
		mem_free(su->msgs[i].data);
	mem_free(su->part.data);
	mem_free(su->packets);
	mem_free(su);
}
