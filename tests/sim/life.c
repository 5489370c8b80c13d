/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One life: devices, jobs and faults for a number of steps that change state, with every invariant
 * held after each; then peace, in which everything must come to its end within a bounded time; then
 * the last look.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "memstore.h"
#include "oracle.h"
#include "people.h"
#include "stats.h"

#define PEACE_MS      (6 * 3600 * 1000LL) /* virtual time in which everything must end */
#define PEACE_TURNS   3000000
#define LOOK_EVERY    16  /* steps: nothing outlives its lease */
#define CHECK_EVERY   4   /* turns: the invariants of all, else of what the turn changed */
#define COMPARE_EVERY 100 /* steps: all stored rows equal memory */
#define COMMITS_MAX   230 /* from one crash to the next */

struct progress *progress = &(struct progress){0};

_Noreturn void sim_panic(const struct sim *s, const char *fmt, ...)
{
	va_list ap;

	(void)s;
	fputs("invariant broken: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void sim_tell(struct sim *s, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	if (!s->tell)
		return;
	n = snprintf(line, sizeof(line), "%10.3f ", (host_ms(s->host) - HOST_BEGIN_MS) / 1e3);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	s->tell(s, line);
}

void sim_post(struct sim *s, const struct farm_event *ev)
{
	turn_post(s->turn, ev);
}

/* ---- the turn's outlets ---- */

static void tell_action(struct sim *s, const struct farm_action *a)
{
	char what[128] = "";
	int n = 0;

	if (a->device)
		n += snprintf(what + n, sizeof(what) - n, " d%lld", (long long)a->device);
	if (a->attempt)
		n += snprintf(what + n, sizeof(what) - n, " a%lld", (long long)a->attempt);
	if (a->epoch)
		n += snprintf(what + n, sizeof(what) - n, " epoch %lld", (long long)a->epoch);
	if (a->arg)
		snprintf(what + n, sizeof(what) - n, " (%lld)", (long long)a->arg);
	sim_tell(s, "  %s%s%s", a->cancel ? "cancel " : "", action_kind_name(a->kind), what);
}

static void on_action(void *arg, const struct farm_action *a)
{
	struct sim *s = arg;

	if (s->dying)
		return;
	tell_action(s, a);
	world_action(s->world, a);
	s->dying = s->die_amid;
}

static void on_answer(void *arg, const struct farm_answer *a)
{
	struct sim *s = arg;

	if (!s->dying)
		people_answer(s->people, a);
}

/* What the job's client is told. */
static void tell_end(struct sim *s, const struct event_row *ev)
{
	const struct job_row *j =
		strcmp(ev->topic, "job") ? NULL : memstore_row(s->store, &job_table, ev->subject);

	if (j && j->state >= JOB_COMPLETED)
		sim_tell(s, "  exit code %lld, verdict %s", (long long)j->exit_code,
			verdict_name(j->verdict));
}

static void on_event(void *arg, const struct event_row *ev)
{
	struct sim *s = arg;

	if (s->dying)
		return;
	sim_tell(s, "%s %lld: %s -> %s%s%s", ev->topic, (long long)ev->subject,
		*ev->from_state ? ev->from_state : "new", ev->to_state, *ev->cause ? "  # " : "",
		ev->cause);
	tell_end(s, ev);
	oracle_event(s->oracle, ev);
}

static const struct turn_ops ops = {on_action, on_answer, on_event};

static void fatal(void *arg, const char *text)
{
	(void)arg;
	sim_panic(NULL, "no transaction is wrong in itself: %s", text);
}

/* ---- the controller's life ---- */

void sim_boot(struct sim *s)
{
	struct farm_config cfg;

	farm_config_default(&cfg);
	s->turn = turn_new(&cfg, &s->env, (struct store *)s->store, &ops, s);
	memstore_load(s->store, turn_farm(s->turn));
	turn_post(s->turn, &(struct farm_event){.kind = FARM_BOOT});
	world_restarted(s->world);
	oracle_restarted(s->oracle);
}

void sim_crash(struct sim *s, enum sim_crash how)
{
	bool busy = memstore_crash(s->store, how == CRASH_AFTER);
	enum fault f = s->dying             ? FAULT_CRASH_AMID
	               : !busy              ? FAULT_CRASH_IDLE
	               : how == CRASH_AFTER ? FAULT_CRASH_AFTER
	                                    : FAULT_CRASH_BEFORE;

	stats_count(f);
	stats->crashes++;
	sim_tell(s, "the controller crashes%s",
		f == FAULT_CRASH_AMID     ? ", having done the half"
		: f == FAULT_CRASH_AFTER  ? " behind a commit"
		: f == FAULT_CRASH_BEFORE ? " before a commit"
					  : "");
	turn_free(s->turn);
	host_crash(s->host);
	world_crash(s->world);
	people_crash(s->people);
	s->dying = s->die_amid = false;
	s->compare_all = true;
	sim_boot(s);
}

static void check_one(void *arg, const struct row_table *t, int64_t id)
{
	farm_check_one(arg, t, id);
}

static void check(struct sim *s, bool committed)
{
	s->checks++;
	if (s->compare_all || s->checks % CHECK_EVERY == 0)
		farm_check(turn_farm(s->turn));
	else
		memstore_each_changed(check_one, turn_farm(s->turn));
	if (s->checks % LOOK_EVERY == 0)
		oracle_look(s->oracle);
	if (!memstore_idle(s->store) || !turn_idle(s->turn))
		return;
	if (s->compare_all || s->checks % COMPARE_EVERY == 0)
		oracle_compare(s->oracle);
	else if (committed)
		oracle_compare_new(s->oracle);
	s->compare_all = false;
}

void sim_step(struct sim *s)
{
	int64_t steps = memstore_steps(s->store), commits = memstore_commits(s->store);
	int64_t turns = memstore_turns(), waiting, under_way;

	if (!host_turn(s->host))
		sim_panic(s, "something is always awaited: nothing will ever happen again");
	if (s->dying)
		sim_crash(s, CRASH_IDLE);
	turn_run(s->turn);
	turn_get_load(s->turn, &waiting, &under_way);
	if (under_way >= TURN_COMMITS)
		oracle_stalled(s->oracle);
	steps = memstore_steps(s->store) - steps;
	commits = memstore_commits(s->store) - commits;
	if (memstore_turns() != turns || commits)
		check(s, commits > 0);
	s->steps += steps;
	stats->steps += steps;
	stats->commits += commits;
	progress->steps = s->steps;
	progress->ms = host_ms(s->host);
}

void sim_init(struct sim *s, int n_devices)
{
	s->host = host_new();
	s->env = (struct ctl_env){.host = host_driver_host(s->host),
		.now = host_now,
		.post = host_post,
		.fatal = fatal,
		.ctx = s->host};
	s->store = memstore_new(s);
	s->people = people_new(s);
	s->oracle = oracle_new(s);
	s->world = world_new(s, n_devices);
	sim_boot(s);
}

void sim_fini(struct sim *s)
{
	turn_free(s->turn);
	world_free(s->world);
	oracle_free(s->oracle);
	people_free(s->people);
	host_free(s->host);
	memstore_free(s->store);
	chance_free(s->chance);
}

/* ---- peace ---- */

static void peace_due(void *arg)
{
	struct sim *s = arg;

	world_peace(s->world);
	people_peace(s->people);
	host_after(s->host, 20000, peace_due, s);
}

static void dump_row(void *arg, const void *row)
{
	const struct row_table *t = arg;

	fprintf(stderr, "%s", t->name);
	for (int i = 0; i < t->n_cols; i++)
		if (t->cols[i].kind == ROW_INT)
			fprintf(stderr, " %s=%lld", t->cols[i].name,
				(long long)*(const int64_t *)((const char *)row + t->cols[i].off));
		else if (t->cols[i].kind == ROW_TEXT)
			fprintf(stderr, " %s=%s", t->cols[i].name,
				(const char *)row + t->cols[i].off);
	fputc('\n', stderr);
}

/* What is still there, for whoever looks into it. */
static void dump(const struct sim *s)
{
	for (int i = 0; core_tables[i]; i++)
		farm_each(turn_farm(s->turn), core_tables[i], dump_row, (void *)core_tables[i]);
}

void sim_peace(struct sim *s)
{
	int64_t until = host_ms(s->host) + PEACE_MS;

	progress->peace = s->peace = true;
	s->die_amid = false;
	host_after(s->host, 0, peace_due, s);
	for (int i = 0;
		!oracle_all_ended(s->oracle) || !turn_idle(s->turn) || !world_drained(s->world);
		i++) {
		sim_step(s);
		if (host_ms(s->host) <= until && i <= PEACE_TURNS)
			continue;
		if (oracle_all_ended(s->oracle))
			world_final(s->world);
		fprintf(stderr,
			"invariant broken: everything ends in bounded time: something is alive "
			"after %lld s of peace\n",
			(long long)(PEACE_MS / 1000));
		dump(s);
		abort();
	}
	oracle_final(s->oracle);
}

/* ---- by chance ---- */

struct deeds {
	struct sim *s;
	int64_t people, faults, crash; /* numbers of the next ones */
	int64_t crash_at;              /* commits */
};

static void people_due(void *arg)
{
	struct deeds *d = arg;
	struct rng r = chance_rng(d->s->chance, SERIES_PEOPLE, -d->people);

	if (d->s->peace)
		return;
	if (chance_happens(d->s->chance, SERIES_PEOPLE, d->people)) {
		sim_tell(d->s, "deed p%lld", (long long)d->people);
		people_act(d->s->people, d->people);
	}
	d->people++;
	host_after(d->s->host, rng_range(&r, 100, 20000), people_due, d);
}

static void fault_due(void *arg)
{
	struct deeds *d = arg;
	struct rng r = chance_rng(d->s->chance, SERIES_FAULT, -d->faults);

	if (d->s->peace)
		return;
	if (chance_happens(d->s->chance, SERIES_FAULT, d->faults)) {
		sim_tell(d->s, "deed f%lld", (long long)d->faults);
		world_fault(d->s->world, d->faults);
	}
	d->faults++;
	host_after(d->s->host, rng_range(&r, 100, 30000), fault_due, d);
}

/* A crash waits for what it is to interrupt: a commit under way, or none. */
static void maybe_crash(struct deeds *d)
{
	struct sim *s = d->s;
	int64_t commits = memstore_commits(s->store);
	struct rng r = chance_rng(s->chance, SERIES_CRASH, d->crash);
	int64_t gap = rng_range(&r, 1, COMMITS_MAX), how = rng_range(&r, 0, 3);

	if (commits < d->crash_at || s->die_amid)
		return;
	if ((how == CRASH_BEFORE || how == CRASH_AFTER) == memstore_idle(s->store))
		return;
	d->crash_at = commits + gap;
	if (chance_happens(s->chance, SERIES_CRASH, d->crash)) {
		sim_tell(s, "deed c%lld", (long long)d->crash);
		if (how > CRASH_IDLE)
			s->die_amid = true;
		else
			sim_crash(s, how);
	}
	d->crash++;
}

static void open_chance(struct sim *s, const struct life *l)
{
	struct rng r;

	s->seed = l->seed;
	s->chance = chance_new(l->seed, l->salt);
	if (l->keep)
		chance_keep(s->chance, l->keep, l->n_keep);
	if (l->record)
		chance_record(s->chance, l->record, l->max_record, &progress->n_deeds);
	r = chance_rng(s->chance, SERIES_LIFE, 0);
	s->p_fail = rng_range(&r, 0, 4) * 0.01;
	s->p_stall = rng_range(&r, 0, 4) * 0.005;
	s->p_odd = rng_range(&r, 0, 4) * 0.003;
	s->fate = fate_draw;
	sim_init(s, rng_range(&r, 1, 16));
}

static void tell_stdout(struct sim *s, const char *line)
{
	(void)s;
	puts(line);
	fflush(stdout);
}

void life_live(const struct life *l)
{
	struct sim s = {.tell = l->trace ? tell_stdout : NULL};
	struct deeds d = {&s, 1, 1, 1, 1};

	*progress = (struct progress){.seed = l->seed};
	open_chance(&s, l);
	host_after(s.host, 1000, people_due, &d);
	host_after(s.host, 1500, fault_due, &d);
	while (s.steps < l->steps && (!l->until_ms || host_ms(s.host) < l->until_ms)) {
		sim_step(&s);
		maybe_crash(&d);
	}
	progress->calm_ms = host_ms(s.host);
	progress->calm_steps = s.steps;
	if (!l->no_peace)
		sim_peace(&s);
	stats->seeds++;
	sim_fini(&s);
}
