/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner's own libraries, for a device whose system has none that fit (a glibc program on
 * Android): a directory `lib` in the scratch directory, in which each has its name, and the runner
 * too. The loader is told of it.
 */
#ifndef FRAMEFARM_AGENT_LIBDIR_H
#define FRAMEFARM_AGENT_LIBDIR_H

#include <stdbool.h>

#define LIBDIR        "lib"
#define LIBDIR_RUNNER "framefarm-runner"

struct plan;

/* Makes it, or makes it anew. hard: by hard links, for a runner of another user, who must not pass
 * through the agent's directory; else by symbolic ones, since Android lets its shell make no others.
 * 0 or -errno. */
int libdir_make(int scratch, int files_dir, const struct plan *p, bool hard);

#endif
