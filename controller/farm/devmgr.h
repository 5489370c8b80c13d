/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device manager: runs the drivers, performs the core's actions that concern devices and
 * attempts, and owns the agent sessions. It decides nothing: each action ends as one
 * FARM_ACTION_DONE. Loop thread; what blocks is handed to the pool.
 */
#ifndef FRAMEFARM_FARM_DEVMGR_H
#define FRAMEFARM_FARM_DEVMGR_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/msg.h"
#include "core/farm.h"

struct blobs;
struct ctl_env;
struct devmgr;
struct driver;
struct driver_option;
struct err;
struct ingest;
struct runtimes;
struct tools;
struct turn;

struct devmgr_config {
	const char *farm_id;
	const char *data_dir; /* each driver gets data_dir/devices/NAME */
	struct runtimes *runtimes;
};

struct devmgr_ops {
	/* A session's status, for those who watch. device is the core's id. */
	void (*status)(void *arg, int64_t device, const struct msg_status *st);
};

struct devmgr *devmgr_new(const struct ctl_env *env, const struct devmgr_config *cfg,
	struct turn *turn, struct ingest *ingest, struct blobs *blobs, struct tools *tools,
	const struct devmgr_ops *ops, void *arg);
/* Starts a driver; its devices come as events. */
int devmgr_start(struct devmgr *m, const struct driver *drv, const struct driver_option *opts,
	int n_opts, struct err *e);
/* As ctl_address(): the first driver that knows addresses takes it. */
int devmgr_address(struct devmgr *m, const char *address, bool add, struct err *e);
void devmgr_addresses(struct devmgr *m,
	void (*each)(void *arg, const char *address, bool kept, const char *trouble), void *arg);
/* Ends every session and driver; stopped(arg) once, later. */
void devmgr_stop(struct devmgr *m, void (*stopped)(void *arg), void *arg);
void devmgr_free(struct devmgr *m);

/* Every action but JUDGE, EXPOSE and UNEXPOSE, and the cancelling of one. */
void devmgr_action(struct devmgr *m, const struct farm_action *a);
int devmgr_sessions(const struct devmgr *m);

#endif
