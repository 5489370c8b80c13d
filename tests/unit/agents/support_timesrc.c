/* SPDX-License-Identifier: Apache-2.0 */
/* The stage for stories in virtual time; see support_timesrc.h. */
#include "tests/unit/agents/support_timesrc.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENT 30000 /* ms of real time after which a test has failed */

void log_add(struct log *log, const struct timesrc *ts, int64_t what)
{
	uint32_t i = log->n++;

	if (i < LOG_MAX)
		log->events[i] = (struct event){timesrc_mono_ns(ts), what};
}

void log_expect(const struct log *log, uint32_t i, int64_t at_ns, int64_t what)
{
	assert_true(i < log->n);
	if (log->events[i].at_ns != START + at_ns || log->events[i].what != what)
		fail_msg("event %u: %lld at %lld, not %lld at %lld", i,
			(long long)log->events[i].what, (long long)(log->events[i].at_ns - START),
			(long long)what, (long long)at_ns);
}

int stage_setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	strcpy(s->dir, "/tmp/ff-timesrc-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/clock", s->dir);
	assert_int_equal(timesrc_page_create(s->path, START, WALL), 0);
	s->page = timesrc_page_open(s->path);
	assert_non_null(s->page);
	s->log = mmap(
		NULL, sizeof(*s->log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s->log != MAP_FAILED);
	*state = s;
	return 0;
}

int stage_teardown(void **state)
{
	struct stage *s = *state;
	char path[128];

	for (int i = 0; i < s->n_pids; i++) {
		kill(s->pids[i], SIGKILL); /* one that a failed test has left */
		waitpid(s->pids[i], NULL, 0);
	}
	timesrc_page_close(s->page);
	for (int i = 0; i < TIMESRC_SLOTS; i++) {
		snprintf(path, sizeof(path), "%s.%d", s->path, i);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s.owner", s->path);
	unlink(path);
	unlink(s->path);
	assert_int_equal(rmdir(s->dir), 0);
	munmap(s->log, sizeof(*s->log));
	free(s);
	return 0;
}

pid_t stage_play(struct stage *s, role_fn role, struct part part)
{
	int joined[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(joined), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		part.s = s;
		part.ts = timesrc_open(s->path);
		if (!part.ts || write(joined[1], "", 1) != 1)
			_exit(1);
		role(&part);
		_exit(0); /* the page hears of it without a word */
	}
	s->pids[s->n_pids++] = pid;
	close(joined[1]);
	assert_int_equal(read(joined[0], &byte, 1), 1);
	close(joined[0]);
	return pid;
}

void stage_watch(struct stage *s)
{
	struct pollfd fd = {.fd = timesrc_page_fd(s->page), .events = POLLIN};

	assert_int_equal(poll(&fd, 1, PATIENT), 1);
}

static bool reap(struct stage *s)
{
	for (int i = 0; i < s->n_pids; i++) {
		int status;

		if (waitpid(s->pids[i], &status, WNOHANG) != s->pids[i])
			continue;
		assert_true(WIFSIGNALED(status) || !WEXITSTATUS(status));
		s->pids[i--] = s->pids[--s->n_pids];
	}
	return !s->n_pids;
}

void stage_drive(struct stage *s)
{
	for (;;) {
		while (timesrc_page_advance(s->page, TIMESRC_FOREVER))
			;
		if (reap(s))
			return;
		stage_watch(s);
	}
}

void stage_drive_until(struct stage *s, uint32_t n)
{
	while (s->log->n < n)
		if (!timesrc_page_advance(s->page, TIMESRC_FOREVER))
			stage_watch(s);
}

int64_t stage_now(const struct stage *s)
{
	return timesrc_page_now_ns(s->page) - START;
}

void stage_time_stands(struct stage *s)
{
	int64_t at = stage_now(s);

	for (int i = 0; i < 1000; i++)
		assert_int_equal(timesrc_page_advance(s->page, TIMESRC_FOREVER), 0);
	assert_int_equal(stage_now(s), at);
}

void stage_again(struct stage *s)
{
	timesrc_page_close(s->page);
	assert_int_equal(timesrc_page_create(s->path, START, WALL), 0);
	s->page = timesrc_page_open(s->path);
	assert_non_null(s->page);
}

int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

void role_wait_outside_then_sleep(struct part *p)
{
	char byte;

	if (read(p->in, &byte, 1) == 1) /* a wait that the page knows nothing of: this one runs */
		timesrc_sleep_until(p->ts, START + 50 * MS);
	log_add(p->s->log, p->ts, p->id);
}

void role_ask_outside(struct part *p)
{
	struct pollfd fd = {.fd = p->in, .events = POLLIN};

	log_add(p->s->log, p->ts, timesrc_poll(p->ts, &fd, 1, START + 5 * MS, true));
}

void role_sleep_once(struct part *p)
{
	timesrc_sleep_until(p->ts, START + 10 * MS);
	log_add(p->s->log, p->ts, p->id);
}
