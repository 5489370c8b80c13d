/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured: the three presets, and what a job overrides by a field table in which each key
 * of "measure" is a member of struct jobspec_measure. Pure.
 */
#include "core/jobspec_priv.h"

#include <math.h>

#include "base/err.h"

#define HOUR_MS 3600000.0

const char *const jobspec_preset_words[] = {"quick", "standard", "nightly", NULL};

/*
 * quick: for each commit, at most three minutes for one device and model: the thermal gate's 120 s,
 * 40 s of paced block, 10 s of warm-up and 2 s of baseline leave 8 s for two loads. 30 s at 60 Hz
 * are 1800 iterations, six times the 299 effective samples that a pass at p99 takes.
 */
static const struct jobspec_measure quick = {
	.cold_loads = 1,
	.warm_loads = 1,
	.warmup_min_runs = 20,
	.warmup_min_ms = 2000,
	.warmup_max_ms = 10000,
	.paced = true,
	.min_runs = 1024,
	.max_runs = 100000,
	.min_ms = 30000,
	.max_ms = 40000,
	.baseline_ms = 1000,
	.thermal_wait_ms = 120000,
	.thermal_start_c = NAN,
	.sample_hz = 10,
	.sample_hz_timed = 1,
	.rounds = 1,
	.max_rounds = 2,
	.stall_ms = 60000,
};

/* standard: on merge. Three rounds, both blocks for at least 60 s and 1024 iterations. */
static const struct jobspec_measure standard = {
	.cold_loads = 3,
	.warm_loads = 3,
	.warmup_min_runs = 20,
	.warmup_min_ms = 2000,
	.warmup_max_ms = 30000,
	.back_to_back = true,
	.paced = true,
	.min_runs = 1024,
	.max_runs = 200000,
	.min_ms = 60000,
	.max_ms = 180000,
	.baseline_ms = 10000,
	.thermal_wait_ms = 1200000,
	.thermal_start_c = NAN,
	.coverage = true,
	.sample_hz = 10,
	.sample_hz_timed = 1,
	.rounds = 3,
	.max_rounds = 5,
	.stall_ms = 60000,
};

void jobspec_preset(int preset, struct jobspec_measure *ret_m)
{
	*ret_m = preset == PRESET_QUICK ? quick : standard;
	if (preset != PRESET_NIGHTLY)
		return;
	/* Every night there is time: slow models get their 1024 iterations too, and 600 s is the
	 * least sustained block of which a retention is published. */
	ret_m->max_ms = 600000;
	ret_m->sustained_ms = 600000;
	ret_m->baseline_ms = 60000;
}

#define INT(member, min, max)                                                                      \
	{                                                                                          \
#member, JSON_WANT_INT, offsetof(struct jobspec_measure, member), 0, min, max      \
	}
#define NUM(member, min, max)                                                                      \
	{                                                                                          \
#member, JSON_WANT_NUM, offsetof(struct jobspec_measure, member), 0, min, max      \
	}
#define BOOL(member)                                                                               \
	{                                                                                          \
#member, JSON_WANT_BOOL, offsetof(struct jobspec_measure, member)                  \
	}

static const struct json_field measure_fields[] = {
	INT(cold_loads, 0, 20),
	INT(warm_loads, 0, 20),
	INT(warmup_min_runs, 0, 100000),
	INT(warmup_min_ms, 0, HOUR_MS),
	INT(warmup_max_ms, 0, HOUR_MS),
	BOOL(back_to_back),
	BOOL(paced),
	INT(min_runs, 1, 1000000),
	INT(max_runs, 1, 1000000),
	INT(min_ms, 0, HOUR_MS),
	INT(max_ms, 1, HOUR_MS),
	NUM(pace_hz, 0, 1000),
	INT(sustained_ms, 0, 4 * HOUR_MS),
	INT(baseline_ms, 0, HOUR_MS),
	INT(thermal_wait_ms, 0, HOUR_MS),
	NUM(thermal_start_c, -40, 150),
	BOOL(coverage),
	INT(sample_hz, 1, 100),
	INT(sample_hz_timed, 1, 100),
	INT(rounds, 1, LIMIT_ROUNDS),
	INT(max_rounds, 1, LIMIT_ROUNDS),
	INT(stall_ms, 1000, HOUR_MS),
	INT(memory_mb, 0, 1048576),
};

const struct jobspec_table jobspec_measure_table = {
	"measure", measure_fields, sizeof(measure_fields) / sizeof(measure_fields[0])};

/* A bound that only the preset set gives way to the other end that the job set; two that the job
 * set must not cross. */
static int settle(struct jobspec_reader *r, const struct json *node, const char *low_key,
	int64_t *low, const char *high_key, int64_t *high)
{
	bool low_given = json_get(node, low_key), high_given = json_get(node, high_key);

	if (*low <= *high)
		return 0;
	if (low_given && high_given)
		return jobspec_refuse(r, json_get(node, high_key), ERR_RANGE,
			"%s of %lld is more than %s of %lld", low_key, (long long)*low, high_key,
			(long long)*high);
	if (high_given)
		*low = *high;
	else
		*high = *low;
	return 0;
}

int jobspec_read_measure(
	struct jobspec_reader *r, const struct json *node, struct jobspec_measure *inout)
{
	struct jobspec_measure m = *inout;
	int rc = jobspec_read(r, node, &jobspec_measure_table, &m);

	if (!rc)
		rc = settle(r, node, "warmup_min_ms", &m.warmup_min_ms, "warmup_max_ms",
			&m.warmup_max_ms);
	if (!rc)
		rc = settle(r, node, "min_runs", &m.min_runs, "max_runs", &m.max_runs);
	if (!rc)
		rc = settle(r, node, "min_ms", &m.min_ms, "max_ms", &m.max_ms);
	if (!rc)
		rc = settle(r, node, "rounds", &m.rounds, "max_rounds", &m.max_rounds);
	if (!rc && m.pace_hz > 0 && m.pace_hz < 1)
		rc = jobspec_refuse(r, json_get(node, "pace_hz"), ERR_RANGE,
			"pace_hz must be 0, for the device's display, or from 1 to 1000");
	if (!rc)
		*inout = m;
	return rc;
}
