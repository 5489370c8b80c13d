/* SPDX-License-Identifier: Apache-2.0 */
/* What drivers/adb asks of a host, as far as the device role needs it: time and timers, over GLib. */
#include "bus.h"

#include "drivers/driver.h"

struct host_timer {
	guint source;
	void (*fn)(void *arg);
	void *arg;
};

static int64_t now_ms(struct driver_host *h)
{
	(void)h;
	return g_get_monotonic_time() / 1000;
}

static gboolean on_timer(gpointer user)
{
	struct host_timer *t = user;

	g_rec_mutex_lock(&bus_lock);
	/* Deleted meanwhile, by the other thread, t is no more. */
	if (!g_source_is_destroyed(g_main_current_source())) {
		t->fn(t->arg);
		g_free(t);
	}
	g_rec_mutex_unlock(&bus_lock);
	return FALSE;
}

static struct host_timer *timer_add(
	struct driver_host *h, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	struct host_timer *t = g_new0(struct host_timer, 1);

	t->fn = fn;
	t->arg = arg;
	t->source = g_timeout_add(MAX(0, at_ms - now_ms(h)), on_timer, t);
	return t;
}

static void timer_del(struct driver_host *h, struct host_timer *t)
{
	(void)h;
	g_source_remove(t->source);
	g_free(t);
}

struct driver_host *bus_host(void)
{
	static struct driver_host h = {
		.now_ms = now_ms, .timer_add = timer_add, .timer_del = timer_del};

	return &h;
}
