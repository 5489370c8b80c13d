/* SPDX-License-Identifier: Apache-2.0 */
/* One peer's connection; see session.h. */
#include "drivers/virtual/session.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/device.h"
#include "drivers/driver.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/profile.h"
#include "drivers/virtual/quirk.h"
#include "drivers/virtual/reverse.h"
#include "drivers/virtual/service.h"

struct session {
	struct phone *phone;
	struct adb_device *dev;
	void (*gone)(void *arg, struct session *s);
	void *arg;
	struct reverse *reverse;
	char offered[ADB_KEY_TEXT_MAX];
	struct host_timer *answer; /* the owner's finger on its way to the dialog */
	bool online;
};

/* ---- keys ---- */

static void token(void *arg, uint8_t dst[ADB_TOKEN])
{
	(void)arg;
	hash_random(dst, ADB_TOKEN);
}

static bool trusted(void *arg, const uint8_t tok[ADB_TOKEN], const void *sig, size_t n)
{
	struct session *s = arg;

	return phone_knows(s->phone, tok, sig, n);
}

static void answered(void *arg)
{
	struct session *s = arg;

	s->answer = NULL;
	phone_remember(s->phone, s->offered);
	adb_device_allow(s->dev);
}

void session_allow(struct session *s)
{
	struct driver_host *h = session_host(s);

	if (s->offered[0] && !s->online && !s->answer)
		s->answer = h->timer_add(h, h->now_ms(h), answered, s);
}

static void offered(void *arg, const char *key_text)
{
	struct session *s = arg;

	str_copy(s->offered, sizeof(s->offered), key_text);
	if (phone_allows(s->phone))
		session_allow(s);
}

/* ---- events of the connection ---- */

static void online(void *arg, const struct adb_banner *peer)
{
	struct session *s = arg;

	(void)peer;
	s->online = true;
	phone_connected(s->phone);
}

static bool opened(void *arg, struct adb_stream *st, const char *service, size_t n)
{
	struct session *s = arg;

	phone_asked(s->phone, service, n);
	return service_open(s, st, service, n);
}

static void restarted(void *arg)
{
	struct session *s = arg;

	s->online = false;
	reverse_free_all(s);
}

static void ended(void *arg, int code, const char *text)
{
	struct session *s = arg;

	(void)code;
	(void)text;
	s->gone(s->arg, s);
}

static const struct adb_device_events device_events = {
	.online = online, .open = opened, .restarted = restarted, .ended = ended};

/* ---- life ---- */

static void describe(const struct phone *p, struct adb_banner *b)
{
	const struct profile *pr = phone_config(p)->profile;

	*b = (struct adb_banner){.peer = ADB_PEER_DEVICE, .features = phone_features(p)};
	str_copy(b->product, sizeof(b->product), pr->product);
	str_copy(b->model, sizeof(b->model), pr->model);
	str_copy(b->device, sizeof(b->device), pr->device);
}

struct session *session_new(
	struct phone *p, struct adb_link *l, void (*gone)(void *arg, struct session *s), void *arg)
{
	const struct phone_config *cfg = phone_config(p);
	bool old = cfg->profile->sums || cfg->quirks->on[QUIRK_OLD_VERSION];
	int64_t limit = quirk(cfg->quirks, QUIRK_MAX_PAYLOAD);
	struct adb_device_config dc = {.version = old ? ADB_VERSION_SUM : ADB_VERSION,
		.max_payload = (uint32_t)(limit ? limit : cfg->profile->max_payload),
		.auth = cfg->auth,
		.token = token,
		.trusted = trusted,
		.offered = offered};
	struct session *s = mem_zalloc(sizeof(*s));

	s->phone = p;
	s->gone = gone;
	s->arg = arg;
	describe(p, &dc.banner);
	s->dev = adb_device_new(
		phone_host(p), quirk_link(phone_host(p), l, cfg->quirks), &dc, &device_events, s);
	return s;
}

void session_free(struct session *s)
{
	struct driver_host *h = session_host(s);

	if (s->answer)
		h->timer_del(h, s->answer);
	reverse_free_all(s);
	adb_device_free(s->dev);
	mem_free(s);
}

struct phone *session_phone(const struct session *s)
{
	return s->phone;
}

struct driver_host *session_host(const struct session *s)
{
	return phone_host(s->phone);
}

struct adb_mux *session_mux(const struct session *s)
{
	return adb_device_mux(s->dev);
}

uint32_t session_max_payload(const struct session *s)
{
	return adb_mux_max_payload(adb_device_mux(s->dev));
}

bool session_has(const struct session *s, uint32_t feature)
{
	return adb_device_has(s->dev, feature);
}

struct reverse **session_reverse(struct session *s)
{
	return &s->reverse;
}
