/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of drivers/adb/link_usb: packets to and from the host, as adbd reads and writes them.
 * A message that is not exactly the header or the payload that is due ends the session, as in adbd
 * ("too many bytes"), and the next one begins another. Who claims the interface, adbd does not see.
 */
#include "bus.h"

#include <string.h>

#define UNREAD_MAX (512 * 1024) /* written and not read; then next() is not asked */

struct devlink {
	struct adb_link l; /* first */
	struct device *d;
	struct adb_header h;
	gboolean have; /* h is read, its payload is due */
	gboolean pumping;
	guint idle;
	long violations;
};

static void pump(struct devlink *u)
{
	struct adb_out o;

	if (u->pumping)
		return; /* writing makes room, which asks for more */
	u->pumping = TRUE;
	while (device_unread(u->d) < UNREAD_MAX) {
		struct adb_header h;
		guint8 head[ADB_HEADER];

		o = (struct adb_out){0};
		if (!u->l.events->next(u->l.arg, &o))
			break;
		h = (struct adb_header){o.command, o.arg0, o.arg1, o.buf ? o.buf->len : 0, 0};
		h.sum = o.buf ? adb_sum(o.buf->data, o.buf->len) : 0;
		adb_header_put(head, &h);
		device_write(u->d, head, sizeof(head));
		if (h.len)
			device_write(u->d, o.buf->data, o.buf->len);
		adb_buf_unref(o.buf);
	}
	u->pumping = FALSE;
}

static void on_room(void *arg)
{
	pump(arg);
}

static void lose(struct devlink *u)
{
	u->violations++;
	u->have = FALSE;
}

static void on_message(void *arg, const guint8 *data, size_t n)
{
	struct devlink *u = arg;

	if (u->have) {
		u->have = FALSE;
		if (n != u->h.len)
			lose(u);
		else
			u->l.events->packet(u->l.arg, &u->h, data);
	} else if (n != ADB_HEADER || adb_header_get(data, ADB_PAYLOAD_MAX, &u->h)) {
		lose(u);
	} else if (u->h.len) {
		u->have = TRUE;
	} else {
		u->l.events->packet(u->l.arg, &u->h, NULL);
	}
}

static void on_begin(void *arg)
{
	struct devlink *u = arg;

	u->have = FALSE;
}

static const struct device_events device_events = {on_message, on_room, on_begin};

/* ---- the link ---- */

static gboolean on_idle(gpointer arg)
{
	struct devlink *u = arg;

	g_rec_mutex_lock(&bus_lock);
	/* Closed meanwhile, by the other thread, it is not touched any more. */
	if (!g_source_is_destroyed(g_main_current_source())) {
		u->idle = 0;
		pump(u);
	}
	g_rec_mutex_unlock(&bus_lock);
	return FALSE;
}

static void kick(struct adb_link *l)
{
	struct devlink *u = (struct devlink *)l;

	if (!u->idle)
		u->idle = g_idle_add(on_idle, u);
}

static void pause_link(struct adb_link *l, bool on)
{
	device_pause(((struct devlink *)l)->d, on);
}

static void agreed(struct adb_link *l, uint32_t version, uint32_t max_payload)
{
	(void)l;
	(void)version;
	(void)max_payload;
}

static int resync(struct adb_link *l, int level, void (*done)(void *arg, int code), void *arg)
{
	(void)l;
	(void)level;
	(void)done;
	(void)arg;
	return -18; /* ERR_UNSUPPORTED: the device does not resynchronise */
}

static void close_link(struct adb_link *l)
{
	struct devlink *u = (struct devlink *)l;

	device_set_events(u->d, NULL, NULL);
	if (u->idle)
		g_source_remove(u->idle);
	g_free(u);
}

static const struct adb_link_ops ops = {kick, pause_link, agreed, resync, close_link};

struct adb_link *devlink_new(struct device *d)
{
	struct devlink *u = g_new0(struct devlink, 1);

	u->l.ops = &ops;
	u->d = d;
	device_set_events(d, &device_events, u);
	return &u->l;
}

long devlink_violations(const struct adb_link *l)
{
	return ((const struct devlink *)l)->violations;
}
