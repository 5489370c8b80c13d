/* SPDX-License-Identifier: Apache-2.0 */
/* What outside text may and may not do to our helpers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

static void refused(const char *text, int code, const char *says)
{
	struct err e = {0};
	struct json_doc *d = json_parse(text, strlen(text), &e);

	assert_null(d);
	assert_int_equal(e.code, code);
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

static void json_keeps_lines_behind_comments(void **state)
{
	static const char text[] = "{ // one\n"
				   "  /* two\n"
				   "     three */ \"a\": \"x // no comment /* here\",\n"
				   "  \"b\": [1,\n"
				   "    {\"c\": true}]\n"
				   "}\n";
	struct err e = {0};
	struct json_doc *d = json_parse(text, strlen(text), &e);
	const struct json *b;

	(void)state;
	if (!d)
		fail_msg("%s", e.text);
	assert_string_equal(json_str(json_get(json_root(d), "a")), "x // no comment /* here");
	assert_int_equal(json_line(d, json_get(json_root(d), "a")), 3);
	b = json_get(json_root(d), "b");
	assert_int_equal(json_line(d, b), 4);
	assert_int_equal(json_line(d, json_get(json_next(json_first(b)), "c")), 5);
	json_doc_free(d);
}

static void json_refuses_what_is_wrong_by_line(void **state)
{
	char deep[4096];

	(void)state;
	refused("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", ERR_EXISTS, "line 3");
	refused("{\"a\": {\"x\": 1,\n \"x\": 2}}", ERR_EXISTS, "\"x\"");
	refused("{\"a\": 1", ERR_PARSE, "ends before");
	refused("{\"a\": 1}\n}", ERR_PARSE, "line 2");
	refused("", ERR_PARSE, "ends before");
	refused("{\"a\": nope}", ERR_PARSE, "not JSON");
	refused("/* never closed", ERR_PARSE, "never closed");
	refused("{\"a\": \"\xff\"}", ERR_PARSE, "UTF-8");
	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	refused(deep, ERR_TOOBIG, "nested deeper");
}

static void json_survives_a_hundred_thousand_levels(void **state)
{
	size_t n = 100000;
	char *text = mem_alloc(2 * n + 1);

	(void)state;
	memset(text, '[', n);
	memset(text + n, ']', n);
	text[2 * n] = '\0';
	refused(text, ERR_TOOBIG, "nested deeper");
	mem_free(text);
}

struct sample {
	char name[LIMIT_NAME];
	int64_t count;
	double ratio;
	bool on;
	int word;
};

static const char *const words[] = {"red", "green", NULL};
static const struct json_field fields[] = {
	{"name", JSON_WANT_NAME, offsetof(struct sample, name), LIMIT_NAME, .required = true},
	{"count", JSON_WANT_INT, offsetof(struct sample, count), 0, 1, 10},
	{"ratio", JSON_WANT_NUM, offsetof(struct sample, ratio), 0, 0, 1},
	{"on", JSON_WANT_BOOL, offsetof(struct sample, on)},
	{"word", JSON_WANT_ENUM, offsetof(struct sample, word), .words = words},
};

static int read_sample(const char *text, struct sample *s, struct err *e)
{
	struct json_doc *d = json_parse(text, strlen(text), e);
	int rc;

	assert_non_null(d);
	rc = json_read(d, json_root(d), "sample", fields, 5, s, e);
	json_doc_free(d);
	return rc;
}

static void json_table_says_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{}", "lacks the key \"name\""},
		{"{\"name\": \"a\",\n\"nmae\": 1}", "line 2: sample has no key \"nmae\""},
		{"{\"name\": \"a b\"}", "must be a name"},
		{"{\"name\": \"a\", \"count\": 11}", "from 1 to 10"},
		{"{\"name\": \"a\", \"count\": 1.5}", "a whole number"},
		{"{\"name\": \"a\", \"count\": \"x\"}", "a whole number"},
		{"{\"name\": \"a\", \"ratio\": \"1\"}", "must be a number, not a string"},
		{"{\"name\": \"a\", \"on\": 1}", "true or false, not a number"},
		{"{\"name\": \"a\", \"word\": \"blue\"}", "one of red, green"},
		{"{\"name\": \"a\", \"\\u006eame\": \"b\"}", "there twice"},
	};
	struct sample s = {.count = 7};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_not_equal(read_sample(cases[i].text, &s, &e), 0);
		if (!strstr(e.text, cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
	}
	s = (struct sample){.count = 7};
	assert_int_equal(read_sample("{\"name\": \"a\", \"word\": \"green\"}", &s, &e), 0);
	assert_int_equal(s.count, 7);
	assert_int_equal(s.word, 1);
}

static void big_integers_travel_as_text(void **state)
{
	struct json *o = json_new_object();
	struct json_doc *d;
	int64_t v = 0;
	char *text;

	(void)state;
	json_add_int(o, "big", INT64_MIN);
	json_add_int(o, "small", 9007199254740992);
	json_add_num(o, "nan", 0.0 / 0.0);
	text = json_print(o, false);
	assert_string_equal(
		text, "{\"big\":\"-9223372036854775808\",\"small\":9007199254740992,\"nan\":null}");
	d = json_parse(text, strlen(text), NULL);
	assert_true(json_int(json_get(json_root(d), "big"), &v));
	assert_true(v == INT64_MIN);
	json_doc_free(d);
	mem_free(text);
	json_free(o);
}

static void foreign_text_is_cleaned_and_cut_at_a_character(void **state)
{
	char dst[8];

	(void)state;
	str_copy_clean(dst, sizeof(dst), "a\x1b[31m", 6);
	assert_string_equal(dst, "a?[31m");
	str_copy_clean(dst, sizeof(dst), "abcdef\xc3\xa9", 8); /* é does not fit */
	assert_string_equal(dst, "abcdef");
	str_copy_clean(dst, sizeof(dst), "\xff\xc0\x80z", 4);
	assert_string_equal(dst, "???z");
	assert_true(str_is_name("mobilenet-v1_0.25"));
	assert_false(str_is_name("../x"));
	assert_false(str_is_name("-x"));
	assert_false(str_is_name(""));
	assert_false(str_is_name("a/b"));
}

static void buffer_refuses_what_does_not_fit_and_keeps_the_rest(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_int_equal(buf_puts(&b, "12345"), 0);
	assert_int_equal(buf_puts(&b, "6789"), ERR_TOOBIG);
	assert_int_equal(buf_printf(&b, "%d", 678), 0);
	assert_string_equal(buf_text(&b), "12345678");
	buf_drop(&b, 3);
	assert_string_equal(buf_text(&b), "45678");
	buf_fini(&b);
}

static void digest_is_that_of_the_standard(void **state)
{
	char hex[LIMIT_SHA256];

	(void)state;
	hash_bytes("abc", 3, hex); /* FIPS 180-2, B.1 */
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void map_walks_in_order_of_insertion(void **state)
{
	struct map *m = map_new();
	uint64_t seen = 0;

	(void)state;
	for (int64_t k = 100; k > 0; k--)
		map_put(m, k, (void *)(intptr_t)k);
	map_del(m, 50);
	assert_int_equal(map_count(m), 99);
	assert_null(map_get(m, 50));
	for (struct map_item *it = map_first(m); it; it = map_next(it))
		seen = seen * 3 + (uint64_t)map_key(it);
	assert_int_equal(map_key(map_first(m)), 100);
	assert_int_not_equal(seen, 0);
	map_free(m);
}

static void errors_gain_context_on_their_way_up(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(err_errno(&e, 28, "cannot write %s", "x"), ERR_NOSPACE);
	assert_int_equal(err_wrap(&e, "job j%d", 4), ERR_NOSPACE);
	assert_string_equal(e.text, "job j4: cannot write x: No space left on device");
	assert_string_equal(err_name(ERR_GONE), "device gone");
}

static void what_an_error_quotes_cannot_command_a_terminal(void **state)
{
	char quoted[ERR_TEXT_MAX + 16];
	struct err e = {0};

	(void)state;
	err_set(&e, ERR_INVAL, "there is no key \"%s\"", "a\033[2J\xff\n\xc3\xa9");
	assert_string_equal(e.text, "there is no key \"a?[2J??\xc3\xa9\"");
	err_wrap(&e, "f\r.conf");
	assert_string_equal(e.text, "f?.conf: there is no key \"a?[2J??\xc3\xa9\"");
	for (int n = 0; n < 8; n++) { /* cut anywhere, it is UTF-8 */
		memset(quoted, 'x', sizeof(quoted));
		for (size_t i = (size_t)n; i + 2 < sizeof(quoted); i += 2)
			memcpy(quoted + i, "\xc3\xa9", 2);
		quoted[sizeof(quoted) - 1] = '\0';
		err_set(&e, ERR_INVAL, "%s", quoted);
		assert_true(str_is_utf8(e.text, strlen(e.text)));
		assert_true(strlen(e.text) >= ERR_TEXT_MAX - 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_keeps_lines_behind_comments),
		cmocka_unit_test(json_refuses_what_is_wrong_by_line),
		cmocka_unit_test(json_survives_a_hundred_thousand_levels),
		cmocka_unit_test(json_table_says_what_is_wrong),
		cmocka_unit_test(big_integers_travel_as_text),
		cmocka_unit_test(foreign_text_is_cleaned_and_cut_at_a_character),
		cmocka_unit_test(buffer_refuses_what_does_not_fit_and_keeps_the_rest),
		cmocka_unit_test(digest_is_that_of_the_standard),
		cmocka_unit_test(map_walks_in_order_of_insertion),
		cmocka_unit_test(what_an_error_quotes_cannot_command_a_terminal),
		cmocka_unit_test(errors_gain_context_on_their_way_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
