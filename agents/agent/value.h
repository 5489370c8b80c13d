/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of sysfs files that each hold one number: what most sources are made of. Files stay open;
 * one whose device went away (a CPU that was unplugged) is opened again from time to time.
 */
#ifndef FRAMEFARM_AGENT_VALUE_H
#define FRAMEFARM_AGENT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

struct root;
struct sampler;

#define VALUE_PATH        192
#define VALUE_SET_MAX     256
#define VALUE_REOPEN_EACH 50 /* sweeps between attempts to find a file that went away */

struct value_spec {
	const char *path, *name, *unit;
	int64_t mul;         /* the counter's v is the file's number times this */
	int64_t scale;       /* of the counter: value = v / scale, in unit */
	bool temp;           /* m°C: put as a temperature when plausible */
	bool report_missing; /* a file that is not there is a counter all the same, with ENOENT */
};

struct value {
	int fd; /* or -1 while it is away */
	int counter;
	int64_t mul;
	bool temp;
	unsigned misses;
	char *path;
};

struct value_set {
	struct value *values;
	unsigned n;
};

/* Opens and reads the file once and adds its counter. Returns 0, or -errno of the probe (the
 * counter is then there and not available). */
int value_set_add(struct value_set *vs, struct sampler *s, const struct value_spec *spec);
void value_set_sample(struct value_set *vs, struct sampler *s);
void value_set_fini(struct value_set *vs);

/* The number in an open file: 0, or -errno; -EINVAL for what is no number. */
int value_read_fd(int fd, int64_t *ret_v);

#endif
