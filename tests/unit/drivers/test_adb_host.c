/* SPDX-License-Identifier: Apache-2.0 */
/* The host's handshake, against a phone that the test plays. */
#include "support_adb.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct rig {
	struct support_host *sh;
	struct wire *w;
	struct adb_host_keys keys;
	struct adb_host *a;
	int n_states, ended, code;
	enum adb_host_state states[128];
	char text[LIMIT_CAUSE], why[LIMIT_CAUSE];
	bool free_on_online;
};

static void on_state(void *arg, enum adb_host_state st, const char *text)
{
	struct rig *r = arg;

	assert_true(r->n_states < 128);
	r->states[r->n_states++] = st;
	str_copy(r->text, sizeof(r->text), text);
	if (r->free_on_online && st == ADB_HOST_ONLINE) {
		adb_host_free(r->a);
		r->a = NULL;
	}
}

static void on_ended(void *arg, int code, const char *text)
{
	struct rig *r = arg;

	r->ended++;
	r->code = code;
	str_copy(r->why, sizeof(r->why), text);
}

static void rig_init(struct rig *r, int n_keys, bool usb)
{
	static const struct adb_host_events events = {on_state, on_ended};
	struct adb_host_config cfg = {ADB_F_SHELL_V2 | ADB_F_DELAYED_ACK, ADB_PAYLOAD_MAX};

	memset(r, 0, sizeof(*r));
	r->sh = support_host_new(SUPPORT_INLINE);
	r->w = wire_new(support_host(r->sh), usb);
	r->keys.n = n_keys;
	for (int i = 0; i < n_keys; i++)
		r->keys.keys[i] = adb_test_key(i);
	str_copy(r->keys.name, sizeof(r->keys.name), "framefarm@test");
	cfg.keys = &r->keys;
	r->a = adb_host_new(support_host(r->sh), &r->w->l, &cfg, &events, r);
	assert_int_equal(r->n_states, 0);
}

static void rig_fini(struct rig *r)
{
	if (r->a)
		adb_host_free(r->a);
	adb_settle(r->sh);
	assert_true(r->w->closed);
	wire_free(r->w);
	support_host_free(r->sh);
}

static void pass(struct rig *r, int64_t ms)
{
	support_advance(r->sh, ms);
	adb_settle(r->sh);
}

static void expect_cnxn(struct rig *r)
{
	wire_expect(r->w, ADB_CNXN, ADB_VERSION, ADB_PAYLOAD_MAX,
		"host::features=shell_v2,delayed_ack");
}

#define BANNER "device::ro.product.name=p;ro.product.model=M;ro.product.device=d;features=shell_v2"

static void send_cnxn(struct rig *r)
{
	wire_send(r->w, ADB_CNXN, ADB_VERSION, 262144, BANNER, strlen(BANNER));
}

static void send_token(struct rig *r, char fill)
{
	uint8_t token[ADB_TOKEN];

	memset(token, fill, sizeof(token));
	wire_send(r->w, ADB_AUTH, ADB_AUTH_TOKEN, 0, token, sizeof(token));
}

/* The next packet is a signature of that token by that key. */
static void expect_signature(struct rig *r, int key, char fill)
{
	const struct wire_packet *p = wire_expect(r->w, ADB_AUTH, ADB_AUTH_SIGNATURE, 0, NULL);
	uint8_t token[ADB_TOKEN];

	memset(token, fill, sizeof(token));
	assert_true(adb_key_verify(adb_test_key(key), token, p->data, p->len));
	wire_expect_none(r->w);
}

static void expect_public_key(struct rig *r)
{
	const struct wire_packet *p = wire_expect(r->w, ADB_AUTH, ADB_AUTH_PUBLIC_KEY, 0, NULL);
	struct adb_key *k = adb_key_parse((const char *)p->data, p->len);

	assert_int_equal(p->data[p->len - 1], 0);
	assert_non_null(strstr((const char *)p->data, " framefarm@test"));
	assert_non_null(k);
	assert_true(adb_key_same(k, adb_test_key(0)));
	adb_key_free(k);
	wire_expect_none(r->w);
}

/* ---- the handshake ---- */

static void a_phone_without_auth_is_online_at_once(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_CONNECTING);
	assert_null(adb_host_open(r.a, "x:", 2, NULL, NULL, NULL, NULL));
	expect_cnxn(&r);
	send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	assert_string_equal(adb_host_banner(r.a)->model, "M");
	assert_int_equal(adb_mux_max_payload(adb_host_mux(r.a)), 262144);
	assert_int_equal(r.w->version, ADB_VERSION);
	assert_int_equal(r.w->max_payload, ADB_PAYLOAD_MAX);
	pass(&r, 3600000);
	assert_int_equal(r.ended, 0);
	rig_fini(&r);
	assert_int_equal(r.ended, 0); /* it was us who ended it */
}

static void an_old_phone_gets_sums_and_its_small_payload(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	expect_cnxn(&r);
	wire_send(r.w, ADB_CNXN, ADB_VERSION_SUM, 4096, "device::", 8);
	assert_int_equal(r.w->version, ADB_VERSION_SUM);
	assert_int_equal(adb_mux_max_payload(adb_host_mux(r.a)), 4096);
	assert_false(adb_host_has(r.a, ADB_F_SHELL_V2));
	rig_fini(&r);
}

static void a_newer_version_is_ours(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	expect_cnxn(&r);
	wire_send(r.w, ADB_CNXN, ADB_VERSION + 7, 0xffffffff, "device::", 8);
	assert_int_equal(r.w->version, ADB_VERSION);
	assert_int_equal(adb_mux_max_payload(adb_host_mux(r.a)), ADB_PAYLOAD_MAX);
	rig_fini(&r);
}

static void delayed_ack_is_on_only_where_both_name_it(void **state)
{
	struct rig r;

	(void)state;
	for (int both = 0; both < 2; both++) {
		const char *banner = both ? "device::features=delayed_ack" : "device::features=cmd";

		rig_init(&r, 1, false);
		expect_cnxn(&r);
		wire_send(r.w, ADB_CNXN, ADB_VERSION, 4096, banner, strlen(banner));
		assert_non_null(adb_host_open(r.a, "x:", 2, NULL, NULL, NULL, NULL));
		wire_expect(r.w, ADB_OPEN, 1, both ? ADB_WINDOW : 0, NULL);
		rig_fini(&r);
	}
}

static void keys_are_tried_in_order_then_the_public_key_is_offered(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 3, false);
	expect_cnxn(&r);
	send_token(&r, 'a');
	expect_signature(&r, 0, 'a');
	send_token(&r, 'b');
	expect_signature(&r, 1, 'b');
	send_token(&r, 'c');
	expect_signature(&r, 2, 'c');
	assert_int_equal(adb_host_state(r.a), ADB_HOST_AUTHORIZING);
	send_token(&r, 'd');
	expect_public_key(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_UNAUTHORIZED);
	assert_true(*r.text);
	assert_int_equal(r.n_states, 2);
	rig_fini(&r);
}

/* A late tap authorises the live connection alone, so it is kept, whatever time it takes. */
static void who_is_unauthorized_waits_without_end_and_does_not_reconnect(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, true);
	expect_cnxn(&r);
	for (int i = 0; i < 3; i++) {
		send_token(&r, 'a');
		wire_next(r.w);
	}
	assert_int_equal(adb_host_state(r.a), ADB_HOST_UNAUTHORIZED);
	for (int i = 0; i < 100; i++)
		pass(&r, 3600000);
	wire_expect_none(r.w);
	assert_int_equal(r.w->n_resyncs, 0);
	assert_int_equal(r.ended, 0);
	send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	rig_fini(&r);
}

static void a_phone_that_asks_for_the_public_key_without_end_is_not_answered(void **state)
{
	struct rig r;
	int sent = 0;

	(void)state;
	rig_init(&r, 1, false);
	for (int i = 0; i < 1000; i++) {
		send_token(&r, 'a');
		while (wire_next(r.w))
			sent++;
	}
	assert_true(sent < 20);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_UNAUTHORIZED);
	rig_fini(&r);
}

static void a_phone_that_wants_a_key_where_there_is_none_ends(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0, false);
	send_token(&r, 'a');
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PERM);
	rig_fini(&r);
}

static void leftovers_before_the_first_answer_are_passed_over(void **state)
{
	static uint8_t half[100000];
	struct rig r;

	(void)state;
	rig_init(&r, 1, true);
	expect_cnxn(&r);
	wire_send(r.w, ADB_WRTE, 5, 6, half, sizeof(half));
	wire_send(r.w, ADB_OKAY, 5, 6, NULL, 0);
	wire_send(r.w, ADB_CLSE, 5, 6, NULL, 0);
	wire_send(r.w, ADB_OPEN, 5, 0, "x", 2);
	wire_send(r.w, ADB_AUTH, 77, 0, "?", 1);
	wire_send(r.w, ADB_AUTH, ADB_AUTH_TOKEN, 0, "short", 5);
	wire_send(r.w, 0x41414141, 5, 6, NULL, 0);
	wire_expect_none(r.w);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_CONNECTING);
	send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	assert_int_equal(r.ended, 0);
	rig_fini(&r);
}

/* A token that the phone had sent to the session before: our signature of it is refused, and the same
 * key must get another chance. */
static void a_leftover_token_does_not_cost_a_key_its_chance(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, true);
	expect_cnxn(&r);
	send_token(&r, 'o'); /* the leftover */
	expect_signature(&r, 0, 'o');
	send_token(&r, 'n');
	expect_signature(&r, 0, 'n');
	send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	rig_fini(&r);
}

static void a_phone_that_wants_tls_is_told_so(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	expect_cnxn(&r);
	wire_send(r.w, ADB_STLS, ADB_STLS_VERSION, 0, NULL, 0);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(r.why, "needs TLS"));
	rig_fini(&r);
}

static void a_greeting_is_bounded(void **state)
{
	struct rig r;
	char *banner = mem_alloc(65536);

	(void)state;
	memset(banner, 'x', 65536);
	memcpy(banner, "device::ro.product.model=", 25);
	rig_init(&r, 1, false);
	wire_send(r.w, ADB_CNXN, ADB_VERSION, 4096, banner, ADB_HANDSHAKE_MAX);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	assert_int_equal(strlen(adb_host_banner(r.a)->model), LIMIT_VALUE - 1);
	rig_fini(&r);
	rig_init(&r, 1, false);
	wire_send(r.w, ADB_CNXN, ADB_VERSION, 4096, banner, ADB_HANDSHAKE_MAX + 1);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PROTO);
	rig_fini(&r);
	rig_init(&r, 1, false);
	wire_send(r.w, ADB_CNXN, ADB_VERSION, 4095, "device::", 8);
	assert_int_equal(r.ended, 1);
	rig_fini(&r);
	mem_free(banner);
}

/* ---- silence ---- */

static void silence_on_tcp_ends_in_time(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	pass(&r, ADB_HANDSHAKE_MS - 1);
	assert_int_equal(r.ended, 0);
	pass(&r, 1);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	assert_true(r.w->closed);
	rig_fini(&r);
	assert_int_equal(r.ended, 1);
}

static void silence_behind_a_signature_ends_too(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 2, false);
	pass(&r, ADB_HANDSHAKE_MS - 1);
	send_token(&r, 'a');
	pass(&r, ADB_HANDSHAKE_MS - 1); /* each step has its own time */
	assert_int_equal(r.ended, 0);
	pass(&r, 1);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	rig_fini(&r);
}

static void on_usb_silence_is_answered_in_rising_steps(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, true);
	expect_cnxn(&r);
	pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 1);
	assert_int_equal(r.w->resyncs[0], 1);
	pass(&r, 10 * ADB_HANDSHAKE_MS); /* it takes the time that it takes */
	wire_expect_none(r.w);
	wire_resynced(r.w, 0);
	expect_cnxn(&r);
	pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 2);
	assert_int_equal(r.w->resyncs[1], 2);
	wire_resynced(r.w, 0);
	expect_cnxn(&r);
	pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	assert_int_equal(r.w->n_resyncs, 2);
	rig_fini(&r);
}

static void a_phone_that_is_in_step_again_is_online(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, true);
	expect_cnxn(&r);
	pass(&r, ADB_HANDSHAKE_MS);
	wire_resynced(r.w, 0);
	expect_cnxn(&r);
	/* It answers to both of ours, and to our signatures in between. */
	send_token(&r, 'a');
	expect_signature(&r, 0, 'a');
	send_token(&r, 'b');
	expect_signature(&r, 0, 'b');
	send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	pass(&r, 10 * ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 1);
	rig_fini(&r);
}

static void an_answer_during_the_resync_counts(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, true);
	expect_cnxn(&r);
	pass(&r, ADB_HANDSHAKE_MS);
	send_cnxn(&r);
	wire_resynced(r.w, 0);
	wire_expect_none(r.w);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	rig_fini(&r);
}

static void silence_behind_an_answer_during_the_resync_waits_for_its_end(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, true);
	expect_cnxn(&r);
	pass(&r, ADB_HANDSHAKE_MS);
	send_token(&r, 'a');
	expect_signature(&r, 0, 'a');
	pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 1); /* one at a time */
	assert_int_equal(r.ended, 0);
	wire_resynced(r.w, 0);
	expect_cnxn(&r);
	pass(&r, ADB_HANDSHAKE_MS);
	assert_int_equal(r.w->n_resyncs, 2);
	rig_fini(&r);
}

static void a_resync_that_fails_ends(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, true);
	pass(&r, ADB_HANDSHAKE_MS);
	wire_resynced(r.w, ERR_IO);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_IO);
	rig_fini(&r);
}

/* ---- in mid-session ---- */

static void cnxn_in_mid_session_closes_the_streams_and_goes_on(void **state)
{
	struct rig r;
	struct catcher k = {0}, next = {0};

	(void)state;
	rig_init(&r, 1, false);
	expect_cnxn(&r);
	send_cnxn(&r);
	k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	send_cnxn(&r);
	assert_int_equal(k.closed, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, ERR_GONE);
	assert_int_equal(r.n_states, 2);
	assert_int_equal(r.states[1], ADB_HOST_ONLINE);
	next.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &next, NULL);
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL); /* a new session counts from the start */
	rig_fini(&r);
	assert_int_equal(next.closed, 1);
}

static void a_token_in_mid_session_asks_for_the_keys_again(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	expect_cnxn(&r);
	send_token(&r, 'a');
	expect_signature(&r, 0, 'a');
	send_cnxn(&r);
	send_token(&r, 'b');
	assert_null(adb_host_mux(r.a));
	expect_signature(&r, 0, 'b');
	send_cnxn(&r);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	rig_fini(&r);
}

/* Nobody could sign it: a session that fell for it would be online and open nothing any more. */
static void half_a_token_in_mid_session_is_passed_over(void **state)
{
	uint8_t token[ADB_TOKEN] = {0};
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	expect_cnxn(&r);
	send_cnxn(&r);
	wire_send(r.w, ADB_AUTH, ADB_AUTH_TOKEN, 0, token, sizeof(token) / 2);
	assert_int_equal(adb_host_state(r.a), ADB_HOST_ONLINE);
	assert_non_null(adb_host_mux(r.a));
	rig_fini(&r);
}

static void a_phone_that_starts_anew_without_end_is_given_up(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	for (int i = 0; i < 100; i++)
		send_cnxn(&r);
	adb_settle(r.sh);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PROTO);
	rig_fini(&r);
}

static void a_broken_link_ends_behind_its_streams(void **state)
{
	struct rig r;
	struct catcher k = {0};

	(void)state;
	rig_init(&r, 1, false);
	send_cnxn(&r);
	k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
	wire_break(r.w, ERR_GONE, "unplugged");
	assert_int_equal(r.ended, 0);
	adb_settle(r.sh);
	assert_int_equal(k.closed, 1);
	assert_string_equal(k.text, "unplugged");
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_GONE);
	assert_string_equal(r.why, "unplugged");
	rig_fini(&r);
}

static void the_host_may_be_freed_in_its_own_event(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	r.free_on_online = true;
	send_cnxn(&r);
	assert_null(r.a);
	rig_fini(&r);
	assert_int_equal(r.ended, 0);
}

static void an_open_without_answer_times_out(void **state)
{
	struct rig r;
	struct catcher k = {0}, fast = {0};

	(void)state;
	rig_init(&r, 1, false);
	expect_cnxn(&r);
	send_cnxn(&r);
	k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
	wire_expect(r.w, ADB_OPEN, 1, 0, NULL);
	fast.s = adb_host_open(r.a, "y:", 2, &catcher_events, catcher_opened, &fast, NULL);
	wire_expect(r.w, ADB_OPEN, 2, 0, NULL);
	wire_send(r.w, ADB_OKAY, 70, 2, NULL, 0);
	pass(&r, ADB_OPEN_MS - 1);
	assert_int_equal(k.closed, 0);
	pass(&r, 1);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, ERR_TIMEOUT);
	assert_int_equal(k.opened, 0);
	wire_send(r.w, ADB_OKAY, 71, 1, NULL, 0); /* too late: the service is to end */
	wire_expect(r.w, ADB_CLSE, 1, 71, NULL);
	assert_int_equal(fast.opened, 1);
	assert_int_equal(fast.closed, 0);
	rig_fini(&r);
}

/* Nothing moves, and the connection stays up: only asking tells. */
static void a_phone_that_says_nothing_any_more_is_given_up(void **state)
{
	struct rig r;
	struct catcher k = {0};

	(void)state;
	rig_init(&r, 1, false);
	expect_cnxn(&r);
	send_cnxn(&r);
	pass(&r, 3600 * 1000); /* who is not asked need not speak */
	assert_int_equal(r.ended, 0);
	k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
	pass(&r, ADB_OPEN_MS);
	assert_int_equal(k.code, ERR_TIMEOUT);
	pass(&r, ADB_SILENT_MS - ADB_OPEN_MS - 1);
	assert_int_equal(r.ended, 0);
	pass(&r, 1);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	rig_fini(&r);
}

static void a_phone_that_answers_to_others_is_kept(void **state)
{
	struct rig r;
	struct catcher k = {0};

	(void)state;
	for (int late = 0; late < 2; late++) {
		memset(&k, 0, sizeof(k));
		rig_init(&r, 1, false);
		expect_cnxn(&r);
		send_cnxn(&r);
		k.s = adb_host_open(r.a, "x:", 2, &catcher_events, catcher_opened, &k, NULL);
		pass(&r, ADB_OPEN_MS - 1);
		if (!late)
			wire_send(r.w, ADB_CLSE, 0, 99, NULL, 0);
		pass(&r, 1);
		assert_int_equal(k.code, ERR_TIMEOUT);
		if (late)
			wire_send(r.w, ADB_CLSE, 0, 99, NULL, 0);
		pass(&r, ADB_SILENT_MS);
		assert_int_equal(r.ended, 0);
		rig_fini(&r);
	}
}

static void a_flood_ends_this_session(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 1, false);
	send_cnxn(&r);
	for (uint32_t i = 1; i < 1000; i++)
		wire_send(r.w, ADB_OPEN, i, 0, "x", 2);
	adb_settle(r.sh);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PROTO);
	rig_fini(&r);
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
