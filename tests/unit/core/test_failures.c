/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that fail on infrastructure: tried elsewhere, logs kept, a bad job paused; who is given what. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"

/* The one of the two on which the job's first attempt is; *ret_other: the other. */
static int64_t busy_one(struct story *s, int64_t a, int64_t b, int64_t *ret_other)
{
	int64_t d = attempt_on(s, a) ? a : b;

	*ret_other = d == a ? b : a;
	assert_true(attempt_on(s, d) && !attempt_on(s, *ret_other));
	return d;
}

static void expect_elsewhere(struct story *s, int64_t failed, int64_t other)
{
	const struct run_row *r = run_of(s, 1, 0);

	assert_true(attempt_on(s, other) > 0);
	assert_int_equal(attempt_on(s, failed), 0);
	assert_int_equal(r->avoid, failed);
	assert_int_equal(r->device, other);
	let_start(s, other);
	let_pass(s, other);
	assert_int_equal(job_state(s, 1), 0);
}

static void what_staging_fails_on_is_tried_on_another_phone(void **state)
{
	static const struct {
		int rc;
		const char *text;
	} causes[] = {
		{ERR_NOSPACE, "storage full: 12 MiB are free, the model has 50"},
		{ERR_UNSUPPORTED, "there is no runner for riscv64"},
		{ERR_PERM, "what was pushed may not be executed (noexec)"},
		{ERR_IO, "the cable dropped in mid-push"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		void *fresh;
		struct story *s;
		int64_t a, b, d, other;

		story_setup(&fresh);
		s = fresh;
		a = ready_device(s, 1);
		b = ready_device(s, 2);
		submit(s, 1, "{}");
		d = busy_one(s, a, b, &other);
		answer(s, ACTION_STAGE, d, causes[i].rc, causes[i].text);
		expect_elsewhere(s, d, other);
		story_teardown(&fresh);
	}
}

static void what_the_agent_calls_infrastructure_is_tried_on_another_phone(void **state)
{
	struct story *s = *state;
	int64_t a = ready_device(s, 1), b = ready_device(s, 2), d, other;

	submit(s, 1, "{}");
	d = busy_one(s, a, b, &other);
	let_start(s, d);
	agent_end(s, d, FARM_OUTCOME_INFRASTRUCTURE, false, "the spool could not be written");
	expect_elsewhere(s, d, other);
}

enum when { WHILE_STAGING, WHILE_STARTING, WHILE_RUNNING, WHILE_COLLECTING, WHENS };

static void reach(struct story *s, int64_t d, enum when when)
{
	if (when >= WHILE_STARTING)
		answer(s, ACTION_STAGE, d, 0, "");
	if (when >= WHILE_RUNNING)
		answer(s, ACTION_START, d, 0, "");
	if (when >= WHILE_COLLECTING)
		agent_end(s, d, FARM_OUTCOME_RESULT, false, "");
}

static void a_phone_that_goes_in_any_state_of_a_run_is_replaced(void **state)
{
	(void)state;
	for (int when = 0; when < WHENS; when++) {
		void *fresh;
		struct story *s;
		int64_t a, b, d, other;

		story_setup(&fresh);
		s = fresh;
		a = ready_device(s, 1);
		b = ready_device(s, 2);
		submit(s, 1, "{}");
		d = busy_one(s, a, b, &other);
		reach(s, d, when);
		unplug(s, d == a ? 1 : 2);
		/* It may come back in time; this one does not. */
		pass(s, s->cfg.reattach_ms);
		assert_int_equal(device(s, d)->failures, 0);
		if (when > WHILE_STARTING)
			assert_string_equal(s->last_cause, "its agent was out of reach for 300 s");
		expect_elsewhere(s, d, other);
		story_teardown(&fresh);
	}
}

static void a_phone_that_is_there_and_does_not_send_the_rest_is_blamed(void **state)
{
	struct story *s = *state;
	int64_t a = ready_device(s, 1), b = ready_device(s, 2), d, other;

	submit(s, 1, "{}");
	d = busy_one(s, a, b, &other);
	reach(s, d, WHILE_COLLECTING);
	pass(s, s->cfg.collect_ms);
	assert_int_equal(device(s, d)->failures, 1);
	assert_string_equal(s->last_cause, "its last data did not come within the deadline");
	expect_elsewhere(s, d, other);
}

/* END comes again with each connection; if each gave it time, the run of a phone that reconnects without end
 * would never end. */
static void another_END_gives_the_rest_no_more_time(void **state)
{
	struct story *s = *state;
	int64_t a = ready_device(s, 1), b = ready_device(s, 2), d, other;

	submit(s, 1, "{}");
	d = busy_one(s, a, b, &other);
	reach(s, d, WHILE_COLLECTING);
	pass(s, s->cfg.collect_ms - 1000);
	agent_end(s, d, FARM_OUTCOME_RESULT, false, "");
	assert_int_equal(device(s, d)->failures, 0);
	pass(s, 1000);
	assert_int_equal(device(s, d)->failures, 1);
	expect_elsewhere(s, d, other);
}

static void the_cause_of_the_last_failure_ends_the_run(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	submit(s, 1, "{}"); /* one retry */
	answer(s, ACTION_STAGE, d, ERR_NOSPACE, "storage full");
	answer(s, ACTION_COLLECT, d, 0, "");
	answer(s, ACTION_CLEAN, d, 0, "");
	assert_int_equal(run_of(s, 1, 0)->state, RUN_STAGING); /* there is no other */
	assert_int_equal(run_of(s, 1, 0)->retries, 1);
	answer(s, ACTION_STAGE, d, ERR_NOSPACE, "storage full");
	assert_int_equal(job_state(s, 1), 0);
}

/* The agent's stream may end before the push does, or the other way round. */
static void whichever_end_comes_first_the_cause_is_the_phones(void **state)
{
	struct story *s = *state;
	int64_t a = ready_device(s, 1), b = ready_device(s, 2), d, other;

	submit(s, 1, "{}");
	d = busy_one(s, a, b, &other);
	step(s, &(struct farm_event){.kind = FARM_AGENT_LOST,
			.u.agent_lost = {.device = d, .text = "the cable was pulled"}});
	answer(s, ACTION_STAGE, d, ERR_CANCELLED, "cancelled");
	assert_true(attempt_on(s, other) > 0);
	assert_string_equal(s->last_cause, "the cable was pulled");
}

/* What is overdue is cancelled, and its end says so; why it was is the cause. */
static void what_is_overdue_says_so(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	submit(s, 1, "{}");
	answer(s, ACTION_STAGE, d, 0, "");
	pass(s, s->cfg.start_ms);
	answer(s, ACTION_START, d, ERR_CANCELLED, "cancelled");
	assert_int_equal(run_of(s, 1, 0)->state, RUN_REATTACHING);
	assert_string_equal(device(s, d)->need, "no answer within its deadline");
}

/* Its connection stands and nobody answers: while its attempt may still be measuring the agent is left
 * alone, behind that it is stopped before the device is given up. */
static void a_frozen_agent_is_stopped_once_nothing_can_be_measuring(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);
	const struct farm_action *a;
	bool stopped = false;

	submit(s, 1, "{}");
	let_start(s, d);
	step(s, &(struct farm_event){.kind = FARM_AGENT_LOST,
			.u.agent_lost = {.device = d, .text = "it says nothing"}});
	for (int i = 0; i < 200 && !stopped && state_of(s, d) != DEVICE_QUARANTINED; i++) {
		if (open_action(s, ACTION_IDENTIFY, d))
			identify_as(s, 1, 1);
		if (open_action(s, ACTION_PREPARE, d))
			answer_blaming(s, ACTION_PREPARE, d, ERR_TIMEOUT, "no handshake");
		a = open_action(s, ACTION_RECOVER, d);
		stopped = a && !a->lease; /* devmgr stops the agent then */
		if (stopped)
			assert_int_equal(attempt_on(s, d), 0);
		if (a)
			answer(s, ACTION_RECOVER, d, 0, "");
		pass(s, 10000);
	}
	assert_true(stopped);
	identify_as(s, 1, 1);
	answer_prepare(s, d);
	assert_true(state_of(s, d) != DEVICE_QUARANTINED && state_of(s, d) != DEVICE_RECOVERING);
}

/* ---- logs ---- */

static void logs_are_fetched_before_the_device_is_cleaned(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1), attempt;

	submit(s, 1, "{}");
	let_start(s, d);
	attempt = attempt_on(s, d);
	agent_end(s, d, FARM_OUTCOME_RESULT, true, "the runner died of SIGSEGV");
	let_pass(s, d); /* the execution gate's affair; here only that it is judged */
	assert_null(open_action(s, ACTION_CLEAN, d));
	assert_int_equal(open_action(s, ACTION_COLLECT, d)->arg, attempt);
	/* A failure of it, even the device's, is none of the device or the run. */
	answer_blaming(s, ACTION_COLLECT, d, ERR_IO, "logcat does not answer");
	answer(s, ACTION_CLEAN, d, 0, "");
	assert_int_equal(state_of(s, d), DEVICE_READY);
	assert_int_equal(device(s, d)->failures, 0);
}

static void a_run_without_a_failure_fetches_no_logs(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	submit(s, 1, "{}");
	let_start(s, d);
	let_pass(s, d);
	assert_null(open_action(s, ACTION_COLLECT, d));
	assert_non_null(open_action(s, ACTION_CLEAN, d));
}

static void a_device_without_logs_is_not_asked(void **state)
{
	struct story *s = *state;
	int64_t d;

	s->no_caps = true;
	d = ready_device(s, 1);
	submit(s, 1, "{}");
	answer(s, ACTION_STAGE, d, ERR_IO, "no");
	assert_null(open_action(s, ACTION_COLLECT, d));
}

static void a_phone_that_went_gives_its_logs_when_it_is_back(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1);

	submit(s, 1, "{}");
	let_start(s, d);
	unplug(s, 1);
	pass(s, s->cfg.reattach_ms);
	assert_int_equal(state_of(s, d), DEVICE_ABSENT);
	identify_as(s, arrive(s, "usb 1-1"), 1);
	answer_prepare(s, d);
	assert_int_equal(open_action(s, ACTION_COLLECT, d)->arg, 1);
}

/* ---- a bad job ---- */

static void shelf(struct story *s, int64_t *ids, int n)
{
	for (int i = 0; i < n; i++)
		ids[i] = ready_device(s, i + 1);
}

static int64_t retry(struct story *s, int64_t job)
{
	step(s, &(struct farm_event){.kind = FARM_JOB_RETRY,
			.token = 5,
			.actor = "ada",
			.u.retry = {.job = job, .reason = "mended"}});
	return s->last.rc;
}

static void a_push_that_breaks_every_phone_pauses_the_job_and_not_the_farm(void **state)
{
	struct story *s = *state;
	int64_t ids[5], job, other;

	shelf(s, ids, 5);
	job = submit(s, 5, "{}");
	for (int i = 0; i < 2; i++)
		answer_blaming(s, ACTION_STAGE, ids[i], ERR_IO, "it reboots as this is pushed");
	assert_int_equal(job_state(s, job), JOB_PAUSED);
	assert_int_equal(farm_job(s->farm, job)->exit_code, 20);
	assert_non_null(strstr(farm_job(s->farm, job)->cause, "2 of its 5 devices failed"));
	for (int i = 2; i < 5; i++)
		answer_blaming(s, ACTION_STAGE, ids[i], ERR_IO, "it reboots as this is pushed");
	for (int i = 0; i < 5; i++) {
		answer(s, ACTION_COLLECT, ids[i], 0, "");
		answer(s, ACTION_CLEAN, ids[i], 0, "");
		assert_int_equal(state_of(s, ids[i]), DEVICE_READY);
		assert_true(device(s, ids[i])->failures <= (i < 2));
	}
	/* The paused job takes none of them; another does. */
	other = submit(s, 1, "{}");
	assert_int_equal(job_state(s, other), JOB_RUNNING);
}

static void a_paused_job_goes_on_where_it_stopped(void **state)
{
	struct story *s = *state;
	int64_t ids[5], job;

	shelf(s, ids, 5);
	job = submit(s, 5, "{}");
	assert_int_equal(retry(s, job), ERR_WRONGSTATE); /* it runs */
	assert_int_equal(retry(s, 99), ERR_NOTFOUND);
	for (int i = 0; i < 5; i++) {
		if (i < 2) {
			answer(s, ACTION_STAGE, ids[i], ERR_IO, "no");
			answer(s, ACTION_COLLECT, ids[i], 0, "");
		} else {
			let_start(s, ids[i]);
			let_pass(s, ids[i]);
		}
		answer(s, ACTION_CLEAN, ids[i], 0, "");
	}
	assert_int_equal(job_state(s, job), JOB_PAUSED);
	assert_int_equal(retry(s, job), 0);
	assert_string_equal(s->last_audit, "job.retry");
	assert_int_equal(job_state(s, job), JOB_RUNNING);
	assert_int_equal(farm_job(s->farm, job)->exit_code, -1);
	for (int i = 0; i < 5; i++)
		if (attempt_on(s, ids[i])) {
			let_start(s, ids[i]);
			let_pass(s, ids[i]);
		}
	assert_int_equal(job_state(s, job), 0);
}

static void a_device_that_fails_and_is_replaced_is_not_the_jobs_fault(void **state)
{
	struct story *s = *state;
	int64_t ids[6], job;

	/* Five slots and a spare phone: what fails on the first works on the spare one, so that a
	 * second failure is one of five, not two. */
	shelf(s, ids, 6);
	job = submit(s, 5, "{}");
	answer(s, ACTION_STAGE, ids[0], ERR_IO, "a bad cable");
	assert_int_equal(run_of(s, job, 0)->device, ids[5]);
	let_start(s, ids[5]);
	let_pass(s, ids[5]);
	answer(s, ACTION_STAGE, ids[1], ERR_IO, "a bad cable");
	assert_int_equal(job_state(s, job), JOB_RUNNING);
	answer(s, ACTION_STAGE, ids[2], ERR_IO, "a bad cable");
	assert_int_equal(job_state(s, job), JOB_PAUSED);
}

static void four_devices_are_too_few_to_blame_a_job(void **state)
{
	struct story *s = *state;
	int64_t ids[4], job;

	shelf(s, ids, 4);
	job = submit(s, 4, "{}");
	for (int i = 0; i < 4; i++)
		answer(s, ACTION_STAGE, ids[i], ERR_IO, "no");
	assert_int_equal(job_state(s, job), JOB_RUNNING);
}

/* ---- who is meant ---- */

static void an_empty_selector_means_real_devices(void **state)
{
	static const struct {
		const char *select;
		bool matches_virtual, matches_real;
	} selects[] = {
		{"{}", false, true},
		{"{\"model\": \"Model\"}", false, true},
		{"{\"virtual\": \"no\"}", false, true},
		{"{\"virtual\": \"yes\"}", true, false},
		{"{\"virtual\": \"any\"}", true, true},
		{"{\"name\": \"phone-1\"}", true, false},
		{"{\"id\": \"d1\"}", true, false},
		{"{\"name\": \"phone-2\", \"virtual\": \"yes\"}", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(selects) / sizeof(selects[0]); i++) {
		int64_t virtual_one, real_one;
		struct story *s;
		void *fresh;

		story_setup(&fresh);
		s = fresh;
		s->is_virtual = true;
		virtual_one = ready_device(s, 1);
		s->is_virtual = false;
		real_one = ready_device(s, 2);
		submit(s, 0, selects[i].select);
		if ((attempt_on(s, virtual_one) != 0) != selects[i].matches_virtual ||
			(attempt_on(s, real_one) != 0) != selects[i].matches_real)
			fail_msg("%s", selects[i].select);
		story_teardown(&fresh);
	}
}

static int64_t n_runs(struct story *s, int64_t job)
{
	return farm_job(s->farm, job)->n_runs;
}

static void all_are_those_that_can_be_used(void **state)
{
	struct story *s = *state;
	int64_t ids[5];

	shelf(s, ids, 5);
	admin(s, ids[0], FARM_ADMIN_QUARANTINE);
	unplug(s, 2);
	need(s, 3, "charging only: choose file transfer", false);
	assert_int_equal(n_runs(s, submit(s, 0, "{}")), 5); /* they may be back in a moment */
	pass(s, s->cfg.rematch_ms + 1);
	assert_int_equal(n_runs(s, submit(s, 0, "{}")), 2);
}

/* A match time of nothing is a match time, not a loop. */
static void a_job_that_waits_for_a_busy_device_is_looked_at_now_and_then(void **state)
{
	struct story *s = *state;
	int64_t first, second;

	s->cfg.no_match_ms = 0;
	farm_free(s->farm);
	s->farm = farm_new(&s->cfg);
	step(s, &(struct farm_event){.kind = FARM_BOOT});
	ready_device(s, 1);
	first = submit(s, 1, "{}");
	second = submit(s, 1, "{}");
	assert_int_equal(job_state(s, first), JOB_RUNNING);
	assert_int_equal(job_state(s, second), JOB_QUEUED);
	assert_true(farm_next_deadline(s->farm) > s->now.mono_ms);
	submit(s, 1, "{\"model\": \"nobody has it\"}");
	assert_int_equal(job_state(s, second + 1), 0);
}

static void a_slot_whose_device_stays_away_ends(void **state)
{
	struct story *s = *state;
	int64_t ids[2], job;

	shelf(s, ids, 2);
	unplug(s, 2);
	job = submit(s, 0, "{}");
	let_start(s, ids[0]);
	let_pass(s, ids[0]);
	pass(s, s->cfg.reattach_ms - 5000);
	assert_int_equal(job_state(s, job), JOB_RUNNING);
	pass(s, 2 * s->cfg.rematch_ms);
	assert_int_equal(job_state(s, job), 0);
}

/* Whoever waits for the job is told which device, why it is out, and how it comes back. */
static void a_job_whose_devices_are_all_quarantined_ends(void **state)
{
	struct story *s = *state;
	int64_t ids[2], job;

	shelf(s, ids, 2);
	admin(s, ids[0], FARM_ADMIN_QUARANTINE);
	admin(s, ids[1], FARM_ADMIN_QUARANTINE);
	job = submit(s, 1, "{}");
	pass(s, s->cfg.reattach_ms - 5000);
	assert_int_equal(job_state(s, job), JOB_QUEUED);
	pass(s, s->cfg.no_match_ms + 5000);
	assert_int_equal(job_state(s, job), 0);
	assert_int_equal(s->last_run.exit_code, EXIT_INFRASTRUCTURE);
	assert_non_null(strstr(s->last_run.cause, "all devices that match are quarantined; "));
	assert_non_null(strstr(s->last_run.cause, "`framefarm device release d"));
}

static void a_job_waits_while_a_device_in_service_may_come(void **state)
{
	struct story *s = *state;
	int64_t ids[2], job;

	shelf(s, ids, 2);
	admin(s, ids[0], FARM_ADMIN_QUARANTINE);
	unplug(s, 2);
	job = submit(s, 1, "{}");
	pass(s, 2 * s->cfg.reattach_ms);
	assert_int_equal(job_state(s, job), JOB_QUEUED);
	identify_as(s, arrive(s, "usb 1-2"), 2);
	answer_prepare(s, ids[1]);
	assert_true(attempt_on(s, ids[1]) != 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_staging_fails_on_is_tried_on_another_phone),
		T(what_the_agent_calls_infrastructure_is_tried_on_another_phone),
		cmocka_unit_test(a_phone_that_goes_in_any_state_of_a_run_is_replaced),
		T(a_phone_that_is_there_and_does_not_send_the_rest_is_blamed),
		T(whichever_end_comes_first_the_cause_is_the_phones),
		T(what_is_overdue_says_so),
		T(a_frozen_agent_is_stopped_once_nothing_can_be_measuring),
		T(another_END_gives_the_rest_no_more_time),
		T(the_cause_of_the_last_failure_ends_the_run),
		T(logs_are_fetched_before_the_device_is_cleaned),
		T(a_run_without_a_failure_fetches_no_logs),
		T(a_device_without_logs_is_not_asked),
		T(a_phone_that_went_gives_its_logs_when_it_is_back),
		T(a_push_that_breaks_every_phone_pauses_the_job_and_not_the_farm),
		T(a_paused_job_goes_on_where_it_stopped),
		T(a_device_that_fails_and_is_replaced_is_not_the_jobs_fault),
		T(four_devices_are_too_few_to_blame_a_job),
		cmocka_unit_test(an_empty_selector_means_real_devices),
		T(all_are_those_that_can_be_used),
		T(a_job_that_waits_for_a_busy_device_is_looked_at_now_and_then),
		T(a_slot_whose_device_stays_away_ends),
		T(a_job_whose_devices_are_all_quarantined_ends),
		T(a_job_waits_while_a_device_in_service_may_come),
	};

	return cmocka_run_group_tests_name("core_failures", tests, NULL, NULL);
}
