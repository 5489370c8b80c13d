/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a life that fails to a short one that fails by the same invariant. First other seeds are tried
 * that may fail sooner, for what needs no long history is met in short lives too; then delta
 * debugging (Zeller, Hildebrandt 2002) over the deeds that happened. A farm is chaotic: without one
 * deed all that follows is another story, so each subset is given a few salts, with which the same
 * deeds meet other delays. Each try is a process of its own, which tells by shared memory how far it
 * came and what happened, and by a pipe what broke.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "host.h"
#include "sim.h"
#include "stats.h"

#define DEEDS_MAX 2000000
#define TRY_S     60     /* a life that lasts longer has failed otherwise */
#define SLACK_MS  300000 /* virtual time in which a shorter life may fail later */
#define TEXT_MAX  512
#define SALTS     4   /* for each subset */
#define SCAN_MAX  300 /* seeds in a row that do not fail sooner, then it is left at that */
#define STEPS_MIN 50

struct shared {
	struct progress progress;
	struct stats stats;
	struct deed deeds[DEEDS_MAX];
};

struct
try {
	struct shared *shared;
	char text[TEXT_MAX]; /* what broke; "" for nothing */
};

struct search {
	struct try try;
	struct life life;   /* the shortest yet */
	struct deed *deeds; /* … and what happens in it */
	size_t n;
	char text[TEXT_MAX]; /* what breaks */
	int64_t steps, wild; /* the second: before peace */
	int tries;
	time_t end;
};

/* ---- one try ---- */

static void be_the_child(const struct try *t, const struct life *l, int fd)
{
	struct life mine = *l;

	dup2(fd, STDERR_FILENO);
	alarm(TRY_S);
	progress = &t->shared->progress;
	stats = &t->shared->stats;
	mine.record = t->shared->deeds;
	mine.max_record = DEEDS_MAX;
	life_live(&mine);
	_exit(0);
}

/* "l17 holds d3" and "l4 holds d9" are the same failure. */
static void without_numbers(char *text)
{
	char *dst = text;

	text[strcspn(text, "\n")] = '\0';
	for (const char *c = text; *c; c++)
		if (!isdigit((unsigned char)*c))
			*dst++ = *c;
	*dst = '\0';
}

/* Returns whether the life fails; by what stands in t->text then. */
static bool fails(struct try *t, const struct life *l)
{
	size_t n = 0;
	ssize_t got;
	int fds[2], status;
	char more[TEXT_MAX];
	pid_t pid;

	if (pipe(fds))
		abort();
	fflush(NULL);
	pid = fork();
	if (!pid)
		be_the_child(t, l, fds[1]);
	close(fds[1]);
	while ((got = read(fds[0], n < TEXT_MAX - 1 ? t->text + n : more,
			n < TEXT_MAX - 1 ? TEXT_MAX - 1 - n : sizeof(more))) > 0)
		n += n < TEXT_MAX - 1 ? (size_t)got : 0;
	close(fds[0]);
	t->text[n < TEXT_MAX ? n : TEXT_MAX - 1] = '\0';
	if (waitpid(pid, &status, 0) != pid)
		abort();
	if (status && !n)
		snprintf(t->text, sizeof(t->text), "it ended by signal %c",
			'A' + (WIFSIGNALED(status) ? WTERMSIG(status) : 0));
	without_numbers(t->text);
	return status != 0;
}

/* ---- the search ---- */

static void adopt(struct search *s, const struct life *l)
{
	const struct progress *p = &s->try.shared->progress;

	s->n = p->n_deeds;
	memcpy(s->deeds, s->try.shared->deeds, s->n * sizeof(*s->deeds));
	s->steps = p->steps;
	s->wild = p->peace ? p->calm_steps : p->steps;
	s->life = *l;
	s->life.keep = s->deeds;
	s->life.n_keep = s->n;
	s->life.no_peace = !p->peace;
	s->life.steps = INT64_MAX;
	s->life.until_ms = p->peace ? p->calm_ms : p->ms + SLACK_MS;
}

static bool same_failure(struct search *s, const struct life *l)
{
	s->tries++;
	return fails(&s->try, l) && !strcmp(s->try.text, s->text);
}

/* The life without the deeds from `from` on, so many; adopted when it still fails by the same. */
static bool drop(struct search *s, size_t from, size_t many)
{
	size_t n = s->n - many;
	struct deed *rest = mem_alloc((n + 1) * sizeof(*rest));
	struct life l = s->life;
	bool same = false;

	memcpy(rest, s->deeds, from * sizeof(*rest));
	memcpy(rest + from, s->deeds + from + many, (n - from) * sizeof(*rest));
	l.keep = rest;
	l.n_keep = n;
	for (int i = 0; i < SALTS && !same; i++) {
		l.salt = s->life.salt + i;
		same = same_failure(s, &l);
	}
	if (same)
		adopt(s, &l);
	mem_free(rest);
	return same;
}

static bool has_time(const struct search *s)
{
	return time(NULL) < s->end;
}

static void say(const struct search *s)
{
	fprintf(stderr, "shrink: %zu deeds, %lld steps after %d tries\n", s->n, (long long)s->steps,
		s->tries);
}

/* Other seeds, which must fail in half as many steps. */
static void scan(struct search *s, const struct life *first, time_t end)
{
	struct rng r = {first->seed};
	int in_vain = 0;

	while (s->wild > STEPS_MIN && in_vain < SCAN_MAX && time(NULL) < end) {
		struct life l = *first;

		l.seed = rng_next(&r) >> 16;
		l.steps = s->wild / 2 > STEPS_MIN ? s->wild / 2 : STEPS_MIN;
		in_vain++;
		if (!same_failure(s, &l))
			continue;
		adopt(s, &l);
		say(s);
		in_vain = 0;
	}
}

/* Ever smaller pieces, from the front, where history is that nobody needs; again while that helps. */
static void search(struct search *s)
{
	bool helped = true;

	while (helped && has_time(s)) {
		helped = false;
		for (size_t piece = s->n / 2; piece && has_time(s); piece /= 2) {
			for (size_t at = 0; at < s->n && has_time(s);) {
				size_t many = at + piece <= s->n ? piece : s->n - at;
				size_t before = s->n;

				if (!drop(s, at, many))
					at += many;
				else
					helped |= s->n < before;
			}
			say(s);
		}
	}
}

/* ---- what was found ---- */

static void show(const struct search *s)
{
	char text[DEED_TEXT];

	printf("%s\nshortest: %zu deeds, %lld steps; replay:\n  build/tests/sim --first %llu "
	       "--salt %lld "
	       "--steps %lld --until %lld --trace --keep ",
		s->text, s->n, (long long)s->steps, (unsigned long long)s->life.seed,
		(long long)s->life.salt, (long long)s->steps + 1000, (long long)s->life.until_ms);
	for (size_t i = 0; i < s->n; i++) {
		deed_print(text, &s->deeds[i]);
		printf("%s%s", i ? "," : "", text);
	}
	putchar('\n');
}

static void begin(struct search *s, const struct life *l, int64_t seconds)
{
	*s = (struct search){.life = *l, .end = time(NULL) + seconds};
	s->try.shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->try.shared == MAP_FAILED)
		abort();
	s->deeds = mem_alloc(DEEDS_MAX * sizeof(*s->deeds));
}

static void finish(struct search *s)
{
	munmap(s->try.shared, sizeof(struct shared));
	mem_free(s->deeds);
}

int shrink(const struct life *l, int64_t seconds)
{
	struct search s;
	bool bad;

	begin(&s, l, seconds);
	bad = fails(&s.try, l);
	if (bad) {
		memcpy(s.text, s.try.text, sizeof(s.text));
		adopt(&s, l);
		printf("seed %llu: %zu deeds, %lld steps\n", (unsigned long long)l->seed, s.n,
			(long long)s.steps);
		scan(&s, l, time(NULL) + seconds / 2);
		search(&s);
		show(&s);
	} else {
		fprintf(stderr, "shrink: seed %llu breaks nothing in %lld steps\n",
			(unsigned long long)l->seed, (long long)l->steps);
	}
	finish(&s);
	return bad ? 0 : 1;
}
