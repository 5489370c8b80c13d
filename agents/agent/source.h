/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one family of counters is to the sampler. A new one is a file source_X.c that defines
 * `const struct source source_X`, and a line in the list of sampler.c.
 *
 * Rules. probe() opens every candidate once and adds a counter for each, also for those that do not
 * read, with their errno. sample() reads with pread() from descriptors that stay open, and puts the
 * values; a value that could not be read, or makes no sense, is simply not put: a gap, never a 0.
 * Everything is found by name, never by number, and read through the sampler's root.
 */
#ifndef FRAMEFARM_AGENT_SOURCE_H
#define FRAMEFARM_AGENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct root;
struct sampler;

struct source {
	const char *name;
	/* It puts temperatures: also read while the agent is idle. A lower rank goes first in the
	 * question of what is hottest; see sampler_hottest(). */
	bool has_temps;
	uint8_t temp_rank;
	/* The source's own state, or NULL when nothing of it is here. */
	void *(*probe)(struct sampler *s);
	void (*sample)(void *self, struct sampler *s);
	void (*close)(void *self);
};

/* Adds a counter and returns its number, or -1 when there are too many (its values are then
 * ignored). error: 0, or the errno of the probe. The texts are copied; source is the path. */
int sampler_add(struct sampler *s, const char *name, const char *unit, int64_t scale,
	const char *source, int error);

/* Within sample(): this counter's value now; its number may be -1. */
void sampler_put(struct sampler *s, int counter, int64_t v);
/* The same for a plausible temperature in m°C, which also counts for what is hottest. */
void sampler_put_temp(struct sampler *s, int counter, int64_t mc);
/* Within probe(): a temperature sensor exists, even if it says nothing plausible yet. */
void sampler_has_sensor(struct sampler *s);

/* Names, in probe(): whether a counter of this name is there already. */
bool sampler_knows(const struct sampler *s, const char *name);

const struct root *sampler_root(const struct sampler *s);
/* The process that runs the model now, 0 for none. */
pid_t sampler_runner(const struct sampler *s);

#endif
