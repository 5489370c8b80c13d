/* SPDX-License-Identifier: Apache-2.0 */
/* Whether compressing a file pays, found out from a sample of it. */
#ifndef FRAMEFARM_DRIVERS_ADB_PAYS_H
#define FRAMEFARM_DRIVERS_ADB_PAYS_H

#include <stdint.h>

struct driver_host;

/* Reads up to three pieces of src on the pool; done(arg, kind) comes later, once, with the ADB_SYNC_*
 * of the best compression among `features` that brings the sample below four fifths, or 0. ERR_FULL
 * when the pool has no room. src is copied. */
int adb_pays(struct driver_host *h, const char *src, uint32_t features,
	void (*done)(void *arg, uint32_t kind), void *arg);

#endif
