/* SPDX-License-Identifier: Apache-2.0 */
/* One job as an answer, for those who show, await, submit and repeat it. Pool threads, but for
 * job_resubmit(). */
#ifndef FRAMEFARM_API_JOB_H
#define FRAMEFARM_API_JOB_H

#include <stdbool.h>
#include <stdint.h>

struct reply;
struct req;
struct rstr;
struct task_env;

/* *ret_over: it has ended, and its answer will not change any more. Untouched on failure. */
struct reply *job_reply(const struct task_env *env, int64_t id, int status, bool *ret_over);

/* Loop thread: submits spec under that Idempotency-Key and answers r as POST /jobs does. Takes a
 * reference. */
void job_resubmit(struct req *r, struct rstr *spec, const char *key);

#endif
