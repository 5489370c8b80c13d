/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/adb/usb*.c over the real libusb: phones that come and go, one and many, and what is no phone. */
#include "usbuser.h"

#include <string.h>

/* ---- finding ---- */

static void a_phone_is_found_and_talked_to(void **state)
{
	static const size_t lens[] = {1, 511, 512, 1024, 4096, 262144};
	struct story *s = *state;
	const struct adb_usb_info *i;
	struct port *p;

	umock_tell(s->m, "plug 1-4.2 serial=8A2X vid=18d1 pid=4ee7 product=Pixel_8");
	usb_start(s, ADB_USB_HOTPLUG, 0);
	assert_int_equal(s->n, 0);
	p = usb_talk(s, 0);
	i = adb_usb_info(p->d);
	assert_string_equal(i->path, "1-4.2");
	assert_string_equal(i->serial, "8A2X");
	assert_string_equal(i->product, "Pixel_8");
	assert_int_equal(i->vid, 0x18d1);
	assert_int_equal(i->pid, 0x4ee7);
	assert_int_equal(i->need, ADB_USB_READY);
	assert_string_equal(p->l->where, "usb 1-4.2");
	for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
		p->wrtes = 0;
		usb_send(p, ADB_WRTE, 5, lens[k]);
		usb_until(s, usb_has_echoed, p, 5);
		assert_int_equal(p->wrte_n, lens[k]);
	}
	assert_int_equal(umock_tell(s->m, "ask 1-4.2 violations"), 0);
	assert_int_equal(adb_usb_open(p->d, usb_opened, p), ERR_BUSY);
}

static void an_idle_phone_costs_nothing(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	/* A read is in flight; nothing in the loop is ready. */
	support_until(s->sh, usb_nothing_left, s);
	assert_int_equal(support_step(s->sh), 0);
	assert_int_equal(p->broken, 0);
}

static void phones_come_and_go(void **state)
{
	struct story *s = *state;

	usb_start(s, ADB_USB_HOTPLUG, 0);
	s->open_at_once = true;
	for (int i = 0; i < 5; i++) {
		umock_tell(s->m, "plug 1-1");
		usb_talk(s, i);
		assert_string_equal(adb_usb_info(s->phones[i].d)->path, "1-1");
		umock_tell(s->m, "unplug 1-1");
		usb_until(s, usb_has_left, s, i + 1);
		assert_null(s->phones[i].d);
	}
}

static void phones_come_and_go_without_udev(void **state)
{
	struct story *s = *state;

	umock_tell(s->m, "plug 1-1");
	usb_start(s, ADB_USB_SCAN, 0);
	usb_talk(s, 0);
	umock_tell(s->m, "plug 1-2");
	support_advance(s->sh, ADB_USB_SCAN_MS);
	usb_talk(s, 1);
	support_until(s->sh, usb_nothing_left, s);
	assert_int_equal(s->n, 2); /* what is known does not appear twice */
	umock_tell(s->m, "unplug 1-1");
	umock_tell(s->m, "plug 1-1");
	support_advance(s->sh, ADB_USB_SCAN_MS);
	usb_until(s, usb_has_left, s, 1);
	usb_talk(s, 2);
	s->phones[1].wrtes = 0;
	usb_send(&s->phones[1], ADB_WRTE, 1, 1000);
	usb_until(s, usb_has_echoed, &s->phones[1], 1);
}

static void serials_may_be_empty_or_doubled(void **state)
{
	struct story *s = *state;
	int seen = 0;

	umock_tell(s->m, "plug 1-1 serial=0123456789ABCDEF");
	umock_tell(s->m, "plug 1-2 serial=0123456789ABCDEF");
	umock_tell(s->m, "plug 1-3 serial=");
	umock_tell(s->m, "plug 1-4 serial=");
	usb_start(s, ADB_USB_HOTPLUG, 0);
	for (int i = 0; i < 4; i++) {
		usb_talk(s, i);
		seen |= 1 << (adb_usb_info(s->phones[i].d)->path[2] - '0');
	}
	assert_int_equal(seen, 0x1e);
}

static void what_is_no_phone_is_passed_over(void **state)
{
	struct story *s = *state;
	const struct adb_usb_info *i;

	umock_tell(s->m, "plug 1-1 class=09 vid=05e3");      /* a hub */
	umock_tell(s->m, "plug 1-2 iface=storage vid=04e8"); /* Samsung's disk */
	umock_tell(s->m, "plug 1-3 iface=mtp vid=04a9");     /* a camera */
	umock_tell(s->m, "plug 1-4 mps=500");                /* no size of bulk packets */
	umock_tell(s->m, "plug 1-5 iface=mtp vid=22d9 product=CPH2449");
	usb_start(s, ADB_USB_HOTPLUG, 0);
	usb_until(s, usb_has_appeared, s, 1);
	umock_tell(s->m, "plug 1-6 iface=dbc vid=18d1");
	usb_talk(s, 1);
	assert_int_equal(s->n, 2);
	i = adb_usb_info(s->phones[0].d);
	assert_string_equal(i->path, "1-5");
	assert_int_equal(i->need, ADB_USB_NO_DEBUGGING);
	assert_non_null(strstr(i->text, "USB debugging"));
	assert_non_null(strstr(i->text, "CPH2449"));
	assert_int_equal(adb_usb_open(s->phones[0].d, usb_opened, NULL), ERR_WRONGSTATE);
	/* Switched on, it enumerates anew. */
	umock_tell(s->m, "unplug 1-5");
	umock_tell(s->m, "plug 1-5 vid=22d9");
	usb_talk(s, 2);
	assert_string_equal(adb_usb_info(s->phones[2].d)->path, "1-5");
}

/* ---- many ---- */

static void forty_phones(void **state)
{
	struct story *s = *state;

	usb_start(s, ADB_USB_HOTPLUG, 0);
	s->open_at_once = true;
	for (int i = 0; i < PHONES; i++)
		umock_tell(s->m, "plug 1-%d.%d serial=UMOCK%04d", 1 + i / 7, 1 + i % 7, i);
	for (int i = 0; i < PHONES; i++)
		usb_talk(s, i);
	for (int i = 0; i < PHONES; i++)
		usb_send(&s->phones[i], ADB_WRTE, 2, ADB_USB_PAYLOAD);
	for (int i = 0; i < PHONES; i++)
		usb_until(s, usb_has_echoed, &s->phones[i], 2);
	/* A hub dies. */
	for (int i = 7; i < 14; i++)
		umock_tell(s->m, "unplug 1-%d.%d", 1 + i / 7, 1 + i % 7);
	usb_until(s, usb_has_left, s, 7);
	for (int i = 0; i < PHONES; i++) {
		if (!s->phones[i].d)
			continue;
		usb_send(&s->phones[i], ADB_WRTE, 1, 512);
		usb_until(s, usb_has_echoed, &s->phones[i], 3);
	}
}

static void stopped_in_the_middle_of_everything(void **state)
{
	struct story *s = *state;

	for (int i = 0; i < 8; i++)
		umock_tell(s->m, "plug 1-%d", 1 + i);
	usb_start(s, ADB_USB_HOTPLUG, 0);
	usb_until(s, usb_has_appeared, s, 4);
	usb_talk(s, 0);
	umock_tell(s->m, "deaf 1-1 1");
	usb_send(&s->phones[0], ADB_WRTE, 50, 65536);
	for (int i = 1; i < 4; i++)
		assert_int_equal(adb_usb_open(s->phones[i].d, usb_opened, &s->phones[i]), 0);
}

static void stopped_before_it_began(void **state)
{
	struct story *s = *state;

	usb_start(s, ADB_USB_AUTO, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_phone_is_found_and_talked_to),
		STORY(an_idle_phone_costs_nothing),
		STORY(phones_come_and_go),
		STORY(phones_come_and_go_without_udev),
		STORY(serials_may_be_empty_or_doubled),
		STORY(what_is_no_phone_is_passed_over),
		STORY(forty_phones),
		STORY(stopped_in_the_middle_of_everything),
		STORY(stopped_before_it_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
