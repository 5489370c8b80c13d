/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the habits of thermal zones: the unit is m°C by contract (Linux,
 * Documentation/driver-api/thermal/sysfs-api.rst), but some drivers print tenths or whole degrees,
 * some zones are no temperatures at all, and sensors that are not fitted print constants. Pure.
 */
#ifndef FRAMEFARM_AGENT_THERMAL_RULES_H
#define FRAMEFARM_AGENT_THERMAL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THERMAL_MIN_MC (-30000)
#define THERMAL_MAX_MC 150000

/* Whether a zone of this type is no temperature: battery levels, voltages, currents, steps. */
bool thermal_is_denied(const char *type);

/* −30…150 °C, without the values that stand for "no sensor". */
bool thermal_is_plausible(int64_t mc);

/* By what a raw reading is to be multiplied to get m°C: 1, 100 or 1000. Right for one reading of a
 * zone that is not near freezing; so it is asked once, and for the largest reading of a family. */
int32_t thermal_guess_mul(int64_t raw);

/* A zone's family: its type without digits. Zones of one family share driver and unit. */
void thermal_family(char *dst, size_t size, const char *type);

#endif
