/* SPDX-License-Identifier: Apache-2.0 */
/* What support_host.c (the host) and support_guard.c (the guard) share. */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_HOST_INTERNAL_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_HOST_INTERNAL_H

#include <pthread.h>

#include "base/limits.h"
#include "support_host.h"

struct work;

struct support_host {
	struct driver_host h; /* first */
	int64_t now_ms;
	int64_t clock_ms; /* the real clock, as far as now_ms followed it; 0: it does not */
	enum support_work mode;
	struct host_timer *timers; /* by time, then by age */
	struct host_fd *fds;
	struct host_child *children;
	struct work *queued;
	int n_threads;
	pthread_mutex_t lock;
	struct work *finished; /* under the lock */
	int wake_fd;
	int n_fds; /* open before this host was */

	const struct driver *drv;
	void *inst;
	int inside;                         /* in a call of the driver's: no report may come */
	struct driver_op *ops[SUPPORT_OPS]; /* under way */
	struct driver_op *done[SUPPORT_OPS];
	int n_done;
	struct driver_dev *devs[SUPPORT_DEVS];
	bool here[SUPPORT_DEVS];
	char where[SUPPORT_DEVS][LIMIT_NAME], need[SUPPORT_DEVS][LIMIT_CAUSE];
	bool may_pass[SUPPORT_DEVS];
	int n_arrived, n_gone, n_needs;
	int stopping, stopped;
};

/* Puts the guard's reports into sh->h. */
void support_guard_init(struct support_host *sh);

#endif
