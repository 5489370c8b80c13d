/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of what happened, and of what never did; see stats.h. */
#include "stats.h"

#include <stdio.h>
#include <string.h>

#include "core/farm.h"

#define RARE 10 /* times: a transition that the next change of the core may lose */

static struct stats own;
struct stats *stats = &own;

static const char *const fault_names[FAULTS] = {
	[FAULT_UNPLUG] = "unplug",
	[FAULT_REPLUG] = "plugged in again",
	[FAULT_MOVE] = "moved, old end lingers",
	[FAULT_SESSION] = "session lost",
	[FAULT_AGENT_CRASH] = "agent crash",
	[FAULT_LOST_SPOOL] = "spool lost",
	[FAULT_STRAY] = "attempt nobody knows",
	[FAULT_EPOCH] = "newer epoch elsewhere",
	[FAULT_HUMAN] = "needs a person",
	[FAULT_HOT] = "hot",
	[FAULT_NO_AGENT] = "no agent for it",
	[FAULT_FAILS] = "operation fails",
	[FAULT_STALL] = "operation stalls",
	[FAULT_LOST] = "completion lost",
	[FAULT_LATE] = "completion late",
	[FAULT_DOUBLED] = "completion doubled",
	[FAULT_DEAF] = "cancel ignored",
	[FAULT_BREAKS] = "runner breaks",
	[FAULT_LONG] = "runs past its deadline",
	[FAULT_DISOBEY] = "stop disobeyed",
	[FAULT_LATE_DATA] = "late data",
	[FAULT_STORE_FAILS] = "commits fail",
	[FAULT_STORE_ONCE] = "commits fail shortly",
	[FAULT_STORE_SLOW] = "commits slow",
	[FAULT_CRASH_BEFORE] = "crash before a commit",
	[FAULT_CRASH_AFTER] = "crash after a commit",
	[FAULT_CRASH_AMID] = "crash amid its actions",
	[FAULT_CRASH_IDLE] = "crash between commits",
	[FAULT_CLOCK_BACK] = "clock set back",
	[FAULT_CLOCK_ON] = "clock set on",
	[FAULT_QUEUE_FULL] = "queue full",
};

static const struct machine {
	const char *topic;
	const char *(*name)(int64_t s);
	bool (*may)(int64_t from, int64_t to);
	int end;
} machines[] = {
	{"device", device_state_name, farm_device_may, DEVICE_STATES_END},
	{"lease", lease_state_name, farm_lease_may, LEASE_STATES_END},
	{"job", job_state_name, farm_job_may, JOB_STATES_END},
	{"run", run_state_name, farm_run_may, RUN_STATES_END},
};

#define N_MACHINES ((int)(sizeof(machines) / sizeof(machines[0])))

void stats_add(struct stats *to, const struct stats *from)
{
	const int64_t *src = (const int64_t *)from;
	int64_t *dst = (int64_t *)to;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*dst); i++)
		dst[i] += src[i];
}

void stats_count(enum fault f)
{
	stats->faults[f]++;
}

static int state_no(const struct machine *m, const char *name)
{
	for (int i = 1; i < m->end; i++)
		if (!strcmp(m->name(i), name))
			return i;
	return 0;
}

int stats_transition(const char *topic, const char *from, const char *to)
{
	for (int t = 0; t < N_MACHINES; t++) {
		const struct machine *m = &machines[t];
		int a, b;

		if (strcmp(m->topic, topic))
			continue;
		a = state_no(m, from);
		b = state_no(m, to);
		stats->taken[t][a][b]++;
		return a && !m->may(a, b) ? -1 : 0; /* from nothing: it was made */
	}
	return 0;
}

static int print_transitions(const struct stats *s)
{
	int never = 0, legal = 0, rare = 0;
	int64_t sum = 0;

	for (int t = 0; t < N_MACHINES; t++)
		for (int from = 1; from < machines[t].end; from++)
			for (int to = 1; to < machines[t].end; to++) {
				if (!machines[t].may(from, to))
					continue;
				legal++;
				sum += s->taken[t][from][to];
				rare += s->taken[t][from][to] < RARE;
				if (s->taken[t][from][to] && s->taken[t][from][to] < RARE)
					printf("rare: %s %s -> %s %lld\n", machines[t].topic,
						machines[t].name(from), machines[t].name(to),
						(long long)s->taken[t][from][to]);
				if (s->taken[t][from][to])
					continue;
				never++;
				printf("never taken: %s %s -> %s\n", machines[t].topic,
					machines[t].name(from), machines[t].name(to));
			}
	printf("transitions: %d of %d legal ones taken, %lld times; %d fewer than %d times\n",
		legal - never, legal, (long long)sum, rare, RARE);
	return never;
}

int stats_print(const struct stats *s, double seconds)
{
	int never = 0;

	printf("%lld seeds, %lld steps that changed state in %lld transactions, %lld jobs, %lld "
	       "attempts, %lld crashes, %.0f s, %.0f steps/s\n",
		(long long)s->seeds, (long long)s->steps, (long long)s->commits, (long long)s->jobs,
		(long long)s->attempts, (long long)s->crashes, seconds,
		s->steps / (seconds > 0 ? seconds : 1));
	for (int i = 0; i < FAULTS; i++)
		printf("fault: %-22s %lld\n", fault_names[i], (long long)s->faults[i]);
	for (int i = 0; i < FAULTS; i++) {
		if (s->faults[i])
			continue;
		printf("never occurred: %s\n", fault_names[i]);
		never++;
	}
	return never + print_transitions(s);
}
