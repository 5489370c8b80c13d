/* SPDX-License-Identifier: Apache-2.0 */
/* Where clients go, and what they take with them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/exitcode.h"
#include "cmd/client.h"
#include "cmd/paths.h"
#include "cmd/submit.h"

/* ---- a data directory of our own, and no environment ---- */

struct dir {
	char path[64];
};

static int set_up(void **state)
{
	static const char *const names[] = {
		"FRAMEFARM_URL", "FRAMEFARM_TOKEN", "FRAMEFARM_DATA", "FRAMEFARM_ORT"};
	struct dir *d = calloc(1, sizeof(*d));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	strcpy(d->path, "/tmp/framefarm-client-XXXXXX");
	*state = d;
	return mkdtemp(d->path) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct dir *d = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/" PATHS_TOKEN_FILE, d->path);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" PATHS_URL_FILE, d->path);
	unlink(path);
	rmdir(d->path);
	free(d);
	return 0;
}

static void put(const struct dir *d, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void url_is(const struct dir *d, const char *option, const char *want)
{
	struct client_options o = {.retry_ms = 0};
	struct client *c = NULL;
	struct err e = {0};

	snprintf(o.data, sizeof(o.data), "%s", d->path);
	snprintf(o.url, sizeof(o.url), "%s", option);
	if (client_new(&o, &c, &e))
		fail_msg("%s", e.text);
	assert_string_equal(client_url(c), want);
	client_free(c);
}

static void the_nearest_word_about_the_daemon_counts(void **state)
{
	const struct dir *d = *state;

	url_is(d, "", PATHS_DEFAULT_URL);
	put(d, PATHS_URL_FILE, "http://127.0.0.1:4711\n");
	url_is(d, "", "http://127.0.0.1:4711");
	setenv("FRAMEFARM_URL", "https://farm.example/", 1);
	url_is(d, "", "https://farm.example");
	url_is(d, "http://[::1]:1//", "http://[::1]:1");
}

static void bad_addresses_and_tokens_are_refused(void **state)
{
	const struct dir *d = *state;
	struct client_options o = {.retry_ms = 0};
	struct client *c = NULL;
	struct err e = {0};

	snprintf(o.data, sizeof(o.data), "%s", d->path);
	strcpy(o.url, "file:///etc/passwd");
	assert_int_equal(client_new(&o, &c, &e), ERR_INVAL);
	o.url[0] = '\0';
	put(d, PATHS_TOKEN_FILE, "to ken\n");
	assert_int_equal(client_new(&o, &c, &e), ERR_INVAL);
	assert_non_null(strstr(e.text, PATHS_TOKEN_FILE));
	strcpy(o.token_file, "/nowhere/token");
	assert_int_equal(client_new(&o, &c, &e), ERR_NOTFOUND);
	assert_null(c);
}

static void this_host_is_known_by_its_address_alone(void **state)
{
	(void)state;
	assert_true(fetch_is_loopback("http://127.0.0.1:8765"));
	assert_true(fetch_is_loopback("https://127.9.9.9/"));
	assert_true(fetch_is_loopback("http://localhost"));
	assert_true(fetch_is_loopback("http://LocalHost:1/x"));
	assert_true(fetch_is_loopback("http://[::1]:8765"));
	assert_false(fetch_is_loopback("http://127.0.0.1.evil.example"));
	assert_false(fetch_is_loopback("http://localhost.evil.example"));
	assert_false(fetch_is_loopback("http://localhost@evil.example"));
	assert_false(fetch_is_loopback("http://128.0.0.1"));
	assert_false(fetch_is_loopback("http://[::2]"));
	assert_false(fetch_is_loopback("127.0.0.1"));
	assert_false(fetch_is_loopback(""));
}

static void parts_of_a_path_stay_in_their_place(void **state)
{
	char path[CLIENT_PATH_MAX], longest[CLIENT_PATH_MAX];
	struct err e = {0};

	(void)state;
	assert_int_equal(client_path(path, &e, "/jobs/%s?x=%s", "../a b", "&y=\xc3\xbc"), 0);
	assert_string_equal(path, "/jobs/..%2Fa%20b?x=%26y%3D%C3%BC");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(client_path(path, &e, "/%s", longest), ERR_TOOBIG);
	longest[sizeof(longest) - 8] = '\0';
	assert_int_equal(client_path(path, &e, "/%s", longest), 0);
}

static void errors_have_exit_codes(void **state)
{
	(void)state;
	assert_int_equal(client_exit(0), EXIT_PASS);
	assert_int_equal(client_exit(ERR_PERM), EXIT_PERMISSION);
	assert_int_equal(client_exit(ERR_UNREACHABLE), EXIT_UNREACHABLE);
	assert_int_equal(client_exit(ERR_TIMEOUT), EXIT_UNREACHABLE);
	assert_int_equal(client_exit(ERR_INVAL), EXIT_USAGE);
	assert_int_equal(client_exit(ERR_NOSPACE), EXIT_INFRASTRUCTURE);
	assert_int_equal(client_exit(ERR_NOTFOUND), EXIT_GENERAL);
}

static void keys_can_stand_in_a_header(void **state)
{
	char key[SUBMIT_KEY_MAX + 1], other[SUBMIT_KEY_MAX];

	(void)state;
	submit_random_key(key);
	submit_random_key(other);
	assert_string_not_equal(key, other);
	assert_true(submit_key_ok(key));
	assert_true(submit_key_ok("build-7/\"x\""));
	assert_false(submit_key_ok(""));
	assert_false(submit_key_ok("a b"));
	assert_false(submit_key_ok("a\r\nX: y"));
	assert_false(submit_key_ok("\xc3\xbc"));
	memset(key, 'k', sizeof(key));
	key[SUBMIT_KEY_MAX] = '\0';
	assert_false(submit_key_ok(key));
	key[SUBMIT_KEY_MAX - 1] = '\0';
	assert_true(submit_key_ok(key));
}

static void places_on_this_host(void **state)
{
	char path[PATHS_MAX], line[8];
	struct err e = {0};

	setenv("FRAMEFARM_DATA", "/some/where", 1);
	assert_int_equal(paths_data_dir(path, &e), 0);
	assert_string_equal(path, "/some/where");
	setenv("FRAMEFARM_ORT", "/no/such/lib.so", 1);
	assert_true(paths_find_ort(path));
	assert_string_equal(path, "/no/such/lib.so");
	assert_int_equal(paths_tools_dir(path, &e), 0);
	assert_int_equal(path[0], '/');

	put(*state, PATHS_URL_FILE, "1234567\nmore");
	snprintf(path, sizeof(path), "%s/" PATHS_URL_FILE, ((struct dir *)*state)->path);
	assert_int_equal(paths_read_line(path, line, sizeof(line), &e), ERR_TOOBIG);
	put(*state, PATHS_URL_FILE, "123\r\nab");
	assert_int_equal(paths_read_line(path, line, sizeof(line), &e), 0);
	assert_string_equal(line, "123");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_nearest_word_about_the_daemon_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			bad_addresses_and_tokens_are_refused, set_up, tear_down),
		cmocka_unit_test(this_host_is_known_by_its_address_alone),
		cmocka_unit_test(parts_of_a_path_stay_in_their_place),
		cmocka_unit_test(errors_have_exit_codes),
		cmocka_unit_test(keys_can_stand_in_a_header),
		cmocka_unit_test_setup_teardown(places_on_this_host, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
