/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and sweeping counters; see sampler.h and source.h. */
#include "agent/sampler.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/source.h"
#include "timesrc.h"

/* Every source there is, in the order of their counters: when a device has more than
 * MSG_COUNTERS_MAX, the last ones are left out. One line adds one. */
#define SOURCES(X)                                                                                 \
	X(runner)                                                                                  \
	X(meminfo)                                                                                 \
	X(loadavg)                                                                                 \
	X(vmstat)                                                                                  \
	X(stat)                                                                                    \
	X(cpufreq)                                                                                 \
	X(thermal)                                                                                 \
	X(cooling)                                                                                 \
	X(power)                                                                                   \
	X(hwmon)

#define DECLARE(name) extern const struct source source_##name;
#define LIST(name)    &source_##name,
SOURCES(DECLARE)
static const struct source *const sources[] = {SOURCES(LIST)};

#define N_SOURCES  (sizeof(sources) / sizeof(sources[0]))
#define SLOW_SHARE 4 /* a source rests for so many times what it took, so 1/5 is its share */
#define SLOW_NS    5000000LL /* below this nothing is called slow */
#define GROW       32

struct slot {
	void *self;
	int64_t due_ns; /* not swept before */
	int32_t hottest_mc;
	int64_t hottest_ns;
	bool has_sensor;
};

struct put {
	uint32_t counter;
	int64_t v;
};

struct sampler {
	const struct root *root;
	const struct timesrc *ts;
	struct counter *counters;
	uint32_t n, cap;
	struct slot slots[N_SOURCES];
	unsigned current; /* slot that is probed or swept */
	struct put puts[MSG_COUNTERS_MAX];
	uint32_t n_puts;
	int32_t hottest_mc; /* of the source that is swept */
	pid_t runner;
};

/* ---- what sources call ---- */

static bool grow(struct sampler *s)
{
	struct counter *c = realloc(s->counters, (s->cap + GROW) * sizeof(*c));

	if (!c)
		return false;
	s->counters = c;
	s->cap += GROW;
	return true;
}

int sampler_add(struct sampler *s, const char *name, const char *unit, int64_t scale,
	const char *source, int error)
{
	struct counter *c;

	assert(scale > 0);
	if (s->n == MSG_COUNTERS_MAX || (s->n == s->cap && !grow(s)))
		return -1;
	c = &s->counters[s->n];
	memset(c, 0, sizeof(*c));
	snprintf(c->info.name, sizeof(c->info.name), "%s", name);
	snprintf(c->info.unit, sizeof(c->info.unit), "%s", unit);
	snprintf(c->info.source, sizeof(c->info.source), "%s", source);
	c->info.available = !error;
	c->info.error = error;
	c->scale = scale;
	return s->n++;
}

bool sampler_knows(const struct sampler *s, const char *name)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (!strcmp(s->counters[i].info.name, name))
			return true;
	return false;
}

void sampler_put(struct sampler *s, int counter, int64_t v)
{
	if (counter >= 0 && s->n_puts < MSG_COUNTERS_MAX)
		s->puts[s->n_puts++] = (struct put){counter, v};
}

void sampler_put_temp(struct sampler *s, int counter, int64_t mc)
{
	sampler_put(s, counter, mc);
	if (mc > s->hottest_mc && mc <= INT32_MAX)
		s->hottest_mc = mc;
}

void sampler_has_sensor(struct sampler *s)
{
	s->slots[s->current].has_sensor = true;
}

const struct root *sampler_root(const struct sampler *s)
{
	return s->root;
}

pid_t sampler_runner(const struct sampler *s)
{
	return s->runner;
}

/* ---- what the agent calls ---- */

struct sampler *sampler_new(const struct root *root, const struct timesrc *ts)
{
	struct sampler *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->root = root;
	s->ts = ts;
	for (s->current = 0; s->current < N_SOURCES; s->current++) {
		s->slots[s->current].hottest_mc = SAMPLER_TEMP_UNKNOWN;
		s->slots[s->current].self = sources[s->current]->probe(s);
	}
	return s;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < N_SOURCES; i++)
		if (s->slots[i].self)
			sources[i]->close(s->slots[i].self);
	free(s->counters);
	free(s);
}

uint32_t sampler_count(const struct sampler *s)
{
	return s->n;
}

const struct counter *sampler_counter(const struct sampler *s, uint32_t i)
{
	assert(i < s->n);
	return &s->counters[i];
}

static void sweep_one(struct sampler *s, unsigned i, sampler_sink sink, void *arg)
{
	struct slot *slot = &s->slots[i];
	int64_t begin_ns = timesrc_mono_ns(s->ts), end_ns, at_ns;

	if (begin_ns < slot->due_ns)
		return;
	s->current = i;
	s->n_puts = 0;
	s->hottest_mc = SAMPLER_TEMP_UNKNOWN;
	sources[i]->sample(slot->self, s);
	end_ns = timesrc_mono_ns(s->ts);
	at_ns = begin_ns + (end_ns - begin_ns) / 2;
	slot->due_ns = end_ns - begin_ns > SLOW_NS ? end_ns + SLOW_SHARE * (end_ns - begin_ns) : 0;
	if (s->hottest_mc != SAMPLER_TEMP_UNKNOWN) {
		slot->hottest_mc = s->hottest_mc;
		slot->hottest_ns = at_ns;
		slot->has_sensor = true;
	}
	for (uint32_t k = 0; sink && k < s->n_puts; k++)
		sink(arg, s->puts[k].counter, at_ns, s->puts[k].v);
}

void sampler_sweep(struct sampler *s, bool temps_only, sampler_sink sink, void *arg)
{
	for (unsigned i = 0; i < N_SOURCES; i++)
		if (s->slots[i].self && (sources[i]->has_temps || !temps_only))
			sweep_one(s, i, sink, arg);
}

void sampler_set_runner(struct sampler *s, pid_t pid)
{
	s->runner = pid;
}

int32_t sampler_hottest(const struct sampler *s)
{
	int64_t since_ns = timesrc_mono_ns(s->ts) - SAMPLER_TEMP_MAX_AGE;
	int32_t hottest = SAMPLER_TEMP_UNKNOWN;
	unsigned rank = UINT8_MAX + 1;

	for (unsigned i = 0; i < N_SOURCES; i++) {
		const struct slot *slot = &s->slots[i];

		if (!sources[i]->has_temps || slot->hottest_mc == SAMPLER_TEMP_UNKNOWN ||
			slot->hottest_ns < since_ns || sources[i]->temp_rank > rank)
			continue;
		if (sources[i]->temp_rank < rank || slot->hottest_mc > hottest)
			hottest = slot->hottest_mc;
		rank = sources[i]->temp_rank;
	}
	return hottest;
}

bool sampler_has_temps(const struct sampler *s)
{
	for (unsigned i = 0; i < N_SOURCES; i++)
		if (s->slots[i].has_sensor)
			return true;
	return false;
}
