/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host role of one connection; see host.h. What the phone may answer to CNXN is a table of
 * commands; what is foreign before the first of them is a leftover of somebody else's session and is
 * passed over.
 *
 * Everything happens in the link's events and in timers, between enter() and leave(): an object that
 * is freed meanwhile, or whose streams are still being closed, is freed by the last of them.
 */
#include "drivers/adb/host.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/mux_internal.h"
#include "drivers/driver.h"

/* How often a phone may start its session anew, and ask for the public key again: more is a phone
 * that runs in circles. */
#define RESTARTS_MAX    64
#define PUBLIC_KEYS_MAX 8

struct adb_host {
	struct driver_host *h;
	struct adb_link *l; /* NULL behind the end */
	struct adb_host_config cfg;
	const struct adb_host_events *events;
	void *arg;
	enum adb_host_state state;
	struct adb_banner banner;
	struct adb_mux *mux;
	int dying; /* muxes whose streams are being closed */

	int in;    /* depth of our own callbacks */
	bool dead; /* freed by its user */
	bool told; /* ended() was called */
	int code;
	char text[LIMIT_CAUSE];

	struct adb_out control; /* CNXN or AUTH; the newest counts */
	bool has_control;
	struct host_timer *timer;
	int level;       /* of the last resync; 0: none was needed */
	bool resyncing;  /* its done() has not come */
	int key;         /* the next to try */
	int connects;    /* CNXN sent */
	int public_keys; /* sent */
	int restarts;
	int64_t heard_ms;   /* the last packet */
	int64_t unheard_ms; /* since when an OPEN waited that had no answer, while `timer` runs */
};

/* ---- the end ---- */

static void enter(struct adb_host *a)
{
	a->in++;
}

static void leave(struct adb_host *a)
{
	if (--a->in || a->dying)
		return;
	if (!a->dead && a->state == ADB_HOST_ENDED && !a->told) {
		a->told = true;
		a->in++;
		a->events->ended(a->arg, a->code, a->text);
		a->in--;
	}
	if (a->dead)
		mem_free(a);
}

static void timer_stop(struct adb_host *a)
{
	if (a->timer)
		a->h->timer_del(a->h, a->timer);
	a->timer = NULL;
}

static void drop_mux(struct adb_host *a, const char *text)
{
	if (!a->mux)
		return;
	a->dying++;
	adb_mux_free(a->mux, ERR_GONE, text);
	a->mux = NULL;
}

static void drop_control(struct adb_host *a)
{
	if (a->has_control)
		adb_buf_unref(a->control.buf);
	a->has_control = false;
}

static void end(struct adb_host *a, int code, const char *text)
{
	if (a->state == ADB_HOST_ENDED)
		return;
	a->state = ADB_HOST_ENDED;
	a->code = code;
	str_copy(a->text, sizeof(a->text), text);
	timer_stop(a);
	drop_control(a);
	drop_mux(a, text);
	a->l->ops->close(a->l);
	a->l = NULL;
}

static void mux_freed(void *arg)
{
	struct adb_host *a = arg;

	enter(a);
	a->dying--;
	leave(a);
}

void adb_host_free(struct adb_host *a)
{
	assert(!a->dead);
	enter(a);
	end(a, ERR_GONE, "the connection was given up");
	a->dead = true;
	leave(a);
}

static void set_state(struct adb_host *a, enum adb_host_state st, const char *text)
{
	if (a->state == st && st != ADB_HOST_ONLINE)
		return;
	a->state = st;
	a->events->state(a->arg, st, text);
}

/* ---- what we say before there are streams ---- */

static void send_control(struct adb_host *a, uint32_t command, uint32_t arg0, uint32_t arg1,
	const void *data, size_t n)
{
	struct adb_buf *b = adb_buf_new((uint32_t)n);

	memcpy(b->data, data, n);
	b->len = (uint32_t)n;
	drop_control(a);
	a->control = (struct adb_out){command, arg0, arg1, b};
	a->has_control = true;
	a->l->ops->kick(a->l);
}

static void on_silence(void *arg);

static void wait_for_answer(struct adb_host *a)
{
	timer_stop(a);
	a->timer = a->h->timer_add(a->h, a->h->now_ms(a->h) + ADB_HANDSHAKE_MS, on_silence, a);
}

static void send_cnxn(struct adb_host *a)
{
	struct adb_banner b = {.peer = ADB_PEER_HOST, .features = a->cfg.features};
	char text[1024];
	size_t n = adb_banner_print(&b, text, sizeof(text));

	a->key = 0;
	a->connects++;
	send_control(a, ADB_CNXN, ADB_VERSION, a->cfg.max_payload, text, n);
	wait_for_answer(a);
}

/* ---- out of step ---- */

static void on_resynced(void *arg, int code)
{
	struct adb_host *a = arg;

	enter(a);
	a->resyncing = false;
	if (a->state == ADB_HOST_CONNECTING && code)
		end(a, code, "the phone does not answer, and its USB connection cannot be reset");
	else if (a->state == ADB_HOST_CONNECTING)
		send_cnxn(a);
	leave(a);
}

/* Our own link takes the next step; on TCP there is none. */
static void escalate(struct adb_host *a)
{
	int rc = ERR_UNSUPPORTED;

	set_state(a, ADB_HOST_CONNECTING, "");
	/* A phone that says something in the middle of a resync, and no more: the end of that goes on. */
	if (!a->l || a->resyncing)
		return;
	drop_control(a);
	while (a->l->usb && rc && a->level < 2)
		rc = a->l->ops->resync(a->l, ++a->level, on_resynced, a);
	a->resyncing = !rc;
	if (rc)
		end(a, ERR_TIMEOUT, "the phone does not answer to a connection");
}

static void on_silence(void *arg)
{
	struct adb_host *a = arg;

	a->timer = NULL;
	enter(a);
	escalate(a);
	leave(a);
}

/* ---- what the phone answers ---- */

static void send_public_key(struct adb_host *a)
{
	char text[ADB_KEY_TEXT_MAX];
	size_t n;

	timer_stop(a);
	if (!a->cfg.keys->n) {
		end(a, ERR_PERM, "the phone asks for a key and there is none to offer");
		return;
	}
	if (a->public_keys++ >= PUBLIC_KEYS_MAX)
		return;
	n = adb_key_text(a->cfg.keys->keys[0], a->cfg.keys->name, text);
	send_control(a, ADB_AUTH, ADB_AUTH_PUBLIC_KEY, 0, text, n);
	set_state(a, ADB_HOST_UNAUTHORIZED,
		"allow USB debugging on the phone's screen (\"always allow from this computer\")");
}

/* A phone that saw more than one CNXN asks as often, and then our signatures cross its tokens: each
 * key gets another chance. On USB a token may be a leftover, too. */
static int tries(const struct adb_host *a)
{
	return a->cfg.keys->n * (a->connects + (a->l->usb ? 1 : 0));
}

static void on_token(struct adb_host *a, const uint8_t *token)
{
	const struct adb_host_keys *keys = a->cfg.keys;
	uint8_t sig[ADB_SIGNATURE];

	if (a->state == ADB_HOST_UNAUTHORIZED || a->key >= tries(a)) {
		send_public_key(a);
		return;
	}
	if (adb_key_sign(keys->keys[a->key++ % keys->n], token, sig)) {
		end(a, ERR_SYS, "OpenSSL cannot sign with an adb key");
		return;
	}
	send_control(a, ADB_AUTH, ADB_AUTH_SIGNATURE, 0, sig, sizeof(sig));
	wait_for_answer(a);
	set_state(a, ADB_HOST_AUTHORIZING, "");
}

/* The session of before is over, if there was one. */
static bool restart(struct adb_host *a)
{
	if (!a->mux)
		return true;
	if (++a->restarts > RESTARTS_MAX) {
		end(a, ERR_PROTO, "the phone starts its session anew without end");
		return false;
	}
	drop_mux(a, "the phone started its adb session anew");
	a->key = 0;
	a->public_keys = 0;
	return true;
}

static void on_auth(struct adb_host *a, const struct adb_header *h, const uint8_t *payload)
{
	if (h->arg0 == ADB_AUTH_TOKEN && h->len == ADB_TOKEN && restart(a))
		on_token(a, payload);
}

static void on_violation(void *arg, const char *text)
{
	end(arg, ERR_PROTO, text);
}

static void on_no_word(void *arg)
{
	struct adb_host *a = arg;

	a->timer = NULL;
	enter(a);
	if (a->heard_ms <= a->unheard_ms)
		end(a, ERR_TIMEOUT, "the phone does not say anything any more");
	leave(a);
}

/* A service that hangs is its own affair. But a connection that stays up and on which nothing comes
 * would be asked for ever: ADB has no ping, and a keepalive is answered by the phone's kernel. */
static void on_unanswered(void *arg)
{
	struct adb_host *a = arg;
	int64_t now_ms = a->h->now_ms(a->h);

	if (a->timer || a->heard_ms > now_ms - ADB_OPEN_MS)
		return;
	a->unheard_ms = now_ms - ADB_OPEN_MS;
	a->timer = a->h->timer_add(a->h, a->unheard_ms + ADB_SILENT_MS, on_no_word, a);
}

static void on_cnxn(struct adb_host *a, const struct adb_header *h, const uint8_t *payload)
{
	static const struct adb_mux_ops ops = {NULL, on_violation, mux_freed, on_unanswered};
	struct adb_mux_config mc = {.max_payload = h->arg1};

	if (h->arg0 < ADB_VERSION_SUM || h->arg1 < ADB_PAYLOAD_MIN) {
		end(a, ERR_VERSION,
			"the phone's greeting has a version or a payload that no ADB has");
		return;
	}
	if (!restart(a))
		return;
	timer_stop(a);
	drop_control(a);
	adb_banner_parse(payload, h->len, &a->banner);
	if (mc.max_payload > a->cfg.max_payload)
		mc.max_payload = a->cfg.max_payload;
	mc.delayed_ack = a->cfg.features & a->banner.features & ADB_F_DELAYED_ACK;
	a->l->ops->agreed(a->l, h->arg0 < ADB_VERSION ? h->arg0 : ADB_VERSION, a->cfg.max_payload);
	a->mux = adb_mux_new(a->h, a->l, &mc, &ops, a);
	a->level = 0;
	set_state(a, ADB_HOST_ONLINE, "");
}

static void on_stls(struct adb_host *a, const struct adb_header *h, const uint8_t *payload)
{
	(void)h;
	(void)payload;
	end(a, ERR_UNSUPPORTED,
		"the phone needs TLS (\"wireless debugging\"), which is not supported: use USB, or "
		"`adb tcpip 5555` once");
}

static void on_other(struct adb_host *a, const struct adb_header *h, const uint8_t *payload)
{
	if (a->mux)
		adb_mux_packet(a->mux, h, payload);
}

static const struct {
	uint32_t command;
	uint32_t max; /* of the payload */
	void (*fn)(struct adb_host *a, const struct adb_header *h, const uint8_t *payload);
} handlers[] = {
	{ADB_CNXN, ADB_HANDSHAKE_MAX, on_cnxn},
	{ADB_AUTH, ADB_HANDSHAKE_MAX, on_auth},
	{ADB_STLS, ADB_HANDSHAKE_MAX, on_stls},
};

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct adb_host *a = arg;
	size_t i, n = sizeof(handlers) / sizeof(handlers[0]);

	enter(a);
	a->heard_ms = a->h->now_ms(a->h);
	for (i = 0; i < n && handlers[i].command != h->command; i++)
		;
	if (i == n)
		on_other(a, h, payload);
	else if (h->len > handlers[i].max)
		end(a, ERR_PROTO, "the phone's greeting is longer than ADB allows");
	else
		handlers[i].fn(a, h, payload);
	leave(a);
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	struct adb_host *a = arg;

	if (a->has_control) {
		*ret_out = a->control;
		a->has_control = false;
		return true;
	}
	return a->mux && adb_mux_next(a->mux, ret_out);
}

static void on_broken(void *arg, int code, const char *text)
{
	struct adb_host *a = arg;

	enter(a);
	end(a, code, text);
	leave(a);
}

/* ---- what the user calls ---- */

struct adb_host *adb_host_new(struct driver_host *h, struct adb_link *l,
	const struct adb_host_config *cfg, const struct adb_host_events *events, void *arg)
{
	static const struct adb_link_events link_events = {on_packet, on_next, on_broken};
	struct adb_host *a = mem_zalloc(sizeof(*a));

	assert(cfg->max_payload >= ADB_PAYLOAD_MIN && cfg->max_payload <= ADB_PAYLOAD_MAX);
	a->h = h;
	a->l = l;
	a->cfg = *cfg;
	a->events = events;
	a->arg = arg;
	a->state = ADB_HOST_CONNECTING;
	l->events = &link_events;
	l->arg = a;
	send_cnxn(a);
	return a;
}

enum adb_host_state adb_host_state(const struct adb_host *a)
{
	return a->state;
}

const struct adb_banner *adb_host_banner(const struct adb_host *a)
{
	return &a->banner;
}

bool adb_host_has(const struct adb_host *a, enum adb_feature f)
{
	return a->cfg.features & a->banner.features & f;
}

struct adb_mux *adb_host_mux(struct adb_host *a)
{
	return a->mux;
}

struct adb_stream *adb_host_open(struct adb_host *a, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e)
{
	struct adb_stream *s;

	if (!a->mux) {
		err_set(e, ERR_WRONGSTATE, "the phone is not online");
		return NULL;
	}
	s = adb_mux_open(a->mux, service, n, events, opened, arg, e);
	if (s)
		adb_stream_open_within(s, ADB_OPEN_MS);
	return s;
}
