/* SPDX-License-Identifier: Apache-2.0 */
/* Which drivers `framefarm serve` starts, and with what: the options, and the list made of them. */
#ifndef FRAMEFARM_CMD_SERVE_DEVICES_H
#define FRAMEFARM_CMD_SERVE_DEVICES_H

#include <stdbool.h>

#include "cmd/options.h"
#include "drivers/driver.h"
#include "farm/ctl.h"

struct serve_devices {
	bool local, no_usb;
	struct option_list adb, adb_keys;
	char adb_server[256];
};

extern const struct option_table serve_devices_options;

#define SERVE_DRIVERS_MAX 2

struct serve_drivers {
	int n;
	struct ctl_driver drivers[SERVE_DRIVERS_MAX];
	int n_opts;
	struct driver_option opts[2 * OPTION_LIST_MAX + 2]; /* of adb */
};

/* Borrows from v and from *d itself. */
void serve_drivers_fill(struct serve_drivers *d, const struct serve_devices *v);
/* What the drivers say of these options beforehand; nothing is started. */
int serve_drivers_check(const struct serve_devices *v, struct err *e);
void serve_devices_fini(struct serve_devices *v);

#endif
