/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone through an adb server that owns it (an IDE's, Appium's, an engineer's), for phones that
 * were given to this on purpose. Every service is a connection of its own to the server's "smart
 * socket" at 127.0.0.1: four hex digits and a request, OKAY or FAIL; `host:transport:SERIAL` first,
 * then the service, then the stream is the phone's (AOSP SERVICES.TXT).
 *
 * The server is never started, stopped or told to kill anything. Whether the phone is there is asked
 * each POLL_MS, since a server that dies takes its word with it. Loop thread.
 */
#include "drivers/adb/adb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/server.h"

#define POLL_MS 2000

struct via {
	struct adb_port port; /* first: the two are one pointer */
	char serial[LIMIT_NAME];
	struct adb_server_ask *ask;
	struct host_timer *poll;
	char features[512];
	bool away;
};

static void ask_state(void *arg);

static void poll_later(struct via *v)
{
	struct driver_host *h = v->port.a->host;

	if (!v->away)
		v->poll = h->timer_add(h, h->now_ms(h) + POLL_MS, ask_state, v);
}

static struct driver_dev *device(struct via *v)
{
	char where[LIMIT_NAME];

	if (v->port.dev)
		return v->port.dev;
	snprintf(where, sizeof(where), "adb server, %.40s", v->serial);
	v->port.dev = adb_dev_new(v->port.a, &v->port, where, v->serial, false);
	return v->port.dev;
}

static void lost(struct via *v, const char *why)
{
	if (v->port.dev)
		adb_dev_end(v->port.dev, why);
	else
		adb_port_trouble(&v->port, why);
	poll_later(v);
}

static void on_features(void *arg, int rc, const char *text)
{
	struct via *v = arg;

	v->ask = NULL;
	if (rc) {
		lost(v, text);
		return;
	}
	adb_port_trouble(&v->port, "");
	if (!device(v)->conn)
		adb_dev_online(device(v), adb_conn_server(v->port.a->host,
						  v->port.a->cfg.server_port, v->serial, text));
	poll_later(v);
}

/* "device" is what can be used; everything else needs somebody. */
static void on_state(void *arg, int rc, const char *text)
{
	struct via *v = arg;
	char request[LIMIT_NAME + 32], need[LIMIT_CAUSE];

	v->ask = NULL;
	if (rc) {
		lost(v, text);
		return;
	}
	if (strcmp(text, "device") != 0) {
		snprintf(need, sizeof(need),
			"the adb server says that the phone is %.40s: unlock it and allow USB "
			"debugging, or see `adb devices -l`",
			text);
		adb_port_trouble(&v->port, "");
		if (device(v)->conn)
			adb_dev_offline(device(v), ERR_GONE, need);
		adb_dev_need(device(v), need, true);
		poll_later(v);
		return;
	}
	if (v->port.dev && v->port.dev->conn) {
		poll_later(v);
		return;
	}
	snprintf(request, sizeof(request), "host-serial:%s:features", v->serial);
	v->ask = adb_server_ask(
		v->port.a->host, v->port.a->cfg.server_port, request, on_features, v);
}

static void ask_state(void *arg)
{
	struct via *v = arg;
	char request[LIMIT_NAME + 32];

	v->poll = NULL;
	snprintf(request, sizeof(request), "host-serial:%s:get-state", v->serial);
	v->ask = adb_server_ask(v->port.a->host, v->port.a->cfg.server_port, request, on_state, v);
}

/* ---- life ---- */

static void disconnect(struct via *v)
{
	struct driver_host *h = v->port.a->host;

	if (v->ask)
		adb_server_ask_cancel(v->ask);
	if (v->poll)
		h->timer_del(h, v->poll);
	v->ask = NULL;
	v->poll = NULL;
}

static void via_free(struct adb_port *p)
{
	struct via *v = (struct via *)p;

	adb_port_fini(p);
	disconnect(v);
	mem_free(v);
}

static int via_detach(struct adb_port *p, struct err *e)
{
	struct via *v = (struct via *)p;

	(void)e;
	v->away = true;
	adb_dev_offline(p->dev, ERR_GONE, "the phone was handed to another tool");
	disconnect(v);
	return 0;
}

static int via_attach(struct adb_port *p, struct err *e)
{
	struct via *v = (struct via *)p;

	(void)e;
	v->away = false;
	if (!v->ask && !v->poll)
		ask_state(v);
	return 0;
}

static const struct adb_port_ops via_ops = {via_free, via_detach, via_attach, NULL};

struct adb_port *adb_port_server(struct adb *a, const char *serial)
{
	struct via *v = mem_zalloc(sizeof(*v));

	adb_port_init(&v->port, a, &via_ops);
	snprintf(v->port.address, sizeof(v->port.address), "server:%.56s", serial);
	str_copy(v->serial, sizeof(v->serial), serial);
	v->poll = a->host->timer_add(a->host, a->host->now_ms(a->host), ask_state, v);
	return &v->port;
}
