/* SPDX-License-Identifier: Apache-2.0 */
/* Cables that break, and phones that do not move any more; see quirks.h. The fault is the first
 * connection's alone, so that the second shows that all is well again. */
#include "quirks.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "drivers/adb/host.h"

/* Fails without: trying again where the first connection was no ADB. */
static void bytes_of_another_session(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	/* What nobody could speak to has not arrived. */
	assert_int_equal(support_n_arrived(r->sh), 1);
	quirk_works(r);
}

static void begin_push(struct rig *r, size_t n)
{
	char path[TMP_PATH];

	rig_make_file(r, "large", n);
	str_copy(path, sizeof(path), tmp_path(&r->tmp, "large"));
	assert_int_equal(support_submit(r->sh, rig_push(r, path, false), NULL), 0);
}

/* Fails without: the end of what is under way when the connection ends. */
static void a_push_that_is_cut(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	begin_push(r, 3000000);
	support_until_done(r->sh, &r->op);
	assert_int_equal(r->op.rc, ERR_GONE);
	assert_false(r->op.blame_device);
	quirk_is_back(r, 2);
	/* A half file is not taken for the whole. */
	begin_push(r, 3000000);
	support_until_done(r->sh, &r->op);
	assert_int_equal(r->op.rc, 0);
	assert_false(r->op.result.push.skipped);
	quirk_works(r);
}

/* Fails without: removing what a pull has begun. */
static void a_pull_that_is_cut(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	assert_int_equal(RIG_RUN(r, NULL, "sh", "-c", "head -c 12000000 /dev/zero >\"$0/large\"",
				 r->workdir),
		0);
	rig_drop_output(r);
	rig_op(r, DRIVER_OP_PULL);
	str_copy(r->op.in.pull.src, sizeof(r->op.in.pull.src), "large");
	str_copy(r->op.in.pull.dst, sizeof(r->op.in.pull.dst), tmp_path(&r->tmp, "back"));
	r->op.in.pull.max_bytes = 12000000;
	assert_int_equal(support_do(r->sh, &r->op), ERR_GONE);
	assert_false(tmp_exists(tmp_path(&r->tmp, "back")));
	assert_false(tmp_exists(tmp_path(&r->tmp, "back.part")));
	quirk_is_back(r, 2);
	quirk_works(r);
}

/* Fails without: asking whether the phone says anything at all. A packet on its way fits into the
 * sockets between, so that no write is late. */
static void a_phone_that_falls_silent(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	begin_push(r, 3000000);
	assert_false(quirk_is_done_within(r, &r->op, 3000));
	/* The controller's patience is over; it ends although the phone does not hear of it. */
	support_cancel(r->sh, &r->op);
	support_until_done(r->sh, &r->op);
	assert_int_equal(r->op.rc, ERR_CANCELLED);

	rig_op(r, DRIVER_OP_EXEC)->in.exec.argv[0] = "true";
	assert_int_equal(support_submit(r->sh, &r->op, NULL), 0);
	support_advance(r->sh, ADB_OPEN_MS);
	support_until_done(r->sh, &r->op);
	assert_int_equal(r->op.rc, ERR_TIMEOUT);
	assert_non_null(strstr(r->op.text, "did not answer"));
	assert_int_equal(support_n_gone(r->sh), 0);
	support_advance(r->sh, ADB_SILENT_MS - ADB_OPEN_MS);
	quirk_is_back(r, 2);
	begin_push(r, 3000000);
	support_until_done(r->sh, &r->op);
	assert_int_equal(r->op.rc, 0);
	assert_false(r->op.result.push.skipped);
	quirk_works(r);
}

static const struct CMUnitTest tests[] = {
	QUIRK_STORY(bytes_of_another_session, "--quirk stale-bytes=100"),
	QUIRK_STORY(a_push_that_is_cut, "--quirk cut-in=1000000"),
	QUIRK_STORY(a_pull_that_is_cut, "--quirk cut-out=8000000"),
	QUIRK_STORY(a_phone_that_falls_silent, "--quirk stall=1000000"),
};

const struct quirk_stories quirks_of_bytes = {tests, sizeof(tests) / sizeof(tests[0])};
