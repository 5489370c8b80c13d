/* SPDX-License-Identifier: Apache-2.0 */
/* See fakehost.h. */
#include "fakehost.h"

#include "base/err.h"
#include "base/mem.h"
#include "fuzz.h"

struct host_timer {
	struct host_timer *next;
	int64_t at_ms;
	void (*fn)(void *arg);
	void *arg;
};

struct task {
	struct task *next;
	void (*work)(void *arg), (*done)(void *arg);
	void *arg;
};

int64_t fake_now_ms;
bool fake_pool_full;

static struct host_timer *timers; /* the next one first */
static struct task *tasks;

static int64_t now_ms(struct driver_host *h)
{
	(void)h;
	return fake_now_ms;
}

static struct host_timer *timer_add(
	struct driver_host *h, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	struct host_timer *t = mem_zalloc(sizeof(*t)), **at = &timers;

	(void)h;
	*t = (struct host_timer){NULL, at_ms, fn, arg};
	while (*at && (*at)->at_ms <= at_ms)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	return t;
}

static void timer_del(struct driver_host *h, struct host_timer *t)
{
	struct host_timer **at = &timers;

	(void)h;
	while (*at && *at != t)
		at = &(*at)->next;
	CHECK(*at);
	*at = t->next;
	mem_free(t);
}

void fake_run_timers(void)
{
	for (int i = 0; i < 100 && timers && timers->at_ms <= fake_now_ms; i++) {
		struct host_timer *t = timers;

		timers = t->next;
		t->fn(t->arg);
		mem_free(t);
	}
}

static int blocking(
	struct driver_host *h, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct task **at = &tasks;

	(void)h;
	if (fake_pool_full)
		return ERR_FULL;
	while (*at)
		at = &(*at)->next;
	*at = mem_alloc(sizeof(**at));
	**at = (struct task){NULL, work, done, arg};
	return 0;
}

void fake_run_task(void)
{
	struct task *t = tasks;

	if (!t)
		return;
	tasks = t->next;
	t->work(t->arg);
	t->done(t->arg);
	mem_free(t);
}

bool fake_has_timers(void)
{
	return timers != NULL;
}

bool fake_has_tasks(void)
{
	return tasks != NULL;
}

struct driver_host fake_host = {
	.now_ms = now_ms, .timer_add = timer_add, .timer_del = timer_del, .blocking = blocking};
