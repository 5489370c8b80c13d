/* SPDX-License-Identifier: Apache-2.0 */
/* From a job and a device to the plan that the agent gets, and the files that must be there. */
#ifndef FRAMEFARM_FARM_MAKEPLAN_H
#define FRAMEFARM_FARM_MAKEPLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/plan.h"
#include "base/limits.h"
#include "farm/tools.h"

struct blobs;
struct driver_identity;
struct err;
struct jobspec;
struct runtimes;

#define MAKEPLAN_FILES_MAX 2048

struct makeplan_file {
	char path[700];
	char sha256[LIMIT_SHA256];
	int64_t bytes;
	bool executable;
};

struct makeplan {
	struct plan plan;
	struct tool runner, runtime;
	struct makeplan_file *files; /* each once */
	int n_files;
};

/* What a plan has to know of its device. */
struct makeplan_device {
	char abi[32];
	double display_hz; /* 0 when it has no display */
	bool foreign_libc; /* its system's C library is not glibc: the runner brings one */
};

/* From the attributes display.hz and libc (without one: glibc). */
void makeplan_device(const struct driver_identity *id, struct makeplan_device *ret_d);

/* Where its files come from. */
struct makeplan_stock {
	const struct blobs *blobs;
	struct tools *tools;
	struct runtimes *runtimes;
};

/* Blocks (hashes programs). ERR_NOTFOUND for a file or program that is missing. Free with
 * makeplan_fini(), also after a failure. */
int makeplan_init(struct makeplan *m, const struct jobspec *spec, int variant,
	const struct makeplan_device *dev, const struct makeplan_stock *stock, struct err *e);
void makeplan_fini(struct makeplan *m);

#endif
