/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/adb/usb*.c and link_usb*.c over the real libusb: what breaks in the middle, and what a dead owner left. */
#include "usbuser.h"

#include <string.h>

/* ---- in mid-transfer ---- */

static void unplugged_in_mid_transfer(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	umock_tell(s->m, "deaf 1-1 1");
	usb_send(p, ADB_WRTE, 100, 65536);
	support_until(s->sh, usb_nothing_left, s);
	umock_tell(s->m, "unplug 1-1");
	usb_until(s, usb_has_left, s, 1);
	assert_true(p->broken <= 1);
	if (p->broken)
		assert_int_equal(p->code, ERR_GONE);
}

static void unplugged_without_udev(void **state)
{
	struct story *s = *state;
	struct port *p;

	umock_tell(s->m, "plug 1-1");
	usb_start(s, ADB_USB_SCAN, 0);
	p = usb_talk(s, 0);
	umock_tell(s->m, "unplug 1-1");
	usb_until(s, usb_is_broken, p, 1); /* the transfer tells, long before the scan */
	assert_int_equal(p->code, ERR_GONE);
	usb_close(p);
	support_advance(s->sh, ADB_USB_SCAN_MS);
	usb_until(s, usb_has_left, s, 1);
}

static void unplugged_while_it_is_opened(void **state)
{
	struct story *s = *state;
	struct port *p = &s->phones[0];

	umock_tell(s->m, "plug 1-1");
	usb_start(s, ADB_USB_HOTPLUG, 0);
	usb_until(s, usb_has_appeared, s, 1);
	support_hold_work(s->sh, SUPPORT_HELD);
	assert_int_equal(adb_usb_open(p->d, usb_opened, p), 0);
	umock_tell(s->m, "unplug 1-1");
	usb_until(s, usb_has_left, s, 1);
	assert_int_equal(p->opened, 1);
	assert_int_equal(p->open_code, ERR_GONE);
	support_release_work(s->sh);
}

static void leftovers_of_a_dead_owner(void **state)
{
	struct story *s = *state;
	struct port *p;

	umock_tell(s->m, "plug 1-1");
	umock_tell(s->m, "stale 1-1 40000");
	usb_start(s, ADB_USB_HOTPLUG, 0);
	p = usb_talk(s, 0);
	usb_send(p, ADB_WRTE, 1, 512);
	usb_until(s, usb_has_echoed, p, 1);
}

static void a_dead_owner_left_half_a_packet(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	/* The phone has a header and waits for its payload. */
	umock_tell(s->m, "nomem 1-1 100");
	usb_send(p, ADB_WRTE, 1, 3000);
	support_until(s->sh, usb_nothing_left, s);
	usb_close(p); /* it cannot give the rest either */
	support_until(s->sh, usb_nothing_left, s);
	umock_tell(s->m, "nomem 1-1 1000000");
	p->opened = p->cnxns = p->n_out = 0;
	assert_int_equal(adb_usb_open(p->d, usb_opened, p), 0);
	usb_until(s, usb_has_answered, p, 1);
	/* It takes our CNXN for that payload. The next step of the escalation is heard. */
	usb_send(p, ADB_CNXN, 1, 20);
	support_until(s->sh, usb_nothing_left, s);
	assert_true(umock_tell(s->m, "ask 1-1 violations") > 0);
	assert_int_equal(p->l->ops->resync(p->l, 0, usb_resynced, p), 0);
	usb_until(s, usb_is_resynced, p, 1);
	assert_int_equal(p->cnxns, 0);
	usb_send(p, ADB_CNXN, 1, 20);
	usb_until(s, usb_is_connected, p, 1);
}

static void a_stall_breaks_the_link(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	umock_tell(s->m, "stall 1-1");
	usb_send(p, ADB_WRTE, 1, 1000);
	usb_until(s, usb_is_broken, p, 1);
	assert_int_equal(p->code, ERR_IO);
	usb_close(p);
	p->opened = p->cnxns = 0;
	usb_talk(s, 0);
}

static void a_deaf_phone_is_timed_out(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	umock_tell(s->m, "deaf 1-1 1");
	usb_send(p, ADB_WRTE, 1, 1000);
	support_until(s->sh, usb_nothing_left, s);
	support_advance(s->sh, ADB_USB_WRITE_MS);
	usb_until(s, usb_is_broken, p, 1);
	assert_int_equal(p->code, ERR_TIMEOUT);
}

static void short_of_memory(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	umock_tell(s->m, "nomem 1-1 20000");
	usb_send(p, ADB_WRTE, 3, 262144);
	usb_until(s, usb_has_echoed, p, 3);
	assert_int_equal(p->broken, 0);
	assert_int_equal(umock_tell(s->m, "ask 1-1 violations"), 0);
	assert_int_equal(umock_tell(s->m, "ask 1-1 longest"), ADB_USB_SPLIT);
}

static void cleared_and_in_step_again(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	for (int level = 0; level < 2; level++) {
		umock_tell(s->m, "deaf 1-1 1");
		usb_send(p, ADB_WRTE, 50, 1000);
		support_until(s->sh, usb_nothing_left, s);
		p->n_out = p->cnxns = 0;
		assert_int_equal(p->l->ops->resync(p->l, level, usb_resynced, p), 0);
		usb_until(s, usb_is_resynced, p, level + 1);
		assert_int_equal(p->resync_code, 0);
		assert_int_equal(umock_tell(s->m, "ask 1-1 halts"), 2 * level);
		umock_tell(s->m, "deaf 1-1 0");
		usb_send(p, ADB_CNXN, 1, 20);
		usb_until(s, usb_is_connected, p, 1);
	}
	assert_int_equal(p->broken, 0);
}

static void reset_and_arrived_anew(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	assert_int_equal(p->l->ops->resync(p->l, 2, usb_resynced, p), 0);
	usb_until(s, usb_is_broken, p, 1);
	assert_int_equal(p->resynced, 1);
	assert_int_equal(p->code, ERR_GONE);
	assert_int_equal(umock_tell(s->m, "ask 1-1 resets"), 1);
	usb_close(p);
	usb_until(s, usb_has_left, s, 1);
	usb_talk(s, 1);
	assert_string_equal(adb_usb_info(s->phones[1].d)->path, "1-1");
	assert_int_equal(s->n, 2);
}

/* The next owner finds it in step: no halt is cleared, nothing is lost on the phone's side. */
static void closed_in_mid_packet(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	umock_tell(s->m, "take 1-1 1"); /* a header, and not what it announces */
	usb_send(p, ADB_WRTE, 3, 100000);
	support_until(s->sh, usb_nothing_left, s);
	usb_close(p);
	umock_tell(s->m, "take 1-1 1000000");
	p->opened = p->cnxns = p->n_out = 0;
	usb_talk(s, 0);
	assert_int_equal(umock_tell(s->m, "ask 1-1 violations"), 0);
	assert_int_equal(umock_tell(s->m, "ask 1-1 halts"), 0);
}

/* Nothing that came can be believed: the link breaks, and another one is in step. */
static void more_came_than_there_was_room_for(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	umock_tell(s->m, "overflow 1-1");
	usb_until(s, usb_is_broken, p, 1);
	assert_int_equal(p->code, ERR_PROTO);
	assert_non_null(strstr(p->text, "more than"));
	usb_close(p);
	p->opened = p->cnxns = 0;
	usb_talk(s, 0);
}

/* An empty packet ends what is whole packets, on every speed of bus; else two run together. */
static void payloads_of_whole_packets_end(void **state)
{
	static const size_t mps[] = {64, 512, 1024};
	struct story *s = *state;

	usb_start(s, ADB_USB_HOTPLUG, 0);
	for (int i = 0; i < 3; i++) {
		struct port *p;

		umock_tell(s->m, "plug 1-%d mps=%zu", i + 1, mps[i]);
		p = usb_talk(s, i);
		usb_send(p, ADB_WRTE, 2, mps[i]);
		usb_until(s, usb_has_echoed, p, 2);
		usb_send(p, ADB_WRTE, 2, 4096);
		usb_until(s, usb_has_echoed, p, 4);
		assert_int_equal(umock_tell(s->m, "ask 1-%d violations", i + 1), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(unplugged_in_mid_transfer),
		STORY(unplugged_without_udev),
		STORY(unplugged_while_it_is_opened),
		STORY(leftovers_of_a_dead_owner),
		STORY(a_dead_owner_left_half_a_packet),
		STORY(a_stall_breaks_the_link),
		STORY(a_deaf_phone_is_timed_out),
		STORY(short_of_memory),
		STORY(cleared_and_in_step_again),
		STORY(reset_and_arrived_anew),
		STORY(closed_in_mid_packet),
		STORY(more_came_than_there_was_room_for),
		STORY(payloads_of_whole_packets_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
