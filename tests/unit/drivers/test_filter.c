/* SPDX-License-Identifier: Apache-2.0 */
/* Faults and traces around the local driver: what is broken, and that the contract never is (the
 * host checks it at every report). */
#include "support_host.h"
#include "support_tmp.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/filter/filter.h"

struct rig {
	struct tmp tmp;
	struct support_host *sh;
	const struct driver *drv;
	int listener; /* plays the agent for CONNECT */
	char endpoint[LIMIT_VALUE];
};

static void listen_in(struct rig *r)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	str_copy(sa.sun_path, sizeof(sa.sun_path), tmp_path(&r->tmp, "sock"));
	r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(r->listener, 4), 0);
	snprintf(r->endpoint, sizeof(r->endpoint), "unix:%s", sa.sun_path);
}

/* Takes drv. */
static void rig_init(struct rig *r, const struct driver *drv)
{
	memset(r, 0, sizeof(*r));
	tmp_init(&r->tmp);
	listen_in(r);
	r->drv = drv;
	r->sh = support_host_new(SUPPORT_INLINE);
	support_start(r->sh, drv, r->tmp.dir, NULL, 0);
	support_until_arrived(r->sh, 1);
}

static void rig_init_fault(struct rig *r, struct filter_fault fault)
{
	rig_init(r, filter_fault_new(driver_find("local"), &fault, 1));
}

static void rig_fini(struct rig *r)
{
	support_host_free(r->sh);
	filter_free(r->drv);
	close(r->listener);
	tmp_fini(&r->tmp);
}

static struct driver_op op_of(enum driver_op_kind kind)
{
	struct driver_op op = {.kind = kind};

	if (kind == DRIVER_OP_EXEC) {
		op.in.exec.argv[0] = "sleep";
		op.in.exec.argv[1] = "100";
	}
	return op;
}

static int identify(struct rig *r)
{
	struct driver_op op = op_of(DRIVER_OP_IDENTIFY);

	return support_do(r->sh, &op);
}

static void connect_sink(struct rig *r, struct support_sink *k, int *ret_peer)
{
	struct driver_op op = op_of(DRIVER_OP_CONNECT);

	str_copy(op.in.connect.endpoint, sizeof(op.in.connect.endpoint), r->endpoint);
	assert_int_equal(support_do(r->sh, &op), 0);
	support_sink_init(k, op.result.stream, 64);
	*ret_peer = accept(r->listener, NULL, NULL);
	assert_true(*ret_peer >= 0);
}

static bool has_closed(void *arg)
{
	return ((struct support_sink *)arg)->closed;
}

/* ---- faults ---- */

static void a_failure_strikes_after_so_many_calls_and_so_often(void **state)
{
	struct driver_op op = op_of(DRIVER_OP_IDENTIFY), other = op_of(DRIVER_OP_PREPARE);
	struct rig r;

	(void)state;
	rig_init_fault(&r, (struct filter_fault){.what = FILTER_FAIL,
				   .kind = DRIVER_OP_IDENTIFY,
				   .after = 1,
				   .times = 2,
				   .code = ERR_IO,
				   .blame_device = true});
	assert_int_equal(identify(&r), 0);
	assert_int_equal(support_do(r.sh, &other), 0);
	assert_int_equal(support_do(r.sh, &op), ERR_IO);
	assert_true(op.blame_device);
	assert_string_equal(op.text, "failed by a fault");
	assert_int_equal(identify(&r), ERR_IO);
	assert_int_equal(identify(&r), 0);
	rig_fini(&r);
}

static void a_refusal_is_no_completion(void **state)
{
	struct driver_op op = op_of(DRIVER_OP_PREPARE);
	struct rig r;

	(void)state;
	rig_init_fault(&r, (struct filter_fault){.what = FILTER_REFUSE,
				   .kind = DRIVER_OP_KINDS,
				   .times = 1,
				   .code = ERR_FULL});
	assert_int_equal(support_submit(r.sh, &op, NULL), ERR_FULL);
	assert_int_equal(support_do(r.sh, &op), 0);
	rig_fini(&r);
}

static void step_often(struct rig *r)
{
	for (int i = 0; i < 20; i++)
		support_step(r->sh);
}

static void a_delay_is_of_virtual_time(void **state)
{
	struct driver_op op = op_of(DRIVER_OP_IDENTIFY);
	struct rig r;

	(void)state;
	rig_init_fault(&r, (struct filter_fault){
				   .what = FILTER_DELAY, .kind = DRIVER_OP_IDENTIFY, .ms = 60000});
	assert_int_equal(support_submit(r.sh, &op, NULL), 0);
	step_often(&r);
	support_advance(r.sh, 59999);
	step_often(&r);
	assert_false(support_is_done(r.sh, &op));
	support_advance(r.sh, 1);
	support_until_done(r.sh, &op);
	assert_int_equal(op.rc, 0);
	assert_string_equal(op.result.identity.name, "local");

	/* A request to cancel ends the delay; the result is there and stands. */
	assert_int_equal(support_submit(r.sh, &op, NULL), 0);
	step_often(&r);
	support_cancel(r.sh, &op);
	support_until_done(r.sh, &op);
	assert_int_equal(op.rc, 0);
	rig_fini(&r);
}

static void what_would_fail_later_can_be_cancelled_now(void **state)
{
	struct driver_op op = op_of(DRIVER_OP_IDENTIFY);
	struct rig r;

	(void)state;
	rig_init_fault(&r, (struct filter_fault){.what = FILTER_FAIL,
				   .kind = DRIVER_OP_IDENTIFY,
				   .code = ERR_TIMEOUT,
				   .ms = 60000});
	assert_int_equal(support_submit(r.sh, &op, NULL), 0);
	step_often(&r);
	assert_false(support_is_done(r.sh, &op));
	support_cancel(r.sh, &op);
	support_until_done(r.sh, &op);
	assert_int_equal(op.rc, ERR_CANCELLED);
	rig_fini(&r);
}

static void an_unplugged_device_takes_everything_with_it_and_comes_back(void **state)
{
	static const struct filter_fault faults[] = {
		{.what = FILTER_DELAY, .kind = DRIVER_OP_IDENTIFY, .times = 1, .ms = 60000},
		{.what = FILTER_LOSE, .kind = DRIVER_OP_PREPARE, .times = 1, .ms = 5000},
	};
	struct driver_op ops[] = {
		op_of(DRIVER_OP_IDENTIFY), op_of(DRIVER_OP_EXEC), op_of(DRIVER_OP_PREPARE)};
	struct support_sink k;
	struct rig r;
	int peer;

	(void)state;
	rig_init(&r, filter_fault_new(driver_find("local"), faults, 2));
	connect_sink(&r, &k, &peer);
	assert_int_equal(support_submit(r.sh, &ops[0], NULL), 0);
	assert_int_equal(support_submit(r.sh, &ops[1], NULL), 0);
	step_often(&r); /* the first is held, the second runs */
	assert_int_equal(support_submit(r.sh, &ops[2], NULL), 0);
	assert_int_equal(
		support_submit(r.sh, &(struct driver_op){.kind = DRIVER_OP_CLEAN}, NULL), ERR_GONE);
	support_until_gone(r.sh, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ops[i].rc, ERR_GONE);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.code, ERR_GONE);

	support_advance(r.sh, 4999);
	step_often(&r);
	assert_int_equal(support_n_arrived(r.sh), 1);
	support_advance(r.sh, 1);
	support_until_arrived(r.sh, 2);
	assert_int_equal(identify(&r), 0);
	support_stop(r.sh);
	assert_int_equal(support_n_gone(r.sh), 2);
	support_sink_fini(&k);
	close(peer);
	rig_fini(&r);
}

static void a_device_lost_for_good_stays_away(void **state)
{
	struct driver_op op = op_of(DRIVER_OP_IDENTIFY);
	struct rig r;

	(void)state;
	rig_init_fault(
		&r, (struct filter_fault){.what = FILTER_LOSE, .kind = DRIVER_OP_KINDS, .ms = -1});
	assert_int_equal(support_do(r.sh, &op), ERR_GONE);
	support_until_gone(r.sh, 1);
	support_advance(r.sh, 1000000);
	step_often(&r);
	assert_int_equal(support_n_arrived(r.sh), 1);
	support_stop(r.sh);
	assert_int_equal(support_n_gone(r.sh), 1);
	rig_fini(&r);
}

static void what_is_held_does_not_outlive_the_driver(void **state)
{
	struct driver_op op = op_of(DRIVER_OP_IDENTIFY);
	struct rig r;

	(void)state;
	rig_init_fault(&r, (struct filter_fault){
				   .what = FILTER_DELAY, .kind = DRIVER_OP_IDENTIFY, .ms = 60000});
	assert_int_equal(support_submit(r.sh, &op, NULL), 0);
	step_often(&r);
	support_stop(r.sh);
	assert_int_equal(op.rc, ERR_GONE);
	rig_fini(&r);
}

static void a_stream_is_cut_in_the_middle_of_a_message(void **state)
{
	struct support_sink k;
	struct rig r;
	int peer;

	(void)state;
	rig_init_fault(&r, (struct filter_fault){.what = FILTER_CUT,
				   .kind = DRIVER_OP_CONNECT,
				   .times = 1,
				   .bytes = 6,
				   .code = ERR_UNREACHABLE});
	connect_sink(&r, &k, &peer);
	assert_int_equal(k.s->ops->write(k.s, (const uint8_t *)"hi", 2), 2);
	assert_int_equal(write(peer, "four", 4), 4);
	while (k.n < 4)
		support_step(r.sh);
	assert_int_equal(write(peer, "more", 4), 4);
	support_until(r.sh, has_closed, &k);
	assert_int_equal(k.n, 6);
	assert_memory_equal(k.data, "fourmo", 6);
	assert_int_equal(k.code, ERR_UNREACHABLE);
	support_sink_fini(&k);
	close(peer);

	/* The next one is whole, and ends when the other side does. */
	connect_sink(&r, &k, &peer);
	assert_int_equal(write(peer, "four more", 9), 9);
	close(peer);
	support_until(r.sh, has_closed, &k);
	assert_int_equal(k.n, 9);
	assert_int_equal(k.code, 0);
	support_sink_fini(&k);
	rig_fini(&r);
}

/* ---- traces ---- */

struct log {
	char text[2048];
};

static void keep_line(void *arg, const char *text)
{
	struct log *l = arg;
	size_t n = strlen(l->text);

	assert_true(n + strlen(text) + 2 < sizeof(l->text));
	snprintf(l->text + n, sizeof(l->text) - n, "%s\n", text);
}

static void a_trace_tells_the_story_and_filters_nest(void **state)
{
	static const struct filter_fault fault = {.what = FILTER_FAIL,
		.kind = DRIVER_OP_IDENTIFY,
		.times = 1,
		.code = ERR_IO,
		.ms = 40};
	struct driver_op op = op_of(DRIVER_OP_IDENTIFY), power = op_of(DRIVER_OP_POWER),
			 exec = op_of(DRIVER_OP_EXEC);
	const struct driver *inner = filter_fault_new(driver_find("local"), &fault, 1);
	struct log log = {""};
	struct rig r;

	(void)state;
	rig_init(&r, filter_trace_new(inner, keep_line, &log));
	support_advance(r.sh, 10);
	assert_int_equal(support_submit(r.sh, &op, NULL), 0);
	support_advance(r.sh, 40);
	support_until_done(r.sh, &op);
	assert_int_equal(support_submit(r.sh, &power, NULL), ERR_UNSUPPORTED);
	assert_int_equal(support_submit(r.sh, &exec, NULL), 0);
	support_cancel(r.sh, &exec);
	support_until_done(r.sh, &exec);
	support_stop(r.sh);
	assert_string_equal(log.text,
		"ms=0 started\n"
		"ms=0 arrived dev=1\n"
		"ms=10 submit op=1 kind=identify dev=1 rc=0\n"
		"ms=50 done op=1 kind=identify rc=-9 text=\"failed by a fault\"\n"
		"ms=50 submit op=2 kind=power dev=1 rc=-18 text=\"the local device has no "
		"operation "
		"\"power\"\"\n"
		"ms=50 submit op=3 kind=exec dev=1 rc=0\n"
		"ms=50 cancel op=3\n"
		"ms=50 done op=3 kind=exec rc=-12 text=\"cancelled\"\n"
		"ms=50 gone dev=1 why=\"the local driver was stopped\"\n"
		"ms=50 stopped\n");
	rig_fini(&r);
	filter_free(inner);
}

static void the_number_of_filters_is_bounded(void **state)
{
	const struct driver *all[FILTERS_MAX];

	(void)state;
	for (int i = 0; i < FILTERS_MAX; i++) {
		all[i] = filter_fault_new(driver_find("local"), NULL, 0);
		assert_non_null(all[i]);
	}
	assert_null(filter_fault_new(driver_find("local"), NULL, 0));
	assert_null(filter_trace_new(driver_find("local"), keep_line, NULL));
	for (int i = 0; i < FILTERS_MAX; i++)
		filter_free(all[i]);
	filter_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_strikes_after_so_many_calls_and_so_often),
		cmocka_unit_test(a_refusal_is_no_completion),
		cmocka_unit_test(a_delay_is_of_virtual_time),
		cmocka_unit_test(what_would_fail_later_can_be_cancelled_now),
		cmocka_unit_test(an_unplugged_device_takes_everything_with_it_and_comes_back),
		cmocka_unit_test(a_device_lost_for_good_stays_away),
		cmocka_unit_test(what_is_held_does_not_outlive_the_driver),
		cmocka_unit_test(a_stream_is_cut_in_the_middle_of_a_message),
		cmocka_unit_test(a_trace_tells_the_story_and_filters_nest),
		cmocka_unit_test(the_number_of_filters_is_bounded),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
