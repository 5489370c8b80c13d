/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a plan's runner gets as descriptors: runtime, model, inputs, golden data, each
 * once, named by SHA-256 in DIR/files.
 */
#ifndef FRAMEFARM_AGENT_FILESET_H
#define FRAMEFARM_AGENT_FILESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner.h"

struct fileset {
	unsigned n;
	char (*names)[PLAN_SHA]; /* at most RUNNER_FILES_MAX */
};

/* Returns 0, -ENOMEM, or -E2BIG for a plan of too many files. */
int fileset_init(struct fileset *f, const struct plan *p);
void fileset_fini(struct fileset *f);

/* Opens one for reading. With `shared`, users other than the agent's may read and run it
 * afterwards: the runner's own user opens it a second time through /proc/self/fd. Returns a
 * descriptor or -errno. */
int fileset_open(int files_dir, const char *name, bool shared);

/* Whether all of them, and the runner's program, are there. 0, or -errno and a sentence. */
int fileset_check(
	const struct fileset *f, int files_dir, const struct plan *p, char *why, size_t size);

#endif
