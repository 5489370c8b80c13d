/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of lines "key value", of which a few keys are counters: /proc/meminfo, /proc/vmstat.
 */
#ifndef FRAMEFARM_AGENT_KEYED_H
#define FRAMEFARM_AGENT_KEYED_H

#include <stddef.h>
#include <stdint.h>

struct root;
struct sampler;

#define KEYED_MAX 12

struct keyed_spec {
	const char *key;
	const char *name, *unit;
	int64_t mul; /* v is the file's number times this */
};

struct keyed {
	int fd;
	const char *path;
	const struct keyed_spec *specs;
	unsigned n;
	int counters[KEYED_MAX];
};

/* Opens path and adds a counter for each of the n (at most KEYED_MAX) keys. Borrows path and specs.
 * NULL when memory is out. */
struct keyed *keyed_probe(
	struct sampler *s, const char *path, const struct keyed_spec *specs, unsigned n);
void keyed_sample(struct keyed *k, struct sampler *s);
void keyed_close(struct keyed *k);

/* Looks for n keys in a text; values of those that are missing, or no number, stay as they are.
 * Returns a bit mask of those found. */
unsigned keyed_parse(const char *text, const struct keyed_spec *specs, unsigned n, int64_t *ret_v);

/* One key of such a file, now: 0 or -errno. */
int keyed_read_one(const struct root *root, const char *path, const char *key, int64_t *ret_v);

#endif
