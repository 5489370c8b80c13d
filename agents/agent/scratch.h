/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner's working directory, DIR/scratch/ATTEMPT: its own while it runs, emptied and removed
 * afterwards, whatever it built in there.
 */
#ifndef FRAMEFARM_AGENT_SCRATCH_H
#define FRAMEFARM_AGENT_SCRATCH_H

#include <stdint.h>

#define SCRATCH_ENTRIES_MAX 200000 /* deleted in one go; what is left waits for the next start */

/* Makes it, owned by uid (-1: the agent's user), empty. Returns a descriptor or -errno. */
int scratch_make(int parent, int64_t attempt, int64_t uid);
/* Empties and removes it. Returns 0 or -errno. */
int scratch_remove(int parent, int64_t attempt);
/* Removes all that an earlier start of the agent left. */
void scratch_remove_all(int parent);

#endif
