/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usb_pipe.h over libusb. Transfers are made once, asynchronous and without libusb's timeouts (the
 * link has its own). A transfer is in flight from its submission to its callback, and nothing else ends
 * it: libusb_cancel_transfer() that answers NOT_FOUND means that the callback has run or will run, so
 * its answer is not looked at. Freeing on that answer too has crashed adb 35 for all phones of a host
 * (DeviceFarmer/stf #845).
 *
 * The end has one order: cancel, take every transfer back, release and close on the pool, free.
 */
#include "drivers/adb/usb_pipe.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "drivers/adb/usb_internal.h"

struct upipe;

struct xfer {
	struct upipe *up;
	struct libusb_transfer *t;
	bool flying;
};

struct upipe {
	struct usb_pipe p; /* first */
	struct adb_usb_dev *d;
	libusb_device_handle *handle;
	struct xfer in[USB_PIPE_IN], out[USB_PIPE_OUT];
	int flying;
	bool gone, leaving, closing, busy; /* busy: the pool has the handle */
};

static struct upipe *of(struct usb_pipe *p)
{
	return (struct upipe *)p;
}

/* ---- transfers ---- */

static void close_if_idle(struct upipe *up);

static enum usb_end end_of(const struct libusb_transfer *t)
{
	switch (t->status) {
	case LIBUSB_TRANSFER_COMPLETED:
		return USB_END_DONE;
	case LIBUSB_TRANSFER_CANCELLED:
		return USB_END_CANCELLED;
	case LIBUSB_TRANSFER_STALL:
		return USB_END_STALLED;
	case LIBUSB_TRANSFER_OVERFLOW:
		return USB_END_OVERFLOW;
	case LIBUSB_TRANSFER_NO_DEVICE:
		return USB_END_GONE;
	default:
		return USB_END_FAILED;
	}
}

static void LIBUSB_CALL on_transfer(struct libusb_transfer *t)
{
	struct xfer *x = t->user_data;
	struct upipe *up = x->up;
	enum usb_end end = end_of(t);

	assert(x->flying);
	x->flying = false;
	up->flying--;
	if (up->gone && end != USB_END_DONE)
		end = USB_END_GONE;
	if (up->closing)
		close_if_idle(up);
	else if (t->endpoint & LIBUSB_ENDPOINT_IN)
		up->p.events->in(up->p.arg, end, t->actual_length);
	else
		up->p.events->out(up->p.arg, end, t->actual_length);
}

static struct xfer *idle_of(struct xfer *x, int n)
{
	for (int i = 0; i < n; i++)
		if (!x[i].flying)
			return &x[i];
	assert(!"more transfers than usb_pipe.h allows");
	return NULL;
}

static int submit(struct upipe *up, struct xfer *x, uint8_t ep, uint8_t *buf, size_t len, bool zlp)
{
	int rc;

	if (up->gone)
		return ERR_GONE;
	libusb_fill_bulk_transfer(x->t, up->handle, ep, buf, len, on_transfer, x, 0);
	x->t->flags = zlp ? LIBUSB_TRANSFER_ADD_ZERO_PACKET : 0;
	rc = usb_err(libusb_submit_transfer(x->t));
	if (rc)
		return rc;
	x->flying = true;
	up->flying++;
	return 0;
}

static int pipe_submit_in(struct usb_pipe *p, uint8_t *buf, size_t len)
{
	struct upipe *up = of(p);

	return submit(up, idle_of(up->in, USB_PIPE_IN), up->d->match.ep_in, buf, len, false);
}

/* libusb only reads from the buffer of an OUT transfer, though it has no const for it. */
static int pipe_submit_out(struct usb_pipe *p, const uint8_t *buf, size_t len, bool zlp)
{
	struct upipe *up = of(p);

	return submit(
		up, idle_of(up->out, USB_PIPE_OUT), up->d->match.ep_out, (uint8_t *)buf, len, zlp);
}

static void cancel_all(struct xfer *x, int n)
{
	for (int i = 0; i < n; i++)
		if (x[i].flying)
			libusb_cancel_transfer(x[i].t);
}

static void pipe_cancel(struct usb_pipe *p)
{
	cancel_all(of(p)->in, USB_PIPE_IN);
	cancel_all(of(p)->out, USB_PIPE_OUT);
}

/* ---- what blocks ---- */

struct pipe_job {
	struct usb_job job;
	struct upipe *up;
	int code;
	void (*done)(void *arg, int code);
	void *arg;
};

static int run(struct upipe *up, void (*work)(struct usb_job *j), void (*done)(struct usb_job *j),
	void (*tell)(void *arg, int code), void *arg)
{
	struct pipe_job *j = mem_zalloc(sizeof(*j));

	assert(!up->busy && !up->flying);
	up->busy = true;
	j->up = up;
	j->done = tell;
	j->arg = arg;
	usb_job_start(up->d->u, up->d, &j->job, work, done);
	return 0;
}

static void resync_done(struct usb_job *job)
{
	struct pipe_job *j = (struct pipe_job *)job;
	struct upipe *up = j->up;

	up->busy = false;
	if (!up->closing)
		j->done(j->arg, j->code);
	else
		close_if_idle(up);
	mem_free(j);
}

static void clear_halt_work(struct usb_job *job)
{
	struct pipe_job *j = (struct pipe_job *)job;
	int in = libusb_clear_halt(j->up->handle, job->d->match.ep_in);
	int out = libusb_clear_halt(j->up->handle, job->d->match.ep_out);

	j->code = usb_err(in ? in : out);
}

static int pipe_clear_halt(struct usb_pipe *p, void (*done)(void *arg, int code), void *arg)
{
	return run(of(p), clear_halt_work, resync_done, done, arg);
}

/* NOT_FOUND: it enumerated anew, as another device. */
static void reset_work(struct usb_job *job)
{
	struct pipe_job *j = (struct pipe_job *)job;
	int rc = libusb_reset_device(j->up->handle);

	j->code = rc == LIBUSB_ERROR_NOT_FOUND ? 0 : usb_err(rc);
}

static void reset_done(struct usb_job *job)
{
	struct pipe_job *j = (struct pipe_job *)job;

	if (!j->code)
		job->d->was_reset = true;
	resync_done(job);
}

static int pipe_reset(struct usb_pipe *p, void (*done)(void *arg, int code), void *arg)
{
	return run(of(p), reset_work, reset_done, done, arg);
}

/* ---- the end ---- */

static void close_work(struct usb_job *job)
{
	struct pipe_job *j = (struct pipe_job *)job;

	libusb_release_interface(j->up->handle, job->d->match.iface);
	libusb_close(j->up->handle);
}

static void free_all(struct xfer *x, int n)
{
	for (int i = 0; i < n; i++)
		libusb_free_transfer(x[i].t);
}

static void close_done(struct usb_job *job)
{
	struct pipe_job *j = (struct pipe_job *)job;
	struct upipe *up = j->up;
	struct adb_usb_dev *d = job->d;

	up->p.events->closed(up->p.arg);
	free_all(up->in, USB_PIPE_IN);
	free_all(up->out, USB_PIPE_OUT);
	mem_free(up);
	mem_free(j);
	usb_open_closed(d);
}

static void close_if_idle(struct upipe *up)
{
	if (!up->flying && !up->busy)
		run(up, close_work, close_done, NULL, NULL);
}

static void pipe_leave(struct usb_pipe *p)
{
	of(p)->leaving = true;
}

static void pipe_close(struct usb_pipe *p)
{
	assert(!of(p)->closing);
	of(p)->closing = true;
	pipe_cancel(p);
	close_if_idle(of(p));
}

void usb_pipe_gone(struct usb_pipe *p)
{
	if (of(p)->gone)
		return;
	of(p)->gone = true;
	if (!of(p)->closing)
		p->events->gone(p->arg);
	pipe_cancel(p);
}

bool usb_pipe_closing(const struct usb_pipe *p)
{
	const struct upipe *up = (const struct upipe *)p;

	return up->leaving || up->closing;
}

/* ---- its beginning ---- */

static const struct usb_pipe_ops ops = {pipe_submit_in, pipe_submit_out, pipe_cancel,
	pipe_clear_halt, pipe_reset, pipe_leave, pipe_close};

static void alloc_all(struct upipe *up, struct xfer *x, int n)
{
	for (int i = 0; i < n; i++) {
		x[i].up = up;
		x[i].t = libusb_alloc_transfer(0);
		assert(x[i].t);
	}
}

struct usb_pipe *usb_pipe_new(struct adb_usb_dev *d, libusb_device_handle *handle)
{
	struct upipe *up = mem_zalloc(sizeof(*up));

	up->p = (struct usb_pipe){
		.ops = &ops, .mps_in = d->match.mps_in, .mps_out = d->match.mps_out};
	snprintf(up->p.path, sizeof(up->p.path), "%s", d->info.path);
	up->d = d;
	up->handle = handle;
	alloc_all(up, up->in, USB_PIPE_IN);
	alloc_all(up, up->out, USB_PIPE_OUT);
	return &up->p;
}
