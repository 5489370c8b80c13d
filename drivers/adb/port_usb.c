/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones on this host's USB ports: each that usb.c finds becomes a device at once, so that one which
 * needs a person is seen with what to do. A connection that breaks while the phone stays plugged in is
 * tried again, ever more seldom; the phone then goes and arrives anew, since nobody knows what became
 * of it meanwhile. Loop thread.
 */
#include "drivers/adb/port_usb.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000
#define STEADY_MS    3000 /* a connection that held so long was a good one */

struct usb_port {
	struct adb_port port;   /* first: the two are one pointer */
	struct adb_usb_dev *ud; /* NULL once it has left */
	struct adb_host *session;
	struct host_timer *retry;
	int64_t wait_ms;
	int64_t online_ms; /* since when, the last time; 0: never */
	bool known;        /* it let us in before */
	bool opening;
	bool away; /* detached on purpose */
};

static void open_now(void *arg);
static void let_go(struct usb_port *u);

static struct driver_dev *device(struct usb_port *u)
{
	const struct adb_usb_info *info = adb_usb_info(u->ud);
	char where[LIMIT_NAME];

	if (u->port.dev)
		return u->port.dev;
	snprintf(where, sizeof(where), "usb %s", info->path);
	u->port.dev = adb_dev_new(u->port.a, &u->port, where, info->serial, true);
	return u->port.dev;
}

static void say_need(struct usb_port *u)
{
	const struct adb_usb_info *info = adb_usb_info(u->ud);

	if (info->need != ADB_USB_READY)
		adb_dev_need(device(u), info->text, info->may_pass);
}

static void try_again(struct usb_port *u)
{
	struct driver_host *h = u->port.a->host;

	if (u->away || u->retry || !u->ud)
		return;
	u->retry = h->timer_add(h, h->now_ms(h) + u->wait_ms, open_now, u);
	u->wait_ms = u->wait_ms ? u->wait_ms * 2 : RETRY_MIN_MS;
	if (u->wait_ms > RETRY_MAX_MS)
		u->wait_ms = RETRY_MAX_MS;
}

/* ---- the session ---- */

static void on_state(void *arg, enum adb_host_state st, const char *text)
{
	struct usb_port *u = arg;
	char need[LIMIT_CAUSE];

	if (st == ADB_HOST_ONLINE) {
		u->online_ms = u->port.a->host->now_ms(u->port.a->host);
		u->known = true;
		adb_dev_online(device(u), adb_conn_direct(u->port.a->host, u->session));
		return;
	}
	if (adb_need_text(st, text, true, need))
		adb_dev_need(device(u), need, true);
}

static bool was_steady(const struct usb_port *u)
{
	struct driver_host *h = u->port.a->host;

	return u->online_ms && h->now_ms(h) - u->online_ms >= STEADY_MS;
}

static void on_ended(void *arg, int code, const char *text)
{
	struct usb_port *u = arg;
	struct adb_host *session = u->session;
	char need[LIMIT_CAUSE];

	u->session = NULL;
	if (u->port.dev)
		adb_dev_end(u->port.dev, text);
	adb_host_free(session);
	if (code == ERR_TIMEOUT && u->ud) {
		snprintf(need, sizeof(need),
			"the phone does not answer over ADB (%.100s): unplug it and plug it in "
			"again, or restart it",
			text);
		adb_dev_need(device(u), need, true);
	}
	/* A phone that was unplugged leaves in a moment: not at once. One whose connection never holds
	 * is met ever more seldom. */
	if (!u->wait_ms || was_steady(u))
		u->wait_ms = RETRY_MIN_MS;
	try_again(u);
}

static const struct adb_host_events events = {on_state, on_ended};

static void on_open(void *arg, struct adb_link *l, int code, const char *text)
{
	struct usb_port *u = arg;
	struct adb *a = u->port.a;
	struct adb_host_config cfg = {.features = a->cfg.features,
		.max_payload = ADB_USB_PAYLOAD,
		.keys = &a->keys,
		.known = u->known};

	u->opening = false;
	if (l && u->away) {
		l->ops->close(l);
		let_go(u);
		return;
	}
	if (l) {
		device(u); /* gone since, and back */
		u->session = adb_host_new(a->host, l, &cfg, &events, u);
		return;
	}
	log_info("event=usb_not_opened where=\"%s\" code=%d cause=\"%s\"",
		adb_usb_info(u->ud)->path, code, text);
	if (u->away)
		let_go(u);
	else if (code != ERR_GONE)
		say_need(u);
}

static void open_now(void *arg)
{
	struct usb_port *u = arg;
	int rc;

	u->retry = NULL;
	if (adb_usb_info(u->ud)->need != ADB_USB_READY) {
		say_need(u);
		return; /* changed() follows */
	}
	rc = adb_usb_open(u->ud, on_open, u);
	u->opening = !rc;
	if (rc)
		try_again(u);
}

/* ---- detach, attach ---- */

static void on_detached(void *arg)
{
	(void)arg;
}

/* Once nothing of ours is open. */
static void let_go(struct usb_port *u)
{
	int rc = adb_usb_detach(u->ud, on_detached, u);

	if (rc && rc != ERR_WRONGSTATE)
		log_warn("event=usb_not_detached where=\"%s\" cause=\"%s\"",
			adb_usb_info(u->ud)->path, err_name(rc));
}

static void drop_session(struct usb_port *u)
{
	struct driver_host *h = u->port.a->host;
	struct adb_host *session = u->session;

	if (u->retry)
		h->timer_del(h, u->retry);
	u->retry = NULL;
	u->session = NULL;
	if (session)
		adb_host_free(session);
}

static int usb_detach(struct adb_port *p, struct err *e)
{
	struct usb_port *u = (struct usb_port *)p;

	(void)e;
	u->away = true;
	adb_dev_offline(p->dev, ERR_GONE, "the phone was handed to another tool");
	drop_session(u);
	if (!u->opening)
		let_go(u);
	return 0;
}

static int usb_attach(struct adb_port *p, struct err *e)
{
	struct usb_port *u = (struct usb_port *)p;
	int rc;

	rc = adb_usb_attach(u->ud);
	if (rc && rc != ERR_WRONGSTATE)
		return err_set(e, rc, "the phone is still being let go of; try again");
	u->away = false;
	u->wait_ms = 0;
	try_again(u);
	return 0;
}

/* ---- life ---- */

static void usb_free(struct adb_port *p)
{
	struct usb_port *u = (struct usb_port *)p;

	adb_port_fini(p);
	drop_session(u);
	if (u->ud)
		adb_usb_set_user(u->ud, NULL);
	mem_free(u);
}

static void usb_again(struct adb_port *p)
{
	struct usb_port *u = (struct usb_port *)p;

	device(u);
	if (u->session && adb_host_state(u->session) == ADB_HOST_ONLINE)
		on_state(u, ADB_HOST_ONLINE, "");
}

static const struct adb_port_ops usb_ops = {usb_free, usb_detach, usb_attach, usb_again};

static void appeared(void *arg, struct adb_usb_dev *d)
{
	struct usb_port *u = mem_zalloc(sizeof(*u));

	adb_port_init(&u->port, arg, &usb_ops);
	u->ud = d;
	adb_usb_set_user(d, u);
	device(u);
	if (adb_usb_info(d)->need != ADB_USB_READY)
		say_need(u);
	else
		try_again(u);
}

static void became_ready(void *arg, struct adb_usb_dev *d)
{
	struct usb_port *u = adb_usb_user(d);

	(void)arg;
	if (!u || u->away)
		return;
	if (u->port.dev)
		adb_dev_need(u->port.dev, "", false);
	u->wait_ms = 0;
	if (!u->session && !u->opening)
		try_again(u);
}

static void left(void *arg, struct adb_usb_dev *d)
{
	struct usb_port *u = adb_usb_user(d);

	(void)arg;
	if (!u)
		return;
	if (u->port.dev)
		adb_dev_end(u->port.dev, "the phone was unplugged");
	usb_free(&u->port);
}

static const struct adb_usb_events usb_events = {appeared, became_ready, left};

int adb_port_usb_begin(struct adb *a, struct err *e)
{
	struct adb_usb_config cfg = {.server_port = (uint16_t)a->cfg.server_port};

	return adb_usb_new(a->host, &cfg, &usb_events, a, &a->usb, e);
}
