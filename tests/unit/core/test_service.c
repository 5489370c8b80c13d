/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator asks to be done to a device itself. */
#include "support.h"

#include <string.h>

static void a_free_device_is_handed_over_and_taken_back(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	assert_int_equal(admin(s, d, FARM_ADMIN_DETACH), 1); /* not before it is done */
	assert_int_equal(state_of(s, d), DEVICE_SERVICE);
	assert_string_equal(s->last_audit, "device.detach");
	answer(s, ACTION_DETACH, d, 0, "");
	assert_int_equal(s->n_answers, 1);
	assert_int_equal(s->last.rc, 0);
	assert_int_equal(s->last.token, 7);
	assert_int_equal(state_of(s, d), DEVICE_NEEDS_HUMAN);
	assert_string_equal(device(s, d)->need,
		"detached by ada; `framefarm device attach phone-1` takes it back");
	assert_string_equal(device(s, d)->detached_by, "ada");

	assert_int_equal(admin(s, d, FARM_ADMIN_DETACH), 0); /* it is, already */
	assert_int_equal(admin(s, d, FARM_ADMIN_ATTACH), 1);
	answer(s, ACTION_ATTACH, d, 0, "");
	assert_int_equal(s->last.rc, 0);
	assert_string_equal(device(s, d)->detached_by, "");
	identify_as(s, 1, 1);
	answer_prepare(s, d);
	assert_int_equal(state_of(s, d), DEVICE_READY);
	assert_string_equal(device(s, d)->need, "");
}

/* One that waits for its tap has no name yet, and what it is called then is no word of a command. */
static void the_way_back_can_be_copied_whoever_it_is(void **state)
{
	struct story *s = *state;
	int64_t h = arrive(s, "tcp 10.0.0.7:5555"), d = 1;

	need(s, h, "allow it on its screen", true);
	assert_int_equal(admin(s, d, FARM_ADMIN_DETACH), 1);
	answer(s, ACTION_DETACH, d, 0, "");
	assert_string_equal(
		device(s, d)->need, "detached by ada; `framefarm device attach d1` takes it back");
}

static void nobody_is_given_a_device_that_is_detached(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1), job;

	admin(s, d, FARM_ADMIN_DETACH);
	job = submit(s, 1, "{}");
	answer(s, ACTION_DETACH, d, 0, "");
	assert_int_equal(job_state(s, job), JOB_QUEUED);
	assert_null(open_action(s, ACTION_STAGE, 0));
	/* The driver's words about it are another tool's affair now. */
	need(s, 1, "another program has it", false);
	assert_non_null(strstr(device(s, d)->need, "detached by ada"));
	need(s, 1, "", false);
	assert_int_equal(state_of(s, d), DEVICE_NEEDS_HUMAN);
	admin(s, d, FARM_ADMIN_ATTACH);
	answer(s, ACTION_ATTACH, d, 0, "");
	identify_as(s, 1, 1);
	answer_prepare(s, d);
	assert_int_equal(state_of(s, d), DEVICE_BUSY);
}

static void a_busy_device_is_not_touched(void **state)
{
	static const enum farm_admin asks[] = {
		FARM_ADMIN_DETACH, FARM_ADMIN_ATTACH, FARM_ADMIN_INSTALL, FARM_ADMIN_PROVISION};
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	submit(s, 1, "{}");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(admin(s, d, asks[i]), ERR_WRONGSTATE);
		assert_non_null(strstr(s->last.text, "phone-1 (d1) is busy"));
	}
	assert_int_equal(state_of(s, d), DEVICE_BUSY);
	assert_int_equal(admin(s, 99, FARM_ADMIN_DETACH), ERR_NOTFOUND);
}

static void a_device_that_cannot_says_so(void **state)
{
	static const enum farm_admin asks[] = {
		FARM_ADMIN_DETACH, FARM_ADMIN_INSTALL, FARM_ADMIN_PROVISION};
	struct story *s = *state;
	int64_t d;

	s->no_caps = true;
	d = ready_device(s, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(admin(s, d, asks[i]), ERR_UNSUPPORTED);
	assert_int_equal(state_of(s, d), DEVICE_READY);
}

static void it_stays_detached_on_another_port(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	admin(s, d, FARM_ADMIN_DETACH);
	answer(s, ACTION_DETACH, d, 0, "");
	unplug(s, 1);
	assert_int_equal(state_of(s, d), DEVICE_ABSENT);
	identify_as(s, arrive(s, "usb 2-3"), 1);
	assert_int_equal(state_of(s, d), DEVICE_SERVICE);
	assert_string_equal(device(s, d)->place, "usb 2-3");
	answer(s, ACTION_DETACH, d, 0, "");
	assert_int_equal(state_of(s, d), DEVICE_NEEDS_HUMAN);
	assert_string_equal(device(s, d)->detached_by, "ada");
	/* Taken back while it is away, it comes as any other. */
	unplug(s, 2);
	assert_int_equal(admin(s, d, FARM_ADMIN_ATTACH), 0);
	identify_as(s, arrive(s, "usb 2-3"), 1);
	assert_int_equal(state_of(s, d), DEVICE_PREPARING);
}

static void a_driver_that_cannot_let_go_or_take_back_is_quoted(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	admin(s, d, FARM_ADMIN_DETACH);
	answer(s, ACTION_DETACH, d, ERR_IO, "the interface does not close");
	assert_int_equal(s->last.rc, ERR_UNREACHABLE);
	assert_string_equal(s->last.text, "the interface does not close");
	assert_int_equal(state_of(s, d), DEVICE_IDENTIFYING); /* its session had ended */
	identify_as(s, 1, 1);
	answer_prepare(s, d);

	admin(s, d, FARM_ADMIN_DETACH);
	answer(s, ACTION_DETACH, d, 0, "");
	admin(s, d, FARM_ADMIN_ATTACH);
	answer(s, ACTION_ATTACH, d, ERR_BUSY, "adb (pid 71) has it");
	assert_int_equal(s->last.rc, ERR_UNREACHABLE);
	assert_int_equal(state_of(s, d), DEVICE_NEEDS_HUMAN);
	assert_non_null(strstr(device(s, d)->need, "adb (pid 71) has it"));
	assert_string_equal(device(s, d)->detached_by, "ada");
}

static void without_an_answer_it_counts_as_handed_over(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	admin(s, d, FARM_ADMIN_DETACH);
	pass(s, s->cfg.detach_ms + s->cfg.cancel_grace_ms);
	assert_int_equal(s->last.rc, ERR_UNREACHABLE);
	assert_int_equal(state_of(s, d), DEVICE_NEEDS_HUMAN);
	assert_non_null(strstr(device(s, d)->need, "but no answer within its deadline"));
	assert_int_equal(admin(s, d, FARM_ADMIN_ATTACH), 1);
}

static void what_a_device_needs_does_not_keep_it_from_being_handed_over(void **state)
{
	struct story *s = *state;
	int64_t handle = arrive(s, "usb 1-4.2"), d = 1;

	need(s, handle, "allow debugging on its screen", true);
	assert_int_equal(state_of(s, d), DEVICE_AUTHORIZING);
	admin(s, d, FARM_ADMIN_DETACH);
	answer(s, ACTION_DETACH, d, ERR_IO, "no");
	assert_int_equal(state_of(s, d), DEVICE_NEEDS_HUMAN);
	assert_string_equal(device(s, d)->need, "allow debugging on its screen");
	admin(s, d, FARM_ADMIN_DETACH);
	answer(s, ACTION_DETACH, d, 0, "");
	assert_string_equal(device(s, d)->detached_by, "ada");
}

static void a_need_that_meets_the_taking_back_is_told(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	admin(s, d, FARM_ADMIN_DETACH);
	answer(s, ACTION_DETACH, d, 0, "");
	admin(s, d, FARM_ADMIN_ATTACH);
	need(s, 1, "allow debugging on its screen", true);
	assert_int_equal(state_of(s, d), DEVICE_AUTHORIZING);
	assert_string_equal(device(s, d)->detached_by, "");
	answer(s, ACTION_ATTACH, d, ERR_CANCELLED, "cancelled");
	assert_int_equal(s->n_answers, 2); /* who asked hears of it all the same */
	assert_int_equal(state_of(s, d), DEVICE_AUTHORIZING);
}

static void packages_go_to_the_device_and_its_word_comes_back(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	admin(s, d, FARM_ADMIN_INSTALL);
	assert_string_equal(s->last_more, "[1]");
	answer(s, ACTION_INSTALL, d, 0, "");
	assert_int_equal(s->last.rc, 0);
	assert_string_equal(s->last.text, "installed");
	assert_int_equal(state_of(s, d), DEVICE_READY);

	admin(s, d, FARM_ADMIN_INSTALL);
	answer(s, ACTION_INSTALL, d, ERR_INVAL, "INSTALL_FAILED_INVALID_APK");
	assert_int_equal(s->last.rc, ERR_UNREACHABLE);
	assert_string_equal(s->last.text, "INSTALL_FAILED_INVALID_APK");
	assert_int_equal(
		state_of(s, d), DEVICE_READY); /* a bad package is not the device's fault */
	assert_int_equal(device(s, d)->failures, 0);

	admin(s, d, FARM_ADMIN_INSTALL);
	answer_blaming(s, ACTION_INSTALL, d, ERR_NOSPACE, "no space left");
	assert_int_equal(state_of(s, d), DEVICE_RECOVERING);
	assert_int_equal(device(s, d)->failures, 1);
}

static void settings_come_back_as_data(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);
	struct farm_event ev = {.kind = FARM_ACTION_DONE, .u.done = {.text = ""}};

	admin(s, d, FARM_ADMIN_PROVISION);
	ev.u.done.action = open_action(s, ACTION_PROVISION, d)->id;
	ev.u.done.record = rstr_new("[{}]", 4);
	step(s, &ev);
	rstr_unref(ev.u.done.record);
	assert_int_equal(s->last.rc, 0);
	assert_string_equal(s->body, "[{}]");
	assert_int_equal(state_of(s, d), DEVICE_READY);
}

static void who_asks_is_answered_when_the_device_goes_or_is_silent(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	admin(s, d, FARM_ADMIN_INSTALL);
	unplug(s, 1);
	assert_int_equal(s->n_answers, 1);
	assert_int_equal(s->last.rc, ERR_GONE);
	assert_int_equal(state_of(s, d), DEVICE_ABSENT);

	identify_as(s, arrive(s, "usb 1-1"), 1);
	answer_prepare(s, d);
	admin(s, d, FARM_ADMIN_PROVISION);
	pass(s, s->cfg.provision_ms + s->cfg.cancel_grace_ms);
	assert_int_equal(s->n_answers, 2);
	assert_int_equal(s->last.rc, ERR_UNREACHABLE);
}

static void an_agent_that_is_lost_meanwhile_is_brought_back(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	admin(s, d, FARM_ADMIN_INSTALL);
	step(s, &(struct farm_event){
			.kind = FARM_AGENT_LOST, .u.agent_lost = {.device = d, .text = "it died"}});
	assert_int_equal(state_of(s, d), DEVICE_SERVICE);
	answer(s, ACTION_INSTALL, d, 0, "");
	assert_int_equal(s->last.rc, 0);
	assert_int_equal(state_of(s, d), DEVICE_RECOVERING);
}

static void quarantine_waits_until_it_is_over(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	admin(s, d, FARM_ADMIN_DETACH);
	assert_int_equal(admin(s, d, FARM_ADMIN_QUARANTINE), ERR_WRONGSTATE);
	assert_int_equal(admin(s, d, FARM_ADMIN_RETIRE), ERR_WRONGSTATE);
	answer(s, ACTION_DETACH, d, 0, "");
	assert_int_equal(admin(s, d, FARM_ADMIN_QUARANTINE), ERR_WRONGSTATE);
	assert_int_equal(admin(s, d, FARM_ADMIN_RETIRE), 0);
	assert_int_equal(admin(s, d, FARM_ADMIN_QUARANTINE), ERR_WRONGSTATE); /* it stays retired */
}

static void a_note_is_audited_with_its_actor(void **state)
{
	struct story *s = *state;

	step(s, &(struct farm_event){.kind = FARM_NOTE,
			.token = 3,
			.actor = "ada",
			.u.note = {.action = "device.connect", .detail = "10.0.0.7:5555"}});
	assert_int_equal(s->last.rc, 0);
	assert_string_equal(s->last_audit, "device.connect");
}

#define T(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_free_device_is_handed_over_and_taken_back),
		T(the_way_back_can_be_copied_whoever_it_is),
		T(nobody_is_given_a_device_that_is_detached),
		T(a_busy_device_is_not_touched),
		T(a_device_that_cannot_says_so),
		T(it_stays_detached_on_another_port),
		T(a_driver_that_cannot_let_go_or_take_back_is_quoted),
		T(without_an_answer_it_counts_as_handed_over),
		T(what_a_device_needs_does_not_keep_it_from_being_handed_over),
		T(a_need_that_meets_the_taking_back_is_told),
		T(packages_go_to_the_device_and_its_word_comes_back),
		T(settings_come_back_as_data),
		T(who_asks_is_answered_when_the_device_goes_or_is_silent),
		T(an_agent_that_is_lost_meanwhile_is_brought_back),
		T(quarantine_waits_until_it_is_over),
		T(a_note_is_audited_with_its_actor),
	};

	return cmocka_run_group_tests_name("core_service", tests, NULL, NULL);
}
