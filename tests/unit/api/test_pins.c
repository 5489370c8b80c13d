/* SPDX-License-Identifier: Apache-2.0 */
/* Pins over the API: a job is kept whatever its age, and who asked for it and why is shown. */
#include "support.h"

static void change(
	struct rig *r, const char *path, const char *body, int status, struct response *p)
{
	ask(r, "POST", path, "", body, p);
	assert_status(p, status);
}

static void a_pin_is_shown_until_it_is_taken_off(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	ask_get(r, "/api/v1/jobs/j1", &p);
	assert_true(json_is_null(response_at(&p, "pinned")));
	response_free(&p);
	change(r, "/api/v1/jobs/j1/pin", "{\"reason\": \"the baseline\"}", 200, &p);
	assert_string_equal(response_str(&p, "id"), "j1");
	assert_string_equal(response_str(&p, "pinned.reason"), "the baseline");
	assert_string_equal(response_str(&p, "pinned.actor"), "admin");
	response_free(&p);
	ask_get(r, "/api/v1/jobs", &p);
	assert_string_equal(response_str(&p, "jobs.0.pinned.reason"), "the baseline");
	response_free(&p);
	/* Once more: the last reason holds. */
	change(r, "/api/v1/jobs/j1/pin", "{\"reason\": \"release 2\"}", 200, &p);
	assert_string_equal(response_str(&p, "pinned.reason"), "release 2");
	response_free(&p);
	change(r, "/api/v1/jobs/j1/unpin", "", 200, &p);
	assert_true(json_is_null(response_at(&p, "pinned")));
	response_free(&p);
	change(r, "/api/v1/jobs/j1/unpin", "", 200, &p);
	response_free(&p);
}

static void bad_requests_are_refused(void **state)
{
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	change(r, "/api/v1/jobs/j99/pin", "{}", 404, &p);
	response_free(&p);
	change(r, "/api/v1/jobs/r1/pin", "{}", 404, &p);
	response_free(&p);
	change(r, "/api/v1/jobs/j1/pin", "{\"why\": 1}", 400, &p);
	response_free(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pin_is_shown_until_it_is_taken_off),
		TEST(bad_requests_are_refused),
	};

	return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
