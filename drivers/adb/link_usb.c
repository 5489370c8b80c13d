/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a USB link: its start, its one way to break, getting back in step, its end. Reading is
 * in link_usb_in.c, writing in link_usb_out.c, which also has the last word behind close().
 *
 * Nothing is reported from inside a call: `soon`, a timer that is due at once, starts the link, goes
 * on behind kick() and pause(), and reports the end. The memory lives until the pipe says closed(),
 * since the kernel may write to the buffers until then.
 */
#include "link_usb_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "drivers/driver.h"

bool lusb_runs(const struct lusb *u)
{
	return u->started && !u->dead && !u->closed && !u->rs.on;
}

static struct lusb *of(struct adb_link *l)
{
	return (struct lusb *)l;
}

/* ---- soon ---- */

static void resync_step(struct lusb *u);

static void finish_resync(struct lusb *u, int code)
{
	void (*done)(void *arg, int code) = u->rs.done;

	u->rs.on = u->rs.asked = false;
	u->rs.done = NULL;
	if (done && !u->closed)
		done(u->rs.arg, code);
}

static void tell(struct lusb *u)
{
	if (u->told)
		return;
	u->told = true;
	if (u->rs.on)
		finish_resync(u, u->code);
	if (!u->closed && u->l.events)
		u->l.events->broken(u->l.arg, u->code, u->text);
}

static void go_on(struct lusb *u)
{
	if (u->dead) {
		tell(u);
	} else if (u->rs.on) {
		resync_step(u);
	} else {
		lusb_in_run(u);
		lusb_out_run(u);
	}
}

static void on_soon(void *arg)
{
	struct lusb *u = arg;

	u->soon = NULL;
	u->started = true;
	go_on(u);
}

static void soon(struct lusb *u)
{
	if (!u->soon && !u->closed)
		u->soon = u->h->timer_add(u->h, u->h->now_ms(u->h), on_soon, u);
}

static void on_retry(void *arg)
{
	struct lusb *u = arg;

	u->retry = NULL;
	go_on(u);
}

static void retry_later(struct lusb *u)
{
	int64_t at = u->h->now_ms(u->h) + ADB_USB_STARVE_MS;

	if (!u->retry && !u->closed)
		u->retry = u->h->timer_add(u->h, at, on_retry, u);
}

/* ---- what goes wrong ---- */

void lusb_fail(struct lusb *u, int code, const char *fmt, ...)
{
	va_list ap;

	if (u->dead || u->closed)
		return;
	u->dead = true;
	u->code = code;
	va_start(ap, fmt);
	vsnprintf(u->text, sizeof(u->text), fmt, ap);
	va_end(ap);
	u->p->ops->cancel(u->p);
	soon(u);
}

void lusb_fail_end(struct lusb *u, enum usb_end end, const char *what)
{
	switch (end) {
	case USB_END_GONE:
		lusb_fail(u, ERR_GONE, "the phone at USB port %s went", u->p->path);
		break;
	case USB_END_OVERFLOW:
		lusb_fail(u, ERR_PROTO, "the phone sent more than it had announced");
		break;
	case USB_END_STALLED:
		lusb_fail(u, ERR_IO, "USB endpoint stalled while %s", what);
		break;
	default:
		lusb_fail(u, ERR_IO, "USB transfer failed while %s; check the cable and the hub",
			what);
	}
}

void lusb_fail_submit(struct lusb *u, int rc)
{
	if (rc == ERR_GONE)
		lusb_fail_end(u, USB_END_GONE, "");
	else
		lusb_fail(u, ERR_IO, "the kernel refused a USB transfer (%s)", err_name(rc));
}

void lusb_starve(struct lusb *u, int64_t *since)
{
	int64_t now = u->h->now_ms(u->h);

	if (*since < 0)
		*since = now;
	if (now - *since >= ADB_USB_WRITE_MS)
		lusb_fail(u, ERR_IO,
			"the kernel has no memory for USB transfers; raise the module "
			"parameter usbcore.usbfs_memory_mb (16 by default, for all devices)");
	else
		retry_later(u);
}

static void on_gone(void *arg)
{
	lusb_fail_end(arg, USB_END_GONE, "");
}

/* ---- resync ---- */

static void on_resynced(void *arg, int code)
{
	struct lusb *u = arg;
	int level = u->rs.level;

	if (!u->rs.on)
		return; /* it broke meanwhile, and that was told */
	lusb_in_reset(u);
	lusb_out_reset(u);
	u->version = ADB_VERSION_SUM;
	u->max = ADB_HANDSHAKE_MAX;
	finish_resync(u, code);
	if (u->closed)
		return;
	if (level == 2 && !code)
		lusb_fail(u, ERR_GONE, "the phone at USB port %s was reset", u->p->path);
	else
		soon(u);
}

/* Once nothing is in flight: what the level asks for. */
static void resync_step(struct lusb *u)
{
	int rc;

	if (u->dead || u->in.flying || u->out.flying || u->rs.asked)
		return;
	if (u->rs.level == 0) {
		on_resynced(u, 0);
		return;
	}
	u->rs.asked = true;
	if (u->rs.level == 1)
		rc = u->p->ops->clear_halt(u->p, on_resynced, u);
	else
		rc = u->p->ops->reset(u->p, on_resynced, u);
	if (rc) {
		u->rs.asked = false;
		retry_later(u); /* the pool is full */
	}
}

void lusb_drained(struct lusb *u)
{
	if (u->rs.on && !u->in.flying && !u->out.flying)
		soon(u);
}

static int link_resync(struct adb_link *l, int level, void (*done)(void *arg, int code), void *arg)
{
	struct lusb *u = of(l);

	if (u->dead)
		return ERR_GONE;
	if (u->rs.on)
		return ERR_BUSY;
	u->rs = (struct lusb_resync){.on = true, .level = level, .done = done, .arg = arg};
	u->p->ops->cancel(u->p);
	soon(u);
	return 0;
}

/* ---- the link ---- */

static void link_kick(struct adb_link *l)
{
	of(l)->out.want = true;
	soon(of(l));
}

static void link_pause(struct adb_link *l, bool on)
{
	of(l)->paused = on;
	if (!on)
		soon(of(l));
}

static void link_agreed(struct adb_link *l, uint32_t version, uint32_t max_payload)
{
	of(l)->version = version;
	of(l)->max = max_payload < ADB_PAYLOAD_MAX ? max_payload : ADB_PAYLOAD_MAX;
}

static void drop_timer(struct lusb *u, struct host_timer **t)
{
	if (*t)
		u->h->timer_del(u->h, *t);
	*t = NULL;
}

void lusb_left(struct lusb *u)
{
	drop_timer(u, &u->leave);
	u->p->ops->close(u->p);
}

static void on_leave_over(void *arg)
{
	struct lusb *u = arg;

	u->leave = NULL;
	lusb_left(u);
}

static void link_close(struct adb_link *l)
{
	struct lusb *u = of(l);

	u->closed = true;
	drop_timer(u, &u->soon);
	drop_timer(u, &u->retry);
	drop_timer(u, &u->out.watch);
	if (u->dead || u->rs.on || !u->in.synced || !lusb_out_owes(u)) {
		lusb_left(u);
		return;
	}
	u->leave = u->h->timer_add(u->h, u->h->now_ms(u->h) + ADB_USB_LEAVE_MS, on_leave_over, u);
	u->p->ops->leave(u->p);
	lusb_out_leave(u);
}

static void on_closed(void *arg)
{
	struct lusb *u = arg;

	lusb_out_drop(u);
	mem_free(u->in.buf);
	mem_free(u);
}

static const struct adb_link_ops link_ops = {
	link_kick, link_pause, link_agreed, link_resync, link_close};

static const struct usb_pipe_events pipe_events = {lusb_on_in, lusb_on_out, on_gone, on_closed};

struct adb_link *adb_link_usb(struct driver_host *h, struct usb_pipe *p)
{
	struct lusb *u = mem_zalloc(sizeof(*u));

	u->l.ops = &link_ops;
	u->l.usb = true;
	snprintf(u->l.where, sizeof(u->l.where), "usb %s", p->path);
	u->h = h;
	u->p = p;
	p->events = &pipe_events;
	p->arg = u;
	u->version = ADB_VERSION_SUM;
	u->max = ADB_HANDSHAKE_MAX;
	lusb_in_reset(u);
	lusb_out_reset(u);
	soon(u);
	return &u->l;
}
