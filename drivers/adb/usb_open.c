/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a phone, and what keeps us from it: no permission on its node, an interface that another
 * program has claimed. Neither configuration nor reset is touched: some phones fall back to charging
 * (android-file-transfer-linux #221).
 */
#include "usb_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "drivers/adb/link_usb.h"

/* udev may change a node's mode after it has told of the device (AOSP waits alike). */
#define PERM_TRIES 4
#define PERM_MS    200

struct open_job {
	struct usb_job job;
	libusb_device_handle *handle; /* claimed */
	int code;
	bool server;    /* something listens where an adb server would */
	char owner[32]; /* the driver that is bound to the interface; "usbfs": a program */
	char cause[64];
};

static bool something_listens(uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	yes = fd >= 0 && !connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	if (fd >= 0)
		close(fd);
	return yes;
}

/* ---- what a person must do ---- */

static void say_held(struct adb_usb_dev *d, const struct open_job *o)
{
	struct adb_usb_info *i = &d->info;

	if (o->owner[0] && strcmp(o->owner, "usbfs"))
		snprintf(i->text, sizeof(i->text),
			"the phone at USB port %s is in use by the kernel's driver %s: unload it",
			i->path, o->owner);
	else if (o->server)
		snprintf(i->text, sizeof(i->text),
			"the phone at USB port %s is in use by an adb server (port %u): "
			"end it with `adb kill-server`, or use the phone through it with "
			"`framefarm device connect server:%.40s`",
			i->path, d->u->cfg.server_port, i->serial[0] ? i->serial : "SERIAL");
	else
		snprintf(i->text, sizeof(i->text),
			"the phone at USB port %s is in use by another program: end that one, and "
			"if the phone was handed over, take it back with `framefarm device attach`",
			i->path);
}

static void say_need(struct adb_usb_dev *d, const struct open_job *o)
{
	struct adb_usb_info *i = &d->info;

	i->may_pass = o->code != ERR_PERM;
	if (o->code == ERR_PERM) {
		i->need = ADB_USB_NO_PERMISSION;
		snprintf(i->text, sizeof(i->text),
			"no permission to use the phone at USB port %s (%s): install Framefarm's "
			"udev "
			"rule, add its user to the group plugdev and replug the phone; `framefarm "
			"doctor` checks this",
			i->path, d->node);
	} else if (o->code == ERR_BUSY) {
		i->need = ADB_USB_HELD;
		say_held(d, o);
	} else {
		i->need = ADB_USB_FAULTY;
		snprintf(i->text, sizeof(i->text), "the phone at USB port %s did not open (%s)",
			i->path, o->cause);
	}
}

/* ---- opening ---- */

static int fail_open(struct open_job *o, int rc, const char *what)
{
	snprintf(o->cause, sizeof(o->cause), "%s: %s", what, libusb_error_name(rc));
	if (o->handle)
		libusb_close(o->handle);
	o->handle = NULL;
	return usb_err(rc);
}

static int open_and_claim(struct open_job *o, struct adb_usb_dev *d)
{
	int rc = libusb_open(d->usb, &o->handle);

	if (rc)
		return fail_open(o, rc, "open");
	/* usb_debug binds to the USB 3 debug class; nothing does to adbd's. No way to evict
	 * another program. */
	libusb_set_auto_detach_kernel_driver(o->handle, 1);
	rc = libusb_claim_interface(o->handle, d->match.iface);
	if (rc)
		return fail_open(o, rc, "claim");
	return 0;
}

static void open_work(struct usb_job *job)
{
	struct open_job *o = (struct open_job *)job;
	struct adb_usb_dev *d = job->d;

	o->code = open_and_claim(o, d);
	if (o->code == ERR_BUSY) {
		usb_read_owner(d, o->owner, sizeof(o->owner));
		o->server = something_listens(job->u->cfg.server_port);
	}
}

static void answer(struct adb_usb_dev *d, struct adb_link *l, int code, const char *text)
{
	struct usb_open op = d->open;

	d->open = (struct usb_open){.working = op.working};
	usb_untimer(d->u, &op.again);
	if (op.on && !d->u->stopping)
		op.done(op.arg, l, code, text);
}

static void begin(struct adb_usb_dev *d);

static void on_again(void *arg)
{
	struct adb_usb_dev *d = arg;

	d->open.again = NULL;
	begin(d);
}

static void failed(struct adb_usb_dev *d, const struct open_job *o)
{
	if (o->code == ERR_PERM && ++d->open.tries < PERM_TRIES) {
		usb_timer(d->u, &d->open.again, PERM_MS, on_again, d);
		return;
	}
	if (o->code == ERR_GONE) {
		/* libusb says so as well for a node that is not there (yet). */
		d->info.need = ADB_USB_FAULTY;
		d->info.may_pass = true;
		snprintf(d->info.text, sizeof(d->info.text), "the phone at USB port %s went",
			d->info.path);
	} else {
		say_need(d, o);
	}
	usb_watch(d->u);
	answer(d, NULL, o->code == ERR_NOMEM ? ERR_IO : o->code, d->info.text);
}

static void opened(struct adb_usb_dev *d, libusb_device_handle *handle)
{
	struct usb_pipe *p = usb_pipe_new(d, handle);
	struct adb_link *l = adb_link_usb(d->u->h, p);

	d->pipe = p;
	d->refs++;
	d->info.need = ADB_USB_READY;
	d->info.text[0] = '\0';
	if (d->open.on && d->on_bus && !d->u->stopping)
		answer(d, l, 0, "");
	else
		l->ops->close(l); /* nobody waits any more */
}

static void open_done(struct usb_job *job)
{
	struct open_job *o = (struct open_job *)job;
	struct adb_usb_dev *d = job->d;

	d->open.working = false;
	if (o->handle)
		opened(d, o->handle);
	else if (d->open.on)
		failed(d, o);
	mem_free(o);
}

static void begin(struct adb_usb_dev *d)
{
	struct open_job *o = mem_zalloc(sizeof(*o));

	d->open.working = true;
	usb_job_start(d->u, d, &o->job, open_work, open_done);
}

int adb_usb_open(struct adb_usb_dev *d,
	void (*done)(void *arg, struct adb_link *l, int code, const char *text), void *arg)
{
	if (d->detached || d->info.need == ADB_USB_NO_DEBUGGING || !d->on_bus)
		return ERR_WRONGSTATE;
	if (d->open.on || d->open.working || (d->pipe && !usb_pipe_closing(d->pipe)))
		return ERR_BUSY;
	d->open = (struct usb_open){.on = true, .done = done, .arg = arg};
	if (!d->pipe)
		begin(d); /* else once it is closed */
	return 0;
}

/* ---- its end ---- */

static void tell_detached(struct adb_usb_dev *d)
{
	void (*done)(void *arg) = d->detach_done;

	d->detach_done = NULL;
	if (done && !d->u->stopping)
		done(d->detach_arg);
}

void usb_open_leave(struct adb_usb_dev *d)
{
	/* When all of it ends, the phone is still there for a link's last words. */
	if (d->pipe && !(d->u->stopping && usb_pipe_closing(d->pipe)))
		usb_pipe_gone(d->pipe);
	answer(d, NULL, ERR_GONE, "the phone went while it was being opened");
	usb_untimer(d->u, &d->detach_soon);
	tell_detached(d);
}

void usb_open_closed(struct adb_usb_dev *d)
{
	d->pipe = NULL;
	tell_detached(d);
	if (d->was_reset && d->on_bus && !d->u->stopping) {
		/* As when it is plugged in anew; where it did re-enumerate, the bus tells too. */
		d->on_bus = false;
		usb_dev_add(d->ctx, d->usb);
	} else if (d->open.on && d->on_bus) {
		begin(d);
	}
	usb_dev_unref(d);
}

/* ---- detach and attach ---- */

static void on_detached(void *arg)
{
	struct adb_usb_dev *d = arg;

	d->detach_soon = NULL;
	if (!d->pipe)
		tell_detached(d);
}

int adb_usb_detach(struct adb_usb_dev *d, void (*done)(void *arg), void *arg)
{
	if (d->detached || !d->on_bus)
		return ERR_WRONGSTATE;
	if (d->open.on || d->open.working || (d->pipe && !usb_pipe_closing(d->pipe)))
		return ERR_BUSY;
	d->detached = true;
	d->detach_done = done;
	d->detach_arg = arg;
	usb_timer(d->u, &d->detach_soon, 0, on_detached, d);
	return 0;
}

int adb_usb_attach(struct adb_usb_dev *d)
{
	if (!d->detached)
		return ERR_WRONGSTATE;
	d->detached = false;
	if (d->info.need != ADB_USB_READY)
		usb_watch(d->u);
	return 0;
}
