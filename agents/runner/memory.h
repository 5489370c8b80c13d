/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process holds of memory, as the kernel counts it (proc(5), /proc/self/status); -1
 * where it does not say. That the plan's limit holds is the agent's care (RLIMIT_AS before exec).
 */
#ifndef FRAMEFARM_RUNNER_MEMORY_H
#define FRAMEFARM_RUNNER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

int64_t memory_rss_bytes(void);      /* VmRSS */
int64_t memory_rss_peak_bytes(void); /* VmHWM */
/* Lets the peak begin anew, so that the coverage run's second session is not in it; where the
 * kernel refuses, returns false and the peak goes on as it was. */
bool memory_peak_reset(void);
/* What was freed goes back to the system, where the C library can be told so. */
void memory_give_back(void);
/* A file without a name, closed on exec; -1 as of open(). */
int memory_file(const char *name);

#endif
