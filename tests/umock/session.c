/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone whose session is drivers/adb's own device role: for stories in which our host role talks to
 * it over USB. It believes no signature and allows every key that is offered. Each stream is sent back.
 */
#include "bus.h"

#include <string.h>

#include "drivers/adb/device.h"

struct session {
	struct adb_link *l;
	struct adb_device *d; /* NULL once it ended */
};

/* ---- one stream ---- */

struct echo {
	struct stream *s;
	GByteArray *left; /* what the host has no room for */
};

static void flush(struct echo *e)
{
	size_t n = e->s->ops->write(e->s, e->left->data, e->left->len);

	g_byte_array_remove_range(e->left, 0, n);
	e->s->ops->pause(e->s, e->left->len > 0);
}

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct echo *e = arg;

	g_byte_array_append(e->left, data, n);
	flush(e);
}

static void on_drained(void *arg)
{
	flush(arg);
}

static void on_closed(void *arg, int code, const char *text)
{
	struct echo *e = arg;

	(void)code;
	(void)text;
	g_byte_array_unref(e->left);
	g_free(e);
}

static const struct stream_events echo_events = {on_data, on_drained, on_closed};

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	struct echo *e;

	(void)arg;
	if (n != 4 || memcmp(service, "echo", 4))
		return false;
	e = g_new0(struct echo, 1);
	e->s = adb_stream_base(s);
	e->left = g_byte_array_new();
	adb_stream_accept(s, &echo_events, e);
	return true;
}

/* ---- the handshake ---- */

static void token(void *arg, uint8_t dst[ADB_TOKEN])
{
	(void)arg;
	memset(dst, 7, ADB_TOKEN);
}

static bool trusted(void *arg, const uint8_t t[ADB_TOKEN], const void *sig, size_t n)
{
	(void)arg;
	(void)t;
	(void)sig;
	(void)n;
	return false;
}

static void offered(void *arg, const char *key_text)
{
	(void)key_text;
	adb_device_allow(((struct session *)arg)->d);
}

static void on_online(void *arg, const struct adb_banner *peer)
{
	(void)arg;
	(void)peer;
}

static void on_restarted(void *arg)
{
	(void)arg;
}

static void on_ended(void *arg, int code, const char *text)
{
	(void)arg;
	g_printerr("umock-bus: a session ended: %d, %s\n", code, text);
}

static const struct adb_device_events events = {on_online, on_open, on_restarted, on_ended};

struct session *session_new(struct adb_link *l, gboolean auth)
{
	struct session *s = g_new0(struct session, 1);
	const struct adb_device_config cfg = {
		.banner = {.peer = ADB_PEER_DEVICE, .product = "umock", .model = "Umock"},
		.version = ADB_VERSION,
		.max_payload = ADB_PAYLOAD_MAX,
		.auth = auth,
		.token = token,
		.trusted = trusted,
		.offered = offered};

	s->l = l;
	s->d = adb_device_new(bus_host(), l, &cfg, &events, s);
	return s;
}

void session_free(struct session *s)
{
	adb_device_free(s->d);
	g_free(s);
}
