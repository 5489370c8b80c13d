/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets in: tokens, sessions, Host and Origin; and what every answer carries. */
#include "support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/bounds.h"

#define CANCEL "/api/v1/jobs/j2/cancel"

/* A request made of nothing but what the caller writes. */
static void ask_raw(struct rig *r, struct response *ret_p, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void ask_raw(struct rig *r, struct response *ret_p, const char *fmt, ...)
{
	struct client c;
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	client_open(&c, r);
	assert_true(client_send(&c, text, strlen(text)));
	client_response(&c, ret_p);
	client_close(&c);
}

static void expect_raw(struct rig *r, int status, const char *fmt, const char *arg)
{
	struct response p;
	char text[1024];

	snprintf(text, sizeof(text), fmt, arg);
	ask_raw(r, &p, "%s", text);
	assert_status(&p, status);
	response_free(&p);
}

/* ---- tokens ---- */

static void without_the_token_there_is_no_data(void **state)
{
	struct rig *r = *state;
	struct response p;

	ask_raw(r, &p, "GET /api/v1/jobs HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	assert_status(&p, 401);
	assert_string_equal(response_header(&p, "WWW-Authenticate"), "Bearer realm=\"framefarm\"");
	assert_string_equal(response_header(&p, "Content-Type"), "application/problem+json");
	assert_non_null(strstr(response_str(&p, "detail"), api_token_path(r->api)));
	response_free(&p);
	expect_raw(r, 401, "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	expect_raw(r, 401, "GET /openapi.json HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	expect_raw(r, 401, "GET /api/v1/events HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
}

static void a_wrong_token_is_as_good_as_none(void **state)
{
	static const char *const wrong[] = {"Bearer ff_0000", "Bearer ", "Basic YTpi", "Bearer"};
	struct rig *r = *state;
	struct response p;

	for (int i = 0; i < 4; i++) {
		ask_raw(r, &p, "GET /api/v1/jobs HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n\r\n",
			r->host, wrong[i]);
		assert_status(&p, 401);
		response_free(&p);
	}
	/* The right one with its last digit changed. */
	r->token[strlen(r->token) - 1] ^= 1;
	ask_get(r, "/api/v1/jobs", &p);
	assert_status(&p, 401);
	response_free(&p);
}

static void health_and_pages_need_no_token(void **state)
{
	struct rig *r = *state;

	expect_raw(r, 200, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	expect_raw(r, 200, "GET /readyz HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	expect_raw(r, 200, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	expect_raw(r, 200, "GET /runs/r5 HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	expect_raw(r, 200, "GET /login HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
}

static void readiness_says_what_is_wrong(void **state)
{
	struct rig *r = *state;
	struct response p;

	fake_break_store(r->ctl, "the disk is full");
	ask_raw(r, &p, "GET /readyz HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	assert_status(&p, 503);
	assert_non_null(strstr(response_str(&p, "detail"), "the disk is full"));
	response_free(&p);
}

/* ---- the token's file ---- */

static void restart(struct rig *r)
{
	api_free(r->api);
	rig_start(r, NULL);
}

static void the_token_is_the_owners_alone_and_stays(void **state)
{
	struct rig *r = *state;
	char first[sizeof(r->token)];
	struct stat st;

	assert_int_equal(stat(api_token_path(r->api), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_memory_equal(r->token, "ff_", 3);
	assert_true(strlen(r->token) >= 3 + 32);
	memcpy(first, r->token, sizeof(first));
	restart(r);
	assert_string_equal(r->token, first);
}

static void refused_start(struct rig *r, int code, const char *says)
{
	struct api_config cfg = {.listen = "127.0.0.1:0", .data_dir = r->dir};
	struct err e = {0};

	assert_null(api_new(&cfg, r->ctl, &e));
	assert_int_equal(e.code, code);
	if (!strstr(e.text, says))
		fail_msg("'%s' does not say '%s'", e.text, says);
}

static void a_token_file_that_others_can_read_or_that_holds_none_is_refused(void **state)
{
	struct rig *r = *state;
	char *path = mem_strdup(api_token_path(r->api));
	int fd;

	assert_int_equal(chmod(path, 0644), 0);
	refused_start(r, ERR_PERM, "chmod 600");
	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "hello\n", 6), 6);
	close(fd);
	refused_start(r, ERR_PARSE, "delete it");
	unlink(path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	refused_start(r, ERR_PERM, "is a link");
	unlink(path);
	mem_free(path);
	restart(r);
}

/* ---- Host and Origin ---- */

static void only_our_own_names_are_answered(void **state)
{
	struct rig *r = *state;
	char port[16];

	snprintf(port, sizeof(port), "%d", api_port(r->api));
	expect_raw(r, 200, "GET /healthz HTTP/1.1\r\nHost: localhost:%s\r\n\r\n", port);
	expect_raw(r, 200, "GET /healthz HTTP/1.1\r\nHost: LOCALHOST:%s\r\n\r\n", port);
	expect_raw(r, 421, "GET /healthz HTTP/1.1\r\nHost: evil.example:%s\r\n\r\n", port);
	expect_raw(r, 421, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.2:%s\r\n\r\n", port);
	expect_raw(r, 421, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1%s\r\n\r\n", "");
	expect_raw(r, 421, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", "127.0.0.1:1");
	expect_raw(r, 421, "GET /healthz HTTP/1.1\r\nHost: [%s\r\n\r\n", "");
	expect_raw(r, 421, "GET /healthz HTTP/1.0\r\n%s\r\n", "");
}

static void a_configured_name_is_answered_too(void **state)
{
	static const char *const hosts[] = {"farm.example:8443", "farm.example", NULL};
	const struct api_config more = {.hosts = hosts};
	struct rig *r = *state;

	api_free(r->api);
	rig_start(r, &more);
	expect_raw(r, 200, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", "farm.example:8443");
	expect_raw(r, 200, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", "Farm.Example");
	expect_raw(r, 421, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", "farm.example:1");
}

static void the_public_url_is_a_name_of_ours(void **state)
{
	const struct api_config more = {.public_url = "https://farm.example/"};
	struct rig *r = *state;

	api_free(r->api);
	rig_start(r, &more);
	expect_raw(r, 200, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", "farm.example");
	expect_raw(r, 200, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	expect_raw(r, 421, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", "evil.example");
}

static void post_with(struct rig *r, int status, const char *headers)
{
	struct response p;

	ask(r, "POST", CANCEL, headers, "", &p);
	assert_status(&p, status);
	response_free(&p);
}

static void a_changing_request_of_another_sites_page_is_refused(void **state)
{
	struct rig *r = *state;
	char own[128];

	snprintf(own, sizeof(own), "Origin: http://%s\r\nSec-Fetch-Site: same-origin\r\n", r->host);
	post_with(r, 202, "");
	post_with(r, 202, own);
	post_with(r, 403, "Origin: http://evil.example\r\n");
	post_with(r, 403, "Origin: null\r\n");
	post_with(r, 403, "Sec-Fetch-Site: cross-site\r\n");
	post_with(r, 403, "Sec-Fetch-Site: same-site\r\n");
	snprintf(own, sizeof(own), "Origin: https://%s\r\n", r->host);
	post_with(r, 403, own); /* another scheme is another origin */
}

/* ---- sessions ---- */

static void log_in(struct rig *r, char cookie[160])
{
	struct response p;
	char body[256];

	snprintf(body, sizeof(body), "{\"token\": \"%s\"}", r->token);
	ask(r, "POST", "/api/v1/session", "", body, &p);
	assert_status(&p, 200);
	assert_string_equal(response_str(&p, "role"), "admin");
	snprintf(cookie, 160, "%s", response_header(&p, "Set-Cookie"));
	assert_non_null(strstr(cookie, "HttpOnly"));
	assert_non_null(strstr(cookie, "SameSite=Strict"));
	assert_null(strstr(cookie, r->token));
	cookie[strcspn(cookie, ";")] = '\0';
	response_free(&p);
}

static int status_with_cookie(
	struct rig *r, const char *method, const char *path, const char *cookie, const char *more)
{
	struct response p;
	int status;

	ask_raw(r, &p, "%s %s HTTP/1.1\r\nHost: %s\r\nCookie: a=b; %s\r\n%s\r\n", method, path,
		r->host, cookie, more);
	status = p.status;
	response_free(&p);
	return status;
}

static void a_session_opens_with_the_token_and_closes_on_request(void **state)
{
	struct rig *r = *state;
	char cookie[160], origin[128];

	log_in(r, cookie);
	snprintf(origin, sizeof(origin), "Origin: http://%s\r\n", r->host);
	assert_int_equal(status_with_cookie(r, "GET", "/api/v1/jobs", cookie, ""), 200);
	assert_int_equal(status_with_cookie(r, "GET", "/api/v1/session", cookie, ""), 200);
	/* What a browser did on another site's behalf has no origin of ours. */
	assert_int_equal(status_with_cookie(r, "POST", CANCEL, cookie, ""), 403);
	assert_int_equal(status_with_cookie(r, "POST", CANCEL, cookie, origin), 202);
	assert_int_equal(status_with_cookie(r, "DELETE", "/api/v1/session", cookie, origin), 204);
	assert_int_equal(status_with_cookie(r, "GET", "/api/v1/jobs", cookie, ""), 401);
}

static void a_session_ends_after_twelve_hours(void **state)
{
	struct rig *r = *state;
	char cookie[160];

	log_in(r, cookie);
	fake_advance(r->ctl, API_SESSION_MS - 60000);
	assert_int_equal(status_with_cookie(r, "GET", "/api/v1/jobs", cookie, ""), 200);
	fake_advance(r->ctl, 61000);
	assert_int_equal(status_with_cookie(r, "GET", "/api/v1/jobs", cookie, ""), 401);
}

static void sessions_are_bounded_and_the_oldest_gives_way(void **state)
{
	struct rig *r = *state;
	char first[160], last[160];

	log_in(r, first);
	for (int i = 0; i < API_SESSIONS - 1; i++) {
		fake_advance(r->ctl, 1);
		log_in(r, last);
	}
	assert_int_equal(status_with_cookie(r, "GET", "/api/v1/jobs", first, ""), 200);
	fake_advance(r->ctl, 1);
	log_in(r, last);
	assert_int_equal(status_with_cookie(r, "GET", "/api/v1/jobs", first, ""), 401);
	assert_int_equal(status_with_cookie(r, "GET", "/api/v1/jobs", last, ""), 200);
}

static void a_wrong_login_is_refused(void **state)
{
	static const struct {
		const char *body;
		int status;
	} tries[] = {
		{"{\"token\": \"ff_wrong\"}", 401},
		{"{\"token\": \"\"}", 400},
		{"{\"token\": 5}", 400},
		{"{}", 400},
		{"", 400},
		{"[]", 400},
		{"{\"token\": \"a\", \"other\": 1}", 400},
	};
	struct rig *r = *state;
	struct response p;

	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		ask(r, "POST", "/api/v1/session", "", tries[i].body, &p);
		assert_status(&p, tries[i].status);
		assert_null(response_header(&p, "Set-Cookie"));
		response_free(&p);
	}
}

/* ---- what every answer carries ---- */

static void every_answer_carries_the_security_headers(void **state)
{
	static const char *const paths[] = {"/", "/healthz", "/api/v1/jobs", "/nothing"};
	struct rig *r = *state;
	struct response p;

	for (int i = 0; i < 4; i++) {
		ask_get(r, paths[i], &p);
		assert_non_null(strstr(response_header(&p, "Content-Security-Policy"),
			"default-src 'none'; script-src 'self'; style-src 'self'"));
		assert_string_equal(response_header(&p, "X-Content-Type-Options"), "nosniff");
		assert_string_equal(response_header(&p, "Referrer-Policy"), "no-referrer");
		assert_non_null(response_header(&p, "Cache-Control"));
		response_free(&p);
	}
}

static void pages_are_asked_for_again_but_not_sent_again(void **state)
{
	struct rig *r = *state;
	struct response p;
	char header[160];

	ask_get(r, "/", &p);
	assert_status(&p, 200);
	assert_string_equal(response_header(&p, "Cache-Control"), "no-cache");
	assert_string_equal(response_header(&p, "Content-Type"), "text/html; charset=utf-8");
	snprintf(header, sizeof(header), "If-None-Match: %s\r\n", response_header(&p, "ETag"));
	response_free(&p);
	ask(r, "GET", "/", header, "", &p);
	assert_status(&p, 304);
	response_free(&p);
	ask(r, "GET", "/", "If-None-Match: \"other\"\r\n", "", &p);
	assert_status(&p, 200);
	response_free(&p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_the_token_there_is_no_data),
		T(a_wrong_token_is_as_good_as_none),
		T(health_and_pages_need_no_token),
		T(readiness_says_what_is_wrong),
		T(the_token_is_the_owners_alone_and_stays),
		T(a_token_file_that_others_can_read_or_that_holds_none_is_refused),
		T(only_our_own_names_are_answered),
		T(a_configured_name_is_answered_too),
		T(the_public_url_is_a_name_of_ours),
		T(a_changing_request_of_another_sites_page_is_refused),
		T(a_session_opens_with_the_token_and_closes_on_request),
		T(a_session_ends_after_twelve_hours),
		T(sessions_are_bounded_and_the_oldest_gives_way),
		T(a_wrong_login_is_refused),
		T(every_answer_carries_the_security_headers),
		T(pages_are_asked_for_again_but_not_sent_again),
	};

	return cmocka_run_group_tests_name("api_door", tests, NULL, NULL);
}
