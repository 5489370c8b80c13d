/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many lives, so many processes at a time: each takes the next seed. They share the counts and how
 * far they are; the parent says so every few seconds, and which seed it was when one dies.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"
#include "stats.h"

#define JOBS_MAX  64
#define SAY_EVERY 10 /* seconds */

struct shared {
	_Atomic int64_t next;
	struct worker {
		struct stats stats;
		struct progress progress;
	} workers[JOBS_MAX];
};

struct pool {
	struct shared *shared;
	const struct life *life; /* of the first seed */
	int64_t seeds;
	int jobs, left;
	pid_t pids[JOBS_MAX];
};

static void work(struct pool *p, struct worker *w)
{
	int64_t i;

	stats = &w->stats;
	progress = &w->progress;
	while ((i = atomic_fetch_add(&p->shared->next, 1)) < p->seeds) {
		struct life l = *p->life;

		l.seed += i;
		life_live(&l);
	}
}

static void sum_up(const struct pool *p, struct stats *sum)
{
	for (int i = 0; i < p->jobs; i++)
		stats_add(sum, &p->shared->workers[i].stats);
}

static void say(const struct pool *p)
{
	struct stats sum = {0};

	sum_up(p, &sum);
	fprintf(stderr, "sim: %lld of %lld seeds, %lld steps, %lld crashes\n", (long long)sum.seeds,
		(long long)p->seeds, (long long)sum.steps, (long long)sum.crashes);
}

static void say_how_it_died(const struct pool *p, const struct worker *w, int status)
{
	unsigned long long seed = w->progress.seed;

	fprintf(stderr, "sim: seed %llu, step %lld, %.3f s of its time%s: ended by %s %d\n", seed,
		(long long)w->progress.steps, w->progress.ms / 1e3,
		w->progress.peace ? ", in peace" : "", WIFSIGNALED(status) ? "signal" : "exit",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	fprintf(stderr, "  replay: build/tests/sim --first %llu --steps %lld --trace\n", seed,
		(long long)p->life->steps);
	fprintf(stderr, "  shrink: build/tests/sim --shrink %llu --steps %lld\n", seed,
		(long long)p->life->steps);
}

static int number_of(const struct pool *p, pid_t pid)
{
	int i;

	for (i = 0; p->pids[i] != pid; i++)
		if (i == p->jobs)
			abort();
	return i;
}

static int reap(struct pool *p)
{
	int status, bad = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		int i = number_of(p, pid);

		p->pids[i] = 0;
		p->left--;
		if (!status)
			continue;
		say_how_it_died(p, &p->shared->workers[i], status);
		bad = 1;
	}
	return bad;
}

static void end_the_others(struct pool *p)
{
	for (int i = 0; i < p->jobs; i++)
		if (p->pids[i])
			kill(p->pids[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static int watch(struct pool *p)
{
	struct timespec a_while = {.tv_sec = SAY_EVERY};
	sigset_t child;
	int bad = 0;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (p->left && !bad) {
		if (sigtimedwait(&child, NULL, &a_while) < 0)
			say(p);
		bad = reap(p);
	}
	end_the_others(p);
	return bad;
}

static void fork_all(struct pool *p)
{
	fflush(NULL);
	for (int i = 0; i < p->jobs; i++) {
		p->pids[i] = fork();
		if (!p->pids[i]) {
			work(p, &p->shared->workers[i]);
			exit(0);
		}
		if (p->pids[i] < 0)
			abort();
		p->left++;
	}
}

int pool_run(const struct life *first, int64_t seeds, int jobs)
{
	struct pool p = {.life = first, .seeds = seeds, .jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX};
	sigset_t child;
	int bad;

	p.shared = mmap(
		NULL, sizeof(*p.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p.shared == MAP_FAILED)
		abort();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	fork_all(&p);
	bad = watch(&p);
	sum_up(&p, stats);
	munmap(p.shared, sizeof(*p.shared));
	return bad;
}
