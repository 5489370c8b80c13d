/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a virtual phone is like: a file of profiles/phones, read once and never changed. The format
 * is described in profiles/README.md. A profile of anybody's is read by `--profile FILE`, so it is
 * bounded and checked like everything from outside. Any thread.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_PROFILE_H
#define FRAMEFARM_DRIVERS_VIRTUAL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct err;

#define PROFILE_FILE_MAX   (256 * 1024)
#define PROFILE_CORES      16
#define PROFILE_POLICIES   4
#define PROFILE_FREQS      32
#define PROFILE_ZONES      32
#define PROFILE_COOLING    8
#define PROFILE_RATES      8
#define PROFILE_PROPS      64
#define PROFILE_FEATURES   24
#define PROFILE_THRESHOLDS 7 /* enum ThrottlingSeverity of Android's thermal HAL */

struct profile_core {
	int64_t implementer, part, variant, revision; /* MIDR_EL1, as /proc/cpuinfo has it */
	int64_t count;
};

struct profile_policy {
	int64_t first, count; /* CPUs */
	char governor[LIMIT_NAME];
	bool cap_readable; /* many phones close scaling_max_freq of policy 0 to the shell */
	int n_freqs;
	int64_t freqs_khz[PROFILE_FREQS]; /* rising */
};

enum profile_node { PROFILE_DIE, PROFILE_SKIN, PROFILE_BATTERY, PROFILE_FIXED };
enum profile_unit { PROFILE_MILLI, PROFILE_DECI, PROFILE_WHOLE };

struct profile_zone {
	char type[LIMIT_NAME];
	int node;           /* enum profile_node */
	int unit;           /* enum profile_unit: of degrees */
	double offset_c;    /* from the node */
	int64_t value;      /* what a FIXED one shows: -274000, a battery's percentage */
	int hal_type;       /* enum TemperatureType of the HAL, -1: not in dumpsys thermalservice */
	int64_t hal_number; /* as read */
};

struct profile_cooling {
	char type[LIMIT_NAME];
	int64_t policy; /* index of the policy whose cap it is; -1: never moves */
};

struct profile_thermal {
	double throttle_c, release_c; /* of the die */
	double thresholds_c[PROFILE_THRESHOLDS];
	int n_thresholds;
	bool hal;             /* dumpsys thermalservice has something to tell */
	bool samsung_numbers; /* its types are shifted by one, names are TYPE_… */
	int n_zones, n_cooling;
	struct profile_zone zones[PROFILE_ZONES];
	struct profile_cooling cooling[PROFILE_COOLING];
};

struct profile_heat {
	double ambient_c;
	double idle_w, cpu_w; /* at rest, and added by all cores at their highest clock */
	double die_j_per_k, skin_j_per_k;
	double die_skin_k_per_w, skin_air_k_per_w;
};

struct profile_battery {
	char supply[LIMIT_NAME], usb[LIMIT_NAME]; /* names below /sys/class/power_supply */
	int64_t capacity_mah, level;
	int64_t resistance_mohm, charge_ma;
	int64_t gauge_ms; /* its values change this often */
	int inverted;     /* current is negative while charging */
	int current_milli, voltage_milli,
		count_milli; /* mA, mV, mAh where the contract has micro */
};

struct profile_prop {
	char key[LIMIT_NAME], value[LIMIT_VALUE];
};

struct profile {
	char name[LIMIT_NAME], about[LIMIT_CAUSE];
	char model[LIMIT_VALUE], device[LIMIT_NAME], product[LIMIT_NAME];
	char manufacturer[LIMIT_NAME], platform[LIMIT_NAME], abi[32];
	char android[16], build[LIMIT_NAME], patch[16], kernel[LIMIT_VALUE];
	int64_t sdk, ram_mb, boot_ms;

	int64_t width, height, density;
	double rate;
	int n_rates;
	double rates[PROFILE_RATES];

	int n_cores, n_policies;
	struct profile_core cores[PROFILE_CORES];
	struct profile_policy policies[PROFILE_POLICIES];
	struct profile_thermal thermal;
	struct profile_heat heat;
	struct profile_battery battery;

	int64_t max_payload;
	bool sums; /* an old adbd: version 0x01000000, sums are checked */
	int n_features;
	char features[PROFILE_FEATURES][LIMIT_NAME];

	int n_props;
	struct profile_prop props[PROFILE_PROPS];
};

/* A profile out of text; `what` names it in messages. NULL with a sentence. */
struct profile *profile_parse(const char *text, size_t n, const char *what, struct err *e);
/* NAME of profiles/phones, or the path of a file (what has a slash or ends in .json). Blocks. */
struct profile *profile_read(const char *name, struct err *e);
void profile_free(struct profile *p); /* NULL is allowed */

/* Calls fn for each named profile, in their order. The profiles of the tree are part of the program. */
void profile_each(void (*fn)(void *arg, const struct profile *p), void *arg);

int profile_cpus(const struct profile *p); /* cores in all */

#endif
