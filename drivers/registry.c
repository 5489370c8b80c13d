/* SPDX-License-Identifier: Apache-2.0 */
/* The list of drivers, and the names of operations. The only place that names concrete drivers. */
#include "drivers/driver.h"

#include <assert.h>
#include <string.h>

#include "drivers/adb/driver_adb.h"
#include "drivers/local/driver_local.h"

const struct driver *const driver_registry[] = {
	&driver_local,
	&driver_adb,
	NULL,
};

static const char *const op_names[DRIVER_OP_KINDS] = {
	[DRIVER_OP_IDENTIFY] = "identify",
	[DRIVER_OP_PREPARE] = "prepare",
	[DRIVER_OP_PUSH] = "push",
	[DRIVER_OP_PULL] = "pull",
	[DRIVER_OP_EXEC] = "exec",
	[DRIVER_OP_START] = "start",
	[DRIVER_OP_STOP] = "stop",
	[DRIVER_OP_CONNECT] = "connect",
	[DRIVER_OP_COLLECT] = "collect",
	[DRIVER_OP_CLEAN] = "clean",
	[DRIVER_OP_POWER] = "power",
	[DRIVER_OP_REBOOT] = "reboot",
	[DRIVER_OP_EXPOSE] = "expose",
	[DRIVER_OP_UNEXPOSE] = "unexpose",
	[DRIVER_OP_DETACH] = "detach",
	[DRIVER_OP_ATTACH] = "attach",
	[DRIVER_OP_INSTALL] = "install",
	[DRIVER_OP_PROVISION] = "provision",
};

const struct driver *driver_find(const char *name)
{
	for (int i = 0; driver_registry[i]; i++)
		if (!strcmp(driver_registry[i]->name, name))
			return driver_registry[i];
	return NULL;
}

const char *driver_op_name(enum driver_op_kind kind)
{
	assert(kind < DRIVER_OP_KINDS);
	return op_names[kind];
}
