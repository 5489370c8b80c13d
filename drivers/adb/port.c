/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to a phone share: their place in the instance, and words for people. Loop thread. */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void adb_port_init(struct adb_port *p, struct adb *a, const struct adb_port_ops *ops)
{
	p->ops = ops;
	p->a = a;
	TAILQ_INSERT_TAIL(&a->ports, p, link);
}

void adb_port_fini(struct adb_port *p)
{
	if (p->dev)
		adb_dev_end(p->dev, "it is not used any more");
	TAILQ_REMOVE(&p->a->ports, p, link);
}

bool adb_need_text(enum adb_host_state st, const char *said, char dst[LIMIT_CAUSE])
{
	if (st != ADB_HOST_UNAUTHORIZED)
		return false;
	snprintf(dst, LIMIT_CAUSE, "%s",
		*said ? said
		      : "unlock the phone and allow USB debugging for this computer (tick \"always "
			"allow\"); if no dialog is shown, unplug the phone and plug it in again");
	return true;
}
