/* SPDX-License-Identifier: Apache-2.0 */
/* An environment for farm/: manual time, posts and timers that run when the test says so, blocking work
 * done on the spot. */
#ifndef FRAMEFARM_TEST_SUPPORT_ENV_H
#define FRAMEFARM_TEST_SUPPORT_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/driver.h"
#include "farm/ctl.h"

struct env;

struct env *env_new(void);
void env_free(struct env *e);
void env_ctl(struct env *e, struct ctl_env *ret_env);
/* Runs what is posted; waits for other threads' posts up to 10 s until cond(arg) holds. False: it
 * never did. */
bool env_run_until(struct env *e, bool (*cond)(void *arg), void *arg);
void env_run_posts(struct env *e);
/* Moves time and runs the timers that are due. */
void env_advance(struct env *e, int64_t ms);
/* How many timers are due: whether the loop would turn by itself. */
int env_due(const struct env *e);
int env_fatal_count(const struct env *e);

#endif
