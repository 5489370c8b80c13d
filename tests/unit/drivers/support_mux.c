/* SPDX-License-Identifier: Apache-2.0 */
/* See support_mux.h. */
#include "support_mux.h"

#include <string.h>

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	adb_mux_packet(((struct mux_rig *)arg)->m, h, payload);
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	return adb_mux_next(((struct mux_rig *)arg)->m, ret_out);
}

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	struct mux_rig *r = arg;

	if (r->refuse)
		return false;
	r->n_asked++;
	r->asked = s;
	r->asked_n = n;
	memcpy(r->service, service, n + 1);
	if (r->accept)
		adb_stream_accept(s, NULL, NULL);
	return true;
}

static void on_violation(void *arg, const char *text)
{
	assert_true(*text);
	((struct mux_rig *)arg)->violations++;
}

static void on_freed(void *arg)
{
	((struct mux_rig *)arg)->freed++;
}

void mux_rig_init(struct mux_rig *r, uint32_t max_payload, int flags)
{
	static const struct adb_link_events events = {on_packet, on_next, NULL};
	static const struct adb_mux_ops host = {NULL, on_violation, on_freed, NULL};
	static const struct adb_mux_ops device = {on_open, on_violation, on_freed, NULL};
	const struct adb_mux_config cfg = {
		max_payload, flags & MUX_RIG_DELAYED, flags & MUX_RIG_DEVICE};

	memset(r, 0, sizeof(*r));
	r->sh = support_host_new(SUPPORT_INLINE);
	r->w = wire_new(support_host(r->sh), false);
	r->w->l.events = &events;
	r->w->l.arg = r;
	r->m = adb_mux_new(
		support_host(r->sh), &r->w->l, &cfg, flags & MUX_RIG_DEVICE ? &device : &host, r);
}

void mux_rig_fini(struct mux_rig *r)
{
	if (r->m) {
		adb_mux_free(r->m, ERR_GONE, "the test is over");
		adb_settle(r->sh);
		assert_int_equal(r->freed, 1);
	}
	wire_free(r->w);
	support_host_free(r->sh);
}

void mux_rig_open(struct mux_rig *r, struct catcher *k, const char *service)
{
	memset(k, 0, sizeof(*k));
	k->s = adb_mux_open(
		r->m, service, strlen(service), &catcher_events, catcher_opened, k, NULL);
	assert_non_null(k->s);
}

void mux_rig_establish(struct mux_rig *r, struct catcher *k, uint32_t local, uint32_t remote)
{
	mux_rig_open(r, k, "x:");
	wire_expect(r->w, ADB_OPEN, local, 0, NULL);
	wire_send(r->w, ADB_OKAY, remote, local, NULL, 0);
	assert_int_equal(k->opened, 1);
}

void mux_write(struct catcher *k, const char *text)
{
	struct stream *base = adb_stream_base(k->s);
	size_t n = strlen(text);

	assert_int_equal(base->ops->write(base, (const uint8_t *)text, n), n);
}

void mux_close(struct catcher *k)
{
	adb_stream_base(k->s)->ops->close(adb_stream_base(k->s));
}

void mux_pause(struct catcher *k, bool on)
{
	adb_stream_base(k->s)->ops->pause(adb_stream_base(k->s), on);
}
