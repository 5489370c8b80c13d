/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a job's data are kept whatever their age. Pool threads. */
#ifndef FRAMEFARM_API_PINS_H
#define FRAMEFARM_API_PINS_H

#include <stdint.h>

struct err;
struct json;
struct lookup;

/* Adds "pinned" to a job's JSON: when, by whom and why, or null. 0, or the store's error. */
int pins_show(struct json *o, struct lookup *l, int64_t job, struct err *e);

#endif
