/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of a few devices that break what they are given: how many devices that may cost. */
#include "support.h"

#include <string.h>

#include "base/exitcode.h"

static void shelf(struct story *s, int64_t *ids, int n)
{
	for (int i = 0; i < n; i++)
		ids[i] = ready_device(s, i + 1);
}

/* The device of the job's first slot fails as something is pushed to it. */
static int64_t break_it(struct story *s, int64_t job, int slot)
{
	int64_t d = run_of(s, job, slot)->device;

	answer_blaming(s, ACTION_STAGE, d, ERR_IO, "it reboots as this is pushed");
	return d;
}

static void settle(struct story *s, int64_t d)
{
	answer(s, ACTION_COLLECT, d, 0, "");
	answer(s, ACTION_CLEAN, d, 0, "");
}

static int64_t retry(struct story *s, int64_t job)
{
	step(s, &(struct farm_event){.kind = FARM_JOB_RETRY,
			.token = 5,
			.actor = "ada",
			.u.retry = {.job = job, .reason = "mended"}});
	return s->last.rc;
}

static void a_job_that_breaks_three_devices_in_turn_is_paused(void **state)
{
	struct story *s = *state;
	int64_t ids[6], broken[3], job, other;
	const struct job_row *row;

	shelf(s, ids, 6);
	s->retries = 8;
	job = submit(s, 1, "{}");
	row = farm_job(s->farm, job);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(row->state, JOB_RUNNING);
		broken[i] = break_it(s, job, 0);
	}
	assert_int_equal(row->state, JOB_PAUSED);
	assert_int_equal(row->exit_code, EXIT_INFRASTRUCTURE);
	assert_non_null(strstr(row->cause, "it failed on 3 devices in turn and worked on none"));
	assert_non_null(strstr(row->cause, "`framefarm job retry j1`"));
	assert_non_null(strstr(row->cause, "it reboots as this is pushed"));
	for (int i = 0; i < 3; i++) {
		settle(s, broken[i]);
		assert_int_equal(state_of(s, broken[i]), DEVICE_READY);
		assert_int_equal(device(s, broken[i])->failures, 0);
	}
	/* The farm goes on, and so does the job when it is told. */
	other = submit(s, 6, "{}");
	for (int i = 0; i < 6; i++) {
		let_start(s, ids[i]);
		let_pass(s, ids[i]);
		answer(s, ACTION_CLEAN, ids[i], 0, "");
	}
	assert_int_equal(job_state(s, other), 0);
	assert_int_equal(retry(s, job), 0);
	let_start(s, run_of(s, job, 0)->device);
	let_pass(s, run_of(s, job, 0)->device);
	assert_int_equal(job_state(s, job), 0);
}

static void after_a_retry_it_has_three_again(void **state)
{
	struct story *s = *state;
	int64_t ids[8], job;

	shelf(s, ids, 8);
	s->retries = 8;
	job = submit(s, 1, "{}");
	for (int i = 0; i < 3; i++)
		break_it(s, job, 0);
	assert_int_equal(retry(s, job), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(job_state(s, job), JOB_RUNNING);
		break_it(s, job, 0);
	}
	assert_int_equal(job_state(s, job), JOB_PAUSED);
}

static void devices_that_fail_at_once_may_have_a_hub_in_common(void **state)
{
	struct story *s = *state;
	int64_t ids[8], job;

	shelf(s, ids, 8);
	s->retries = 8;
	job = submit(s, 4, "{}");
	for (int i = 0; i < 4; i++)
		break_it(s, job, i);
	assert_int_equal(job_state(s, job), JOB_RUNNING);
	/* The next that get it are elsewhere: one result, and nothing speaks against the job. */
	let_start(s, run_of(s, job, 0)->device);
	let_pass(s, run_of(s, job, 0)->device);
	break_it(s, job, 1);
	assert_int_equal(job_state(s, job), JOB_RUNNING);
}

static void a_second_wave_of_failures_is_the_jobs(void **state)
{
	struct story *s = *state;
	int64_t ids[8], job;

	shelf(s, ids, 8);
	s->retries = 8;
	job = submit(s, 3, "{}");
	for (int i = 0; i < 3; i++)
		break_it(s, job, i);
	assert_int_equal(job_state(s, job), JOB_RUNNING);
	break_it(s, job, 0);
	assert_int_equal(job_state(s, job), JOB_PAUSED);
	/* Those that had it by then are not blamed either. */
	break_it(s, job, 1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(device(s, ids[i])->failures, 0);
}

static void one_bad_device_is_not_three(void **state)
{
	struct story *s = *state;
	int64_t d = ready_device(s, 1), job;

	s->retries = 8;
	s->cfg.max_failures = 100;
	job = submit(s, 1, "{}");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(break_it(s, job, 0), d);
		settle(s, d);
		assert_int_equal(device(s, d)->failures, i + 1);
	}
	assert_int_equal(job_state(s, job), JOB_RUNNING);
}

static void with_its_last_retry_it_ends_and_the_devices_are_not_blamed(void **state)
{
	struct story *s = *state;
	int64_t ids[5], job;

	shelf(s, ids, 5);
	s->retries = 2;
	job = submit(s, 1, "{}");
	for (int i = 0; i < 3; i++)
		break_it(s, job, 0);
	assert_int_equal(job_state(s, job), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(device(s, ids[i])->failures, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, story_setup, story_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_job_that_breaks_three_devices_in_turn_is_paused),
		T(after_a_retry_it_has_three_again),
		T(devices_that_fail_at_once_may_have_a_hub_in_common),
		T(a_second_wave_of_failures_is_the_jobs),
		T(one_bad_device_is_not_three),
		T(with_its_last_retry_it_ends_and_the_devices_are_not_blamed),
	};

	return cmocka_run_group_tests_name("core_blame", tests, NULL, NULL);
}
