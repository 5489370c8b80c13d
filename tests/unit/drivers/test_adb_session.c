/* SPDX-License-Identifier: Apache-2.0 */
/* A host against a device: over TCP and in memory. */
#include "support_adb.h"

#include <string.h>

#include "base/mem.h"

static const enum adb_over overs[] = {ADB_OVER_TCP, ADB_OVER_MEMORY};

static void a_known_key_comes_online(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct adb_rig r;

		adb_rig_init(&r);
		adb_rig_go(&r, overs[i]);
		adb_rig_until_online(&r);
		assert_string_equal(adb_host_banner(r.host)->model, "A phone");
		assert_true(adb_host_has(r.host, ADB_F_SHELL_V2));
		assert_false(adb_host_has(r.host, ADB_F_CMD));
		assert_false(adb_host_has(r.host, ADB_F_STAT_V2));
		assert_int_equal(r.tokens, 1);
		assert_int_equal(r.unauthorized, 0);
		adb_rig_fini(&r);
	}
}

static void echo_once(struct adb_rig *r)
{
	struct catcher k;
	struct stream *base;

	adb_rig_open(r, &k, "echo:");
	base = adb_stream_base(k.s);
	assert_int_equal(base->ops->write(base, (const uint8_t *)"hello", 5), 5);
	adb_rig_until_bytes(r, &k.n, 5);
	assert_memory_equal(k.head, "hello", 5);
	assert_int_equal(k.opened, 1);
	base->ops->close(base);
	assert_int_equal(k.closed, 0);
	adb_rig_until(r, &k.closed, 1);
	assert_int_equal(k.code, 0);
}

static void a_stream_echoes(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct adb_rig r;

		adb_rig_init(&r);
		adb_rig_go(&r, overs[i]);
		adb_rig_until_online(&r);
		echo_once(&r);
		adb_rig_until(&r, &r.services_closed, 1);
		echo_once(&r);
		adb_rig_fini(&r);
	}
}

static void a_refused_service_is_closed_and_never_opened(void **state)
{
	struct adb_rig r;
	struct catcher k;

	(void)state;
	adb_rig_init(&r);
	adb_rig_go(&r, ADB_OVER_TCP);
	adb_rig_until_online(&r);
	adb_rig_open(&r, &k, "refuse:");
	adb_rig_until(&r, &k.closed, 1);
	assert_int_equal(k.code, ERR_NOTFOUND);
	assert_int_equal(k.opened, 0);
	adb_rig_fini(&r);
}

static uint32_t pattern_hash(size_t n)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t b = adb_pattern(i);

		hash = adb_hash(hash, &b, 1);
	}
	return hash;
}

static void pull_much(uint32_t host_max, uint32_t dev_max, uint32_t feature)
{
	struct adb_rig r;
	struct catcher k;

	adb_rig_init(&r);
	r.hc.max_payload = host_max;
	r.dc.max_payload = dev_max;
	r.hc.features |= feature;
	r.dc.banner.features |= feature;
	adb_rig_go(&r, ADB_OVER_TCP);
	adb_rig_until_online(&r);
	adb_rig_open(&r, &k, "source:8388608");
	adb_rig_until(&r, &k.closed, 1);
	assert_int_equal(k.n, 8388608);
	assert_int_equal(k.hash, pattern_hash(8388608));
	adb_rig_fini(&r);
}

static void every_byte_comes_once_whatever_the_payload(void **state)
{
	(void)state;
	pull_much(ADB_PAYLOAD_MAX, ADB_PAYLOAD_MAX, 0);
	pull_much(ADB_PAYLOAD_MAX, 4096, 0);
	pull_much(256 * 1024, ADB_PAYLOAD_MAX, 0);
	pull_much(ADB_PAYLOAD_MAX, ADB_PAYLOAD_MAX, ADB_F_DELAYED_ACK);
	pull_much(ADB_PAYLOAD_MAX, 4096, ADB_F_DELAYED_ACK);
}

static void the_end_of_the_link_closes_streams_first(void **state)
{
	struct adb_rig r;
	struct catcher k[3];

	(void)state;
	adb_rig_init(&r);
	adb_rig_go(&r, ADB_OVER_TCP);
	adb_rig_until_online(&r);
	for (int i = 0; i < 3; i++)
		adb_rig_open(&r, &k[i], "echo:");
	adb_rig_until(&r, &k[2].opened, 1);
	adb_device_free(r.dev);
	r.dev = NULL;
	adb_rig_until(&r, &r.host_ended, 1);
	assert_int_equal(r.host_code, ERR_GONE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(k[i].closed, 1);
		assert_int_equal(k[i].code, ERR_GONE);
	}
	adb_rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_key_comes_online),
		cmocka_unit_test(a_stream_echoes),
		cmocka_unit_test(a_refused_service_is_closed_and_never_opened),
		cmocka_unit_test(every_byte_comes_once_whatever_the_payload),
		cmocka_unit_test(the_end_of_the_link_closes_streams_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
