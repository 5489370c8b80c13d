/* SPDX-License-Identifier: Apache-2.0 */
/* One table, read from a command line and from a file. */
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
#include "cmd/options.h"

/* ---- a table with everything in it ---- */

struct shared {
	char url[16];
};

struct values {
	bool fast;
	int64_t threads, wait_ms, quota;
	char name[8];
	int level;
	struct option_list labels, phones;
	struct shared shared;
};

static const char *const levels[] = {"low", "high", NULL};

static const struct option_row shared_rows[] = {
	{.name = "url", .type = OPTION_TEXT, .unit = "URL", OPTION_AT(struct shared, url)},
};

static const struct option_table shared_table = OPTION_TABLE(shared_rows, struct shared);

static const struct option_row rows[] = {
	{.name = "fast", .letter = 'f', .type = OPTION_FLAG, OPTION_AT(struct values, fast)},
	{.name = "threads",
		.letter = 't',
		.type = OPTION_INT,
		.unit = "N",
		.min = 1,
		.max = 64,
		.fallback = "4",
		OPTION_AT(struct values, threads)},
	{.name = "wait",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.min = 0,
		.max = 3600000,
		.fallback = "90s",
		OPTION_AT(struct values, wait_ms)},
	{.name = "quota", .type = OPTION_BYTES, .min = 1024, OPTION_AT(struct values, quota)},
	{.name = "name", .type = OPTION_TEXT, .unit = "NAME", OPTION_AT(struct values, name)},
	{.name = "level",
		.type = OPTION_WORD,
		.words = levels,
		.fallback = "high",
		OPTION_AT(struct values, level)},
	{.name = "label",
		.letter = 'l',
		.no_file = true,
		.type = OPTION_LIST,
		.unit = "K=V",
		OPTION_AT(struct values, labels)},
	{.name = "phone",
		.type = OPTION_LIST,
		.unit = "HOST:PORT",
		OPTION_AT(struct values, phones)},
	OPTION_PART(struct values, shared, shared_table),
};

static const struct option_table table = OPTION_TABLE(rows, struct values);

struct read {
	struct option_set set;
	struct values v;
	struct err e;
	char *argv[16];
	int n;
};

/* Splits `line` at blanks and reads it. */
static int parse(struct read *r, char *line)
{
	int argc = 0;

	*r = (struct read){.n = -1};
	r->argv[argc++] = line; /* the command's own name, never looked at */
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		r->argv[argc++] = word;
	options_init(&r->set, &table, &r->v);
	return options_parse(&r->set, argc, r->argv, &r->n, &r->e);
}

static void refused(const char *text, int code, const char *says)
{
	char line[256];
	struct read r;

	snprintf(line, sizeof(line), "%s", text);
	assert_int_equal(parse(&r, line), code);
	if (!strstr(r.e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", r.e.text, says);
}

/* ---- the command line ---- */

static void defaults_stand_where_nothing_is_given(void **state)
{
	char line[] = "";
	struct read r;

	(void)state;
	assert_int_equal(parse(&r, line), 0);
	assert_int_equal(r.n, 0);
	assert_int_equal(r.v.threads, 4);
	assert_int_equal(r.v.wait_ms, 90000);
	assert_int_equal(r.v.quota, 0);
	assert_int_equal(r.v.level, 1);
	assert_string_equal(r.v.name, "");
	assert_false(r.v.fast);
}

static void every_spelling_of_an_option_is_read(void **state)
{
	char line[] = "--threads=8 --wait 1h --quota 2MiB -f --level=low --name=ab -lx=1 -l y=2 "
		      "--url http://x";
	struct read r;

	(void)state;
	if (parse(&r, line))
		fail_msg("%s", r.e.text);
	assert_int_equal(r.v.threads, 8);
	assert_int_equal(r.v.wait_ms, 3600000);
	assert_int_equal(r.v.quota, 2 << 20);
	assert_true(r.v.fast);
	assert_int_equal(r.v.level, 0);
	assert_string_equal(r.v.name, "ab");
	assert_int_equal(r.v.labels.n, 2);
	assert_string_equal(r.v.labels.items[1], "y=2");
	assert_string_equal(r.v.shared.url, "http://x");
}

static void short_options_may_be_joined(void **state)
{
	char line[] = "-ft9";
	struct read r;

	(void)state;
	assert_int_equal(parse(&r, line), 0);
	assert_true(r.v.fast);
	assert_int_equal(r.v.threads, 9);
}

static void arguments_may_stand_anywhere(void **state)
{
	char line[] = "job.json -f - -- --threads -x";
	struct read r;

	(void)state;
	assert_int_equal(parse(&r, line), 0);
	assert_int_equal(r.n, 4);
	assert_string_equal(r.argv[1], "job.json");
	assert_string_equal(r.argv[2], "-");
	assert_string_equal(r.argv[3], "--threads");
	assert_string_equal(r.argv[4], "-x");
	assert_true(r.v.fast);
}

static void help_wins_over_what_follows(void **state)
{
	char line[] = "--help --nonsense", letter[] = "-h";
	struct read r;

	(void)state;
	assert_int_equal(parse(&r, line), OPTIONS_HELP);
	assert_int_equal(parse(&r, letter), OPTIONS_HELP);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	refused("--nonsense", ERR_INVAL, "--nonsense");
	refused("--thread 4", ERR_INVAL, "--thread"); /* no abbreviations: tables grow */
	refused("-z", ERR_INVAL, "-z");
	refused("--threads", ERR_INVAL, "needs a value (N)");
	refused("--fast=yes", ERR_INVAL, "takes no value");
	refused("--fast -f", ERR_INVAL, "twice");
	refused("--threads 1 --threads 2", ERR_INVAL, "twice");
	refused("--threads 4x", ERR_INVAL, "no whole number");
	refused("--threads 65", ERR_RANGE, "from 1 to 64");
	refused("--threads 0", ERR_RANGE, "from 1 to 64");
	refused("--wait 2h", ERR_RANGE, "from 0s to 1h");
	refused("--wait 5", ERR_INVAL, "90s, 5m or 1h30m");
	refused("--quota 1023", ERR_RANGE, "at least 1KiB");
	refused("--level middle", ERR_INVAL, "low, high");
	refused("--name 12345678", ERR_RANGE, "longer than 7 bytes");
	refused("--name=", ERR_INVAL, "empty");
}

static void a_list_has_a_bound(void **state)
{
	static char option[] = "-lx";
	char *argv[OPTION_LIST_MAX + 2];
	struct option_set set;
	struct err e = {0};
	struct values v;
	int n;

	(void)state;
	for (int i = 0; i < OPTION_LIST_MAX + 2; i++)
		argv[i] = option;
	options_init(&set, &table, &v);
	assert_int_equal(options_parse(&set, OPTION_LIST_MAX + 1, argv, &n, &e), 0);
	options_init(&set, &table, &v);
	assert_int_equal(options_parse(&set, OPTION_LIST_MAX + 2, argv, &n, &e), ERR_RANGE);
}

static void a_list_may_stand_in_a_file_line_by_line(void **state)
{
	char text[] = "phone = a:1\nthreads = 2\nphone = \"b:2\"\n", bad[] = "phone =\n";
	char none[] = "", line[] = "--phone c:3";
	struct read r;

	(void)state;
	assert_int_equal(parse(&r, none), 0);
	assert_int_equal(options_read_text(&r.set, "f", text, strlen(text), &r.e), 0);
	memset(text, 'x', sizeof(text) - 1); /* the list keeps its own */
	assert_int_equal(r.v.phones.n, 2);
	assert_string_equal(r.v.phones.items[0], "a:1");
	assert_string_equal(r.v.phones.items[1], "b:2");
	assert_int_equal(options_read_text(&r.set, "f", bad, strlen(bad), &r.e), ERR_INVAL);
	option_list_fini(&r.v.phones);
	assert_int_equal(r.v.phones.n, 0);

	/* The command line's list stands in the place of the file's. */
	assert_int_equal(parse(&r, line), 0);
	assert_int_equal(options_read_text(&r.set, "f", "phone = d:4\n", 12, &r.e), 0);
	assert_int_equal(r.v.phones.n, 1);
	assert_string_equal(r.v.phones.items[0], "c:3");
	option_list_fini(&r.v.phones);
}

static void ranges_are_told(void **state)
{
	struct option_row all[OPTION_ROWS_MAX];
	int n = options_rows(&table, all);
	char text[128];

	(void)state;
	assert_int_equal(n, 9); /* with the part's row */
	option_range(text, sizeof(text), &all[1]);
	assert_string_equal(text, "1 to 64; default 4");
	option_range(text, sizeof(text), &all[2]);
	assert_string_equal(text, "0s to 1h; default 90s");
	option_range(text, sizeof(text), &all[5]);
	assert_string_equal(text, "low, high; default high");
	option_range(text, sizeof(text), &all[0]);
	assert_string_equal(text, "");
	assert_string_equal(all[5].unit, "WORD");
}

/* ---- a file ---- */

static int read_text(struct read *r, const char *text)
{
	return options_read_text(&r->set, "ff.conf", text, strlen(text), &r->e);
}

static void file_refused(const char *text, int code, const char *says)
{
	char line[] = "";
	struct read r;

	parse(&r, line);
	assert_int_equal(read_text(&r, text), code);
	if (!strstr(r.e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", r.e.text, says);
}

static void a_file_gives_what_the_command_line_left_open(void **state)
{
	static const char text[] = "# a comment\n"
				   "\n"
				   "threads = 16 # behind a value\n"
				   "\twait=5m\r\n"
				   "fast = yes\n"
				   "name = \"a \\\"#\\\"\"\n"
				   "url = x#y"; /* no blank before it: part of the value */
	char line[] = "--threads 2";
	struct read r;

	(void)state;
	parse(&r, line);
	if (read_text(&r, text))
		fail_msg("%s", r.e.text);
	assert_int_equal(r.v.threads, 2);
	assert_int_equal(r.v.wait_ms, 300000);
	assert_true(r.v.fast);
	assert_string_equal(r.v.name, "a \"#\"");
	assert_string_equal(r.v.shared.url, "x#y");
}

static void a_bad_file_is_refused_by_line(void **state)
{
	(void)state;
	file_refused("threads = 4\n\nnonsense = 1\n", ERR_INVAL,
		"ff.conf:3: there is no key \"nonsense\"");
	file_refused("threads = 4\nthreads = 5\n", ERR_EXISTS,
		"ff.conf:2: the key \"threads\" is there twice");
	file_refused("threads\n", ERR_PARSE, "ff.conf:1: this is not `key = value`");
	file_refused("threads 4\n", ERR_PARSE, "ff.conf:1");
	file_refused("= 4\n", ERR_PARSE, "ff.conf:1");
	file_refused("fast = maybe\n", ERR_INVAL, "ff.conf:1: fast: \"maybe\" must be yes or no");
	file_refused("threads = 65\n", ERR_RANGE, "threads: 65 is out of range");
	file_refused("name = \"open\n", ERR_PARSE, "never closed");
	file_refused("name = \"a\" b\n", ERR_PARSE, "behind the value");
	file_refused("name =\n", ERR_INVAL, "empty");
	file_refused("label = x\n", ERR_INVAL, "only be given on the command line");
	file_refused("name = \xff\n", ERR_PARSE, "UTF-8");
}

static void a_bad_value_is_refused_though_the_command_line_wins(void **state)
{
	char line[] = "--threads 2";
	struct read r;

	(void)state;
	parse(&r, line);
	assert_int_equal(read_text(&r, "threads = 999"), ERR_RANGE);
	assert_int_equal(r.v.threads, 2);
}

static void files_have_a_bound(void **state)
{
	char path[] = "/tmp/framefarm-options-XXXXXX", line[] = "";
	int fd = mkstemp(path);
	struct read r;

	(void)state;
	assert_true(fd >= 0);
	parse(&r, line);
	assert_int_equal(write(fd, "threads = 8\n", 12), 12);
	assert_int_equal(options_read_file(&r.set, path, &r.e), 0);
	assert_int_equal(r.v.threads, 8);
	assert_int_equal(ftruncate(fd, OPTION_FILE_MAX + 1), 0);
	assert_int_equal(options_read_file(&r.set, path, &r.e), ERR_TOOBIG);
	close(fd);
	unlink(path);
	assert_int_equal(options_read_file(&r.set, path, &r.e), ERR_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_stand_where_nothing_is_given),
		cmocka_unit_test(every_spelling_of_an_option_is_read),
		cmocka_unit_test(short_options_may_be_joined),
		cmocka_unit_test(arguments_may_stand_anywhere),
		cmocka_unit_test(help_wins_over_what_follows),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(a_list_has_a_bound),
		cmocka_unit_test(a_list_may_stand_in_a_file_line_by_line),
		cmocka_unit_test(ranges_are_told),
		cmocka_unit_test(a_file_gives_what_the_command_line_left_open),
		cmocka_unit_test(a_bad_file_is_refused_by_line),
		cmocka_unit_test(a_bad_value_is_refused_though_the_command_line_wins),
		cmocka_unit_test(files_have_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
