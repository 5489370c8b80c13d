/* SPDX-License-Identifier: Apache-2.0 */
/*
 * umock-bus: the testbed, its devices, and the orders that come over descriptor 3; see README.md. Ends
 * when the test closes that.
 */
#include "bus.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ORDERS_FD 3

GRecMutex bus_lock;

static UMockdevTestbed *tb;
static GMainLoop *loop;
static FILE *orders;

/* ---- orders ---- */

static gboolean set(struct device_plan *p, const char *key, const char *value)
{
	if (!strcmp(key, "vid"))
		p->vid = strtoul(value, NULL, 16);
	else if (!strcmp(key, "pid"))
		p->pid = strtoul(value, NULL, 16);
	else if (!strcmp(key, "class"))
		p->class = strtoul(value, NULL, 16);
	else if (!strcmp(key, "mps"))
		p->mps = strtoul(value, NULL, 10);
	else if (!strcmp(key, "mode"))
		p->mode = strtoul(value, NULL, 8);
	else if (!strcmp(key, "serial"))
		g_strlcpy(p->serial, value, sizeof(p->serial));
	else if (!strcmp(key, "product"))
		g_strlcpy(p->product, value, sizeof(p->product));
	else if (!strcmp(key, "iface"))
		g_strlcpy(p->iface, value, sizeof(p->iface));
	else if (!strcmp(key, "role"))
		g_strlcpy(p->role, value, sizeof(p->role));
	else if (!strcmp(key, "tcp"))
		p->tcp = strtoul(value, NULL, 10);
	else
		return FALSE;
	return TRUE;
}

static const char *plug(char **words)
{
	struct device_plan plan = {.vid = 0x18d1,
		.pid = 0x4ee7,
		.mps = 512,
		.mode = 0600,
		.serial = "UMOCK0001",
		.product = "Pixel",
		.iface = "adb"};

	g_strlcpy(plan.path, words[1], sizeof(plan.path));
	for (int i = 2; words[i]; i++) {
		char *eq = strchr(words[i], '=');

		if (!eq)
			return "no key=value";
		*eq = '\0';
		if (!set(&plan, words[i], eq + 1))
			return "unknown key";
	}
	return slot_plug(&plan);
}

static const char *with_number(struct slot *s, const char *order, const char *value)
{
	gulong n = strtoul(value, NULL, strcmp(order, "chmod") ? 10 : 8);
	guint8 *junk;

	if (!strcmp(order, "chmod")) {
		device_chmod(s->d, n);
	} else if (!strcmp(order, "deaf")) {
		device_deaf(s->d, n != 0);
	} else if (!strcmp(order, "take")) {
		device_take(s->d, n);
	} else if (!strcmp(order, "nomem")) {
		device_nomem(s->d, n);
	} else if (!strcmp(order, "stale")) {
		junk = g_malloc0(n);
		device_write(s->d, junk, n);
		g_free(junk);
	} else {
		return "unknown order";
	}
	return NULL;
}

/* What needs a device and no testbed. */
static const char *obey_locked(struct slot *s, char **words)
{
	if (!strcmp(words[0], "hold") || !strcmp(words[0], "release"))
		device_hold(s->d, words[0][0] == 'h');
	else if (!strcmp(words[0], "orphan"))
		device_orphan(s->d);
	else if (!strcmp(words[0], "stall"))
		device_stall(s->d);
	else if (!strcmp(words[0], "overflow"))
		device_overflow(s->d);
	else if (!words[2])
		return "too short";
	else
		return with_number(s, words[0], words[2]);
	return NULL;
}

static const char *ask(struct slot *s, const char *what, long *ret_n)
{
	g_rec_mutex_lock(&bus_lock);
	*ret_n = slot_ask(s, what);
	g_rec_mutex_unlock(&bus_lock);
	return *ret_n < 0 ? "unknown question" : NULL;
}

static const char *obey(char **words, long *ret_n)
{
	const char *error;
	struct slot *s;

	if (!words[0] || !words[1])
		return "too short";
	if (!strcmp(words[0], "plug"))
		return plug(words);
	s = slot_find(words[1]);
	if (!s)
		return "nothing is plugged in there";
	if (!strcmp(words[0], "ask") && words[2])
		return ask(s, words[2], ret_n);
	if (!strcmp(words[0], "unplug")) {
		slot_unplug(s);
		return NULL;
	}
	if (!s->d)
		return "the phone is away";
	g_rec_mutex_lock(&bus_lock);
	error = obey_locked(s, words);
	g_rec_mutex_unlock(&bus_lock);
	return error;
}

static gboolean on_order(gint fd, GIOCondition cond, gpointer arg)
{
	char line[512], **words;
	const char *error;
	long n = 0;

	(void)fd;
	(void)cond;
	(void)arg;
	if (!fgets(line, sizeof(line), orders)) {
		g_main_loop_quit(loop);
		return FALSE;
	}
	g_strchomp(line);
	words = g_strsplit(line, " ", -1);
	error = obey(words, &n);
	if (error)
		fprintf(orders, "error %s\n", error);
	else
		fprintf(orders, "ok %ld\n", n);
	fflush(orders);
	g_strfreev(words);
	return TRUE;
}

int main(void)
{
	char *root;

	umask(0); /* so that a test can be somebody else */
	tb = umockdev_testbed_new();
	if (!umockdev_in_mock_environment()) {
		fprintf(stderr, "umock-bus: not under umockdev-wrapper\n");
		return 1;
	}
	loop = g_main_loop_new(NULL, FALSE);
	slots_init(tb);
	orders = fdopen(ORDERS_FD, "r+");
	root = umockdev_testbed_get_root_dir(tb);
	chmod(root, 0777);
	fprintf(orders, "ok %s\n", root);
	fflush(orders);
	g_unix_fd_add(ORDERS_FD, G_IO_IN | G_IO_HUP, on_order, NULL);
	g_main_loop_run(loop);
	g_object_unref(tb);
	g_free(root);
	return 0;
}
