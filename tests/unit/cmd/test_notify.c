/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager hears: a socket of the test's own is the manager. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/notify.h"

#define PATIENCE_MS 60000
#define LONG_MS     3600000 /* no start in these tests takes so long */

static struct {
	char dir[64], name[128]; /* as NOTIFY_SOCKET has it */
	int fd;
	char said[NOTIFY_TEXT_MAX + 64];
} manager;

static void listen_at(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n = strlen(name);

	memcpy(a.sun_path, name, n);
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(manager.fd, (struct sockaddr *)&a,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'))),
		0);
	snprintf(manager.name, sizeof(manager.name), "%s", name);
	setenv("NOTIFY_SOCKET", name, 1);
}

static int setup(void **state)
{
	char name[80];

	(void)state;
	snprintf(manager.dir, sizeof(manager.dir), "/tmp/framefarm-notify.XXXXXX");
	assert_non_null(mkdtemp(manager.dir));
	snprintf(name, sizeof(name), "%s/sock", manager.dir);
	listen_at(name);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(manager.fd);
	if (manager.name[0] == '/')
		unlink(manager.name);
	rmdir(manager.dir);
	unsetenv("NOTIFY_SOCKET");
	return 0;
}

static bool heard(int wait_ms)
{
	struct pollfd p = {manager.fd, POLLIN, 0};
	ssize_t n;

	if (poll(&p, 1, wait_ms) != 1)
		return false;
	n = recv(manager.fd, manager.said, sizeof(manager.said) - 1, 0);
	assert_true(n > 0);
	manager.said[n] = '\0';
	return true;
}

static void hears(const char *text)
{
	assert_true(heard(PATIENCE_MS));
	assert_string_equal(manager.said, text);
}

static void hears_nothing(void)
{
	if (heard(0))
		fail_msg("it said %s", manager.said);
}

/* ---- the stories ---- */

static void live_a_life(void)
{
	struct notify *n = notify_begin(LONG_MS);

	assert_non_null(n);
	notify_status(n, "opening %s", "the store");
	hears("STATUS=opening the store");
	notify_ready(n);
	hears("READY=1");
	notify_alive(n);
	hears("WATCHDOG=1");
	notify_stopping(n);
	hears("STOPPING=1");
	notify_end(n);
	hears_nothing();
}

static void a_daemon_says_how_it_goes(void **state)
{
	(void)state;
	live_a_life();
}

static void the_socket_may_be_abstract(void **state)
{
	char name[100];

	(void)state;
	close(manager.fd);
	unlink(manager.name);
	snprintf(name, sizeof(name), "@framefarm-test-%d", (int)getpid());
	listen_at(name);
	live_a_life();
}

static void without_a_manager_nothing_is_said(void **state)
{
	static const char *const unusable[] = {NULL, "", "/", "@", "relative", "vsock:2:3"};
	char much[200];

	(void)state;
	memset(much, 'x', sizeof(much));
	much[0] = '/';
	much[sizeof(much) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(unusable) / sizeof(unusable[0]); i++) {
		const char *name = i < sizeof(unusable) / sizeof(unusable[0]) ? unusable[i] : much;

		if (name)
			setenv("NOTIFY_SOCKET", name, 1);
		else
			unsetenv("NOTIFY_SOCKET");
		setenv("WATCHDOG_USEC", "1000000", 1);
		assert_null(notify_begin(LONG_MS));
		assert_null(getenv("WATCHDOG_USEC"));
	}
	notify_ready(NULL);
	notify_stopping(NULL);
	notify_status(NULL, "x");
	notify_alive(NULL);
	assert_int_equal(notify_alive_ms(NULL), 0);
	notify_end(NULL);
	hears_nothing();
}

/* A runner, say, which could tell the manager that all is well, or that it is the daemon. */
static void what_the_daemon_starts_cannot_speak_for_it(void **state)
{
	struct notify *n;

	(void)state;
	setenv("WATCHDOG_USEC", "1000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	n = notify_begin(LONG_MS);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	notify_end(n);
}

static void a_line_is_one_line_and_is_not_repeated(void **state)
{
	struct notify *n = notify_begin(LONG_MS);
	char much[2 * NOTIFY_TEXT_MAX];

	(void)state;
	notify_status(n, "%s", "a disk\nREADY=1\nMAINPID=1");
	hears("STATUS=a disk?READY=1?MAINPID=1");
	notify_status(n, "%s", "a disk\nREADY=1\nMAINPID=1");
	hears_nothing();
	notify_status(n, "well");
	hears("STATUS=well");
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	notify_status(n, "%s", much);
	assert_true(heard(PATIENCE_MS));
	assert_int_equal(strlen(manager.said), strlen("STATUS=") + NOTIFY_TEXT_MAX - 1);
	notify_end(n);
}

static int64_t alive_for(const char *usec, const char *pid)
{
	struct notify *n;
	int64_t ms;

	setenv("NOTIFY_SOCKET", manager.name, 1);
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	n = notify_begin(LONG_MS);
	ms = notify_alive_ms(n);
	notify_end(n);
	return ms;
}

static void it_lives_twice_as_often_as_is_asked(void **state)
{
	char own[16];

	(void)state;
	snprintf(own, sizeof(own), "%d", (int)getpid());
	assert_int_equal(alive_for("60000000", NULL), 30000);
	assert_int_equal(alive_for("60000000", own), 30000);
	assert_int_equal(alive_for("60000000", "1"), 0); /* meant for another process */
	assert_int_equal(alive_for(NULL, NULL), 0);
	assert_int_equal(alive_for("0", NULL), 0);
	assert_int_equal(alive_for("soon", NULL), 0);
	assert_int_equal(alive_for("1", NULL), 1); /* not 0, which is "never" */
}

static void a_start_that_takes_long_is_given_more_time(void **state)
{
	struct notify *n = notify_begin(10);
	volatile unsigned work = 0;

	(void)state;
	while (!heard(0)) /* a schema is being raised */
		for (int i = 0; i < 1000000; i++)
			work++;
	assert_string_equal(manager.said, "EXTEND_TIMEOUT_USEC=30000");
	notify_ready(n);
	while (heard(PATIENCE_MS) && strcmp(manager.said, "READY=1"))
		assert_string_equal(manager.said, "EXTEND_TIMEOUT_USEC=30000");
	for (int i = 0; i < 100000000; i++)
		work++;
	hears_nothing(); /* it is over with the start */
	notify_end(n);
}

static void a_start_that_hangs_is_not(void **state)
{
	struct notify *n = notify_begin(10);

	(void)state;
	assert_false(heard(300)); /* nothing moves but the thread that looks */
	notify_end(n);
}

static void a_manager_that_does_not_read_holds_nobody_up(void **state)
{
	struct notify *n = notify_begin(LONG_MS);

	(void)state;
	for (int i = 0; i < 100000; i++)
		notify_alive(n);
	close(manager.fd);
	notify_alive(n);
	notify_end(n);
	manager.fd = socket(AF_UNIX, SOCK_DGRAM, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_daemon_says_how_it_goes),
		TEST(the_socket_may_be_abstract),
		TEST(without_a_manager_nothing_is_said),
		TEST(what_the_daemon_starts_cannot_speak_for_it),
		TEST(a_line_is_one_line_and_is_not_repeated),
		TEST(it_lives_twice_as_often_as_is_asked),
		TEST(a_start_that_takes_long_is_given_more_time),
		TEST(a_start_that_hangs_is_not),
		TEST(a_manager_that_does_not_read_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
