/* SPDX-License-Identifier: Apache-2.0 */
/* The host's handshake, against a phone that the test plays. */
#include "support_host_rig.h"

#include <string.h>

#include "base/mem.h"

/* ---- the handshake ---- */

static void a_phone_without_auth_is_online_at_once(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_CONNECTING);
	assert_null(adb_host_open(r.a, "x:", 2, NULL, NULL, NULL, NULL));
	host_rig_expect_cnxn(&r);
	host_rig_send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	assert_string_equal(adb_host_banner(r.a)->model, "M");
	assert_int_equal(adb_mux_max_payload(adb_host_mux(r.a)), 262144);
	assert_int_equal(r.w->version, ADB_VERSION);
	assert_int_equal(r.w->max_payload, ADB_PAYLOAD_MAX);
	host_rig_pass(&r, 3600000);
	assert_int_equal(r.ended, 0);
	host_rig_fini(&r);
	assert_int_equal(r.ended, 0); /* it was us who ended it */
}

static void an_old_phone_gets_sums_and_its_small_payload(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_expect_cnxn(&r);
	wire_send(r.w, ADB_CNXN, ADB_VERSION_SUM, 4096, "device::", 8);
	assert_int_equal(r.w->version, ADB_VERSION_SUM);
	assert_int_equal(adb_mux_max_payload(adb_host_mux(r.a)), 4096);
	assert_false(adb_host_has(r.a, ADB_F_SHELL_V2));
	host_rig_fini(&r);
}

static void a_newer_version_is_ours(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_expect_cnxn(&r);
	wire_send(r.w, ADB_CNXN, ADB_VERSION + 7, 0xffffffff, "device::", 8);
	assert_int_equal(r.w->version, ADB_VERSION);
	assert_int_equal(adb_mux_max_payload(adb_host_mux(r.a)), ADB_PAYLOAD_MAX);
	host_rig_fini(&r);
}

static void delayed_ack_is_on_only_where_both_name_it(void **state)
{
	struct host_rig r;

	(void)state;
	for (int both = 0; both < 2; both++) {
		const char *banner = both ? "device::features=delayed_ack" : "device::features=cmd";

		host_rig_init(&r, 1, false);
		host_rig_expect_cnxn(&r);
		wire_send(r.w, ADB_CNXN, ADB_VERSION, 4096, banner, strlen(banner));
		assert_non_null(adb_host_open(r.a, "x:", 2, NULL, NULL, NULL, NULL));
		wire_expect(r.w, ADB_OPEN, 1, both ? ADB_WINDOW : 0, NULL);
		host_rig_fini(&r);
	}
}

static void keys_are_tried_in_order_then_the_public_key_is_offered(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 3, false);
	host_rig_expect_cnxn(&r);
	host_rig_send_token(&r, 'a');
	host_rig_expect_signature(&r, 0, 'a');
	host_rig_send_token(&r, 'b');
	host_rig_expect_signature(&r, 1, 'b');
	host_rig_send_token(&r, 'c');
	host_rig_expect_signature(&r, 2, 'c');
	assert_int_equal(adb_host_state(r.a), ADB_HOST_AUTHORIZING);
	host_rig_send_token(&r, 'd');
	host_rig_expect_public_key(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_UNAUTHORIZED);
	assert_true(*r.text);
	assert_int_equal(r.n_states, 2);
	host_rig_fini(&r);
}

/* A late tap authorises the live connection alone, so it is kept, whatever time it takes. */
static void who_is_unauthorized_waits_without_end_and_does_not_reconnect(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, true);
	host_rig_expect_cnxn(&r);
	for (int i = 0; i < 3; i++) {
		host_rig_send_token(&r, 'a');
		wire_next(r.w);
	}
	assert_int_equal(adb_host_state(r.a), ADB_HOST_UNAUTHORIZED);
	for (int i = 0; i < 100; i++)
		host_rig_pass(&r, 3600000);
	wire_expect_none(r.w);
	assert_int_equal(r.w->n_resyncs, 0);
	assert_int_equal(r.ended, 0);
	host_rig_send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	host_rig_fini(&r);
}

static void a_phone_that_asks_for_the_public_key_without_end_is_not_answered(void **state)
{
	struct host_rig r;
	int sent = 0;

	(void)state;
	host_rig_init(&r, 1, false);
	for (int i = 0; i < 1000; i++) {
		host_rig_send_token(&r, 'a');
		while (wire_next(r.w))
			sent++;
	}
	assert_true(sent < 20);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_UNAUTHORIZED);
	host_rig_fini(&r);
}

static void a_phone_that_wants_a_key_where_there_is_none_ends(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 0, false);
	host_rig_send_token(&r, 'a');
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PERM);
	host_rig_fini(&r);
}

static void leftovers_before_the_first_answer_are_passed_over(void **state)
{
	static uint8_t half[100000];
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, true);
	host_rig_expect_cnxn(&r);
	wire_send(r.w, ADB_WRTE, 5, 6, half, sizeof(half));
	wire_send(r.w, ADB_OKAY, 5, 6, NULL, 0);
	wire_send(r.w, ADB_CLSE, 5, 6, NULL, 0);
	wire_send(r.w, ADB_OPEN, 5, 0, "x", 2);
	wire_send(r.w, ADB_AUTH, 77, 0, "?", 1);
	wire_send(r.w, ADB_AUTH, ADB_AUTH_TOKEN, 0, "short", 5);
	wire_send(r.w, 0x41414141, 5, 6, NULL, 0);
	wire_expect_none(r.w);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_CONNECTING);
	host_rig_send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	assert_int_equal(r.ended, 0);
	host_rig_fini(&r);
}

/* A token that the phone had sent to the session before: our signature of it is refused, and the same
 * key must get another chance. */
static void a_leftover_token_does_not_cost_a_key_its_chance(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, true);
	host_rig_expect_cnxn(&r);
	host_rig_send_token(&r, 'o'); /* the leftover */
	host_rig_expect_signature(&r, 0, 'o');
	host_rig_send_token(&r, 'n');
	host_rig_expect_signature(&r, 0, 'n');
	host_rig_send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	host_rig_fini(&r);
}

static void a_phone_that_wants_tls_is_told_so(void **state)
{
	struct host_rig r;

	(void)state;
	host_rig_init(&r, 1, false);
	host_rig_expect_cnxn(&r);
	wire_send(r.w, ADB_STLS, ADB_STLS_VERSION, 0, NULL, 0);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(r.why, "needs TLS"));
	host_rig_fini(&r);
}

static void a_greeting_is_bounded(void **state)
{
	struct host_rig r;
	char *banner = mem_alloc(65536);

	(void)state;
	memset(banner, 'x', 65536);
	memcpy(banner, "device::ro.product.model=", 25);
	host_rig_init(&r, 1, false);
	wire_send(r.w, ADB_CNXN, ADB_VERSION, 4096, banner, ADB_HANDSHAKE_MAX);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	assert_int_equal(strlen(adb_host_banner(r.a)->model), LIMIT_VALUE - 1);
	host_rig_fini(&r);
	host_rig_init(&r, 1, false);
	wire_send(r.w, ADB_CNXN, ADB_VERSION, 4096, banner, ADB_HANDSHAKE_MAX + 1);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PROTO);
	host_rig_fini(&r);
	host_rig_init(&r, 1, false);
	wire_send(r.w, ADB_CNXN, ADB_VERSION, 4095, "device::", 8);
	assert_int_equal(r.ended, 1);
	host_rig_fini(&r);
	mem_free(banner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_phone_without_auth_is_online_at_once),
		cmocka_unit_test(an_old_phone_gets_sums_and_its_small_payload),
		cmocka_unit_test(a_newer_version_is_ours),
		cmocka_unit_test(delayed_ack_is_on_only_where_both_name_it),
		cmocka_unit_test(keys_are_tried_in_order_then_the_public_key_is_offered),
		cmocka_unit_test(who_is_unauthorized_waits_without_end_and_does_not_reconnect),
		cmocka_unit_test(a_phone_that_asks_for_the_public_key_without_end_is_not_answered),
		cmocka_unit_test(a_phone_that_wants_a_key_where_there_is_none_ends),
		cmocka_unit_test(leftovers_before_the_first_answer_are_passed_over),
		cmocka_unit_test(a_leftover_token_does_not_cost_a_key_its_chance),
		cmocka_unit_test(a_phone_that_wants_tls_is_told_so),
		cmocka_unit_test(a_greeting_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
