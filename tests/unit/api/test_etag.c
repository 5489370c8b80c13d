/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a version already: 304, and long polls that end with another version. */
#include "support.h"

#include "api/bounds.h"
#include "api/etag.h"
#include "core/rows.h"

/* ---- the header ---- */

static void a_list_of_tags_is_compared_weakly(void **state)
{
	(void)state;
	assert_true(etag_known("W/\"abc\"", "W/\"abc\""));
	assert_true(etag_known("\"abc\"", "W/\"abc\""));
	assert_true(etag_known("\"x\", W/\"y\" ,\"abc\"", "\"abc\""));
	assert_true(etag_known("*", "W/\"abc\""));
	assert_false(etag_known("\"ab\", \"abcd\"", "\"abc\""));
	assert_false(etag_known("\"abc\"d", "\"abc\""));
	assert_false(etag_known(",,  ,", "\"abc\""));
	assert_false(etag_known("", "\"abc\""));
	assert_false(etag_known(NULL, "\"abc\""));
}

/* ---- versions ---- */

struct tag {
	char header[ETAG_KNOWN_MAX];
};

static struct tag tag_of(struct rig *r, const char *path)
{
	struct response p;
	struct tag t;

	ask_get(r, path, &p);
	assert_status(&p, 200);
	snprintf(t.header, sizeof(t.header), "If-None-Match: %s\r\n", response_header(&p, "ETag"));
	response_free(&p);
	return t;
}

static void status_with(struct rig *r, const char *path, const struct tag *t, int status)
{
	struct response p;

	ask(r, "GET", path, t->header, "", &p);
	assert_status(&p, status);
	assert_non_null(strstr(t->header, "W/\""));
	if (status == 304) {
		assert_non_null(strstr(t->header, response_header(&p, "ETag")));
		assert_int_equal(p.len, 0);
	}
	response_free(&p);
}

static void what_did_not_change_is_not_sent_again(void **state)
{
	static const char *const paths[] = {"/api/v1/jobs/j1", "/api/v1/runs/r1"};
	struct rig *r = *state;
	struct response p;
	struct tag t;

	seed_one(r->ctl);
	for (int i = 0; i < 2; i++) {
		t = tag_of(r, paths[i]);
		status_with(r, paths[i], &t, 304);
	}
	t = tag_of(r, "/api/v1/jobs/j1");
	ask(r, "GET", "/api/v1/runs/r1", t.header, "", &p);
	assert_status(&p, 200);
	response_free(&p);
}

static void a_change_is_another_version_and_progress_is_none(void **state)
{
	const struct ctl_progress far = {
		.job = 2, .run = 2, .device = 1, .phase = "paced", .permille = 500};
	struct run_row run = {.id = 2, .job = 2, .state = RUN_COLLECTING, .variant_name = "fp32"};
	struct rig *r = *state;
	struct tag t;

	seed_jobs(r->ctl, 1);
	t = tag_of(r, "/api/v1/jobs/j2");
	fake_progress(r->ctl, &far);
	status_with(r, "/api/v1/jobs/j2", &t, 304);
	fake_put(r->ctl, &run_table, &run);
	status_with(r, "/api/v1/jobs/j2", &t, 200);
}

/* ---- long polls ---- */

static bool is_waiting(void *arg)
{
	return !api_idle(((struct rig *)arg)->api);
}

static void poll_with(struct rig *r, struct client *c, const char *path, const struct tag *t)
{
	client_open(c, r);
	ask_send(c, "GET", path, t->header, "");
	rig_until(r, is_waiting, r);
	rig_settle(r);
	client_pull(c);
	assert_int_equal(c->in.len, 0);
}

static void a_long_poll_with_a_version_is_answered_by_the_next_one(void **state)
{
	struct run_row run = {.id = 2, .job = 2, .state = RUN_COLLECTING, .variant_name = "fp32"};
	struct rig *r = *state;
	struct response p;
	struct client c;
	struct tag t;

	seed_jobs(r->ctl, 2);
	t = tag_of(r, "/api/v1/jobs/j2");
	poll_with(r, &c, "/api/v1/jobs/j2?wait=60s", &t);
	fake_event(r->ctl, "run", 3, 3, "a", "b"); /* of another job */
	fake_event(r->ctl, "run", 2, 2, "a", "a"); /* that changes nothing to be seen */
	rig_settle(r);
	client_pull(&c);
	assert_int_equal(c.in.len, 0);
	fake_put(r->ctl, &run_table, &run);
	fake_event(r->ctl, "run", 2, 2, "running", "collecting");
	rig_settle(r);
	client_pull(&c);
	assert_true(c.in.len > 0); /* now, and not when its time is over */
	client_response(&c, &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "runs.0.state"), "collecting");
	assert_string_equal(response_str(&p, "state"), "running");
	assert_null(strstr(t.header, response_header(&p, "ETag")));
	response_free(&p);
	client_close(&c);
}

static void a_long_poll_without_news_ends_with_304(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;
	struct tag t;

	seed_jobs(r->ctl, 1);
	t = tag_of(r, "/api/v1/jobs/j2");
	poll_with(r, &c, "/api/v1/jobs/j2?wait=9m", &t); /* which is at most a minute */
	fake_advance(r->ctl, API_WAIT_MS + 1);
	client_response(&c, &p);
	assert_status(&p, 304);
	response_free(&p);
	client_close(&c);
}

static void a_version_that_is_old_already_is_answered_at_once(void **state)
{
	const struct tag old = {"If-None-Match: W/\"0123456789abcdef\"\r\n"};
	struct rig *r = *state;

	seed_jobs(r->ctl, 1);
	status_with(r, "/api/v1/jobs/j2?wait=60s", &old, 200);
}

static void a_job_that_has_ended_has_no_other_version_to_wait_for(void **state)
{
	struct rig *r = *state;
	struct tag t;

	seed_one(r->ctl);
	t = tag_of(r, "/api/v1/jobs/j1");
	status_with(r, "/api/v1/jobs/j1?wait=60s", &t, 304);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_tags_is_compared_weakly),
		T(what_did_not_change_is_not_sent_again),
		T(a_change_is_another_version_and_progress_is_none),
		T(a_long_poll_with_a_version_is_answered_by_the_next_one),
		T(a_long_poll_without_news_ends_with_304),
		T(a_version_that_is_old_already_is_answered_at_once),
		T(a_job_that_has_ended_has_no_other_version_to_wait_for),
	};

	return cmocka_run_group_tests_name("api_etag", tests, NULL, NULL);
}
