/* SPDX-License-Identifier: Apache-2.0 */
/* The USB link against simulated packets: each rule of drivers/adb/link_usb*.c as a story that fails
 * without its handling. */
#include "support_usb.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "drivers/adb/link_usb.h"

#define SENT_MAX 64

struct story {
	struct support_host *sh;
	struct support_usb *su;
	struct adb_link *l;

	int to_send; /* packets that next() gives out, of send_n bytes each; counts down */
	size_t send_n;
	int asked; /* calls of next() */

	int n_packets;
	struct adb_header last;
	uint32_t commands[SENT_MAX];
	bool close_in_packet, pause_in_packet;
	int broken, code;
	char text[LIMIT_CAUSE];
	int resynced, resync_code;
};

/* ---- the user of the link ---- */

static void close_link(struct story *s)
{
	if (s->l)
		s->l->ops->close(s->l);
	s->l = NULL;
}

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct story *s = arg;

	assert_non_null(s->l);
	assert_int_equal(s->broken, 0);
	assert_int_equal(h->len > 0, payload != NULL);
	for (uint32_t i = 0; i < h->len; i++)
		if (payload[i] != (uint8_t)i)
			fail_msg("byte %u of the payload is %u", i, payload[i]);
	assert_true(s->n_packets < SENT_MAX);
	s->commands[s->n_packets++] = h->command;
	s->last = *h;
	if (s->pause_in_packet)
		s->l->ops->pause(s->l, true);
	if (s->close_in_packet)
		close_link(s);
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	struct story *s = arg;

	assert_non_null(s->l);
	s->asked++;
	if (!s->to_send)
		return false;
	s->to_send--;
	*ret_out = (struct adb_out){.command = ADB_WRTE, .arg0 = 1, .arg1 = 2};
	if (!s->send_n)
		return true;
	ret_out->buf = adb_buf_new(s->send_n);
	ret_out->buf->len = s->send_n;
	for (size_t i = 0; i < s->send_n; i++)
		ret_out->buf->data[i] = i;
	return true;
}

static void on_broken(void *arg, int code, const char *text)
{
	struct story *s = arg;

	assert_non_null(s->l);
	s->broken++;
	s->code = code;
	snprintf(s->text, sizeof(s->text), "%s", text);
}

static const struct adb_link_events events = {on_packet, on_next, on_broken};

static void on_resynced(void *arg, int code)
{
	struct story *s = arg;

	s->resynced++;
	s->resync_code = code;
}

static struct story begin(uint16_t mps)
{
	struct story s = {0};

	s.sh = support_host_new(SUPPORT_INLINE);
	s.su = support_usb_new(s.sh, mps);
	s.l = adb_link_usb(support_host(s.sh), &s.su->p);
	assert_true(s.l->usb);
	assert_string_equal(s.l->where, "usb 1-4.2");
	s.l->events = &events;
	return s;
}

/* With arg set, since a story has its address only in its own frame. */
#define BEGIN(name, mps)                                                                           \
	struct story name = begin(mps);                                                            \
	name.l->arg = &name;                                                                       \
	support_usb_run(name.su)

/* As BEGIN, and the phone has answered CNXN: the link is in step. */
#define BEGIN_IN_STEP(name, mps)                                                                   \
	BEGIN(name, mps);                                                                          \
	in_step(&name)

static void in_step(struct story *s)
{
	support_usb_send_packet(s->su, ADB_CNXN, ADB_VERSION_SUM, 40, true);
	support_usb_run(s->su);
	assert_int_equal(s->n_packets, 1);
	s->l->ops->agreed(s->l, ADB_VERSION_SUM, 256 * 1024);
	s->n_packets = 0;
}

static void end(struct story *s)
{
	close_link(s);
	support_usb_free(s->su);
	support_host_free(s->sh);
}

static void send_packets(struct story *s, int n, size_t bytes)
{
	s->to_send = n;
	s->send_n = bytes;
	s->l->ops->kick(s->l);
	support_usb_run(s->su);
}

static void expect_broken(struct story *s, int code, const char *word)
{
	support_usb_run(s->su);
	assert_int_equal(s->broken, 1);
	assert_int_equal(s->code, code);
	if (!strstr(s->text, word))
		fail_msg("\"%s\" does not speak of \"%s\"", s->text, word);
}

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
		end(&s);
	}
}

static void asks_for_a_header_with_one_packet(void **state)
{
	(void)state;
	BEGIN(s, 512);
	assert_int_equal(s.su->n_in, 1);
	assert_int_equal(s.su->longest_in, 512);
	end(&s);
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
	end(&s);
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
	end(&s);
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
		expect_broken(&s, ERR_PROTO, "no ADB header");
		end(&s);
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
	expect_broken(&s, ERR_PROTO, "no ADB header");
	end(&s);
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
	expect_broken(&s, ERR_PROTO, "announced 1000 bytes and sent 100");
	assert_int_equal(s.n_packets, 0);
	end(&s);
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
	expect_broken(&s, ERR_PROTO, "announced");
	end(&s);
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
		expect_broken(&s, ends[i].code, ends[i].word);
		end(&s);
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
			expect_broken(&s, ERR_PROTO, "checksum");
		end(&s);
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
	end(&s);
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
	in_step(&(struct story){.su = s.su, .l = s.l, .n_packets = 1});
	assert_int_equal(s.n_packets, 2);
	end(&s);
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
	end(&s);
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
	expect_broken(&s, ERR_PROTO, "no ADB packets");
	end(&s);
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
	end(&s);
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
			send_packets(&s, 2, lens[i]);
			assert_int_equal(support_usb_take(s.su).len, lens[i]);
			assert_int_equal(support_usb_take(s.su).len, lens[i]);
			assert_true(support_usb_nothing(s.su));
		}
		end(&s);
	}
}

static void sums_are_sent_until_the_session_does_without(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	send_packets(&s, 1, 10);
	assert_int_equal(support_usb_take(s.su).sum, 45);
	s.l->ops->agreed(s.l, ADB_VERSION, 4096);
	send_packets(&s, 1, 10);
	assert_int_equal(support_usb_take(s.su).sum, 0);
	end(&s);
}

static void asks_for_no_more_than_it_can_send(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	send_packets(&s, 20, 1000);
	assert_int_equal(s.su->most_out, USB_PIPE_OUT);
	assert_int_equal(s.asked, USB_PIPE_OUT / 2);
	s.su->stuck = false;
	support_usb_run(s.su);
	for (int i = 0; i < 20; i++)
		assert_int_equal(support_usb_take(s.su).len, 1000);
	assert_int_equal(s.su->most_out, USB_PIPE_OUT);
	end(&s);
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
	end(&s);
}

static void a_write_that_does_not_move_breaks_the_link(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	send_packets(&s, 1, 1000);
	support_advance(s.sh, ADB_USB_WRITE_MS - 1);
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	support_advance(s.sh, 1);
	expect_broken(&s, ERR_TIMEOUT, "5000 ms");
	end(&s);
}

static void the_handshake_has_its_own_patience(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.su->stuck = true;
	send_packets(&s, 1, 20);
	support_advance(s.sh, 2 * ADB_USB_WRITE_MS - 1);
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	support_advance(s.sh, 1);
	expect_broken(&s, ERR_TIMEOUT, "10000 ms");
	end(&s);
}

static void a_slow_phone_is_no_dead_one(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	for (int i = 0; i < 5; i++) {
		s.su->stuck = true;
		send_packets(&s, 1, 1000);
		support_advance(s.sh, ADB_USB_WRITE_MS - 1);
		support_usb_run(s.su);
		s.su->stuck = false;
		support_usb_run(s.su);
		support_usb_take(s.su);
	}
	support_advance(s.sh, 10 * ADB_USB_WRITE_MS); /* and an idle one neither */
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	end(&s);
}

static void a_short_write_breaks_the_link(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->short_out = 1;
	send_packets(&s, 1, 1000);
	expect_broken(&s, ERR_IO, "took 23 of 24 bytes");
	end(&s);
}

static void a_failed_write_breaks_the_link(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->end_out = USB_END_STALLED;
	send_packets(&s, 3, 1000);
	expect_broken(&s, ERR_IO, "stalled while writing");
	end(&s);
}

/* ---- no memory for USB ---- */

static void writes_in_pieces_when_memory_is_short(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->nomem_out = ADB_USB_SPLIT;
	send_packets(&s, 2, 256 * 1024);
	for (int i = 0; i < 2; i++)
		assert_int_equal(support_usb_take(s.su).len, 256 * 1024); /* one message */
	assert_true(support_usb_nothing(s.su));
	assert_int_equal(s.su->longest_out, ADB_USB_SPLIT);
	s.su->nomem_out = SIZE_MAX;
	send_packets(&s, 1, 256 * 1024);
	assert_int_equal(s.su->longest_out, 256 * 1024); /* tried whole again */
	end(&s);
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
	end(&s);
}

static void waits_for_memory(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->nomem_out = 0;
	send_packets(&s, 1, 1000);
	assert_true(support_usb_nothing(s.su));
	support_advance(s.sh, ADB_USB_WRITE_MS - 1);
	support_usb_run(s.su);
	s.su->nomem_out = SIZE_MAX;
	support_advance(s.sh, ADB_USB_STARVE_MS);
	support_usb_run(s.su);
	assert_int_equal(support_usb_take(s.su).len, 1000);
	assert_int_equal(s.broken, 0);
	end(&s);
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
			send_packets(&s, 1, 1000);
		}
		support_advance(s.sh, ADB_USB_WRITE_MS);
		expect_broken(&s, ERR_IO, "usbcore.usbfs_memory_mb");
		end(&s);
	}
}

/* ---- the end ---- */

static void unplugged_with_everything_in_flight(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	send_packets(&s, 100, 1000);
	support_usb_unplug(s.su);
	assert_int_equal(s.broken, 0); /* later */
	expect_broken(&s, ERR_GONE, "1-4.2");
	end(&s);
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
	expect_broken(&s, ERR_GONE, "1-4.2");
	end(&s);
}

static void closed_inside_a_packet(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.close_in_packet = true;
	s.su->stuck = true;
	send_packets(&s, 3, 1000);
	support_usb_send_packet(s.su, ADB_WRTE, 1, 100, true);
	support_usb_send_packet(s.su, ADB_WRTE, 2, 100, true);
	support_usb_run(s.su);
	assert_null(s.l);
	assert_int_equal(s.n_packets, 1);
	assert_false(s.su->closed); /* a header is on its way */
	support_advance(s.sh, ADB_USB_LEAVE_MS);
	support_usb_run(s.su);
	assert_true(s.su->closed);
	end(&s);
}

/* Else the phone takes the next owner's first words for the rest of it. */
static void closed_in_mid_packet_the_phone_gets_the_rest(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	s.su->nomem_out = ADB_USB_SPLIT;
	send_packets(&s, 3, 100 * 1024); /* of pieces, of which not all are in flight */
	close_link(&s);
	assert_true(s.su->leaving);
	s.su->stuck = false;
	support_usb_run(s.su);
	assert_true(s.su->closed);
	assert_int_equal(support_usb_take(s.su).len, 100 * 1024);
	assert_true(support_usb_nothing(s.su)); /* the other two were never begun */
	end(&s);
}

static void closed_between_packets_it_waits_for_nothing(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	send_packets(&s, 3, 1000);
	close_link(&s);
	support_usb_run(s.su);
	assert_false(s.su->leaving);
	assert_true(s.su->closed);
	end(&s);
}

static void unplugged_while_it_gets_the_rest(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	s.su->stuck = true;
	send_packets(&s, 1, 1000);
	close_link(&s);
	support_usb_unplug(s.su);
	support_usb_run(s.su);
	assert_true(s.su->closed);
	assert_int_equal(s.broken, 0);
	end(&s);
}

static void closed_before_the_end_is_told(void **state)
{
	(void)state;
	BEGIN_IN_STEP(s, 512);
	support_usb_unplug(s.su);
	close_link(&s);
	support_usb_run(s.su);
	assert_int_equal(s.broken, 0);
	end(&s);
}

/* ---- resync ---- */

static void resync_forgets_what_is_half_done(void **state)
{
	(void)state;
	for (int level = 0; level < 2; level++) {
		BEGIN_IN_STEP(s, 512);
		s.su->stuck = true;
		send_packets(&s, 100, 1000);
		s.to_send = 0;
		assert_int_equal(s.l->ops->resync(s.l, level, on_resynced, &s), 0);
		assert_int_equal(s.l->ops->resync(s.l, 0, on_resynced, &s), ERR_BUSY);
		assert_int_equal(s.resynced, 0);
		s.su->stuck = false;
		support_usb_run(s.su);
		assert_int_equal(s.resynced, 1);
		assert_int_equal(s.resync_code, 0);
		assert_int_equal(s.su->halts_cleared, level);
		assert_true(support_usb_nothing(s.su));
		/* Out of step again: leftovers, then a session as new. */
		support_usb_send_packet(s.su, ADB_WRTE, 1, 1000, true);
		in_step(&s);
		send_packets(&s, 1, 512);
		assert_int_equal(support_usb_take(s.su).len, 512);
		assert_int_equal(s.broken, 0);
		end(&s);
	}
}

static void resync_by_reset_ends_the_link(void **state)
{
	(void)state;
	BEGIN(s, 512);
	assert_int_equal(s.l->ops->resync(s.l, 2, on_resynced, &s), 0);
	expect_broken(&s, ERR_GONE, "was reset");
	assert_int_equal(s.resynced, 1);
	assert_int_equal(s.resync_code, 0);
	assert_int_equal(s.su->resets, 1);
	assert_int_equal(s.l->ops->resync(s.l, 0, on_resynced, &s), ERR_GONE);
	end(&s);
}

static void resync_that_fails_says_so(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.su->resync_code = ERR_IO;
	s.l->ops->resync(s.l, 1, on_resynced, &s);
	support_usb_run(s.su);
	assert_int_equal(s.resynced, 1);
	assert_int_equal(s.resync_code, ERR_IO);
	assert_int_equal(s.broken, 0);
	end(&s);
}

static void resync_waits_for_the_pool(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.su->pool_full = true;
	s.l->ops->resync(s.l, 1, on_resynced, &s);
	support_usb_run(s.su);
	assert_int_equal(s.resynced, 0);
	s.su->pool_full = false;
	support_advance(s.sh, ADB_USB_STARVE_MS);
	support_usb_run(s.su);
	assert_int_equal(s.resynced, 1);
	end(&s);
}

static void unplugged_in_resync(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.l->ops->resync(s.l, 1, on_resynced, &s);
	support_usb_unplug(s.su);
	expect_broken(&s, ERR_GONE, "1-4.2");
	assert_int_equal(s.resynced, 1);
	assert_int_equal(s.resync_code, ERR_GONE);
	end(&s);
}

static void closed_in_resync(void **state)
{
	(void)state;
	BEGIN(s, 512);
	s.l->ops->resync(s.l, 1, on_resynced, &s);
	close_link(&s);
	support_usb_run(s.su);
	assert_int_equal(s.resynced, 0);
	end(&s);
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
