/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes on the wire: exact where another implementation must agree, refused where they lie.
 * Expected bytes were computed with a bitwise CRC and struct.pack() in Python. */
#include "tests/unit/agents/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto.h"

/* ---- checksum ---- */

static void crc_matches_rfc_3720(void **state)
{
	uint8_t data[32];

	(void)state;
	memset(data, 0, sizeof(data));
	assert_int_equal(proto_crc32c(0, data, 32), 0x8a9136aa); /* appendix B.4 */
	memset(data, 0xff, sizeof(data));
	assert_int_equal(proto_crc32c(0, data, 32), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		data[i] = (uint8_t)i;
	assert_int_equal(proto_crc32c(0, data, 32), 0x46dd794e);
	assert_int_equal(proto_crc32c_portable(0, data, 32), 0x46dd794e);
	assert_int_equal(proto_crc32c(0, NULL, 0), 0);
}

static void crc_of_parts_is_crc_of_the_whole_however_computed(void **state)
{
	uint8_t data[1000];
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)next_random(&seed);
	for (size_t from = 0; from < 9; from++)
		for (size_t n = 0; n < 100; n++) {
			uint32_t whole = proto_crc32c_portable(7, data + from, n);
			uint32_t part = proto_crc32c(7, data + from, n / 3);

			assert_int_equal(proto_crc32c(7, data + from, n), whole);
			assert_int_equal(proto_crc32c(part, data + from + n / 3, n - n / 3), whole);
		}
}

/* ---- header ---- */

static const uint8_t ping[] = {0x46, 0x46, 0x50, 0x31, 0x07, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00,
	0x00, 0x15, 0x31, 0x3f, 0xb3, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01};
static const uint8_t cancel[] = {0x46, 0x46, 0x50, 0x31, 0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x9f, 0x04, 0x14, 0xdf};

static size_t frame_put(uint8_t *dst, uint16_t type, const void *payload, uint32_t len)
{
	proto_header_put(dst, type, payload, len);
	if (len)
		memcpy(dst + PROTO_HEADER, payload, len);
	return PROTO_HEADER + len;
}

static void a_frame_is_these_bytes(void **state)
{
	uint8_t payload[8], frame[64];
	struct proto_w w;

	(void)state;
	proto_w_init(&w, payload, sizeof(payload));
	proto_put_u64(&w, 0x0102030405060708);
	assert_false(w.full);
	assert_int_equal(frame_put(frame, PROTO_PING, payload, 8), sizeof(ping));
	assert_memory_equal(frame, ping, sizeof(ping));
	assert_int_equal(frame_put(frame, PROTO_CANCEL, NULL, 0), sizeof(cancel));
	assert_memory_equal(frame, cancel, sizeof(cancel));
}

static void every_bit_of_a_frame_is_guarded(void **state)
{
	struct proto_header h;

	(void)state;
	for (size_t bit = 0; bit < sizeof(ping) * 8; bit++) {
		uint8_t frame[sizeof(ping)];

		memcpy(frame, ping, sizeof(ping));
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!proto_header_get(frame, &h) && h.len == 8)
			assert_false(proto_check(frame, frame + PROTO_HEADER, 8));
	}
	assert_true(proto_check(ping, ping + PROTO_HEADER, 8));
}

static void a_header_beyond_the_bound_is_refused(void **state)
{
	uint8_t frame[PROTO_HEADER] = {0x46, 0x46, 0x50, 0x31, 0x07};
	struct proto_header h = {.len = 42};

	(void)state;
	frame[10] = 4; /* 0x00040000, PROTO_PAYLOAD_MAX */
	assert_int_equal(proto_header_get(frame, &h), 0);
	assert_int_equal(h.len, PROTO_PAYLOAD_MAX);
	frame[8] = 1;
	assert_int_equal(proto_header_get(frame, &h), -1);
	frame[8] = frame[10] = 0;
	frame[3] = '2'; /* another magic */
	assert_int_equal(proto_header_get(frame, &h), -1);
	assert_int_equal(h.len, PROTO_PAYLOAD_MAX); /* untouched on failure */
}

/* ---- fields ---- */

static void fields_come_back_and_lie_little_endian(void **state)
{
	static const uint8_t expected[] = {0xab, 0x02, 0x01, 0x04, 0x03, 0x02, 0x01, 0xfe, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0x02, 0x00, 'h',
		'i', 0x03, 0x00, 0x00, 0x00, 1, 0, 2, 0xac, 0x02, 0x03};
	uint8_t mem[64];
	struct proto_w w;
	struct proto_r r;
	char text[3];
	uint32_t n;

	(void)state;
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u8(&w, 0xab);
	proto_put_u16(&w, 0x0102);
	proto_put_u32(&w, 0x01020304);
	proto_put_i64(&w, -2);
	proto_put_f64(&w, 1.5);
	proto_put_text(&w, "hi");
	proto_put_bytes(&w, "\1\0\2", 3);
	proto_put_varint(&w, 300); /* the example of the Protocol Buffers page on encoding */
	proto_put_zigzag(&w, -2);
	assert_int_equal(w.len, sizeof(expected));
	assert_memory_equal(mem, expected, sizeof(expected));

	proto_r_init(&r, mem, w.len);
	assert_int_equal(proto_get_u8(&r), 0xab);
	assert_int_equal(proto_get_u16(&r), 0x0102);
	assert_int_equal(proto_get_u32(&r), 0x01020304);
	assert_int_equal(proto_get_i64(&r), -2);
	assert_true(proto_get_f64(&r) == 1.5);
	proto_get_text(&r, text, sizeof(text));
	assert_string_equal(text, "hi");
	assert_ptr_equal(proto_get_bytes(&r, &n), mem + 31);
	assert_int_equal(n, 3);
	assert_int_equal(proto_get_varint(&r), 300);
	assert_int_equal(proto_get_zigzag(&r), -2);
	assert_int_equal(proto_left(&r), 0);
	assert_false(r.bad);
}

static void extremes_survive(void **state)
{
	static const int64_t v[] = {0, 1, -1, 63, 64, -64, -65, INT32_MAX, INT64_MAX, INT64_MIN};
	uint8_t mem[sizeof(v) / sizeof(v[0]) * 10 + 8];
	struct proto_w w;
	struct proto_r r;

	(void)state;
	proto_w_init(&w, mem, sizeof(mem));
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		proto_put_zigzag(&w, v[i]);
	proto_put_f64(&w, (double)NAN);
	proto_r_init(&r, mem, w.len);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_true(proto_get_zigzag(&r) == v[i]);
	assert_true(isnan(proto_get_f64(&r)));
	assert_false(w.full || r.bad);
}

static void a_full_writer_writes_nothing_more(void **state)
{
	uint8_t mem[4] = {9, 9, 9, 9};
	struct proto_w w;

	(void)state;
	proto_w_init(&w, mem, 3);
	proto_put_u16(&w, 1);
	proto_put_u16(&w, 2); /* one byte is left */
	assert_true(w.full);
	proto_put_u8(&w, 3); /* would fit, but the writer is spoilt */
	assert_int_equal(w.len, 2);
	assert_int_equal(mem[2], 9);
	assert_int_equal(mem[3], 9);
}

static void a_bad_reader_gives_nothing_more(void **state)
{
	struct proto_r r;
	char text[8] = "old";
	uint32_t n = 5;

	(void)state;
	proto_r_init(&r, "\1\2\3", 3);
	assert_int_equal(proto_get_u32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(proto_get_u8(&r), 0);
	proto_get_text(&r, text, sizeof(text));
	assert_string_equal(text, "");
	assert_null(proto_get_bytes(&r, &n));
	assert_int_equal(n, 0);
	assert_int_equal(proto_left(&r), 0);
}

static bool text_is_refused(const char *bytes, size_t n, size_t size)
{
	char text[16];
	struct proto_r r;

	proto_r_init(&r, bytes, n);
	proto_get_text(&r, text, size);
	assert_true(!r.bad || !*text);
	return r.bad;
}

static void texts_are_held_to_their_place(void **state)
{
	(void)state;
	assert_false(text_is_refused("\4\0four", 6, 5));
	assert_true(text_is_refused("\4\0four", 6, 4));  /* no room for the closing NUL */
	assert_true(text_is_refused("\4\0fo\0r", 6, 9)); /* NUL inside */
	assert_true(text_is_refused("\5\0four", 6, 9));  /* longer than what is there */
	assert_true(text_is_refused("\4", 1, 9));
	assert_false(text_is_refused("\0\0", 2, 1));
}

static void a_long_text_is_cut_before_a_character(void **state)
{
	static char text[PROTO_TEXT_MAX + 3];
	static uint8_t mem[PROTO_TEXT_MAX + 8];
	struct proto_w w;

	(void)state;
	memset(text, 'x', PROTO_TEXT_MAX);
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_text(&w, text);
	assert_int_equal(w.len, 2 + PROTO_TEXT_MAX); /* the bound itself fits */

	memcpy(text + PROTO_TEXT_MAX - 1, "\xc3\xa9", 2); /* é across the bound */
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_text(&w, text);
	assert_int_equal(w.len, 2 + PROTO_TEXT_MAX - 1);
}

static void varints_beyond_64_bits_are_refused(void **state)
{
	static const uint8_t max[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 1};
	static const uint8_t more[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 2};
	static const uint8_t endless[] = {128, 128, 128, 128, 128, 128, 128, 128, 128, 129, 0};
	struct proto_r r;

	(void)state;
	proto_r_init(&r, max, sizeof(max));
	assert_true(proto_get_varint(&r) == UINT64_MAX && !r.bad);
	proto_r_init(&r, more, sizeof(more));
	assert_true(proto_get_varint(&r) == 0 && r.bad);
	proto_r_init(&r, endless, sizeof(endless));
	assert_true(proto_get_varint(&r) == 0 && r.bad);
	proto_r_init(&r, max, 4);
	assert_true(proto_get_varint(&r) == 0 && r.bad);
}

/* ---- parser ---- */

static void assert_next(struct proto_parser *p, uint16_t type, const void *payload, uint32_t len)
{
	struct proto_frame f;

	assert_int_equal(proto_parser_next(p, &f), 1);
	assert_int_equal(f.type, type);
	assert_int_equal(f.len, len);
	assert_memory_equal(f.payload, payload, len);
}

static void frames_are_found_byte_by_byte(void **state)
{
	struct proto_parser p;
	struct proto_frame f;
	uint8_t stream[sizeof(ping) + sizeof(cancel)];

	(void)state;
	memcpy(stream, ping, sizeof(ping));
	memcpy(stream + sizeof(ping), cancel, sizeof(cancel));
	proto_parser_init(&p);
	for (size_t i = 0; i < sizeof(stream); i++) {
		assert_int_equal(proto_parser_next(&p, &f), 0);
		assert_int_equal(proto_parser_feed(&p, stream + i, 1), 0);
		if (i + 1 == sizeof(ping))
			assert_next(&p, PROTO_PING, ping + PROTO_HEADER, 8);
	}
	assert_next(&p, PROTO_CANCEL, "", 0);
	assert_int_equal(proto_parser_next(&p, &f), 0);
	proto_parser_fini(&p);
}

/* Frames of all sizes up to the bound, cut at random: they come out alike, in bounded memory. */
static void frames_are_found_however_they_are_cut(void **state)
{
	static const uint32_t sizes[] = {0, 1, 15, 4096, 70000, PROTO_PAYLOAD_MAX, 3};
	uint8_t *payload = calloc(1, PROTO_PAYLOAD_MAX), *frame = malloc(PROTO_PAYLOAD_MAX + 16);
	uint64_t seed = 3;
	struct proto_parser p;
	struct proto_frame f;

	(void)state;
	for (size_t i = 0; i < PROTO_PAYLOAD_MAX; i++)
		payload[i] = (uint8_t)next_random(&seed);
	proto_parser_init(&p);
	for (int round = 0; round < 70; round++) {
		uint32_t len = sizes[round % 7];
		size_t n = frame_put(frame, (uint16_t)round, payload, len), at = 0;

		while (at < n) {
			size_t part = next_random(&seed) % PROTO_FEED_MAX + 1;

			assert_int_equal(proto_parser_next(&p, &f), 0);
			part = part < n - at ? part : n - at;
			assert_int_equal(proto_parser_feed(&p, frame + at, part), 0);
			at += part;
		}
		assert_next(&p, (uint16_t)round, payload, len);
		assert_true(p.cap <= PROTO_HEADER + PROTO_PAYLOAD_MAX + PROTO_FEED_MAX);
	}
	proto_parser_fini(&p);
	free(payload);
	free(frame);
}

static void garbage_closes_the_connection(void **state)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	uint8_t broken[sizeof(ping)];
	struct proto_parser p;
	struct proto_frame f;

	(void)state;
	proto_parser_init(&p);
	assert_int_equal(proto_parser_feed(&p, http, strlen(http)), 0);
	assert_int_equal(proto_parser_next(&p, &f), -1);
	assert_int_equal(proto_parser_feed(&p, ping, sizeof(ping)), 0);
	assert_int_equal(proto_parser_next(&p, &f), -1); /* and stays closed */
	proto_parser_fini(&p);

	memcpy(broken, ping, sizeof(ping));
	broken[20] ^= 4;
	proto_parser_init(&p);
	assert_int_equal(proto_parser_feed(&p, ping, sizeof(ping)), 0);
	assert_int_equal(proto_parser_feed(&p, broken, sizeof(broken)), 0);
	assert_next(&p, PROTO_PING, ping + PROTO_HEADER, 8); /* what came before was good */
	assert_int_equal(proto_parser_next(&p, &f), -1);
	proto_parser_fini(&p);
}

static void a_claimed_length_is_refused_before_its_bytes_come(void **state)
{
	uint8_t header[PROTO_HEADER];
	struct proto_parser p;
	struct proto_frame f;

	(void)state;
	memcpy(header, ping, sizeof(header));
	header[11] = 0x40; /* a gigabyte */
	proto_parser_init(&p);
	assert_int_equal(proto_parser_feed(&p, header, sizeof(header)), 0);
	assert_int_equal(proto_parser_next(&p, &f), -1);
	assert_true(p.cap <= 4096);
	proto_parser_fini(&p);
}

static void a_caller_that_does_not_drain_is_stopped(void **state)
{
	uint8_t *data = calloc(1, PROTO_FEED_MAX);
	struct proto_parser p;
	int fed = 0;

	(void)state;
	proto_parser_init(&p);
	while (fed < 100 && !proto_parser_feed(&p, data, PROTO_FEED_MAX))
		fed++;
	assert_int_equal(fed, (PROTO_PAYLOAD_MAX + PROTO_FEED_MAX) / PROTO_FEED_MAX);
	proto_parser_fini(&p);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_matches_rfc_3720),
		cmocka_unit_test(crc_of_parts_is_crc_of_the_whole_however_computed),
		cmocka_unit_test(a_frame_is_these_bytes),
		cmocka_unit_test(every_bit_of_a_frame_is_guarded),
		cmocka_unit_test(a_header_beyond_the_bound_is_refused),
		cmocka_unit_test(fields_come_back_and_lie_little_endian),
		cmocka_unit_test(extremes_survive),
		cmocka_unit_test(a_full_writer_writes_nothing_more),
		cmocka_unit_test(a_bad_reader_gives_nothing_more),
		cmocka_unit_test(texts_are_held_to_their_place),
		cmocka_unit_test(a_long_text_is_cut_before_a_character),
		cmocka_unit_test(varints_beyond_64_bits_are_refused),
		cmocka_unit_test(frames_are_found_byte_by_byte),
		cmocka_unit_test(frames_are_found_however_they_are_cut),
		cmocka_unit_test(garbage_closes_the_connection),
		cmocka_unit_test(a_claimed_length_is_refused_before_its_bytes_come),
		cmocka_unit_test(a_caller_that_does_not_drain_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
