/* SPDX-License-Identifier: Apache-2.0 */
/* Streams over one link, whose far end is the test: how they begin and end, what real phones do
 * otherwise than they should, and what hostile ones do. Flow is in test_adb_flow.c. */
#include "support_mux.h"

#include <string.h>

#include "base/mem.h"

/* ---- opening ---- */

static void an_open_carries_the_service_with_its_nul(void **state)
{
	struct mux_rig r;
	struct catcher k;
	const struct wire_packet *p;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_open(&r, &k, "shell:id");
	p = wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	assert_int_equal(p->len, 9);
	assert_memory_equal(p->data, "shell:id\0", 9);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	assert_int_equal(k.opened, 1);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void data_directly_behind_the_okay_are_not_lost(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_open(&r, &k, "x:");
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_send(r.w, ADB_WRTE, 77, 1, "abc", 3);
	wire_send(r.w, ADB_CLSE, 77, 1, NULL, 0);
	assert_int_equal(k.n, 3);
	assert_int_equal(k.closed, 0); /* from the timer, behind the data */
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, 0);
	mux_rig_fini(&r);
}

static void a_refusal_closes_and_answers_nothing(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_open(&r, &k, "x:");
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	wire_send(r.w, ADB_CLSE, 0, 1, NULL, 0);
	adb_settle(r.sh);
	assert_int_equal(k.opened, 0);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, ERR_NOTFOUND);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void what_is_written_before_the_okay_waits_for_it(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_open(&r, &k, "x:");
	mux_write(&k, "early");
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	wire_expect_none(r.w);
	wire_send(r.w, ADB_OKAY, 5, 1, NULL, 0);
	wire_expect(r.w, ADB_WRTE, 1, 5, "early");
	mux_rig_fini(&r);
}

static void a_service_longer_than_the_peers_payload_is_refused_here(void **state)
{
	struct mux_rig r;
	struct catcher k;
	char service[ADB_SERVICE_MAX + 1];
	struct err e = {0};

	(void)state;
	memset(service, 'x', sizeof(service));
	mux_rig_init(&r, 1000, 0);
	assert_null(adb_mux_open(r.m, service, 1000, &catcher_events, NULL, &k, &e));
	assert_int_equal(e.code, ERR_TOOBIG);
	assert_non_null(adb_mux_open(r.m, service, 999, NULL, NULL, NULL, NULL));
	assert_int_equal(wire_expect(r.w, ADB_OPEN, 1, 0, NULL)->len, 1000);
	mux_rig_fini(&r);

	mux_rig_init(&r, ADB_PAYLOAD_MAX, 0);
	assert_null(adb_mux_open(r.m, service, ADB_SERVICE_MAX, NULL, NULL, NULL, &e));
	assert_non_null(adb_mux_open(r.m, service, ADB_SERVICE_MAX - 1, NULL, NULL, NULL, &e));
	mux_rig_fini(&r);
}

static void ids_are_never_used_twice_and_streams_are_bounded(void **state)
{
	struct mux_rig r;
	struct catcher k[ADB_STREAMS_MAX];
	struct err e = {0};

	(void)state;
	mux_rig_init(&r, 4096, 0);
	for (uint32_t i = 0; i < ADB_STREAMS_MAX; i++) {
		mux_rig_open(&r, &k[i], "x:");
		wire_expect(r.w, ADB_OPEN, i + 1, 0, NULL);
	}
	assert_null(adb_mux_open(r.m, "x:", 2, NULL, NULL, NULL, &e));
	assert_int_equal(e.code, ERR_FULL);
	wire_send(r.w, ADB_CLSE, 0, 3, NULL, 0);
	adb_settle(r.sh);
	assert_int_equal(adb_mux_streams(r.m), ADB_STREAMS_MAX - 1);
	mux_rig_open(&r, &k[2], "x:");
	wire_expect(r.w, ADB_OPEN, ADB_STREAMS_MAX + 1, 0, NULL);
	mux_rig_fini(&r);
}

/* ---- ends, as real phones have them ---- */

static void a_doubled_clse_is_passed_over(void **state)
{
	struct mux_rig r;
	struct catcher k, other;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_rig_establish(&r, &other, 2, 78);
	for (int i = 0; i < 8; i++)
		wire_send(r.w, ADB_CLSE, 77, 1, NULL, 0);
	adb_settle(r.sh);
	wire_send(r.w, ADB_CLSE, 77, 1, NULL, 0);
	assert_int_equal(k.closed, 1);
	wire_expect(r.w, ADB_CLSE, 1, 77, NULL); /* ours, once */
	wire_expect_none(r.w);
	wire_send(r.w, ADB_WRTE, 78, 2, "y", 1);
	assert_int_equal(other.n, 1);
	mux_rig_fini(&r);
}

static void a_late_clse_does_not_hit_a_younger_stream(void **state)
{
	struct mux_rig r;
	struct catcher k, young;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_close(&k);
	wire_expect(r.w, ADB_CLSE, 1, 77, NULL);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	mux_rig_establish(&r, &young, 2, 77); /* the phone uses its number again */
	wire_send(r.w, ADB_CLSE, 77, 1, NULL, 0);
	adb_settle(r.sh);
	assert_int_equal(young.closed, 0);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void clse_with_id_0_ends_an_established_stream(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	wire_send(r.w, ADB_CLSE, 0, 1, NULL, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, 0);
	mux_rig_fini(&r);
}

static void a_late_okay_for_a_closed_stream_gets_no_second_clse(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_write(&k, "a");
	wire_expect(r.w, ADB_WRTE, 1, 77, "a");
	mux_close(&k);
	wire_expect(r.w, ADB_CLSE, 1, 77, NULL);
	adb_settle(r.sh);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void an_okay_for_an_open_that_was_given_up_is_answered_once(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_open(&r, &k, "x:");
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	mux_close(&k);
	wire_expect_none(r.w); /* there is nothing yet that could be closed */
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_expect(r.w, ADB_CLSE, 1, 77, NULL);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_send(r.w, ADB_WRTE, 77, 1, "late", 4);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void an_open_that_never_left_is_forgotten(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_open(&r, &k, "x:");
	mux_close(&k);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	wire_expect_none(r.w);
	assert_int_equal(adb_mux_streams(r.m), 0);
	mux_rig_fini(&r);
}

static void packets_of_another_sender_are_passed_over(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_write(&k, "a");
	mux_write(&k, "b");
	wire_expect(r.w, ADB_WRTE, 1, 77, "ab");
	mux_write(&k, "c");
	wire_send(r.w, ADB_OKAY, 78, 1, NULL, 0);
	wire_send(r.w, ADB_WRTE, 78, 1, "x", 1);
	wire_send(r.w, ADB_CLSE, 78, 1, NULL, 0);
	wire_send(r.w, ADB_SYNC, 1, 1, NULL, 0);
	wire_send(r.w, 0x12345678, 77, 1, NULL, 0);
	adb_settle(r.sh);
	assert_int_equal(k.n, 0);
	assert_int_equal(k.closed, 0);
	wire_expect_none(r.w);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_expect(r.w, ADB_WRTE, 1, 77, "c");
	mux_rig_fini(&r);
}

static void our_close_sends_one_clse_and_drops_what_waits(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_write(&k, "never sent");
	mux_close(&k);
	mux_close(&k);
	assert_int_equal(k.closed, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	wire_expect(r.w, ADB_CLSE, 1, 77, NULL);
	wire_send(r.w, ADB_CLSE, 77, 1, NULL, 0); /* the echo */
	wire_expect_none(r.w);
	assert_int_equal(adb_mux_streams(r.m), 0);
	mux_rig_fini(&r);
}

static void finish_sends_what_waits_and_then_closes(void **state)
{
	struct mux_rig r;
	struct catcher k;
	struct adb_buf *b = adb_buf_new(4);

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	memcpy(b->data, "last", 4);
	b->len = 4;
	mux_write(&k, "first");
	assert_true(adb_stream_send(k.s, b));
	adb_stream_finish(k.s);
	wire_expect(r.w, ADB_WRTE, 1, 77, "first");
	adb_settle(r.sh);
	assert_int_equal(k.closed, 0);
	wire_send(r.w, ADB_OKAY, 77, 1, NULL, 0);
	wire_expect(r.w, ADB_WRTE, 1, 77, "last");
	wire_expect(r.w, ADB_CLSE, 1, 77, NULL);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	mux_rig_fini(&r);
}

static void a_stream_may_be_closed_in_its_own_data(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	k.close_on_data = true;
	wire_send(r.w, ADB_WRTE, 77, 1, "abc", 3);
	wire_send(r.w, ADB_WRTE, 77, 1, "def", 3);
	assert_int_equal(k.closed, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.n, 3);
	wire_expect(r.w, ADB_CLSE, 1, 77, NULL);
	wire_expect_none(r.w);
	mux_rig_fini(&r);
}

static void a_stream_may_be_closed_in_data_that_were_kept(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_pause(&k, true);
	wire_send(r.w, ADB_WRTE, 77, 1, "abc", 3);
	k.close_on_data = true;
	mux_pause(&k, false);
	adb_settle(r.sh);
	assert_int_equal(k.n, 3);
	assert_int_equal(k.closed, 1);
	mux_rig_fini(&r);
}

static void who_takes_the_events_away_hears_nothing(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	adb_stream_base(k.s)->events = NULL;
	wire_send(r.w, ADB_WRTE, 77, 1, "abc", 3);
	mux_close(&k);
	adb_settle(r.sh);
	assert_int_equal(k.closed + (int)k.n, 0);
	wire_expect(r.w, ADB_CLSE, 1, 77, NULL);
	assert_int_equal(adb_mux_streams(r.m), 0);
	mux_rig_fini(&r);
}

/* ---- the end of the session ---- */

static void the_end_of_the_mux_closes_all_later_and_sends_nothing(void **state)
{
	struct mux_rig r;
	struct catcher k[4];

	(void)state;
	mux_rig_init(&r, 4096, 0);
	for (uint32_t i = 0; i < 3; i++)
		mux_rig_establish(&r, &k[i], i + 1, 70 + i);
	mux_rig_open(&r, &k[3], "x:");
	mux_write(&k[0], "waits");
	adb_stream_base(k[1].s)->ops->pause(adb_stream_base(k[1].s), true);
	wire_send(r.w, ADB_WRTE, 71, 2, "kept", 4);
	mux_close(&k[2]);
	adb_mux_free(r.m, ERR_GONE, "unplugged");
	wire_expect_none(r.w);
	for (int i = 0; i < 4; i++)
		assert_int_equal(k[i].closed, 0);
	adb_settle(r.sh);
	assert_int_equal(r.freed, 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(k[i].closed, 1);
		assert_int_equal(k[i].code, i == 2 ? 0 : ERR_GONE);
	}
	assert_string_equal(k[0].text, "unplugged");
	r.m = NULL;
	mux_rig_fini(&r);
}

/* The session is over before the receiver knows it. */
static void pausing_behind_the_end_does_not_keep_it_back(void **state)
{
	struct mux_rig r;
	struct catcher k, at_work;

	(void)state;
	mux_rig_init(&r, ADB_PAYLOAD_MAX, 0);
	mux_rig_establish(&r, &k, 1, 77);
	mux_rig_establish(&r, &at_work, 2, 78);
	mux_pause(&k, true);
	mux_pause(&at_work, true);
	wire_send(r.w, ADB_WRTE, 77, 1, "kept", 4);
	wire_send(r.w, ADB_WRTE, 78, 2, NULL, 300000);
	mux_pause(&k, false);
	mux_pause(&at_work, false);
	at_work.pause_on_data = true;
	adb_mux_free(r.m, ERR_GONE, "unplugged");
	mux_pause(&k, true);
	adb_settle(r.sh);
	assert_int_equal(k.n, 0);
	assert_int_equal(k.closed, 1);
	assert_true(at_work.n > 0);
	assert_int_equal(at_work.closed, 1);
	assert_int_equal(r.freed, 1);
	r.m = NULL;
	mux_rig_fini(&r);
}

static void data_that_came_before_the_end_are_heard_before_it(void **state)
{
	struct mux_rig r;
	struct catcher k;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	mux_rig_establish(&r, &k, 1, 77);
	adb_stream_base(k.s)->ops->pause(adb_stream_base(k.s), true);
	wire_send(r.w, ADB_WRTE, 77, 1, "kept", 4);
	wire_send(r.w, ADB_CLSE, 77, 1, NULL, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed + (int)k.n, 0); /* as long as it is paused */
	adb_stream_base(k.s)->ops->pause(adb_stream_base(k.s), false);
	assert_int_equal(k.n, 0);
	adb_settle(r.sh);
	assert_int_equal(k.n, 4);
	assert_int_equal(k.closed, 1);
	mux_rig_fini(&r);
}

/* ---- the device's side ---- */

static void a_peer_opens_and_is_accepted_or_refused(void **state)
{
	struct mux_rig r;
	struct catcher k = {0};

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DEVICE);
	wire_send(r.w, ADB_OPEN, 9, 0, "abb_exec:a\0b\0\0", 14);
	assert_int_equal(r.asked_n, 12); /* NUL bytes at the end alone go */
	assert_memory_equal(r.service, "abb_exec:a\0b", 13);
	wire_expect_none(r.w); /* as long as it is not decided */
	k.s = r.asked;
	adb_stream_accept(r.asked, &catcher_events, &k);
	wire_expect(r.w, ADB_OKAY, 1, 9, "");
	wire_send(r.w, ADB_WRTE, 9, 1, "in", 2);
	wire_expect(r.w, ADB_OKAY, 1, 9, "");
	assert_int_equal(k.n, 2);

	wire_send(r.w, ADB_OPEN, 10, 0, "later", 5);
	adb_stream_refuse(r.asked);
	wire_expect(r.w, ADB_CLSE, 0, 10, NULL);
	r.refuse = true;
	wire_send(r.w, ADB_OPEN, 11, 0, "now", 4);
	wire_expect(r.w, ADB_CLSE, 0, 11, NULL);
	wire_expect_none(r.w);
	adb_settle(r.sh);
	assert_int_equal(adb_mux_streams(r.m), 1);
	mux_rig_fini(&r);
}

static void an_open_without_sense_is_refused(void **state)
{
	static uint8_t much[ADB_SERVICE_MAX + 1];
	struct mux_rig r;

	(void)state;
	memset(much, 'x', sizeof(much));
	mux_rig_init(&r, ADB_PAYLOAD_MAX, MUX_RIG_DEVICE);
	wire_send(r.w, ADB_OPEN, 0, 0, "x", 2); /* nobody to answer to */
	wire_expect_none(r.w);
	wire_send(r.w, ADB_OPEN, 9, 0, NULL, 0);
	wire_expect(r.w, ADB_CLSE, 0, 9, NULL);
	wire_send(r.w, ADB_OPEN, 9, 0, much, sizeof(much));
	wire_expect(r.w, ADB_CLSE, 0, 9, NULL);
	wire_send(r.w, ADB_OPEN, 9, 4096, "x", 2); /* a window, and no delayed acknowledgement */
	wire_expect(r.w, ADB_CLSE, 0, 9, NULL);
	assert_int_equal(r.n_asked, 0);
	wire_send(r.w, ADB_OPEN, 9, 0, much, ADB_SERVICE_MAX);
	assert_int_equal(r.asked_n, ADB_SERVICE_MAX);
	adb_stream_refuse(r.asked);
	mux_rig_fini(&r);
}

static void a_stream_that_is_decided_behind_the_end_is_closed(void **state)
{
	struct mux_rig r;
	struct catcher k = {0};

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DEVICE);
	wire_send(r.w, ADB_OPEN, 9, 0, "x", 2);
	adb_mux_free(r.m, ERR_GONE, "unplugged");
	adb_settle(r.sh);
	assert_int_equal(r.freed, 0);
	k.s = r.asked;
	adb_stream_accept(r.asked, &catcher_events, &k);
	assert_int_equal(k.closed, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, ERR_GONE);
	assert_int_equal(r.freed, 1);
	r.m = NULL;
	mux_rig_fini(&r);
}

/* A peer that opens and never reads: the link is paused, so nothing grows here. */
static void a_flood_of_opens_stops_itself(void **state)
{
	struct mux_rig r;
	int n = 0, replies = 0;

	(void)state;
	mux_rig_init(&r, 4096, 0); /* a host: it refuses all */
	while (!r.w->paused && n < 10000)
		wire_send(r.w, ADB_OPEN, (uint32_t)++n, 0, "x", 2);
	assert_true(r.w->paused);
	assert_true(n <= 32);
	while (wire_next(r.w))
		replies++;
	assert_int_equal(replies, n);
	assert_false(r.w->paused);
	assert_int_equal(r.violations, 0);
	mux_rig_fini(&r);
}

static void a_link_that_does_not_pause_ends_the_session(void **state)
{
	struct mux_rig r;

	(void)state;
	mux_rig_init(&r, 4096, 0);
	for (uint32_t i = 1; i < 200; i++)
		wire_send(r.w, ADB_OPEN, i, 0, "x", 2);
	assert_int_equal(r.violations, 1);
	mux_rig_fini(&r);
}

static void more_streams_than_allowed_are_refused(void **state)
{
	struct mux_rig r;
	uint32_t i;

	(void)state;
	mux_rig_init(&r, 4096, MUX_RIG_DEVICE);
	r.accept = true;
	for (i = 1; i <= ADB_STREAMS_MAX; i++) {
		wire_send(r.w, ADB_OPEN, i, 0, "x", 2);
		wire_expect(r.w, ADB_OKAY, i, i, "");
	}
	wire_send(r.w, ADB_OPEN, i, 0, "x", 2);
	wire_expect(r.w, ADB_CLSE, 0, i, NULL);
	wire_send(r.w, ADB_CLSE, 1, 1, NULL, 0);
	adb_settle(r.sh);
	wire_expect(r.w, ADB_CLSE, 1, 1, NULL);
	wire_send(r.w, ADB_OPEN, i, 0, "x", 2);
	wire_expect(r.w, ADB_OKAY, ADB_STREAMS_MAX + 1, i, "");
	mux_rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_carries_the_service_with_its_nul),
		cmocka_unit_test(data_directly_behind_the_okay_are_not_lost),
		cmocka_unit_test(a_refusal_closes_and_answers_nothing),
		cmocka_unit_test(what_is_written_before_the_okay_waits_for_it),
		cmocka_unit_test(a_service_longer_than_the_peers_payload_is_refused_here),
		cmocka_unit_test(ids_are_never_used_twice_and_streams_are_bounded),
		cmocka_unit_test(a_doubled_clse_is_passed_over),
		cmocka_unit_test(a_late_clse_does_not_hit_a_younger_stream),
		cmocka_unit_test(clse_with_id_0_ends_an_established_stream),
		cmocka_unit_test(a_late_okay_for_a_closed_stream_gets_no_second_clse),
		cmocka_unit_test(an_okay_for_an_open_that_was_given_up_is_answered_once),
		cmocka_unit_test(an_open_that_never_left_is_forgotten),
		cmocka_unit_test(packets_of_another_sender_are_passed_over),
		cmocka_unit_test(our_close_sends_one_clse_and_drops_what_waits),
		cmocka_unit_test(finish_sends_what_waits_and_then_closes),
		cmocka_unit_test(a_stream_may_be_closed_in_its_own_data),
		cmocka_unit_test(a_stream_may_be_closed_in_data_that_were_kept),
		cmocka_unit_test(who_takes_the_events_away_hears_nothing),
		cmocka_unit_test(the_end_of_the_mux_closes_all_later_and_sends_nothing),
		cmocka_unit_test(pausing_behind_the_end_does_not_keep_it_back),
		cmocka_unit_test(data_that_came_before_the_end_are_heard_before_it),
		cmocka_unit_test(a_peer_opens_and_is_accepted_or_refused),
		cmocka_unit_test(an_open_without_sense_is_refused),
		cmocka_unit_test(a_stream_that_is_decided_behind_the_end_is_closed),
		cmocka_unit_test(a_flood_of_opens_stops_itself),
		cmocka_unit_test(a_link_that_does_not_pause_ends_the_session),
		cmocka_unit_test(more_streams_than_allowed_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
