/* SPDX-License-Identifier: Apache-2.0 */
/* The link over TCP against a bare socket: bytes in and out, the bounds of a callback, and the ends. */
#include "support_adb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

struct rig {
	struct support_host *sh;
	struct adb_link *l;
	int peer; /* our end, a bare socket */
	int n_packets, broken, code, nexts;
	uint64_t bytes;
	uint32_t last_arg1;
	char text[LIMIT_CAUSE];
	int to_send;        /* packets that next() will give */
	uint32_t len;       /* of each */
	int most_in_a_step; /* packets */
	bool pause_on_packet, close_on_packet;
};

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct rig *r = arg;

	assert_true(!h->len == !payload);
	r->n_packets++;
	r->bytes += h->len;
	r->last_arg1 = h->arg1;
	if (r->pause_on_packet)
		r->l->ops->pause(r->l, true);
	if (r->close_on_packet) {
		r->l->ops->close(r->l);
		r->l = NULL;
	}
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	struct rig *r = arg;

	r->nexts++;
	if (!r->to_send)
		return false;
	*ret_out = (struct adb_out){ADB_WRTE, 1, (uint32_t)r->to_send--, NULL};
	if (r->len) {
		ret_out->buf = adb_buf_new(r->len);
		ret_out->buf->len = r->len;
		memset(ret_out->buf->data, 1, r->len);
	}
	return true;
}

static void on_broken(void *arg, int code, const char *text)
{
	struct rig *r = arg;

	r->broken++;
	r->code = code;
	str_copy(r->text, sizeof(r->text), text);
}

static const struct adb_link_events events = {on_packet, on_next, on_broken};

static void rig_init(struct rig *r, int64_t write_ms)
{
	int fd[2];

	memset(r, 0, sizeof(*r));
	r->sh = support_host_new(SUPPORT_INLINE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	r->peer = fd[1];
	r->l = adb_link_tcp(support_host(r->sh), fd[0], "tcp test", write_ms);
	r->l->events = &events;
	r->l->arg = r;
}

static void rig_fini(struct rig *r)
{
	if (r->l)
		r->l->ops->close(r->l);
	adb_settle(r->sh);
	if (r->peer >= 0)
		close(r->peer);
	support_host_free(r->sh);
}

static void put_packet(uint8_t *dst, uint32_t arg1, uint32_t len, uint32_t sum)
{
	const struct adb_header h = {ADB_WRTE, 1, arg1, len, sum};

	adb_header_put(dst, &h);
}

static void send_all(struct rig *r, const void *data, size_t n)
{
	assert_int_equal(send(r->peer, data, n, MSG_NOSIGNAL), n);
}

static void send_packet(struct rig *r, uint32_t arg1, uint32_t len, uint32_t sum)
{
	uint8_t *p = mem_zalloc(ADB_HEADER + len);

	put_packet(p, arg1, len, sum);
	send_all(r, p, ADB_HEADER + len);
	mem_free(p);
}

/* Steps until one of what a step does did nothing, and notes the largest one. */
static void settle(struct rig *r)
{
	int before = r->n_packets;

	while (support_step(r->sh)) {
		if (r->n_packets - before > r->most_in_a_step)
			r->most_in_a_step = r->n_packets - before;
		before = r->n_packets;
	}
}

/* ---- bytes ---- */

static void packets_come_and_go(void **state)
{
	struct rig r;
	uint8_t got[ADB_HEADER + 100], want[ADB_HEADER];

	(void)state;
	rig_init(&r, 0);
	send_packet(&r, 7, 100, 0);
	settle(&r);
	assert_int_equal(r.n_packets, 1);
	assert_int_equal(r.last_arg1, 7);
	r.to_send = 1;
	r.len = 100;
	r.l->ops->kick(r.l);
	assert_int_equal(r.nexts, 0); /* not inside the call */
	settle(&r);
	assert_int_equal(r.nexts, 2);
	assert_int_equal(recv(r.peer, got, sizeof(got), 0), ADB_HEADER + 100);
	put_packet(want, 1, 100, 100); /* a sum, as long as nothing was agreed */
	assert_memory_equal(got, want, ADB_HEADER);
	rig_fini(&r);
}

static void sums_follow_what_was_agreed(void **state)
{
	static const struct {
		uint32_t version;
		uint32_t sum;
		bool refused; /* a wrong one that came */
	} cases[] = {{0, 10, true}, {ADB_VERSION_SUM, 10, true}, {ADB_VERSION, 0, false}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint8_t got[ADB_HEADER + 10], want[ADB_HEADER];
		struct rig r;

		rig_init(&r, 0);
		if (cases[i].version)
			r.l->ops->agreed(r.l, cases[i].version, 4096);
		r.to_send = 1;
		r.len = 10;
		r.l->ops->kick(r.l);
		settle(&r);
		assert_int_equal(recv(r.peer, got, sizeof(got), 0), sizeof(got));
		put_packet(want, 1, 10, cases[i].sum);
		assert_memory_equal(got, want, ADB_HEADER);
		send_packet(&r, 1, 10, 0); /* none is none */
		settle(&r);
		assert_int_equal(r.n_packets, 1);
		send_packet(&r, 1, 10, 12345);
		settle(&r);
		assert_int_equal(r.broken, cases[i].refused);
		if (r.broken)
			assert_int_equal(r.code, ERR_PROTO);
		rig_fini(&r);
	}
}

static void a_payload_is_bounded_by_what_was_agreed(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	send_packet(&r, 1, 5000, 0);
	settle(&r);
	assert_int_equal(r.n_packets, 1);
	r.l->ops->agreed(r.l, ADB_VERSION, 4096);
	send_packet(&r, 1, 4096, 0);
	settle(&r);
	assert_int_equal(r.n_packets, 2);
	send_packet(&r, 1, 4097, 0);
	settle(&r);
	assert_int_equal(r.broken, 1);
	assert_int_equal(r.code, ERR_PROTO);
	rig_fini(&r);
}

/* What the peer sends is cut anywhere, and so is what it takes. */
static void a_slow_reader_gets_every_byte(void **state)
{
	struct rig r;
	uint8_t *got = mem_alloc(1 << 22);
	size_t n = 0, at = 0;
	const int packets = 30;

	(void)state;
	rig_init(&r, 0);
	r.l->ops->agreed(r.l, ADB_VERSION, ADB_PAYLOAD_MAX);
	r.to_send = packets;
	r.len = 100001;
	r.l->ops->kick(r.l);
	while (n < (size_t)packets * (ADB_HEADER + r.len)) {
		ssize_t k;

		support_step(r.sh);
		k = recv(r.peer, got + n, 7777, MSG_DONTWAIT);
		if (k > 0)
			n += (size_t)k;
	}
	for (int i = packets; i > 0; i--) {
		struct adb_header h;

		assert_int_equal(adb_header_get(got + at, r.len, &h), 0);
		assert_int_equal(h.arg1, i);
		assert_int_equal(h.len, r.len);
		assert_int_equal(adb_sum(got + at + ADB_HEADER, h.len), h.len);
		at += ADB_HEADER + h.len;
	}
	mem_free(got);
	rig_fini(&r);
}

/* ---- bounds ---- */

static void one_turn_takes_a_bounded_number_of_packets(void **state)
{
	struct rig r;
	uint8_t *much = mem_alloc(5000 * ADB_HEADER);

	(void)state;
	rig_init(&r, 0);
	for (uint32_t i = 0; i < 5000; i++)
		put_packet(much + i * ADB_HEADER, i, 0, 0);
	send_all(&r, much, 5000 * ADB_HEADER);
	settle(&r);
	assert_int_equal(r.n_packets, 5000);
	/* One callback of the socket and one of the timer. */
	assert_true(r.most_in_a_step <= 2048);
	mem_free(much);
	rig_fini(&r);
}

static void what_is_asked_for_ahead_is_bounded(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	r.to_send = 1000;
	r.len = ADB_PAYLOAD_MAX;
	r.l->ops->kick(r.l);
	settle(&r);
	assert_true(1000 - r.to_send <= 2); /* the kernel's buffer, and one packet */
	rig_fini(&r);
}

static void a_paused_link_hands_out_nothing_more(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	r.pause_on_packet = true;
	for (uint32_t i = 0; i < 5; i++)
		send_packet(&r, i, 10, 0);
	settle(&r);
	for (int i = 1; i <= 5; i++) {
		assert_int_equal(r.n_packets, i);
		settle(&r);
		assert_int_equal(r.n_packets, i);
		r.l->ops->pause(r.l, false);
		assert_int_equal(r.n_packets, i); /* not inside the call */
		settle(&r);
	}
	assert_int_equal(r.n_packets, 5);
	rig_fini(&r);
}

/* ---- the ends ---- */

static void garbage_breaks_the_link_once(void **state)
{
	struct rig r;
	char junk[100];

	(void)state;
	memset(junk, 'j', sizeof(junk));
	rig_init(&r, 0);
	send_packet(&r, 1, 10, 0);
	send_all(&r, junk, sizeof(junk));
	settle(&r);
	assert_int_equal(r.n_packets, 1);
	assert_int_equal(r.broken, 1);
	assert_int_equal(r.code, ERR_PROTO);
	r.l->ops->kick(r.l); /* harmless */
	r.l->ops->pause(r.l, true);
	settle(&r);
	assert_int_equal(r.broken, 1);
	rig_fini(&r);
}

static void what_came_before_the_end_is_heard(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	r.to_send = 5;
	r.len = 100000;
	r.l->ops->kick(r.l);
	for (uint32_t i = 0; i < 5; i++)
		send_packet(&r, i, 1000, 0);
	close(r.peer);
	r.peer = -1;
	settle(&r);
	assert_int_equal(r.n_packets, 5);
	assert_int_equal(r.broken, 1);
	assert_int_equal(r.code, ERR_GONE);
	rig_fini(&r);
}

static void a_paused_link_notices_that_nobody_takes_its_packets(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	r.l->ops->pause(r.l, true);
	close(r.peer);
	r.peer = -1;
	r.to_send = 1;
	r.l->ops->kick(r.l);
	settle(&r);
	assert_int_equal(r.broken, 1);
	assert_int_equal(r.code, ERR_GONE);
	rig_fini(&r);
}

static void a_link_may_be_closed_in_its_own_event(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	r.close_on_packet = true;
	for (uint32_t i = 0; i < 5; i++)
		send_packet(&r, i, 1000, 0);
	settle(&r);
	assert_int_equal(r.n_packets, 1);
	assert_int_equal(r.broken, 0);
	rig_fini(&r);
}

static void a_write_that_does_not_move_breaks_the_link(void **state)
{
	struct rig r;
	uint8_t bytes[4096];

	(void)state;
	rig_init(&r, 5000);
	r.to_send = 100;
	r.len = 100000;
	r.l->ops->kick(r.l);
	settle(&r);
	support_advance(r.sh, 4999);
	settle(&r);
	assert_int_equal(r.broken, 0);
	while (recv(r.peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		; /* it moves */
	settle(&r);
	support_advance(r.sh, 4999);
	settle(&r);
	assert_int_equal(r.broken, 0);
	support_advance(r.sh, 5000);
	settle(&r);
	assert_int_equal(r.broken, 1);
	assert_int_equal(r.code, ERR_TIMEOUT);
	rig_fini(&r);
}

static void resync_is_nothing_for_tcp(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, 0);
	for (int level = 0; level < 3; level++)
		assert_int_equal(r.l->ops->resync(r.l, level, NULL, NULL), ERR_UNSUPPORTED);
	rig_fini(&r);
}

/* ---- addresses ---- */

static void malformed_addresses_are_refused(void **state)
{
	static const char *const bad[] = {"", "x", ":5555", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "::1:5555", "[::1]",
		"[::1]:", "[]:1", "localhost:5555", "1.2.3.4.5:1", " 127.0.0.1:1"};
	struct support_host *sh = support_host_new(SUPPORT_INLINE);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};

		if (adb_link_tcp_connect(support_host(sh), bad[i], &e))
			fail_msg("\"%s\" was taken for an address", bad[i]);
		assert_int_equal(e.code, ERR_INVAL);
	}
	support_host_free(sh);
}

static bool is_broken(void *arg)
{
	return ((struct rig *)arg)->broken;
}

static void a_refused_connection_is_told_later(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	char address[64];
	struct rig r = {.peer = -1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0); /* and not listen() */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(sa.sin_port));
	r.sh = support_host_new(SUPPORT_INLINE);
	r.l = adb_link_tcp_connect(support_host(r.sh), address, NULL);
	assert_non_null(r.l);
	r.l->events = &events;
	r.l->arg = &r;
	assert_int_equal(r.broken, 0);
	support_until(r.sh, is_broken, &r);
	assert_int_equal(r.code, ERR_UNREACHABLE);
	assert_non_null(strstr(r.l->where, address));
	rig_fini(&r);
	close(fd);
}

static void the_options_of_the_socket(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	struct support_host *sh = support_host_new(SUPPORT_INLINE);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 0;
	socklen_t len = sizeof(sa);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct adb_link *l;

	(void)state;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(server, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	l = adb_link_tcp(support_host(sh), fd, "x", 0);
	len = sizeof(on);
	getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
	assert_int_equal(on, 1);
	getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len);
	assert_int_equal(on, 1);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	l->ops->close(l);
	adb_settle(sh);
	close(server);
	support_host_free(sh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_come_and_go),
		cmocka_unit_test(sums_follow_what_was_agreed),
		cmocka_unit_test(a_payload_is_bounded_by_what_was_agreed),
		cmocka_unit_test(a_slow_reader_gets_every_byte),
		cmocka_unit_test(one_turn_takes_a_bounded_number_of_packets),
		cmocka_unit_test(what_is_asked_for_ahead_is_bounded),
		cmocka_unit_test(a_paused_link_hands_out_nothing_more),
		cmocka_unit_test(garbage_breaks_the_link_once),
		cmocka_unit_test(what_came_before_the_end_is_heard),
		cmocka_unit_test(a_paused_link_notices_that_nobody_takes_its_packets),
		cmocka_unit_test(a_link_may_be_closed_in_its_own_event),
		cmocka_unit_test(a_write_that_does_not_move_breaks_the_link),
		cmocka_unit_test(resync_is_nothing_for_tcp),
		cmocka_unit_test(malformed_addresses_are_refused),
		cmocka_unit_test(a_refused_connection_is_told_later),
		cmocka_unit_test(the_options_of_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
