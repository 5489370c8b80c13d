/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that want a person, and phones that cannot be told apart by their serial; see quirks.h. */
#include "quirks.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static bool needs_somebody(void *arg)
{
	struct rig *r = arg;

	return support_n_arrived(r->sh) && *support_need(r->sh, 0);
}

static bool needs_nobody(void *arg)
{
	struct rig *r = arg;

	return support_n_arrived(r->sh) && !*support_need(r->sh, 0);
}

/* Fails without: saying what to do; waiting without end and without a new connection. */
static void a_dialog_that_nobody_answers(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	support_until(r->sh, needs_somebody, r);
	assert_non_null(strstr(support_need(r->sh, 0), "allow USB debugging"));
	rig_op(r, DRIVER_OP_IDENTIFY);
	assert_int_equal(support_submit(r->sh, &r->op, NULL), 0);
	support_advance(r->sh, 24LL * 3600 * 1000);
	quirk_settle(r);
	assert_int_equal(support_n_arrived(r->sh), 1);
	assert_int_equal(support_n_gone(r->sh), 0);
	assert_false(support_is_done(r->sh, &r->op));
	support_cancel(r->sh, &r->op);
	support_until_done(r->sh, &r->op);
	assert_int_equal(r->op.rc, ERR_CANCELLED);
}

/* The same phone, its owner there: what waited begins. Fails without: IDENTIFY waiting. */
static void a_dialog_that_is_answered(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	support_until_arrived(r->sh, 1);
	rig_meet(r);
	support_until(r->sh, needs_nobody, r);
	quirk_works(r);
}

/* Fails without: a program that is started in the directory before it is used. */
static void programs_may_not_be_started(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	support_until_arrived(r->sh, 1);
	rig_op(r, DRIVER_OP_IDENTIFY);
	rig_do(r);
	rig_op(r, DRIVER_OP_PREPARE);
	assert_int_equal(support_do(r->sh, &r->op), ERR_PERM);
	assert_true(r->op.blame_device);
	assert_non_null(strstr(r->op.text, "noexec"));
}

static const struct CMUnitTest tests[] = {
	QUIRK_STORY(a_dialog_that_nobody_answers, "--auth --quirk silent-dialog"),
	QUIRK_STORY(a_dialog_that_is_answered, "--auth"),
	QUIRK_STORY(programs_may_not_be_started, "--quirk noexec"),
};

const struct quirk_stories quirks_of_people = {tests, sizeof(tests) / sizeof(tests[0])};
