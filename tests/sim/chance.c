/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers and deeds; see chance.h. */
#include "chance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

#define OPS_OF_ONE 10000000LL /* operations of one device in one life */

struct chance {
	uint64_t seed;
	int64_t salt;
	struct map *keep; /* NULL: everything happens */
	struct deed *record;
	size_t max_record, *n_record;
};

/* ---- numbers ---- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t rng_next(struct rng *r)
{
	return mix(r->s += 0x9e3779b97f4a7c15u);
}

int64_t rng_range(struct rng *r, int64_t low, int64_t high)
{
	return low + (int64_t)(rng_next(r) % (uint64_t)(high - low + 1));
}

bool rng_chance(struct rng *r, double p)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53 < p;
}

/* ---- deeds ---- */

static int64_t key_of(int64_t series, int64_t number)
{
	return series << 48 ^ number;
}

struct chance *chance_new(uint64_t seed, int64_t salt)
{
	struct chance *c = mem_zalloc(sizeof(*c));

	c->seed = seed;
	c->salt = salt;
	return c;
}

void chance_free(struct chance *c)
{
	map_free(c->keep);
	mem_free(c);
}

void chance_keep(struct chance *c, const struct deed *deeds, size_t n)
{
	c->keep = map_new();
	for (size_t i = 0; i < n; i++)
		map_put(c->keep, key_of(deeds[i].series, deeds[i].number), c);
}

struct rng chance_rng(const struct chance *c, enum series s, int64_t number)
{
	uint64_t salt = s == SERIES_OP || s == SERIES_STORE ? (uint64_t)c->salt << 32 : 0;

	return (struct rng){mix(c->seed * 0x9e3779b97f4a7c15u + 1) ^ mix(key_of(s, number) ^ salt)};
}

bool chance_happens(struct chance *c, enum series s, int64_t number)
{
	if (c->keep && !map_get(c->keep, key_of(s, number)))
		return false;
	if (c->record && *c->n_record < c->max_record)
		c->record[(*c->n_record)++] = (struct deed){s, number};
	return true;
}

void chance_record(struct chance *c, struct deed *dst, size_t max, size_t *n)
{
	c->record = dst;
	c->max_record = max;
	c->n_record = n;
}

int64_t chance_op(int device, int64_t nth)
{
	return (device + 1) * OPS_OF_ONE + nth;
}

/* ---- as text ---- */

void deed_print(char *dst, const struct deed *d)
{
	if (d->series == SERIES_OP)
		snprintf(dst, DEED_TEXT, "o%lld.%lld", (long long)(d->number / OPS_OF_ONE - 1),
			(long long)(d->number % OPS_OF_ONE));
	else
		snprintf(dst, DEED_TEXT, "%c%lld", (char)d->series, (long long)d->number);
}

static const char *parse_one(const char *at, struct deed *d)
{
	char *end;

	if (!*at || !strchr("dpfco", *at))
		return NULL;
	d->series = *at++;
	d->number = strtoll(at, &end, 10);
	if (end == at)
		return NULL;
	if (d->series == SERIES_OP && *end == '.') {
		at = end + 1;
		d->number = chance_op(d->number, strtoll(at, &end, 10));
	}
	return end;
}

int deeds_parse(const char *text, struct deed *dst, int max)
{
	int n = 0;

	while (*text) {
		if (n == max || !(text = parse_one(text, &dst[n])))
			return -1;
		n++;
		if (*text && *text++ != ',')
			return -1;
	}
	return n;
}
