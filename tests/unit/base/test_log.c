/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines, read from a pipe that is the process's stderr meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static struct {
	int was, fds[2];
	char text[16384];
} err;

static int setup(void **state)
{
	(void)state;
	err.was = dup(STDERR_FILENO);
	assert_int_equal(pipe(err.fds), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(err.fds[0]);
	close(err.fds[1]);
	close(err.was);
	unsetenv("JOURNAL_STREAM");
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

/* What fn() logs. */
static const char *logged(void (*fn)(void))
{
	ssize_t n;

	dup2(err.fds[1], STDERR_FILENO);
	fn();
	dup2(err.was, STDERR_FILENO);
	close(err.fds[1]);
	n = read(err.fds[0], err.text, sizeof(err.text) - 1);
	err.text[n > 0 ? n : 0] = '\0';
	close(err.fds[0]);
	assert_int_equal(pipe(err.fds), 0);
	return err.text;
}

static void all_levels(void)
{
	log_err("event=a");
	log_warn("event=b");
	log_info("event=c");
	log_debug("event=d");
}

static void name_journal(int fd, int ino_more)
{
	char text[64];
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino + ino_more);
	setenv("JOURNAL_STREAM", text, 1);
}

static void the_journal_is_given_priorities(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_DEBUG);
	name_journal(err.fds[1], 0);
	assert_string_equal(logged(all_levels), "<3>event=a\n<4>event=b\n<6>event=c\n<7>event=d\n");
}

static void a_log_that_was_sent_elsewhere_is_for_people(void **state)
{
	static const char *const others[] = {"", "1", "1:", "a:b"};

	(void)state;
	log_set_level(LOG_LEVEL_DEBUG);
	name_journal(err.fds[1], 1);
	assert_string_equal(
		logged(all_levels), "err event=a\nwarn event=b\ninfo event=c\ndebug event=d\n");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		setenv("JOURNAL_STREAM", others[i], 1);
		assert_memory_equal(logged(all_levels), "err ", 4);
	}
}

static void what_is_below_the_level_is_not_said(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_WARN);
	assert_string_equal(logged(all_levels), "err event=a\nwarn event=b\n");
}

static void repeat(void)
{
	for (int i = 0; i < 1000; i++)
		log_info("event=flood cause=\"%s\"", "a\nb\033[m");
	log_info("event=after");
}

/* Within a second it is one line and one count; on a machine that stood still, one more of each. */
static void what_repeats_is_counted(void **state)
{
	const char *text, *line = "info event=flood cause=\"a\\x0ab\\x1b[m\"\n";
	unsigned times, sum = 0, n = 0;

	(void)state;
	text = logged(repeat);
	while (!strncmp(text, line, strlen(line))) {
		text += strlen(line);
		n++;
		if (sscanf(text, "info event=repeated times=%u", &times) == 1) {
			sum += times;
			text = strchr(text, '\n') + 1;
		}
	}
	assert_int_equal(sum + n, 1000);
	assert_true(n < 100);
	assert_string_equal(text, "info event=after\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_journal_is_given_priorities),
		TEST(a_log_that_was_sent_elsewhere_is_for_people),
		TEST(what_is_below_the_level_is_not_said),
		TEST(what_repeats_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
