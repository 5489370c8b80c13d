/* SPDX-License-Identifier: Apache-2.0 */
/* Time: the kernel's, and a page's that moves when all who take part wait. */
#include "tests/unit/agents/support_timesrc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* ---- the kernel's clocks ---- */

static void kernel_clocks_are_the_kernels(void **state)
{
	struct timesrc *ts = timesrc_open(NULL);
	int64_t before;

	(void)state;
	assert_non_null(ts);
	assert_false(timesrc_is_virtual(ts));
	before = clock_ns(CLOCK_MONOTONIC);
	assert_in_range(timesrc_mono_ns(ts), before, before + SECOND);
	before = clock_ns(CLOCK_BOOTTIME);
	assert_in_range(timesrc_boot_ns(ts), before, before + SECOND);
	before = clock_ns(CLOCK_REALTIME);
	assert_in_range(timesrc_wall_ns(ts), before, before + SECOND);
	assert_int_equal(timesrc_expect(ts, getpid()), 0); /* nothing to tell anybody */
	timesrc_close(ts);
}

static void no_wait_ends_before_its_deadline(void **state)
{
	struct timesrc *ts = timesrc_open(NULL);
	struct pollfd fd = {.events = POLLIN};
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fd.fd = fds[0];
	for (int64_t us = 1; us < 2000; us += 37) {
		int64_t deadline = timesrc_mono_ns(ts) + us * 1000 + 1;

		assert_int_equal(timesrc_poll(ts, &fd, 1, deadline, false), 0);
		assert_true(timesrc_mono_ns(ts) >= deadline);
		deadline = timesrc_mono_ns(ts) + us * 1000 + 1;
		timesrc_sleep_until(ts, deadline);
		assert_true(timesrc_mono_ns(ts) >= deadline);
	}
	assert_int_equal(timesrc_poll(ts, &fd, 1, INT64_MIN, false), 0);
	timesrc_sleep_until(ts, INT64_MIN);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(timesrc_poll(ts, &fd, 1, TIMESRC_FOREVER, true), 1);
	assert_int_equal(fd.revents, POLLIN);
	assert_int_equal(timesrc_poll(ts, &fd, TIMESRC_FDS_MAX + 1, 0, false), -1);
	assert_int_equal(errno, EINVAL);
	close(fds[0]);
	close(fds[1]);
	timesrc_close(ts);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void a_signal_interrupts_a_wait(struct timesrc *ts)
{
	struct sigaction act = {.sa_handler = on_alarm}, old;
	struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};

	/* Again and again, lest the only one comes before the wait has begun. */
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(timesrc_poll(ts, NULL, 0, TIMESRC_FOREVER, false), -1);
	assert_int_equal(errno, EINTR);
	timesrc_sleep_until(ts, TIMESRC_FOREVER);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
}

static void signals_interrupt_waits(void **state)
{
	struct stage *s = *state;
	struct timesrc *ts = timesrc_open(NULL);

	a_signal_interrupts_a_wait(ts);
	timesrc_close(ts);
	ts = timesrc_open(s->path);
	a_signal_interrupts_a_wait(ts);
	timesrc_close(ts);
}

/* ---- the page ---- */

static void a_page_shows_the_time_it_was_made_with(void **state)
{
	struct stage *s = *state;
	struct timesrc *ts = timesrc_open(s->path);

	assert_true(timesrc_is_virtual(ts));
	assert_true(timesrc_mono_ns(ts) == START);
	assert_true(timesrc_boot_ns(ts) == START);
	assert_true(timesrc_wall_ns(ts) == WALL);
	assert_int_equal(timesrc_poll(ts, NULL, 0, START, false), 0); /* already here */
	timesrc_sleep_until(ts, START - 1);
	timesrc_close(ts);
}

static void what_is_no_page_is_refused(void **state)
{
	struct stage *s = *state;
	int fd;

	assert_null(timesrc_open("/tmp/ff-timesrc-none/clock"));
	assert_int_equal(errno, ENOENT);
	assert_null(timesrc_open(s->dir));
	assert_int_equal(timesrc_page_create("/tmp/ff-timesrc-none/clock", 0, 0), -1);
	fd = open(s->path, O_RDWR);
	assert_int_equal(pwrite(fd, "X", 1, 4), 1); /* version 88 */
	assert_null(timesrc_open(s->path));
	assert_int_equal(errno, EPROTO);
	assert_int_equal(ftruncate(fd, 8), 0);
	assert_null(timesrc_page_open(s->path));
	assert_int_equal(errno, EPROTO);
	close(fd);
	/* The owner of the test has the old page mapped; give it one to close. */
	stage_again(s);
}

static void slots_run_out_and_come_back(void **state)
{
	struct stage *s = *state;
	struct timesrc *ts[TIMESRC_SLOTS];

	for (int i = 0; i < TIMESRC_SLOTS; i++)
		assert_non_null(ts[i] = timesrc_open(s->path));
	assert_null(timesrc_open(s->path));
	assert_int_equal(errno, EUSERS);
	timesrc_close(ts[7]);
	assert_non_null(ts[7] = timesrc_open(s->path));
	for (int i = 0; i < TIMESRC_SLOTS; i++)
		timesrc_close(ts[i]);
}

static void nobody_moves_an_empty_page(void **state)
{
	struct stage *s = *state;

	assert_int_equal(timesrc_page_advance(s->page, START + SECOND), 0);
	assert_int_equal(stage_now(s), 0);
}

/* ---- time moves when all wait ---- */

static void sleep_thrice(struct part *p)
{
	for (int i = 1; i <= 3; i++) {
		timesrc_sleep_until(p->ts, START + i * p->id * 10 * MS);
		log_add(p->s->log, p->ts, p->id);
	}
}

static void sleepers_wake_in_the_order_of_their_deadlines(void **state)
{
	struct stage *s = *state;

	stage_play(s, sleep_thrice, (struct part){.id = 3});
	stage_play(s, sleep_thrice, (struct part){.id = 2});
	stage_drive(s);
	assert_int_equal(s->log->n, 6);
	log_expect(s->log, 0, 20 * MS, 2);
	log_expect(s->log, 1, 30 * MS, 3);
	log_expect(s->log, 2, 40 * MS, 2);
	log_expect(s->log, 3, 60 * MS, 3); /* of two that are due, the one that joined first */
	log_expect(s->log, 4, 60 * MS, 2);
	log_expect(s->log, 5, 90 * MS, 3);
	assert_int_equal(stage_now(s), 90 * MS);
}

static void time_stands_while_one_runs(void **state)
{
	struct stage *s = *state;
	int gate[2];

	assert_int_equal(pipe(gate), 0);
	stage_play(s, role_wait_outside_then_sleep, (struct part){.id = 1, .in = gate[0]});
	stage_play(s, role_sleep_once, (struct part){.id = 2});
	stage_time_stands(s);
	assert_int_equal(s->log->n, 0);
	assert_int_equal(write(gate[1], "x", 1), 1);
	stage_drive(s);
	log_expect(s->log, 0, 10 * MS, 2);
	log_expect(s->log, 1, 50 * MS, 1);
	close(gate[0]);
	close(gate[1]);
}

static void time_stands_while_one_holds(void **state)
{
	struct stage *s = *state;
	int answer[2];

	assert_int_equal(pipe(answer), 0);
	stage_play(s, role_ask_outside, (struct part){.in = answer[0]});
	stage_play(s, role_sleep_once, (struct part){.id = 2});
	stage_time_stands(s); /* though the answer is overdue and a sleeper waits */
	assert_int_equal(s->log->n, 0);
	assert_int_equal(write(answer[1], "x", 1), 1);
	stage_drive(s);
	log_expect(s->log, 0, 0, 1); /* one descriptor was ready, at once as the page has it */
	log_expect(s->log, 1, 10 * MS, 2);
	close(answer[0]);
	close(answer[1]);
}

static void the_owner_has_deadlines_of_its_own(void **state)
{
	struct stage *s = *state;

	stage_play(s, role_sleep_once, (struct part){.id = 1});
	while (!timesrc_page_advance(s->page, START + 4 * MS))
		stage_watch(s);
	assert_int_equal(stage_now(s), 4 * MS);
	assert_int_equal(timesrc_page_advance(s->page, START + 4 * MS), 0);
	assert_int_equal(timesrc_page_advance(s->page, START), 0); /* never back */
	assert_int_equal(timesrc_page_advance(s->page, START + 7 * MS), 3 * MS);
	assert_int_equal(s->log->n, 0);
	stage_drive(s);
	log_expect(s->log, 0, 10 * MS, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_clocks_are_the_kernels),
		cmocka_unit_test(no_wait_ends_before_its_deadline),
		STORY(signals_interrupt_waits),
		STORY(a_page_shows_the_time_it_was_made_with),
		STORY(what_is_no_page_is_refused),
		STORY(slots_run_out_and_come_back),
		STORY(nobody_moves_an_empty_page),
		STORY(sleepers_wake_in_the_order_of_their_deadlines),
		STORY(time_stands_while_one_runs),
		STORY(time_stands_while_one_holds),
		STORY(the_owner_has_deadlines_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
