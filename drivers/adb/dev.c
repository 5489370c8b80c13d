/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone from its arrival to its gone(). The order at the end is the contract's: first the
 * operations complete, then the streams that were handed out are closed, then the device is gone.
 * Loop thread.
 */
#include "drivers/adb/adb.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/driver_adb.h"

struct driver_dev *adb_dev_new(
	struct adb *a, struct adb_port *p, const char *where, const char *serial, bool usb)
{
	struct driver_dev *d = mem_zalloc(sizeof(*d));

	d->a = a;
	d->port = p;
	d->usb = usb;
	str_copy(d->where, sizeof(d->where), where);
	str_copy_clean(d->serial, sizeof(d->serial), serial, strlen(serial));
	TAILQ_INSERT_TAIL(&a->devs, d, link);
	a->host->arrived(a->host, &driver_adb, d, d->where);
	return d;
}

void adb_dev_need(struct driver_dev *d, const char *what_to_do, bool may_pass)
{
	if (!*what_to_do && !d->needy)
		return;
	d->needy = *what_to_do;
	d->a->host->needs_human(d->a->host, d, what_to_do, d->needy && may_pass);
}

void adb_dev_online(struct driver_dev *d, struct adb_conn *c)
{
	assert(!d->conn && !d->ending);
	d->conn = c;
	d->detached = false;
	adb_dev_need(d, "", false);
	adb_op_begin_waiting(d);
}

void adb_dev_offline(struct driver_dev *d, int code, const char *why)
{
	struct adb_op *o, *next;
	struct adb_conn *c = d->conn;

	str_copy(d->why, sizeof(d->why), why);
	for (o = d->ops; o; o = next) {
		next = o->next;
		if (!o->kind->offline && !o->waiting)
			adb_op_end_early(o, code, why);
	}
	d->conn = NULL;
	if (!c)
		return;
	c->ops->close(c);
	adb_conn_unref(c);
}

static void on_end(void *arg)
{
	struct driver_dev *d = arg;
	struct adb *a = d->a;

	a->host->gone(a->host, d, d->why);
	TAILQ_REMOVE(&a->devs, d, link);
	mem_free(d);
	adb_check_stopped(a);
}

void adb_dev_check_end(struct driver_dev *d)
{
	if (!d->ending || d->ops || d->streams || d->end_timer)
		return;
	d->end_timer = d->a->host->timer_add(d->a->host, d->a->host->now_ms(d->a->host), on_end, d);
}

void adb_dev_end(struct driver_dev *d, const char *why)
{
	struct adb_op *o, *next;

	assert(!d->ending);
	d->ending = true;
	if (d->port)
		d->port->dev = NULL;
	d->port = NULL;
	adb_dev_offline(d, ERR_GONE, why);
	for (o = d->ops; o; o = next) {
		next = o->next;
		adb_op_end_early(o, ERR_GONE, why);
	}
	adb_streams_out_end(d, why);
	adb_dev_check_end(d);
}

void adb_dev_change(struct driver_dev *d, const char *why)
{
	struct adb_port *p = d->port;

	adb_dev_end(d, why);
	if (p && p->ops->again)
		p->ops->again(p);
}
