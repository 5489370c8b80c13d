/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that go, and come back as they were or not; see quirks.h. */
#include "quirks.h"

#include <string.h>

#include "agents/proto.h"
#include "base/err.h"
#include "base/str.h"

static void ends_with_the_phone(struct rig *r)
{
	struct driver_op op;

	quirk_begin_sleep(r, &op);
	support_until_done(r->sh, &op);
	assert_int_equal(op.rc, ERR_GONE);
	assert_false(op.blame_device); /* nothing says that it was its fault */
	assert_true(*op.text);
}

/* Fails without: coming back to an address that was good, also where nothing answers for a while. */
static void a_reboot(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	quirk_works(r);
	rig_push_agent(r);
	assert_false(rig_start_agent(r, 1));
	ends_with_the_phone(r);
	quirk_is_back(r, 2);
	/* What was pushed is there, what ran is not. */
	rig_push_agent(r);
	assert_true(r->op.result.push.skipped);
	assert_false(rig_start_agent(r, 2));
	assert_int_equal(r->secret[0], 2);
	assert_int_equal(rig_say_hello(r), PROTO_WELCOME);
}

/* Fails without: asking the agent whether one runs, instead of believing its papers. */
static void adbd_restarts_and_kills_its_children(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	rig_push_agent(r);
	assert_false(rig_start_agent(r, 1));
	assert_int_equal(rig_say_hello(r), PROTO_WELCOME);
	ends_with_the_phone(r);
	quirk_is_back(r, 2);
	rig_push_agent(r);
	assert_false(rig_start_agent(r, 2));
	assert_int_equal(r->secret[0], 2);
	assert_int_equal(rig_say_hello(r), PROTO_WELCOME);
}

/* Fails without: the secret of the agent that runs being kept on the phone. */
static void out_of_reach_for_a_while(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	rig_push_agent(r);
	assert_false(rig_start_agent(r, 1));
	ends_with_the_phone(r);
	quirk_is_back(r, 2);
	/* It was away, not dead: the agent goes on, and its secret is the old one. */
	rig_push_agent(r);
	assert_true(rig_start_agent(r, 2));
	assert_int_equal(r->secret[0], 1);
	assert_int_equal(rig_say_hello(r), PROTO_WELCOME);
	quirk_works(r);
}

/* Fails without: the battery among what is collected. The driver has no other part in it. */
static void a_cable_without_power(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	rig_op(r, DRIVER_OP_COLLECT);
	str_copy(r->op.in.collect.dst, sizeof(r->op.in.collect.dst), tmp_path(&r->tmp, "logs"));
	rig_do(r);
	assert_non_null(
		strstr(tmp_read(tmp_path(&r->tmp, "logs/battery.txt")), "USB powered: false"));
}

static const struct CMUnitTest tests[] = {
	QUIRK_STORY(a_reboot, "--quirk reboot-after=4000"),
	QUIRK_STORY(adbd_restarts_and_kills_its_children, "--quirk restart-after=4000"),
	QUIRK_STORY(out_of_reach_for_a_while, "--quirk vanish-after=4000 --quirk vanish-for=1500"),
	QUIRK_STORY(a_cable_without_power, "--quirk discharging"),
};

const struct quirk_stories quirks_of_life = {tests, sizeof(tests) / sizeof(tests[0])};
