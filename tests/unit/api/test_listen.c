/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen on, and names under which one is reached. No API, no controller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants these first. */
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/listen.h"
#include "base/err.h"

static int try_listen(const char *where, bool exposed, struct err *e)
{
	char host[LISTEN_HOST_MAX];
	int fd, port, rc;

	rc = listen_open(where, exposed, &fd, &port, host, e);
	if (!rc)
		close(fd);
	return rc;
}

static void refused(const char *where, int code, const char *says)
{
	struct err e = {0};

	assert_int_equal(try_listen(where, false, &e), code);
	if (!strstr(e.text, says))
		fail_msg("'%s' does not say '%s'", e.text, says);
}

static void what_is_no_address_is_refused_with_an_example(void **state)
{
	(void)state;
	refused("", ERR_INVAL, "127.0.0.1:8765");
	refused("8765", ERR_INVAL, "127.0.0.1:8765");
	refused(":8765", ERR_INVAL, "127.0.0.1:8765");
	refused("127.0.0.1", ERR_INVAL, "127.0.0.1:8765");
	refused("127.0.0.1:", ERR_INVAL, "127.0.0.1:8765");
	refused("127.0.0.1:65536", ERR_INVAL, "127.0.0.1:8765");
	refused("127.0.0.1:http", ERR_INVAL, "127.0.0.1:8765");
	refused("::1:8765", ERR_INVAL, "[::1]:8765");
	refused("[]:8765", ERR_INVAL, "[::1]:8765");
	refused("no.such.host.invalid:1", ERR_INVAL, "no.such.host.invalid");
	refused("192.0.2.77:0", ERR_PERM, "--tls-cert");
}

static void other_addresses_than_loopback_need_to_be_meant(void **state)
{
	struct err e = {0};

	(void)state;
	refused("0.0.0.0:0", ERR_PERM, "--allow-insecure");
	assert_int_equal(try_listen("0.0.0.0:0", true, &e), 0);
	assert_int_equal(try_listen("192.0.2.77:0", true, &e), ERR_INVAL);
	assert_non_null(strstr(e.text, "no address of this machine"));
	assert_int_equal(try_listen("127.9.9.9:0", false, &e), 0);
}

static void every_address_is_shown_as_one_that_works(void **state)
{
	char host[LISTEN_HOST_MAX];
	struct err e = {0};
	int fd, port;

	(void)state;
	assert_int_equal(listen_open("0.0.0.0:0", true, &fd, &port, host, &e), 0);
	assert_string_equal(host, "127.0.0.1");
	close(fd);
}

static void a_check_refuses_what_opening_would(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(listen_check("127.0.0.1:8765", false, &e), 0);
	assert_int_equal(listen_check("0.0.0.0:8765", true, &e), 0);
	assert_int_equal(listen_check("0.0.0.0:8765", false, &e), ERR_PERM);
	assert_int_equal(listen_check("8765", true, &e), ERR_INVAL);
	assert_int_equal(listen_check("127.0.0.1:65536", false, &e), ERR_INVAL);
}

static void a_public_url_is_a_scheme_and_a_host(void **state)
{
	static const struct {
		const char *url, *host;
	} cases[] = {
		{"https://farm.example", "farm.example"},
		{"https://farm.example/", "farm.example"},
		{"https://farm.example:443", "farm.example"},
		{"http://farm.example:443", "farm.example:443"},
		{"HTTP://farm.example:80/", "farm.example"},
		{"https://farm.example:8443", "farm.example:8443"},
		{"https://[2001:db8::1]:8443", "[2001:db8::1]:8443"},
		{"farm.example", NULL},
		{"ftp://farm.example", NULL},
		{"https://", NULL},
		{"https:///", NULL},
		{"https://:443", NULL},
		{"https://farm.example/path", NULL},
		{"https://farm.example//", NULL},
		{"https://me@farm.example", NULL},
		{"https://farm.example\r\nX: y", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char host[LISTEN_HOST_MAX] = "untouched";
		struct err e = {0};
		int rc = listen_url_host(cases[i].url, host, &e);

		if (rc != (cases[i].host ? 0 : ERR_INVAL))
			fail_msg("'%s': %d", cases[i].url, rc);
		assert_string_equal(host, cases[i].host ? cases[i].host : "untouched");
	}
}

static void a_public_url_is_bounded(void **state)
{
	char url[8 + LISTEN_HOST_MAX + 1], host[LISTEN_HOST_MAX];
	struct err e = {0};

	(void)state;
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://", 8);
	url[8 + LISTEN_HOST_MAX - 1] = '\0';
	assert_int_equal(listen_url_host(url, host, &e), 0);
	assert_int_equal(strlen(host), LISTEN_HOST_MAX - 1);
	url[8 + LISTEN_HOST_MAX - 1] = 'a';
	url[8 + LISTEN_HOST_MAX] = '\0';
	assert_int_equal(listen_url_host(url, host, &e), ERR_INVAL);
}

static void a_port_in_use_is_named(void **state)
{
	char where[64], host[LISTEN_HOST_MAX], says[32];
	int fd, port;
	struct err e = {0};

	(void)state;
	assert_int_equal(listen_open("localhost:0", false, &fd, &port, host, &e), 0);
	snprintf(where, sizeof(where), "127.0.0.1:%d", port);
	snprintf(says, sizeof(says), "port %d is in use", port);
	refused(where, ERR_BUSY, says);
	refused(where, ERR_BUSY, "--listen");
	close(fd);
}

static struct sockaddr_storage at(const char *ip, int port)
{
	struct sockaddr_storage a = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;

	if (strchr(ip, ':')) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET6, ip, &v6->sin6_addr), 1);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET, ip, &v4->sin_addr), 1);
	}
	return a;
}

static void a_host_is_ours_by_address_or_by_configuration(void **state)
{
	static const char *const hosts[] = {"farm.example:8443", NULL};
	static const struct {
		const char *host, *ip;
		int port;
		bool tls, ok;
	} cases[] = {
		{"127.0.0.1:80", "127.0.0.1", 80, false, true},
		{"127.0.0.1", "127.0.0.1", 80, false, true},
		{"127.0.0.1", "127.0.0.1", 443, true, true},
		{"127.0.0.1", "127.0.0.1", 8765, false, false},
		{"localhost:8765", "127.0.0.1", 8765, false, true},
		{"localhost:8765", "::1", 8765, false, true},
		{"localhost:8765", "192.0.2.1", 8765, false, false},
		{"[::1]:8765", "::1", 8765, false, true},
		{"[0:0:0:0:0:0:0:1]:8765", "::1", 8765, false, true},
		{"[::2]:8765", "::1", 8765, false, false},
		{"[::1]", "::1", 80, false, true},
		{"192.0.2.1:8765", "192.0.2.1", 8765, false, true},
		{"farm.example:8443", "192.0.2.1", 8765, false, true},
		{"FARM.example:8443", "192.0.2.1", 8765, false, true},
		{"farm.example", "192.0.2.1", 8765, false, false},
		{"127.0.0.1.evil.example:8765", "127.0.0.1", 8765, false, false},
		{"localhost.evil.example:8765", "127.0.0.1", 8765, false, false},
		{"127.0.0.1:8765@evil.example", "127.0.0.1", 8765, false, false},
		{"", "127.0.0.1", 80, false, false},
		{":", "127.0.0.1", 80, false, false},
		{"[", "127.0.0.1", 80, false, false},
		{"]:80", "127.0.0.1", 80, false, false},
		{"127.1:80", "127.0.0.1", 80, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct listen_names n = {hosts, cases[i].tls};
		struct sockaddr_storage local = at(cases[i].ip, cases[i].port);

		if (listen_host_ok(&n, cases[i].host, &local) != cases[i].ok)
			fail_msg("Host '%s' at %s:%d", cases[i].host, cases[i].ip, cases[i].port);
	}
}

static void an_origin_is_scheme_and_host(void **state)
{
	static const char *const hosts[] = {"farm.example", NULL};
	const struct listen_names plain = {hosts, false}, tls = {hosts, true};

	(void)state;
	assert_true(listen_origin_ok(&plain, "http://127.0.0.1:8765", "127.0.0.1:8765"));
	assert_false(listen_origin_ok(&plain, "https://127.0.0.1:8765", "127.0.0.1:8765"));
	assert_true(listen_origin_ok(&tls, "https://127.0.0.1:8765", "127.0.0.1:8765"));
	assert_false(listen_origin_ok(&tls, "http://127.0.0.1:8765", "127.0.0.1:8765"));
	assert_false(listen_origin_ok(&plain, "http://127.0.0.1:8765/x", "127.0.0.1:8765"));
	assert_false(listen_origin_ok(&plain, "http://evil.example", "127.0.0.1:8765"));
	assert_false(listen_origin_ok(&plain, "null", "127.0.0.1:8765"));
	assert_false(listen_origin_ok(&plain, "", "127.0.0.1:8765"));
	/* A proxy in front speaks TLS for us. */
	assert_true(listen_origin_ok(&plain, "https://farm.example", "farm.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_address_is_refused_with_an_example),
		cmocka_unit_test(other_addresses_than_loopback_need_to_be_meant),
		cmocka_unit_test(every_address_is_shown_as_one_that_works),
		cmocka_unit_test(a_check_refuses_what_opening_would),
		cmocka_unit_test(a_public_url_is_a_scheme_and_a_host),
		cmocka_unit_test(a_public_url_is_bounded),
		cmocka_unit_test(a_port_in_use_is_named),
		cmocka_unit_test(a_host_is_ours_by_address_or_by_configuration),
		cmocka_unit_test(an_origin_is_scheme_and_host),
	};

	return cmocka_run_group_tests_name("api_listen", tests, NULL, NULL);
}
