/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that want a person, and phones that cannot be told apart by their serial; see quirks.h. */
#include "quirks.h"

#include <stdio.h>
#include <stdlib.h>
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

/* Fails without: beginning the connection anew, once, before a person is called. */
static void a_phone_that_asks_again(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	assert_int_equal(support_n_needs(r->sh), 1); /* the first time, when it does not know us */
	quirk_is_back(r, 2);
	assert_int_equal(support_n_needs(r->sh), 1);
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

/* Fails without: the name of the switch that the phone wants. */
static void no_package_is_installed(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_installs(r, ERR_INVAL, "\"Install via USB\"");
	assert_false(r->op.blame_device); /* it would be given no other job */
}

static bool row_says(const char *json, const char *setting, const char *what)
{
	const char *row = strstr(json, setting), *end = row ? strchr(row, '}') : NULL;
	const char *at = row ? strstr(row, what) : NULL;

	return at && at < end;
}

/* Fails without: looking whether a change came to be; saying what the phone wants. */
static void settings_are_denied(void **state)
{
	struct rig *r = *state;
	char *json;

	rig_open(r);
	rig_op(r, DRIVER_OP_PROVISION)->in.provision.what = DRIVER_PROVISION_APPLY;
	rig_do(r);
	json = r->op.result.provision.json;
	assert_true(row_says(json, "\"stay_awake\"", "\"ok\":false"));
	assert_true(row_says(json, "\"stay_awake\"", "\"applied\":false"));
	assert_true(row_says(json, "\"stay_awake\"", "Disable permission monitoring"));
	/* What a person must do in any case is told as ever. */
	assert_false(row_says(json, "\"screen_lock\"", "Disable permission monitoring"));
	free(json);
}

/* Fails without: sizes that are compared as far as the phone tells them. */
static void sizes_wrap(void **state)
{
	struct rig *r = *state;
	const int64_t bytes = (INT64_C(4) << 30) + 5;

	rig_open(r);
	quirk_works(r);
	rig_make_file(r, "model", 5); /* has the name of what shall be large */
	assert_int_equal(
		RIG_RUN(r, NULL, "truncate", "-s", "4294967301",
			strcat(strcat(strcpy(r->endpoint, r->workdir), "/files/"), r->sha)),
		0);
	rig_drop_output(r);
	rig_push(r, "/nowhere", false)->in.push.bytes = bytes;
	rig_do(r);
	assert_true(r->op.result.push.skipped);
	/* Another size is another file. */
	rig_push(r, "/nowhere", false)->in.push.bytes = bytes + 1;
	assert_int_not_equal(support_do(r->sh, &r->op), 0);
}

static void learn_key(struct rig *r, int n, char dst[LIMIT_KEY])
{
	rig_op(r, DRIVER_OP_IDENTIFY)->dev = support_dev(r->sh, n);
	rig_do(r);
	str_copy(dst, LIMIT_KEY, r->op.result.identity.key);
}

/* Fails without: the UUID in a phone's key. */
static void two_phones_with_one_serial(void **state)
{
	struct quirk_rig *q = *state;
	struct rig *r = &q->r;
	char first[LIMIT_KEY], second[LIMIT_KEY];

	r->options[r->n_options++] = (struct driver_option){"address", q->second};
	rig_start(r);
	support_until_arrived(r->sh, 2);
	learn_key(r, 0, first);
	learn_key(r, 1, second);
	assert_int_equal(strncmp(first, "adb:0123456789ABCDEF:", 21), 0);
	assert_int_equal(strncmp(second, "adb:0123456789ABCDEF:", 21), 0);
	assert_string_not_equal(first, second);
}

/* Fails without: a key for a phone whose serial is empty. */
static void two_phones_without_a_serial(void **state)
{
	struct quirk_rig *q = *state;
	struct rig *r = &q->r;
	char first[LIMIT_KEY], second[LIMIT_KEY];

	r->options[r->n_options++] = (struct driver_option){"address", q->second};
	rig_start(r);
	support_until_arrived(r->sh, 2);
	learn_key(r, 0, first);
	learn_key(r, 1, second);
	assert_int_equal(strncmp(first, "adb:-:", 6), 0);
	assert_string_not_equal(first, second);
}

static const struct CMUnitTest tests[] = {
	QUIRK_STORY(a_dialog_that_nobody_answers, "--auth --quirk silent-dialog"),
	QUIRK_STORY(a_dialog_that_is_answered, "--auth"),
	QUIRK_STORY(a_phone_that_asks_again, "--auth --quirk ask-again --quirk vanish-after=3000 "
					     "--quirk vanish-for=200"),
	QUIRK_STORY(programs_may_not_be_started, "--quirk noexec"),
	QUIRK_STORY(no_package_is_installed, "--quirk restrict-install"),
	QUIRK_STORY(settings_are_denied, "--quirk deny-shell"),
	QUIRK_STORY(sizes_wrap, "--quirk short-stat"),
	QUIRK_STORY(two_phones_with_one_serial, "--count 2 --serial 0123456789ABCDEF"),
	QUIRK_STORY(two_phones_without_a_serial, "--count 2 --serial="),
};

const struct quirk_stories quirks_of_people = {tests, sizeof(tests) / sizeof(tests[0])};
