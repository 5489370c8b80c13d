/* SPDX-License-Identifier: Apache-2.0 */
/* Phones whose commands answer what no phone should; what the tests fail without is in `mutations`. */
#include "support_hostile.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "support_tmp.h"

struct rig {
	struct tmp tmp;
	struct support_host *sh;
	struct hostile p;
	struct driver_op op;
};

static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	tmp_init(&r->tmp);
	r->sh = support_host_new(SUPPORT_THREADS);
	hostile_init(&r->p, r->sh);
}

static void rig_fini(struct rig *r)
{
	support_stop(r->sh);
	hostile_fini(&r->p);
	support_host_free(r->sh);
	tmp_fini(&r->tmp);
}

static struct driver_op *exec_op(struct rig *r)
{
	memset(&r->op, 0, sizeof(r->op));
	r->op.kind = DRIVER_OP_EXEC;
	r->op.in.exec.argv[0] = "x";
	return &r->op;
}

static void still_works(struct rig *r)
{
	r->p.command = NULL;
	assert_int_equal(support_do(r->sh, exec_op(r)), 0);
	assert_int_equal(r->op.result.exec.exit_code, 0);
	mem_free(r->op.result.exec.out);
	mem_free(r->op.result.exec.err);
}

/* ---- output ---- */

static void ten_megabytes(struct hostile_stream *st, const char *script)
{
	(void)script;
	st->pour = 10 << 20;
	hostile_exit(st, 0);
}

static void output_is_bounded(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	r.p.command = ten_megabytes;
	hostile_drive(&r.p, r.tmp.dir);
	assert_int_equal(support_do(r.sh, exec_op(&r)), 0);
	assert_int_equal(r.op.result.exec.n_out, DRIVER_OUTPUT_MAX);
	assert_true(r.op.result.exec.cut);
	mem_free(r.op.result.exec.out);
	mem_free(r.op.result.exec.err);
	still_works(&r);
	rig_fini(&r);
}

static void without_end(struct hostile_stream *st, const char *script)
{
	(void)script;
	st->pour = -1;
	hostile_finish(st);
}

static bool has_poured(void *arg)
{
	const struct rig *r = arg;

	return r->p.streams[r->p.n_streams - 1].poured > 20 << 20;
}

static bool is_quiet(void *arg)
{
	const struct rig *r = arg;

	return r->p.n_closed == r->p.n_streams;
}

/* It ends when the controller's patience does, and the phone is told. */
static void a_command_without_end_is_cancelled(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	r.p.command = without_end;
	hostile_drive(&r.p, r.tmp.dir);
	assert_int_equal(support_submit(r.sh, exec_op(&r), NULL), 0);
	support_until(r.sh, has_poured, &r);
	support_cancel(r.sh, &r.op);
	support_until_done(r.sh, &r.op);
	assert_int_equal(r.op.rc, ERR_CANCELLED);
	support_until(r.sh, is_quiet, &r);
	still_works(&r);
	rig_fini(&r);
}

static void properties_are_bounded(void **state)
{
	struct rig r;
	char key[LIMIT_KEY];

	(void)state;
	rig_init(&r);
	r.p.junk = 10 << 20;
	hostile_drive(&r.p, r.tmp.dir);
	/* What stands behind them is not read. */
	assert_int_equal(hostile_identify(&r.p, 0, key), 0);
	assert_string_equal(key, "adb:-:01234567-89ab-cdef-0123-456789abcdef");
	still_works(&r);
	rig_fini(&r);
}

/* ---- START ---- */

static void garbage(struct hostile_stream *st, const char *script)
{
	const char *const *answers = st->p->arg;

	(void)script;
	if (strstr(script, "agent.endpoint\n") || strstr(script, "start.log"))
		hostile_stdout(st, *answers);
	hostile_exit(st, 0);
}

static void okay_sync(struct hostile_stream *st)
{
	int n = 0;

	/* DONE stands behind each small file. */
	for (size_t i = 0; i + 4 <= st->in.len; i++)
		n += !memcmp(st->in.data + i, "DONE", 4);
	for (; st->step < n; st->step++)
		hostile_say(st, "OKAY", 0, NULL, 0);
}

static void an_agent_that_answers_garbage_is_not_believed(void **state)
{
	static const char hex[] =
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	char long_name[400], no_scheme[100], binary[100];
	const char *answers[] = {"", "nonsense\n\n\n", hex, no_scheme, long_name, binary};

	(void)state;
	strcat(strcpy(no_scheme, hex), "\ntcp:127.0.0.1:22\n");
	memset(long_name, 'x', sizeof(long_name) - 1);
	memcpy(long_name, hex, 64);
	memcpy(long_name + 64, "\nabstract:", 10);
	long_name[sizeof(long_name) - 1] = '\0';
	strcpy(binary, "\x01\xff\x1b[2J\n\x02\n");
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct rig r;

		rig_init(&r);
		r.p.command = garbage;
		r.p.sync = okay_sync;
		r.p.arg = &answers[i];
		hostile_drive(&r.p, r.tmp.dir);
		memset(&r.op, 0, sizeof(r.op));
		r.op.kind = DRIVER_OP_START;
		memset(r.op.in.start.agent_sha256, 'a', 64);
		memset(r.op.in.start.secret, 7, 32);
		assert_int_not_equal(support_do(r.sh, &r.op), 0);
		assert_true(r.op.blame_device);
		for (const char *at = r.op.text; *at; at++)
			assert_true((unsigned char)*at >= ' ');
		assert_int_equal(r.op.in.start.secret[0], 7);
		still_works(&r);
		rig_fini(&r);
	}
}

/* ---- who it is ---- */

/* A device is one phone: where another answers, it goes, and that one arrives. */
static void a_phone_that_answers_for_another_is_another(void **state)
{
	struct rig r;
	char key[LIMIT_KEY], other[LIMIT_KEY];

	(void)state;
	for (int what = 0; what < 2; what++) {
		rig_init(&r);
		hostile_drive(&r.p, r.tmp.dir);
		assert_int_equal(hostile_identify(&r.p, 0, key), 0);
		if (what)
			r.p.serial = "LIAR0002";
		else
			r.p.uuid = "11111111-89ab-cdef-0123-456789abcdef";
		assert_int_equal(hostile_identify(&r.p, 0, other), ERR_CONFLICT);
		support_until_gone(r.sh, 1);
		support_until_arrived(r.sh, 2);
		assert_int_equal(hostile_identify(&r.p, 1, other), 0);
		assert_string_not_equal(key, other);
		still_works(&r);
		rig_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_is_bounded),
		cmocka_unit_test(a_command_without_end_is_cancelled),
		cmocka_unit_test(properties_are_bounded),
		cmocka_unit_test(an_agent_that_answers_garbage_is_not_believed),
		cmocka_unit_test(a_phone_that_answers_for_another_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
