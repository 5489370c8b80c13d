/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets from a hostile peer. The first byte of the input chooses what they meet: the parser, with
 * raw bytes cut anywhere; or a whole session as host (over TCP, over USB) or as device, where the rest
 * is a script of packets and of what our own side does meanwhile. Beyond what the sanitizers see: no
 * event comes inside a call, every stream is closed once, nothing is left at the end.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "drivers/adb/device.h"
#include "drivers/adb/host.h"
#include "drivers/adb/packet.h"
#include "drivers/driver.h"
#include "fakehost.h"
#include "fuzz.h"

/* ---- a link whose far end is the input ---- */

struct world {
	struct adb_link l; /* first */
	struct adb_host *host;
	struct adb_device *dev;
	struct slot {
		struct adb_stream *s;
		bool told;
	} slots[8];
	struct adb_stream *asked;
	struct adb_buf *came; /* the payload that is being handed in, if it may be kept */
	struct adb_buf *held; /* one that was kept, and how it began */
	uint8_t held_first;
	int inside; /* a call of ours: no event may come */
	bool closed, broken;
	void (*resynced)(void *arg, int code);
	void *resynced_arg;
};

static void link_kick(struct adb_link *l)
{
	CHECK(!((struct world *)l)->closed);
}

static void link_pause(struct adb_link *l, bool on)
{
	(void)on;
	CHECK(!((struct world *)l)->closed);
}

static void link_agreed(struct adb_link *l, uint32_t version, uint32_t max_payload)
{
	(void)version;
	CHECK(!((struct world *)l)->closed && max_payload);
}

static int link_resync(struct adb_link *l, int level, void (*done)(void *arg, int code), void *arg)
{
	struct world *w = (struct world *)l;

	CHECK(!w->closed && !w->resynced && level > 0);
	w->resynced = done;
	w->resynced_arg = arg;
	return 0;
}

static void link_close(struct adb_link *l)
{
	CHECK(!((struct world *)l)->closed);
	((struct world *)l)->closed = true;
}

static struct adb_buf *link_hold(struct adb_link *l)
{
	struct adb_buf *b = ((struct world *)l)->came;

	return b ? adb_buf_ref(b) : NULL;
}

static const struct adb_link_ops link_ops = {
	link_kick, link_pause, link_agreed, link_resync, link_close, link_hold};

/* ---- our side ---- */

static struct world *world;

static void drop_held(struct world *w)
{
	CHECK(!w->held || w->held->data[0] == w->held_first);
	adb_buf_unref(w->held);
	w->held = NULL;
}

/* The bytes that are being handed out stay as they are, for as long as they are held. */
static void hold(struct world *w, struct adb_stream *s, const uint8_t *data, size_t n)
{
	struct adb_buf *b = adb_stream_hold(s);

	if (!b)
		return;
	CHECK(data >= b->data && data + n <= b->data + b->cap);
	drop_held(w);
	w->held = b;
	w->held_first = b->data[0];
}

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct slot *k = arg;
	uint8_t first = data[0], last = data[n - 1];

	CHECK(!world->inside && k->s && !k->told);
	if (first == 'h')
		hold(world, k->s, data, n);
	if (first == 'p')
		adb_stream_base(k->s)->ops->pause(adb_stream_base(k->s), true);
	if (first == 'c')
		adb_stream_base(k->s)->ops->close(adb_stream_base(k->s));
	CHECK(data[0] == first && data[n - 1] == last); /* still there */
}

static void on_drained(void *arg)
{
	CHECK(!world->inside && ((struct slot *)arg)->s);
}

static void on_closed(void *arg, int code, const char *text)
{
	struct slot *k = arg;

	CHECK(!world->inside && k->s && !k->told && code <= 0 && text);
	k->told = true;
	k->s = NULL;
}

static const struct stream_events stream_events = {on_data, on_drained, on_closed};

static void on_opened(void *arg)
{
	CHECK(!world->inside && ((struct slot *)arg)->s);
}

static struct slot *free_slot(void)
{
	for (int i = 0; i < 8; i++)
		if (!world->slots[i].s) {
			world->slots[i].told = false;
			return &world->slots[i];
		}
	return NULL;
}

static void on_state(void *arg, enum adb_host_state st, const char *text)
{
	(void)arg;
	(void)st;
	CHECK(!world->inside && text);
}

static void on_ended(void *arg, int code, const char *text)
{
	(void)arg;
	CHECK(!world->inside && code < 0 && *text);
}

static void on_online(void *arg, const struct adb_banner *peer)
{
	(void)arg;
	CHECK(strnlen(peer->model, sizeof(peer->model)) < sizeof(peer->model));
}

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	struct slot *k = free_slot();

	(void)arg;
	CHECK(!service[n]);
	if (n && service[0] == 'l' && !world->asked) {
		world->asked = s;
		return true;
	}
	if (!k)
		return false;
	k->s = s;
	adb_stream_accept(s, &stream_events, k);
	return true;
}

static void on_restarted(void *arg)
{
	(void)arg;
}

static void token(void *arg, uint8_t dst[ADB_TOKEN])
{
	(void)arg;
	memset(dst, 1, ADB_TOKEN);
}

static bool trusted(void *arg, const uint8_t tok[ADB_TOKEN], const void *sig, size_t n)
{
	(void)arg;
	(void)tok;
	return n && *(const uint8_t *)sig == 'y';
}

static void offered(void *arg, const char *key_text)
{
	(void)arg;
	adb_key_free(adb_key_parse(key_text, strlen(key_text)));
}

static struct adb_host_keys keys;

static void start_host(struct world *w, uint32_t features)
{
	static const struct adb_host_events events = {on_state, on_ended};
	const struct adb_host_config cfg = {features, ADB_PAYLOAD_MAX, &keys};

	if (!keys.n) {
		keys.keys[0] = adb_key_generate(NULL);
		keys.n = 1;
	}
	w->host = adb_host_new(&fake_host, &w->l, &cfg, &events, w);
}

static void start_device(struct world *w, bool auth)
{
	static const struct adb_device_events events = {on_online, on_open, on_restarted, on_ended};
	const struct adb_device_config cfg = {
		.banner = {ADB_PEER_DEVICE, ADB_F_DELAYED_ACK},
		.version = ADB_VERSION,
		.max_payload = ADB_PAYLOAD_MAX,
		.auth = auth,
		.token = token,
		.trusted = trusted,
		.offered = offered,
	};

	w->dev = adb_device_new(&fake_host, &w->l, &cfg, &events, w);
}

/* ---- the script ---- */

static const uint32_t commands[] = {
	ADB_CNXN, ADB_AUTH, ADB_OPEN, ADB_OKAY, ADB_CLSE, ADB_WRTE, ADB_STLS, ADB_SYNC};

/* Small numbers are ids; the others those that mean something somewhere. */
static uint32_t number(uint8_t b)
{
	static const uint32_t some[] = {ADB_VERSION, ADB_VERSION_SUM, ADB_PAYLOAD_MAX, 4096,
		0xffffffff, 0x7fffffff, ADB_WINDOW, 262144};

	return b < 248 ? b : some[b - 248];
}

#define PAYLOAD 140000 /* enough for every bound, in few packets; more is slow */

static void packet(struct world *w, struct input *in, uint32_t command)
{
	struct adb_header h = {command, number(take(in)), number(take(in)), number(take(in)), 0};
	bool may_be_kept = in->n && in->p[0] == 'h';
	uint8_t *payload;
	size_t n;

	if (w->closed || w->broken)
		return;
	if (h.len > PAYLOAD)
		h.len = PAYLOAD;
	if (may_be_kept)
		w->came = adb_buf_new(h.len);
	/* Else exactly as long as it is, but for none. */
	payload = may_be_kept ? w->came->data : malloc(h.len + 1);
	n = h.len < 248 ? h.len
	                : take(in); /* of a long one only the beginning stands in the script */
	n = n < in->n ? n : in->n;
	memcpy(payload, in->p, n);
	memset(payload + n, 'z', h.len - n);
	in->p += n;
	in->n -= n;
	w->l.events->packet(w->l.arg, &h, h.len ? payload : NULL);
	if (may_be_kept)
		adb_buf_unref(w->came);
	else
		free(payload);
	w->came = NULL;
}

static void send_out(struct world *w, int most)
{
	struct adb_out out = {0};

	while (!w->closed && !w->broken && most-- && w->l.events->next(w->l.arg, &out)) {
		CHECK(out.command);
		adb_buf_unref(out.buf);
		out.buf = NULL;
	}
}

static void check_host(const struct world *w)
{
	bool online = adb_host_state(w->host) == ADB_HOST_ONLINE;

	CHECK(online == (adb_host_mux(w->host) != NULL));
	if (!online)
		return;
	CHECK(!adb_host_has(w->host, ADB_F_DELAYED_ACK) ||
		adb_host_banner(w->host)->features & ADB_F_DELAYED_ACK);
	CHECK(adb_mux_streams(adb_host_mux(w->host)) <= ADB_STREAMS_MAX);
	CHECK(adb_mux_max_payload(adb_host_mux(w->host)) >= ADB_PAYLOAD_MIN);
}

static void open_stream(struct world *w)
{
	struct slot *k = free_slot();
	struct adb_mux *m = w->dev ? adb_device_mux(w->dev) : NULL;

	if (!k)
		return;
	if (w->host)
		k->s = adb_host_open(w->host, "shell:x", 7, &stream_events, on_opened, k, NULL);
	else if (m)
		k->s = adb_mux_open(m, "tcp:1", 5, &stream_events, on_opened, k, NULL);
}

static void use_stream(struct adb_stream *s, uint8_t how, size_t n)
{
	static const uint8_t bytes[65536];
	struct stream *base = adb_stream_base(s);
	struct adb_buf *b;

	switch (how % 6) {
	case 0:
		base->ops->write(base, bytes, n);
		break;
	case 1:
		base->ops->pause(base, true);
		break;
	case 2:
		base->ops->pause(base, false);
		break;
	case 3:
		base->ops->close(base);
		break;
	case 4:
		adb_stream_finish(s);
		break;
	case 5:
		b = adb_buf_new(1);
		b->len = 1;
		b->data[0] = 0;
		if (!adb_stream_send(s, b))
			adb_buf_unref(b);
		break;
	}
	adb_stream_idle(s);
}

static void decide(struct world *w, bool yes)
{
	struct adb_stream *s = w->asked;
	struct slot *k = free_slot();

	w->asked = NULL;
	if (!s)
		return;
	if (!yes || !k) {
		adb_stream_refuse(s);
		return;
	}
	k->s = s;
	adb_stream_accept(s, &stream_events, k);
}

/* What our side does: in these no event may come. */
static void act(struct world *w, struct input *in, uint8_t what)
{
	struct adb_stream *s = w->slots[take(in) % 8].s;

	w->inside++;
	if (what == 0)
		open_stream(w);
	else if (what == 1)
		decide(w, take(in) % 2);
	else if (s)
		use_stream(s, what, (size_t)take(in) * 256);
	w->inside--;
}

static void happen(struct world *w, uint8_t what)
{
	void (*done)(void *arg, int code) = w->resynced;

	switch (what) {
	case 0:
		fake_run_timers();
		break;
	case 1:
		fake_now_ms += ADB_HANDSHAKE_MS;
		fake_run_timers();
		break;
	case 2:
		send_out(w, 1);
		break;
	case 3:
		send_out(w, 1000);
		break;
	case 4:
		w->resynced = NULL;
		if (done && !w->closed && !w->broken)
			done(w->resynced_arg, 0);
		break;
	case 5:
		if (w->dev)
			adb_device_allow(w->dev);
		break;
	case 6:
		if (!w->closed && !w->broken)
			w->l.events->broken(w->l.arg, ERR_GONE, "unplugged");
		w->broken = true;
		break;
	}
}

static void play(struct input *in, uint8_t mode)
{
	struct world w = {.l = {.ops = &link_ops, .usb = mode == 2}};

	world = &w;
	if (mode == 3)
		start_device(&w, take(in) % 2);
	else
		start_host(&w, mode == 2 ? ADB_F_DELAYED_ACK : 0);
	while (in->n) {
		uint8_t op = take(in) % 24;

		if (op < 8)
			packet(&w, in, commands[op]);
		else if (op < 16)
			act(&w, in, op - 8);
		else
			happen(&w, op - 16);
		if (w.host)
			check_host(&w);
	}
	if (w.host)
		adb_host_free(w.host);
	if (w.dev)
		adb_device_free(w.dev);
	decide(&w, false);
	for (int i = 0; i < 1000 && fake_has_timers(); i++)
		fake_run_timers();
	drop_held(&w);
	CHECK(!fake_has_timers() && w.closed);
	for (int i = 0; i < 8; i++)
		CHECK(!w.slots[i].s);
}

/* ---- the parser alone ---- */

/* A packet that came, sent on, has the header that it came with. */
static void check_header(const struct adb_parser *p)
{
	uint8_t again[ADB_HEADER];
	const uint8_t *came = p->buf->data + p->used - p->h.len - 2 * ADB_HEADER;

	adb_header_put(again, &p->h);
	CHECK(!memcmp(again, came, sizeof(again)));
	CHECK(*adb_command_name(p->h.command));
}

#define PARSED 150000 /* the longest payload; what the input does not have is zeros */

static int parse_some(struct adb_parser *p, const uint8_t *from, size_t n, size_t *ret_used)
{
	uint8_t *where;
	size_t room = adb_parser_room(p, &where);
	struct adb_buf *held;
	int rc;

	CHECK(room > 0);
	*ret_used = n = room < n ? room : n;
	memcpy(where, from, n);
	while ((rc = adb_parser_got(p, n)) == 1) {
		CHECK(p->h.len <= PARSED && !p->h.len == !p->payload);
		check_header(p);
		held = adb_parser_hold(p);
		CHECK(!held || (p->payload >= held->data &&
				       p->payload + p->h.len <= held->data + held->cap));
		adb_buf_unref(held);
		n = 0;
	}
	return rc;
}

static void parse(struct input *in)
{
	static const uint8_t zeros[65536];
	struct adb_parser p;
	size_t step = take(in) + 1u, used;
	int rc = 0;

	adb_parser_init(&p, PARSED);
	p.verify = step & 1;
	while (in->n && rc >= 0) {
		rc = parse_some(&p, in->p, step < in->n ? step : in->n, &used);
		in->p += used;
		in->n -= used;
	}
	for (int i = 0; i < 3 && rc >= 0; i++)
		rc = parse_some(&p, zeros, sizeof(zeros), &used);
	adb_parser_fini(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t mode = take(&in) % 4;

	if (mode)
		play(&in, mode);
	else
		parse(&in);
	return 0;
}
