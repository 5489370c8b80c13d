/* SPDX-License-Identifier: Apache-2.0 */
/* Sending what the spools hold, and how far ahead of the acknowledgements. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/shelf.h"
#include "agent/spool.h"
#include "agent/uplink.h"
#include "chunk.h"
#include "plan.h"

struct rig {
	struct tree t;
	struct shelf shelf;
	struct uplink u;
	struct conn c;
	int peer;
	struct proto_parser in;
};

static void connect_rig(struct rig *g)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	memset(&g->c, 0, sizeof(g->c));
	conn_open(&g->c, pair[0], 0);
	conn_set_state(&g->c, CONN_READY, 0);
	g->peer = pair[1];
	proto_parser_init(&g->in);
	uplink_reset(&g->u);
}

static void disconnect_rig(struct rig *g)
{
	conn_set_state(&g->c, CONN_DEAD, 0);
	conn_reap(&g->c);
	close(g->peer);
	proto_parser_fini(&g->in);
}

static void rig_init(struct rig *g)
{
	tree_init(&g->t);
	shelf_init(&g->shelf, g->t.fd, 1 << 30);
	uplink_init(&g->u, &g->shelf);
	connect_rig(g);
}

static void rig_fini(struct rig *g)
{
	disconnect_rig(g);
	shelf_fini(&g->shelf);
	tree_fini(&g->t);
}

/* An attempt that has ended, with n chunks in each of two streams. */
static void make_attempt(struct rig *g, int64_t attempt, unsigned n)
{
	const struct spool_meta m = {
		.attempt = attempt, .boot = 9, .plan = (const uint8_t *)"", .plan_len = 0};
	struct msg_chunk c = {
		.kind = STREAM_TEXT, .n = 1, .payload = (const uint8_t *)"x", .len = 1};
	struct spool s;

	assert_int_equal(spool_create(&s, g->t.fd, &m), 0);
	for (unsigned i = 0; i < n; i++)
		for (c.stream = 1; c.stream <= 2; c.stream++)
			assert_int_equal(spool_append(&s, &c), 0);
	assert_int_equal(spool_sync(&s), 0);
	assert_int_equal(spool_end(&s, OUTCOME_OK, ""), 0);
	shelf_add(&g->shelf, attempt, 9, NULL);
	shelf_ended(&g->shelf, attempt, s.size);
	spool_close(&s);
}

struct got {
	unsigned chunks, ends;
	int64_t last_attempt;
	uint64_t last_seq;
};

/* Pumps, flushes and reads what came over. */
static struct got pump(struct rig *g)
{
	struct got got = {0};
	struct proto_frame f;
	struct msg_chunk c;
	uint8_t buf[4096];
	ssize_t n;

	do {
		uplink_pump(&g->u, &g->c);
		conn_write(&g->c);
		n = recv(g->peer, buf, sizeof(buf), 0);
		if (n > 0)
			assert_int_equal(proto_parser_feed(&g->in, buf, n), 0);
		while (proto_parser_next(&g->in, &f) == 1) {
			got.ends += f.type == PROTO_END;
			if (f.type != PROTO_CHUNK)
				continue;
			assert_int_equal(msg_chunk_get(f.payload, f.len, &c), 0);
			got.chunks++;
			got.last_attempt = c.attempt;
			got.last_seq = c.seq;
		}
	} while (n > 0);
	return got;
}

static void only_a_window_goes_ahead_of_the_acknowledgements(void **state)
{
	struct rig g;
	struct got got;

	(void)state;
	rig_init(&g);
	make_attempt(&g, 1, 100);
	got = pump(&g);
	assert_int_equal(got.chunks, UPLINK_WINDOW);
	assert_int_equal(got.ends, 0);
	assert_true(uplink_waits(&g.u));
	uplink_ack(&g.u, 1, 1, 10);
	assert_int_equal(pump(&g).chunks, 1); /* the first frame alone, as stream 2 was not said */
	uplink_ack(&g.u, 1, 2, 10);
	assert_int_equal(pump(&g).chunks, 19);
	for (uint64_t seq = 20; seq <= 100; seq += 10) {
		uplink_ack(&g.u, 1, 1, seq);
		uplink_ack(&g.u, 1, 2, seq);
		got = pump(&g);
	}
	assert_int_equal(g.shelf.items[0].acked, g.shelf.items[0].bytes);
	assert_true(uplink_waits(&g.u)); /* for DISCARD */
	rig_fini(&g);
}

static void a_new_connection_begins_behind_what_was_acknowledged(void **state)
{
	struct rig g;
	struct got got;

	(void)state;
	rig_init(&g);
	make_attempt(&g, 1, 20);
	assert_int_equal(pump(&g).chunks, 40);
	uplink_ack(&g.u, 1, 1, 15);
	uplink_ack(&g.u, 1, 2, 5);
	disconnect_rig(&g);
	connect_rig(&g);
	got = pump(&g);
	assert_int_equal(got.chunks, 5 + 15);
	assert_int_equal(got.ends, 1);
	rig_fini(&g);
}

static void the_end_comes_behind_the_last_chunk_and_once_per_connection(void **state)
{
	struct rig g;
	struct got got;

	(void)state;
	rig_init(&g);
	make_attempt(&g, 1, 3);
	make_attempt(&g, 2, 3);
	got = pump(&g);
	assert_int_equal(got.chunks, 12);
	assert_int_equal(got.ends, 2);
	assert_int_equal(pump(&g).ends, 0);
	uplink_repeat_end(&g.u, 1);
	assert_int_equal(pump(&g).ends, 1);
	disconnect_rig(&g);
	connect_rig(&g);
	assert_int_equal(pump(&g).ends, 2);
	rig_fini(&g);
}

/* Frames of an attempt that goes away must not fill the window for good. */
static void a_discarded_attempt_makes_room(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	make_attempt(&g, 1, 100);
	assert_int_equal(pump(&g).chunks, UPLINK_WINDOW);
	assert_int_equal(shelf_discard(&g.shelf, 1), 0);
	make_attempt(&g, 2, 4);
	assert_int_equal(pump(&g).chunks, 8); /* though nobody acknowledges the first one's */
	rig_fini(&g);
}

static void forgetting_one_attempt_keeps_the_place_of_another(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	make_attempt(&g, 1, 5);
	make_attempt(&g, 2, 5);
	assert_int_equal(pump(&g).chunks, 20);
	assert_int_equal(shelf_discard(&g.shelf, 1), 0);
	uplink_forget(&g.u, 1);
	assert_int_equal(g.u.n, 10);
	uplink_ack(&g.u, 2, 1, 5);
	uplink_ack(&g.u, 2, 2, 5);
	assert_int_equal(g.u.n, 0);
	assert_int_equal(shelf_waiting(&g.shelf), 0);
	rig_fini(&g);
}

static void an_unreadable_spool_still_has_its_end_sent(void **state)
{
	struct rig g;
	struct got got;

	(void)state;
	rig_init(&g);
	make_attempt(&g, 1, 5);
	assert_int_equal(ftruncate(openat(g.t.fd, "1/frames", O_RDWR), 100), 0);
	got = pump(&g);
	assert_true(got.chunks < 5);
	assert_int_equal(got.ends, 1);
	rig_fini(&g);
}

/* Writes `with` over what every frame of attempt 1 has at this offset of its payload, checksums and all. */
static void rewrite_frames(struct rig *g, size_t at, const void *with, size_t n)
{
	int fd = openat(g->t.fd, "1/frames", O_RDWR);
	uint8_t mem[4096];
	struct proto_header h;
	ssize_t size = read(fd, mem, sizeof(mem));

	assert_true(size > 0 && (size_t)size < sizeof(mem));
	for (ssize_t off = 0; off < size; off += PROTO_HEADER + h.len) {
		assert_int_equal(proto_header_get(mem + off, &h), 0);
		memcpy(mem + off + PROTO_HEADER + at, with, n);
		proto_header_put(mem + off, h.type, mem + off + PROTO_HEADER, h.len);
	}
	assert_int_equal(pwrite(fd, mem, size, 0), size);
	close(fd);
}

static void frames_that_no_agent_wrote_are_not_sent(void **state)
{
	const uint32_t stream = MSG_STREAMS_MAX;
	const int64_t attempt = 2;
	struct rig g;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct got got;

		rig_init(&g);
		make_attempt(&g, 1, 5);
		if (i)
			rewrite_frames(&g, 0, &attempt, sizeof(attempt));
		else
			rewrite_frames(&g, 16, &stream, sizeof(stream));
		got = pump(&g);
		assert_int_equal(got.chunks, 0);
		assert_int_equal(got.ends, 1);
		uplink_ack(&g.u, 1, 1, 5);
		assert_int_equal(g.u.n, 0);
		rig_fini(&g);
	}
}

static void the_shelf_knows_its_bounds(void **state)
{
	struct rig g;
	char why[200];

	(void)state;
	rig_init(&g);
	g.shelf.max_bytes = SHELF_RESERVE + 5000;
	assert_int_equal(shelf_has_room(&g.shelf, 5000, why, sizeof(why)), 0);
	assert_true(shelf_has_room(&g.shelf, 5001, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "spool may hold"));
	g.shelf.max_bytes = INT64_MAX;
	assert_true(shelf_has_room(&g.shelf, INT64_C(1) << 60, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "bytes left"));
	for (int i = 1; i <= SHELF_MAX; i++)
		make_attempt(&g, i, 1);
	assert_true(shelf_has_room(&g.shelf, 0, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "discarded"));
	assert_int_equal(shelf_discard(&g.shelf, 7), 0);
	assert_true(shelf_discard(&g.shelf, 7) < 0);
	assert_null(shelf_find(&g.shelf, 7));
	assert_non_null(shelf_find(&g.shelf, 8));
	assert_int_equal(shelf_has_room(&g.shelf, 0, why, sizeof(why)), 0);
	rig_fini(&g);
}

static void who_does_not_read_is_closed(void **state)
{
	struct rig g;
	static uint8_t payload[200000];

	(void)state;
	rig_init(&g);
	conn_send(&g.c, PROTO_STATUS, payload, sizeof(payload));
	assert_int_equal(g.c.state, CONN_READY);
	conn_send(&g.c, PROTO_STATUS, payload, sizeof(payload));
	assert_int_equal(g.c.state, CONN_DEAD);
	conn_send(&g.c, PROTO_STATUS, payload, 1); /* and that is no matter any more */
	conn_reap(&g.c);
	conn_open(&g.c, dup(g.peer), 0);
	conn_set_state(&g.c, CONN_READY, 0);
	rig_fini(&g);
}

/* ---- controllers of older versions ---- */

static void make_series(
	struct rig *g, int64_t attempt, const int64_t *t, const int64_t *v, uint32_t n)
{
	static uint8_t packed[CHUNK_BYTES_MAX];
	const struct spool_meta m = {
		.attempt = attempt, .boot = 9, .plan = (const uint8_t *)"", .plan_len = 0};
	struct msg_chunk c = {
		.stream = 3, .kind = STREAM_ITER, .payload = (const uint8_t *)"\7decl", .len = 5};
	struct spool s;

	assert_int_equal(spool_create(&s, g->t.fd, &m), 0);
	assert_int_equal(
		spool_append(&s, &c), 0); /* a declaration's first byte says nothing of modes */
	c.n = n;
	c.payload = packed;
	c.len = (uint32_t)chunk_pack(packed, t, v, n);
	assert_int_equal(packed[0], CHUNK_MODE_RICE);
	assert_int_equal(spool_append(&s, &c), 0);
	assert_int_equal(spool_sync(&s), 0);
	assert_int_equal(spool_end(&s, OUTCOME_OK, ""), 0);
	shelf_add(&g->shelf, attempt, 9, NULL);
	shelf_ended(&g->shelf, attempt, s.size);
	spool_close(&s);
}

/* Sends all to a new controller of this version; returns the mode of the series, whose chunk comes whole and
 * means the same. */
static int mode_sent(
	struct rig *g, uint16_t version, const int64_t *t, const int64_t *v, uint32_t n)
{
	static int64_t t2[CHUNK_MAX], v2[CHUNK_MAX];
	uint8_t buf[64 * 1024];
	struct proto_frame f;
	struct msg_chunk c;
	ssize_t got;

	disconnect_rig(g);
	connect_rig(g);
	g->c.version = version;
	uplink_pump(&g->u, &g->c);
	conn_write(&g->c);
	got = recv(g->peer, buf, sizeof(buf), 0);
	assert_int_equal(proto_parser_feed(&g->in, buf, (size_t)got), 0);
	assert_int_equal(proto_parser_next(&g->in, &f), 1);
	assert_int_equal(msg_chunk_get(f.payload, f.len, &c), 0);
	assert_memory_equal(c.payload, "\7decl", 5);
	assert_int_equal(proto_parser_next(&g->in, &f), 1);
	assert_int_equal(msg_chunk_get(f.payload, f.len, &c), 0);
	assert_int_equal(c.seq, 2);
	assert_int_equal(c.n, n);
	assert_int_equal(chunk_unpack(c.payload, c.len, t2, v2), n);
	assert_memory_equal(t2, t, n * sizeof(*t));
	assert_memory_equal(v2, v, n * sizeof(*v));
	return c.payload[0];
}

static void what_an_older_controller_cannot_read_is_packed_again(void **state)
{
	static int64_t t[500], v[500];
	struct rig g;

	(void)state;
	for (int i = 0; i < 500; i++) {
		t[i] = i * INT64_C(16666667);
		v[i] = 5000000 + i * 7919 % 1000;
	}
	rig_init(&g);
	make_series(&g, 1, t, v, 500);
	assert_int_equal(mode_sent(&g, 3, t, v, 500), CHUNK_MODE_RICE);
	assert_in_range(mode_sent(&g, 2, t, v, 500), 0, 1);
	assert_in_range(mode_sent(&g, 1, t, v, 500), 0, 1);
	assert_int_equal(mode_sent(&g, 3, t, v, 500), CHUNK_MODE_RICE); /* the spool is as it was */
	rig_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_window_goes_ahead_of_the_acknowledgements),
		cmocka_unit_test(a_new_connection_begins_behind_what_was_acknowledged),
		cmocka_unit_test(the_end_comes_behind_the_last_chunk_and_once_per_connection),
		cmocka_unit_test(a_discarded_attempt_makes_room),
		cmocka_unit_test(forgetting_one_attempt_keeps_the_place_of_another),
		cmocka_unit_test(an_unreadable_spool_still_has_its_end_sent),
		cmocka_unit_test(frames_that_no_agent_wrote_are_not_sent),
		cmocka_unit_test(the_shelf_knows_its_bounds),
		cmocka_unit_test(who_does_not_read_is_closed),
		cmocka_unit_test(what_an_older_controller_cannot_read_is_packed_again),
	};

	return cmocka_run_group_tests_name("agent uplink", tests, NULL, NULL);
}
