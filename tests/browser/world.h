/* SPDX-License-Identifier: Apache-2.0 */
/* A farm to look at: phones, models and runs with a history, made up and always the same. */
#ifndef FRAMEFARM_TEST_BROWSER_WORLD_H
#define FRAMEFARM_TEST_BROWSER_WORLD_H

#include <stdbool.h>
#include <stdint.h>

struct ctl;

/* Runs that tests look at by number; the history before them has lower ones. */
enum {
	WORLD_RUN_HOT = 901,     /* fails: it heats the phone, and is slow from then on */
	WORLD_RUN_COOL = 902,    /* passes */
	WORLD_RUN_HOSTILE = 903, /* on the phone with the hostile name */
	WORLD_RUN_LIVE = 904,    /* running */
};

void world_seed(struct ctl *c);
/* The live run goes on, or ends. */
void world_progress(struct ctl *c, int permille);
void world_finish(struct ctl *c);
/* The values of WORLD_RUN_COOL are removed as those of an old run are, or all its samples. */
void world_age(struct ctl *c, bool all);

/* world_samples.c: what an attempt left in the store. heat: 0 stays cool … 1 is slow from half-way
 * on. */
void world_samples(struct ctl *c, int64_t attempt, double heat, uint64_t seed);

#endif
