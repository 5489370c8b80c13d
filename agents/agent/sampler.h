/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of this device: found once, at start, and read in sweeps. A sweep reads source by
 * source; the time of a reading is the middle between the clock before and after its source, so its
 * error is at most half of what that source took. A source that is slow is swept less often: it may
 * take a fifth of the time, so that it cannot make the others late.
 */
#ifndef FRAMEFARM_AGENT_SAMPLER_H
#define FRAMEFARM_AGENT_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "msg.h"

#define SAMPLER_TEMP_UNKNOWN INT32_MIN
#define SAMPLER_TEMP_MAX_AGE 5000000000LL /* ns: an older temperature is not known any more */

struct root;
struct sampler;
struct timesrc;

struct counter {
	struct msg_counter info;
	int64_t scale; /* value = v / scale, in info.unit */
};

typedef void (*sampler_sink)(void *arg, uint32_t counter, int64_t t_ns, int64_t v);

/* Probes. Borrows root and ts until sampler_free(). NULL when memory is out. */
struct sampler *sampler_new(const struct root *root, const struct timesrc *ts);
void sampler_free(struct sampler *s);

uint32_t sampler_count(const struct sampler *s);
const struct counter *sampler_counter(const struct sampler *s, uint32_t i);

/* Reads everything that is due, or only what has temperatures, and hands each value to the sink
 * (NULL: nobody wants them). */
void sampler_sweep(struct sampler *s, bool temps_only, sampler_sink sink, void *arg);

/* Of which process the runner's own counters are; 0 for none. */
void sampler_set_runner(struct sampler *s, pid_t pid);

/* The hottest plausible temperature in m°C. Thermal zones answer; where none does, hwmon. A reading
 * older than SAMPLER_TEMP_MAX_AGE does not count: SAMPLER_TEMP_UNKNOWN, which is never "cool". */
int32_t sampler_hottest(const struct sampler *s);
/* Whether this device has a temperature sensor at all. */
bool sampler_has_temps(const struct sampler *s);

#endif
