/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link over one USB interface: cuts packets into transfers and puts them together again. The rules
 * are AOSP's (docs/dev/zero_length_packet.md, client/usb_libusb.cpp) and are told in link_usb.c. Loop
 * thread; never allocates more than the longest payload that was agreed, and never splits the work
 * over threads.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_LINK_USB_H
#define FRAMEFARM_DRIVERS_ADB_LINK_USB_H

#include "drivers/adb/link.h"
#include "drivers/adb/usb_pipe.h"

#define ADB_USB_WRITE_MS                                                                           \
	5000 /* a write that does not move for so long breaks the link; twice before CNXN */
#define ADB_USB_SPLIT     (16 * 1024)       /* pieces when the kernel has no memory for more */
#define ADB_USB_STARVE_MS 50                /* until the next try when it has none at all */
#define ADB_USB_STALE_MAX (4 * 1024 * 1024) /* leftovers that are thrown away, at most */

/* What a closed link has for the rest of a packet that the phone has half of; see link_usb_out.c. */
#define ADB_USB_LEAVE_MS 1000

/* Takes the pipe. Reading begins in a later turn. */
struct adb_link *adb_link_usb(struct driver_host *h, struct usb_pipe *p);

#endif
