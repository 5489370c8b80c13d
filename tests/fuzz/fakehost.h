/* SPDX-License-Identifier: Apache-2.0 */
/* A driver's host whose clock, timers and pool move when the script says so. */
#ifndef FRAMEFARM_TESTS_FUZZ_FAKEHOST_H
#define FRAMEFARM_TESTS_FUZZ_FAKEHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/driver.h"

extern struct driver_host fake_host;
extern int64_t fake_now_ms;
extern bool fake_pool_full; /* blocking() is refused */

void fake_run_timers(void); /* those that are due, at most a hundred */
void fake_run_task(void);   /* the pool's first, to its end */
bool fake_has_timers(void);
bool fake_has_tasks(void);

#endif
