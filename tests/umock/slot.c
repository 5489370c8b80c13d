/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is plugged in where. A plug gives a device a new address each time; a port whose phone is a
 * program (relay.c) has a device only while that phone can be reached, as a phone that restarts leaves
 * the bus and comes back. Main thread.
 */
#include "bus.h"

#include <string.h>
#include <unistd.h>

#define RETRY_MS 20 /* while a phone is away */

static GHashTable *slots; /* path → struct slot */
static UMockdevTestbed *testbed;
static unsigned next_addr = 2;

void slots_init(UMockdevTestbed *tb)
{
	testbed = tb;
	slots = g_hash_table_new(g_str_hash, g_str_equal);
}

struct slot *slot_find(const char *path)
{
	return g_hash_table_lookup(slots, path);
}

/* ---- a phone that is a program ---- */

static void phone_left(void *arg);

static void put_device(struct slot *s)
{
	s->addr = next_addr++;
	s->plugs++;
	s->d = device_plug(testbed, &s->plan, s->addr);
	s->l = devlink_new(s->d);
}

static gboolean reach_phone(struct slot *s)
{
	int fd = relay_connect(s->plan.tcp);

	if (fd < 0)
		return FALSE;
	put_device(s);
	g_rec_mutex_lock(&bus_lock);
	s->r = relay_new(s->l, fd, phone_left, s);
	g_rec_mutex_unlock(&bus_lock);
	return TRUE;
}

static gboolean on_retry(gpointer arg)
{
	struct slot *s = arg;

	if (!reach_phone(s))
		return TRUE;
	s->retry = 0;
	return FALSE;
}

static void pull_device(struct slot *s)
{
	g_rec_mutex_lock(&bus_lock);
	if (s->r)
		relay_free(s->r);
	if (s->a)
		adbd_free(s->a);
	if (s->se)
		session_free(s->se);
	s->r = NULL;
	g_rec_mutex_unlock(&bus_lock);
	if (s->d)
		device_unplug(s->d);
	s->d = NULL;
	s->l = NULL;
}

static void phone_left(void *arg)
{
	struct slot *s = arg;

	pull_device(s);
	s->retry = g_timeout_add(RETRY_MS, on_retry, s);
}

/* ---- plugging ---- */

static const char *begin(struct slot *s)
{
	const char *role = s->plan.role;

	if (!strcmp(role, "phone"))
		return reach_phone(s) ? NULL : "no phone answers there";
	put_device(s);
	g_rec_mutex_lock(&bus_lock);
	if (!role[0] || !strcmp(role, "echo"))
		s->a = adbd_new(s->l);
	else
		s->se = session_new(s->l, !strcmp(role, "auth"));
	g_rec_mutex_unlock(&bus_lock);
	return NULL;
}

/* libusb takes a device's path from the devices above it. */
static void add_hub_above(const char *path)
{
	struct device_plan hub = {
		.vid = 0x05e3, .pid = 0x0608, .class = 9, .mps = 64, .mode = 0600};
	char *dot;

	g_strlcpy(hub.path, path, sizeof(hub.path));
	dot = strrchr(hub.path, '.');
	if (!dot)
		return;
	*dot = '\0';
	if (!slot_find(hub.path))
		slot_plug(&hub);
}

const char *slot_plug(const struct device_plan *plan)
{
	struct slot *s;
	const char *error;

	if (slot_find(plan->path))
		return "something is plugged in there";
	add_hub_above(plan->path);
	s = g_new0(struct slot, 1);
	s->plan = *plan;
	error = begin(s);
	if (error)
		g_free(s);
	else
		g_hash_table_insert(slots, s->plan.path, s);
	return error;
}

void slot_unplug(struct slot *s)
{
	if (s->retry)
		g_source_remove(s->retry);
	pull_device(s);
	g_hash_table_remove(slots, s->plan.path);
	g_free(s);
}

long slot_ask(const struct slot *s, const char *what)
{
	if (!strcmp(what, "plugs"))
		return s->plugs;
	if (!strcmp(what, "address"))
		return s->d ? (long)s->addr : 0;
	if (!s->d)
		return -1;
	if (!strcmp(what, "packets") && s->a)
		return adbd_packets(s->a);
	if (!strcmp(what, "violations"))
		return devlink_violations(s->l);
	return device_ask(s->d, what);
}
