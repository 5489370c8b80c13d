/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to devices when somebody asks, addresses, a job tried again, artifacts. */
#include "support.h"

#include "api/bounds.h"
#include "base/rstr.h"
#include "core/rows.h"

static void post(struct rig *r, const char *path, const char *body, int status, struct response *p)
{
	ask(r, "POST", path, "", body, p);
	assert_status(p, status);
}

static void a_device_is_handed_over_and_taken_back(void **state)
{
	struct response p;

	post(*state, "/api/v1/devices/d1/detach", "{\"reason\": \"Studio\"}", 200, &p);
	assert_string_equal(response_str(&p, "id"), "d1");
	assert_string_equal(response_str(&p, "text"), "Studio");
	response_free(&p);
	post(*state, "/api/v1/devices/d1/attach", "", 200, &p);
	response_free(&p);
	post(*state, "/api/v1/devices/d101/attach", "", 404, &p);
	response_free(&p);
}

static void packages_are_uploaded_before_they_are_installed(void **state)
{
	struct rig *r = *state;
	struct response p;
	const char *body = "{\"files\": [{\"sha256\": \"" SHA_MODEL "\", \"name\": \"app.apk\"}]}";

	post(r, "/api/v1/devices/d1/install", body, 409, &p);
	assert_string_equal(response_str(&p, "missing.0"), SHA_MODEL);
	response_free(&p);
	fake_blob(r->ctl, SHA_MODEL, 10);
	post(r, "/api/v1/devices/d1/install", body, 200, &p);
	assert_non_null(strstr(response_str(&p, "text"), SHA_MODEL));
	response_free(&p);
	/* What the device itself says no to is no reason to ask again. */
	post(r, "/api/v1/devices/d99/install", body, 409, &p);
	assert_string_equal(response_str(&p, "type"), "urn:framefarm:problem:device-failed");
	assert_non_null(strstr(response_str(&p, "detail"), "NO_MATCHING_ABIS"));
	assert_null(response_header(&p, "Retry-After"));
	response_free(&p);
}

static void bad_package_lists_are_refused(void **state)
{
	static const char *const bad[] = {"", "{}", "{\"files\": []}", "{\"files\": [{}]}",
		"{\"files\": [{\"sha256\": \"../../etc/passwd\"}]}",
		"{\"files\": [{\"sha256\": \"" SHA_MODEL "\", \"path\": \"/etc/passwd\"}]}"};
	struct response p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		post(*state, "/api/v1/devices/d1/install", bad[i], 400, &p);
		response_free(&p);
	}
}

static void at_most_so_many_packages_go_together(void **state)
{
	struct rig *r = *state;
	char body[64 * (API_PACKAGES_MAX + 8) * 2];
	struct response p;

	fake_blob(r->ctl, SHA_MODEL, 10);
	for (int n = API_PACKAGES_MAX; n <= API_PACKAGES_MAX + 1; n++) {
		strcpy(body, "{\"files\": [");
		for (int i = 0; i < n; i++)
			strcat(strcat(body, i ? ", " : ""), "{\"sha256\": \"" SHA_MODEL "\"}");
		strcat(body, "]}");
		post(r, "/api/v1/devices/d1/install", body, n > API_PACKAGES_MAX ? 400 : 200, &p);
		response_free(&p);
	}
}

static void settings_are_checked_unless_more_is_said(void **state)
{
	static const char *const bodies[][2] = {{"", "check"}, {"{\"do\": \"check\"}", "check"},
		{"{\"do\": \"apply\"}", "apply"}, {"{\"do\": \"undo\"}", "undo"}};
	struct response p;

	for (int i = 0; i < 4; i++) {
		post(*state, "/api/v1/devices/d1/provision", bodies[i][0], 200, &p);
		assert_string_equal(response_str(&p, "settings.0.setting"), bodies[i][1]);
		response_free(&p);
	}
	post(*state, "/api/v1/devices/d1/provision", "{\"do\": \"break\"}", 400, &p);
	response_free(&p);
}

static void a_slow_install_is_waited_for(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	fake_blob(r->ctl, SHA_MODEL, 10);
	fake_hold_answers(r->ctl, true);
	client_open(&c, r);
	ask_send(&c, "POST", "/api/v1/devices/d1/install", "",
		"{\"files\": [{\"sha256\": \"" SHA_MODEL "\"}]}");
	rig_settle(r);
	fake_advance(r->ctl, API_INSTALL_MS - 10000);
	rig_settle(r);
	fake_hold_answers(r->ctl, false);
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	client_close(&c);
}

static void an_address_is_noted_with_who_asked(void **state)
{
	struct response p;

	post(*state, "/api/v1/addresses/connect", "{\"address\": \"127.0.0.1:5555\"}", 200, &p);
	assert_string_equal(response_str(&p, "text"), "device.connect 127.0.0.1:5555 by admin");
	response_free(&p);
	post(*state, "/api/v1/addresses/connect", "{\"address\": \"nowhere\"}", 400, &p);
	response_free(&p);
	post(*state, "/api/v1/addresses/connect", "{\"address\": \"a b:1\"}", 400, &p);
	response_free(&p);
	post(*state, "/api/v1/addresses/disconnect", "{\"address\": \"127.0.0.1:5555\"}", 404, &p);
	response_free(&p);
}

static void where_no_driver_knows_addresses_there_are_none(void **state)
{
	struct response p;

	post(*state, "/api/v1/addresses/connect", "{\"address\": \"nodriver:1\"}", 409, &p);
	response_free(&p);
	post(*state, "/api/v1/addresses/disconnect", "{\"address\": \"nodriver:1\"}", 409, &p);
	assert_string_equal(response_str(&p, "type"), "urn:framefarm:problem:unsupported");
	response_free(&p);
}

static void an_address_at_which_nobody_is_says_why(void **state)
{
	struct response p;

	ask_get(*state, "/api/v1/addresses", &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "addresses.0.trouble"), "");
	assert_string_equal(response_str(&p, "addresses.1.address"), "pixel.lab:5555");
	assert_string_equal(
		response_str(&p, "addresses.1.trouble"), "cannot connect: Connection refused");
	response_free(&p);
}

static void a_paused_job_goes_on_and_a_running_one_is_left_alone(void **state)
{
	struct job_row row = {.id = 7, .state = JOB_PAUSED, .exit_code = 20, .submitted_ms = 1};
	struct rig *r = *state;
	struct response p;

	fake_put(r->ctl, &job_table, &row);
	post(r, "/api/v1/jobs/j7/retry", "{\"reason\": \"it is paused\"}", 200, &p);
	assert_string_equal(response_str(&p, "id"), "j7");
	response_free(&p);
	post(r, "/api/v1/jobs/j7/retry", "", 409, &p);
	response_free(&p);
	post(r, "/api/v1/jobs/j404/retry", "", 404, &p);
	response_free(&p);
}

static void a_job_that_ended_is_submitted_again_once(void **state)
{
	struct rig *r = *state;
	struct response p;
	const char *spec = seed_spec("again");
	struct job_row row = {.id = 7,
		.state = JOB_ERRORED,
		.exit_code = 20,
		.submitted_ms = 1,
		.ended_ms = 2,
		.spec = rstr_new(spec, strlen(spec))};
	char id[32];

	fake_put(r->ctl, &job_table, &row);
	rstr_unref(row.spec);
	post(r, "/api/v1/jobs/j7/retry", "", 409, &p); /* its files are gone meanwhile */
	assert_string_equal(response_str(&p, "missing.0"), SHA_MODEL);
	response_free(&p);
	fake_blob(r->ctl, SHA_MODEL, 1000);
	post(r, "/api/v1/jobs/j7/retry", "", 201, &p);
	snprintf(id, sizeof(id), "%s", response_str(&p, "id"));
	assert_string_not_equal(id, "j7");
	assert_string_equal(response_str(&p, "name"), "again");
	response_free(&p);
	post(r, "/api/v1/jobs/j7/retry", "", 200, &p);
	assert_string_equal(response_str(&p, "id"), id);
	response_free(&p);
}

static void artifacts_are_listed_and_fetched(void **state)
{
	static const char *const lists[] = {
		"/api/v1/jobs/j1/artifacts", "/api/v1/runs/r1/artifacts"};
	struct rig *r = *state;
	struct response p;

	seed_one(r->ctl);
	for (int i = 0; i < 2; i++) {
		ask_get(r, lists[i], &p);
		assert_status(&p, 200);
		assert_int_equal(json_count(response_at(&p, "artifacts")), 2);
		assert_string_equal(response_str(&p, "artifacts.0.attempt"), "a1");
		assert_string_equal(response_str(&p, "artifacts.0.run"), "r1");
		assert_string_equal(response_str(&p, "artifacts.1.name"), "tombstone_00");
		assert_int_equal(response_int(&p, "artifacts.0.bytes"), 6);
		response_free(&p);
	}
	ask_get(r, "/api/v1/attempts/a1/artifact?name=logcat.txt", &p);
	assert_status(&p, 200);
	assert_string_equal(response_header(&p, "Content-Type"), "application/octet-stream");
	assert_non_null(strstr(response_header(&p, "Content-Disposition"), "a1-logcat.txt"));
	assert_int_equal(p.len, 6);
	assert_memory_equal(p.body, "F boom", 6);
	response_free(&p);
	ask_get(r, "/api/v1/attempts/a1/artifact?name=../../token", &p);
	assert_status(&p, 404);
	response_free(&p);
	ask_get(r, "/api/v1/jobs/j404/artifacts", &p);
	assert_status(&p, 404);
	response_free(&p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(where_no_driver_knows_addresses_there_are_none),
		T(a_device_is_handed_over_and_taken_back),
		T(packages_are_uploaded_before_they_are_installed),
		T(bad_package_lists_are_refused),
		T(at_most_so_many_packages_go_together),
		T(settings_are_checked_unless_more_is_said),
		T(a_slow_install_is_waited_for),
		T(an_address_is_noted_with_who_asked),
		T(an_address_at_which_nobody_is_says_why),
		T(a_paused_job_goes_on_and_a_running_one_is_left_alone),
		T(a_job_that_ended_is_submitted_again_once),
		T(artifacts_are_listed_and_fetched),
	};

	return cmocka_run_group_tests_name("api_service", tests, NULL, NULL);
}
