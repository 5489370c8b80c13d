/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a loop until a condition holds at the end of a turn; a condition that does not come within
 * SUPPORT_PATIENCE_MS fails the test. */
#ifndef FRAMEFARM_TESTS_LOOP_SUPPORT_H
#define FRAMEFARM_TESTS_LOOP_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>

#include "loop/loop.h"

#define SUPPORT_PATIENCE_MS 60000

struct rig {
	struct loop *loop;
	int turns;
	bool (*until)(void *arg);
	void *arg;
	struct loop_timer *patience;
};

void rig_init(struct rig *r);
void rig_fini(struct rig *r);
void rig_run_until(struct rig *r, bool (*until)(void *arg), void *arg);
/* A ready-made condition: an int that is not 0 any more. */
bool rig_is_set(void *arg);

#endif
