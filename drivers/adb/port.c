/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to a phone share: their place in the instance, and words for people. Loop thread. */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

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

void adb_port_trouble(struct adb_port *p, const char *text)
{
	bool news = *text && !*p->trouble;

	str_copy(p->trouble, sizeof(p->trouble), text);
	if (news)
		log_warn("event=adb_unreachable address=%s cause=\"%s\" remedy=\"it is tried again "
			 "until `framefarm device disconnect %s`\"",
			p->address, text, p->address);
}

/* The dialog comes up once a connection, and a phone whose owner dismissed it says nothing. */
bool adb_need_text(enum adb_host_state st, const char *said, bool usb, char dst[LIMIT_CAUSE])
{
	if (st != ADB_HOST_UNAUTHORIZED)
		return false;
	snprintf(dst, LIMIT_CAUSE, "%s; where no dialog is up, %s, and it asks again", said,
		usb ? "unplug it and plug it in again"
		    : "`framefarm device detach` it and `attach` it");
	return true;
}
