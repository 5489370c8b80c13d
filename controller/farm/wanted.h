/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which uploaded files somebody still needs: those that a job which has not ended, a pinned job or a
 * registered runtime names. A job's specification names files by their SHA-256, so whatever looks like one
 * in it counts. Blocks; pool threads.
 */
#ifndef FRAMEFARM_FARM_WANTED_H
#define FRAMEFARM_FARM_WANTED_H

#include <stdbool.h>

struct err;
struct runtimes;
struct store_reader;
struct wanted;

/* NULL and *e on failure. */
struct wanted *wanted_read(struct store_reader *rd, struct runtimes *runtimes, struct err *e);
void wanted_free(struct wanted *w); /* NULL allowed */
bool wanted_has(const struct wanted *w, const char *sha256);
/* Each of them once, in order; a non-zero return stops and is returned. */
int wanted_each(const struct wanted *w, int (*fn)(void *arg, const char *sha256), void *arg);

#endif
