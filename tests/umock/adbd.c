/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's session, as small as the tests of USB need it: CNXN is answered, OPEN accepted, and what
 * a stream sends is sent back. No authentication.
 */
#include "bus.h"

#include <string.h>

struct adbd {
	struct adb_link *l;
	GQueue out; /* struct adb_out */
	long packets;
};

static void send_packet(
	struct adbd *a, uint32_t command, uint32_t arg0, uint32_t arg1, const void *data, size_t n)
{
	struct adb_out *o = g_new0(struct adb_out, 1);

	*o = (struct adb_out){.command = command, .arg0 = arg0, .arg1 = arg1};
	if (n) {
		o->buf = adb_buf_new(n);
		o->buf->len = n;
		memcpy(o->buf->data, data, n);
	}
	g_queue_push_tail(&a->out, o);
	a->l->ops->kick(a->l);
}

static void drop_all(struct adbd *a)
{
	struct adb_out *o;

	while ((o = g_queue_pop_head(&a->out))) {
		adb_buf_unref(o->buf);
		g_free(o);
	}
}

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	static const char banner[] = "device::ro.product.name=umock;features=";
	struct adbd *a = arg;

	a->packets++;
	switch (h->command) {
	case ADB_CNXN:
		drop_all(a);
		send_packet(a, ADB_CNXN, ADB_VERSION, 256 * 1024, banner, sizeof(banner) - 1);
		break;
	case ADB_OPEN:
		send_packet(a, ADB_OKAY, h->arg0, h->arg0, NULL, 0);
		break;
	case ADB_WRTE:
		send_packet(a, ADB_OKAY, h->arg1, h->arg0, NULL, 0);
		send_packet(a, ADB_WRTE, h->arg1, h->arg0, payload, h->len);
		break;
	default:
		break;
	}
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	struct adbd *a = arg;
	struct adb_out *o = g_queue_pop_head(&a->out);

	if (!o)
		return false;
	*ret_out = *o;
	g_free(o);
	return true;
}

static void on_broken(void *arg, int code, const char *text)
{
	(void)arg;
	(void)code;
	(void)text;
}

static const struct adb_link_events events = {on_packet, on_next, on_broken};

struct adbd *adbd_new(struct adb_link *l)
{
	struct adbd *a = g_new0(struct adbd, 1);

	a->l = l;
	l->events = &events;
	l->arg = a;
	return a;
}

void adbd_free(struct adbd *a)
{
	drop_all(a);
	a->l->ops->close(a->l);
	g_free(a);
}

long adbd_packets(const struct adbd *a)
{
	return a->packets;
}
