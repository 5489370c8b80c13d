/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices are on the buses: told by udev, or found by scanning. Arrivals and departures are
 * noted where they are seen and acted upon in usb_find_turn(), departures first, so that a phone that
 * re-enumerates has left before it appears.
 *
 * libusb built with udev keeps its list by udev's events alone, and gets none where udev does not run:
 * libusb_get_device_list() would answer for ever what it saw at first. Only a new context looks at
 * sysfs anew, so a scan is a new context, which lives as long as devices that were found in it.
 */
#include "usb_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define UDEV_CONTROL "/run/udev/control" /* there while udev runs; libudev looks at it too */
#define NO_USB_MS    10000               /* until the next try on a host without USB */

static struct adb_usb_dev *dev_of(const struct adb_usb *u, const libusb_device *usb)
{
	struct adb_usb_dev *d = u->devs;

	while (d && !(d->usb == usb && d->on_bus))
		d = d->next;
	return d;
}

static void arrived(struct usb_ctx *ctx, libusb_device *usb)
{
	if (!usb_dev_add(ctx, usb))
		log_warn("event=usb_full limit=%d text=\"more USB devices than are looked at\"",
			ADB_USB_DEVS);
}

/* ---- hotplug ---- */

/* Inside libusb's event handling: queues, no more. The same device may be told of twice. */
static int LIBUSB_CALL on_hotplug(
	libusb_context *c, libusb_device *usb, libusb_hotplug_event event, void *user)
{
	struct usb_ctx *ctx = user;
	struct adb_usb_dev *d = dev_of(ctx->u, usb);

	(void)c;
	if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED && !d) {
		arrived(ctx, usb);
	} else if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT && d) {
		d->on_bus = false;
		usb_soon(ctx->u);
	}
	return 0;
}

static bool begin_hotplug(struct usb_ctx *ctx)
{
	int rc = libusb_hotplug_register_callback(ctx->c,
		LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT,
		LIBUSB_HOTPLUG_ENUMERATE, LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
		LIBUSB_HOTPLUG_MATCH_ANY, on_hotplug, ctx, &ctx->hotplug);

	if (rc) {
		log_warn("event=usb_no_hotplug cause=%s", libusb_error_name(rc));
		return false;
	}
	ctx->users++;
	return true;
}

/* ---- scan ---- */

struct scan_job {
	struct usb_job job;
	int rc;
	struct usb_ctx *ctx;
	libusb_device **list;
	ssize_t n;
};

static struct adb_usb_dev *find_known(const struct adb_usb *u, libusb_device *usb)
{
	uint8_t bus = libusb_get_bus_number(usb), addr = libusb_get_device_address(usb);
	struct adb_usb_dev *d = u->devs;

	while (d && !(d->on_bus && d->bus == bus && d->addr == addr))
		d = d->next;
	return d;
}

/* What is on the list is there; what is not has left. */
static void compare(struct scan_job *s)
{
	struct adb_usb *u = s->job.u;
	struct adb_usb_dev *d, *seen[ADB_USB_DEVS];
	int n_seen = 0, i;

	for (ssize_t k = 0; k < s->n; k++) {
		d = find_known(u, s->list[k]);
		if (d && n_seen < ADB_USB_DEVS)
			seen[n_seen++] = d;
	}
	for (d = u->devs; d; d = d->next) {
		for (i = 0; i < n_seen && seen[i] != d; i++)
			;
		if (i == n_seen)
			d->on_bus = false;
	}
	for (ssize_t k = 0; k < s->n; k++)
		if (!find_known(u, s->list[k]))
			arrived(s->ctx, s->list[k]);
	usb_soon(u);
}

static void scan_work(struct usb_job *job)
{
	struct scan_job *s = (struct scan_job *)job;

	s->rc = libusb_init(&s->ctx->c);
	if (!s->rc && !job->u->hotplug)
		s->n = libusb_get_device_list(s->ctx->c, &s->list);
}

static void on_scan_timer(void *arg);

static void scan_failed(struct adb_usb *u, struct scan_job *s)
{
	if (!u->told_no_usb)
		log_info("event=no_usb cause=%s text=\"this host has no USB that can be used\"",
			libusb_error_name(s->rc));
	u->told_no_usb = true;
	mem_free(s->ctx);
	if (!u->stopping)
		usb_timer(u, &u->scan, NO_USB_MS, on_scan_timer, u);
}

static void scan_done(struct usb_job *job)
{
	struct scan_job *s = (struct scan_job *)job;
	struct adb_usb *u = job->u;

	if (s->rc) {
		scan_failed(u, s);
		mem_free(s);
		return;
	}
	usb_ctx_add(u, s->ctx);
	if (u->hotplug && !u->stopping)
		u->hotplug = begin_hotplug(s->ctx);
	else if (!u->stopping && s->n >= 0)
		compare(s);
	if (s->list)
		libusb_free_device_list(s->list, 1);
	if (!u->hotplug && !u->stopping)
		usb_timer(u, &u->scan, ADB_USB_SCAN_MS, on_scan_timer, u);
	usb_soon(u); /* the context may have found nothing new */
	mem_free(s);
}

static void scan(struct adb_usb *u)
{
	struct scan_job *s = mem_zalloc(sizeof(*s));

	s->ctx = mem_zalloc(sizeof(*s->ctx));
	usb_job_start(u, NULL, &s->job, scan_work, scan_done);
}

static void on_scan_timer(void *arg)
{
	struct adb_usb *u = arg;

	u->scan = NULL;
	scan(u);
}

void usb_find_start(struct adb_usb *u)
{
	u->hotplug = u->cfg.mode == ADB_USB_HOTPLUG ||
	             (u->cfg.mode == ADB_USB_AUTO && access(UDEV_CONTROL, F_OK) == 0);
	if (!libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG))
		u->hotplug = false;
	scan(u);
}

/* ---- what was noted ---- */

static void leave(struct adb_usb_dev **at)
{
	struct adb_usb_dev *d = *at;
	struct adb_usb *u = d->u;

	*at = d->next;
	u->n_devs--;
	d->on_bus = false;
	usb_untimer(u, &d->look_again);
	usb_open_leave(d);
	if (d->state == USB_DEV_LISTED && !u->stopping)
		u->events->left(u->arg, d);
	usb_dev_unref(d);
}

/* The first device that has left; events may change the list, so each search begins anew. */
static struct adb_usb_dev **next_to_leave(struct adb_usb *u)
{
	struct adb_usb_dev **at = &u->devs;

	while (*at && (*at)->on_bus)
		at = &(*at)->next;
	return *at ? at : NULL;
}

void usb_find_turn(struct adb_usb *u)
{
	struct adb_usb_dev **at;

	while ((at = next_to_leave(u)))
		leave(at);
	for (struct adb_usb_dev *d = u->devs; d && !u->stopping; d = d->next)
		if (d->state == USB_DEV_NEW)
			usb_look(d);
}

void usb_find_stop(struct adb_usb *u)
{
	for (struct usb_ctx *ctx = u->ctxs; ctx; ctx = ctx->next) {
		if (!ctx->hotplug)
			continue;
		libusb_hotplug_deregister_callback(ctx->c, ctx->hotplug);
		ctx->hotplug = 0;
		ctx->users--;
	}
	for (struct adb_usb_dev *d = u->devs; d; d = d->next)
		d->on_bus = false;
}
