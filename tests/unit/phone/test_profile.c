/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: those of the tree are good, and what is wrong is said with its line. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "drivers/virtual/profile.h"

#define HEAD                                                                                       \
	"{\"schema\": \"framefarm.phone/1\", \"name\": \"x\", \"model\": \"X\", \"device\": "      \
	"\"x\", \"product\": \"x\",\n\"manufacturer\": \"x\", \"abi\": \"arm64-v8a\", "            \
	"\"android\": \"14\", \"sdk\": 34, \"build\": \"B\""

static struct profile *parse(const char *text, struct err *e)
{
	memset(e, 0, sizeof(*e));
	return profile_parse(text, strlen(text), "x.json", e);
}

static void count(void *arg, const struct profile *p)
{
	int *n = arg;

	assert_true(p->name[0] && p->model[0]);
	++*n;
}

static void the_trees_own_are_good(void **state)
{
	struct profile *p = support_profile("galaxy-s9");
	int n = 0;

	(void)state;
	profile_each(count, &n);
	assert_int_equal(n, 4);
	assert_string_equal(p->model, "SM-G960F");
	assert_int_equal(profile_cpus(p), 8);
	assert_true(p->battery.current_milli && !p->battery.inverted);
	assert_int_equal(p->policies[1].freqs_khz[8], 2704000);
	profile_free(p);
}

static void the_least_has_defaults(void **state)
{
	struct err e;
	struct profile *p = parse(HEAD "}", &e);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->max_payload, 1024 * 1024);
	assert_int_equal(p->n_policies, 0);
	assert_true(p->rate == 60);
	profile_free(p);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"{", "x.json"},
		{"{\"schema\": \"framefarm.phone/2\"}", "name"},
		{HEAD ", \"colour\": 1}", "colour"},
		{HEAD ",\n\"cpu\": {\"policies\": [{\"first\": 0, \"count\": 1,\n\"freqs_khz\": "
		      "[2000, 1000]}]}}",
			"line 4: freqs_khz are rising"},
		{HEAD ",\n\"thermal\": {\"cooling\": [{\"type\": \"a\", \"policy\": 0}]}}",
			"line 3: there is no such policy"},
		{HEAD ",\n\"thermal\": {\"zones\": [{\"type\": \"a\", \"node\": \"moon\"}]}}",
			"node"},
		{HEAD ", \"thermal\": {\"throttle_c\": 50, \"release_c\": 60}}", "release_c"},
		{HEAD ", \"adb\": {\"max_payload\": 4095}}", "max_payload"},
		{HEAD ", \"properties\": {\"a\": 1}}", "texts of one line"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(parse(bad[i].text, &e));
		if (!strstr(e.text, bad[i].says))
			fail_msg("\"%s\" says nothing of \"%s\"", e.text, bad[i].says);
	}
	assert_null(profile_read("nokia-3310", &e));
	assert_non_null(strstr(e.text, "--list-profiles"));
	assert_null(profile_read("/nonexistent/p.json", &e));
	assert_non_null(strstr(e.text, "/nonexistent/p.json"));
}

static void lists_are_bounded(void **state)
{
	char text[8192];
	struct err e;
	struct profile *p;

	(void)state;
	for (int n = PROFILE_ZONES; n <= PROFILE_ZONES + 1; n++) {
		size_t k = snprintf(text, sizeof(text), HEAD ", \"thermal\": {\"zones\": [");

		for (int i = 0; i < n; i++)
			k += snprintf(text + k, sizeof(text) - k, "%s{\"type\": \"z%d\"}",
				i ? "," : "", i);
		snprintf(text + k, sizeof(text) - k, "]}}");
		p = parse(text, &e);
		assert_int_equal(p != NULL, n == PROFILE_ZONES);
		profile_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_trees_own_are_good),
		cmocka_unit_test(the_least_has_defaults),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(lists_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
