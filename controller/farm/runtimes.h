/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtime libraries that people registered: under a name, one for each ABI, by hash. A library is an
 * uploaded file like others (blobs.h) and stays as long as its runtime is registered; the list is
 * kept in one file, written anew with each change. A job that names a runtime is given its library
 * instead of the one that comes with the runner. Any thread; a mutex guards the list. What adds or
 * removes blocks.
 */
#ifndef FRAMEFARM_FARM_RUNTIMES_H
#define FRAMEFARM_FARM_RUNTIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "farm/ctl.h"

struct blobs;
struct err;
struct runtimes;

#define RUNTIMES_DIGITS 12 /* of its hash, at least, that may stand for its name */

/* file: the list's path; absent: none is registered. NULL and *e when it cannot be read. */
struct runtimes *runtimes_open(struct blobs *b, const char *file, struct err *e);
void runtimes_close(struct runtimes *r); /* NULL allowed */

/* As the functions of ctl.h that are called so. */
int runtimes_add(struct runtimes *r, const char *sha256, const char *name, int64_t now_ms,
	struct ctl_runtime *ret_r, struct err *e);
int runtimes_remove(struct runtimes *r, const char *called, struct err *e);
int runtimes_list(struct runtimes *r, struct ctl_runtime ret[CTL_RUNTIMES_MAX]);
bool runtimes_known(struct runtimes *r, const char *called);

/* The library of the runtime that is so called for the ABI. ERR_NOTFOUND and a sentence. */
int runtimes_find(struct runtimes *r, const char *called, const char *abi,
	struct ctl_runtime_lib *ret_l, struct err *e);

#endif
