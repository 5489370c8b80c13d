/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mocked USB device: its descriptors and sysfs files, its node, and what usbfs does with it. URBs
 * are kept for each client of the node: a process may open a device twice, and each must get its own
 * back.
 */
#include "bus.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EP_IN  0x81
#define EP_OUT 0x01

struct urb {
	UMockdevIoctlClient *client;
	UMockdevIoctlData *urb, *buf;
	gulong addr; /* in the client */
	int status, actual;
};

struct device {
	UMockdevTestbed *tb;
	struct device_plan plan;
	UMockdevIoctlBase *base;
	char *sys, *sys_iface, *node_file;
	char node[64];
	int fifo;
	gboolean full; /* poll() does not say "writable" */
	gboolean gone;

	UMockdevIoctlClient *owner; /* has claimed the interface */
	gboolean held;              /* so has somebody else */
	gboolean deaf, paused, stall, overflow;
	size_t nomem;
	gulong takes;         /* so many OUTs more */
	GQueue in, out, done; /* of struct urb */
	GQueue writes;        /* GByteArray, what the phone wrote */
	GByteArray *message;  /* not ended yet */
	size_t unread;
	long halts, resets, longest;

	const struct device_events *events;
	void *arg;
};

/* ---- readiness: a FIFO, full while there is nothing to reap ---- */

static void node_rest(struct device *d)
{
	static const char zeros[4096];

	if (d->full)
		return;
	while (write(d->fifo, zeros, sizeof(zeros)) > 0)
		;
	d->full = TRUE;
}

static void node_wake(struct device *d)
{
	static char sink[65536];

	if (!d->full)
		return;
	while (read(d->fifo, sink, sizeof(sink)) > 0)
		;
	d->full = FALSE;
}

/* ---- URBs ---- */

static struct usbdevfs_urb *of(const struct urb *u)
{
	return (struct usbdevfs_urb *)u->urb->data;
}

static void finish(struct device *d, struct urb *u, int status, int actual)
{
	u->status = status;
	u->actual = actual;
	g_queue_push_tail(&d->done, u);
	node_wake(d);
}

/* Moves what the phone wrote into the oldest IN, as far as its end. Returns whether it ended. */
static gboolean fill_in(struct device *d, struct urb *u)
{
	size_t len = of(u)->buffer_length;
	gboolean last = FALSE;

	while (!last && (size_t)u->actual < len && !g_queue_is_empty(&d->writes)) {
		GByteArray *w = g_queue_peek_head(&d->writes);
		size_t n = MIN(len - u->actual, w->len);

		if (n < w->len && n % d->plan.mps) {
			g_queue_pop_head(&d->in);
			finish(d, u, -EOVERFLOW, u->actual);
			return TRUE;
		}
		memcpy(u->buf->data + u->actual, w->data, n);
		u->actual += n;
		d->unread -= n;
		last = n == w->len && n % d->plan.mps;
		g_byte_array_remove_range(w, 0, n);
		if (!w->len)
			g_byte_array_unref(g_queue_pop_head(&d->writes));
	}
	if (!last && (size_t)u->actual < len)
		return FALSE;
	g_queue_pop_head(&d->in);
	finish(d, u, 0, u->actual);
	return TRUE;
}

static void pump_in(struct device *d)
{
	size_t before = d->unread;
	struct urb *u;

	if (d->overflow && (u = g_queue_pop_head(&d->in))) {
		d->overflow = FALSE;
		finish(d, u, -EOVERFLOW, 0);
	}
	while (!g_queue_is_empty(&d->in) && fill_in(d, g_queue_peek_head(&d->in)))
		;
	if (d->unread < before && d->events)
		d->events->room(d->arg);
}

static void pump_out(struct device *d)
{
	struct urb *u;

	while (!d->deaf && !d->paused && d->takes && (u = g_queue_pop_head(&d->out))) {
		size_t n = of(u)->buffer_length;

		d->takes--;
		if (n)
			g_byte_array_append(d->message, u->buf->data, n);
		finish(d, u, 0, n);
		if (n && n % d->plan.mps == 0 && !(of(u)->flags & USBDEVFS_URB_ZERO_PACKET))
			continue; /* runs on into the next */
		if (d->events)
			d->events->message(d->arg, d->message->data, d->message->len);
		g_byte_array_set_size(d->message, 0);
	}
}

/* A program that is killed in the middle of an ioctl answers for its memory no more. */
static gboolean died(UMockdevIoctlClient *c)
{
	umockdev_ioctl_client_complete(c, -1, EFAULT);
	return TRUE;
}

static gboolean submit(struct device *d, UMockdevIoctlClient *c, UMockdevIoctlData *arg)
{
	UMockdevIoctlData *x =
		umockdev_ioctl_data_resolve(arg, 0, sizeof(struct usbdevfs_urb), NULL);
	struct usbdevfs_urb *b;
	struct urb *u;

	if (!x)
		return died(c);
	b = (struct usbdevfs_urb *)x->data;
	if (d->owner != c || (size_t)b->buffer_length > d->nomem ||
		b->type != USBDEVFS_URB_TYPE_BULK) {
		umockdev_ioctl_client_complete(c, -1, d->owner != c ? EINVAL : ENOMEM);
		g_object_unref(x);
		return TRUE;
	}
	u = g_new0(struct urb, 1);
	u->client = c;
	u->urb = x;
	u->addr = x->client_addr;
	d->longest = MAX(d->longest, b->buffer_length);
	if (b->buffer_length)
		u->buf = umockdev_ioctl_data_resolve(
			x, offsetof(struct usbdevfs_urb, buffer), b->buffer_length, NULL);
	if (b->buffer_length && !u->buf) {
		g_object_unref(x);
		g_free(u);
		return died(c);
	}
	umockdev_ioctl_client_complete(c, 0, 0);
	if (d->stall)
		finish(d, u, -EPIPE, 0);
	else
		g_queue_push_tail(b->endpoint == EP_IN ? &d->in : &d->out, u);
	d->stall = FALSE;
	pump_out(d);
	pump_in(d);
	return TRUE;
}

static gboolean reap(struct device *d, UMockdevIoctlClient *c, UMockdevIoctlData *arg)
{
	UMockdevIoctlData *x;
	struct urb *u = NULL;

	for (GList *l = d->done.head; l && !u; l = l->next)
		if (((struct urb *)l->data)->client == c)
			u = l->data;
	if (!u) {
		if (g_queue_is_empty(&d->done) && !d->gone)
			node_rest(d);
		umockdev_ioctl_client_complete(c, -1, d->gone ? ENODEV : EAGAIN);
		return TRUE;
	}
	x = umockdev_ioctl_data_resolve(arg, 0, sizeof(void *), NULL);
	if (!x)
		return died(c);
	g_queue_remove(&d->done, u);
	of(u)->status = u->status;
	of(u)->actual_length = u->actual;
	umockdev_ioctl_data_set_ptr(x, 0, u->urb);
	umockdev_ioctl_client_complete(c, 0, 0);
	g_object_unref(x);
	if (u->buf)
		g_object_unref(u->buf);
	g_object_unref(u->urb);
	g_free(u);
	return TRUE;
}

static gboolean discard(struct device *d, UMockdevIoctlClient *c, gulong addr)
{
	GQueue *queues[] = {&d->in, &d->out};

	for (int i = 0; i < 2; i++) {
		for (GList *l = queues[i]->head; l; l = l->next) {
			struct urb *u = l->data;

			if (u->client != c || u->addr != addr)
				continue;
			g_queue_delete_link(queues[i], l);
			finish(d, u, -ENOENT, 0);
			umockdev_ioctl_client_complete(c, 0, 0);
			return TRUE;
		}
	}
	umockdev_ioctl_client_complete(c, -1, EINVAL);
	return TRUE;
}

static void fail_all(struct device *d, int status)
{
	struct urb *u;

	while ((u = g_queue_pop_head(&d->in)))
		finish(d, u, status, 0);
	while ((u = g_queue_pop_head(&d->out)))
		finish(d, u, status, 0);
}

/* ---- the interface ---- */

/* As the kernel: the interface's driver is usbfs while a program has claimed it. */
static void show_owner(struct device *d)
{
	char *root = umockdev_testbed_get_root_dir(d->tb);
	char *link = g_strconcat(root, d->sys_iface, "/driver", NULL);

	unlink(link);
	if ((d->owner || d->held) && symlink("../../../bus/usb/drivers/usbfs", link))
		g_error("symlink %s: %m", link);
	g_free(link);
	g_free(root);
}

static void forget_session(struct device *d)
{
	GByteArray *w;

	while ((w = g_queue_pop_head(&d->writes)))
		g_byte_array_unref(w);
	d->unread = 0;
	g_byte_array_set_size(d->message, 0);
}

static int claim(struct device *d, UMockdevIoctlClient *c)
{
	if (d->held || (d->owner && d->owner != c))
		return EBUSY;
	if (d->owner == c)
		return 0;
	d->owner = c;
	show_owner(d);
	return 0;
}

static int let_go(struct device *d, UMockdevIoctlClient *c)
{
	if (d->owner != c)
		return EINVAL;
	fail_all(d, -ENOENT);
	d->owner = NULL;
	show_owner(d);
	return 0;
}

static int reset(struct device *d)
{
	d->resets++;
	forget_session(d);
	if (d->events)
		d->events->begin(d->arg);
	return 0;
}

static int capabilities(UMockdevIoctlClient *c, UMockdevIoctlData *arg)
{
	UMockdevIoctlData *x = umockdev_ioctl_data_resolve(arg, 0, sizeof(guint32), NULL);

	if (!x)
		return !died(c);
	*(guint32 *)x->data = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_BULK_CONTINUATION |
	                      USBDEVFS_CAP_NO_PACKET_SIZE_LIM | USBDEVFS_CAP_BULK_SCATTER_GATHER |
	                      USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
	umockdev_ioctl_client_complete(c, 0, 0);
	g_object_unref(x);
	return 0;
}

static int control(struct device *d, UMockdevIoctlClient *c, gulong request)
{
	switch (request) {
	case USBDEVFS_CLAIMINTERFACE:
	case USBDEVFS_DISCONNECT_CLAIM:
		return claim(d, c);
	case USBDEVFS_RELEASEINTERFACE:
		return let_go(d, c);
	case USBDEVFS_CLEAR_HALT:
		d->halts++;
		return 0;
	case USBDEVFS_RESET:
		return reset(d);
	case USBDEVFS_GETDRIVER:
	case USBDEVFS_IOCTL: /* attach or detach a kernel driver: there is none */
		return ENODATA;
	default:
		return ENOTTY;
	}
}

static gboolean handle(struct device *d, UMockdevIoctlClient *c)
{
	gulong request = umockdev_ioctl_client_get_request(c);
	UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(c);
	int err;

	if (request == USBDEVFS_REAPURBNDELAY || request == USBDEVFS_REAPURB)
		return reap(d, c, arg);
	if (request == USBDEVFS_DISCARDURB)
		return discard(d, c, *(gulong *)arg->data);
	if (d->gone) {
		umockdev_ioctl_client_complete(c, -1, ENODEV);
		return TRUE;
	}
	if (request == USBDEVFS_SUBMITURB)
		return submit(d, c, arg);
	if (request == USBDEVFS_GET_CAPABILITIES)
		return capabilities(c, arg) == 0;
	err = control(d, c, request);
	umockdev_ioctl_client_complete(c, err ? -1 : 0, err);
	return TRUE;
}

static gboolean on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *c, gpointer user)
{
	gboolean done;

	(void)base;
	g_rec_mutex_lock(&bus_lock);
	done = handle(user, c);
	g_rec_mutex_unlock(&bus_lock);
	return done;
}

/* What a client had claimed is free, what it had in flight is gone. */
static void forget(struct device *d, UMockdevIoctlClient *c)
{
	if (d->owner == c)
		let_go(d, c);
	for (GList *l = d->done.head, *next; l; l = next) {
		next = l->next;
		if (((struct urb *)l->data)->client == c)
			g_queue_delete_link(&d->done, l); /* leaks a URB of a dead client */
	}
}

/* A client closed the node. */
static void on_vanished(UMockdevIoctlBase *base, UMockdevIoctlClient *c, gpointer user)
{
	(void)base;
	g_rec_mutex_lock(&bus_lock);
	forget(user, c);
	g_rec_mutex_unlock(&bus_lock);
}

/* ---- descriptors ---- */

static size_t descriptors(const struct device_plan *p, guint8 dst[128])
{
	static const struct {
		const char *name;
		guint8 triple[3];
	} ifaces[] = {{"adb", {0xff, 0x42, 0x01}}, {"dbc", {0xdc, 0x02, 0x01}},
		{"mtp", {0x06, 0x01, 0x01}}, {"storage", {0x08, 0x06, 0x50}}};
	const guint8 dev[] = {18, 1, 0, 2, p->class, 0, 0, 64, p->vid & 255, p->vid >> 8,
		p->pid & 255, p->pid >> 8, 0, 1, 1, 2, 3, 1};
	const guint8 rest[] = {9, 2, 32, 0, 1, 1, 0, 0x80, 250, 9, 4, 0, 0, 2, 0, 0, 0, 0, 7, 5,
		EP_IN, 2, p->mps & 255, p->mps >> 8, 0, 7, 5, EP_OUT, 2, p->mps & 255, p->mps >> 8,
		0};

	memcpy(dst, dev, sizeof(dev));
	memcpy(dst + sizeof(dev), rest, sizeof(rest));
	for (gsize i = 0; i < G_N_ELEMENTS(ifaces); i++)
		if (!strcmp(p->iface, ifaces[i].name))
			memcpy(dst + sizeof(dev) + 14, ifaces[i].triple, 3);
	return sizeof(dev) + sizeof(rest);
}

/* ---- plugging ---- */

static void make_node(struct device *d)
{
	char *root = umockdev_testbed_get_root_dir(d->tb);
	GError *e = NULL;
	char *dir;

	d->base = umockdev_ioctl_base_new();
	g_signal_connect(d->base, "handle-ioctl", G_CALLBACK(on_ioctl), d);
	g_signal_connect(d->base, "client-vanished", G_CALLBACK(on_vanished), d);
	if (!umockdev_testbed_attach_ioctl(d->tb, d->node, d->base, &e))
		g_error("attach: %s", e->message);
	d->node_file = g_strconcat(root, d->node, NULL);
	dir = g_path_get_dirname(d->node_file);
	g_mkdir_with_parents(dir, 0755);
	if (mkfifo(d->node_file, 0600))
		g_error("mkfifo %s: %m", d->node_file);
	d->fifo = open(d->node_file, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	fcntl(d->fifo, F_SETPIPE_SZ, 4096);
	node_rest(d);
	chmod(d->node_file, d->plan.mode);
	g_free(dir);
	g_free(root);
}

static void add_to_sysfs(struct device *d, unsigned bus, unsigned addr)
{
	const struct device_plan *p = &d->plan;
	char busnum[8], devnum[8], vid[8], pid[8], class[8], dev[16], minor[8], iface[48];
	const char *devpath = strchr(p->path, '-') + 1;
	guint8 desc[128];
	size_t n = descriptors(p, desc);

	g_snprintf(busnum, sizeof(busnum), "%u", bus);
	g_snprintf(devnum, sizeof(devnum), "%u", addr);
	g_snprintf(vid, sizeof(vid), "%04x", p->vid);
	g_snprintf(pid, sizeof(pid), "%04x", p->pid);
	g_snprintf(class, sizeof(class), "%02x", p->class);
	g_snprintf(minor, sizeof(minor), "%u", (bus - 1) * 128 + addr - 1);
	g_snprintf(dev, sizeof(dev), "189:%s", minor);
	d->sys = umockdev_testbed_add_device(d->tb, "usb", p->path, NULL, "busnum", busnum,
		"devnum", devnum, "speed", "480", "bConfigurationValue", "1", "bNumConfigurations",
		"1", "bDeviceClass", class, "devpath", devpath, "idVendor", vid, "idProduct", pid,
		"dev", dev, NULL, "DEVTYPE", "usb_device", "DEVNAME", d->node, "MAJOR", "189",
		"MINOR", minor, "BUSNUM", busnum, "DEVNUM", devnum, NULL);
	if (p->serial[0])
		umockdev_testbed_set_attribute(d->tb, d->sys, "serial", p->serial);
	if (p->product[0])
		umockdev_testbed_set_attribute(d->tb, d->sys, "product", p->product);
	umockdev_testbed_set_attribute_binary(d->tb, d->sys, "descriptors", desc, n);
	g_snprintf(iface, sizeof(iface), "%s:1.0", p->path);
	d->sys_iface = umockdev_testbed_add_device(d->tb, "usb", iface, d->sys, "bInterfaceNumber",
		"00", NULL, "DEVTYPE", "usb_interface", NULL);
	umockdev_testbed_uevent(d->tb, d->sys, "add"); /* now with descriptors */
}

struct device *device_plug(UMockdevTestbed *tb, const struct device_plan *plan, unsigned addr)
{
	struct device *d = g_new0(struct device, 1);
	unsigned bus = strtoul(plan->path, NULL, 10);

	d->tb = tb;
	d->plan = *plan;
	d->nomem = SIZE_MAX;
	d->takes = ULONG_MAX;
	d->message = g_byte_array_new();
	g_snprintf(d->node, sizeof(d->node), "/dev/bus/usb/%03u/%03u", bus, addr);
	make_node(d);
	add_to_sysfs(d, bus, addr);
	return d;
}

void device_unplug(struct device *d)
{
	g_rec_mutex_lock(&bus_lock);
	d->gone = TRUE;
	fail_all(d, -ESHUTDOWN);
	node_wake(d);
	g_rec_mutex_unlock(&bus_lock);
	umockdev_testbed_remove_device(d->tb, d->sys_iface);
	umockdev_testbed_uevent(d->tb, d->sys, "remove");
	umockdev_testbed_remove_device(d->tb, d->sys);
}

/* ---- orders ---- */

void device_hold(struct device *d, gboolean on)
{
	d->held = on;
	show_owner(d);
}

void device_orphan(struct device *d)
{
	if (d->owner)
		forget(d, d->owner);
}

void device_chmod(struct device *d, unsigned mode)
{
	chmod(d->node_file, mode);
}

void device_deaf(struct device *d, gboolean on)
{
	d->deaf = on;
	pump_out(d);
}

void device_take(struct device *d, gulong n)
{
	d->takes = n;
	pump_out(d);
}

void device_stall(struct device *d)
{
	d->stall = TRUE;
}

void device_overflow(struct device *d)
{
	d->overflow = TRUE;
	pump_in(d);
}

void device_nomem(struct device *d, size_t longest)
{
	d->nomem = longest;
}

long device_ask(struct device *d, const char *what)
{
	if (!strcmp(what, "claimed"))
		return d->owner != NULL;
	if (!strcmp(what, "halts"))
		return d->halts;
	if (!strcmp(what, "resets"))
		return d->resets;
	if (!strcmp(what, "longest"))
		return d->longest;
	return -1;
}

/* ---- the phone's side ---- */

void device_write(struct device *d, const void *data, size_t n)
{
	GByteArray *w = g_byte_array_sized_new(n);

	g_byte_array_append(w, data, n);
	g_queue_push_tail(&d->writes, w);
	d->unread += n;
	pump_in(d);
}

size_t device_unread(const struct device *d)
{
	return d->unread;
}

void device_set_events(struct device *d, const struct device_events *events, void *arg)
{
	d->events = events;
	d->arg = arg;
}

unsigned device_mps(const struct device *d)
{
	return d->plan.mps;
}

void device_pause(struct device *d, gboolean on)
{
	d->paused = on;
	pump_out(d);
}
