/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's table, for registry.c alone. */
#ifndef FRAMEFARM_DRIVERS_ADB_DRIVER_ADB_H
#define FRAMEFARM_DRIVERS_ADB_DRIVER_ADB_H

#include "drivers/driver.h"

extern const struct driver driver_adb;

#endif
