/* SPDX-License-Identifier: Apache-2.0 */
/* The three traps of libmicrohttpd in a foreign loop, and deadlines of waiting requests. */
#include "support.h"

#include <poll.h>

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

static bool has_answer(void *arg)
{
	struct rig *r = arg;

	fake_run(r->ctl);
	return fake_pool_idle(r->ctl);
}

/* Trap 1: the epoll descriptor is not readable after a resume. The rig turns the API only when its
 * descriptor or its deadline says so; without the deadline of "now" the answer waits for whatever else
 * is due. */
static void a_request_that_waited_is_answered_without_any_other_traffic(void **state)
{
	struct rig *r = *state;
	struct client c;
	struct response p;

	fake_hold_pool(r->ctl, true);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs", "", "");
	rig_until(r, has_request, r);
	rig_settle_held(r);
	fake_hold_pool(r->ctl, false);
	while (!has_answer(r))
		poll(&(struct pollfd){fake_fd(r->ctl), POLLIN, 0}, 1, PATIENCE_MS);
	assert_true(api_deadline_ms(r->api) <= ctl_now(r->ctl).mono_ms);
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	client_close(&c);
}

/* Trap 2: nobody tells that a waiting client has gone. It is looked for now and then. */
static void a_client_that_leaves_while_it_waits_is_let_go(void **state)
{
	struct rig *r = *state;
	struct client c;

	fake_hold_pool(r->ctl, true);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs", "", "");
	rig_until(r, has_request, r);
	client_close(&c);
	fake_advance(r->ctl, API_LOOK_MS + 1);
	rig_settle_held(r);
	assert_true(api_idle(r->api)); /* now, and not at its deadline */
	fake_hold_pool(r->ctl, false);
	rig_settle(r); /* the abandoned work ends and finds nobody */
}

/* The places of those who left are free for others, long before any deadline. */
static void watchers_and_long_polls_that_left_make_room(void **state)
{
	struct client all[API_CONNECTIONS_PER_IP];
	struct rig *r = *state;
	struct response p;
	struct client c;

	seed_jobs(r->ctl, 1);
	for (int i = 0; i < API_CONNECTIONS_PER_IP; i++) {
		client_open_from(&all[i], r, "127.0.5.1");
		ask_send(&all[i], "GET", i % 2 ? "/api/v1/events" : "/api/v1/jobs/j2?wait=60s", "",
			"");
		rig_turn(r, 0);
	}
	rig_settle(r);
	for (int i = 0; i < API_CONNECTIONS_PER_IP; i++)
		client_close(&all[i]);
	fake_advance(r->ctl, API_LOOK_MS + 1);
	rig_settle(r);
	assert_true(api_idle(r->api));
	client_open_from(&c, r, "127.0.5.1");
	ask_send(&c, "GET", "/healthz", "", "");
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	client_close(&c);
}

static void who_waits_and_stays_is_left_alone(void **state)
{
	struct rig *r = *state;
	struct client c;

	seed_jobs(r->ctl, 1);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs/j2?wait=60s", "", "");
	rig_until(r, has_request, r);
	rig_settle(r);
	for (int i = 0; i < 20; i++) {
		fake_advance(r->ctl, API_LOOK_MS + 1);
		rig_settle(r);
		client_pull(&c);
		assert_false(c.closed);
	}
	client_close(&c);
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

/* ---- stopping: each kind of open request has an end ---- */

static void says_stopping(struct client *c)
{
	struct response p;

	client_response(c, &p);
	assert_status(&p, 503);
	assert_string_equal(response_str(&p, "type"), "urn:framefarm:problem:stopping");
	assert_string_equal(response_header(&p, "Retry-After"), "2");
	assert_string_equal(response_header(&p, "Connection"), "close");
	response_free(&p);
	client_until_closed(c);
	client_close(c);
}

static void who_comes_while_it_stops_is_told_so(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	api_drain(r->api);
	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs", "", "");
	says_stopping(&c);
	client_open(&c, r);
	ask_send(&c, "POST", "/api/v1/jobs", "Idempotency-Key: k\r\n", seed_spec("late"));
	says_stopping(&c);
	ask_get(r, "/readyz", &p); /* a balancer hears it from the probe */
	assert_status(&p, 503);
	assert_string_equal(response_str(&p, "type"), "urn:framefarm:problem:stopping");
	response_free(&p);
	ask_get(r, "/healthz", &p);
	assert_status(&p, 200);
	response_free(&p);
}

static void a_request_that_the_controller_did_not_take_any_more_may_come_again(void **state)
{
	struct rig *r = *state;
	struct client c;

	client_open(&c, r);
	fake_hold_answers(r->ctl, true);
	ask_send(&c, "POST", "/api/v1/jobs/j1/cancel", "", "");
	rig_until(r, has_request, r);
	rig_settle(r);
	api_drain(r->api);
	fake_answer_all(r->ctl, ERR_CANCELLED, "the daemon is stopping");
	says_stopping(&c);
	rig_until(r, has_no_requests, r);
}

static void an_upload_that_has_begun_is_taken_to_its_end(void **state)
{
	static const char sha256[] =
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; /* hello */
	struct rig *r = *state;
	struct response p;
	struct client c;
	char head[512];

	snprintf(head, sizeof(head),
		"PUT /api/v1/files/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
		"Content-Length: 5\r\n\r\nhel",
		sha256, r->host, r->token);
	client_open(&c, r);
	client_send(&c, head, strlen(head));
	rig_until(r, has_request, r);
	api_drain(r->api);
	rig_settle(r);
	client_send(&c, "lo", 2);
	client_response(&c, &p);
	assert_status(&p, 201);
	assert_string_equal(response_header(&p, "Connection"), "close");
	response_free(&p);
	client_until_closed(&c);
	client_close(&c);
	rig_until(r, has_no_requests, r);
}

static void an_upload_that_goes_on_and_on_ends_with_the_daemon(void **state)
{
	struct rig *r = *state;
	struct client c;
	char head[512];

	snprintf(head, sizeof(head),
		"PUT /api/v1/files/" SHA_MODEL " HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer "
		"%s\r\nContent-Length: 500\r\n\r\nhel",
		r->host, r->token);
	client_open(&c, r);
	client_send(&c, head, strlen(head));
	rig_until(r, has_request, r);
	assert_int_equal(fake_uploads_open(r->ctl), 1);
	api_free(r->api);
	r->api = NULL;
	assert_int_equal(fake_uploads_open(r->ctl), 0);
	while (!c.closed)
		client_pull(&c);
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_request_that_waited_is_answered_without_any_other_traffic, rig_setup,
			rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_client_that_leaves_while_it_waits_is_let_go, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			watchers_and_long_polls_that_left_make_room, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			who_waits_and_stays_is_left_alone, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_reading_that_takes_too_long_is_answered_with_503,
			rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			stopping_with_waiting_requests_answers_them_and_frees_everything, rig_setup,
			rig_teardown),
		cmocka_unit_test_setup_teardown(
			draining_ends_streams_and_polls_and_lets_the_others_finish, rig_setup,
			rig_teardown),
		cmocka_unit_test_setup_teardown(
			who_comes_while_it_stops_is_told_so, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_request_that_the_controller_did_not_take_any_more_may_come_again,
			rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			an_upload_that_has_begun_is_taken_to_its_end, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(an_upload_that_goes_on_and_on_ends_with_the_daemon,
			rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests_name("api_traps", tests, NULL, NULL);
}
