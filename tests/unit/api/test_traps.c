/* SPDX-License-Identifier: Apache-2.0 */
/* The three traps of libmicrohttpd in a foreign loop, and deadlines of waiting requests. */
#include "support.h"

#include "api/bounds.h"

static bool has_no_requests(void *arg)
{
	struct rig *r = arg;

	return api_idle(r->api);
}

static bool has_request(void *arg)
{
	return !has_no_requests(arg);
}

/* Trap 1: the epoll descriptor is not readable after a resume. The rig turns the API only when its
 * descriptor or its deadline says so; without the deadline of "now" this waits for ever. */
static void a_request_that_waited_is_answered_without_any_other_traffic(void **state)
{
	struct rig *r = *state;
	struct client c;
	struct response p;

	fake_hold_pool(r->ctl, true);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs", "", "");
	rig_until(r, has_request, r);
	fake_hold_pool(r->ctl, false);
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	client_close(&c);
}

/* Trap 2: nobody tells that a waiting client has gone. Its deadline does. */
static void a_client_that_leaves_while_it_waits_is_let_go_at_its_deadline(void **state)
{
	struct rig *r = *state;
	struct client c;

	fake_hold_pool(r->ctl, true);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs", "", "");
	rig_until(r, has_request, r);
	client_close(&c);
	rig_settle_held(r);
	assert_false(api_idle(r->api));
	fake_advance(r->ctl, API_READ_MS + 1);
	rig_until(r, has_no_requests, r);
	fake_hold_pool(r->ctl, false);
	rig_settle(r); /* the abandoned work ends and finds nobody */
}

static void a_reading_that_takes_too_long_is_answered_with_503(void **state)
{
	struct rig *r = *state;
	struct client c;
	struct response p;

	fake_hold_pool(r->ctl, true);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs", "", "");
	rig_until(r, has_request, r);
	fake_advance(r->ctl, API_READ_MS + 1);
	client_response(&c, &p);
	assert_status(&p, 503);
	assert_string_equal(response_header(&p, "Retry-After"), "2");
	assert_string_equal(response_str(&p, "type"), "urn:framefarm:problem:timeout");
	response_free(&p);
	client_close(&c);
}

/* Trap 3: stopping with waiting connections aborts the process. */
static void stopping_with_waiting_requests_answers_them_and_frees_everything(void **state)
{
	struct rig *r = *state;
	struct client reader, poller, watcher;

	seed_jobs(r->ctl, 1);
	client_open(&poller, r);
	ask_send(&poller, "GET", "/api/v1/jobs/j2?wait=60s", "", "");
	client_open(&watcher, r);
	ask_send(&watcher, "GET", "/api/v1/events", "", "");
	client_until_text(&watcher, "retry: 2000");
	rig_settle(r);
	fake_hold_pool(r->ctl, true);
	client_open(&reader, r);
	ask_send(&reader, "GET", "/api/v1/jobs", "", "");
	rig_settle_held(r);
	api_free(r->api);
	r->api = NULL;
	while (!reader.closed)
		client_pull(&reader);
	while (!poller.closed)
		client_pull(&poller);
	while (!watcher.closed)
		client_pull(&watcher);
	assert_non_null(strstr(buf_text(&reader.in), "HTTP/1.1 503"));
	assert_non_null(strstr(buf_text(&poller.in), "HTTP/1.1 503"));
	client_close(&reader);
	client_close(&poller);
	client_close(&watcher);
}

static void draining_ends_streams_and_polls_and_lets_the_others_finish(void **state)
{
	struct rig *r = *state;
	struct client poller, watcher, idle;
	struct response p;

	seed_jobs(r->ctl, 1);
	client_open(&idle, r);
	client_open(&poller, r);
	ask_send(&poller, "GET", "/api/v1/jobs/j2?wait=60s", "", "");
	client_open(&watcher, r);
	ask_send(&watcher, "GET", "/api/v1/events", "", "");
	client_until_text(&watcher, "retry: 2000");
	rig_settle(r);
	api_drain(r->api);
	client_response(&poller, &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "state"), "running");
	assert_string_equal(response_header(&p, "Connection"), "close");
	response_free(&p);
	client_until_closed(&watcher);
	client_until_closed(&idle);
	rig_until(r, has_no_requests, r);
	client_close(&poller);
	client_close(&watcher);
	client_close(&idle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_request_that_waited_is_answered_without_any_other_traffic, rig_setup,
			rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_client_that_leaves_while_it_waits_is_let_go_at_its_deadline, rig_setup,
			rig_teardown),
		cmocka_unit_test_setup_teardown(a_reading_that_takes_too_long_is_answered_with_503,
			rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			stopping_with_waiting_requests_answers_them_and_frees_everything, rig_setup,
			rig_teardown),
		cmocka_unit_test_setup_teardown(
			draining_ends_streams_and_polls_and_lets_the_others_finish, rig_setup,
			rig_teardown),
	};

	return cmocka_run_group_tests_name("api_traps", tests, NULL, NULL);
}
