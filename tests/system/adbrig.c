/* SPDX-License-Identifier: Apache-2.0 */
/* See adbrig.h. */
#include "adbrig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proto.h"
#include "base/str.h"
#include "drivers/adb/driver_adb.h"

#define RECEIVED_MAX (512 * 1024)

struct driver_op *rig_op(struct rig *r, enum driver_op_kind kind)
{
	memset(&r->op, 0, sizeof(r->op));
	r->op.kind = kind;
	return &r->op;
}

void rig_do(struct rig *r)
{
	if (support_do(r->sh, &r->op))
		fail_msg("%s: %s", driver_op_name(r->op.kind), r->op.text);
}

/* ---- the driver ---- */

void rig_start(struct rig *r)
{
	bool usb = !strcmp(r->address, "usb"); /* the one phone that is plugged in */
	struct driver_option opts[RIG_OPTIONS + 4] = {{"min_free_mb", "1"},
		{"server", "127.0.0.1:1"}, {"usb", usb ? "on" : "off"}, {"address", r->address}};
	int n = usb ? 3 : 4;

	memcpy(opts + n, r->options, r->n_options * sizeof(*opts));
	r->sh = support_host_new(SUPPORT_THREADS);
	support_follow_clock(r->sh, r->follow_clock);
	support_start(r->sh, &driver_adb, r->tmp.dir, opts, n + r->n_options);
}

void rig_meet(struct rig *r)
{
	rig_op(r, DRIVER_OP_IDENTIFY);
	rig_do(r);
	r->id = r->op.result.identity;
	rig_op(r, DRIVER_OP_PREPARE);
	rig_do(r);
	str_copy(r->workdir, sizeof(r->workdir), r->op.result.workdir);
}

void rig_open(struct rig *r)
{
	rig_start(r);
	support_until_arrived(r->sh, 1);
	rig_meet(r);
}

void rig_close(struct rig *r)
{
	if (!r->sh)
		return;
	support_stop(r->sh);
	support_host_free(r->sh);
	r->sh = NULL;
}
/* ---- operations ---- */

int rig_run(struct rig *r, const char *input, const char *const *argv)
{
	rig_op(r, DRIVER_OP_EXEC);
	for (int i = 0; argv[i]; i++)
		r->op.in.exec.argv[i] = argv[i];
	r->op.in.exec.input = input;
	rig_do(r);
	return r->op.result.exec.exit_code;
}

void rig_drop_output(struct rig *r)
{
	free(r->op.result.exec.out);
	free(r->op.result.exec.err);
}

void rig_make_file(struct rig *r, const char *name, size_t n)
{
	FILE *f = fopen(tmp_path(&r->tmp, name), "w");
	uint32_t x = 99;

	assert_non_null(f);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		fputc(i % 8192 < 4096 ? 'a' : (int)(x >> 24), f);
	}
	assert_int_equal(fclose(f), 0);
	tmp_hash(tmp_path(&r->tmp, name), r->sha, &r->bytes);
}

struct driver_op *rig_push(struct rig *r, const char *path, bool executable)
{
	rig_op(r, DRIVER_OP_PUSH);
	str_copy(r->op.in.push.src, sizeof(r->op.in.push.src), path);
	memcpy(r->op.in.push.sha256, r->sha, sizeof(r->sha));
	r->op.in.push.bytes = r->bytes;
	r->op.in.push.executable = executable;
	return &r->op;
}

/* ---- the agent ---- */

bool rig_start_agent(struct rig *r, uint8_t secret)
{
	rig_op(r, DRIVER_OP_START);
	memcpy(r->op.in.start.agent_sha256, r->sha, sizeof(r->sha));
	memset(r->op.in.start.secret, secret, sizeof(r->secret));
	rig_do(r);
	memcpy(r->secret, r->op.in.start.secret, sizeof(r->secret));
	str_copy(r->endpoint, sizeof(r->endpoint), r->op.result.start.endpoint);
	return r->op.result.start.running;
}

uint16_t rig_say_hello(struct rig *r)
{
	uint8_t payload[256], header[PROTO_HEADER];
	struct proto_parser parser;
	struct support_sink k;
	struct proto_frame frame;
	struct proto_w w;
	uint16_t type;
	size_t fed = 0;

	rig_op(r, DRIVER_OP_CONNECT);
	str_copy(r->op.in.connect.endpoint, sizeof(r->op.in.connect.endpoint), r->endpoint);
	rig_do(r);
	support_sink_init(&k, r->op.result.stream, RECEIVED_MAX);
	proto_w_init(&w, payload, sizeof(payload));
	proto_put_u16(&w, PROTO_VERSION_MIN);
	proto_put_u16(&w, PROTO_VERSION);
	proto_put_bytes(&w, r->secret, sizeof(r->secret));
	proto_put_text(&w, "farm");
	proto_put_i64(&w, 0);
	proto_header_put(header, PROTO_HELLO, payload, (uint32_t)w.len);
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

void rig_push_agent(struct rig *r)
{
	const char *agent = getenv("FRAMEFARM_AGENT");

	tmp_hash(agent, r->sha, &r->bytes);
	rig_push(r, agent, true);
	rig_do(r);
}
