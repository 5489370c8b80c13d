/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chance: all that is random in a life, and the names by which it can be left out. What a seed does
 * to the farm are its deeds: a device that exists, an act of people, a fault, a crash, an operation
 * that goes wrong. A deed is a letter and a number and has random numbers of its own, drawn from
 * the seed and its name, so that leaving one out leaves the others as they are.
 */
#ifndef FRAMEFARM_SIM_CHANCE_H
#define FRAMEFARM_SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood 2014) */
struct rng {
	uint64_t s;
};
uint64_t rng_next(struct rng *r);
int64_t rng_range(struct rng *r, int64_t low, int64_t high); /* both included */
bool rng_chance(struct rng *r, double p);

enum series {
	SERIES_LIFE = 'l',   /* not a deed: what the seed as a whole is like */
	SERIES_STORE = 's',  /* not a deed: how long commits take */
	SERIES_DEVICE = 'd', /* by the device's number: it is there */
	SERIES_PEOPLE = 'p',
	SERIES_FAULT = 'f',
	SERIES_CRASH = 'c',
	SERIES_OP = 'o', /* chance_op() */
};

struct deed {
	int64_t series, number;
};

struct chance;
/* The salt changes what becomes of operations, not what the deeds are. */
struct chance *chance_new(uint64_t seed, int64_t salt);
void chance_free(struct chance *c);
/* From now on nothing happens but these. */
void chance_keep(struct chance *c, const struct deed *deeds, size_t n);
struct rng chance_rng(const struct chance *c, enum series s, int64_t number);
/* Whether this deed is done in this life; to be asked once, when its time has come. */
bool chance_happens(struct chance *c, enum series s, int64_t number);
/* What happens goes to dst too, in order, as far as there is room; *n is counted up. */
void chance_record(struct chance *c, struct deed *dst, size_t max, size_t *n);
/* The number of a device's nth operation; device -1: of no device. */
int64_t chance_op(int device, int64_t nth);

#define DEED_TEXT 32
/* "p17", "o3.250"; the second has the device in front. */
void deed_print(char *dst, const struct deed *d);
/* A list with commas; returns how many, or -1 when it is none. */
int deeds_parse(const char *text, struct deed *dst, int max);

#endif
