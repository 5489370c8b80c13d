/* SPDX-License-Identifier: Apache-2.0 */
/* See support_local.h. */
#include "support_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void rig_init_at(struct rig *r, const char *name)
{
	memset(r, 0, sizeof(*r));
	tmp_init(&r->tmp);
	str_copy(r->dir, sizeof(r->dir), tmp_path(&r->tmp, name));
	tmp_mkdir(r->dir);
	rig_option(r, "socket_dir", r->tmp.dir);
}

void rig_option(struct rig *r, const char *key, const char *value)
{
	for (int i = 0; i < r->n_opts; i++)
		if (!strcmp(r->opts[i].key, key)) {
			r->opts[i].value = value;
			return;
		}
	r->opts[r->n_opts++] = (struct driver_option){key, value};
}

void rig_open(struct rig *r, enum support_work mode)
{
	r->sh = support_host_new(mode);
	support_start(r->sh, driver_find("local"), r->dir, r->opts, r->n_opts);
	support_until_arrived(r->sh, 1);
}

void rig_init(struct rig *r, enum support_work mode)
{
	rig_init_at(r, "local");
	rig_option(r, "min_free_mb", "0");
	rig_open(r, mode);
}

void rig_fini(struct rig *r)
{
	support_host_free(r->sh);
	tmp_fini(&r->tmp);
}

struct driver_op *rig_op(struct rig *r, enum driver_op_kind kind)
{
	memset(&r->op, 0, sizeof(r->op));
	r->op.kind = kind;
	return &r->op;
}

int rig_prepare(struct rig *r)
{
	return support_do(r->sh, rig_op(r, DRIVER_OP_PREPARE));
}

struct driver_op *rig_push_op(struct rig *r, const char *src)
{
	struct driver_op *op = rig_op(r, DRIVER_OP_PUSH);
	long long bytes;

	str_copy(op->in.push.src, sizeof(op->in.push.src), src);
	tmp_hash(src, op->in.push.sha256, &bytes);
	op->in.push.bytes = bytes;
	memcpy(r->sha, op->in.push.sha256, sizeof(r->sha));
	return op;
}

void rig_push_text(struct rig *r, const char *text)
{
	const char *src = tmp_path(&r->tmp, "pushed");

	tmp_write_text(src, text);
	assert_int_equal(support_do(r->sh, rig_push_op(r, src)), 0);
}

const char *rig_pushed_path(struct rig *r)
{
	char name[LIMIT_SHA256 + 32];

	snprintf(name, sizeof(name), "files/%s", r->sha);
	return rig_device_path(r, name);
}

int rig_count_pushed(struct rig *r)
{
	struct driver_op op = {.kind = DRIVER_OP_EXEC};
	char script[TMP_PATH + 64];
	int n;

	snprintf(script, sizeof(script), "ls -A %s/device/files | wc -l", r->dir);
	op.in.exec.argv[0] = "sh";
	op.in.exec.argv[1] = "-c";
	op.in.exec.argv[2] = script;
	assert_int_equal(support_do(r->sh, &op), 0);
	n = atoi(op.result.exec.out);
	mem_free(op.result.exec.out);
	mem_free(op.result.exec.err);
	return n;
}

const char *rig_device_path(const struct rig *r, const char *name)
{
	static char path[TMP_PATH + 2 * LIMIT_SHA256];

	snprintf(path, sizeof(path), "%s/device/%s", r->dir, name);
	return path;
}

/* ---- with an agent ---- */

void rig_push_agent(struct rig *r)
{
	struct driver_op *op;

	assert_int_equal(rig_prepare(r), 0);
	op = rig_push_op(r, "/proc/self/exe");
	op->in.push.executable = true;
	memcpy(r->agent, r->sha, sizeof(r->agent));
	if (support_do(r->sh, op))
		fail_msg("%s", op->text);
}

void rig_init_agent(struct rig *r)
{
	rig_init(r, SUPPORT_THREADS);
	rig_push_agent(r);
}

void rig_fini_agent(struct rig *r)
{
	if (!support_is_stopped(r->sh))
		rig_stop_agent(r);
	rig_fini(r);
}

struct driver_op *rig_start_op(struct rig *r, const char *how, uint8_t secret)
{
	struct driver_op *op = rig_op(r, DRIVER_OP_START);

	memcpy(op->in.start.agent_sha256, r->agent, sizeof(r->agent));
	memset(op->in.start.secret, secret, sizeof(op->in.start.secret));
	snprintf(r->how, sizeof(r->how), "--fake=%s", how);
	op->in.start.options[0] = r->how;
	return op;
}

void rig_start_agent(struct rig *r, const char *how)
{
	if (support_do(r->sh, rig_start_op(r, how, 's')))
		fail_msg("%s", r->op.text);
}

void rig_stop_agent(struct rig *r)
{
	if (support_do(r->sh, rig_op(r, DRIVER_OP_STOP)))
		fail_msg("%s", r->op.text);
}

int rig_agent_pid(const struct rig *r)
{
	return atoi(tmp_read(rig_device_path(r, "agent.pid")));
}

bool rig_is_alive(int pid)
{
	char path[64];
	const char *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = strrchr(tmp_read(path), ')');
	return stat && stat[2] != 'Z';
}
