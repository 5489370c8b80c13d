/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage for stories in virtual time: a clock page in a directory of its own, whose owner is the
 * test, and participants that are processes. Each writes what it did, and when, into one shared
 * log, and the log is the story.
 */
#ifndef FRAMEFARM_TESTS_AGENTS_SUPPORT_TIMESRC_H
#define FRAMEFARM_TESTS_AGENTS_SUPPORT_TIMESRC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tests/unit/agents/support.h"
#include "timesrc.h"

#define MS      INT64_C(1000000)
#define SECOND  INT64_C(1000000000)
#define START   (5 * SECOND) /* the page's time at first */
#define WALL    INT64_C(1700000000000000000)
#define LOG_MAX 100000

struct event {
	int64_t at_ns;
	int64_t what;
};

struct log {
	_Atomic uint32_t n;
	struct event events[LOG_MAX];
};

struct stage {
	char dir[64];
	char path[96];
	struct timesrc_page *page;
	struct log *log;
	pid_t pids[4];
	int n_pids;
};

/* What a participant is given. */
struct part {
	struct stage *s;
	struct timesrc *ts;
	int id;
	int in, out, awake; /* pipes to others, as the story needs them */
	uint64_t seed;
};

typedef void (*role_fn)(struct part *p);

int stage_setup(void **state);
int stage_teardown(void **state);
/* A new page in place of the old, at START again. */
void stage_again(struct stage *s);
/* Runs a role in a process of its own; returns when that has joined. */
pid_t stage_play(struct stage *s, role_fn role, struct part part);
/* Waits in real time until something happens on the page. */
void stage_watch(struct stage *s);
/* The owner's loop until all have ended, or until n events are in the log. */
void stage_drive(struct stage *s);
void stage_drive_until(struct stage *s, uint32_t n);
/* The page's time, from START on. */
int64_t stage_now(const struct stage *s);
void stage_time_stands(struct stage *s);

/* Roles of more than one story. */
void role_sleep_once(struct part *p);              /* until 10 ms */
void role_wait_outside_then_sleep(struct part *p); /* runs until `in`; then until 50 ms */
void role_ask_outside(struct part *p);             /* holds for `in`, deadline at 5 ms */

void log_add(struct log *log, const struct timesrc *ts, int64_t what);
/* at_ns: from START on. */
void log_expect(const struct log *log, uint32_t i, int64_t at_ns, int64_t what);

int64_t clock_ns(clockid_t clock);

#define STORY(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)

#endif
