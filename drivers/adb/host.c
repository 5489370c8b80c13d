/* SPDX-License-Identifier: Apache-2.0 */
/* The host role of one connection: its life, its link's events, and what its user calls; see host.h and
 * host_internal.h. */
#include "drivers/adb/host_internal.h"

#include <assert.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/mux_internal.h"
#include "drivers/driver.h"

/* ---- the end ---- */

void adb_host_enter(struct adb_host *a)
{
	a->in++;
}

void adb_host_leave(struct adb_host *a)
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

void adb_host_timer_stop(struct adb_host *a)
{
	if (a->timer)
		a->h->timer_del(a->h, a->timer);
	a->timer = NULL;
}

void adb_host_drop_mux(struct adb_host *a, const char *text)
{
	if (!a->mux)
		return;
	a->dying++;
	adb_mux_free(a->mux, ERR_GONE, text);
	a->mux = NULL;
}

void adb_host_drop_control(struct adb_host *a)
{
	if (a->has_control)
		adb_buf_unref(a->control.buf);
	a->has_control = false;
}

void adb_host_end(struct adb_host *a, int code, const char *text)
{
	if (a->state == ADB_HOST_ENDED)
		return;
	a->state = ADB_HOST_ENDED;
	a->code = code;
	str_copy(a->text, sizeof(a->text), text);
	adb_host_timer_stop(a);
	adb_host_drop_control(a);
	adb_host_drop_mux(a, text);
	a->l->ops->close(a->l);
	a->l = NULL;
}

void adb_host_mux_freed(void *arg)
{
	struct adb_host *a = arg;

	adb_host_enter(a);
	a->dying--;
	adb_host_leave(a);
}

void adb_host_free(struct adb_host *a)
{
	assert(!a->dead);
	adb_host_enter(a);
	adb_host_end(a, ERR_GONE, "the connection was given up");
	a->dead = true;
	adb_host_leave(a);
}

void adb_host_set_state(struct adb_host *a, enum adb_host_state st, const char *text)
{
	if (a->state == st && st != ADB_HOST_ONLINE)
		return;
	a->state = st;
	a->events->state(a->arg, st, text);
}

/* ---- events of the link ---- */

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct adb_host *a = arg;

	adb_host_enter(a);
	a->heard_ms = a->h->now_ms(a->h);
	if (!host_shake_packet(a, h, payload) && a->mux)
		adb_mux_packet(a->mux, h, payload);
	adb_host_leave(a);
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

	adb_host_enter(a);
	adb_host_end(a, code, text);
	adb_host_leave(a);
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
	host_shake_begin(a);
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
