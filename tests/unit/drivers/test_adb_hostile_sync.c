/* SPDX-License-Identifier: Apache-2.0 */
/* Phones whose sync: service answers what no phone should; what the tests fail without is in
 * `mutations`. */
#include "support_hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/compress.h"
#include "drivers/adb/conn.h"
#include "drivers/adb/host.h"
#include "drivers/adb/sync.h"
#include "support_tmp.h"

struct rig {
	struct tmp tmp;
	struct support_host *sh;
	struct hostile p;
	struct driver_op op;
	char sha[LIMIT_SHA256];
	long long bytes;
	/* What the phone answers. */
	char name[5000];
	size_t n_name;
	uint32_t v;
	const void *data;
	size_t n_data;
};

static void rig_init(struct rig *r, void (*sync)(struct hostile_stream *st))
{
	memset(r, 0, sizeof(*r));
	tmp_init(&r->tmp);
	r->sh = support_host_new(SUPPORT_THREADS);
	hostile_init(&r->p, r->sh);
	r->p.sync = sync;
	r->p.arg = r;
}

static void rig_fini(struct rig *r)
{
	support_stop(r->sh);
	hostile_fini(&r->p);
	support_host_free(r->sh);
	tmp_fini(&r->tmp);
}

/* ---- what the phone does ---- */

static bool asked(const struct hostile_stream *st, const char id[4])
{
	return st->in.len >= 8 && !memcmp(st->in.data, id, 4);
}

/* As a phone that has nothing and takes everything. */
static void honest(struct hostile_stream *st)
{
	static const uint8_t missing[64] = {2}; /* ENOENT, and no file's 17 numbers */

	if (!st->step && asked(st, "LST2")) {
		hostile_send(st, "LST2", 4);
		hostile_send(st, missing, 64);
		hostile_send(st, missing + 32, 4);
		st->step = 1;
	}
	if (st->step == 1 && st->in.len >= 8 && !memcmp(st->in.data + st->in.len - 8, "DONE", 4)) {
		hostile_say(st, "OKAY", 0, NULL, 0);
		st->step = 2;
	}
}

/* A directory with one name in it. */
static void list(struct hostile_stream *st)
{
	const struct rig *r = st->p->arg;
	uint8_t fixed[72] = {0};

	if (st->step++ || !asked(st, "LIS2"))
		return;
	hostile_send(st, "DNT2", 4);
	memcpy(fixed + 68, &(uint32_t){(uint32_t)r->n_name}, 4);
	hostile_send(st, fixed, 72);
	hostile_send(st, r->name, r->n_name);
	memset(fixed, 0, sizeof(fixed));
	hostile_send(st, "DONE", 4);
	hostile_send(st, fixed, 72);
}

/* The file is not there; then FAIL with the first content, and a phone that goes on reading. */
static void fail_in_push(struct hostile_stream *st)
{
	static const char said[] = "write failed: No space left on device";

	if (st->step == 1 && st->in.len > 100000) {
		hostile_say(st, "FAIL", sizeof(said) - 1, said, sizeof(said) - 1);
		st->step = 3;
	} else if (!st->step) {
		honest(st);
	}
}

/* OKAY as soon as anything of the file came. */
static void okay_early(struct hostile_stream *st)
{
	if (st->step == 1 && st->in.len > 100000) {
		hostile_say(st, "OKAY", 0, NULL, 0);
		st->step = 3;
	} else if (!st->step) {
		honest(st);
	}
}

/* A piece of content, and then what the test says. */
static void send_file(struct hostile_stream *st)
{
	const struct rig *r = st->p->arg;
	static const uint8_t zeros[65536 + 64];

	if (st->step++ || st->in.len < 8)
		return;
	hostile_say(st, "DATA", 1000, zeros, 1000);
	hostile_say(st, r->name, r->v, zeros, r->v < sizeof(zeros) ? r->v : sizeof(zeros));
}

/* ---- lists ---- */

static int clean(struct rig *r)
{
	memset(&r->op, 0, sizeof(r->op));
	r->op.kind = DRIVER_OP_CLEAN;
	return support_do(r->sh, &r->op);
}

static void no_name_leads_out_of_a_directory(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} names[] = {{"../x", 4}, {"/etc/passwd", 11}, {"a/b", 3}, {"", 0}, {"a\0b", 3},
		{NULL, 256}, {NULL, 4097}};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rig r;

		rig_init(&r, list);
		memset(r.name, 'n', sizeof(r.name));
		if (names[i].name)
			memcpy(r.name, names[i].name, names[i].n);
		r.n_name = names[i].n;
		hostile_drive(&r.p, r.tmp.dir);
		assert_int_equal(clean(&r), ERR_PROTO);
		assert_true(r.op.blame_device);
		/* Nothing is removed by such a list. */
		assert_int_equal(r.p.n_commands, 0);
		rig_fini(&r);
	}
}

static void odd_names_are_names(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, list);
	strcpy(r.name, "-rf $(id) 'x'");
	r.n_name = strlen(r.name);
	hostile_drive(&r.p, r.tmp.dir);
	assert_int_equal(clean(&r), 0);
	assert_int_equal(r.p.n_commands, 2);
	rig_fini(&r);
}

/* ---- push ---- */

static int push(struct rig *r)
{
	FILE *f = fopen(tmp_path(&r->tmp, "model"), "w");

	/* More than the client keeps in memory: it must not have sent all before the phone says something. */
	for (int i = 0; i < 8000000; i++)
		fputc(i * 7 % 251, f);
	assert_int_equal(fclose(f), 0);
	tmp_hash(tmp_path(&r->tmp, "model"), r->sha, &r->bytes);
	memset(&r->op, 0, sizeof(r->op));
	r->op.kind = DRIVER_OP_PUSH;
	str_copy(r->op.in.push.src, sizeof(r->op.in.push.src), tmp_path(&r->tmp, "model"));
	memcpy(r->op.in.push.sha256, r->sha, sizeof(r->sha));
	r->op.in.push.bytes = r->bytes;
	return support_do(r->sh, &r->op);
}

static void a_push_works_again(struct rig *r)
{
	r->p.sync = honest;
	r->p.command = NULL;
	if (push(r))
		fail_msg("%s", r->op.text);
	assert_int_equal(r->op.result.push.bytes, 8000000);
}

static void a_push_that_fails_in_its_middle(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, fail_in_push);
	hostile_drive(&r.p, r.tmp.dir);
	assert_int_equal(push(&r), ERR_NOSPACE);
	assert_non_null(strstr(r.op.text, "No space left on device"));
	/* Not put into its place. */
	assert_int_equal(r.p.n_commands, 0);
	a_push_works_again(&r);
	rig_fini(&r);
}

static void a_push_that_is_taken_early(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, okay_early);
	hostile_drive(&r.p, r.tmp.dir);
	assert_int_equal(push(&r), ERR_PROTO);
	assert_int_equal(r.p.n_commands, 0);
	a_push_works_again(&r);
	rig_fini(&r);
}

static void another_hash(struct hostile_stream *st, const char *script)
{
	(void)script;
	hostile_stdout(st, "hash 00ff00ff\n");
	hostile_exit(st, 9);
}

static void a_push_that_became_something_else(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, honest);
	r.p.command = another_hash;
	hostile_drive(&r.p, r.tmp.dir);
	assert_int_equal(push(&r), ERR_IO);
	assert_true(r.op.blame_device);
	assert_non_null(strstr(r.op.text, "00ff00ff"));
	assert_non_null(strstr(r.op.text, "storage is failing"));
	a_push_works_again(&r);
	rig_fini(&r);
}

/* ---- pull ---- */

static int pull(struct rig *r)
{
	memset(&r->op, 0, sizeof(r->op));
	r->op.kind = DRIVER_OP_PULL;
	str_copy(r->op.in.pull.src, sizeof(r->op.in.pull.src), "result");
	str_copy(r->op.in.pull.dst, sizeof(r->op.in.pull.dst), tmp_path(&r->tmp, "back"));
	r->op.in.pull.max_bytes = INT64_MAX;
	return support_do(r->sh, &r->op);
}

static void a_pull_that_goes_wrong_leaves_nothing(void **state)
{
	static const struct {
		const char *id;
		uint32_t v;
		int rc;
	} cases[] = {
		{"FAIL", 20, ERR_IO},       /* in mid-stream */
		{"FAIL", 1025, ERR_PROTO},  /* a text beyond its bound */
		{"DATA", 65537, ERR_PROTO}, /* a piece beyond its */
		{"DATA", UINT32_MAX, ERR_PROTO},
		{"OKAY", 0, ERR_PROTO}, /* an answer to something else */
		{"DENT", 0, ERR_PROTO},
		{"\xff\xff\xff\xff", 0, ERR_PROTO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r;

		rig_init(&r, send_file);
		strcpy(r.name, cases[i].id);
		r.v = cases[i].v;
		hostile_drive(&r.p, r.tmp.dir);
		assert_int_equal(pull(&r), cases[i].rc);
		assert_false(tmp_exists(tmp_path(&r.tmp, "back")));
		assert_false(tmp_exists(tmp_path(&r.tmp, "back.part")));
		rig_fini(&r);
	}
}

/* ---- a small file that is huge ---- */

#define HUGE_BYTES (512 << 20)

static void send_bomb(struct hostile_stream *st)
{
	const struct rig *r = st->p->arg;
	const uint8_t *at = r->data;

	if (st->step++ || st->in.len < 8)
		return;
	for (size_t left = r->n_data; left;) {
		size_t n = left < ADB_SYNC_DATA_MAX ? left : ADB_SYNC_DATA_MAX;

		hostile_say(st, "DATA", (uint32_t)n, at, n);
		at += n;
		left -= n;
	}
	hostile_say(st, "DONE", 0, NULL, 0);
}

static uint8_t *make_bomb(size_t *ret_n)
{
	static const uint8_t zeros[1 << 20];
	struct adb_compress *c = adb_compress_new(ADB_SYNC_ZSTD, false);
	uint8_t *bomb = mem_alloc(1 << 20);
	size_t n = 0, used, made;

	for (int64_t left = HUGE_BYTES; left; left -= (int64_t)used) {
		assert_true(adb_compress_run(c, zeros, sizeof(zeros), &used, bomb + n,
				    (1 << 20) - n, &made, false) >= 0);
		n += made;
	}
	while (adb_compress_run(c, NULL, 0, &used, bomb + n, (1 << 20) - n, &made, true) == 0)
		n += made;
	*ret_n = n + made;
	adb_compress_free(c);
	return bomb;
}

static void on_state(void *arg, enum adb_host_state st, const char *text)
{
	(void)text;
	*(bool *)arg = st == ADB_HOST_ONLINE;
}

static void on_ended(void *arg, int code, const char *text)
{
	(void)arg;
	(void)code;
	(void)text;
}

static bool is_set(void *arg)
{
	return *(bool *)arg;
}

struct outcome {
	bool done;
	int rc;
};

static void pulled(void *arg, const struct adb_sync_done *d)
{
	struct outcome *o = arg;

	o->done = true;
	o->rc = d->rc;
}

/* What it may take of the host's memory is bounded, whatever the file may have. */
static void a_compressed_file_does_not_fill_the_memory(void **state)
{
	static const struct adb_host_events events = {on_state, on_ended};
	struct adb_host_keys keys = {0};
	struct adb_host_config hc = {
		ADB_F_SHELL_V2 | ADB_F_SENDRECV_V2 | ADB_F_ZSTD, ADB_PAYLOAD_MAX, &keys};
	struct outcome o = {0};
	struct err e = {0};
	struct adb_host *host;
	struct adb_conn *c;
	struct adb_sync *s;
	bool online = false;
	struct rig r;
	uint8_t *bomb;

	(void)state;
	rig_init(&r, send_bomb);
	r.p.cfg.banner.features |= ADB_F_SENDRECV_V2 | ADB_F_ZSTD;
	r.data = bomb = make_bomb(&r.n_data);
	assert_true(r.n_data < 100000);
	host = adb_host_new(support_host(r.sh),
		adb_link_tcp_connect(support_host(r.sh), r.p.address, &e), &hc, &events, &online);
	support_until(r.sh, is_set, &online);
	c = adb_conn_direct(support_host(r.sh), host);
	s = adb_sync_new(c, &e);
	assert_int_equal(adb_sync_pull(s, "/x", tmp_path(&r.tmp, "back"), INT64_MAX, ADB_SYNC_ZSTD,
				 pulled, &o),
		0);
	support_until(r.sh, is_set, &o.done);
	assert_int_equal(o.rc, ERR_TOOBIG);
	assert_false(tmp_exists(tmp_path(&r.tmp, "back")));
	assert_false(tmp_exists(tmp_path(&r.tmp, "back.part")));
	adb_sync_end(s);
	c->ops->close(c);
	adb_host_free(host);
	while (support_step(r.sh))
		;
	adb_conn_unref(c);
	mem_free(bomb);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_leads_out_of_a_directory),
		cmocka_unit_test(odd_names_are_names),
		cmocka_unit_test(a_push_that_fails_in_its_middle),
		cmocka_unit_test(a_push_that_is_taken_early),
		cmocka_unit_test(a_push_that_became_something_else),
		cmocka_unit_test(a_pull_that_goes_wrong_leaves_nothing),
		cmocka_unit_test(a_compressed_file_does_not_fill_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
