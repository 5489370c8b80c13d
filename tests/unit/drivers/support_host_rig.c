/* SPDX-License-Identifier: Apache-2.0 */
/* See support_host_rig.h. */
#include "support_host_rig.h"

#include <string.h>

#include "base/str.h"

static void on_state(void *arg, enum adb_host_state st, const char *text)
{
	struct host_rig *r = arg;

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
	struct host_rig *r = arg;

	r->ended++;
	r->code = code;
	str_copy(r->why, sizeof(r->why), text);
}

void host_rig_init(struct host_rig *r, int n_keys, bool usb)
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

void host_rig_fini(struct host_rig *r)
{
	if (r->a)
		adb_host_free(r->a);
	adb_settle(r->sh);
	assert_true(r->w->closed);
	wire_free(r->w);
	support_host_free(r->sh);
}

void host_rig_pass(struct host_rig *r, int64_t ms)
{
	support_advance(r->sh, ms);
	adb_settle(r->sh);
}

void host_rig_expect_cnxn(struct host_rig *r)
{
	wire_expect(r->w, ADB_CNXN, ADB_VERSION, ADB_PAYLOAD_MAX,
		"host::features=shell_v2,delayed_ack");
}

void host_rig_send_cnxn(struct host_rig *r)
{
	wire_send(r->w, ADB_CNXN, ADB_VERSION, 262144, HOST_RIG_BANNER, strlen(HOST_RIG_BANNER));
}

void host_rig_send_token(struct host_rig *r, char fill)
{
	uint8_t token[ADB_TOKEN];

	memset(token, fill, sizeof(token));
	wire_send(r->w, ADB_AUTH, ADB_AUTH_TOKEN, 0, token, sizeof(token));
}

void host_rig_expect_signature(struct host_rig *r, int key, char fill)
{
	const struct wire_packet *p = wire_expect(r->w, ADB_AUTH, ADB_AUTH_SIGNATURE, 0, NULL);
	uint8_t token[ADB_TOKEN];

	memset(token, fill, sizeof(token));
	assert_true(adb_key_verify(adb_test_key(key), token, p->data, p->len));
	wire_expect_none(r->w);
}

void host_rig_expect_public_key(struct host_rig *r)
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
