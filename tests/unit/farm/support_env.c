/* SPDX-License-Identifier: Apache-2.0 */
#include "support_env.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

struct host_timer {
	int64_t at;
	void (*fn)(void *arg);
	void *arg;
	TAILQ_ENTRY(host_timer) link;
};

TAILQ_HEAD(timer_list, host_timer);

struct env {
	struct driver_host host; /* first */
	struct timer_list timers, posts;
	int64_t now_ms;
	int fatal;
	pthread_mutex_t lock;
	pthread_cond_t cond;
};

static struct env *of(struct driver_host *h)
{
	return (struct env *)h;
}

static int64_t now_ms(struct driver_host *h)
{
	return of(h)->now_ms;
}

static struct host_timer *timer_add(
	struct driver_host *h, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	struct host_timer *t = calloc(1, sizeof(*t));

	t->at = at_ms;
	t->fn = fn;
	t->arg = arg;
	TAILQ_INSERT_TAIL(&of(h)->timers, t, link);
	return t;
}

static void timer_del(struct driver_host *h, struct host_timer *t)
{
	TAILQ_REMOVE(&of(h)->timers, t, link);
	free(t);
}

static void post(void *ctx, void (*fn)(void *arg), void *arg)
{
	struct env *e = ctx;
	struct host_timer *t = calloc(1, sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	pthread_mutex_lock(&e->lock);
	TAILQ_INSERT_TAIL(&e->posts, t, link);
	pthread_cond_signal(&e->cond);
	pthread_mutex_unlock(&e->lock);
}

static int blocking(
	struct driver_host *h, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	work(arg);
	post(of(h), done, arg);
	return 0;
}

struct env *env_new(void)
{
	struct env *e = calloc(1, sizeof(*e));

	e->host.now_ms = now_ms;
	e->host.timer_add = timer_add;
	e->host.timer_del = timer_del;
	e->host.blocking = blocking;
	e->now_ms = 1000;
	TAILQ_INIT(&e->timers);
	TAILQ_INIT(&e->posts);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->cond, NULL);
	return e;
}

static void drop(struct timer_list *l)
{
	struct host_timer *t;

	while ((t = TAILQ_FIRST(l))) {
		TAILQ_REMOVE(l, t, link);
		free(t);
	}
}

void env_free(struct env *e)
{
	drop(&e->timers);
	drop(&e->posts);
	pthread_mutex_destroy(&e->lock);
	pthread_cond_destroy(&e->cond);
	free(e);
}

static struct now now(void *ctx)
{
	struct env *e = ctx;

	return (struct now){.mono_ms = e->now_ms, .wall_ms = 1700000000000 + e->now_ms};
}

static void count_up(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	memset(dst, 7, n);
}

static void fatal(void *ctx, const char *text)
{
	struct env *e = ctx;

	(void)text;
	e->fatal++;
}

void env_ctl(struct env *e, struct ctl_env *ret_env)
{
	*ret_env = (struct ctl_env){.host = &e->host,
		.now = now,
		.post = post,
		.random = count_up,
		.fatal = fatal,
		.ctx = e};
}

static bool run_one(struct env *e)
{
	struct host_timer *t;

	pthread_mutex_lock(&e->lock);
	t = TAILQ_FIRST(&e->posts);
	if (t)
		TAILQ_REMOVE(&e->posts, t, link);
	pthread_mutex_unlock(&e->lock);
	if (!t)
		return false;
	t->fn(t->arg);
	free(t);
	return true;
}

void env_run_posts(struct env *e)
{
	while (run_one(e))
		;
}

bool env_run_until(struct env *e, bool (*cond)(void *arg), void *arg)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	for (;;) {
		env_run_posts(e);
		if (cond(arg))
			return true;
		pthread_mutex_lock(&e->lock);
		if (TAILQ_EMPTY(&e->posts) && pthread_cond_timedwait(&e->cond, &e->lock, &until)) {
			pthread_mutex_unlock(&e->lock);
			return cond(arg);
		}
		pthread_mutex_unlock(&e->lock);
	}
}

void env_advance(struct env *e, int64_t ms)
{
	struct host_timer *t;
	bool again = true;

	e->now_ms += ms;
	while (again) {
		again = false;
		TAILQ_FOREACH (t, &e->timers, link) {
			if (t->at > e->now_ms)
				continue;
			TAILQ_REMOVE(&e->timers, t, link);
			t->fn(t->arg);
			free(t);
			again = true;
			break;
		}
	}
}

int env_due(const struct env *e)
{
	const struct host_timer *t;
	int n = 0;

	TAILQ_FOREACH (t, &e->timers, link)
		n += t->at <= e->now_ms;
	return n;
}

int env_fatal_count(const struct env *e)
{
	return e->fatal;
}
