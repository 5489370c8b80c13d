/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt of a run: which one is shown, and what the store holds of it (streams, phases,
 * facts). Times in answers are nanoseconds from the attempt's origin, its earliest sample: a
 * device's clock counts from its boot, and such numbers soon leave what JSON can carry. Pool
 * threads.
 */
#ifndef FRAMEFARM_API_ATTEMPT_H
#define FRAMEFARM_API_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

struct err;
struct json;

struct attempts {
	struct json *items; /* filled when not NULL */
	int64_t shown;      /* the one asked for, else the last counted, else the last; 0: none */
	int64_t counted;
	int n;
};

/* want: an attempt of this run, or 0. ERR_NOTFOUND when it is none of its attempts. */
int attempts_read(
	struct store_reader *r, int64_t run, int64_t want, struct attempts *list, struct err *e);

struct origin {
	bool any;
	int64_t t0, t1; /* first and last sample of all streams, device's monotonic ns */
};

/* One stream by name, and the origin of its attempt. ERR_NOTFOUND names what there is. */
int attempt_stream(struct store_reader *r, int64_t attempt, const char *name,
	struct store_stream *ret_s, struct origin *ret_o, struct err *e);

/* Adds "shown_attempt", "t0_ns", "streams", "phases", "facts", "text_bytes"; empty for attempt
 * 0. */
int attempt_show(struct store_reader *r, int64_t attempt, struct json *o, struct err *e);

#endif
