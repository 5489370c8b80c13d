/* SPDX-License-Identifier: Apache-2.0 */
/* The device's handshake, against a host that the test plays; and both roles together. */
#include "support_adb.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct rig {
	struct support_host *sh;
	struct wire *w;
	struct adb_device *d;
	struct adb_key *trusted;
	int online, restarted, ended, code, offered, tokens;
	char offered_text[ADB_HANDSHAKE_MAX + 1], opened[64];
	struct catcher k;
};

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	struct rig *r = arg;

	(void)n;
	str_copy(r->opened, sizeof(r->opened), service);
	r->k = (struct catcher){.s = s};
	adb_stream_accept(s, &catcher_events, &r->k);
	return true;
}

static void on_online(void *arg, const struct adb_banner *peer)
{
	assert_int_equal(peer->peer, ADB_PEER_HOST);
	((struct rig *)arg)->online++;
}

static void on_restarted(void *arg)
{
	((struct rig *)arg)->restarted++;
}

static void on_ended(void *arg, int code, const char *text)
{
	assert_true(*text);
	((struct rig *)arg)->ended++;
	((struct rig *)arg)->code = code;
}

/* Not random, but each another. */
static void token(void *arg, uint8_t dst[ADB_TOKEN])
{
	memset(dst, ++((struct rig *)arg)->tokens, ADB_TOKEN);
}

static bool trusted(void *arg, const uint8_t tok[ADB_TOKEN], const void *sig, size_t n)
{
	const struct rig *r = arg;

	return r->trusted && adb_key_verify(r->trusted, tok, sig, n);
}

static void offered(void *arg, const char *key_text)
{
	struct rig *r = arg;

	r->offered++;
	str_copy(r->offered_text, sizeof(r->offered_text), key_text);
}

static void rig_init(struct rig *r, bool auth, uint32_t version)
{
	static const struct adb_device_events events = {on_online, on_open, on_restarted, on_ended};
	const struct adb_device_config cfg = {
		.banner = {ADB_PEER_DEVICE, ADB_F_CMD, "p", "M", "d"},
		.version = version,
		.max_payload = 262144,
		.auth = auth,
		.token = token,
		.trusted = trusted,
		.offered = offered,
	};

	memset(r, 0, sizeof(*r));
	r->sh = support_host_new(SUPPORT_INLINE);
	r->w = wire_new(support_host(r->sh), false);
	r->trusted = adb_test_key(0);
	r->d = adb_device_new(support_host(r->sh), &r->w->l, &cfg, &events, r);
}

static void rig_fini(struct rig *r)
{
	adb_device_free(r->d);
	adb_settle(r->sh);
	assert_true(r->w->closed);
	wire_free(r->w);
	support_host_free(r->sh);
}

static void send_cnxn(struct rig *r, uint32_t version)
{
	wire_send(r->w, ADB_CNXN, version, ADB_PAYLOAD_MAX, "host::features=cmd", 18);
}

#define BANNER "device::ro.product.name=p;ro.product.model=M;ro.product.device=d;features=cmd"

static void send_signature(struct rig *r, int key, int token_no)
{
	uint8_t tok[ADB_TOKEN], sig[ADB_SIGNATURE];

	memset(tok, token_no, sizeof(tok));
	assert_int_equal(adb_key_sign(adb_test_key(key), tok, sig), 0);
	wire_send(r->w, ADB_AUTH, ADB_AUTH_SIGNATURE, 0, sig, sizeof(sig));
}

static void expect_token(struct rig *r, int token_no)
{
	const struct wire_packet *p = wire_expect(r->w, ADB_AUTH, ADB_AUTH_TOKEN, 0, NULL);

	assert_int_equal(p->len, ADB_TOKEN);
	assert_int_equal(p->data[0], token_no);
}

static void without_auth_cnxn_answers_cnxn(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, false, ADB_VERSION);
	wire_expect_none(r.w);
	wire_send(r.w, ADB_OPEN, 5, 0, "x", 2); /* before anything: nobody's */
	wire_expect_none(r.w);
	send_cnxn(&r, ADB_VERSION);
	assert_int_equal(r.online, 1);
	assert_int_equal(r.w->version, ADB_VERSION_SUM); /* the peer has not our CNXN yet */
	wire_expect(r.w, ADB_CNXN, ADB_VERSION, 262144, BANNER);
	wire_expect_none(r.w);
	assert_int_equal(r.w->version, ADB_VERSION);
	wire_send(r.w, ADB_OPEN, 5, 0, "shell:", 7);
	wire_expect(r.w, ADB_OKAY, 1, 5, "");
	assert_string_equal(r.opened, "shell:");
	rig_fini(&r);
	assert_int_equal(r.k.closed, 1);
	assert_int_equal(r.ended, 0);
}

static void an_old_device_keeps_its_sums(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, false, ADB_VERSION_SUM);
	send_cnxn(&r, ADB_VERSION);
	wire_expect(r.w, ADB_CNXN, ADB_VERSION_SUM, 262144, NULL);
	wire_expect_none(r.w);
	assert_int_equal(r.w->version, ADB_VERSION_SUM);
	rig_fini(&r);
	rig_init(&r, false, ADB_VERSION);
	send_cnxn(&r, ADB_VERSION_SUM); /* an old host */
	wire_expect(r.w, ADB_CNXN, ADB_VERSION_SUM, 262144, NULL);
	rig_fini(&r);
}

static void each_attempt_gets_a_fresh_token(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, true, ADB_VERSION);
	send_cnxn(&r, ADB_VERSION);
	expect_token(&r, 1);
	send_signature(&r, 1, 1); /* a foreign key */
	expect_token(&r, 2);
	send_signature(&r, 0, 1); /* the right key, the old token */
	expect_token(&r, 3);
	assert_int_equal(r.online, 0);
	send_signature(&r, 0, 3);
	assert_int_equal(r.online, 1);
	wire_expect(r.w, ADB_CNXN, ADB_VERSION, 262144, NULL);
	rig_fini(&r);
}

static void an_offered_key_waits_until_it_is_allowed(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, true, ADB_VERSION);
	send_cnxn(&r, ADB_VERSION);
	expect_token(&r, 1);
	wire_send(r.w, ADB_AUTH, ADB_AUTH_PUBLIC_KEY, 0, "QUJD me@home", 13);
	assert_int_equal(r.offered, 1);
	assert_string_equal(r.offered_text, "QUJD me@home");
	wire_expect_none(r.w); /* silence */
	wire_send(r.w, ADB_OPEN, 5, 0, "x", 2);
	wire_expect_none(r.w);
	adb_device_allow(r.d);
	wire_expect(r.w, ADB_CNXN, ADB_VERSION, 262144, NULL);
	assert_int_equal(r.online, 1);
	adb_device_allow(r.d); /* twice is once */
	wire_expect_none(r.w);
	rig_fini(&r);
}

static void auth_out_of_turn_is_passed_over(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, true, ADB_VERSION);
	send_signature(&r, 0, 0);
	adb_device_allow(r.d);
	wire_expect_none(r.w);
	send_cnxn(&r, ADB_VERSION);
	expect_token(&r, 1);
	wire_send(r.w, ADB_AUTH, ADB_AUTH_SIGNATURE, 0, NULL, 0);
	wire_send(r.w, ADB_AUTH, 9, 0, "x", 1);
	wire_expect_none(r.w);
	wire_send(r.w, ADB_AUTH, ADB_AUTH_SIGNATURE, 0, "short", 5);
	expect_token(&r, 2);
	assert_int_equal(r.online, 0);
	rig_fini(&r);
}

static void who_tries_without_end_is_let_go(void **state)
{
	struct rig r;
	int n;

	(void)state;
	rig_init(&r, true, ADB_VERSION);
	send_cnxn(&r, ADB_VERSION);
	for (n = 0; n < 1000 && !r.ended; n++)
		wire_send(r.w, ADB_AUTH, ADB_AUTH_SIGNATURE, 0, "guess", 5);
	assert_int_equal(n, 256);
	assert_int_equal(r.code, ERR_PERM);
	rig_fini(&r);
}

static void cnxn_in_mid_session_starts_anew_with_auth(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, true, ADB_VERSION);
	send_cnxn(&r, ADB_VERSION);
	send_signature(&r, 0, 1);
	while (wire_next(r.w))
		;
	wire_send(r.w, ADB_OPEN, 5, 0, "shell:", 7);
	wire_expect(r.w, ADB_OKAY, 1, 5, "");
	send_cnxn(&r, ADB_VERSION);
	assert_int_equal(r.restarted, 1);
	assert_null(adb_device_mux(r.d));
	assert_int_equal(r.w->version, ADB_VERSION_SUM);
	expect_token(&r, 2);
	wire_send(r.w, ADB_WRTE, 5, 1, "x", 1); /* of the old session */
	wire_expect_none(r.w);
	adb_settle(r.sh);
	assert_int_equal(r.k.closed, 1);
	assert_int_equal(r.k.n, 0);
	send_signature(&r, 0, 2);
	assert_int_equal(r.online, 2);
	rig_fini(&r);
}

static void a_greeting_without_sense_ends(void **state)
{
	static const char much[ADB_HANDSHAKE_MAX + 1];
	struct rig r;

	(void)state;
	rig_init(&r, false, ADB_VERSION);
	wire_send(r.w, ADB_CNXN, ADB_VERSION, ADB_PAYLOAD_MAX, much, sizeof(much));
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.code, ERR_PROTO);
	rig_fini(&r);
	rig_init(&r, false, ADB_VERSION);
	wire_send(r.w, ADB_CNXN, ADB_VERSION, 100, "host::", 6);
	assert_int_equal(r.ended, 1);
	rig_fini(&r);
	rig_init(&r, false, ADB_VERSION);
	wire_send(r.w, ADB_CNXN, 5, ADB_PAYLOAD_MAX, "host::", 6);
	assert_int_equal(r.ended, 1);
	rig_fini(&r);
}

/* ---- both roles together ---- */

static void a_foreign_key_waits_until_somebody_taps(void **state)
{
	struct adb_rig r;

	(void)state;
	adb_rig_init(&r);
	r.trusted = NULL;
	r.keys.n = 3;
	for (int i = 0; i < 3; i++)
		r.keys.keys[i] = adb_test_key(i);
	adb_rig_go(&r, ADB_OVER_TCP);
	adb_rig_until(&r, &r.offered, 1);
	assert_int_equal(r.unauthorized, 1);
	assert_int_equal(r.tokens, 4);
	support_advance(r.sh, 24 * 3600 * 1000);
	adb_settle(r.sh);
	assert_int_equal(r.host_ended + r.online, 0);
	adb_device_allow(r.dev);
	adb_rig_until_online(&r);
	adb_rig_fini(&r);
}

static void the_third_key_is_the_right_one(void **state)
{
	struct adb_rig r;

	(void)state;
	adb_rig_init(&r);
	r.keys.n = 4;
	for (int i = 0; i < 4; i++)
		r.keys.keys[i] = adb_test_key(i);
	r.trusted = adb_test_key(2);
	adb_rig_go(&r, ADB_OVER_TCP);
	adb_rig_until_online(&r);
	assert_int_equal(r.tokens, 3);
	assert_int_equal(r.unauthorized, 0);
	adb_rig_fini(&r);
}

static void the_device_opens_streams_to_a_host_that_refuses_them(void **state)
{
	struct adb_rig r;
	struct catcher k = {0};

	(void)state;
	adb_rig_init(&r);
	adb_rig_go(&r, ADB_OVER_MEMORY);
	adb_rig_until_online(&r);
	k.s = adb_mux_open(
		adb_device_mux(r.dev), "tcp:1", 5, &catcher_events, catcher_opened, &k, NULL);
	adb_rig_until(&r, &k.closed, 1);
	assert_int_equal(k.code, ERR_NOTFOUND);
	adb_rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_auth_cnxn_answers_cnxn),
		cmocka_unit_test(an_old_device_keeps_its_sums),
		cmocka_unit_test(each_attempt_gets_a_fresh_token),
		cmocka_unit_test(an_offered_key_waits_until_it_is_allowed),
		cmocka_unit_test(auth_out_of_turn_is_passed_over),
		cmocka_unit_test(who_tries_without_end_is_let_go),
		cmocka_unit_test(cnxn_in_mid_session_starts_anew_with_auth),
		cmocka_unit_test(a_greeting_without_sense_ends),
		cmocka_unit_test(a_foreign_key_waits_until_somebody_taps),
		cmocka_unit_test(the_third_key_is_the_right_one),
		cmocka_unit_test(the_device_opens_streams_to_a_host_that_refuses_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
