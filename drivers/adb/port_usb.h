/* SPDX-License-Identifier: Apache-2.0 */
/* Phones on USB as ports of the driver; see port_usb.c. Loop thread. */
#ifndef FRAMEFARM_DRIVERS_ADB_PORT_USB_H
#define FRAMEFARM_DRIVERS_ADB_PORT_USB_H

#include "drivers/adb/adb.h"
#include "drivers/adb/usb.h"

/* Begins to look; fills a->usb. The end is adb_usb_stop(), once every port is freed. */
int adb_port_usb_begin(struct adb *a, struct err *e);

#endif
