/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the need of a phone is over. Looks without opening anything: at the node's permissions, and
 * in sysfs at the driver of the interface, which is "usbfs" as long as a program has claimed it.
 */
#include "usb_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

struct watch_job {
	struct usb_job job;
	enum adb_usb_need need;
	bool over;
};

void usb_read_owner(const struct adb_usb_dev *d, char *dst, size_t size)
{
	char path[96], link[256];
	const char *name;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s:%d.%d/driver", d->info.path,
		d->match.config, d->match.iface);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	name = strrchr(link, '/');
	str_copy(dst, size, name ? name + 1 : link);
}

static void watch_work(struct usb_job *job)
{
	struct watch_job *w = (struct watch_job *)job;
	char owner[32];

	if (w->need == ADB_USB_NO_PERMISSION) {
		w->over = access(job->d->node, R_OK | W_OK) == 0;
	} else if (w->need == ADB_USB_HELD) {
		usb_read_owner(job->d, owner, sizeof(owner));
		w->over = !owner[0];
	} else {
		w->over = true; /* worth another try */
	}
}

static bool needs_watch(const struct adb_usb_dev *d)
{
	return d->state == USB_DEV_LISTED && d->on_bus && !d->detached && !d->watching &&
	       !d->open.on && !d->open.working && !d->pipe && d->info.need != ADB_USB_READY &&
	       d->info.need != ADB_USB_NO_DEBUGGING;
}

static void watch_done(struct usb_job *job)
{
	struct watch_job *w = (struct watch_job *)job;
	struct adb_usb_dev *d = job->d;
	struct adb_usb *u = job->u;

	d->watching = false;
	if (w->over && needs_watch(d) && d->info.need == w->need && !u->stopping) {
		d->info.need = ADB_USB_READY;
		d->info.text[0] = '\0';
		u->events->changed(u->arg, d);
	}
	mem_free(w);
	usb_watch(u);
}

static void watch(struct adb_usb_dev *d)
{
	struct watch_job *w = mem_zalloc(sizeof(*w));

	d->watching = true;
	w->need = d->info.need;
	usb_job_start(d->u, d, &w->job, watch_work, watch_done);
}

static void on_watch(void *arg)
{
	struct adb_usb *u = arg;

	u->look = NULL;
	for (struct adb_usb_dev *d = u->devs; d; d = d->next)
		if (needs_watch(d))
			watch(d);
}

void usb_watch(struct adb_usb *u)
{
	bool any = false;

	for (struct adb_usb_dev *d = u->devs; d && !any; d = d->next)
		any = d->info.need != ADB_USB_READY && d->info.need != ADB_USB_NO_DEBUGGING;
	if (any && !u->stopping)
		usb_timer(u, &u->look, ADB_USB_WATCH_MS, on_watch, u);
}
