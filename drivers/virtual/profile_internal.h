/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of profiles share: what a table of members is made of, and one function for each
 * part of the format. See profile.h. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_PROFILE_INTERNAL_H
#define FRAMEFARM_DRIVERS_VIRTUAL_PROFILE_INTERNAL_H

#include <stddef.h>

#include "base/json.h"
#include "drivers/virtual/profile.h"

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define TEXT(type, member, req)                                                                    \
	{                                                                                          \
		.key = #member, .want = JSON_WANT_TEXT, .off = offsetof(struct type, member),      \
		.size = sizeof(((struct type *)0)->member), .min = 1, .required = req              \
	}
#define INT(type, member, lo, hi, req)                                                             \
	{                                                                                          \
		.key = #member, .want = JSON_WANT_INT, .off = offsetof(struct type, member),       \
		.min = lo, .max = hi, .required = req                                              \
	}
#define NUM(type, member, lo, hi)                                                                  \
	{                                                                                          \
		.key = #member, .want = JSON_WANT_NUM, .off = offsetof(struct type, member),       \
		.min = lo, .max = hi                                                               \
	}
#define BOOL(type, member)                                                                         \
	{                                                                                          \
		.key = #member, .want = JSON_WANT_BOOL, .off = offsetof(struct type, member)       \
	}
#define WORD(type, name, member, list)                                                             \
	{                                                                                          \
		.key = name, .want = JSON_WANT_ENUM, .off = offsetof(struct type, member),         \
		.words = list                                                                      \
	}
#define PART(type, name, member, kind)                                                             \
	{                                                                                          \
		.key = name, .want = kind, .off = offsetof(struct type, member)                    \
	}

struct profile_reading {
	const struct json_doc *d;
	const char *what;
	struct err *e;
};

/* ERR_PARSE with the line of `at` and the text. */
int profile_complain(const struct profile_reading *r, const struct json *at, const char *text);
/* Up to max numbers into out. */
int profile_numbers(const struct profile_reading *r, const struct json *list, const char *key,
	int max, double *out, int *ret_n);

/* ---- profile_cpu.c, profile_thermal.c ---- */
int profile_read_cpu(const struct profile_reading *r, const struct json *obj, struct profile *p);
/* Behind the CPU's: cooling devices name its policies. */
int profile_read_thermal(
	const struct profile_reading *r, const struct json *obj, struct profile *p);

#endif
