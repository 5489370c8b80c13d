/* SPDX-License-Identifier: Apache-2.0 */
/* Shell protocol 2 and sync, byte for byte and cut anywhere. */
#include "support_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/adb/shell2.h"
#include "drivers/adb/syncmsg.h"

/* What was heard, as a text. */
static char story[4096];
static size_t stop_at; /* stop the walk at the nth call; 0: never */
static size_t calls;

static void begin(void)
{
	story[0] = '\0';
	stop_at = calls = 0;
}

static int heard(const char *text)
{
	strncat(story, text, sizeof(story) - strlen(story) - 1);
	return ++calls == stop_at ? 42 : 0;
}

/* ---- shell ---- */

static int piece(void *arg, uint8_t id, const uint8_t *data, size_t n, int end)
{
	char text[64];

	(void)arg;
	snprintf(text, sizeof(text), "%u:%.*s%s", id, (int)n, n ? (const char *)data : "",
		end ? "|" : "");
	return heard(text);
}

static void the_vector_of_a_shell_packet(void **state)
{
	uint8_t head[ADB_SHELL2_HEADER];

	(void)state;
	adb_shell2_put(head, ADB_SHELL2_STDERR, 0x01020304);
	assert_memory_equal(head, "\x02\x04\x03\x02\x01", 5);
}

static const char shell_bytes[] = "\x01\x03\0\0\0out\x02\x02\0\0\0er\x01\0\0\0\0\x03\x01\0\0\0\x07";

static void shell_packets_come_in_order_however_they_are_cut(void **state)
{
	size_t n = sizeof(shell_bytes) - 1;

	(void)state;
	for (size_t cut = 0; cut <= n; cut++) {
		struct adb_shell2_parser p;

		begin();
		adb_shell2_init(&p);
		assert_int_equal(
			adb_shell2_feed(&p, (const uint8_t *)shell_bytes, cut, piece, NULL), 0);
		assert_int_equal(adb_shell2_feed(&p, (const uint8_t *)shell_bytes + cut, n - cut,
					 piece, NULL),
			0);
		/* Where a packet was cut its id stands twice. */
		if (cut == 6)
			assert_string_equal(story, "1:o1:ut|2:er|1:|3:\a|");
		else if (cut < 6 || cut > 16)
			assert_string_equal(story, "1:out|2:er|1:|3:\a|");
	}
}

static void a_foreign_shell_id_is_refused(void **state)
{
	struct adb_shell2_parser p;

	(void)state;
	begin();
	adb_shell2_init(&p);
	assert_int_equal(adb_shell2_feed(&p, (const uint8_t *)"\x05\0\0\0\0", 5, piece, NULL), 0);
	assert_int_equal(
		adb_shell2_feed(&p, (const uint8_t *)"\x06\0\0\0\0", 5, piece, NULL), ERR_PROTO);
	assert_string_equal(story, "5:|");
}

static void a_shell_walk_may_be_stopped(void **state)
{
	struct adb_shell2_parser p;

	(void)state;
	begin();
	stop_at = 1;
	adb_shell2_init(&p);
	assert_int_equal(adb_shell2_feed(&p, (const uint8_t *)shell_bytes, sizeof(shell_bytes) - 1,
				 piece, NULL),
		42);
	assert_string_equal(story, "1:out|");
}

/* A length of 4 GiB costs nothing: data are handed on. */
static void a_shell_packet_may_be_as_long_as_it_likes(void **state)
{
	struct adb_shell2_parser p;

	(void)state;
	begin();
	adb_shell2_init(&p);
	assert_int_equal(adb_shell2_feed(&p,
				 (const uint8_t *)"\x01\xff\xff\xff\xff"
						  "ab",
				 7, piece, NULL),
		0);
	assert_string_equal(story, "1:ab");
	assert_int_equal(p.left, 0xfffffffd);
}

/* ---- sync ---- */

static const char *id_text(uint32_t id)
{
	static char text[5];

	memcpy(text, &id, 4); /* the host is little-endian, as the ids are */
	return text;
}

static int reply(void *arg, const struct adb_sync_reply *r)
{
	char text[160];

	(void)arg;
	snprintf(text, sizeof(text), "%s(%o,%llu,%lld)%.*s ", id_text(r->id), r->stat.mode,
		(unsigned long long)r->stat.size, (long long)r->stat.mtime_s, (int)r->n,
		r->n ? (const char *)r->data : "");
	return heard(text);
}

/* Feeds in two parts, cut everywhere; the story must be the same, but where data are cut. */
static void expect_sync(
	enum adb_sync_kind kind, const void *bytes, size_t n, int rc, const char *want)
{
	for (size_t cut = 0; cut <= n; cut++) {
		struct adb_sync_parser *p = malloc(sizeof(*p));
		uint8_t *copy = malloc(n + 1);
		size_t used;
		int got;

		begin();
		memcpy(copy, bytes, n);
		adb_sync_parser_init(p);
		adb_sync_expect(p, kind);
		got = adb_sync_feed(p, copy, cut, reply, NULL, &used);
		if (!got) {
			assert_int_equal(used, cut);
			got = adb_sync_feed(p, copy + cut, n - cut, reply, NULL, &used);
		}
		assert_int_equal(got, rc);
		assert_string_equal(story, want);
		free(copy);
		free(p);
	}
}

static const struct adb_sync_stat a_file = {.mode = 0100644,
	.size = 5,
	.mtime_s = 1700000000,
	.dev = 1,
	.ino = 2,
	.nlink = 3,
	.uid = 4,
	.gid = 5,
	.atime_s = -6,
	.ctime_s = 7};

static void the_vectors_of_requests_and_stats(void **state)
{
	uint8_t b[ADB_SYNC_DNT2_BYTES];
	struct adb_sync_stat back;

	(void)state;
	adb_sync_put_request(b, ADB_SYNC_RECV, 0x102);
	assert_memory_equal(b, "RECV\x02\x01\0\0", 8);
	adb_sync_put_stat(b, &a_file);
	assert_memory_equal(b, "STAT\xa4\x81\0\0\x05\0\0\0\x00\xf1\x53\x65", 16);
	adb_sync_get_stat(b, &back);
	assert_int_equal(back.mode, 0100644);
	assert_int_equal(back.size, 5);
	assert_int_equal(back.mtime_s, 1700000000);
	adb_sync_put_stat2(b, ADB_SYNC_LST2, &a_file);
	assert_memory_equal(
		b, "LST2\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\xa4\x81\0\0\x03", 29);
	adb_sync_get_stat2(b, &back);
	assert_memory_equal(&back, &a_file, sizeof(back));
	adb_sync_put_dent2(b, ADB_SYNC_DNT2, &a_file, 0x1234);
	assert_memory_equal(b + 72, "\x34\x12\0\0", 4);
}

static void stats(void **state)
{
	uint8_t b[ADB_SYNC_STAT2_BYTES];

	(void)state;
	adb_sync_put_stat(b, &a_file);
	expect_sync(ADB_SYNC_K_STAT, b, ADB_SYNC_STAT_BYTES, 0, "STAT(100644,5,1700000000) ");
	adb_sync_put_stat2(b, ADB_SYNC_STA2, &a_file);
	expect_sync(ADB_SYNC_K_STAT2, b, ADB_SYNC_STAT2_BYTES, 0, "STA2(100644,5,1700000000) ");
	expect_sync(ADB_SYNC_K_STAT2, "FAIL\x02\0\0\0no", 10, 0, "FAIL(0,0,0)no ");
}

static void lists(void **state)
{
	uint8_t b[3 * ADB_SYNC_DNT2_BYTES + 10];
	static const struct adb_sync_stat none;
	size_t n = 0;

	(void)state;
	adb_sync_put_dent(b, ADB_SYNC_DENT, &a_file, 2);
	memcpy(b + ADB_SYNC_DENT_BYTES, "ab", 2);
	n = ADB_SYNC_DENT_BYTES + 2;
	adb_sync_put_dent(b + n, ADB_SYNC_DENT, &a_file, 0);
	n += ADB_SYNC_DENT_BYTES;
	adb_sync_put_dent(b + n, ADB_SYNC_DONE, &none, 0);
	n += ADB_SYNC_DENT_BYTES;
	expect_sync(ADB_SYNC_K_LIST, b, n, 0,
		"DENT(100644,5,1700000000)ab DENT(100644,5,1700000000) DONE(0,0,0) ");
	adb_sync_put_dent2(b, ADB_SYNC_DNT2, &a_file, 2);
	memcpy(b + ADB_SYNC_DNT2_BYTES, "ab", 2);
	n = ADB_SYNC_DNT2_BYTES + 2;
	adb_sync_put_dent2(b + n, ADB_SYNC_DONE, &none, 0);
	n += ADB_SYNC_DNT2_BYTES;
	expect_sync(ADB_SYNC_K_LIST2, b, n, 0, "DNT2(100644,5,1700000000)ab DONE(0,0,0) ");
}

static void statuses(void **state)
{
	(void)state;
	expect_sync(ADB_SYNC_K_STATUS, "OKAY\0\0\0\0", 8, 0, "OKAY(0,0,0) ");
	expect_sync(ADB_SYNC_K_STATUS, "FAIL\0\0\0\0", 8, 0, "FAIL(0,0,0) ");
	expect_sync(ADB_SYNC_K_STATUS, "OKAY\0\0\0\0FAIL\x03\0\0\0why", 19, 0,
		"OKAY(0,0,0) FAIL(0,0,0)why ");
}

static void data_and_a_fail_in_mid_stream(void **state)
{
	struct adb_sync_parser p;
	size_t used;

	(void)state;
	begin();
	adb_sync_parser_init(&p);
	adb_sync_expect(&p, ADB_SYNC_K_DATA);
	assert_int_equal(
		adb_sync_feed(&p, (const uint8_t *)"DATA\x03\0\0\0a", 9, reply, NULL, &used), 0);
	assert_int_equal(
		adb_sync_feed(&p, (const uint8_t *)"bcFAIL\x02\0\0\0no", 12, reply, NULL, &used),
		0);
	assert_string_equal(story, "DATA(0,0,0)a DATA(0,0,0)bc FAIL(0,0,0)no ");
}

static void what_is_not_the_protocol_is_refused(void **state)
{
	(void)state;
	expect_sync(ADB_SYNC_K_STAT, "LIST\0\0\0\0", 8, ERR_PROTO, "");
	expect_sync(ADB_SYNC_K_DATA, "OKAY\0\0\0\0", 8, ERR_PROTO, "");
	expect_sync(ADB_SYNC_K_STATUS, "DATA\0\0\0\0", 8, ERR_PROTO, "");
	expect_sync(ADB_SYNC_K_LIST, "DNT2\0\0\0\0", 8, ERR_PROTO, "");
	expect_sync(ADB_SYNC_K_DATA, "DATA\x01\0\x01\0x", 9, ERR_PROTO, ""); /* 64 KiB and one */
	expect_sync(ADB_SYNC_K_STATUS, "FAIL\x01\x04\0\0x", 9, ERR_PROTO, "");
}

static void names_and_texts_are_taken_up_to_their_bound(void **state)
{
	static uint8_t bytes[8 + 1024], dent[ADB_SYNC_DENT_BYTES + 4096];
	struct adb_sync_parser p;
	size_t used;

	(void)state;
	begin();
	adb_sync_parser_init(&p);
	adb_sync_expect(&p, ADB_SYNC_K_STATUS);
	adb_sync_put_request(bytes, ADB_SYNC_FAIL, 1024);
	assert_int_equal(adb_sync_feed(&p, bytes, sizeof(bytes), reply, NULL, &used), 0);
	assert_int_equal(calls, 1);
	adb_sync_expect(&p, ADB_SYNC_K_LIST);
	adb_sync_put_dent(dent, ADB_SYNC_DENT, &a_file, 4096);
	assert_int_equal(adb_sync_feed(&p, dent, sizeof(dent), reply, NULL, &used), 0);
	assert_int_equal(calls, 2);
	adb_sync_put_dent(dent, ADB_SYNC_DENT, &a_file, 4097);
	assert_int_equal(adb_sync_feed(&p, dent, sizeof(dent), reply, NULL, &used), ERR_PROTO);
	assert_int_equal(calls, 2);
}

static void a_sync_walk_may_be_stopped_and_goes_on_with_another_kind(void **state)
{
	static const char bytes[] = "OKAY\0\0\0\0DATA\x01\0\0\0x";
	struct adb_sync_parser p;
	size_t used;

	(void)state;
	begin();
	stop_at = 1;
	adb_sync_parser_init(&p);
	adb_sync_expect(&p, ADB_SYNC_K_STATUS);
	assert_int_equal(
		adb_sync_feed(&p, (const uint8_t *)bytes, sizeof(bytes) - 1, reply, NULL, &used),
		42);
	assert_int_equal(used, 8);
	adb_sync_expect(&p, ADB_SYNC_K_DATA);
	assert_int_equal(adb_sync_feed(&p, (const uint8_t *)bytes + used, sizeof(bytes) - 1 - used,
				 reply, NULL, &used),
		0);
	assert_string_equal(story, "OKAY(0,0,0) DATA(0,0,0)x ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector_of_a_shell_packet),
		cmocka_unit_test(shell_packets_come_in_order_however_they_are_cut),
		cmocka_unit_test(a_foreign_shell_id_is_refused),
		cmocka_unit_test(a_shell_walk_may_be_stopped),
		cmocka_unit_test(a_shell_packet_may_be_as_long_as_it_likes),
		cmocka_unit_test(the_vectors_of_requests_and_stats),
		cmocka_unit_test(stats),
		cmocka_unit_test(lists),
		cmocka_unit_test(statuses),
		cmocka_unit_test(data_and_a_fail_in_mid_stream),
		cmocka_unit_test(what_is_not_the_protocol_is_refused),
		cmocka_unit_test(names_and_texts_are_taken_up_to_their_bound),
		cmocka_unit_test(a_sync_walk_may_be_stopped_and_goes_on_with_another_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
