/* SPDX-License-Identifier: Apache-2.0 */
/* The local driver, for registry.c. */
#ifndef FRAMEFARM_DRIVERS_LOCAL_DRIVER_LOCAL_H
#define FRAMEFARM_DRIVERS_LOCAL_DRIVER_LOCAL_H

#include "drivers/driver.h"

extern const struct driver driver_local;

#endif
