/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each quirk as the peer's wire shows it. The phone's side is a bare adb_device with one service that
 * sends back what it gets, and closes at a full stop; the peer is this test, packet by packet.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "drivers/adb/device.h"
#include "drivers/adb/packet.h"
#include "drivers/driver.h"
#include "drivers/virtual/quirk.h"

#define PACKETS 64

struct seen {
	struct adb_header h;
	int64_t at_ms;
	char text[32];
};

struct rig {
	struct support s;
	struct quirks q;
	struct adb_device *dev;
	struct adb_stream *stream;
	bool closed, ended, greeting; /* greeting: the service speaks first */
	int peer;
	struct host_fd *watch;
	struct adb_parser parser;
	struct seen seen[PACKETS];
	int n, want;
	bool eof, bad;
	size_t bytes;
	struct quirk_wire *wire;
};

/* ---- the phone's side ---- */

static void echo_data(void *arg, const uint8_t *data, size_t n)
{
	struct rig *r = arg;
	struct stream *s = adb_stream_base(r->stream);

	s->ops->write(s, data, n);
	if (memchr(data, '.', n))
		adb_stream_finish(r->stream);
}

static void echo_drained(void *arg)
{
	(void)arg;
}

static void echo_closed(void *arg, int code, const char *text)
{
	(void)code;
	(void)text;
	((struct rig *)arg)->closed = true;
}

static const struct stream_events echo_events = {
	.data = echo_data, .drained = echo_drained, .closed = echo_closed};

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	struct rig *r = arg;

	(void)service;
	(void)n;
	r->stream = s;
	adb_stream_accept(s, &echo_events, r);
	if (r->greeting)
		adb_stream_base(s)->ops->write(adb_stream_base(s), (const uint8_t *)"hi", 2);
	return true;
}

static void on_ended(void *arg, int code, const char *text)
{
	(void)code;
	(void)text;
	((struct rig *)arg)->ended = true;
}

static const struct adb_device_events device_events = {.open = on_open, .ended = on_ended};

/* ---- the peer's side ---- */

static void keep(struct rig *r)
{
	struct seen *s = &r->seen[r->n];

	if (r->n == PACKETS)
		return;
	s->h = r->parser.h;
	s->at_ms = clock_mono_ms();
	memcpy(s->text, r->parser.payload ? r->parser.payload : (const uint8_t *)"",
		s->h.len < 31 ? s->h.len : 31);
	r->n++;
}

static void readable(void *arg, unsigned events)
{
	struct rig *r = arg;
	uint8_t *where;
	size_t room = adb_parser_room(&r->parser, &where);
	ssize_t n = recv(r->peer, where, room, MSG_DONTWAIT);
	int rc;

	(void)events;
	if (n <= 0) {
		r->eof = true;
		r->s.h->fd_set(r->s.h, r->watch, 0);
		return;
	}
	r->bytes += n;
	for (rc = adb_parser_got(&r->parser, n); rc == 1; rc = adb_parser_got(&r->parser, 0))
		keep(r);
	r->bad = r->bad || rc < 0;
	if (r->bad)
		r->s.h->fd_set(r->s.h, r->watch, 0);
}

static void send_packet(
	struct rig *r, uint32_t command, uint32_t arg0, uint32_t arg1, const char *text, bool sum)
{
	uint8_t head[ADB_HEADER];
	size_t n = text ? strlen(text) + (command == ADB_OPEN) : 0;
	struct adb_header h = {.command = command, .arg0 = arg0, .arg1 = arg1, .len = n};

	if (sum)
		h.sum = adb_sum(text, n);
	adb_header_put(head, &h);
	assert_int_equal(send(r->peer, head, sizeof(head), MSG_NOSIGNAL), sizeof(head));
	if (n)
		assert_int_equal(send(r->peer, text, n, MSG_NOSIGNAL), n);
}

static bool has_enough(void *arg)
{
	struct rig *r = arg;

	return r->n >= r->want || r->eof || r->bad;
}

static const struct seen *packet(struct rig *r, int i)
{
	r->want = i + 1;
	support_until(&r->s, has_enough, r);
	assert_true(r->n > i);
	return &r->seen[i];
}

static const struct seen *is_packet(
	struct rig *r, int i, uint32_t command, uint32_t arg0, uint32_t arg1)
{
	const struct seen *s = packet(r, i);

	assert_int_equal(s->h.command, command);
	assert_int_equal(s->h.arg0, arg0);
	assert_int_equal(s->h.arg1, arg1);
	return s;
}

static void rig_init(struct rig *r, const char *quirk_text)
{
	struct adb_device_config cfg = {.version = ADB_VERSION, .max_payload = 4096};
	struct adb_link *l;
	struct err e = {0};
	int pair[2], fd;

	memset(r, 0, sizeof(*r));
	support_init(&r->s);
	assert_int_equal(quirks_set(&r->q, quirk_text, &e), 0);
	if (r->q.on[QUIRK_OLD_VERSION])
		cfg.version = ADB_VERSION_SUM;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	r->peer = pair[0];
	fd = quirk_wire(r->s.h, pair[1], &r->q, &r->wire);
	assert_true(fd >= 0);
	l = quirk_link(r->s.h, adb_link_tcp(r->s.h, fd, "test", 0), &r->q);
	r->dev = adb_device_new(r->s.h, l, &cfg, &device_events, r);
	adb_parser_init(&r->parser, ADB_PAYLOAD_MAX);
	r->watch = r->s.h->fd_add(r->s.h, r->peer, HOST_FD_READ, readable, r);
	send_packet(r, ADB_CNXN, ADB_VERSION, 4096, "host::", true);
}

static bool is_settled(void *arg)
{
	struct rig *r = arg;

	return !r->stream || r->closed;
}

static void rig_fini(struct rig *r)
{
	adb_device_free(r->dev);
	support_until(&r->s, is_settled, r);
	support_settle(&r->s);
	r->s.h->fd_del(r->s.h, r->watch);
	close(r->peer);
	adb_parser_fini(&r->parser);
	quirk_wire_free(r->wire);
	support_fini(&r->s);
}

/* CNXN was seen; a stream of the peer's id 5 is open afterwards. Returns the phone's id. */
static uint32_t open_stream(struct rig *r, int i)
{
	const struct seen *s;

	send_packet(r, ADB_OPEN, 5, 0, "echo:", true);
	s = packet(r, i);
	assert_int_equal(s->h.command, ADB_OKAY);
	assert_int_equal(s->h.arg1, 5);
	return s->h.arg0;
}

/* ---- packets ---- */

static void a_close_comes_twice(void **state)
{
	struct rig r;
	uint32_t id;

	(void)state;
	rig_init(&r, "dup-close");
	id = open_stream(&r, 1);
	send_packet(&r, ADB_WRTE, 5, id, "bye.", true);
	is_packet(&r, 2, ADB_OKAY, id, 5);
	assert_string_equal(is_packet(&r, 3, ADB_WRTE, id, 5)->text, "bye.");
	send_packet(&r, ADB_OKAY, 5, id, NULL, true);
	is_packet(&r, 4, ADB_CLSE, id, 5);
	is_packet(&r, 5, ADB_CLSE, id, 5);
	rig_fini(&r);
}

static void a_close_without_its_own_id(void **state)
{
	struct rig r;
	uint32_t id;

	(void)state;
	rig_init(&r, "zero-close");
	id = open_stream(&r, 1);
	send_packet(&r, ADB_WRTE, 5, id, ".", true);
	packet(&r, 3);
	send_packet(&r, ADB_OKAY, 5, id, NULL, true);
	is_packet(&r, 4, ADB_CLSE, 0, 5);
	rig_fini(&r);
}

static void a_close_that_comes_again_late(void **state)
{
	struct rig r;
	uint32_t id;

	(void)state;
	rig_init(&r, "late-close=40");
	id = open_stream(&r, 1);
	send_packet(&r, ADB_WRTE, 5, id, ".", true);
	packet(&r, 3);
	send_packet(&r, ADB_OKAY, 5, id, NULL, true);
	is_packet(&r, 4, ADB_CLSE, id, 5);
	is_packet(&r, 5, ADB_CLSE, id, 5);
	assert_true(r.seen[5].at_ms - r.seen[4].at_ms >= 30);
	rig_fini(&r);
}

static void packets_of_before_come_first(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, "stale-packets=3");
	is_packet(&r, 0, ADB_WRTE, 7, 9);
	is_packet(&r, 1, ADB_OKAY, 7, 9);
	is_packet(&r, 2, ADB_CLSE, 7, 9);
	assert_int_equal(packet(&r, 3)->h.command, ADB_CNXN);
	assert_int_equal(open_stream(&r, 4) != 0, true);
	rig_fini(&r);
}

static void the_answer_and_the_first_data_are_one_piece(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, "eager-write");
	r.greeting = true;
	packet(&r, 0);
	open_stream(&r, 1);
	/* What came with the OKAY was there in the same read. */
	assert_int_equal(r.n, 3);
	assert_int_equal(r.seen[2].h.command, ADB_WRTE);
	assert_string_equal(r.seen[2].text, "hi");
	rig_fini(&r);
}

static void acks_take_their_time(void **state)
{
	struct rig r;
	int64_t began;
	uint32_t id;

	(void)state;
	rig_init(&r, "slow-ack=40");
	id = open_stream(&r, 1);
	began = clock_mono_ms();
	send_packet(&r, ADB_WRTE, 5, id, "x", true);
	is_packet(&r, 2, ADB_OKAY, id, 5);
	assert_true(r.seen[2].at_ms - began >= 40);
	assert_string_equal(is_packet(&r, 3, ADB_WRTE, id, 5)->text, "x");
	rig_fini(&r);
}

static bool is_eof(void *arg)
{
	return ((struct rig *)arg)->eof;
}

static void an_old_phone_looks_at_sums(void **state)
{
	struct rig r;
	uint32_t id;

	(void)state;
	rig_init(&r, "old-version");
	assert_int_equal(packet(&r, 0)->h.arg0, ADB_VERSION_SUM);
	id = open_stream(&r, 1);
	send_packet(&r, ADB_WRTE, 5, id, "good", true);
	is_packet(&r, 2, ADB_OKAY, id, 5);
	assert_int_equal(packet(&r, 3)->h.sum, adb_sum("good", 4));
	send_packet(&r, ADB_OKAY, 5, id, NULL, true);
	send_packet(&r, ADB_WRTE, 5, id, "bad", false);
	support_until(&r.s, is_eof, &r);
	assert_int_equal(r.n, 4);
	rig_fini(&r);
}

/* ---- bytes ---- */

static void foreign_bytes_come_first(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, "stale-bytes=100");
	r.want = PACKETS;
	support_until(&r.s, has_enough, &r);
	assert_true(r.bad);
	assert_int_equal(r.n, 0);
	rig_fini(&r);
}

static void the_cable_breaks_while_the_phone_sends(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, "cut-out=30"); /* in the banner, behind CNXN's header */
	support_until(&r.s, is_eof, &r);
	assert_int_equal(r.bytes, 30);
	assert_int_equal(r.n, 0);
	rig_fini(&r);
}

static void the_cable_breaks_while_the_phone_receives(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, "cut-in=50"); /* CNXN has 30 */
	packet(&r, 0);
	send_packet(&r, ADB_OPEN, 5, 0, "echo:", true);
	support_until(&r.s, is_eof, &r);
	assert_null(r.stream);
	rig_fini(&r);
}

static void nothing_moves_any_more(void **state)
{
	struct rig r;
	struct timeval bound = {.tv_usec = 100000};
	uint8_t byte;

	(void)state;
	rig_init(&r, "stall=40");
	packet(&r, 0);
	send_packet(&r, ADB_OPEN, 5, 0, "echo:", true);
	/* Long enough for an answer, were there one; the connection stays. */
	setsockopt(r.peer, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
	assert_int_equal(recv(r.peer, &byte, 1, 0), -1);
	assert_false(r.eof || r.ended);
	rig_fini(&r);
}

/* ---- the table ---- */

static void values_are_checked(void **state)
{
	struct quirks q = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(quirks_set(&q, "max-payload=4096", &e), 0);
	assert_int_equal(quirk(&q, QUIRK_MAX_PAYLOAD), 4096);
	assert_int_equal(quirks_set(&q, "max-payload=4095", &e), ERR_RANGE);
	assert_int_equal(quirks_set(&q, "dup-close=1", &e), ERR_INVAL);
	assert_int_equal(quirks_set(&q, "dup", &e), ERR_NOTFOUND);
	assert_int_equal(quirks_set(&q, "slow-ack=", &e), ERR_RANGE);
	assert_int_equal(quirks_set(&q, "slow-ack", &e), 0);
	assert_int_equal(quirk(&q, QUIRK_SLOW_ACK), 20);
	assert_int_equal(quirk(&q, QUIRK_LATE_CLOSE), 0);
	for (int i = 0; i < QUIRKS; i++)
		assert_true(quirk_rows[i].name && quirk_rows[i].help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_close_comes_twice),
		cmocka_unit_test(a_close_without_its_own_id),
		cmocka_unit_test(a_close_that_comes_again_late),
		cmocka_unit_test(packets_of_before_come_first),
		cmocka_unit_test(the_answer_and_the_first_data_are_one_piece),
		cmocka_unit_test(acks_take_their_time),
		cmocka_unit_test(an_old_phone_looks_at_sums),
		cmocka_unit_test(foreign_bytes_come_first),
		cmocka_unit_test(the_cable_breaks_while_the_phone_sends),
		cmocka_unit_test(the_cable_breaks_while_the_phone_receives),
		cmocka_unit_test(nothing_moves_any_more),
		cmocka_unit_test(values_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
