/* SPDX-License-Identifier: Apache-2.0 */
/* What usb*.c share; with usb_pipe.c the only files that include libusb. Included nowhere else. */
#ifndef FRAMEFARM_DRIVERS_ADB_USB_INTERNAL_H
#define FRAMEFARM_DRIVERS_ADB_USB_INTERNAL_H

#include "drivers/adb/usb.h"

#include <libusb-1.0/libusb.h>

#include "base/err.h"
#include "drivers/adb/usb_pipe.h"
#include "drivers/driver.h"

/* A piece of work for the pool; the first member of what it works on. Between usb_job_start() and
 * done() it counts as under way, and the pool alone touches what stands around it. */
struct usb_job {
	struct adb_usb *u;
	struct adb_usb_dev *d;           /* held until done() returns; NULL for none */
	void (*work)(struct usb_job *j); /* on the pool */
	void (*done)(struct usb_job *j); /* on the loop; frees what j stands in */
};

struct usb_ctx {
	struct adb_usb *u;
	struct usb_ctx *next;
	libusb_context *c;
	int users; /* devices that were found in it, and hotplug */
	libusb_hotplug_callback_handle hotplug;
};

/* The ADB interface of a device. */
struct usb_match {
	int config, iface;
	uint8_t ep_in, ep_out;
	uint16_t mps_in, mps_out;
};

enum usb_dev_state {
	USB_DEV_NEW,     /* nobody has looked yet */
	USB_DEV_LOOKING, /* usb_look.c is at it */
	USB_DEV_IGNORED, /* not for us; kept, so that a scan does not find it again */
	USB_DEV_LISTED,  /* our user knows it */
};

struct usb_open {
	bool on; /* asked for, and not answered */
	bool working;
	int tries;
	struct host_timer *again;
	void (*done)(void *arg, struct adb_link *l, int code, const char *text);
	void *arg;
};

struct adb_usb_dev {
	struct adb_usb *u;
	struct adb_usb_dev *next;
	int refs; /* the list, each job, the pipe */
	struct usb_ctx *ctx;
	libusb_device *usb;
	enum usb_dev_state state;
	bool on_bus;
	uint8_t bus, addr;
	char node[32]; /* "/dev/bus/usb/001/002" */
	struct adb_usb_info info;
	struct usb_match match;
	int looks;
	struct host_timer *look_again;
	void *user;

	struct usb_pipe *pipe; /* open, or on its way to be closed */
	bool was_reset;
	struct usb_open open;
	bool detached, watching;
	struct host_timer *detach_soon;
	void (*detach_done)(void *arg);
	void *detach_arg;
};

struct adb_usb {
	struct driver_host *h;
	struct adb_usb_config cfg;
	const struct adb_usb_events *events;
	void *arg;
	int epfd; /* libusb's descriptors, of all contexts */
	struct host_fd *watch;
	struct usb_ctx *ctxs;
	bool hotplug, told_no_usb;
	struct adb_usb_dev *devs; /* in the order of arrival */
	int n_devs;
	int jobs; /* under way */
	struct host_timer *soon, *scan, *look, *timeouts;
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* ---- usb.c ---- */

void usb_job_start(struct adb_usb *u, struct adb_usb_dev *d, struct usb_job *j,
	void (*work)(struct usb_job *j), void (*done)(struct usb_job *j));
/* usb_find_turn() in a later turn. */
void usb_soon(struct adb_usb *u);
void usb_timer(struct adb_usb *u, struct host_timer **t, int64_t ms, void (*fn)(void *arg),
	void *arg); /* unless it is set already */
void usb_untimer(struct adb_usb *u, struct host_timer **t);
/* A context from libusb_init(), on the pool; then, on the loop, its events are handled. */
void usb_ctx_add(struct adb_usb *u, struct usb_ctx *ctx);
struct adb_usb_dev *usb_dev_add(struct usb_ctx *ctx, libusb_device *usb);
void usb_dev_unref(struct adb_usb_dev *d);
int usb_err(int rc); /* of a libusb_error */

/* ---- usb_find.c ---- */

void usb_find_start(struct adb_usb *u);
void usb_find_turn(struct adb_usb *u);
void usb_find_stop(struct adb_usb *u);

/* ---- usb_look.c ---- */

/* Reads what the device is; then appeared(), or USB_DEV_IGNORED. */
void usb_look(struct adb_usb_dev *d);

/* ---- usb_open.c ---- */

void usb_open_leave(struct adb_usb_dev *d);  /* it left the bus: ends what is under way */
void usb_open_closed(struct adb_usb_dev *d); /* its pipe was closed */

/* ---- usb_watch.c ---- */

/* Looks at those that need a person, in a while. */
void usb_watch(struct adb_usb *u);
/* The driver that is bound to the ADB interface, "" for none. Reads sysfs: on the pool. */
void usb_read_owner(const struct adb_usb_dev *d, char *dst, size_t size);

/* ---- usb_pipe.c ---- */

/* Takes the handle, with the interface claimed. */
struct usb_pipe *usb_pipe_new(struct adb_usb_dev *d, libusb_device_handle *handle);
void usb_pipe_gone(struct usb_pipe *p);
bool usb_pipe_closing(const struct usb_pipe *p);

#endif
