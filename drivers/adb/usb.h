/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phones on this host's USB ports: finds them, tells what a person must do where one cannot be
 * used, opens them and hands out a link. libusb lives in usb*.c alone; the session over a link is
 * host.c's.
 *
 *	usb                                     its user (adb.c)
 *	 | appeared(dev) ------------------------> info->need says whether it can be opened
 *	 | <-------------------- adb_usb_open(dev)
 *	 | done(link, 0) ------------------------> a session; its end is link->ops->close()
 *	 |  or done(NULL, code, text) -----------> info->need says what a person must do
 *	 | changed(dev) -------------------------> the need is over: open it again
 *	 | left(dev) ----------------------------> close its link, forget dev
 *
 * Threads. Everything here is called, and calls back, on the loop thread; no event and no done()
 * comes from inside a call. Opening, claiming, clear-halt, reset, closing and all reading of sysfs
 * run on the host's pool. Only the loop thread handles libusb's events: no work on the pool waits for
 * a transfer, since a thread that does so runs other transfers' callbacks.
 *
 * Arrivals. With udev libusb tells them; its callback only queues. Without (a container, a minimal
 * system) a scan looks every ADB_USB_SCAN_MS; see usb_find.c for why each scan needs a context of its
 * own.
 *
 * Identity. A serial may be empty or another phone's too, so a device is its port path, "1-4.2": the
 * bus and up to seven ports, as sysfs names it. A phone that re-enumerates leaves and appears as
 * another struct adb_usb_dev with the same path.
 *
 * Detach. adb_usb_open() is refused while a device is detached, and nothing of it is held open: another
 * program of this host can have it. Its user closes the link first.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_USB_H
#define FRAMEFARM_DRIVERS_ADB_USB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct adb_link;
struct adb_usb;
struct adb_usb_dev;
struct driver_host;
struct err;

/* What we tell a phone on USB that we take at a time. The kernel lends 16 MiB for the transfers of all
 * devices together (usbcore.usbfs_memory_mb): 40 phones with 1 MiB each would not fit. */
#define ADB_USB_PAYLOAD (256 * 1024)

#define ADB_USB_DEVS     256  /* devices of all kinds on the host's buses; more are not looked at */
#define ADB_USB_SCAN_MS  2000 /* between two scans, where there is no udev */
#define ADB_USB_WATCH_MS 2000 /* between two looks at a phone that needs a person */
#define ADB_USB_PATH     32   /* "255-" and seven ports of up to three digits */

enum adb_usb_mode {
	ADB_USB_AUTO, /* hotplug where udev runs, else scan */
	ADB_USB_HOTPLUG,
	ADB_USB_SCAN,
};

struct adb_usb_config {
	enum adb_usb_mode mode;
	uint16_t server_port; /* where an adb server would listen, on 127.0.0.1; 0: 5037 */
};

/* Why a phone cannot be opened. `info.text` has the sentence for a person. */
enum adb_usb_need {
	ADB_USB_READY,         /* it can, as far as we know */
	ADB_USB_NO_PERMISSION, /* its node is not ours: no udev rule, not in the group */
	ADB_USB_HELD,          /* another program has claimed the interface */
	ADB_USB_NO_DEBUGGING,  /* a phone without an ADB interface: USB debugging is off */
	ADB_USB_FAULTY,        /* it did not open; tried again after ADB_USB_WATCH_MS */
};

struct adb_usb_info {
	char path[ADB_USB_PATH];
	uint16_t vid, pid;
	char serial[LIMIT_VALUE];  /* as it came, cleaned; may be empty, may be another's too */
	char product[LIMIT_VALUE]; /* the USB product string, likewise */
	enum adb_usb_need need;
	char text[LIMIT_CAUSE]; /* "" when READY */
	bool may_pass;          /* may come right without a person */
};

struct adb_usb_events {
	void (*appeared)(void *arg, struct adb_usb_dev *d);
	/* d->need is over (READY). */
	void (*changed)(void *arg, struct adb_usb_dev *d);
	/* It is gone; d is freed behind this. An open under way has ended with ERR_GONE before. A
	 * link that is still open must be closed inside this call (its broken() may have come). */
	void (*left)(void *arg, struct adb_usb_dev *d);
};

/* Looking begins in a later turn; a host without USB is no error. Events are borrowed until
 * stopped(). */
int adb_usb_new(struct driver_host *h, const struct adb_usb_config *cfg,
	const struct adb_usb_events *events, void *arg, struct adb_usb **ret_u, struct err *e);
/* Every link has been closed. No event and no done() comes any more; stopped(arg) comes when the
 * kernel has given everything back, and u is freed. */
void adb_usb_stop(struct adb_usb *u, void (*stopped)(void *arg), void *arg);

const struct adb_usb_info *adb_usb_info(const struct adb_usb_dev *d);
void *adb_usb_user(const struct adb_usb_dev *d);
void adb_usb_set_user(struct adb_usb_dev *d, void *user);

/* Claims the interface; done() comes once, with a link (its events are set inside done()) or with
 * NULL, a code and a sentence:
 *	ERR_PERM, ERR_BUSY  a person is needed, see info
 *	ERR_GONE            it left; left() follows or has been seen on the bus
 *	ERR_IO              it did not open; changed() follows
 * Refused at once, without done(): ERR_BUSY while a link is open or being opened, ERR_WRONGSTATE when
 * detached or without an ADB interface. */
int adb_usb_open(struct adb_usb_dev *d,
	void (*done)(void *arg, struct adb_link *l, int code, const char *text), void *arg);

/* Lets go of the device for another program, until attach. done(arg) comes once nothing of it is open;
 * ERR_BUSY while a link is open or being opened, ERR_WRONGSTATE when it is detached already. Behind
 * attach, open it again. */
int adb_usb_detach(struct adb_usb_dev *d, void (*done)(void *arg), void *arg);
int adb_usb_attach(struct adb_usb_dev *d);

#endif
