/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone at a TCP address, kept connected: as long as the address is on the list it is tried again,
 * ever more seldom, and at once when a connection that was good is lost. The device arrives when
 * something there speaks ADB, so an address at which nothing answers is no device. A phone that waits
 * for its owner's tap is not disconnected: only a live connection can be allowed.
 *
 * Loop thread.
 */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define RETRY_MIN_MS 250
#define RETRY_MAX_MS 10000
#define STEADY_MS    3000 /* a connection that held so long was a good one */

struct tcp {
	struct adb_port port; /* first: the two are one pointer */
	struct adb_host *session;
	struct adb_resolve *lookup; /* of the host's name */
	struct host_timer *retry;
	int64_t wait_ms;
	int64_t online_ms; /* since when, the last time; 0: never */
	bool known;        /* it let us in before */
	unsigned turn;     /* which of several addresses is next */
	bool away;         /* detached on purpose */
};

static void try_again(struct tcp *t);

/* ---- the session ---- */

static struct driver_dev *device(struct tcp *t)
{
	char where[LIMIT_NAME];

	if (t->port.dev)
		return t->port.dev;
	snprintf(where, sizeof(where), "tcp %.58s", t->port.address);
	t->port.dev = adb_dev_new(t->port.a, &t->port, where, "", false);
	return t->port.dev;
}

static void on_state(void *arg, enum adb_host_state st, const char *text)
{
	struct tcp *t = arg;
	char need[LIMIT_CAUSE];

	if (st == ADB_HOST_ONLINE) {
		t->online_ms = t->port.a->host->now_ms(t->port.a->host);
		t->known = true;
		adb_port_trouble(&t->port, "");
		adb_dev_online(device(t), adb_conn_direct(t->port.a->host, t->session));
		return;
	}
	if (!adb_need_text(st, text, false, need))
		return;
	adb_port_trouble(&t->port, "");
	adb_dev_need(device(t), need, true);
}

/* Nobody is there; what has more than one address is tried at the next. */
static void failed(struct tcp *t, const char *why)
{
	t->turn++;
	adb_port_trouble(&t->port, why);
	try_again(t);
}

/* A phone that greets and leaves, and greets again, is not met as fast as it can: each time is an
 * arrival to the farm. */
static bool was_steady(const struct tcp *t)
{
	struct driver_host *h = t->port.a->host;

	return t->online_ms && h->now_ms(h) - t->online_ms >= STEADY_MS;
}

static void on_ended(void *arg, int code, const char *text)
{
	struct tcp *t = arg;
	struct adb_host *session = t->session;

	(void)code;
	t->session = NULL;
	if (t->port.dev) {
		adb_dev_end(t->port.dev, text);
		if (was_steady(t))
			t->wait_ms = 0;
		try_again(t);
	} else {
		failed(t, text);
	}
	adb_host_free(session);
}

static const struct adb_host_events events = {on_state, on_ended};

static void connect_to(struct tcp *t, const char *address)
{
	struct adb *a = t->port.a;
	struct adb_host_config cfg = {.features = a->cfg.features,
		.max_payload = ADB_PAYLOAD_MAX,
		.keys = &a->keys,
		.known = t->known};
	struct err e = {0};
	struct adb_link *l = adb_link_tcp_connect(a->host, address, &e);

	if (l)
		t->session = adb_host_new(a->host, l, &cfg, &events, t);
	else
		failed(t, e.text);
}

static void on_found(void *arg, const struct adb_found *f)
{
	struct tcp *t = arg;

	t->lookup = NULL;
	if (f->n)
		connect_to(t, f->list[t->turn % f->n]);
	else
		failed(t, f->why);
}

static void connect_now(void *arg)
{
	struct tcp *t = arg;
	struct err e = {0};

	t->retry = NULL;
	if (adb_address_is_numeric(t->port.address)) {
		connect_to(t, t->port.address);
		return;
	}
	t->lookup = adb_resolve(t->port.a, t->port.address, on_found, t, &e);
	if (!t->lookup)
		failed(t, e.text);
}

static void try_again(struct tcp *t)
{
	struct driver_host *h = t->port.a->host;

	if (t->away)
		return;
	t->retry = h->timer_add(h, h->now_ms(h) + t->wait_ms, connect_now, t);
	t->wait_ms = t->wait_ms ? t->wait_ms * 2 : RETRY_MIN_MS;
	if (t->wait_ms > RETRY_MAX_MS)
		t->wait_ms = RETRY_MAX_MS;
}

/* ---- life ---- */

static void disconnect(struct tcp *t)
{
	struct adb_host *session = t->session;

	t->session = NULL;
	if (session)
		adb_host_free(session);
	if (t->lookup)
		adb_resolve_cancel(t->lookup);
	t->lookup = NULL;
	if (t->retry)
		t->port.a->host->timer_del(t->port.a->host, t->retry);
	t->retry = NULL;
}

static void tcp_free(struct adb_port *p)
{
	struct tcp *t = (struct tcp *)p;

	adb_port_fini(p);
	disconnect(t);
	mem_free(t);
}

static int tcp_detach(struct adb_port *p, struct err *e)
{
	struct tcp *t = (struct tcp *)p;

	(void)e;
	t->away = true;
	adb_dev_offline(p->dev, ERR_GONE, "the phone was handed to another tool");
	disconnect(t);
	return 0;
}

static int tcp_attach(struct adb_port *p, struct err *e)
{
	struct tcp *t = (struct tcp *)p;

	(void)e;
	t->away = false;
	t->wait_ms = 0;
	if (!t->session && !t->retry && !t->lookup)
		try_again(t);
	return 0;
}

static void tcp_again(struct adb_port *p)
{
	struct tcp *t = (struct tcp *)p;

	if (t->session && adb_host_state(t->session) == ADB_HOST_ONLINE)
		on_state(t, ADB_HOST_ONLINE, "");
}

static const struct adb_port_ops tcp_ops = {tcp_free, tcp_detach, tcp_attach, tcp_again};

struct adb_port *adb_port_tcp(struct adb *a, const char *address)
{
	struct tcp *t = mem_zalloc(sizeof(*t));

	adb_port_init(&t->port, a, &tcp_ops);
	str_copy(t->port.address, sizeof(t->port.address), address);
	try_again(t);
	return &t->port;
}
