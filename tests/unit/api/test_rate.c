/* SPDX-License-Identifier: Apache-2.0 */
/* How often a client may ask: the buckets by themselves, and in front of the API. */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "api/bounds.h"
#include "api/rate.h"

/* ---- buckets ---- */

static int take_all(struct rate *t, const char *key, int64_t now_ms)
{
	int n = 0;

	while (!rate_take(t, key, now_ms))
		n++;
	return n;
}

static void a_burst_goes_through_and_then_one_each_so_often(void **state)
{
	struct rate *t = rate_new(10, 50);

	(void)state;
	assert_int_equal(take_all(t, "a", 1000), 50);
	assert_int_equal(rate_take(t, "a", 1000), 100);
	assert_int_equal(rate_take(t, "a", 1099), 1);
	assert_int_equal(rate_take(t, "a", 1100), 0);
	assert_int_equal(take_all(t, "a", 1100), 0);
	assert_int_equal(take_all(t, "a", 2100), 10);
	/* However long it was away, it has no more than a burst. */
	assert_int_equal(take_all(t, "a", 1000000000), 50);
	rate_free(t);
}

static void who_asks_at_its_rate_is_never_refused(void **state)
{
	struct rate *t = rate_new(3, 3);
	int64_t now = 0;

	(void)state;
	take_all(t, "a", now);
	for (int i = 0; i < 3000; i++) {
		now += i % 3 ? 333 : 334; /* three a second */
		assert_int_equal(rate_take(t, "a", now), 0);
	}
	rate_free(t);
}

static void clients_have_buckets_of_their_own(void **state)
{
	struct rate *t = rate_new(10, 5);

	(void)state;
	assert_int_equal(take_all(t, "a", 0), 5);
	assert_int_equal(take_all(t, "b", 0), 5);
	rate_free(t);
}

static void a_clock_that_stands_still_or_goes_back_gives_nothing(void **state)
{
	struct rate *t = rate_new(10, 5);

	(void)state;
	take_all(t, "a", 5000);
	assert_true(rate_take(t, "a", 0) > 0);
	assert_true(rate_take(t, "a", 5000) > 0);
	rate_free(t);
}

/* A crowd of new clients does not make those be forgotten who have nothing left. */
static void memory_is_bounded_and_a_crowd_frees_nobody(void **state)
{
	struct rate *t = rate_new(10, 5);
	char key[32];

	(void)state;
	take_all(t, "greedy", 0);
	for (int i = 0; i < 3 * API_RATE_KEYS; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(rate_take(t, key, 0), 0);
	}
	assert_true(rate_take(t, "greedy", 0) > 0);
	rate_free(t);
}

static void key_of(char dst[RATE_KEY_MAX], int family, const char *text)
{
	struct sockaddr_storage ss = {.ss_family = (sa_family_t)family};

	if (family == AF_INET)
		inet_pton(family, text, &((struct sockaddr_in *)&ss)->sin_addr);
	else
		inet_pton(family, text, &((struct sockaddr_in6 *)&ss)->sin6_addr);
	rate_key(dst, "", &ss);
}

static void a_host_with_a_network_of_addresses_is_one_client(void **state)
{
	char a[RATE_KEY_MAX], b[RATE_KEY_MAX];

	(void)state;
	key_of(a, AF_INET6, "2001:db8:1:2::1");
	key_of(b, AF_INET6, "2001:db8:1:2:ffff::9");
	assert_string_equal(a, b);
	key_of(b, AF_INET6, "2001:db8:1:3::1");
	assert_string_not_equal(a, b);
	key_of(a, AF_INET6, "::ffff:10.0.0.1");
	key_of(b, AF_INET6, "::ffff:10.0.0.2");
	assert_string_not_equal(a, b);
	key_of(a, AF_INET, "10.0.0.1");
	key_of(b, AF_INET, "10.0.0.2");
	assert_string_not_equal(a, b);
}

/* ---- in front of the API ---- */

static int restart(void **state, int64_t per_s)
{
	struct rig *r = *state;
	struct api_config cfg = {.rate_per_s = per_s};

	api_free(r->api);
	rig_start(r, &cfg);
	return 0;
}

/* Asks until it is refused, n times at most; how often it was not. */
static int ask_until_refused(struct client *c, const char *path, int n)
{
	struct response p;
	int status = 0, done = 0;

	for (int i = 0; i < n; i++) {
		ask_send(c, "GET", path, "", "");
		client_response(c, &p);
		status = p.status;
		if (status == 429) {
			assert_string_equal(response_header(&p, "Retry-After"), "1");
			assert_string_equal(response_str(&p, "type"),
				"urn:framefarm:problem:too-many-requests");
			assert_non_null(strstr(response_str(&p, "detail"), "Retry-After"));
		}
		response_free(&p);
		if (status == 429)
			break;
		done++;
	}
	return done;
}

static void who_asks_too_often_is_told_when_to_come_again(void **state)
{
	struct rig *r = *state;
	struct client c, other;
	int n;

	restart(state, 2);
	client_open(&c, r);
	client_open_from(&other, r, "127.0.3.1");
	n = ask_until_refused(&c, "/api/v1/session", 1000);
	assert_true(n >= 2 * API_RATE_BURST_S && n < 1000);
	assert_true(ask_until_refused(&other, "/api/v1/session", 1) == 1);
	fake_advance(r->ctl, 1000);
	assert_true(ask_until_refused(&c, "/api/v1/session", 1) == 1);
	client_close(&c);
	client_close(&other);
}

static void who_has_no_token_gets_a_tenth_and_does_not_use_up_the_others(void **state)
{
	struct rig *r = *state;
	struct client c, good;
	struct response p;
	char text[256];
	int n = 0, status;

	restart(state, 40);
	snprintf(text, sizeof(text),
		"GET /api/v1/session HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer no\r\n\r\n",
		r->host);
	client_open(&c, r);
	do {
		client_send(&c, text, strlen(text));
		client_response(&c, &p);
		status = p.status;
		response_free(&p);
	} while (status == 401 && ++n < 1000);
	assert_int_equal(status, 429);
	assert_true(n >= 4 * API_RATE_BURST_S && n < 100);
	client_open(&good, r); /* of the same address */
	assert_true(ask_until_refused(&good, "/api/v1/session", 40) == 40);
	client_close(&good);
	client_close(&c);
}

static void refusals_are_counted(void **state)
{
	struct rig *r = *state;
	struct response p;
	struct client c, other;

	restart(state, 2);
	client_open(&c, r);
	ask_until_refused(&c, "/api/v1/session", 1000);
	client_open_from(&other, r, "127.0.3.1");
	ask_send(&other, "GET", "/metrics", "", "");
	client_response(&other, &p);
	assert_non_null(strstr(p.body, "\nframefarm_http_rate_limited_total 1\n"));
	response_free(&p);
	client_close(&c);
	client_close(&other);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_goes_through_and_then_one_each_so_often),
		cmocka_unit_test(who_asks_at_its_rate_is_never_refused),
		cmocka_unit_test(clients_have_buckets_of_their_own),
		cmocka_unit_test(a_clock_that_stands_still_or_goes_back_gives_nothing),
		cmocka_unit_test(memory_is_bounded_and_a_crowd_frees_nobody),
		cmocka_unit_test(a_host_with_a_network_of_addresses_is_one_client),
		T(who_asks_too_often_is_told_when_to_come_again),
		T(who_has_no_token_gets_a_tenth_and_does_not_use_up_the_others),
		T(refusals_are_counted),
	};

	return cmocka_run_group_tests_name("api_rate", tests, NULL, NULL);
}
