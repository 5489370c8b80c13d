/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual time among those who talk to each other, start others and die. Participants are
 * processes, or threads where the sanitizer is to see both sides.
 */
#include "tests/unit/agents/support_timesrc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- participants that end ---- */

static void killed_ones_do_not_stop_the_clock(void **state)
{
	struct stage *s = *state;
	int gate[2];
	pid_t runs, waits;

	assert_int_equal(pipe(gate), 0);
	runs = stage_play(s, role_wait_outside_then_sleep, (struct part){.id = 1, .in = gate[0]});
	waits = stage_play(s, role_ask_outside, (struct part){.in = gate[0]});
	stage_play(s, role_sleep_once, (struct part){.id = 2});
	stage_time_stands(s);
	kill(runs, SIGKILL);
	kill(waits, SIGKILL);
	stage_drive_until(s, 1); /* neither has been reaped: a zombie takes part in nothing */
	log_expect(s->log, 0, 10 * MS, 2);
	stage_drive(s);
	assert_int_equal(s->log->n, 1);
	close(gate[0]);
	close(gate[1]);
}

static void wait_for_the_end_of_a_pipe(struct part *p)
{
	struct pollfd fd = {.fd = p->in, .events = POLLIN};

	close(p->out);
	log_add(p->s->log, p->ts, timesrc_poll(p->ts, &fd, 1, START + SECOND, false));
}

/* What an agent sees of a runner that was killed: the end of its socket, now, and not the deadline
 * that a hang would have met. */
static void an_end_is_seen_before_time_moves_on(void **state)
{
	struct stage *s = *state;
	int gate[2], line[2];
	pid_t runner;

	for (int round = 0; round < 50; round++) {
		assert_int_equal(pipe(gate) | pipe(line), 0);
		runner = stage_play(s, role_wait_outside_then_sleep,
			(struct part){.in = gate[0], .out = line[1]});
		stage_play(s, wait_for_the_end_of_a_pipe,
			(struct part){.in = line[0], .out = line[1]});
		close(line[1]); /* now the runner alone has it */
		kill(runner, SIGKILL);
		stage_drive(s);
		log_expect(s->log, (uint32_t)round, 0, 1);
		close(line[0]);
		close(gate[0]);
		close(gate[1]);
	}
}

static void the_owners_end_is_an_error_of_the_wait(void **state)
{
	struct stage *s = *state;
	struct timesrc *ts = timesrc_open(s->path);

	timesrc_page_close(s->page);
	s->page = NULL;
	assert_int_equal(timesrc_poll(ts, NULL, 0, START + 1, false), -1);
	assert_int_equal(errno, EOWNERDEAD);
	timesrc_close(ts);
}

/* ---- those that talk to each other ---- */

#define LETTERS 1000

static void write_letters(struct part *p)
{
	for (int i = 1; i <= LETTERS; i++) {
		timesrc_sleep_until(p->ts, START + i * MS);
		if (write(p->out, "x", 1) != 1)
			_exit(1);
	}
}

static void read_letters(struct part *p)
{
	struct pollfd fd = {.fd = p->in, .events = POLLIN};
	char byte;

	for (int i = 1; i <= LETTERS; i++) {
		int64_t patience = timesrc_mono_ns(p->ts) + 10 * MS;

		if (timesrc_poll(p->ts, &fd, 1, patience, false) == 1 && read(p->in, &byte, 1) == 1)
			log_add(p->s->log, p->ts, i);
	}
}

static void assert_letters_came_at_once(const struct log *log)
{
	assert_int_equal(log->n, LETTERS);
	for (int i = 1; i <= LETTERS; i++)
		log_expect(log, (uint32_t)i - 1, i * MS, i);
}

static void what_was_sent_is_seen_before_time_moves_on(void **state)
{
	struct stage *s = *state;
	int line[2];

	assert_int_equal(pipe(line), 0);
	stage_play(s, read_letters, (struct part){.in = line[0]});
	stage_play(s, write_letters, (struct part){.out = line[1]});
	stage_drive(s);
	assert_letters_came_at_once(s->log);
	close(line[0]);
	close(line[1]);
}

static void write_a_letter_when_told(struct part *p)
{
	char byte;

	timesrc_sleep_until(p->ts, START + 10 * MS);
	if (write(p->awake, "x", 1) != 1 || read(p->in, &byte, 1) != 1)
		_exit(1);
	if (write(p->out, "x", 1) != 1)
		_exit(1);
	timesrc_sleep_until(p->ts, START + 20 * MS);
}

static void wait_for_it(struct part *p)
{
	struct pollfd fd = {.fd = p->in, .events = POLLIN};

	log_add(p->s->log, p->ts, timesrc_poll(p->ts, &fd, 1, START + 15 * MS, false));
}

/* The reader has looked, in vain, after the writer woke and before it wrote, and then the machine
 * lets it stand. Time waits for it all the same. */
static void a_stopped_reader_is_waited_for(void **state)
{
	struct stage *s = *state;
	int gate[2], line[2], awake[2];
	pid_t reader;
	char byte;

	assert_int_equal(pipe(gate) | pipe(line) | pipe(awake), 0);
	stage_play(s, write_a_letter_when_told,
		(struct part){.in = gate[0], .out = line[1], .awake = awake[1]});
	reader = stage_play(s, wait_for_it, (struct part){.in = line[0]});
	while (!timesrc_page_advance(s->page, TIMESRC_FOREVER))
		stage_watch(s);
	assert_int_equal(read(awake[0], &byte, 1), 1);
	assert_int_equal(timesrc_page_advance(s->page, TIMESRC_FOREVER), 0); /* asks the reader */
	stage_watch(s);                                                      /* its answer */
	stage_time_stands(s);
	kill(reader, SIGSTOP);
	assert_int_equal(write(gate[1], "x", 1), 1);
	stage_watch(s); /* the writer waits again */
	stage_time_stands(s);
	kill(reader, SIGCONT);
	stage_drive(s);
	log_expect(s->log, 0, 10 * MS, 1);
	for (int i = 0; i < 2; i++) {
		close(gate[i]);
		close(line[i]);
		close(awake[i]);
	}
}

static void *letter_writer(void *arg)
{
	struct part *p = arg;

	write_letters(p);
	timesrc_close(p->ts);
	return NULL;
}

static void *letter_reader(void *arg)
{
	struct part *p = arg;

	read_letters(p);
	timesrc_close(p->ts);
	return NULL;
}

static void threads_may_take_part_as_processes_do(void **state)
{
	struct stage *s = *state;
	struct part reader = {.s = s}, writer = {.s = s};
	pthread_t threads[2];
	int line[2];

	assert_int_equal(pipe(line), 0);
	reader.in = line[0];
	writer.out = line[1];
	reader.ts = timesrc_open(s->path);
	writer.ts = timesrc_open(s->path);
	pthread_create(&threads[0], NULL, letter_reader, &reader);
	pthread_create(&threads[1], NULL, letter_writer, &writer);
	stage_drive_until(s, LETTERS);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_letters_came_at_once(s->log);
	close(line[0]);
	close(line[1]);
}

static void wait_for_a_letter(struct part *p)
{
	struct pollfd fd = {.fd = p->in, .events = POLLIN};

	log_add(p->s->log, p->ts, 0);
	log_add(p->s->log, p->ts, timesrc_poll(p->ts, &fd, 1, START + SECOND, false));
}

static void what_the_owner_sends_is_seen_too(void **state)
{
	struct stage *s = *state;
	int line[2];

	assert_int_equal(pipe(line), 0);
	stage_play(s, wait_for_a_letter, (struct part){.in = line[0]});
	while (!timesrc_page_advance(s->page, START + MS)) /* until it is known to wait */
		stage_watch(s);
	assert_int_equal(write(line[1], "x", 1), 1);
	timesrc_page_touch(s->page);
	stage_drive(s);
	log_expect(s->log, 1, MS, 1);
	close(line[0]);
	close(line[1]);
}

/* ---- children ---- */

/* An agent that starts a runner and waits for its end with a deadline. The runner takes some real
 * time to come to the page, if it comes at all. */
static void start_a_runner(struct part *p)
{
	struct pollfd fd = {.events = POLLIN};
	int line[2];
	char byte;
	pid_t pid;

	if (pipe(line))
		_exit(1);
	pid = fork();
	if (!pid) {
		struct timesrc *ts;

		if (read(p->in, &byte, 1) != 1)
			_exit(1);
		if (p->id) {
			ts = timesrc_open(p->s->path);
			timesrc_sleep_until(ts, START + 20 * MS);
			log_add(p->s->log, ts, 2);
		}
		_exit(0);
	}
	close(line[1]);
	fd.fd = line[0];
	if (timesrc_expect(p->ts, pid))
		_exit(1);
	log_add(p->s->log, p->ts, timesrc_poll(p->ts, &fd, 1, START + 60 * SECOND, false));
	waitpid(pid, NULL, 0);
}

static void time_stands_until_a_child_has_come(void **state)
{
	struct stage *s = *state;
	int gate[2];

	assert_int_equal(pipe(gate), 0);
	stage_play(s, start_a_runner, (struct part){.id = 1, .in = gate[0]});
	stage_time_stands(s);
	assert_int_equal(write(gate[1], "x", 1), 1);
	stage_drive(s);
	assert_int_equal(s->log->n, 2);
	log_expect(s->log, 0, 20 * MS, 2); /* the runner's sleep */
	log_expect(s->log, 1, 20 * MS, 1); /* its end */
	close(gate[0]);
	close(gate[1]);
}

static void a_child_that_never_comes_stops_nothing(void **state)
{
	struct stage *s = *state;
	int gate[2];

	assert_int_equal(pipe(gate), 0);
	stage_play(s, start_a_runner, (struct part){.id = 0, .in = gate[0]});
	stage_time_stands(s);
	assert_int_equal(write(gate[1], "x", 1), 1);
	stage_drive(s);
	assert_int_equal(s->log->n, 1);
	log_expect(s->log, 0, 0, 1);
	close(gate[0]);
	close(gate[1]);
}

/* ---- a run ---- */

#define RUN (600 * SECOND)

/* A counter every 100 ms, until the runner ends its line. */
static void sample(struct part *p)
{
	struct pollfd fd = {.fd = p->in, .events = POLLIN};
	int64_t next = START;

	close(p->out);
	for (;;) {
		next += 100 * MS;
		if (timesrc_poll(p->ts, &fd, 1, next, false))
			return;
		log_add(p->s->log, p->ts, (int64_t)(next_random(&p->seed) >> 40));
	}
}

/* Inferences of random length, one after the other. */
static void infer(struct part *p)
{
	while (timesrc_mono_ns(p->ts) < START + RUN) {
		int64_t begin = timesrc_mono_ns(p->ts);

		timesrc_sleep_until(p->ts, begin + (int64_t)(next_random(&p->seed) % (200 * MS)));
		log_add(p->s->log, p->ts, begin - timesrc_mono_ns(p->ts));
	}
}

static void run(struct stage *s, uint64_t seed)
{
	int line[2];

	assert_int_equal(pipe(line), 0);
	s->log->n = 0;
	stage_play(s, sample, (struct part){.seed = seed, .in = line[0], .out = line[1]});
	stage_play(s, infer, (struct part){.seed = seed + 1, .out = line[1]});
	close(line[0]);
	close(line[1]);
	stage_drive(s);
}

static void ten_minutes_pass_at_once_and_always_alike(void **state)
{
	struct stage *s = *state;
	struct log *first = malloc(sizeof(*first));
	int64_t began = clock_ns(CLOCK_MONOTONIC), took;

	run(s, 7);
	took = clock_ns(CLOCK_MONOTONIC) - began;
	assert_true(stage_now(s) >= RUN);
	assert_true(s->log->n > 11000);
	print_message("%u steps of ten minutes in %.2f s\n", s->log->n, (double)took / 1e9);
	assert_true(took < RUN / 20); /* far more than it takes, however busy the machine */

	memcpy(first, s->log, sizeof(*first));
	stage_again(s);
	run(s, 7);
	assert_int_equal(s->log->n, first->n);
	assert_memory_equal(s->log->events, first->events, first->n * sizeof(struct event));

	stage_again(s);
	run(s, 8);
	assert_memory_not_equal(s->log->events, first->events, 1000 * sizeof(struct event));
	free(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(killed_ones_do_not_stop_the_clock),
		STORY(an_end_is_seen_before_time_moves_on),
		STORY(the_owners_end_is_an_error_of_the_wait),
		STORY(what_was_sent_is_seen_before_time_moves_on),
		STORY(a_stopped_reader_is_waited_for),
		STORY(threads_may_take_part_as_processes_do),
		STORY(what_the_owner_sends_is_seen_too),
		STORY(time_stands_until_a_child_has_come),
		STORY(a_child_that_never_comes_stops_nothing),
		STORY(ten_minutes_pass_at_once_and_always_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
