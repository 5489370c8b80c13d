/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a virtual phone: heat, throttling and battery. Pure: time and load are parameters, and
 * the same seed with the same inputs gives the same numbers.
 *
 * Heat goes from the processors into the die, from there into the skin, from there into the air:
 * two masses, two resistances. A die that is too hot has its clocks capped a step at a time, and
 * released a step at a time. What is used and what the charger gives meet in the battery: its
 * charge, its voltage under load, and a fuel gauge that shows both only so often.
 *
 * It is a model of a phone's habits, not of one phone: it proves estimators and parsers. What it
 * knows exactly (energy used, temperatures without noise) is in `truth`.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_PHYSICS_H
#define FRAMEFARM_DRIVERS_VIRTUAL_PHYSICS_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/virtual/profile.h"

#define PHYSICS_STEP_MS     20    /* of integration, well under the smallest time constant */
#define PHYSICS_THROTTLE_MS 500   /* from one clock cap to the next */
#define PHYSICS_SPAN_MS     60000 /* the longest that one call integrates */

struct physics_input {
	double load; /* CPUs busy in this span, 0 to the number of CPUs */
	bool powered;
};

/* What the phone's sensors show, with their noise and periods. */
struct physics_gauge {
	int64_t level, voltage_uv, current_ua, counter_uah, temp_deci;
	bool charging, full;
};

struct physics {
	uint64_t rng;
	int64_t now_ms;
	double load; /* of the last span, as a share of all CPUs */

	/* The truth. */
	double die_c, skin_c, battery_c;
	double charge_uah, energy_uj; /* what the phone has used since its start */
	double watts;                 /* now */

	int cap[PROFILE_POLICIES], cur[PROFILE_POLICIES]; /* index into the policy's clocks */
	int64_t next_throttle_ms, next_gauge_ms;
	double zone_bias_c[PROFILE_ZONES];
	double gauge_uc; /* charge through the battery since the gauge's last value, µC */
	int64_t gauge_since_ms;
	struct physics_gauge gauge;
};

void physics_init(struct physics *s, const struct profile *p, uint64_t seed);
/* From s->now_ms to now_ms; time that goes back or stands changes nothing. */
void physics_step(
	struct physics *s, const struct profile *p, const struct physics_input *in, int64_t now_ms);

/* As the zone's file shows it, in the zone's unit. */
int64_t physics_zone(const struct physics *s, const struct profile *p, int zone);
double physics_zone_c(const struct physics *s, const struct profile *p, int zone);
/* 0…: how far a cooling device is driven. */
int physics_cooling(const struct physics *s, const struct profile *p, int device);
int64_t physics_cap_khz(const struct physics *s, const struct profile *p, int policy);
int64_t physics_clock_khz(const struct physics *s, const struct profile *p, int policy);
/* enum ThrottlingSeverity of Android: 0 none … 6 shutdown, by the skin's thresholds. */
int physics_status(const struct physics *s, const struct profile *p);

/* The battery's idle voltage at a state of charge of 0…1, in µV. */
double physics_open_uv(double soc);

#endif
