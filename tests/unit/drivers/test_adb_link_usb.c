/* SPDX-License-Identifier: Apache-2.0 */
/* The USB link against simulated packets, reading and writing: each rule of drivers/adb/link_usb*.c as a
 * story that fails without its handling. */
#include "support_link.h"

#include "base/mem.h"

/* ---- reading ---- */

static void reads_payloads_of_every_length(void **state)
{
	static const size_t lens[] = {0, 1, 23, 24, 511, 512, 513, 1024, 4096, 65536, 262144};
	static const uint16_t sizes[] = {64, 512, 1024};

	(void)state;
	for (size_t m = 0; m < 3; m++) {
		BEGIN_IN_STEP(s, sizes[m]);
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			support_usb_send_packet(s.su, ADB_WRTE, 7, lens[i], true);
			support_usb_run(s.su);
			assert_int_equal(s.n_packets, i + 1);
			assert_int_equal(s.last.len, lens[i]);
			assert_int_equal(s.last.arg0, 7);
		}
		assert_int_equal(s.broken, 0);
		story_end(&s);
	}
}

static void asks_for_a_header_with_one_packet(void **state)
{
	(void)state;
	BEGIN(s, 512);
	assert_int_equal(s.su->n_in, 1);
	assert_int_equal(s.su->longest_in, 512);
	story_end(&s);
}

static void asks_for_the_next_header_with_the_payload(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->most_in = 0;
	support_usb_send_packet(s.su, ADB_WRTE, 1, 100, true);
	support_usb_send_packet(s.su, ADB_WRTE, 2, 512, true);
	support_usb_send_packet(s.su, ADB_OKAY, 3, 0, true);
	support_usb_run(s.su);
	assert_int_equal(s.su->most_in, 2);
	assert_int_equal(s.n_packets, 3);
	assert_int_equal(s.last.arg0, 3);
	story_end(&s);
}

static void passes_over_an_empty_packet(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	support_usb_send_packet(s.su, ADB_WRTE, 1, 512, true);
	s.su->packets[s.su->n_packets++].n = 0; /* some gadgets do end with one */
	support_usb_send_packet(s.su, ADB_OKAY, 2, 0, true);
	support_usb_run(s.su);
	assert_int_equal(s.n_packets, 2);
	assert_int_equal(s.broken, 0);
	story_end(&s);
}

static void breaks_on_garbage_once_in_step(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} garbage[] = {{"WRTE", 4}, {"0123456789abcdefghijklmn", 24}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		BEGIN_IN_STEP(s, 512);
		support_usb_send(s.su, garbage[i].bytes, garbage[i].n);
		story_expect_broken(&s, ERR_PROTO, "no ADB header");
		story_end(&s);
	}
}

static void breaks_on_a_payload_beyond_what_was_agreed(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	support_usb_send_packet(s.su, ADB_WRTE, 1, 256 * 1024, true);
	support_usb_run(s.su);
	assert_int_equal(s.n_packets, 1);
	support_usb_send_packet(s.su, ADB_WRTE, 1, 256 * 1024 + 1, true);
	story_expect_broken(&s, ERR_PROTO, "no ADB header");
	story_end(&s);
}

static void breaks_on_a_short_payload(void **state)
{
	uint8_t head[ADB_HEADER], some[100] = {0};
	const struct adb_header h = {ADB_WRTE, 1, 2, 1000, 0};

	(void)state;
	BEGIN_IN_STEP(s, 512);
	adb_header_put(head, &h);
	support_usb_send(s.su, head, sizeof(head));
	support_usb_send(s.su, some, sizeof(some));
	story_expect_broken(&s, ERR_PROTO, "announced 1000 bytes and sent 100");
	assert_int_equal(s.n_packets, 0);
	story_end(&s);
}

static void breaks_on_a_long_payload(void **state)
{
	uint8_t head[ADB_HEADER], some[700] = {0};
	const struct adb_header h = {ADB_WRTE, 1, 2, 600, 0};

	(void)state;
	BEGIN_IN_STEP(s, 512);
	adb_header_put(head, &h);
	support_usb_send(s.su, head, sizeof(head));
	support_usb_send(s.su, some, sizeof(some));
	story_expect_broken(&s, ERR_PROTO, "announced");
	story_end(&s);
}

static void breaks_on_what_usb_reports(void **state)
{
	static const struct {
		enum usb_end end;
		int code;
		const char *word;
	} ends[] = {
		{USB_END_OVERFLOW, ERR_PROTO, "more than it had announced"},
		{USB_END_STALLED, ERR_IO, "stalled while reading"},
		{USB_END_FAILED, ERR_IO, "cable"},
		{USB_END_GONE, ERR_GONE, "1-4.2"},
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		BEGIN_IN_STEP(s, 512);
		s.su->end_in = ends[i].end;
		story_expect_broken(&s, ends[i].code, ends[i].word);
		story_end(&s);
	}
}

static void checks_sums_while_the_session_has_them(void **state)
{
	uint8_t head[ADB_HEADER], payload[4] = {0, 1, 2, 3};
	const struct adb_header wrong = {ADB_WRTE, 1, 2, 4, 99};

	(void)state;
	adb_header_put(head, &wrong);
	for (int with_sums = 0; with_sums < 2; with_sums++) {
		BEGIN_IN_STEP(s, 512);
		s.l->ops->agreed(s.l, with_sums ? ADB_VERSION_SUM : ADB_VERSION, 4096);
		support_usb_send_packet(s.su, ADB_WRTE, 1, 4, false); /* 0 is not looked at */
		support_usb_send(s.su, head, sizeof(head));
		support_usb_send(s.su, payload, sizeof(payload));
		support_usb_run(s.su);
		assert_int_equal(s.n_packets, with_sums ? 1 : 2);
		if (with_sums)
			story_expect_broken(&s, ERR_PROTO, "checksum");
		story_end(&s);
	}
}

static void pause_holds_what_is_here_already(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.pause_in_packet = true;
	for (int i = 0; i < 4; i++)
		support_usb_send_packet(s.su, ADB_WRTE, i, 600, true);
	for (int i = 1; i <= 4; i++) {
		support_usb_run(s.su);
		assert_int_equal(s.n_packets, i);
		assert_true(s.su->n_in <= 1); /* and the phone is not read from */
		s.l->ops->pause(s.l, false);
		assert_int_equal(s.n_packets, i); /* nothing from inside the call */
	}
	support_usb_run(s.su);
	assert_int_equal(s.n_packets, 4);
	story_end(&s);
}

/* ---- leftovers ---- */

static void throws_leftovers_away(void **state)
{
	uint8_t rest[1500] = {0};

	(void)state;
	BEGIN(s, 512);
	support_usb_send(s.su, rest, sizeof(rest));             /* half a payload */
	support_usb_send_packet(s.su, ADB_WRTE, 9, 3000, true); /* of an old stream */
	support_usb_send_packet(s.su, ADB_OKAY, 9, 0, true);    /* whole, and old */
	support_usb_send(s.su, "0123456789abcdefghijklmn", 24); /* as long as a header */
	support_usb_send_packet(s.su, ADB_AUTH, ADB_AUTH_TOKEN, ADB_TOKEN, true);
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	assert_int_equal(s.n_packets, 1);
	assert_int_equal(s.last.command, ADB_AUTH);
	story_in_step(&(struct story){.su = s.su, .l = s.l, .n_packets = 1});
	assert_int_equal(s.n_packets, 2);
	story_end(&s);
}

static void an_old_header_may_lack_its_payload(void **state)
{
	const struct adb_header old = {ADB_AUTH, ADB_AUTH_TOKEN, 0, ADB_TOKEN, 0};
	uint8_t head[ADB_HEADER];

	(void)state;
	BEGIN(s, 512);
	/* Our CNXN made adbd drop what it had queued behind this header. */
	adb_header_put(head, &old);
	support_usb_send(s.su, head, sizeof(head));
	support_usb_run(s.su);
	assert_int_equal(s.su->n_in, 1); /* out of step, only one at a time */
	support_usb_send_packet(s.su, ADB_CNXN, ADB_VERSION, 600, true);
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	assert_int_equal(s.n_packets, 1);
	assert_int_equal(s.last.command, ADB_CNXN);
	assert_int_equal(s.last.len, 600);
	story_end(&s);
}

static void leftovers_have_a_bound(void **state)
{
	uint8_t *rest = mem_zalloc(ADB_USB_STALE_MAX / 4);

	(void)state;
	BEGIN(s, 1024);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(s.broken, 0);
		support_usb_send(s.su, rest, ADB_USB_STALE_MAX / 4);
		support_usb_run(s.su);
	}
	assert_int_equal(s.broken, 0);
	support_usb_send(s.su, rest, 1);
	story_expect_broken(&s, ERR_PROTO, "no ADB packets");
	story_end(&s);
	mem_free(rest);
}

static void no_long_handshake(void **state)
{
	(void)state;
	BEGIN(s, 512);
	support_usb_send_packet(s.su, ADB_CNXN, ADB_VERSION, ADB_HANDSHAKE_MAX + 1, true);
	support_usb_run(s.su);
	assert_int_equal(s.n_packets, 0);
	support_usb_send_packet(s.su, ADB_CNXN, ADB_VERSION, ADB_HANDSHAKE_MAX, true);
	support_usb_run(s.su);
	assert_int_equal(s.n_packets, 1);
	story_end(&s);
}

/* ---- writing ---- */

static void writes_payloads_of_every_length(void **state)
{
	static const size_t lens[] = {0, 1, 24, 511, 512, 513, 1024, 16384, 65536, 262144};
	static const uint16_t sizes[] = {64, 512, 1024};

	(void)state;
	for (size_t m = 0; m < 3; m++) {
		BEGIN_IN_STEP(s, sizes[m]);
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			story_send(&s, 2, lens[i]);
			assert_int_equal(support_usb_take(s.su).len, lens[i]);
			assert_int_equal(support_usb_take(s.su).len, lens[i]);
			assert_true(support_usb_nothing(s.su));
		}
		story_end(&s);
	}
}

static void sums_are_sent_until_the_session_does_without(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	story_send(&s, 1, 10);
	assert_int_equal(support_usb_take(s.su).sum, 45);
	s.l->ops->agreed(s.l, ADB_VERSION, 4096);
	story_send(&s, 1, 10);
	assert_int_equal(support_usb_take(s.su).sum, 0);
	story_end(&s);
}

static void asks_for_no_more_than_it_can_send(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	story_send(&s, 20, 1000);
	assert_int_equal(s.su->most_out, USB_PIPE_OUT);
	assert_int_equal(s.asked, USB_PIPE_OUT / 2);
	s.su->stuck = false;
	support_usb_run(s.su);
	for (int i = 0; i < 20; i++)
		assert_int_equal(support_usb_take(s.su).len, 1000);
	assert_int_equal(s.su->most_out, USB_PIPE_OUT);
	story_end(&s);
}

static void kick_asks_later(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.to_send = 1;
	s.l->ops->kick(s.l);
	assert_int_equal(s.asked, 0);
	support_usb_run(s.su);
	assert_int_equal(support_usb_take(s.su).command, ADB_WRTE);
	assert_int_equal(s.asked, 2);
	support_usb_send_packet(s.su, ADB_OKAY, 1, 0, true);
	support_usb_run(s.su);
	assert_int_equal(s.asked, 2); /* it said no */
	story_end(&s);
}

static void a_write_that_does_not_move_breaks_the_link(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	story_send(&s, 1, 1000);
	support_advance(s.sh, ADB_USB_WRITE_MS - 1);
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	support_advance(s.sh, 1);
	story_expect_broken(&s, ERR_TIMEOUT, "5000 ms");
	story_end(&s);
}

static void the_handshake_has_its_own_patience(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.su->stuck = true;
	story_send(&s, 1, 20);
	support_advance(s.sh, 2 * ADB_USB_WRITE_MS - 1);
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	support_advance(s.sh, 1);
	story_expect_broken(&s, ERR_TIMEOUT, "10000 ms");
	story_end(&s);
}

static void a_slow_phone_is_no_dead_one(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	for (int i = 0; i < 5; i++) {
		s.su->stuck = true;
		story_send(&s, 1, 1000);
		support_advance(s.sh, ADB_USB_WRITE_MS - 1);
		support_usb_run(s.su);
		s.su->stuck = false;
		support_usb_run(s.su);
		support_usb_take(s.su);
	}
	support_advance(s.sh, 10 * ADB_USB_WRITE_MS); /* and an idle one neither */
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	story_end(&s);
}

static void a_short_write_breaks_the_link(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->short_out = 1;
	story_send(&s, 1, 1000);
	story_expect_broken(&s, ERR_IO, "took 23 of 24 bytes");
	story_end(&s);
}

static void a_failed_write_breaks_the_link(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->end_out = USB_END_STALLED;
	story_send(&s, 3, 1000);
	story_expect_broken(&s, ERR_IO, "stalled while writing");
	story_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_payloads_of_every_length),
		cmocka_unit_test(asks_for_a_header_with_one_packet),
		cmocka_unit_test(asks_for_the_next_header_with_the_payload),
		cmocka_unit_test(passes_over_an_empty_packet),
		cmocka_unit_test(breaks_on_garbage_once_in_step),
		cmocka_unit_test(breaks_on_a_payload_beyond_what_was_agreed),
		cmocka_unit_test(breaks_on_a_short_payload),
		cmocka_unit_test(breaks_on_a_long_payload),
		cmocka_unit_test(breaks_on_what_usb_reports),
		cmocka_unit_test(checks_sums_while_the_session_has_them),
		cmocka_unit_test(pause_holds_what_is_here_already),
		cmocka_unit_test(throws_leftovers_away),
		cmocka_unit_test(an_old_header_may_lack_its_payload),
		cmocka_unit_test(leftovers_have_a_bound),
		cmocka_unit_test(no_long_handshake),
		cmocka_unit_test(writes_payloads_of_every_length),
		cmocka_unit_test(sums_are_sent_until_the_session_does_without),
		cmocka_unit_test(asks_for_no_more_than_it_can_send),
		cmocka_unit_test(kick_asks_later),
		cmocka_unit_test(a_write_that_does_not_move_breaks_the_link),
		cmocka_unit_test(the_handshake_has_its_own_patience),
		cmocka_unit_test(a_slow_phone_is_no_dead_one),
		cmocka_unit_test(a_short_write_breaks_the_link),
		cmocka_unit_test(a_failed_write_breaks_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
