/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One seed's life: devices, jobs and faults for a number of steps that change state, with every
 * invariant held after each; then peace, in which everything must come to its end within a bounded
 * time; then the last look.
 *
 *	sim [--seeds N] [--first SEED] [--steps N] [--trace] [--coverage]
 */
#include "sim.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

#define PEACE_MS    (6 * 3600 * 1000LL) /* virtual time in which everything must end */
#define PEACE_TURNS 3000000

static int64_t faults[FAULTS];
static int64_t total_steps, total_crashes;
static uint64_t current_seed;

static const char *const fault_names[FAULTS] = {"unplug", "replug", "session lost", "agent crash",
	"stall", "action fails", "disobeyed stop", "needs a person", "store fails",
	"crash before a commit", "crash after a commit", "clock step", "hot", "spool lost",
	"late data", "moved, old end lingers", "no agent for it"};

void sim_count_fault(enum fault f)
{
	faults[f]++;
}

_Noreturn void sim_panic(const struct sim *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "seed %llu, step %lld, %lld ms: ", (unsigned long long)current_seed,
		(long long)s->steps, (long long)host_ms(s->host));
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

void sim_post(struct sim *s, const struct farm_event *ev)
{
	turn_post(s->turn, ev);
}

/* ---- the turn's outlets ---- */

static void on_action(void *arg, const struct farm_action *a)
{
	struct sim *s = arg;

	if (s->trace)
		printf("%9lld   %s %s a%lld d%lld r%lld\n", (long long)host_ms(s->host),
			a->cancel ? "cancel" : "action", action_kind_name(a->kind),
			(long long)a->attempt, (long long)a->device, (long long)a->run);
	world_action(s->world, a);
}

static void on_answer(void *arg, const struct farm_answer *a)
{
	struct sim *s = arg;

	people_answer(s->people, a);
}

static void on_event(void *arg, const struct event_row *ev)
{
	struct sim *s = arg;

	if (s->trace)
		printf("%9lld %s %lld: %s -> %s %s\n", (long long)host_ms(s->host), ev->topic,
			(long long)ev->subject, ev->from_state, ev->to_state, ev->cause);
	oracle_event(s->oracle, ev);
}

static const struct turn_ops ops = {on_action, on_answer, on_event};

static void fatal(void *arg, const char *text)
{
	sim_panic(arg, "%s", text);
}

/* ---- the controller's life ---- */

static void boot(struct sim *s)
{
	struct farm_config cfg;

	farm_config_default(&cfg);
	s->turn = turn_new(&cfg, &s->env, (struct store *)s->store, &ops, s);
	memstore_load(s->store, turn_farm(s->turn));
	turn_post(s->turn, &(struct farm_event){.kind = FARM_BOOT});
	world_restarted(s->world);
}

static void crash(struct sim *s)
{
	bool commit_first = rng_chance(&s->rng, 0.5);

	sim_count_fault(commit_first ? FAULT_CRASH_AFTER : FAULT_CRASH_BEFORE);
	total_crashes++;
	if (s->trace)
		printf("%9lld crash\n", (long long)host_ms(s->host));
	memstore_crash(s->store, commit_first);
	turn_free(s->turn);
	host_crash(s->host);
	world_crash(s->world);
	people_crash(s->people);
	boot(s);
}

static void check(struct sim *s)
{
	farm_check(turn_farm(s->turn));
	if (memstore_idle(s->store) && turn_idle(s->turn) && rng_chance(&s->rng, 0.01))
		oracle_compare(s->oracle);
}

static void people_due(void *arg)
{
	struct sim *s = arg;

	if (s->peace)
		return;
	people_act(s->people);
	host_after(s->host, rng_range(&s->rng, 100, 20000), people_due, s);
}

static void fault_due(void *arg)
{
	struct sim *s = arg;

	if (s->peace)
		return;
	world_fault(s->world);
	host_after(s->host, rng_range(&s->rng, 100, 30000), fault_due, s);
}

static void peace_due(void *arg)
{
	struct sim *s = arg;

	world_peace(s->world);
	people_peace(s->people);
	host_after(s->host, 20000, peace_due, s);
}

static void step(struct sim *s)
{
	int64_t before = memstore_commits(s->store);

	if (!host_turn(s->host))
		sim_panic(s, "nothing will ever happen again");
	turn_run(s->turn);
	check(s);
	s->steps += memstore_commits(s->store) - before;
	if (!s->peace && rng_chance(&s->rng, 0.0005))
		crash(s);
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

static void live(struct sim *s, int64_t steps)
{
	int64_t until;

	boot(s);
	host_after(s->host, 1000, people_due, s);
	host_after(s->host, 1500, fault_due, s);
	while (s->steps < steps)
		step(s);
	s->peace = true;
	until = host_ms(s->host) + PEACE_MS;
	host_after(s->host, 0, peace_due, s);
	for (int i = 0; !oracle_all_ended(s->oracle) || !turn_idle(s->turn); i++) {
		step(s);
		if (host_ms(s->host) <= until && i <= PEACE_TURNS)
			continue;
		dump(s);
		sim_panic(s, "something is still alive after %lld s of peace",
			(long long)(PEACE_MS / 1000));
	}
	oracle_final(s->oracle);
}

static void run_seed(uint64_t seed, int64_t steps, bool trace)
{
	struct sim s = {.trace = trace};

	current_seed = seed;
	rng_seed(&s.rng, seed);
	s.p_fail = rng_range(&s.rng, 0, 4) * 0.01;
	s.p_stall = rng_range(&s.rng, 0, 4) * 0.005;
	s.host = host_new();
	s.env = (struct ctl_env){.host = host_driver_host(s.host),
		.now = host_now,
		.post = host_post,
		.fatal = fatal,
		.ctx = s.host};
	s.store = memstore_new(&s);
	s.people = people_new(&s);
	s.oracle = oracle_new(&s);
	s.world = world_new(&s, rng_range(&s.rng, 1, 12));
	live(&s, steps);
	total_steps += s.steps;
	turn_free(s.turn);
	world_free(s.world);
	oracle_free(s.oracle);
	people_free(s.people);
	host_free(s.host);
	memstore_free(s.store);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seeds", required_argument, NULL, 'n'},
		{"first", required_argument, NULL, 'f'}, {"steps", required_argument, NULL, 's'},
		{"trace", no_argument, NULL, 't'}, {"coverage", no_argument, NULL, 'c'}, {0}};
	int64_t seeds = 20, first = 1, steps = 5000;
	bool trace = false, coverage = false;
	double begin = seconds();
	int opt, bad = 0;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			seeds = atoll(optarg);
			break;
		case 'f':
			first = atoll(optarg);
			break;
		case 's':
			steps = atoll(optarg);
			break;
		case 't':
			trace = true;
			break;
		case 'c':
			coverage = true;
			break;
		default:
			fprintf(stderr,
				"usage: sim [--seeds N] [--first SEED] [--steps N] [--trace] "
				"[--coverage]\n");
			return 2;
		}
	}
	log_set_level(LOG_LEVEL_ERR);
	for (int64_t i = 0; i < seeds; i++)
		run_seed(first + i, steps, trace);
	printf("%lld seeds, %lld steps, %lld crashes, %.1f s\n", (long long)seeds,
		(long long)total_steps, (long long)total_crashes, seconds() - begin);
	for (int i = 0; i < FAULTS; i++)
		printf("  %-22s %lld\n", fault_names[i], (long long)faults[i]);
	bad = oracle_uncovered();
	for (int i = 0; i < FAULTS; i++) {
		if (faults[i])
			continue;
		printf("never occurred: %s\n", fault_names[i]);
		bad++;
	}
	return coverage && bad ? 1 : 0;
}
