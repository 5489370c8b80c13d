/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that need a person, or seem to: dialogs, twins, moves, a missing agent. */
#include "support.h"

#include <string.h>

static void a_dialog_may_pass_and_a_permission_does_not(void **state)
{
	struct story *s = *state;
	int64_t a = arrive(s, "usb 1-4.2"), b = arrive(s, "usb 1-4.3");

	need(s, a, "allow debugging on its screen", true);
	need(s, b, "no permission on the node: install the udev rule", false);
	assert_int_equal(state_of(s, 1), DEVICE_AUTHORIZING);
	assert_int_equal(state_of(s, 2), DEVICE_NEEDS_HUMAN);
	/* Nobody knows their names: where they are is what a person goes by. */
	assert_string_equal(device(s, 1)->name, "usb 1-4.2");
	assert_string_equal(device(s, 2)->place, "usb 1-4.3");
	/* What was asked of it before is cancelled, and its end changes nothing. */
	answer(s, ACTION_IDENTIFY, 1, ERR_CANCELLED, "cancelled");
	assert_int_equal(state_of(s, 1), DEVICE_AUTHORIZING);
	need(s, a, "", false);
	identify_as(s, a, 1);
	assert_int_equal(state_of(s, 1), DEVICE_PREPARING);
	assert_string_equal(device(s, 1)->need, "");
}

static void a_ready_device_that_needs_somebody_is_given_to_nobody(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	need(s, 1, "its key was revoked: allow debugging again", true);
	assert_int_equal(state_of(s, d), DEVICE_AUTHORIZING);
	submit(s, 1, "{}");
	assert_null(open_action(s, ACTION_STAGE, 0));
}

static void a_need_in_the_middle_of_a_run_waits_for_its_end(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	submit(s, 1, "{}");
	let_start(s, d);
	need(s, 1, "another program has taken the interface", false);
	assert_int_equal(state_of(s, d), DEVICE_BUSY);
	step(s, &(struct farm_event){.kind = FARM_AGENT_LOST,
			.u.agent_lost = {.device = d, .text = "its stream ended"}});
	assert_int_equal(state_of(s, d), DEVICE_NEEDS_HUMAN);
	assert_string_equal(device(s, d)->need, "another program has taken the interface");
	assert_int_equal(run_of(s, 1, 0)->state, RUN_REATTACHING);
	need(s, 1, "", false);
	assert_int_equal(state_of(s, d), DEVICE_IDENTIFYING);
}

static void a_need_that_passes_in_time_is_forgotten(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	submit(s, 1, "{}");
	let_start(s, d);
	need(s, 1, "another program has taken the interface", false);
	need(s, 1, "", false);
	step(s, &(struct farm_event){.kind = FARM_AGENT_LOST,
			.u.agent_lost = {.device = d, .text = "its stream ended"}});
	assert_int_equal(state_of(s, d), DEVICE_RECOVERING);
}

/* Another phone over the same connection, one that is known and one that is not. */
static void a_device_is_not_given_anothers_name(void **state)
{
	struct story *s = *state;
	int64_t first = ready_device(s, 1), second = ready_device(s, 2);

	unplug(s, 2);
	for (int no = 2; no <= 3; no++) {
		need(s, 1, "its key was revoked: allow debugging again", true);
		need(s, 1, "", false);
		identify_as(s, 1, no);
		assert_int_equal(state_of(s, first), DEVICE_RECOVERING);
		assert_int_equal(device_no(s, 1), first);
		assert_int_equal(device_no(s, 2), second);
		assert_int_equal(state_of(s, second), DEVICE_ABSENT);
		assert_int_equal(device_no(s, 3), 0);
	}
	need(s, 1, "its key was revoked: allow debugging again", true);
	need(s, 1, "", false);
	identify_as(s, 1, 1);
	assert_int_equal(state_of(s, first), DEVICE_PREPARING);
}

static void a_phone_that_moves_is_let_in_when_its_old_end_is_gone(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1), fresh = arrive(s, "usb 2-1");

	identify_as(s, fresh, 1);
	assert_int_equal(state_of(s, 2), DEVICE_NEEDS_HUMAN);
	assert_non_null(strstr(device(s, 2)->need, "phone-1 (d1)"));
	assert_non_null(strstr(device(s, 2)->need, "usb 1-1"));
	unplug(s, 1);
	identify_as(s, fresh, 1);
	assert_int_equal(state_of(s, d), DEVICE_PREPARING);
	assert_string_equal(device(s, d)->place, "usb 2-1");
	assert_null(farm_device(s->farm, 2)); /* the provisional one */
	answer_prepare(s, d);
	assert_int_equal(state_of(s, d), DEVICE_READY);
}

static void two_with_one_identity_are_told_apart_by_time_alone(void **state)
{
	struct story *s = *state;
	int64_t fresh;

	ready_device(s, 1);
	fresh = arrive(s, "usb 2-1");
	identify_as(s, fresh, 1);
	/* Both stay: it is looked at again now and then, and stays as it is. */
	pass(s, s->cfg.need_recheck_ms);
	assert_int_equal(state_of(s, 2), DEVICE_IDENTIFYING);
	identify_as(s, fresh, 1);
	assert_int_equal(state_of(s, 2), DEVICE_NEEDS_HUMAN);
	/* It can be told otherwise. */
	pass(s, s->cfg.need_recheck_ms);
	identify_as(s, fresh, 2);
	assert_int_equal(state_of(s, 2), DEVICE_PREPARING);
	/* A third that waits does not disturb. */
	unplug(s, fresh);
	assert_int_equal(state_of(s, 1), DEVICE_READY);
}

static void of_two_that_wait_one_gets_in(void **state)
{
	struct story *s = *state;
	int64_t b, c;

	ready_device(s, 1);
	b = arrive(s, "usb 2-1");
	c = arrive(s, "usb 2-2");
	identify_as(s, b, 1);
	identify_as(s, c, 1);
	unplug(s, 1);
	assert_int_equal(
		(state_of(s, 2) == DEVICE_IDENTIFYING) + (state_of(s, 3) == DEVICE_IDENTIFYING), 1);
}

static void a_move_in_the_middle_of_a_run_loses_nothing(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1), fresh, attempt;
	struct farm_agent agent = {.uuid = "uuid", .n_attempts = 1};
	struct farm_event ev = {.kind = FARM_ACTION_DONE, .u.done = {.text = "", .agent = &agent}};

	submit(s, 1, "{}");
	let_start(s, d);
	attempt = attempt_on(s, d);
	fresh = arrive(s, "usb 2-1");
	identify_as(s, fresh, 1);
	unplug(s, 1);
	assert_int_equal(run_of(s, 1, 0)->state, RUN_REATTACHING);
	identify_as(s, fresh, 1);
	agent.attempts[0].attempt = attempt;
	ev.u.done.action = open_action(s, ACTION_PREPARE, d)->id;
	step(s, &ev);
	assert_int_equal(state_of(s, d), DEVICE_BUSY);
	assert_int_equal(run_of(s, 1, 0)->state, RUN_RUNNING);
	let_pass(s, d);
	assert_int_equal(job_state(s, 1), 0);
}

static void a_device_without_an_agent_for_its_abi_says_what_is_missing(void **state)
{
	struct story *s = *state;
	int64_t handle = arrive(s, "usb 1-1"), d;

	identify_as(s, handle, 1);
	d = device_no(s, 1);
	answer(s, ACTION_PREPARE, d, ERR_NOTFOUND, "there is no agent for riscv64: make agents");
	assert_int_equal(state_of(s, d), DEVICE_NEEDS_HUMAN);
	assert_non_null(strstr(device(s, d)->need, "make agents"));
	assert_int_equal(device(s, d)->failures, 0);
	/* Once somebody made it, the device is found again by itself. */
	pass(s, s->cfg.need_recheck_ms);
	identify_as(s, handle, 1);
	answer_prepare(s, d);
	assert_int_equal(state_of(s, d), DEVICE_READY);
}

#define T(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_dialog_may_pass_and_a_permission_does_not),
		T(a_ready_device_that_needs_somebody_is_given_to_nobody),
		T(a_device_is_not_given_anothers_name),
		T(a_need_in_the_middle_of_a_run_waits_for_its_end),
		T(a_need_that_passes_in_time_is_forgotten),
		T(a_phone_that_moves_is_let_in_when_its_old_end_is_gone),
		T(two_with_one_identity_are_told_apart_by_time_alone),
		T(of_two_that_wait_one_gets_in),
		T(a_move_in_the_middle_of_a_run_loses_nothing),
		T(a_device_without_an_agent_for_its_abi_says_what_is_missing),
	};

	return cmocka_run_group_tests_name("core_needs", tests, NULL, NULL);
}
