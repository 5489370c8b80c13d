/* SPDX-License-Identifier: Apache-2.0 */
/* A runner that an earlier start left is ended, and nobody else is. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/pidfile.h"
#include "timesrc.h"

struct rig {
	struct tree tree;
	struct timesrc *ts;
	pid_t pid;         /* of a process that only waits */
	long long started; /* as its note has it */
	char note[64];
};

static void read_note(struct rig *r)
{
	int fd = openat(r->tree.fd, "runner", O_RDONLY);
	ssize_t n = read(fd, r->note, sizeof(r->note) - 1);
	int pid;

	close(fd);
	assert_true(n > 0);
	r->note[n] = '\0';
	assert_int_equal(sscanf(r->note, "%d %lld", &pid, &r->started), 2);
	assert_int_equal(pid, r->pid);
}

static int set_up(void **state)
{
	static struct rig r;

	tree_init(&r.tree);
	r.ts = timesrc_open(NULL);
	assert_non_null(r.ts);
	r.pid = fork();
	assert_true(r.pid >= 0);
	if (!r.pid) {
		for (;;)
			pause();
	}
	assert_int_equal(pidfile_write(r.tree.fd, r.pid), 0);
	read_note(&r);
	*state = &r;
	return 0;
}

static bool lives(const struct rig *r)
{
	siginfo_t si = {0};

	assert_int_equal(waitid(P_PID, r->pid, &si, WEXITED | WNOHANG | WNOWAIT), 0);
	return !si.si_pid;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	timesrc_close(r->ts);
	tree_fini(&r->tree);
	return 0;
}

static bool note_is_there(const struct rig *r)
{
	return !faccessat(r->tree.fd, "runner", F_OK, 0);
}

static void one_that_is_noted_is_ended(void **state)
{
	struct rig *r = *state;

	assert_true(lives(r));
	assert_int_equal(pidfile_kill(r->tree.fd, r->ts), 0);
	assert_false(lives(r));
	assert_false(note_is_there(r));
	assert_int_equal(pidfile_kill(r->tree.fd, r->ts), 0); /* there is none any more */
}

static void another_of_its_number_is_left_alone(void **state)
{
	struct rig *r = *state;
	char text[64];

	snprintf(text, sizeof(text), "%d %lld\n", (int)r->pid, r->started - 1);
	tree_put(&r->tree, "/runner", text);
	assert_int_equal(pidfile_kill(r->tree.fd, r->ts), 0);
	assert_true(lives(r));
	assert_false(note_is_there(r));
}

/* Cut to 32 bits it would be one that is there. */
static void a_number_that_no_process_has_is_not_believed(void **state)
{
	struct rig *r = *state;
	long long high = 1LL << 32;
	char text[64];

	snprintf(text, sizeof(text), "%lld %lld\n", high + r->pid, r->started);
	tree_put(&r->tree, "/runner", text);
	assert_int_equal(pidfile_kill(r->tree.fd, r->ts), 0);
	assert_true(lives(r));
	snprintf(text, sizeof(text), "%lld %lld\n", r->pid - high, r->started);
	tree_put(&r->tree, "/runner", text);
	assert_int_equal(pidfile_kill(r->tree.fd, r->ts), 0);
	assert_true(lives(r));
}

static void what_is_no_note_ends_nobody(void **state)
{
	static const char *const bad[] = {"", "\n", "x 1\n", "1 1\n", "0 0\n"};
	struct rig *r = *state;
	char text[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		tree_put(&r->tree, "/runner", bad[i]);
		assert_int_equal(pidfile_kill(r->tree.fd, r->ts), 0);
	}
	snprintf(text, sizeof(text), "%d\n", (int)r->pid); /* without its start */
	tree_put(&r->tree, "/runner", text);
	assert_int_equal(pidfile_kill(r->tree.fd, r->ts), 0);
	assert_true(lives(r));
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(one_that_is_noted_is_ended),
		STORY(another_of_its_number_is_left_alone),
		STORY(a_number_that_no_process_has_is_not_believed),
		STORY(what_is_no_note_ends_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
