/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to an agent on the local device: every byte once, bounded memory, one end. */
#include "support_agent.h"
#include "support_local.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

/* ---- CONNECT and the stream ---- */

static int connect_op(struct rig *r, struct driver_op *op, const char *endpoint)
{
	memset(op, 0, sizeof(*op));
	op->kind = DRIVER_OP_CONNECT;
	str_copy(op->in.connect.endpoint, sizeof(op->in.connect.endpoint), endpoint);
	return support_submit(r->sh, op, NULL);
}

static void connect_sink(struct rig *r, struct support_sink *k, size_t cap)
{
	struct driver_op op;
	char endpoint[LIMIT_VALUE];

	snprintf(endpoint, sizeof(endpoint), "unix:%.107s", rig_device_path(r, "agent.sock"));
	assert_int_equal(connect_op(r, &op, endpoint), 0);
	support_until_done(r->sh, &op);
	if (op.rc)
		fail_msg("%s", op.text);
	support_sink_init(k, op.result.stream, cap);
}

static bool has_closed(void *arg)
{
	return ((struct support_sink *)arg)->closed;
}

static bool is_full(void *arg)
{
	const struct support_sink *k = arg;

	return k->n == k->cap;
}

static void bytes_go_both_ways_in_order(void **state)
{
	size_t n = 3 * 1024 * 1024, sent = 0;
	uint8_t *data = mem_alloc(n);
	struct support_sink k;
	struct rig r;

	(void)state;
	for (size_t i = 0; i < n; i++)
		data[i] = i * 2654435761u >> 13;
	rig_init_agent(&r);
	rig_start_agent(&r, "echo");
	connect_sink(&r, &k, n);
	while (k.n < n) {
		if (sent < n)
			sent += k.s->ops->write(k.s, data + sent, n - sent);
		support_step(r.sh);
	}
	assert_memory_equal(k.data, data, n);
	k.s->ops->close(k.s);
	assert_int_equal(k.closed, 0);
	support_until(r.sh, has_closed, &k);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, 0);
	support_sink_fini(&k);
	mem_free(data);
	rig_fini_agent(&r);
}

static void an_agent_that_does_not_read_holds_the_writer_back(void **state)
{
	static uint8_t data[1024 * 1024];
	struct support_sink k;
	size_t sent = 0, n;
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "deaf");
	connect_sink(&r, &k, 1);
	while ((n = k.s->ops->write(k.s, data, sizeof(data))) > 0) {
		sent += n;
		support_step(r.sh);
		/* The kernel's buffer and ours, not more. */
		assert_true(sent < 2 * 1024 * 1024);
	}
	for (int i = 0; i < 50; i++)
		support_step(r.sh);
	assert_int_equal(k.drained, 0);
	assert_int_equal(k.s->ops->write(k.s, data, 1), 0);
	k.s->ops->close(k.s);
	support_until(r.sh, has_closed, &k);
	support_sink_fini(&k);
	rig_fini_agent(&r);
}

static bool has_drained(void *arg)
{
	return ((struct support_sink *)arg)->drained > 0;
}

static void a_writer_that_was_held_back_is_told_when_there_is_room(void **state)
{
	size_t n = 4 * 1024 * 1024, taken;
	uint8_t *data = mem_zalloc(n);
	struct support_sink k;
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "echo");
	connect_sink(&r, &k, n);
	taken = k.s->ops->write(k.s, data, n);
	assert_true(taken < n);
	support_until(r.sh, has_drained, &k);
	assert_true(k.s->ops->write(k.s, data, n - taken) > 0);
	k.s->ops->close(k.s);
	support_until(r.sh, has_closed, &k);
	support_sink_fini(&k);
	mem_free(data);
	rig_fini_agent(&r);
}

static void a_paused_receiver_gets_nothing_and_loses_nothing(void **state)
{
	struct support_sink k;
	size_t held;
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "flood");
	connect_sink(&r, &k, SUPPORT_AGENT_FLOOD);
	k.pause_at = 100000;
	while (k.n < k.pause_at)
		support_step(r.sh);
	held = k.n;
	/* Nor does the waiting data keep the loop awake. */
	for (int i = 0; i < 200; i++)
		assert_int_equal(support_step(r.sh), 0);
	assert_int_equal(k.n, held);
	assert_int_equal(k.closed, 0);
	k.pause_at = 0;
	k.s->ops->pause(k.s, false);
	support_until(r.sh, is_full, &k);
	support_until(r.sh, has_closed, &k);
	assert_int_equal(k.code, 0);
	for (size_t i = 0; i < k.n; i++)
		if (k.data[i] != i % 251)
			fail_msg("byte %zu is wrong", i);
	support_sink_fini(&k);
	rig_fini_agent(&r);
}

static void what_an_agent_said_before_it_closed_is_heard_even_while_we_write(void **state)
{
	static uint8_t data[300000];
	struct support_sink k;
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "flood");
	connect_sink(&r, &k, SUPPORT_AGENT_FLOOD);
	while (!k.closed) {
		k.s->ops->write(k.s, data, sizeof(data));
		support_step(r.sh);
	}
	/* A socket closed with unread bytes in it ends in a reset, behind all it sent. */
	assert_int_equal(k.n, SUPPORT_AGENT_FLOOD);
	support_sink_fini(&k);
	rig_fini_agent(&r);
}

static void stopping_closes_streams_before_the_device_is_gone(void **state)
{
	struct support_sink k;
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	rig_start_agent(&r, "echo");
	connect_sink(&r, &k, 16);
	support_ask_stop(r.sh);
	assert_int_equal(k.closed, 0);
	while (!support_n_gone(r.sh)) {
		assert_int_equal(support_is_stopped(r.sh), 0);
		support_step(r.sh);
	}
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, ERR_GONE);
	support_stop(r.sh);
	kill(rig_agent_pid(&r), SIGKILL);
	support_sink_fini(&k);
	rig_fini_agent(&r);
}

static void connecting_to_nobody_fails_and_can_be_cancelled(void **state)
{
	char endpoint[LIMIT_VALUE];
	struct driver_op op;
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	snprintf(endpoint, sizeof(endpoint), "unix:%.107s", rig_device_path(&r, "agent.sock"));
	assert_int_equal(connect_op(&r, &op, endpoint), 0);
	support_until_done(r.sh, &op);
	assert_int_equal(op.rc, ERR_UNREACHABLE);
	assert_int_equal(connect_op(&r, &op, "tcp:127.0.0.1:80"), ERR_INVAL);
	assert_int_equal(connect_op(&r, &op, "unix:relative"), ERR_INVAL);
	assert_int_equal(connect_op(&r, &op, endpoint), 0);
	support_cancel(r.sh, &op);
	assert_false(support_is_done(r.sh, &op));
	support_until_done(r.sh, &op);
	assert_int_equal(op.rc, ERR_CANCELLED);
	rig_fini_agent(&r);
}

/* A listener with a full backlog: connect() says EAGAIN until somebody accepts. */
static void a_busy_agent_is_asked_again(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char endpoint[LIMIT_VALUE];
	struct support_sink k;
	struct driver_op op;
	int listener, first;
	struct rig r;

	(void)state;
	rig_init_agent(&r);
	str_copy(sa.sun_path, sizeof(sa.sun_path), tmp_path(&r.tmp, "busy"));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(connect(first, (struct sockaddr *)&sa, sizeof(sa)), 0);
	snprintf(endpoint, sizeof(endpoint), "unix:%s", sa.sun_path);
	assert_int_equal(connect_op(&r, &op, endpoint), 0);
	for (int i = 0; i < 20; i++)
		support_step(r.sh);
	assert_false(support_is_done(r.sh, &op));
	close(accept(listener, NULL, NULL));
	support_advance(r.sh, 100);
	support_until_done(r.sh, &op);
	assert_int_equal(op.rc, 0);
	support_sink_init(&k, op.result.stream, 1);
	k.s->ops->close(k.s);
	support_until(r.sh, has_closed, &k);
	support_sink_fini(&k);

	/* One that never accepts is given up. */
	assert_int_equal(connect_op(&r, &op, endpoint), 0);
	while (!support_is_done(r.sh, &op)) {
		support_advance(r.sh, 100);
		support_step(r.sh);
	}
	assert_int_equal(op.rc, ERR_UNREACHABLE);
	close(first);
	close(listener);
	rig_fini_agent(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways_in_order),
		cmocka_unit_test(an_agent_that_does_not_read_holds_the_writer_back),
		cmocka_unit_test(a_writer_that_was_held_back_is_told_when_there_is_room),
		cmocka_unit_test(a_paused_receiver_gets_nothing_and_loses_nothing),
		cmocka_unit_test(what_an_agent_said_before_it_closed_is_heard_even_while_we_write),
		cmocka_unit_test(stopping_closes_streams_before_the_device_is_gone),
		cmocka_unit_test(connecting_to_nobody_fails_and_can_be_cancelled),
		cmocka_unit_test(a_busy_agent_is_asked_again),
	};

	support_agent(argc, argv);
	return cmocka_run_group_tests_name("local_stream", tests, NULL, NULL);
}
