/* SPDX-License-Identifier: Apache-2.0 */
/* Packets and banners, byte for byte. */
#include "support_host.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "drivers/adb/banner.h"
#include "drivers/adb/packet.h"

/* ---- the header ---- */

/* CNXN, 0x01000001, 1 MiB, "host::". */
static const uint8_t cnxn[] = {0x43, 0x4e, 0x58, 0x4e, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x10,
	0x00, 0x06, 0x00, 0x00, 0x00, 0x32, 0x02, 0x00, 0x00, 0xbc, 0xb1, 0xa7, 0xb1, 0x68, 0x6f,
	0x73, 0x74, 0x3a, 0x3a};

static void the_vector_of_cnxn(void **state)
{
	struct adb_header h = {ADB_CNXN, ADB_VERSION, ADB_PAYLOAD_MAX, 6, adb_sum("host::", 6)};
	uint8_t head[ADB_HEADER];

	(void)state;
	adb_header_put(head, &h);
	assert_memory_equal(head, cnxn, ADB_HEADER);
	memset(&h, 0, sizeof(h));
	assert_int_equal(adb_header_get(cnxn, 6, &h), 0);
	assert_int_equal(h.command, ADB_CNXN);
	assert_int_equal(h.arg0, ADB_VERSION);
	assert_int_equal(h.arg1, ADB_PAYLOAD_MAX);
	assert_int_equal(h.len, 6);
	assert_int_equal(h.sum, 0x232);
}

static void a_header_is_refused_at_its_bounds(void **state)
{
	struct adb_header h = {.len = 77};
	uint8_t bad[ADB_HEADER];

	(void)state;
	assert_int_equal(adb_header_get(cnxn, 5, &h), ERR_PROTO);
	assert_int_equal(h.len, 77); /* untouched */
	for (int i = 20; i < 24; i++) {
		memcpy(bad, cnxn, sizeof(bad));
		bad[i] ^= 0x10;
		assert_int_equal(adb_header_get(bad, 100, &h), ERR_PROTO);
	}
	assert_string_equal(adb_command_name(ADB_WRTE), "WRTE");
	assert_string_equal(adb_command_name(0x41414141), "?");
}

static void a_sum_is_of_bytes_and_runs_over(void **state)
{
	size_t n = 17 * 1024 * 1024;
	uint8_t *much = malloc(n);

	(void)state;
	memset(much, 0xff, n);
	assert_int_equal(adb_sum(much, 0), 0);
	assert_int_equal(adb_sum(much, 1000), 255000);
	assert_int_equal(adb_sum(much, n), (uint32_t)(n * 255));
	free(much);
}

/* ---- the parser ---- */

static size_t put_packet(uint8_t *dst, uint32_t command, uint32_t len, uint8_t fill)
{
	struct adb_header h = {command, 1, 2, len, 0};

	memset(dst + ADB_HEADER, fill, len);
	h.sum = adb_sum(dst + ADB_HEADER, len);
	adb_header_put(dst, &h);
	return ADB_HEADER + len;
}

/* Packets of these lengths, each filled with its number. */
static const uint32_t lengths[] = {0, 1, 6, 65536 - ADB_HEADER, 65536, 65537, 3, ADB_PAYLOAD_MAX,
	ADB_PAYLOAD_MAX, 0, 0, 200000, 7};
#define N_LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

static uint8_t *make_stream(size_t *ret_n)
{
	uint8_t *all = malloc(4 * ADB_PAYLOAD_MAX);

	*ret_n = 0;
	for (size_t i = 0; i < N_LENGTHS; i++)
		*ret_n += put_packet(all + *ret_n, ADB_WRTE, lengths[i], (uint8_t)i);
	return all;
}

static void check(const struct adb_parser *p, size_t i)
{
	assert_true(i < N_LENGTHS);
	assert_int_equal(p->h.len, lengths[i]);
	if (!lengths[i]) {
		assert_null(p->payload);
		return;
	}
	assert_int_equal(p->payload[0], i);
	assert_int_equal(p->payload[lengths[i] - 1], i);
	assert_int_equal(adb_sum(p->payload, lengths[i]), (uint32_t)(lengths[i] * i));
}

static void packets_come_out_however_they_are_cut(void **state)
{
	static const size_t steps[] = {1, 23, 24, 25, 1000, 65536, 10000000};
	size_t n;
	uint8_t *all = make_stream(&n);

	(void)state;
	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
		struct adb_parser p;
		size_t at = 0, got = 0;

		adb_parser_init(&p, ADB_PAYLOAD_MAX);
		p.verify = true;
		while (at < n) {
			uint8_t *where;
			size_t room = adb_parser_room(&p, &where);
			int rc;

			assert_true(room > 0);
			if (room > steps[k])
				room = steps[k];
			if (room > n - at)
				room = n - at;
			memcpy(where, all + at, room);
			at += room;
			while ((rc = adb_parser_got(&p, room)) == 1) {
				check(&p, got++);
				room = 0;
			}
			assert_int_equal(rc, 0);
		}
		assert_int_equal(got, N_LENGTHS);
		adb_parser_fini(&p);
	}
	free(all);
}

/* Long payloads are read to where they stay: only what came with the read before is moved. */
static void a_long_payload_is_not_moved(void **state)
{
	struct adb_parser p;
	uint8_t *packet = malloc(ADB_HEADER + ADB_PAYLOAD_MAX), *where;
	size_t n = put_packet(packet, ADB_WRTE, ADB_PAYLOAD_MAX, 3), total = 0;

	(void)state;
	adb_parser_init(&p, ADB_PAYLOAD_MAX);
	for (int i = 0; i < 10; i++) {
		size_t at = i ? ADB_HEADER : 0, reads = 0;

		while (at < n + ADB_HEADER) { /* and the next one's header, as a socket has it */
			size_t room = adb_parser_room(&p, &where), want = n + ADB_HEADER - at;
			const uint8_t *from = packet + at;

			if (room > want)
				room = want;
			if (at < n && room > n - at)
				memcpy(where + n - at, packet, room - (n - at));
			memcpy(where, from, at < n && room > n - at ? n - at : room);
			at += room;
			reads++;
			if (adb_parser_got(&p, room) == 1) {
				total++;
				assert_ptr_equal(p.payload, p.buf->data);
			}
		}
		assert_true(reads <= 2);
	}
	assert_int_equal(total, 10);
	adb_parser_fini(&p);
	free(packet);
}

/* Puts a packet in, as much of it at a time as there is room for; returns got()'s last answer. */
static int feed_packet(struct adb_parser *p, uint32_t len, uint8_t fill)
{
	uint8_t *packet = malloc(ADB_HEADER + len), *where;
	size_t n = put_packet(packet, ADB_WRTE, len, fill), at = 0;
	int rc = 0;

	while (at < n) {
		size_t room = adb_parser_room(p, &where);

		room = room < n - at ? room : n - at;
		memcpy(where, packet + at, room);
		at += room;
		rc = adb_parser_got(p, room);
	}
	free(packet);
	return rc;
}

static void a_payload_that_is_held_stays_as_it_is(void **state)
{
	struct adb_parser p;
	struct adb_buf *b;
	const uint8_t *payload;

	(void)state;
	adb_parser_init(&p, ADB_PAYLOAD_MAX);
	assert_int_equal(feed_packet(&p, ADB_PAYLOAD_MAX, 1), 1);
	payload = p.payload;
	b = adb_parser_hold(&p);
	assert_ptr_equal(payload, b->data);
	assert_int_equal(b->refs, 2);
	assert_int_equal(adb_parser_got(&p, 0), 0);
	assert_int_equal(feed_packet(&p, 10, 2), 1);
	assert_int_equal(adb_parser_got(&p, 0), 0);
	assert_int_equal(feed_packet(&p, ADB_PAYLOAD_MAX, 3), 1);
	assert_int_equal(adb_sum(payload, ADB_PAYLOAD_MAX), ADB_PAYLOAD_MAX);
	assert_int_equal(b->refs, 1);
	adb_buf_unref(b);
	assert_int_equal(adb_sum(p.payload, ADB_PAYLOAD_MAX), 3 * ADB_PAYLOAD_MAX);
	adb_parser_fini(&p);
}

/* The header of the next packet came with it. */
static void what_follows_a_held_payload_is_not_lost(void **state)
{
	struct adb_parser p;
	uint8_t *packet = malloc(ADB_HEADER + 100000), *where;
	size_t n = put_packet(packet, ADB_WRTE, 100000, 4), first, rest;
	struct adb_buf *b;

	(void)state;
	adb_parser_init(&p, ADB_PAYLOAD_MAX);
	first = adb_parser_room(&p, &where);
	memcpy(where, packet, first);
	assert_int_equal(adb_parser_got(&p, first), 0);
	rest = adb_parser_room(&p, &where);
	assert_int_equal(rest, n + ADB_HEADER - first);
	memcpy(where, packet + first, n - first);
	memcpy(where + n - first, packet, ADB_HEADER);
	assert_int_equal(adb_parser_got(&p, rest), 1);
	b = adb_parser_hold(&p);
	assert_non_null(b);
	assert_int_equal(adb_parser_got(&p, 0), 0);
	memset(packet + ADB_HEADER, 5, 100000);
	p.verify = false;
	for (size_t at = ADB_HEADER; at < n;) {
		size_t room = adb_parser_room(&p, &where);

		room = room < n - at ? room : n - at;
		memcpy(where, packet + at, room);
		at += room;
		assert_int_equal(adb_parser_got(&p, room), at == n);
	}
	assert_int_equal(adb_sum(p.payload, 100000), 500000);
	assert_int_equal(adb_sum(b->data, 100000), 400000);
	adb_buf_unref(b);
	adb_parser_fini(&p);
	free(packet);
}

static bool can_hold(struct adb_parser *p, uint32_t len)
{
	struct adb_buf *b;

	assert_int_equal(feed_packet(p, len, 1), 1);
	b = adb_parser_hold(p);
	adb_buf_unref(b);
	assert_int_equal(adb_parser_got(p, 0), 0);
	return b;
}

/* A short packet would pin a buffer that is many times as long. */
static void what_is_not_worth_it_is_not_held(void **state)
{
	const uint32_t longest_short = 64 * 1024 - 2 * ADB_HEADER;
	struct adb_parser p;

	(void)state;
	adb_parser_init(&p, ADB_PAYLOAD_MAX);
	assert_false(can_hold(&p, 0));
	assert_false(can_hold(&p, longest_short));
	assert_true(can_hold(&p, longest_short + 1));
	assert_true(can_hold(&p, ADB_PAYLOAD_MAX));
	assert_false(
		can_hold(&p, ADB_PAYLOAD_MAX / 2 - 1)); /* its buffer is made for another as long */
	assert_true(can_hold(&p, ADB_PAYLOAD_MAX / 2 - 1));
	adb_parser_fini(&p);
}

static void a_parser_with_nothing_to_do_has_no_long_buffer(void **state)
{
	struct adb_parser p;

	(void)state;
	adb_parser_init(&p, ADB_PAYLOAD_MAX);
	assert_int_equal(feed_packet(&p, 100, 1), 1);
	assert_int_equal(adb_parser_got(&p, 0), 0);
	assert_non_null(p.buf);
	assert_int_equal(feed_packet(&p, ADB_PAYLOAD_MAX, 1), 1);
	assert_int_equal(adb_parser_got(&p, 0), 0);
	assert_null(p.buf);
	adb_parser_fini(&p);
}

static int feed(struct adb_parser *p, const uint8_t *data, size_t n)
{
	uint8_t *where;
	size_t room = adb_parser_room(p, &where);

	assert_true(room >= n);
	memcpy(where, data, n);
	return adb_parser_got(p, n);
}

static void garbage_is_final(void **state)
{
	struct adb_parser p;
	uint8_t bad[sizeof(cnxn)], *where;

	(void)state;
	memcpy(bad, cnxn, sizeof(bad));
	bad[20] ^= 1;
	adb_parser_init(&p, 4096);
	assert_int_equal(feed(&p, bad, ADB_HEADER - 1), 0);
	assert_int_equal(feed(&p, bad + ADB_HEADER - 1, 1), ERR_PROTO);
	assert_int_equal(adb_parser_room(&p, &where), 0);
	assert_int_equal(adb_parser_got(&p, 0), ERR_PROTO);
	adb_parser_fini(&p);
}

static void a_length_is_bounded_before_memory_is_spent(void **state)
{
	struct adb_header h = {ADB_WRTE, 1, 2, 4097, 0};
	struct adb_parser p;
	uint8_t head[ADB_HEADER];

	(void)state;
	adb_parser_init(&p, 4096);
	adb_header_put(head, &h);
	assert_int_equal(feed(&p, head, ADB_HEADER), ERR_PROTO);
	assert_true(p.buf->cap <= 65536);
	adb_parser_fini(&p);
	adb_parser_init(&p, 4096);
	h.len = 4096;
	adb_header_put(head, &h);
	assert_int_equal(feed(&p, head, ADB_HEADER), 0);
	adb_parser_fini(&p);
}

/* The bound holds from the next packet on, also for one that has been read already. */
static void the_bound_may_change_between_packets(void **state)
{
	struct adb_parser p;
	uint8_t two[2 * (ADB_HEADER + 100)];
	size_t n = put_packet(two, ADB_WRTE, 100, 1);

	(void)state;
	put_packet(two + n, ADB_WRTE, 100, 2);
	adb_parser_init(&p, 4096);
	assert_int_equal(feed(&p, two, sizeof(two)), 1);
	p.max = 99;
	assert_int_equal(adb_parser_got(&p, 0), ERR_PROTO);
	adb_parser_fini(&p);
}

static void a_sum_is_verified_where_it_is_asked_for_and_given(void **state)
{
	struct adb_parser p;
	uint8_t packet[sizeof(cnxn)];

	(void)state;
	memcpy(packet, cnxn, sizeof(packet));
	for (int verify = 0; verify < 2; verify++) {
		for (int sum = 0; sum < 3; sum++) { /* none, the right one, a wrong one */
			packet[16] = sum == 0 ? 0 : sum == 1 ? 0x32 : 0x33;
			packet[17] = sum ? 2 : 0;
			adb_parser_init(&p, 4096);
			p.verify = verify;
			assert_int_equal(feed(&p, packet, sizeof(packet)),
				verify && sum == 2 ? ERR_PROTO : 1);
			adb_parser_fini(&p);
		}
	}
}

static void buffers_are_counted(void **state)
{
	struct adb_buf *b = adb_buf_new(ADB_PAYLOAD_MAX);

	(void)state;
	assert_ptr_equal(b->head + ADB_HEADER, b->data);
	assert_ptr_equal(adb_buf_ref(b), b);
	adb_buf_unref(b);
	memset(b->data, 1, b->cap);
	adb_buf_unref(b);
	adb_buf_unref(NULL);
}

/* All of them can be written to whole, and the header behind them, whatever was kept of which length. */
static void buffers_are_as_long_as_they_were_asked_for(void **state)
{
	static const uint32_t caps[] = {
		ADB_PAYLOAD_MAX, 65536, 65537, 262144, 262145, 700000, 0, 1};
	struct adb_buf *b[16];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 16; i++) {
			b[i] = adb_buf_new(caps[(i + round) % 8]);
			assert_int_equal(b[i]->cap, caps[(i + round) % 8]);
			assert_int_equal(b[i]->len, 0);
			memset(b[i]->head, i, ADB_HEADER + b[i]->cap + ADB_HEADER);
		}
		for (int i = 0; i < 16; i++) {
			assert_int_equal(b[i]->head[0], i);
			assert_int_equal(b[i]->data[b[i]->cap + ADB_HEADER - 1], i);
			adb_buf_unref(b[i]);
		}
	}
}

/* ---- banners ---- */

static void parse(const char *text, size_t n, struct adb_banner *b)
{
	/* Exactly n bytes, so that the sanitizer sees who reads beyond. */
	char *copy = malloc(n ? n : 1);

	memcpy(copy, text, n);
	adb_banner_parse(n ? copy : NULL, n, b);
	free(copy);
}

static void a_phones_banner(void **state)
{
	static const char text[] = "device::ro.product.name=sunfish;ro.product.model=Pixel 4a;"
				   "ro.product.device=sunfish;features=shell_v2,cmd,devraw,"
				   "sendrecv_v2_zstd,delayed_ack;";
	struct adb_banner b;

	(void)state;
	for (size_t nul = 0; nul < 2; nul++) {
		parse(text, sizeof(text) - 1 + nul, &b);
		assert_int_equal(b.peer, ADB_PEER_DEVICE);
		assert_string_equal(b.product, "sunfish");
		assert_string_equal(b.model, "Pixel 4a");
		assert_string_equal(b.device, "sunfish");
		assert_int_equal(
			b.features, ADB_F_SHELL_V2 | ADB_F_CMD | ADB_F_ZSTD | ADB_F_DELAYED_ACK);
	}
}

static void banners_without_much_in_them(void **state)
{
	static const struct {
		const char *text;
		enum adb_peer peer;
		uint32_t features;
	} cases[] = {
		{"", ADB_PEER_HOST, 0},
		{"device", ADB_PEER_HOST, 0}, /* no colon: no sense */
		{"device::", ADB_PEER_DEVICE, 0},
		{"recovery:serial:", ADB_PEER_RECOVERY, 0},
		{"sideload::features=", ADB_PEER_SIDELOAD, 0},
		{"rescue::;;;=;a;features=,,cmd,,;", ADB_PEER_RESCUE, ADB_F_CMD},
		{"bootloader::x=y", ADB_PEER_BOOTLOADER, 0},
		{"devices::features=cmd", ADB_PEER_HOST, ADB_F_CMD},
		{"host::features=cm,cmdd,shell_v2", ADB_PEER_HOST, ADB_F_SHELL_V2},
	};
	struct adb_banner b;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse(cases[i].text, strlen(cases[i].text), &b);
		if (i != 1)
			assert_int_equal(b.peer, cases[i].peer);
		assert_int_equal(b.features, cases[i].features);
		assert_string_equal(b.model, "");
	}
}

static void what_a_banner_says_is_bounded_and_cleaned(void **state)
{
	size_t n = 65536;
	char *text = malloc(n);
	struct adb_banner b = {.features = 1};

	(void)state;
	adb_banner_parse(NULL, 0, &b); /* a CNXN without a payload */
	assert_int_equal(b.features, 0);
	memset(text, 'm', n);
	memcpy(text, "device::ro.product.model=\x1b[2J\xff", 30);
	parse(text, n, &b);
	assert_int_equal(strlen(b.model), LIMIT_VALUE - 1);
	assert_int_equal(b.model[0], '?');
	assert_null(strchr(b.model, '\xff'));
	free(text);
}

static void a_banner_is_printed_and_read_back(void **state)
{
	struct adb_banner b = {ADB_PEER_DEVICE, 0, "p", "A;features=abb", "d"}, back;
	char text[1024];
	size_t n;

	(void)state;
	memset(b.product, 'p', LIMIT_VALUE - 1);
	memset(b.device, 'd', LIMIT_VALUE - 1);
	for (uint32_t f = 1; f <= ADB_F_DELAYED_ACK; f <<= 1)
		b.features |= f;
	n = adb_banner_print(&b, text, sizeof(text));
	assert_int_equal(n, strlen(text));
	parse(text, n, &back);
	assert_int_equal(back.features, b.features);
	assert_string_equal(back.product, b.product);
	assert_string_equal(back.model, "A_features=abb"); /* a value does not end its pair */
	assert_string_equal(back.device, b.device);

	b = (struct adb_banner){ADB_PEER_HOST, ADB_F_SHELL_V2 | ADB_F_CMD, "p", "m", "d"};
	n = adb_banner_print(&b, text, sizeof(text));
	assert_int_equal(n, 27);
	assert_memory_equal(text, "host::features=shell_v2,cmd", n);
	assert_int_equal(adb_feature_of("delayed_ack", 11), ADB_F_DELAYED_ACK);
	assert_int_equal(adb_feature_of("delayed_ack", 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector_of_cnxn),
		cmocka_unit_test(a_header_is_refused_at_its_bounds),
		cmocka_unit_test(a_sum_is_of_bytes_and_runs_over),
		cmocka_unit_test(packets_come_out_however_they_are_cut),
		cmocka_unit_test(a_long_payload_is_not_moved),
		cmocka_unit_test(a_payload_that_is_held_stays_as_it_is),
		cmocka_unit_test(what_follows_a_held_payload_is_not_lost),
		cmocka_unit_test(what_is_not_worth_it_is_not_held),
		cmocka_unit_test(a_parser_with_nothing_to_do_has_no_long_buffer),
		cmocka_unit_test(garbage_is_final),
		cmocka_unit_test(a_length_is_bounded_before_memory_is_spent),
		cmocka_unit_test(the_bound_may_change_between_packets),
		cmocka_unit_test(a_sum_is_verified_where_it_is_asked_for_and_given),
		cmocka_unit_test(buffers_are_counted),
		cmocka_unit_test(buffers_are_as_long_as_they_were_asked_for),
		cmocka_unit_test(a_phones_banner),
		cmocka_unit_test(banners_without_much_in_them),
		cmocka_unit_test(what_a_banner_says_is_bounded_and_cleaned),
		cmocka_unit_test(a_banner_is_printed_and_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
