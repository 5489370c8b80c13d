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

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define RETRY_MIN_MS 250
#define RETRY_MAX_MS 10000

struct tcp {
	struct adb_port port; /* first: the two are one pointer */
	struct adb_host *session;
	struct host_timer *retry;
	int64_t wait_ms;
	bool said; /* that nothing answers, once */
	bool away; /* detached on purpose */
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
		t->wait_ms = 0;
		t->said = false;
		adb_dev_online(device(t), adb_conn_direct(t->port.a->host, t->session));
		return;
	}
	if (adb_need_text(st, text, false, need))
		adb_dev_need(device(t), need, true);
}

static void say_once(struct tcp *t, const char *text)
{
	if (t->said)
		return;
	t->said = true;
	log_warn("event=adb_unreachable address=%s cause=\"%s\" remedy=\"it is tried again until "
		 "`framefarm device disconnect %s`\"",
		t->port.address, text, t->port.address);
}

static void on_ended(void *arg, int code, const char *text)
{
	struct tcp *t = arg;
	struct adb_host *session = t->session;

	(void)code;
	if (t->port.dev)
		adb_dev_end(t->port.dev, text);
	else
		say_once(t, text);
	t->session = NULL;
	adb_host_free(session);
	try_again(t);
}

static const struct adb_host_events events = {on_state, on_ended};

static void connect_now(void *arg)
{
	struct tcp *t = arg;
	struct adb *a = t->port.a;
	struct adb_host_config cfg = {
		.features = a->cfg.features, .max_payload = ADB_PAYLOAD_MAX, .keys = &a->keys};
	struct adb_link *l;
	struct err e = {0};

	t->retry = NULL;
	l = adb_link_tcp_connect(a->host, t->port.address, &e);
	if (!l) {
		say_once(t, e.text);
		try_again(t);
		return;
	}
	t->session = adb_host_new(a->host, l, &cfg, &events, t);
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
	if (!t->session && !t->retry)
		try_again(t);
	return 0;
}

static const struct adb_port_ops tcp_ops = {tcp_free, tcp_detach, tcp_attach};

struct adb_port *adb_port_tcp(struct adb *a, const char *address)
{
	struct tcp *t = mem_zalloc(sizeof(*t));

	adb_port_init(&t->port, a, &tcp_ops);
	str_copy(t->port.address, sizeof(t->port.address), address);
	try_again(t);
	return &t->port;
}
