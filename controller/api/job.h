/* SPDX-License-Identifier: Apache-2.0 */
/* One job as an answer, for those who show, await and submit it. Pool threads. */
#ifndef FRAMEFARM_API_JOB_H
#define FRAMEFARM_API_JOB_H

#include <stdbool.h>
#include <stdint.h>

struct reply;
struct task_env;

/* *ret_over: it has ended, and its answer will not change any more. Untouched on failure. */
struct reply *job_reply(const struct task_env *env, int64_t id, int status, bool *ret_over);

#endif
