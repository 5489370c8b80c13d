/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's handshake; see host_internal.h. What the phone may answer to CNXN is a table of
 * commands; what is foreign before the first of them is a leftover of somebody else's session and is
 * passed over.
 */
#include "drivers/adb/host_internal.h"

#include <string.h>

#include "base/err.h"
#include "drivers/driver.h"

/* How often a phone may start its session anew, and ask for the public key again: more is a phone
 * that runs in circles. */
#define RESTARTS_MAX    64
#define PUBLIC_KEYS_MAX 8

/* ---- what we say ---- */

static void send_control(struct adb_host *a, uint32_t command, uint32_t arg0, uint32_t arg1,
	const void *data, size_t n)
{
	struct adb_buf *b = adb_buf_new((uint32_t)n);

	memcpy(b->data, data, n);
	b->len = (uint32_t)n;
	adb_host_drop_control(a);
	a->control = (struct adb_out){command, arg0, arg1, b};
	a->has_control = true;
	a->l->ops->kick(a->l);
}

static void on_silence(void *arg);

static void wait_for_answer(struct adb_host *a)
{
	adb_host_timer_stop(a);
	a->timer = a->h->timer_add(a->h, a->h->now_ms(a->h) + ADB_HANDSHAKE_MS, on_silence, a);
}

void host_shake_begin(struct adb_host *a)
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

	adb_host_enter(a);
	a->resyncing = false;
	if (a->state == ADB_HOST_CONNECTING && code)
		adb_host_end(a, code,
			"the phone does not answer, and its USB connection cannot be reset");
	else if (a->state == ADB_HOST_CONNECTING)
		host_shake_begin(a);
	adb_host_leave(a);
}

/* Our own link takes the next step; on TCP there is none. */
static void escalate(struct adb_host *a)
{
	int rc = ERR_UNSUPPORTED;

	adb_host_set_state(a, ADB_HOST_CONNECTING, "");
	/* A phone that says something in the middle of a resync, and no more: the end of that goes on. */
	if (!a->l || a->resyncing)
		return;
	adb_host_drop_control(a);
	while (a->l->usb && rc && a->level < 2)
		rc = a->l->ops->resync(a->l, ++a->level, on_resynced, a);
	a->resyncing = !rc;
	if (rc)
		adb_host_end(a, ERR_TIMEOUT, "the phone does not answer to a connection");
}

static void on_silence(void *arg)
{
	struct adb_host *a = arg;

	a->timer = NULL;
	adb_host_enter(a);
	escalate(a);
	adb_host_leave(a);
}

/* ---- what the phone answers ---- */

static void send_public_key(struct adb_host *a)
{
	char text[ADB_KEY_TEXT_MAX];
	size_t n;

	adb_host_timer_stop(a);
	if (!a->cfg.keys->n) {
		adb_host_end(a, ERR_PERM, "the phone asks for a key and there is none to offer");
		return;
	}
	if (a->public_keys++ >= PUBLIC_KEYS_MAX)
		return;
	n = adb_key_text(a->cfg.keys->keys[0], a->cfg.keys->name, text);
	send_control(a, ADB_AUTH, ADB_AUTH_PUBLIC_KEY, 0, text, n);
	adb_host_set_state(a, ADB_HOST_UNAUTHORIZED,
		"allow USB debugging on the phone's screen (\"always allow from this computer\")");
}

/* A phone that saw more than one CNXN asks as often, and then our signatures cross its tokens: each
 * key gets another chance. On USB a token may be a leftover, too. */
static int tries(const struct adb_host *a)
{
	return a->cfg.keys->n * (a->connects + (a->l->usb ? 1 : 0));
}

/* In large farms phones ask now and then although they know the key, and know it again when a
 * connection is begun anew (uiautomator2 #900): once, before a person is called. */
static bool asks_anew(struct adb_host *a)
{
	if (!a->cfg.known || a->asked_anew || a->state == ADB_HOST_UNAUTHORIZED)
		return false;
	a->asked_anew = true;
	host_shake_begin(a);
	return true;
}

static void on_token(struct adb_host *a, const uint8_t *token)
{
	const struct adb_host_keys *keys = a->cfg.keys;
	uint8_t sig[ADB_SIGNATURE];

	if (a->state == ADB_HOST_UNAUTHORIZED || a->key >= tries(a)) {
		if (!asks_anew(a))
			send_public_key(a);
		return;
	}
	if (adb_key_sign(keys->keys[a->key++ % keys->n], token, sig)) {
		adb_host_end(a, ERR_SYS, "OpenSSL cannot sign with an adb key");
		return;
	}
	send_control(a, ADB_AUTH, ADB_AUTH_SIGNATURE, 0, sig, sizeof(sig));
	wait_for_answer(a);
	adb_host_set_state(a, ADB_HOST_AUTHORIZING, "");
}

/* The session of before is over, if there was one. */
static bool restart(struct adb_host *a)
{
	if (!a->mux)
		return true;
	if (++a->restarts > RESTARTS_MAX) {
		adb_host_end(a, ERR_PROTO, "the phone starts its session anew without end");
		return false;
	}
	adb_host_drop_mux(a, "the phone started its adb session anew");
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
	adb_host_end(arg, ERR_PROTO, text);
}

static void on_no_word(void *arg)
{
	struct adb_host *a = arg;

	a->timer = NULL;
	adb_host_enter(a);
	if (a->heard_ms <= a->unheard_ms)
		adb_host_end(a, ERR_TIMEOUT, "the phone does not say anything any more");
	adb_host_leave(a);
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
	static const struct adb_mux_ops ops = {
		NULL, on_violation, adb_host_mux_freed, on_unanswered};
	struct adb_mux_config mc = {.max_payload = h->arg1};

	if (h->arg0 < ADB_VERSION_SUM || h->arg1 < ADB_PAYLOAD_MIN) {
		adb_host_end(a, ERR_VERSION,
			"the phone's greeting has a version or a payload that no ADB has");
		return;
	}
	if (!restart(a))
		return;
	adb_host_timer_stop(a);
	adb_host_drop_control(a);
	adb_banner_parse(payload, h->len, &a->banner);
	if (mc.max_payload > a->cfg.max_payload)
		mc.max_payload = a->cfg.max_payload;
	mc.delayed_ack = a->cfg.features & a->banner.features & ADB_F_DELAYED_ACK;
	a->l->ops->agreed(a->l, h->arg0 < ADB_VERSION ? h->arg0 : ADB_VERSION, a->cfg.max_payload);
	a->mux = adb_mux_new(a->h, a->l, &mc, &ops, a);
	a->level = 0;
	adb_host_set_state(a, ADB_HOST_ONLINE, "");
}

static void on_stls(struct adb_host *a, const struct adb_header *h, const uint8_t *payload)
{
	(void)h;
	(void)payload;
	adb_host_end(a, ERR_UNSUPPORTED,
		"the phone needs TLS (\"wireless debugging\"), which is not supported: use USB, or "
		"`adb tcpip 5555` once");
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

bool host_shake_packet(struct adb_host *a, const struct adb_header *h, const uint8_t *payload)
{
	size_t i, n = sizeof(handlers) / sizeof(handlers[0]);

	for (i = 0; i < n && handlers[i].command != h->command; i++)
		;
	if (i == n)
		return false;
	if (h->len > handlers[i].max)
		adb_host_end(a, ERR_PROTO, "the phone's greeting is longer than ADB allows");
	else
		handlers[i].fn(a, h, payload);
	return true;
}
