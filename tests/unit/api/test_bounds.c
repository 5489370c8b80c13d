/* SPDX-License-Identifier: Apache-2.0 */
/* What is no HTTP, too much of it, or too slow. */
#include "support.h"

#include <stdlib.h>

#include "api/bounds.h"

static void raw_status(struct rig *r, const char *text, size_t n, int status)
{
	struct response p;
	struct client c;

	client_open(&c, r);
	client_send(&c, text, n);
	client_response(&c, &p);
	assert_status(&p, status);
	response_free(&p);
	client_close(&c);
}

static void still_works(struct rig *r)
{
	struct response p;

	ask_get(r, "/api/v1/jobs", &p);
	assert_status(&p, 200);
	response_free(&p);
}

/* ---- form ---- */

static void what_is_no_http_is_refused_and_hurts_nobody(void **state)
{
	static const char *const garbage[] = {
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello TLS\r\n\r\n",
		"GET\r\n\r\n",
		"\r\n\r\n\r\n\r\nnot http at all\r\n\r\n",
		"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
	};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		struct client c;

		client_open(&c, r);
		client_send(&c, garbage[i], strlen(garbage[i]));
		rig_settle(r);
		fake_advance(r->ctl, API_HEAD_MS + 1);
		client_until_closed(&c); /* with an answer or without, but not for ever */
		assert_null(strstr(buf_text(&c.in), "HTTP/1.1 200"));
		client_close(&c);
	}
	still_works(r);
}

static void a_length_that_is_none_is_refused(void **state)
{
	struct rig *r = *state;
	char text[512];

	snprintf(text, sizeof(text),
		"POST /api/v1/jobs HTTP/1.1\r\nHost: %s\r\nContent-Length: -5\r\n\r\n", r->host);
	raw_status(r, text, strlen(text), 400);
	still_works(r);
}

static void an_unknown_path_is_404_and_an_unknown_method_405_with_allow(void **state)
{
	struct rig *r = *state;
	struct response p;

	ask_get(r, "/api/v1/nothing", &p);
	assert_status(&p, 404);
	response_free(&p);
	ask_get(r, "/api/v1/jobs/j1/nothing", &p);
	assert_status(&p, 404);
	response_free(&p);
	ask(r, "DELETE", "/api/v1/jobs", "", "", &p);
	assert_status(&p, 405);
	assert_string_equal(response_header(&p, "Allow"), "POST, GET, HEAD, OPTIONS");
	response_free(&p);
	ask(r, "BREW", "/api/v1/devices", "", "", &p);
	assert_status(&p, 405);
	assert_string_equal(response_header(&p, "Allow"), "GET, HEAD, OPTIONS");
	response_free(&p);
	ask(r, "HEAD", "/api/v1/events", "", "", &p);
	assert_status(&p, 405);
	response_free(&p);
}

static void options_says_what_a_path_takes_and_needs_no_token(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;
	char text[256];

	snprintf(text, sizeof(text), "OPTIONS /api/v1/jobs/j1/cancel HTTP/1.1\r\nHost: %s\r\n\r\n",
		r->host);
	client_open(&c, r);
	client_send(&c, text, strlen(text));
	client_response(&c, &p);
	assert_status(&p, 204);
	assert_string_equal(response_header(&p, "Allow"), "POST, OPTIONS");
	assert_null(response_header(&p, "Access-Control-Allow-Origin"));
	response_free(&p);
	client_close(&c);
}

static void head_is_get_without_its_body(void **state)
{
	struct rig *r = *state;
	struct response p;

	ask(r, "HEAD", "/api/v1/jobs", "", "", &p);
	assert_status(&p, 200);
	assert_true(atoi(response_header(&p, "Content-Length")) > 0);
	response_free(&p);
}

static void a_path_with_a_hidden_end_is_no_other_path(void **state)
{
	struct rig *r = *state;
	struct response p;

	ask_get(r, "/healthz%00.html", &p);
	assert_status(&p, 400);
	response_free(&p);
	ask_get(r, "/assets/..%2f..%2fetc%2fpasswd", &p);
	assert_status(&p, 400);
	response_free(&p);
}

static void two_requests_of_one_connection_are_answered_in_order(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	client_open(&c, r);
	ask_send(&c, "GET", "/api/v1/jobs/j404", "", "");
	ask_send(&c, "GET", "/healthz", "", "");
	client_response(&c, &p);
	assert_status(&p, 404);
	response_free(&p);
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	assert_false(c.closed);
	client_close(&c);
}

/* ---- size ---- */

static void a_head_that_is_too_large_is_refused(void **state)
{
	struct rig *r = *state;
	char *text = mem_alloc(API_CONNECTION_BYTES + 1024);
	int n;

	n = sprintf(text, "GET /healthz HTTP/1.1\r\nHost: %s\r\nX-Long: ", r->host);
	memset(text + n, 'a', API_CONNECTION_BYTES);
	memcpy(text + n + API_CONNECTION_BYTES, "\r\n\r\n", 4);
	raw_status(r, text, (size_t)n + API_CONNECTION_BYTES + 4, 431);
	mem_free(text);
	still_works(r);
}

static void a_path_that_is_too_long_names_nothing(void **state)
{
	struct rig *r = *state;
	struct response p;
	char path[API_PATH_MAX + 64];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ask_get(r, path, &p);
	assert_status(&p, 404);
	response_free(&p);
}

static void a_body_that_says_it_is_too_large_is_refused_and_its_sender_can_read_why(void **state)
{
	struct rig *r = *state;
	char *body = mem_alloc(API_BODY_BYTES + 2);
	struct response p;

	memset(body, ' ', API_BODY_BYTES + 1);
	body[API_BODY_BYTES + 1] = '\0';
	ask(r, "POST", "/api/v1/jobs", "Idempotency-Key: k\r\n", body, &p);
	assert_status(&p, 413);
	response_free(&p);
	body[API_BODY_BYTES] = '\0'; /* one byte less is read, and then it is no job */
	ask(r, "POST", "/api/v1/jobs", "Idempotency-Key: k\r\n", body, &p);
	assert_status(&p, 400);
	response_free(&p);
	mem_free(body);
}

/* False when the server closed before all was sent. */
static bool send_chunks(struct client *c, size_t total)
{
	char chunk[8 + 4096 + 2 + 1];

	memcpy(chunk, "1000\r\n", 6);
	memset(chunk + 6, ' ', 4096);
	memcpy(chunk + 6 + 4096, "\r\n", 2);
	for (size_t n = 0; n < total; n += 4096)
		if (!client_send(c, chunk, 6 + 4096 + 2))
			return false;
	return client_send(c, "0\r\n\r\n", 5);
}

static void open_chunked(struct client *c, struct rig *r)
{
	char head[512];

	client_open(c, r);
	snprintf(head, sizeof(head),
		"POST /api/v1/jobs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: application/json\r\nIdempotency-Key: k\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		r->host, r->token);
	assert_true(client_send(c, head, strlen(head)));
}

static void a_body_of_unsaid_length_is_bounded_too(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	open_chunked(&c, r);
	send_chunks(&c, API_BODY_BYTES + 8192);
	client_response(&c, &p);
	assert_status(&p, 413);
	response_free(&p);
	client_close(&c);
	/* Who goes on and on is cut off. */
	open_chunked(&c, r);
	assert_false(send_chunks(&c, API_BODY_BYTES + 2 * API_DRAIN_BYTES + 64 * 1024 * 1024));
	client_until_closed(&c);
	client_close(&c);
	still_works(r);
}

static void who_asks_before_sending_is_answered_before_sending(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;
	char head[512];

	client_open(&c, r);
	snprintf(head, sizeof(head),
		"POST /api/v1/jobs HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n"
		"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n",
		r->host);
	assert_true(client_send(&c, head, strlen(head)));
	client_response(&c, &p);
	assert_status(&p, 401);
	response_free(&p);
	client_close(&c);
}

static void a_body_that_is_not_json_by_its_type_is_refused(void **state)
{
	struct rig *r = *state;
	char text[512];

	snprintf(text, sizeof(text),
		"POST /api/v1/jobs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
		r->host, r->token);
	raw_status(r, text, strlen(text), 415);
}

/* ---- slowness ---- */

static void a_head_that_trickles_is_cut_off(void **state)
{
	struct rig *r = *state;
	struct client c;

	client_open(&c, r);
	assert_true(client_send(&c, "GET /healthz HT", 15));
	rig_settle(r);
	fake_advance(r->ctl, API_HEAD_MS - 1000);
	assert_true(client_send(&c, "TP/1.1\r\nHo", 10));
	rig_settle(r);
	client_pull(&c);
	assert_false(c.closed);
	fake_advance(r->ctl, 1001);
	client_until_closed(&c);
	client_close(&c);
}

static void a_body_that_trickles_is_cut_off(void **state)
{
	struct rig *r = *state;
	struct client c;
	char head[512];

	client_open(&c, r);
	snprintf(head, sizeof(head),
		"POST /api/v1/jobs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: application/json\r\nIdempotency-Key: k\r\nContent-Length: "
		"500\r\n\r\n{",
		r->host, r->token);
	assert_true(client_send(&c, head, strlen(head)));
	rig_settle(r);
	fake_advance(r->ctl, API_MOVE_MS / 2);
	assert_true(client_send(&c, " ", 1));
	rig_settle(r);
	client_pull(&c);
	assert_false(c.closed);
	fake_advance(r->ctl, API_MOVE_MS / 2 + 1);
	client_until_closed(&c);
	client_close(&c);
	assert_true(api_idle(r->api));
}

static void an_idle_connection_is_closed(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;

	client_open(&c, r);
	ask_send(&c, "GET", "/healthz", "", "");
	client_response(&c, &p);
	response_free(&p);
	rig_settle(r);
	fake_advance(r->ctl, API_IDLE_MS - 1000);
	rig_settle(r);
	client_pull(&c);
	assert_false(c.closed);
	fake_advance(r->ctl, 1001);
	client_until_closed(&c);
	client_close(&c);
}

/* ---- number ---- */

static void open_many(struct rig *r, struct client *all, int n)
{
	char ip[32];

	for (int i = 0; i < n; i++) {
		snprintf(ip, sizeof(ip), "127.0.1.%d", 1 + i / 50);
		client_open_from(&all[i], r, ip);
		rig_turn(r, 0);
	}
	rig_settle(r);
}

static void three_hundred_connections_wait_for_their_turn(void **state)
{
	enum { N = 300 };
	struct client *all = mem_zalloc(N * sizeof(*all));
	struct rig *r = *state;
	struct response p;

	open_many(r, all, N);
	/* Beyond the bound they wait unaccepted; each that goes makes room for one. */
	for (int i = 0; i < N; i++) {
		ask_send(&all[i], "GET", "/healthz", "", "");
		client_response(&all[i], &p);
		assert_status(&p, 200);
		response_free(&p);
		client_close(&all[i]);
	}
	mem_free(all);
	still_works(r);
}

/* Threads that are slow make a queue, which has an end; who comes then may come again. */
static void readings_under_way_are_bounded(void **state)
{
	struct client *all = mem_zalloc(API_TASKS * sizeof(*all));
	struct rig *r = *state;
	struct response p;

	open_many(r, all, API_TASKS);
	fake_hold_pool(r->ctl, true);
	for (int i = 0; i < API_TASKS; i++)
		ask_send(&all[i], "GET", "/api/v1/jobs", "", "");
	rig_settle_held(r);
	ask_get(r, "/api/v1/jobs", &p);
	assert_status(&p, 503);
	assert_non_null(response_header(&p, "Retry-After"));
	response_free(&p);
	ask_get(r, "/healthz", &p); /* what needs no thread is answered */
	assert_status(&p, 200);
	response_free(&p);
	fake_hold_pool(r->ctl, false);
	for (int i = 0; i < API_TASKS; i++) {
		client_response(&all[i], &p);
		assert_status(&p, 200);
		response_free(&p);
		client_close(&all[i]);
	}
	mem_free(all);
}

static void one_address_cannot_take_all_connections(void **state)
{
	enum { N = API_CONNECTIONS_PER_IP + 1 };
	struct client all[N];
	struct rig *r = *state;
	struct response p;

	for (int i = 0; i < N; i++) {
		client_open_from(&all[i], r, "127.0.1.1");
		rig_settle(r);
	}
	client_until_closed(&all[N - 1]);
	ask_send(&all[0], "GET", "/healthz", "", "");
	client_response(&all[0], &p);
	assert_status(&p, 200);
	response_free(&p);
	still_works(r); /* from another address */
	for (int i = 0; i < N; i++)
		client_close(&all[i]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_no_http_is_refused_and_hurts_nobody),
		T(a_length_that_is_none_is_refused),
		T(an_unknown_path_is_404_and_an_unknown_method_405_with_allow),
		T(options_says_what_a_path_takes_and_needs_no_token),
		T(head_is_get_without_its_body),
		T(a_path_with_a_hidden_end_is_no_other_path),
		T(two_requests_of_one_connection_are_answered_in_order),
		T(a_head_that_is_too_large_is_refused),
		T(a_path_that_is_too_long_names_nothing),
		T(a_body_that_says_it_is_too_large_is_refused_and_its_sender_can_read_why),
		T(a_body_of_unsaid_length_is_bounded_too),
		T(who_asks_before_sending_is_answered_before_sending),
		T(a_body_that_is_not_json_by_its_type_is_refused),
		T(a_head_that_trickles_is_cut_off),
		T(a_body_that_trickles_is_cut_off),
		T(an_idle_connection_is_closed),
		T(three_hundred_connections_wait_for_their_turn),
		T(readings_under_way_are_bounded),
		T(one_address_cannot_take_all_connections),
	};

	return cmocka_run_group_tests_name("api_bounds", tests, NULL, NULL);
}
