/* SPDX-License-Identifier: Apache-2.0 */
/* A host whose phone falls silent, starts anew in mid-session or goes; the handshake is in test_adb_host.c. */
#include "support_host_rig.h"

#include <string.h>

/* ---- silence ---- */

static void silence_on_tcp_ends_in_time(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_pass(&r, ADB_HANDSHAKE_MS - 1);
	assert_int_equal(r.ended, 0);
	host_rig_pass(&r, 1);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	assert_true(r.w->closed);
	host_rig_fini(&r);
	assert_int_equal(r.ended, 1);
}

static void silence_behind_a_signature_ends_too(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 2, false);
	host_rig_pass(&r, ADB_HANDSHAKE_MS - 1);
	host_rig_send_token(&r, 'a');
	host_rig_pass(&r, ADB_HANDSHAKE_MS - 1); /* each step has its own time */
	assert_int_equal(r.ended, 0);
	host_rig_pass(&r, 1);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	host_rig_fini(&r);
}

static void on_usb_silence_is_answered_in_rising_steps(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, true);
	host_rig_expect_cnxn(&r);
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 1);
	assert_int_equal(r.w->resyncs[0], 1);
	host_rig_pass(&r, 10 * ADB_HANDSHAKE_MS); /* it takes the time that it takes */
	wire_expect_none(r.w);
	wire_resynced(r.w, 0);
	host_rig_expect_cnxn(&r);
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 2);
	assert_int_equal(r.w->resyncs[1], 2);
	wire_resynced(r.w, 0);
	host_rig_expect_cnxn(&r);
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	assert_int_equal(r.w->n_resyncs, 2);
	host_rig_fini(&r);
}

static void a_phone_that_is_in_step_again_is_online(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, true);
	host_rig_expect_cnxn(&r);
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	wire_resynced(r.w, 0);
	host_rig_expect_cnxn(&r);
	/* It answers to both of ours, and to our signatures in between. */
	host_rig_send_token(&r, 'a');
	host_rig_expect_signature(&r, 0, 'a');
	host_rig_send_token(&r, 'b');
	host_rig_expect_signature(&r, 0, 'b');
	host_rig_send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	host_rig_pass(&r, 10 * ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 1);
	host_rig_fini(&r);
}

static void an_answer_during_the_resync_counts(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, true);
	host_rig_expect_cnxn(&r);
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	host_rig_send_cnxn(&r);
	wire_resynced(r.w, 0);
	wire_expect_none(r.w);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	host_rig_fini(&r);
}

static void silence_behind_an_answer_during_the_resync_waits_for_its_end(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, true);
	host_rig_expect_cnxn(&r);
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	host_rig_send_token(&r, 'a');
	host_rig_expect_signature(&r, 0, 'a');
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 1); /* one at a time */
	assert_int_equal(r.ended, 0);
	wire_resynced(r.w, 0);
	host_rig_expect_cnxn(&r);
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 2);
	host_rig_fini(&r);
}

static void a_resync_that_fails_ends(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, true);
	host_rig_pass(&r, ADB_HANDSHAKE_MS);
	wire_resynced(r.w, ERR_IO);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_IO);
	host_rig_fini(&r);
}

/* ---- in mid-session ---- */

static void cnxn_in_mid_session_closes_the_streams_and_goes_on(void **state)
{
	struct host_rig r;
	struct catcher k = {0}, next = {0};

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_expect_cnxn(&r);
	host_rig_send_cnxn(&r);
	k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	host_rig_send_cnxn(&r);
	assert_int_equal(k.closed, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, ERR_GONE);
	assert_int_equal(r.n_states, 2);
	assert_int_equal(r.states[1], ADB_HOST_ONLINE);
	next.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &next, NULL);
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL); /* a new session counts from the start */
	host_rig_fini(&r);
	assert_int_equal(next.closed, 1);
}

static void a_token_in_mid_session_asks_for_the_keys_again(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_expect_cnxn(&r);
	host_rig_send_token(&r, 'a');
	host_rig_expect_signature(&r, 0, 'a');
	host_rig_send_cnxn(&r);
	host_rig_send_token(&r, 'b');
	assert_null(adb_host_mux(r.a));
	host_rig_expect_signature(&r, 0, 'b');
	host_rig_send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	host_rig_fini(&r);
}

/* Nobody could sign it: a session that fell for it would be online and open nothing any more. */
static void half_a_token_in_mid_session_is_passed_over(void **state)
{
	uint8_t token[ADB_TOKEN] = {0};
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_expect_cnxn(&r);
	host_rig_send_cnxn(&r);
	wire_send(r.w, ADB_AUTH, ADB_AUTH_TOKEN, 0, token, sizeof(token) / 2);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	assert_non_null(adb_host_mux(r.a));
	host_rig_fini(&r);
}

static void a_phone_that_starts_anew_without_end_is_given_up(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	for (int i = 0; i < 100; i++)
		host_rig_send_cnxn(&r);
	adb_settle(r.sh);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PROTO);
	host_rig_fini(&r);
}

static void a_broken_link_ends_behind_its_streams(void **state)
{
	struct host_rig r;
	struct catcher k = {0};

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_send_cnxn(&r);
	k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
	wire_break(r.w, ERR_GONE, "unplugged");
	assert_int_equal(r.ended, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	assert_string_equal(k.text, "unplugged");
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_GONE);
	assert_string_equal(r.why, "unplugged");
	host_rig_fini(&r);
}

static void the_host_may_be_freed_in_its_own_event(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	r.free_on_online = true;
	host_rig_send_cnxn(&r);
	assert_null(r.a);
	host_rig_fini(&r);
	assert_int_equal(r.ended, 0);
}

static void an_open_without_answer_times_out(void **state)
{
	struct host_rig r;
	struct catcher k = {0}, fast = {0};

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_expect_cnxn(&r);
	host_rig_send_cnxn(&r);
	k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	fast.s = adb_host_open(r.a, "y:", 2, &catcher_events, catcher_opened, &fast, NULL);
	wire_expect(r.w, ADB_OPEN, 2, 0, NULL);
	wire_send(r.w, ADB_OKAY, 70, 2, NULL, 0);
	host_rig_pass(&r, ADB_OPEN_MS - 1);
	assert_int_equal(k.closed, 0);
	host_rig_pass(&r, 1);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, ERR_TIMEOUT);
	assert_int_equal(k.opened, 0);
	wire_send(r.w, ADB_OKAY, 71, 1, NULL, 0); /* too late: the service is to end */
	wire_expect(r.w, ADB_CLSE, 1, 71, NULL);
	assert_int_equal(fast.opened, 1);
	assert_int_equal(fast.closed, 0);
	host_rig_fini(&r);
}

/* Nothing moves, and the connection stays up: only asking tells. */
static void a_phone_that_says_nothing_any_more_is_given_up(void **state)
{
	struct host_rig r;
	struct catcher k = {0};

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_expect_cnxn(&r);
	host_rig_send_cnxn(&r);
	host_rig_pass(&r, 3600 * 1000); /* who is not asked need not speak */
	assert_int_equal(r.ended, 0);
	k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
	host_rig_pass(&r, ADB_OPEN_MS);
	assert_int_equal(k.code, ERR_TIMEOUT);
	host_rig_pass(&r, ADB_SILENT_MS - ADB_OPEN_MS - 1);
	assert_int_equal(r.ended, 0);
	host_rig_pass(&r, 1);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	host_rig_fini(&r);
}

static void a_phone_that_answers_to_others_is_kept(void **state)
{
	struct host_rig r;
	struct catcher k = {0};

	(void)state;
	for (int late = 0; late < 2; late++) {
		memset(&k, 0, sizeof(k));
		host_rig_init(&r, 1, false);
		host_rig_expect_cnxn(&r);
		host_rig_send_cnxn(&r);
		k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
		host_rig_pass(&r, ADB_OPEN_MS - 1);
		if (!late)
			wire_send(r.w, ADB_CLSE, 0, 99, NULL, 0);
		host_rig_pass(&r, 1);
		assert_int_equal(k.code, ERR_TIMEOUT);
		if (late)
			wire_send(r.w, ADB_CLSE, 0, 99, NULL, 0);
		host_rig_pass(&r, ADB_SILENT_MS);
		assert_int_equal(r.ended, 0);
		host_rig_fini(&r);
	}
}

static void a_flood_ends_this_session(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_send_cnxn(&r);
	for (uint32_t i = 1; i < 1000; i++)
		wire_send(r.w, ADB_OPEN, i, 0, "x", 2);
	adb_settle(r.sh);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PROTO);
	host_rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_on_tcp_ends_in_time),
		cmocka_unit_test(silence_behind_a_signature_ends_too),
		cmocka_unit_test(on_usb_silence_is_answered_in_rising_steps),
		cmocka_unit_test(a_phone_that_is_in_step_again_is_online),
		cmocka_unit_test(an_answer_during_the_resync_counts),
		cmocka_unit_test(silence_behind_an_answer_during_the_resync_waits_for_its_end),
		cmocka_unit_test(a_resync_that_fails_ends),
		cmocka_unit_test(cnxn_in_mid_session_closes_the_streams_and_goes_on),
		cmocka_unit_test(a_token_in_mid_session_asks_for_the_keys_again),
		cmocka_unit_test(half_a_token_in_mid_session_is_passed_over),
		cmocka_unit_test(a_phone_that_starts_anew_without_end_is_given_up),
		cmocka_unit_test(a_broken_link_ends_behind_its_streams),
		cmocka_unit_test(the_host_may_be_freed_in_its_own_event),
		cmocka_unit_test(an_open_without_answer_times_out),
		cmocka_unit_test(a_phone_that_says_nothing_any_more_is_given_up),
		cmocka_unit_test(a_phone_that_answers_to_others_is_kept),
		cmocka_unit_test(a_flood_ends_this_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
