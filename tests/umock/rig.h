/* SPDX-License-Identifier: Apache-2.0 */
/* The ADB driver with mocked ports: what stories about it begin with, and wait for. */
#ifndef FRAMEFARM_TESTS_UMOCK_RIG_H
#define FRAMEFARM_TESTS_UMOCK_RIG_H

#include "umock.h"

#include "drivers/adb/driver_adb.h"
#include "support_host.h"
#include "support_tmp.h"

struct rig {
	struct umock *m;
	struct support_host *sh;
	struct tmp tmp;
	void *more; /* the story's own */
};

int rig_set_up(void **state);
int rig_tear_down(void **state);
/* The driver, with a port for adb servers on which none listens. */
void rig_start(struct rig *r);
void rig_stop(struct rig *r); /* another start() may follow */

/* Without udev ports are looked at now and then: time goes on until the nth device has arrived. */
void rig_until_arrived(struct rig *r, int n);
/* The nth device needs something that has the word in it, or nothing. */
void rig_until_need(struct rig *r, int n, const char *word);
void rig_until_no_need(struct rig *r, int n);
/* Until the bus answers so: rig_until_told(r, "ask 1-1 claimed", 1). */
void rig_until_told(struct rig *r, const char *question, long answer);

#define RIG_STORY(f) cmocka_unit_test_setup_teardown(f, rig_set_up, rig_tear_down)

#endif
