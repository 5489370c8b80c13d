/* SPDX-License-Identifier: Apache-2.0 */
/* The USB link where memory is short, at its end, and when it gets in step anew; see test_adb_link_usb.c. */
#include "support_link.h"

/* ---- no memory for USB ---- */

static void writes_in_pieces_when_memory_is_short(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->nomem_out = ADB_USB_SPLIT;
	story_send(&s, 2, 256 * 1024);
	for (int i = 0; i < 2; i++)
		assert_int_equal(support_usb_take(s.su).len, 256 * 1024); /* one message */
	assert_true(support_usb_nothing(s.su));
	assert_int_equal(s.su->longest_out, ADB_USB_SPLIT);
	s.su->nomem_out = SIZE_MAX;
	story_send(&s, 1, 256 * 1024);
	assert_int_equal(s.su->longest_out, 256 * 1024); /* tried whole again */
	story_end(&s);
}

static void reads_in_pieces_when_memory_is_short(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->nomem_in = ADB_USB_SPLIT;
	support_usb_send_packet(s.su, ADB_WRTE, 1, 100 * 1024, true);
	support_usb_send_packet(s.su, ADB_WRTE, 2, 40000, true);
	support_usb_run(s.su);
	assert_int_equal(s.n_packets, 2);
	assert_int_equal(s.last.len, 40000);
	assert_int_equal(s.su->longest_in, ADB_USB_SPLIT);
	story_end(&s);
}

static void waits_for_memory(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->nomem_out = 0;
	story_send(&s, 1, 1000);
	assert_true(support_usb_nothing(s.su));
	support_advance(s.sh, ADB_USB_WRITE_MS - 1);
	support_usb_run(s.su);
	s.su->nomem_out = SIZE_MAX;
	support_advance(s.sh, ADB_USB_STARVE_MS);
	support_usb_run(s.su);
	assert_int_equal(support_usb_take(s.su).len, 1000);
	assert_int_equal(s.broken, 0);
	story_end(&s);
}

static void gives_up_waiting_for_memory(void **state)
{
	(void)state;
	for (int reading = 0; reading < 2; reading++) {
		BEGIN_IN_STEP(s, 512);
		if (reading) {
			s.su->nomem_in = 0;
			support_usb_send_packet(s.su, ADB_WRTE, 1, 1000, true);
			support_usb_run(s.su);
		} else {
			s.su->nomem_out = 0;
			story_send(&s, 1, 1000);
		}
		support_advance(s.sh, ADB_USB_WRITE_MS);
		story_expect_broken(&s, ERR_IO, "usbcore.usbfs_memory_mb");
		story_end(&s);
	}
}

/* ---- the end ---- */

static void unplugged_with_everything_in_flight(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	story_send(&s, 100, 1000);
	support_usb_unplug(s.su);
	assert_int_equal(s.broken, 0); /* later */
	story_expect_broken(&s, ERR_GONE, "1-4.2");
	story_end(&s);
}

static void unplugged_while_paused(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.pause_in_packet = true;
	support_usb_send_packet(s.su, ADB_OKAY, 1, 0, true);
	support_usb_send_packet(s.su, ADB_OKAY, 1, 0, true);
	support_usb_run(s.su);
	support_usb_unplug(s.su);
	story_expect_broken(&s, ERR_GONE, "1-4.2");
	story_end(&s);
}

static void closed_inside_a_packet(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.close_in_packet = true;
	s.su->stuck = true;
	story_send(&s, 3, 1000);
	support_usb_send_packet(s.su, ADB_WRTE, 1, 100, true);
	support_usb_send_packet(s.su, ADB_WRTE, 2, 100, true);
	support_usb_run(s.su);
	assert_null(s.l);
	assert_int_equal(s.n_packets, 1);
	assert_false(s.su->closed); /* a header is on its way */
	support_advance(s.sh, ADB_USB_LEAVE_MS);
	support_usb_run(s.su);
	assert_true(s.su->closed);
	story_end(&s);
}

/* Else the phone takes the next owner's first words for the rest of it. */
static void closed_in_mid_packet_the_phone_gets_the_rest(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	s.su->nomem_out = ADB_USB_SPLIT;
	story_send(&s, 3, 100 * 1024); /* of pieces, of which not all are in flight */
	story_close(&s);
	assert_true(s.su->leaving);
	s.su->stuck = false;
	support_usb_run(s.su);
	assert_true(s.su->closed);
	assert_int_equal(support_usb_take(s.su).len, 100 * 1024);
	assert_true(support_usb_nothing(s.su)); /* the other two were never begun */
	story_end(&s);
}

static void closed_between_packets_it_waits_for_nothing(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	story_send(&s, 3, 1000);
	story_close(&s);
	support_usb_run(s.su);
	assert_false(s.su->leaving);
	assert_true(s.su->closed);
	story_end(&s);
}

static void unplugged_while_it_gets_the_rest(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	story_send(&s, 1, 1000);
	story_close(&s);
	support_usb_unplug(s.su);
	support_usb_run(s.su);
	assert_true(s.su->closed);
	assert_int_equal(s.broken, 0);
	story_end(&s);
}

static void closed_before_the_end_is_told(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	support_usb_unplug(s.su);
	story_close(&s);
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	story_end(&s);
}

/* ---- resync ---- */

static void resync_forgets_what_is_half_done(void **state)
{
	(void)state;
	for (int level = 0; level < 2; level++) {
		BEGIN_IN_STEP(s, 512);
		s.su->stuck = true;
		story_send(&s, 100, 1000);
		s.to_send = 0;
		assert_int_equal(s.l->ops->resync(s.l, level, story_resynced, &s), 0);
		assert_int_equal(s.l->ops->resync(s.l, 0, story_resynced, &s), ERR_BUSY);
		assert_int_equal(s.resynced, 0);
		s.su->stuck = false;
		support_usb_run(s.su);
		assert_int_equal(s.resynced, 1);
		assert_int_equal(s.resync_code, 0);
		assert_int_equal(s.su->halts_cleared, level);
		assert_true(support_usb_nothing(s.su));
		/* Out of step again: leftovers, then a session as new. */
		support_usb_send_packet(s.su, ADB_WRTE, 1, 1000, true);
		story_in_step(&s);
		story_send(&s, 1, 512);
		assert_int_equal(support_usb_take(s.su).len, 512);
		assert_int_equal(s.broken, 0);
		story_end(&s);
	}
}

static void resync_by_reset_ends_the_link(void **state)
{
	(void)state;
	BEGIN(s, 512);
	assert_int_equal(s.l->ops->resync(s.l, 2, story_resynced, &s), 0);
	story_expect_broken(&s, ERR_GONE, "was reset");
	assert_int_equal(s.resynced, 1);
	assert_int_equal(s.resync_code, 0);
	assert_int_equal(s.su->resets, 1);
	assert_int_equal(s.l->ops->resync(s.l, 0, story_resynced, &s), ERR_GONE);
	story_end(&s);
}

static void resync_that_fails_says_so(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.su->resync_code = ERR_IO;
	s.l->ops->resync(s.l, 1, story_resynced, &s);
	support_usb_run(s.su);
	assert_int_equal(s.resynced, 1);
	assert_int_equal(s.resync_code, ERR_IO);
	assert_int_equal(s.broken, 0);
	story_end(&s);
}

static void resync_waits_for_the_pool(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.su->pool_full = true;
	s.l->ops->resync(s.l, 1, story_resynced, &s);
	support_usb_run(s.su);
	assert_int_equal(s.resynced, 0);
	s.su->pool_full = false;
	support_advance(s.sh, ADB_USB_STARVE_MS);
	support_usb_run(s.su);
	assert_int_equal(s.resynced, 1);
	story_end(&s);
}

static void unplugged_in_resync(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.l->ops->resync(s.l, 1, story_resynced, &s);
	support_usb_unplug(s.su);
	story_expect_broken(&s, ERR_GONE, "1-4.2");
	assert_int_equal(s.resynced, 1);
	assert_int_equal(s.resync_code, ERR_GONE);
	story_end(&s);
}

static void closed_in_resync(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.l->ops->resync(s.l, 1, story_resynced, &s);
	story_close(&s);
	support_usb_run(s.su);
	assert_int_equal(s.resynced, 0);
	story_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_in_pieces_when_memory_is_short),
		cmocka_unit_test(reads_in_pieces_when_memory_is_short),
		cmocka_unit_test(waits_for_memory),
		cmocka_unit_test(gives_up_waiting_for_memory),
		cmocka_unit_test(unplugged_with_everything_in_flight),
		cmocka_unit_test(unplugged_while_paused),
		cmocka_unit_test(closed_inside_a_packet),
		cmocka_unit_test(closed_in_mid_packet_the_phone_gets_the_rest),
		cmocka_unit_test(closed_between_packets_it_waits_for_nothing),
		cmocka_unit_test(unplugged_while_it_gets_the_rest),
		cmocka_unit_test(closed_before_the_end_is_told),
		cmocka_unit_test(resync_forgets_what_is_half_done),
		cmocka_unit_test(resync_by_reset_ends_the_link),
		cmocka_unit_test(resync_that_fails_says_so),
		cmocka_unit_test(resync_waits_for_the_pool),
		cmocka_unit_test(unplugged_in_resync),
		cmocka_unit_test(closed_in_resync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
