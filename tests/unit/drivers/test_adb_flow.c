/* SPDX-License-Identifier: Apache-2.0 */
/* Flow control of streams, in both directions and of both kinds; fairness between them. */
#include "support_mux.h"

#include <endian.h>
#include <string.h>

#include "base/mem.h"

static void okay(struct mux_rig *r, uint32_t remote, uint32_t local, int32_t bytes)
{
	uint32_t le = htole32((uint32_t)bytes);

	wire_send(r->w, ADB_OKAY, remote, local, &le, sizeof(le));
}

static void expect_okay(struct mux_rig *r, uint32_t local, uint32_t remote, int32_t bytes)
{
	const struct wire_packet *p = wire_expect(r->w, ADB_OKAY, local, remote, NULL);
	uint32_t le;

	assert_int_equal(p->len, 4);
	memcpy(&le, p->data, 4);
	assert_int_equal((int32_t)le32toh(le), bytes);
}

/* A stream of a mux with delayed acknowledgement, with so much credit. */
static void establish(
	struct mux_rig *r, struct catcher *k, uint32_t local, uint32_t remote, int32_t window)
{
	mux_rig_open(r, k, "x:");
	wire_expect(r->w, ADB_OPEN, local, ADB_WINDOW, NULL);
	okay(r, remote, local, window);
	assert_int_equal(k->opened, 1);
}

static struct adb_buf *buffer(uint32_t n)
{
	struct adb_buf *b = adb_buf_new(n);

	memset(b->data, 'b', n);
	b->len = n;
	return b;
}

/* ---- out, one packet at a time ---- */

static void one_wrte_is_unanswered_at_a_time(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_write(&k, "one");
	wire_expect(r.w, ADB_WRTE, 1, 77, "one");
	mux_write(&k, "two");
	mux_write(&k, "three");
	wire_expect_none(r.w);
	assert_false(adb_stream_idle(k.s));
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_expect(r.w, ADB_WRTE, 1, 77, "twothree");
	wire_expect_none(r.w);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	assert_true(adb_stream_idle(k.s));
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0); /* one too many does no harm */
	mux_write(&k, "four");
	wire_expect(r.w, ADB_WRTE, 1, 77, "four");
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void no_packet_is_longer_than_the_peer_takes(void **state)
{
	static uint8_t much[10000];
	struct mux_rig r;
	struct catcher k;
	size_t got = 0;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	assert_int_equal(adb_stream_base(k.s)->ops->write(adb_stream_base(k.s), much, sizeof(much)),
		sizeof(much));
	for (int i = 0; i < 3; i++) {
		const struct wire_packet *p = wire_expect(r.w, ADB_WRTE, 1, 77, NULL);

		assert_true(p->len <= 4096);
		got += p->len;
		wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	}
	assert_int_equal(got, sizeof(much));
	mux_rig_fini(&r);
}

static void a_write_is_bounded_and_drained_tells_of_room(void **state)
{
	struct mux_rig r;
	struct catcher k;
	uint8_t *much = mem_zalloc(ADB_WRITE_MAX + 1);
	struct stream *base;

	(void)state;
	mux_rig_init(&r, ADB_PAYLOAD_MAX, 0);
	mux_rig_establish(&r, &k, 1, 77);
	base = adb_stream_base(k.s);
	assert_int_equal(base->ops->write(base, much, ADB_WRITE_MAX), ADB_WRITE_MAX);
	assert_int_equal(base->ops->write(base, much, 1), 0);
	adb_settle(r.sh);
	assert_int_equal(k.drained, 0);
	assert_int_equal(wire_expect(r.w, ADB_WRTE, 1, 77, NULL)->len, ADB_WRITE_MAX);
	assert_int_equal(k.drained, 0);
	adb_settle(r.sh);
	assert_int_equal(k.drained, 1);
	assert_int_equal(base->ops->write(base, much, ADB_WRITE_MAX + 1), ADB_WRITE_MAX);
	mux_rig_fini(&r);
	mem_free(much);
}

static void whole_buffers_go_as_they_are_in_order_with_writes(void **state)
{
	struct mux_rig r;
	struct catcher k;
	struct adb_buf *b = buffer(3000), *five = buffer(5);

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_write(&k, "before");
	for (int i = 0; i < ADB_SEND_MAX; i++)
		assert_true(adb_stream_send(k.s, adb_buf_ref(b)));
	assert_false(adb_stream_send(k.s, five)); /* it stays ours */
	mux_write(&k, "behind");
	wire_expect(r.w, ADB_WRTE, 1, 77, "before");
	for (int i = 0; i < ADB_SEND_MAX; i++) {
		wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
		assert_int_equal(wire_expect(r.w, ADB_WRTE, 1, 77, NULL)->len, 3000);
		assert_int_equal(b->refs, ADB_SEND_MAX - i);
	}
	adb_settle(r.sh);
	assert_int_equal(k.drained, 1);
	assert_true(adb_stream_send(k.s, five));
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_expect(r.w, ADB_WRTE, 1, 77, "behind");
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_expect(r.w, ADB_WRTE, 1, 77, "bbbbb");
	adb_buf_unref(b);
	mux_rig_fini(&r);
}

/* ---- in ---- */

static void a_paused_stream_withholds_its_okay_and_nobody_elses(void **state)
{
	struct mux_rig r;
	struct catcher k, other;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_rig_establish(&r, &other, 2, 78);
	mux_pause(&k, true);
	wire_send(r.w, ADB_WRTE, 77, 1, "kept", 4);
	wire_expect_none(r.w);
	assert_int_equal(k.n, 0);
	wire_send(r.w, ADB_WRTE, 78, 2, "goes", 4);
	assert_int_equal(other.n, 4);
	wire_expect(r.w, ADB_OKAY, 2, 78, "");
	adb_settle(r.sh);
	wire_expect_none(r.w);

	mux_pause(&k, false);
	assert_int_equal(k.n, 0); /* not inside the call */
	adb_settle(r.sh);
	assert_memory_equal(k.head, "kept", 4);
	wire_expect(r.w, ADB_OKAY, 1, 77, "");
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void a_stream_that_pauses_in_its_data_withholds_the_okay_of_it(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	k.pause_on_data = true;
	wire_send(r.w, ADB_WRTE, 77, 1, "a", 1);
	assert_int_equal(k.n, 1);
	wire_expect_none(r.w);
	mux_pause(&k, false);
	wire_expect(r.w, ADB_OKAY, 1, 77, "");
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void what_a_paused_stream_keeps_is_bounded(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, ADB_PAYLOAD_MAX, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_pause(&k, true);
	wire_send(r.w, ADB_WRTE, 77, 1, NULL, ADB_PAYLOAD_MAX);
	assert_int_equal(r.violations, 0);
	wire_send(r.w, ADB_WRTE, 77, 1, "x", 1);
	assert_int_equal(r.violations, 1);
	wire_send(r.w, ADB_WRTE, 77, 1, "x", 1);
	assert_int_equal(r.violations, 1); /* once */
	mux_rig_fini(&r);
}

static void an_empty_wrte_is_acknowledged(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	wire_send(r.w, ADB_WRTE, 77, 1, NULL, 0);
	assert_int_equal(k.calls, 0);
	wire_expect(r.w, ADB_OKAY, 1, 77, "");
	mux_rig_fini(&r);
}

/* ---- the order of what goes out ---- */

static void streams_take_turns_packet_by_packet(void **state)
{
	struct mux_rig r;
	struct catcher k[3];

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DELAYED);
	for (uint32_t i = 0; i < 3; i++)
		establish(&r, &k[i], i + 1, 70 + i, 1 << 20);
	for (int i = 0; i < 3; i++)
		for (int n = 0; n < ADB_SEND_MAX; n++)
			assert_true(adb_stream_send(k[i].s, buffer(4096)));
	for (int n = 0; n < ADB_SEND_MAX; n++)
		for (uint32_t i = 0; i < 3; i++)
			wire_expect(r.w, ADB_WRTE, i + 1, 70 + i, NULL);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void replies_go_before_data(void **state)
{
	struct mux_rig r;
	struct catcher k, other, third;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_rig_establish(&r, &other, 2, 78);
	mux_write(&k, "data");
	wire_send(r.w, ADB_WRTE, 78, 2, "x", 1);
	mux_rig_open(&r, &third, "y:");
	wire_expect(r.w, ADB_OKAY, 2, 78, "");
	wire_expect(r.w, ADB_OPEN, 3, 0, NULL);
	wire_expect(r.w, ADB_WRTE, 1, 77, "data");
	mux_rig_fini(&r);
}

static void a_queue_that_has_more_kicks_the_link(void **state)
{
	struct mux_rig r;
	struct catcher k;
	int before;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_write(&k, "a");
	wire_expect(r.w, ADB_WRTE, 1, 77, "a");
	mux_write(&k, "b");
	before = r.w->kicks;
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	assert_true(r.w->kicks > before);
	before = r.w->kicks;
	mux_close(&k);
	assert_true(r.w->kicks > before);
	mux_rig_fini(&r);
}

/* ---- delayed acknowledgement ---- */

static void the_windows_are_in_open_and_in_its_okay(void **state)
{
	struct mux_rig r;
	struct catcher k = {0};

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DELAYED | MUX_RIG_DEVICE);
	wire_send(r.w, ADB_OPEN, 9, 10, "x", 2); /* ten bytes of credit */
	k.s = r.asked;
	adb_stream_accept(r.asked, &catcher_events, &k);
	expect_okay(&r, 1, 9, ADB_WINDOW);
	mux_write(&k, "0123456789abcdef");
	wire_expect(r.w, ADB_WRTE, 1, 9, "0123456789abcdef"); /* one packet beyond */
	mux_write(&k, "more");
	wire_expect_none(r.w);
	okay(&r, 9, 1, 6); /* sixteen were sent, ten granted: none is left */
	wire_expect_none(r.w);
	okay(&r, 9, 1, 1);
	wire_expect(r.w, ADB_WRTE, 1, 9, "more");

	wire_send(r.w, ADB_OPEN, 10, 0, "x", 2); /* no window: none of ours */
	wire_expect(r.w, ADB_CLSE, 0, 10, NULL);
	mux_rig_fini(&r);
}

static void nothing_goes_without_credit(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DELAYED);
	establish(&r, &k, 1, 77, 0);
	mux_write(&k, "a");
	wire_expect_none(r.w);
	okay(&r, 77, 1, -5); /* AOSP allows it */
	okay(&r, 77, 1, 5);
	wire_expect_none(r.w);
	okay(&r, 77, 1, 1);
	wire_expect(r.w, ADB_WRTE, 1, 77, "a");
	assert_false(adb_stream_idle(k.s));
	mux_rig_fini(&r);
}

/* Thirty-two bits would run over with the second one. */
static void credit_may_exceed_32_bits(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DELAYED);
	establish(&r, &k, 1, 77, INT32_MAX);
	for (int i = 0; i < 3; i++)
		okay(&r, 77, 1, INT32_MAX);
	mux_write(&k, "a");
	wire_expect(r.w, ADB_WRTE, 1, 77, "a");
	mux_rig_fini(&r);
}

static void an_okay_that_is_not_four_bytes_is_passed_over(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DELAYED);
	mux_rig_open(&r, &k, "x:");
	wire_expect(r.w, ADB_OPEN, 1, ADB_WINDOW, NULL);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_send(r.w, ADB_OKAY, 77, 1, "12345678", 8);
	assert_int_equal(k.opened, 0);
	okay(&r, 77, 1, 1);
	assert_int_equal(k.opened, 1);
	mux_write(&k, "a");
	wire_expect(r.w, ADB_WRTE, 1, 77, "a");
	mux_write(&k, "b");
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void okays_say_how_much_was_taken_and_are_joined(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DELAYED);
	establish(&r, &k, 1, 77, 4096);
	wire_send(r.w, ADB_WRTE, 77, 1, "abc", 3);
	expect_okay(&r, 1, 77, 3);
	wire_send(r.w, ADB_WRTE, 77, 1, "abc", 3);
	wire_send(r.w, ADB_WRTE, 77, 1, "abcd", 4);
	expect_okay(&r, 1, 77, 7);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void a_paused_stream_keeps_its_window_and_one_packet_and_no_more(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, ADB_PAYLOAD_MAX, MUX_RIG_DELAYED);
	establish(&r, &k, 1, 77, 4096);
	mux_pause(&k, true);
	for (int i = 0; i < ADB_WINDOW / ADB_PAYLOAD_MAX; i++)
		wire_send(r.w, ADB_WRTE, 77, 1, NULL, ADB_PAYLOAD_MAX);
	wire_send(r.w, ADB_WRTE, 77, 1, NULL, ADB_PAYLOAD_MAX);
	assert_int_equal(r.violations, 0);
	wire_expect_none(r.w);
	mux_pause(&k, false);
	adb_settle(r.sh);
	assert_int_equal(k.n, ADB_WINDOW + ADB_PAYLOAD_MAX);
	expect_okay(&r, 1, 77, ADB_WINDOW + ADB_PAYLOAD_MAX);
	mux_pause(&k, true);
	for (int i = 0; i < ADB_WINDOW / ADB_PAYLOAD_MAX; i++)
		wire_send(r.w, ADB_WRTE, 77, 1, NULL, ADB_PAYLOAD_MAX);
	wire_send(r.w, ADB_WRTE, 77, 1, NULL, ADB_PAYLOAD_MAX);
	wire_send(r.w, ADB_WRTE, 77, 1, "x", 1);
	assert_int_equal(r.violations, 1);
	mux_rig_fini(&r);
}

static void a_stream_that_pauses_again_is_heard_packet_by_packet(void **state)
{
	struct mux_rig r;
	struct catcher k;
	int calls = 0;

	(void)state;
	mux_rig_init(&r, ADB_PAYLOAD_MAX, MUX_RIG_DELAYED);
	establish(&r, &k, 1, 77, 4096);
	mux_pause(&k, true);
	for (int i = 0; i < 5; i++)
		wire_send(r.w, ADB_WRTE, 77, 1, NULL, 60000);
	k.pause_on_data = true;
	while (k.n < 300000) {
		size_t before = k.n;

		mux_pause(&k, false);
		adb_settle(r.sh);
		assert_true(k.n > before && k.n - before <= 64 * 1024);
		assert_int_equal(k.calls, ++calls);
		wire_expect_none(r.w);
	}
	mux_pause(&k, false);
	expect_okay(&r, 1, 77, 300000);
	mux_rig_fini(&r);
}

/* ---- packets that are held ---- */

static void a_packet_can_be_held_in_its_data_alone(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, ADB_PAYLOAD_MAX, 0);
	mux_rig_establish(&r, &k, 1, 77);
	k.hold_on_data = true;
	wire_send(r.w, ADB_WRTE, 77, 1, "cannot", 6);
	assert_null(k.held);
	r.w->can_hold = true;
	wire_send(r.w, ADB_WRTE, 77, 1, "can", 3);
	assert_true(k.held_fits);
	assert_int_equal(k.held->refs, 1); /* ours: the link has given up its own */
	assert_memory_equal(k.held->data, "can", 3);
	assert_null(adb_stream_hold(k.s));
	wire_expect(r.w, ADB_OKAY, 1, 77, "");
	adb_buf_unref(k.held);
	mux_rig_fini(&r);
}

/* What came while the stream was paused is neither copied nor forgotten, nor given away in the wrong
 * order with what had to be copied. */
static void a_packet_that_was_kept_can_be_held_too(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, ADB_PAYLOAD_MAX, MUX_RIG_DELAYED);
	establish(&r, &k, 1, 77, 4096);
	k.hold_on_data = k.pause_on_data = true;
	mux_pause(&k, true);
	wire_send(r.w, ADB_WRTE, 77, 1, "ab", 2);
	wire_send(r.w, ADB_WRTE, 77, 1, "c", 1);
	r.w->can_hold = true;
	wire_send(r.w, ADB_WRTE, 77, 1, "def", 3);
	wire_send(r.w, ADB_WRTE, 77, 1, "ghij", 4);
	r.w->can_hold = false;
	wire_send(r.w, ADB_WRTE, 77, 1, "k", 1);
	for (int i = 1; i <= 4; i++) {
		static const char *const data[] = {"abc", "def", "ghij", "k"};

		mux_pause(&k, false);
		adb_settle(r.sh);
		assert_int_equal(k.calls, i);
		assert_true(k.held_fits);
		assert_memory_equal(k.held->data, data[i - 1], strlen(data[i - 1]));
		wire_expect_none(r.w);
	}
	mux_pause(&k, false);
	expect_okay(&r, 1, 77, 11);
	adb_buf_unref(k.held);
	mux_rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_wrte_is_unanswered_at_a_time),
		cmocka_unit_test(no_packet_is_longer_than_the_peer_takes),
		cmocka_unit_test(a_write_is_bounded_and_drained_tells_of_room),
		cmocka_unit_test(whole_buffers_go_as_they_are_in_order_with_writes),
		cmocka_unit_test(a_paused_stream_withholds_its_okay_and_nobody_elses),
		cmocka_unit_test(a_stream_that_pauses_in_its_data_withholds_the_okay_of_it),
		cmocka_unit_test(what_a_paused_stream_keeps_is_bounded),
		cmocka_unit_test(an_empty_wrte_is_acknowledged),
		cmocka_unit_test(streams_take_turns_packet_by_packet),
		cmocka_unit_test(replies_go_before_data),
		cmocka_unit_test(a_queue_that_has_more_kicks_the_link),
		cmocka_unit_test(the_windows_are_in_open_and_in_its_okay),
		cmocka_unit_test(nothing_goes_without_credit),
		cmocka_unit_test(credit_may_exceed_32_bits),
		cmocka_unit_test(an_okay_that_is_not_four_bytes_is_passed_over),
		cmocka_unit_test(okays_say_how_much_was_taken_and_are_joined),
		cmocka_unit_test(a_paused_stream_keeps_its_window_and_one_packet_and_no_more),
		cmocka_unit_test(a_stream_that_pauses_again_is_heard_packet_by_packet),
		cmocka_unit_test(a_packet_can_be_held_in_its_data_alone),
		cmocka_unit_test(a_packet_that_was_kept_can_be_held_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
