/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REBOOT, DETACH and ATTACH: operations on the connection itself. A phone that is rebooted goes and
 * arrives anew. A phone that is detached stays known while another tool has it; its connection is
 * gone, and so is what ran over it.
 */
#include "drivers/adb/adb.h"

#include <string.h>

/* ---- REBOOT ---- */

/* Some phones accept and then close, some close at once, some vanish first: each is a yes. */
static void reboot_closed(void *arg, int code, const char *text)
{
	struct adb_op *o = arg;

	o->stream = NULL;
	if (code == ERR_NOTFOUND)
		adb_op_fail(o, ERR_UNSUPPORTED, "the phone refuses to be restarted: %s", text);
	else if (o->why)
		adb_op_fail(o, o->why, "%s", err_name(o->why));
	else
		adb_op_finish(o, 0);
}

static const struct stream_events reboot_events = {.closed = reboot_closed};

int adb_reboot(struct adb_op *o, struct err *e)
{
	static const char service[] = "reboot:";
	struct adb_conn *c = o->dev->conn;

	o->stream = c->ops->open(c, service, strlen(service), &reboot_events, NULL, o, e);
	return o->stream ? 0 : e->code;
}

/* ---- DETACH, ATTACH ---- */

static int check_port(const struct adb_op *o, struct err *e)
{
	const struct adb_port *p = o->dev->port;

	if (!p || !p->ops->detach)
		return err_set(e, ERR_UNSUPPORTED, "this phone cannot be handed to another tool");
	return 0;
}

int adb_detach(struct adb_op *o, struct err *e)
{
	int rc = check_port(o, e);

	if (!rc && !o->dev->detached)
		rc = o->dev->port->ops->detach(o->dev->port, e);
	if (rc)
		return rc;
	o->dev->detached = true;
	adb_op_finish_soon(o, 0);
	return 0;
}

/* Done as soon as it is tried: whether it worked is seen by what the device does next. */
int adb_attach(struct adb_op *o, struct err *e)
{
	int rc = check_port(o, e);

	if (!rc && o->dev->detached)
		rc = o->dev->port->ops->attach(o->dev->port, e);
	if (rc)
		return rc;
	o->dev->detached = false;
	adb_op_finish_soon(o, 0);
	return 0;
}
