/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that two readers would read in two ways, and what other readers of HTTP send. */
#include "support.h"

#include "api/bounds.h"

/* The head of a submission, without what says how long its body is. */
static char *submission(const struct rig *r, const char *version, const char *more)
{
	return mem_printf("POST /api/v1/jobs HTTP/%s\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
			  "Content-Type: application/json\r\nIdempotency-Key: k\r\n%s",
		version, r->host, r->token, more);
}

static char *reading(const struct rig *r, const char *more)
{
	return mem_printf("GET /healthz HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s\r\n",
		r->host, r->token, more);
}

/* Sends text; there is one answer, with that status, and the connection ends behind it. */
static void one_answer_and_the_end(struct rig *r, char *text, int status, const char *word)
{
	struct response p;
	struct client c;

	client_open(&c, r);
	client_send(&c, text, strlen(text));
	client_response(&c, &p);
	assert_status(&p, status);
	assert_non_null(strstr(response_str(&p, "detail"), word));
	assert_string_equal(response_header(&p, "Connection"), "close");
	response_free(&p);
	client_until_closed(&c);
	assert_int_equal(c.in.len, 0);
	client_close(&c);
	mem_free(text);
}

/* What follows the body by one of the lengths is a request of its own by the other. */
#define HIDDEN "0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

static void a_body_of_two_lengths_is_refused_and_hides_no_second_request(void **state)
{
	struct rig *r = *state;

	one_answer_and_the_end(r,
		submission(
			r, "1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" HIDDEN),
		400, "two ways");
	one_answer_and_the_end(r,
		submission(r, "1.1",
			"Transfer-Encoding: chunked\r\nContent-Length: 40\r\n\r\n" HIDDEN),
		400, "two ways");
	one_answer_and_the_end(r,
		submission(r, "1.1", "Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}GET"), 400,
		"Content-Length");
}

static void a_coding_that_is_not_known_is_refused_at_once(void **state)
{
	static const char *const codings[] = {"gzip", "xchunked", "gzip, chunked", "identity"};
	struct rig *r = *state;
	char more[128];

	for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++) {
		snprintf(more, sizeof(more), "Transfer-Encoding: %s\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
			codings[i]);
		one_answer_and_the_end(r, submission(r, "1.1", more), 501, "chunked");
	}
	one_answer_and_the_end(r,
		submission(r, "1.1",
			"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
			"\r\n"),
		400, "Transfer-Encoding");
	/* Proxies of that time pass it on without its coding. */
	one_answer_and_the_end(r,
		submission(r, "1.0", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
		"two ways");
}

static void what_decides_may_be_said_once(void **state)
{
	static const char *const twice[] = {"Host: other\r\n", "Authorization: Bearer x\r\n",
		"Origin: a\r\nOrigin: b\r\n", "Sec-Fetch-Site: none\r\nSec-Fetch-Site: none\r\n"};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(twice) / sizeof(*twice); i++)
		one_answer_and_the_end(r, reading(r, twice[i]), 400, "twice");
	one_answer_and_the_end(r,
		submission(r, "1.1", "Idempotency-Key: other\r\nContent-Length: 2\r\n\r\n{}"), 400,
		"Idempotency-Key");
}

static void a_header_that_another_reader_takes_for_another_is_refused(void **state)
{
	static const char *const odd[] = {"Transfer-Encoding : chunked\r\n", "X (a): b\r\n",
		"X: a\rTransfer-Encoding: chunked\r\n", "X\t: b\r\n"};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		one_answer_and_the_end(r, reading(r, odd[i]), 400, "header");
}

static void an_address_that_is_decoded_in_two_ways_is_refused(void **state)
{
	static const char *const odd[] = {"/api/v1/jobs?name=%zz", "/api/v1/jobs?name=%",
		"/api/v1/jobs?name=%4", "/api/v1/jobs?name=a%00b", "/healthz%00.html",
		"/api/v1/jobs/j1%2Fcancel", "/api/v1%2fjobs"};
	struct rig *r = *state;
	struct response p;
	struct client c;

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		client_open(&c, r);
		ask_send(&c, "GET", odd[i], "", "");
		client_response(&c, &p);
		assert_status(&p, 400);
		assert_non_null(strstr(response_str(&p, "detail"), "address"));
		response_free(&p);
		client_until_closed(&c);
		client_close(&c);
	}
	assert_true(api_idle(r->api));
	ask_get(r, "/api/v1/jobs?branch=a%2Fb%c3%a9", &p);
	assert_status(&p, 200);
	response_free(&p);
}

/* libmicrohttpd refuses it before it is a request of ours. */
static void an_odd_address_of_what_is_no_request_leaves_nothing(void **state)
{
	struct rig *r = *state;
	struct client c;

	client_open(&c, r);
	client_send(&c, "GET /%zz HTTP/9.9\r\n\r\n", 21);
	client_until_closed(&c);
	client_close(&c);
	client_open(&c, r);
	client_send(&c, "GET /%zz HTTP/1.1\r\nHost: x\r\n", 28);
	rig_settle(r);
	client_close(&c);
	rig_settle(r);
	assert_true(api_idle(r->api));
}

static void a_parameter_is_there_once_and_has_a_value(void **state)
{
	static const char *const wrong[][2] = {
		{"/api/v1/jobs?limit=1&limit=2", "once"},
		{"/api/v1/jobs?limit", "value"},
		{"/api/v1/jobs?limit=", "value"},
		{"/api/v1/runtimes?limit=1", "limit"},
		{"/healthz?verbose=1", "verbose"},
		{"/metrics?x=1", "'x'"},
	};
	struct rig *r = *state;
	struct response p;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ask_get(r, wrong[i][0], &p);
		assert_status(&p, 400);
		assert_non_null(strstr(response_str(&p, "detail"), wrong[i][1]));
		response_free(&p);
	}
	ask(r, "POST", "/api/v1/jobs/j1/cancel?force=1", "", "", &p);
	assert_status(&p, 400);
	response_free(&p);
}

/* Each line is counted by libmicrohttpd against the memory of the connection. */
static void many_headers_are_bounded_by_the_memory_of_a_connection(void **state)
{
	struct rig *r = *state;
	struct buf b;

	for (int n = 100; n <= 10000; n *= 100) {
		struct response p;
		struct client c;

		buf_init(&b, 1024 * 1024);
		buf_printf(&b, "GET /healthz HTTP/1.1\r\nHost: %s\r\n", r->host);
		for (int i = 0; i < n; i++)
			buf_printf(&b, "x%d: y\r\n", i);
		buf_puts(&b, "\r\n");
		client_open(&c, r);
		client_send(&c, b.data, b.len);
		client_response(&c, &p);
		assert_status(&p, n == 100 ? 200 : 431);
		response_free(&p);
		client_close(&c);
		buf_fini(&b);
	}
}

static void an_old_client_is_answered_and_its_connection_ends(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;
	char text[256];

	snprintf(text, sizeof(text), "GET /healthz HTTP/1.0\r\nHost: %s\r\n\r\n", r->host);
	client_open(&c, r);
	client_send(&c, text, strlen(text));
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	client_until_closed(&c);
	client_close(&c);
}

/* An answer of unknown length has no chunks there: it ends with the connection. */
static void an_old_client_can_follow_events(void **state)
{
	struct rig *r = *state;
	struct client c;
	char text[384];

	snprintf(text, sizeof(text),
		"GET /api/v1/events HTTP/1.0\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
		r->host, r->token);
	client_open(&c, r);
	client_send(&c, text, strlen(text));
	client_until_text(&c, "retry: 2000\n\n");
	assert_null(strstr(buf_text(&c.in), "chunked"));
	fake_event(r->ctl, "run", 1, 1, "a", "b");
	client_until_text(&c, "id: 1\n");
	client_close(&c);
}

static void a_hundred_requests_sent_at_once_are_answered_in_order(void **state)
{
	enum { N = 100 };
	struct rig *r = *state;
	struct response p;
	struct client c;
	struct buf b;

	seed_jobs(r->ctl, 1);
	buf_init(&b, 1024 * 1024);
	for (int i = 0; i < N; i++) /* one waits for the store, the next does not */
		buf_printf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
			i % 2 ? "/api/v1/session" : "/api/v1/jobs/j2", r->host, r->token);
	client_open(&c, r);
	client_send(&c, b.data, b.len);
	for (int i = 0; i < N; i++) {
		client_response(&c, &p);
		assert_status(&p, 200);
		assert_non_null(response_at(&p, i % 2 ? "role" : "runs"));
		response_free(&p);
	}
	client_close(&c);
	buf_fini(&b);
}

static void a_body_that_nobody_wants_is_no_second_request(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c;
	char *text;

	text = reading(r, "Content-Length: 5\r\n");
	client_open(&c, r);
	client_send(&c, text, strlen(text));
	client_send(&c, "GET /", 5);
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	client_send(&c, text, strlen(text));
	client_send(&c, "hello", 5);
	client_response(&c, &p);
	assert_status(&p, 200);
	response_free(&p);
	client_close(&c);
	mem_free(text);
}

static void chunks_that_are_none_end_the_connection(void **state)
{
	static const char *const chunks[] = {"ZZ\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n",
		"FFFFFFFFFFFFFFFFF\r\n{}\r\n", "2\r\n{}XX0\r\n\r\n"};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
		char *text = submission(r, "1.1", "Transfer-Encoding: chunked\r\n\r\n");
		struct client c;

		client_open(&c, r);
		client_send(&c, text, strlen(text));
		client_send(&c, chunks[i], strlen(chunks[i]));
		client_until_closed(&c);
		assert_non_null(strstr(buf_text(&c.in), "HTTP/1.1 4"));
		client_close(&c);
		mem_free(text);
		assert_true(api_idle(r->api));
	}
}

static void a_job_in_chunks_is_a_job(void **state)
{
	struct rig *r = *state;
	const char *spec = seed_spec("chunked");
	char *head = submission(r, "1.1", "Transfer-Encoding: chunked\r\n\r\n");
	char *body = mem_printf("%zx;ext=1\r\n%s\r\n0\r\nTrailer: x\r\n\r\n", strlen(spec), spec);
	struct response p;
	struct client c;

	fake_blob(r->ctl, SHA_MODEL, 1000);
	client_open(&c, r);
	client_send(&c, head, strlen(head));
	client_send(&c, body, strlen(body));
	client_response(&c, &p);
	assert_status(&p, 201);
	response_free(&p);
	client_close(&c);
	mem_free(head);
	mem_free(body);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_body_of_two_lengths_is_refused_and_hides_no_second_request),
		T(a_coding_that_is_not_known_is_refused_at_once),
		T(what_decides_may_be_said_once),
		T(a_header_that_another_reader_takes_for_another_is_refused),
		T(an_address_that_is_decoded_in_two_ways_is_refused),
		T(an_odd_address_of_what_is_no_request_leaves_nothing),
		T(a_parameter_is_there_once_and_has_a_value),
		T(many_headers_are_bounded_by_the_memory_of_a_connection),
		T(an_old_client_is_answered_and_its_connection_ends),
		T(an_old_client_can_follow_events),
		T(a_hundred_requests_sent_at_once_are_answered_in_order),
		T(a_body_that_nobody_wants_is_no_second_request),
		T(chunks_that_are_none_end_the_connection),
		T(a_job_in_chunks_is_a_job),
	};

	return cmocka_run_group_tests_name("api_form", tests, NULL, NULL);
}
