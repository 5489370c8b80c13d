/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device role of one connection; see device.h. As in host.c everything happens in the link's
 * events, between enter() and leave().
 */
#include "drivers/adb/device.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"

/* adbd slows down behind so many wrong signatures; nobody has so many keys. */
#define SIGNATURES_MAX 256

enum state { ST_WAIT, ST_AUTH, ST_ONLINE, ST_ENDED };

struct adb_device {
	struct driver_host *h;
	struct adb_link *l; /* NULL behind the end */
	struct adb_device_config cfg;
	const struct adb_device_events *events;
	void *arg;
	enum state state;
	struct adb_banner peer;
	uint32_t version, max_payload; /* the peer's */
	struct adb_mux *mux;
	int dying; /* muxes whose streams are being closed */

	int in;
	bool dead, told;
	int code;
	char text[LIMIT_CAUSE];

	struct adb_out control;
	bool has_control;
	bool unsaid; /* our CNXN is under way: sums end behind it */
	uint8_t token[ADB_TOKEN];
	int signatures;
};

/* ---- the end ---- */

static void enter(struct adb_device *d)
{
	d->in++;
}

static void leave(struct adb_device *d)
{
	if (--d->in || d->dying)
		return;
	if (!d->dead && d->state == ST_ENDED && !d->told) {
		d->told = true;
		d->in++;
		d->events->ended(d->arg, d->code, d->text);
		d->in--;
	}
	if (d->dead)
		mem_free(d);
}

static void drop_control(struct adb_device *d)
{
	if (d->has_control)
		adb_buf_unref(d->control.buf);
	d->has_control = false;
}

static void drop_mux(struct adb_device *d, const char *text)
{
	if (!d->mux)
		return;
	d->dying++;
	adb_mux_free(d->mux, ERR_GONE, text);
	d->mux = NULL;
}

static void end(struct adb_device *d, int code, const char *text)
{
	if (d->state == ST_ENDED)
		return;
	d->state = ST_ENDED;
	d->code = code;
	str_copy(d->text, sizeof(d->text), text);
	drop_control(d);
	drop_mux(d, text);
	d->l->ops->close(d->l);
	d->l = NULL;
}

static void mux_freed(void *arg)
{
	struct adb_device *d = arg;

	enter(d);
	d->dying--;
	leave(d);
}

void adb_device_free(struct adb_device *d)
{
	assert(!d->dead);
	enter(d);
	end(d, ERR_GONE, "the connection was given up");
	d->dead = true;
	leave(d);
}

/* ---- what we say ---- */

static void send_control(struct adb_device *d, uint32_t command, uint32_t arg0, uint32_t arg1,
	const void *data, size_t n)
{
	struct adb_buf *b = adb_buf_new((uint32_t)n);

	memcpy(b->data, data, n);
	b->len = (uint32_t)n;
	drop_control(d);
	d->control = (struct adb_out){command, arg0, arg1, b};
	d->has_control = true;
	d->l->ops->kick(d->l);
}

static void demand_signature(struct adb_device *d)
{
	d->state = ST_AUTH;
	d->cfg.token(d->arg, d->token);
	send_control(d, ADB_AUTH, ADB_AUTH_TOKEN, 0, d->token, ADB_TOKEN);
}

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	struct adb_device *d = arg;

	return d->events->open(d->arg, s, service, n);
}

static void on_violation(void *arg, const char *text)
{
	end(arg, ERR_PROTO, text);
}

static uint32_t version_of(const struct adb_device *d)
{
	return d->version < d->cfg.version ? d->version : d->cfg.version;
}

static void go_online(struct adb_device *d)
{
	static const struct adb_mux_ops ops = {on_open, on_violation, mux_freed, NULL};
	struct adb_mux_config mc = {.max_payload = d->max_payload, .device = true};
	char text[1024];
	size_t n = adb_banner_print(&d->cfg.banner, text, sizeof(text));

	if (mc.max_payload > d->cfg.max_payload)
		mc.max_payload = d->cfg.max_payload;
	mc.delayed_ack = adb_device_has(d, ADB_F_DELAYED_ACK);
	send_control(d, ADB_CNXN, version_of(d), d->cfg.max_payload, text, n);
	d->unsaid = true;
	d->state = ST_ONLINE;
	d->mux = adb_mux_new(d->h, d->l, &mc, &ops, d);
	if (d->events->online)
		d->events->online(d->arg, &d->peer);
}

void adb_device_allow(struct adb_device *d)
{
	enter(d);
	if (d->state == ST_AUTH)
		go_online(d);
	leave(d);
}

/* ---- what the peer says ---- */

static void on_cnxn(struct adb_device *d, const struct adb_header *h, const uint8_t *payload)
{
	if (h->len > ADB_HANDSHAKE_MAX || h->arg0 < ADB_VERSION_SUM || h->arg1 < ADB_PAYLOAD_MIN) {
		end(d, ERR_PROTO, "the peer's greeting is none of ADB");
		return;
	}
	if (d->mux) {
		drop_mux(d, "the peer started its session anew");
		if (d->events->restarted)
			d->events->restarted(d->arg);
		if (!d->l)
			return;
	}
	/* Until our own CNXN has left, the peer does not know that sums are off. */
	d->l->ops->agreed(d->l, ADB_VERSION_SUM, d->cfg.max_payload);
	d->unsaid = false;
	adb_banner_parse(payload, h->len, &d->peer);
	d->version = h->arg0;
	d->max_payload = h->arg1;
	if (d->cfg.auth)
		demand_signature(d);
	else
		go_online(d);
}

static void on_signature(struct adb_device *d, const uint8_t *sig, size_t n)
{
	bool trusted = d->cfg.trusted(d->arg, d->token, sig, n);

	if (d->state != ST_AUTH)
		return; /* ended by the callee */
	if (trusted)
		go_online(d);
	else if (++d->signatures >= SIGNATURES_MAX)
		end(d, ERR_PERM, "too many signatures of keys that are not let in");
	else
		demand_signature(d);
}

static void on_public_key(struct adb_device *d, const uint8_t *payload, size_t n)
{
	char text[ADB_HANDSHAKE_MAX + 1];

	memcpy(text, payload, n);
	text[n] = '\0';
	if (d->cfg.offered)
		d->cfg.offered(d->arg, text);
}

static void on_auth(struct adb_device *d, const struct adb_header *h, const uint8_t *payload)
{
	if (d->state != ST_AUTH || !h->len || h->len > ADB_HANDSHAKE_MAX)
		return;
	if (h->arg0 == ADB_AUTH_SIGNATURE)
		on_signature(d, payload, h->len);
	else if (h->arg0 == ADB_AUTH_PUBLIC_KEY)
		on_public_key(d, payload, h->len);
}

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct adb_device *d = arg;

	enter(d);
	if (h->command == ADB_CNXN)
		on_cnxn(d, h, payload);
	else if (h->command == ADB_AUTH)
		on_auth(d, h, payload);
	else if (d->mux)
		adb_mux_packet(d->mux, h, payload);
	leave(d);
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	struct adb_device *d = arg;

	if (d->has_control) {
		*ret_out = d->control;
		d->has_control = false;
		return true;
	}
	if (d->unsaid) {
		d->unsaid = false;
		d->l->ops->agreed(d->l, version_of(d), d->cfg.max_payload);
	}
	return d->mux && adb_mux_next(d->mux, ret_out);
}

static void on_broken(void *arg, int code, const char *text)
{
	struct adb_device *d = arg;

	enter(d);
	end(d, code, text);
	leave(d);
}

/* ---- what the user calls ---- */

struct adb_device *adb_device_new(struct driver_host *h, struct adb_link *l,
	const struct adb_device_config *cfg, const struct adb_device_events *events, void *arg)
{
	static const struct adb_link_events link_events = {on_packet, on_next, on_broken};
	struct adb_device *d = mem_zalloc(sizeof(*d));

	assert(cfg->max_payload >= ADB_PAYLOAD_MIN && cfg->max_payload <= ADB_PAYLOAD_MAX);
	assert(!cfg->auth || (cfg->token && cfg->trusted));
	d->h = h;
	d->l = l;
	d->cfg = *cfg;
	d->events = events;
	d->arg = arg;
	l->events = &link_events;
	l->arg = d;
	return d;
}

struct adb_mux *adb_device_mux(struct adb_device *d)
{
	return d->mux;
}

bool adb_device_has(const struct adb_device *d, enum adb_feature f)
{
	return d->cfg.banner.features & d->peer.features & f;
}
