/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device is, from its descriptors and from sysfs, on the pool: a phone with an ADB interface, a
 * phone without one, or not for us.
 *
 * Nothing is opened to find out. The kernel has read the strings when the device was plugged in, and
 * sysfs shows them to everybody: so a phone has its serial here even when its node is not ours or
 * another program has claimed it, and no phone is disturbed by a control transfer that it cannot answer.
 */
#include "usb_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* The kernel tells of a device before it has chosen a configuration. */
#define LOOKS   5
#define LOOK_MS 200

/* Makers of Android phones. A phone without ADB is told from the maker's other products by what it
 * offers instead, see is_phone(). */
static const uint16_t makers[] = {
	0x0421, /* Nokia */
	0x0482, /* Kyocera */
	0x0489, /* Foxconn */
	0x04dd, /* Sharp */
	0x04e8, /* Samsung */
	0x054c, /* Sony */
	0x05c6, /* Qualcomm; also OnePlus and BQ */
	0x0955, /* Nvidia */
	0x0b05, /* ASUS */
	0x0bb4, /* HTC */
	0x0e8d, /* MediaTek */
	0x0fce, /* Sony Ericsson */
	0x1004, /* LG */
	0x109b, /* Hisense */
	0x12d1, /* Huawei */
	0x1782, /* Unisoc */
	0x17ef, /* Lenovo */
	0x18d1, /* Google */
	0x1949, /* Amazon */
	0x19d2, /* ZTE */
	0x1bbb, /* TCL, Alcatel */
	0x2207, /* Rockchip */
	0x22b8, /* Motorola */
	0x22d9, /* OPPO, realme */
	0x2717, /* Xiaomi */
	0x2833, /* Oculus */
	0x2a45, /* Meizu */
	0x2a70, /* OnePlus */
	0x2ae5, /* Fairphone */
	0x2d95, /* vivo */
	0x2e04, /* HMD */
	0x339b, /* Honor */
};

struct triple {
	uint8_t class, sub, proto;
};

static const struct triple adb_ifaces[] = {
	{0xff, 0x42, 0x01}, /* adbd */
	{0xdc, 0x02, 0x01}, /* the same over the USB 3 debug class */
};

/* What a phone offers whose USB debugging is off, whatever its owner chose. */
static const struct triple phone_ifaces[] = {
	{0x06, 0x01, 0x01}, /* PTP; MTP on many */
	{0xff, 0xff, 0x00}, /* MTP as Android's gadget has it; also "charging only" */
	{0xe0, 0x01, 0x03}, /* tethering (RNDIS) */
};

struct look_job {
	struct usb_job job;
	int rc; /* ERR_NOTFOUND: not for us; ERR_BUSY: not configured yet */
	struct adb_usb_info info;
	struct usb_match match;
};

/* ---- descriptors ---- */

static bool is_one_of(const struct libusb_interface_descriptor *i, const struct triple *t, int n)
{
	for (int k = 0; k < n; k++)
		if (i->bInterfaceClass == t[k].class && i->bInterfaceSubClass == t[k].sub &&
			i->bInterfaceProtocol == t[k].proto)
			return true;
	return false;
}

/* 64, 512 or 1024; 8 to 32 as the specification allows at full speed. 0 for nonsense. */
static uint16_t packet_size(const struct libusb_endpoint_descriptor *ep)
{
	uint16_t n = ep->wMaxPacketSize & 0x7ff;

	return n >= 8 && n <= 1024 && !(n & (n - 1)) ? n : 0;
}

/* One bulk endpoint in each direction, and their sizes make sense. */
static bool match_endpoints(const struct libusb_interface_descriptor *i, struct usb_match *m)
{
	int n_in = 0, n_out = 0;

	for (int k = 0; k < i->bNumEndpoints; k++) {
		const struct libusb_endpoint_descriptor *ep = &i->endpoint[k];

		if ((ep->bmAttributes & 3) != LIBUSB_TRANSFER_TYPE_BULK)
			continue;
		if (ep->bEndpointAddress & LIBUSB_ENDPOINT_IN) {
			m->ep_in = ep->bEndpointAddress;
			m->mps_in = packet_size(ep);
			n_in++;
		} else {
			m->ep_out = ep->bEndpointAddress;
			m->mps_out = packet_size(ep);
			n_out++;
		}
	}
	return n_in == 1 && n_out == 1 && m->mps_in && m->mps_out;
}

/* The interface of the table, at its altsetting 0. */
static const struct libusb_interface_descriptor *find(
	const struct libusb_config_descriptor *c, const struct triple *t, int n)
{
	for (int k = 0; k < c->bNumInterfaces; k++)
		if (c->interface[k].num_altsetting > 0 &&
			is_one_of(c->interface[k].altsetting, t, n))
			return c->interface[k].altsetting;
	return NULL;
}

static bool is_maker(uint16_t vid)
{
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (makers[i] == vid)
			return true;
	return false;
}

static int classify(const struct libusb_config_descriptor *c, struct look_job *l)
{
	const struct libusb_interface_descriptor *i =
		find(c, adb_ifaces, sizeof(adb_ifaces) / sizeof(adb_ifaces[0]));

	l->match.config = c->bConfigurationValue;
	if (i && match_endpoints(i, &l->match)) {
		l->match.iface = i->bInterfaceNumber;
		return 0;
	}
	if (!is_maker(l->info.vid) ||
		!find(c, phone_ifaces, sizeof(phone_ifaces) / sizeof(phone_ifaces[0])))
		return ERR_NOTFOUND;
	l->info.need = ADB_USB_NO_DEBUGGING;
	return 0;
}

/* ---- names ---- */

static void print_path(libusb_device *usb, char dst[ADB_USB_PATH])
{
	uint8_t ports[7];
	int n = libusb_get_port_numbers(usb, ports, sizeof(ports));
	int at = snprintf(dst, ADB_USB_PATH, "%u-", libusb_get_bus_number(usb));

	for (int i = 0; i < n && at < ADB_USB_PATH; i++)
		at += snprintf(dst + at, ADB_USB_PATH - at, "%s%u", i ? "." : "", ports[i]);
	if (n <= 0)
		snprintf(dst + at, ADB_USB_PATH - at, "@%u", libusb_get_device_address(usb));
}

static void read_string(const char *path, const char *what, char *dst, size_t size)
{
	char name[96], text[256];
	size_t n = 0;
	FILE *f;

	dst[0] = '\0';
	snprintf(name, sizeof(name), "/sys/bus/usb/devices/%s/%s", path, what);
	f = fopen(name, "re");
	if (!f)
		return;
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (n && text[n - 1] == '\n')
		n--;
	str_copy_clean(dst, size, text, n);
}

static void say_no_debugging(struct adb_usb_info *i)
{
	const char *product = i->product[0] ? i->product : "its maker is one of phones";

	snprintf(i->text, sizeof(i->text),
		"the phone at USB port %s (%.40s) offers no ADB: switch on USB debugging in its "
		"developer options (Huawei, Honor: \"Allow ADB debugging in charge only mode\" "
		"too)",
		i->path, product);
}

/* ---- the look ---- */

static int look_at(struct look_job *l, libusb_device *usb)
{
	struct libusb_device_descriptor dev;
	struct libusb_config_descriptor *config;
	int rc = libusb_get_device_descriptor(usb, &dev);

	if (rc || (dev.bDeviceClass != 0 && dev.bDeviceClass != 0xef))
		return ERR_NOTFOUND;
	l->info.vid = dev.idVendor;
	l->info.pid = dev.idProduct;
	rc = libusb_get_active_config_descriptor(usb, &config);
	if (rc)
		return rc == LIBUSB_ERROR_NOT_FOUND || rc == LIBUSB_ERROR_IO ? ERR_BUSY
		                                                             : ERR_NOTFOUND;
	rc = classify(config, l);
	libusb_free_config_descriptor(config);
	if (rc)
		return rc;
	print_path(usb, l->info.path);
	read_string(l->info.path, "serial", l->info.serial, sizeof(l->info.serial));
	read_string(l->info.path, "product", l->info.product, sizeof(l->info.product));
	if (l->info.need)
		say_no_debugging(&l->info);
	return 0;
}

static void look_work(struct usb_job *job)
{
	struct look_job *l = (struct look_job *)job;

	l->rc = look_at(l, job->d->usb);
}

static void on_look_again(void *arg)
{
	struct adb_usb_dev *d = arg;

	d->look_again = NULL;
	usb_look(d);
}

static void look_done(struct usb_job *job)
{
	struct look_job *l = (struct look_job *)job;
	struct adb_usb_dev *d = job->d;
	struct adb_usb *u = job->u;

	if (!d->on_bus || u->stopping) {
		d->state = USB_DEV_IGNORED; /* it leaves as quietly as it came */
	} else if (l->rc == ERR_BUSY && ++d->looks < LOOKS) {
		usb_timer(u, &d->look_again, LOOK_MS, on_look_again, d);
	} else if (l->rc) {
		d->state = USB_DEV_IGNORED;
	} else {
		d->info = l->info;
		d->match = l->match;
		d->state = USB_DEV_LISTED;
		u->events->appeared(u->arg, d);
	}
	mem_free(l);
}

void usb_look(struct adb_usb_dev *d)
{
	struct look_job *l = mem_zalloc(sizeof(*l));

	d->state = USB_DEV_LOOKING;
	usb_job_start(d->u, d, &l->job, look_work, look_done);
}
