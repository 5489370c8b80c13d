/* SPDX-License-Identifier: Apache-2.0 */
/* The local driver and the real framefarm-agent, which stands two directories above this test. */
#include "support_host.h"
#include "support_tmp.h"

#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agents/proto.h"
#include "base/str.h"

#define RECEIVED_MAX (512 * 1024)

struct rig {
	struct tmp tmp;
	struct support_host *sh;
	char program[TMP_PATH], sha[LIMIT_SHA256];
	long long bytes;
	char endpoint[LIMIT_VALUE];
	uint8_t secret[32];
	struct driver_op op;
};

static void find_agent(struct rig *r)
{
	char self[TMP_PATH];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	for (int up = 0; up < 3; up++)
		dirname(self);
	assert_true(snprintf(r->program, sizeof(r->program), "%.300s/framefarm-agent", self) > 0);
	tmp_hash(r->program, r->sha, &r->bytes);
}

static struct driver_op *new_op(struct rig *r, enum driver_op_kind kind)
{
	memset(&r->op, 0, sizeof(r->op));
	r->op.kind = kind;
	return &r->op;
}

static void do_op(struct rig *r)
{
	if (support_do(r->sh, &r->op))
		fail_msg("%s: %s", driver_op_name(r->op.kind), r->op.text);
}

static void open_driver(struct rig *r)
{
	const struct driver_option opts[] = {{"min_free_mb", "0"}, {"socket_dir", r->tmp.dir}};

	r->sh = support_host_new(SUPPORT_THREADS);
	support_start(r->sh, driver_find("local"), r->tmp.dir, opts, 2);
	support_until_arrived(r->sh, 1);
}

/* What the controller does with a device that has just arrived. */
static void bring_up(struct rig *r)
{
	new_op(r, DRIVER_OP_IDENTIFY);
	do_op(r);
	new_op(r, DRIVER_OP_PREPARE);
	do_op(r);
	new_op(r, DRIVER_OP_PUSH);
	str_copy(r->op.in.push.src, sizeof(r->op.in.push.src), r->program);
	memcpy(r->op.in.push.sha256, r->sha, sizeof(r->sha));
	r->op.in.push.bytes = r->bytes;
	r->op.in.push.executable = true;
	do_op(r);
}

static bool start_agent(struct rig *r, uint8_t secret)
{
	new_op(r, DRIVER_OP_START);
	memcpy(r->op.in.start.agent_sha256, r->sha, sizeof(r->sha));
	memset(r->op.in.start.secret, secret, sizeof(r->secret));
	do_op(r);
	memcpy(r->secret, r->op.in.start.secret, sizeof(r->secret));
	str_copy(r->endpoint, sizeof(r->endpoint), r->op.result.start.endpoint);
	return r->op.result.start.running;
}

/* Shakes hands; returns the type of the agent's first message. */
static uint16_t say_hello(struct rig *r)
{
	uint8_t payload[256], header[PROTO_HEADER];
	struct proto_parser parser;
	struct support_sink k;
	struct proto_frame frame;
	struct proto_w w;
	uint16_t type;
	size_t fed = 0;

	new_op(r, DRIVER_OP_CONNECT);
	str_copy(r->op.in.connect.endpoint, sizeof(r->op.in.connect.endpoint), r->endpoint);
	do_op(r);
	support_sink_init(&k, r->op.result.stream, RECEIVED_MAX);
	proto_w_init(&w, payload, sizeof(payload));
	proto_put_u16(&w, PROTO_VERSION_MIN);
	proto_put_u16(&w, PROTO_VERSION);
	proto_put_bytes(&w, r->secret, sizeof(r->secret));
	proto_put_text(&w, "farm");
	proto_put_i64(&w, 0);
	proto_header_put(header, PROTO_HELLO, payload, w.len);
	assert_int_equal(k.s->ops->write(k.s, header, sizeof(header)), sizeof(header));
	assert_int_equal(k.s->ops->write(k.s, payload, w.len), w.len);

	proto_parser_init(&parser);
	while (proto_parser_next(&parser, &frame) == 0) {
		assert_int_equal(k.closed, 0);
		support_step(r->sh);
		assert_int_equal(proto_parser_feed(&parser, k.data + fed, k.n - fed), 0);
		fed = k.n;
	}
	type = frame.type;
	proto_parser_fini(&parser);
	k.s->ops->close(k.s);
	while (!k.closed)
		support_step(r->sh);
	support_sink_fini(&k);
	return type;
}

static int agent_pid(struct rig *r)
{
	return atoi(tmp_read(tmp_path(&r->tmp, "device/agent.pid")));
}

static void kill_and_await(int pid)
{
	struct pollfd p = {.fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	assert_true(p.fd >= 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(poll(&p, 1, SUPPORT_PATIENCE_MS), 1);
	close(p.fd);
}

static void the_real_agent_is_brought_up_kept_killed_and_stopped(void **state)
{
	struct rig r;
	int pid;

	(void)state;
	memset(&r, 0, sizeof(r));
	tmp_init(&r.tmp);
	find_agent(&r);
	open_driver(&r);
	bring_up(&r);
	assert_false(start_agent(&r, 1));
	assert_int_equal(say_hello(&r), PROTO_WELCOME);
	pid = agent_pid(&r);

	/* The controller is restarted. */
	support_host_free(r.sh);
	open_driver(&r);
	bring_up(&r);
	assert_true(r.op.result.push.skipped);
	assert_true(start_agent(&r, 2));
	assert_int_equal(r.secret[0], 1);
	assert_int_equal(agent_pid(&r), pid);
	assert_int_equal(say_hello(&r), PROTO_WELCOME);

	/* The agent is killed. */
	kill_and_await(pid);
	assert_false(start_agent(&r, 3));
	assert_int_equal(say_hello(&r), PROTO_WELCOME);
	assert_int_not_equal(agent_pid(&r), pid);

	new_op(&r, DRIVER_OP_COLLECT);
	str_copy(r.op.in.collect.dst, sizeof(r.op.in.collect.dst), tmp_path(&r.tmp, "logs"));
	do_op(&r);
	assert_non_null(strstr(tmp_read(tmp_path(&r.tmp, "logs/agent.log")), "event="));
	new_op(&r, DRIVER_OP_STOP);
	do_op(&r);
	new_op(&r, DRIVER_OP_CLEAN);
	r.op.in.clean.all = true;
	do_op(&r);
	assert_false(tmp_exists(tmp_path(&r.tmp, "device/agent.pid")));
	support_host_free(r.sh);
	tmp_fini(&r.tmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_real_agent_is_brought_up_kept_killed_and_stopped),
	};

	return cmocka_run_group_tests_name("local_real", tests, NULL, NULL);
}
