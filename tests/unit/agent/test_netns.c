/* SPDX-License-Identifier: Apache-2.0 */
/* Network name spaces made in advance. They need a privilege; without it that is what is told. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/netns.h"

static ino_t number_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static ino_t own(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY);
	ino_t n = number_of(fd);

	close(fd);
	return n;
}

static int make(void)
{
	int fd = netns_make();

	if (fd == -EPERM)
		skip();
	assert_true(fd >= 0);
	return fd;
}

static void each_is_another_and_the_maker_stays_where_it_was(void **state)
{
	ino_t before = own();
	int a = make(), b = make();

	(void)state;
	assert_true(number_of(a) != number_of(b));
	assert_true(number_of(a) != before);
	assert_true(own() == before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left in it */
	close(a);
	close(b);
}

static void who_enters_is_alone_in_it(void **state)
{
	int fd = make(), status = 0;
	ino_t want = number_of(fd);
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(netns_enter(fd) || own() != want || if_nametoindex("eth0"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_another_and_the_maker_stays_where_it_was),
		cmocka_unit_test(who_enters_is_alone_in_it),
	};

	return cmocka_run_group_tests_name("agent network name spaces", tests, NULL, NULL);
}
