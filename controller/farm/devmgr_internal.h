/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the device manager share: a connected device, and a task (one action of the
 * core
 * that takes several operations of a driver). */
#ifndef FRAMEFARM_FARM_DEVMGR_INTERNAL_H
#define FRAMEFARM_FARM_DEVMGR_INTERNAL_H

#include <sys/queue.h>

#include "drivers/driver.h"
#include "farm/ctl.h"
#include "farm/devmgr.h"
#include "farm/makeplan.h"
#include "farm/session.h"

struct devmgr;
struct task;

/* A driver that was started. */
struct running {
	struct devmgr *m;
	const struct driver *drv;
	void *inst;
	bool stopped;
	TAILQ_ENTRY(running) link;
};

#define DEV_KEPT_MAX 64 /* files that jobs want kept on a device; the newest */

/* A connected device. */
struct dev {
	struct devmgr *m;
	struct running *run;
	struct driver_dev *dd;
	int64_t handle;
	int64_t id; /* the core's; 0 until its first PREPARE */
	struct driver_identity identity;
	char endpoint[LIMIT_VALUE];
	uint8_t secret[32];
	char agent_sha256[LIMIT_SHA256];
	struct session *session;
	struct task *preparing; /* waits for the session's welcome */
	char boot_id[40], protections[256], agent_version[32];
	uint32_t protocol; /* the version that its session speaks */
	char kept[DEV_KEPT_MAX][LIMIT_SHA256];
	int n_kept, next_kept;
	TAILQ_ENTRY(dev) link;
};

/* A plan that was staged and waits for START. */
struct staged {
	uint8_t *plan;
	uint32_t plan_len;
	struct rstr *record;
};

#define INSTALL_FILES_MAX 32

enum task_step { STEP_BEGIN, STEP_PREPARE, STEP_PUSH, STEP_START, STEP_CONNECT, STEP_HELLO };

struct task {
	struct devmgr *m;
	struct farm_action act;
	struct dev *dev; /* NULL once it is gone */
	struct driver_op op;
	bool op_pending, work_pending, cancelled;
	int step;
	struct makeplan_device on;

	/* PREPARE */
	struct tool agent;
	/* CLEAN */
	char keep[4 + TOOLS_SUPPORT_MAX][LIMIT_SHA256];
	const char *keep_list[5 + TOOLS_SUPPORT_MAX + DEV_KEPT_MAX];
	int n_keep;
	/* STAGE */
	struct rstr *spec;
	int variant;
	struct makeplan plan;
	bool planned;
	bool keep_files;
	int file; /* being pushed */
	/* INSTALL: host paths, NULL-terminated */
	char *packages[INSTALL_FILES_MAX + 1];
	int n_packages;
	/* COLLECT */
	int collect_rc;
	/* result of work on the pool */
	int rc;
	struct err *err;
	TAILQ_ENTRY(task) link;
};

TAILQ_HEAD(running_list, running);
TAILQ_HEAD(dev_list, dev);
TAILQ_HEAD(task_list, task);

struct devmgr {
	struct ctl_env env;
	char farm_id[64], data_dir[512];
	struct turn *turn;
	struct ingest *ingest;
	struct blobs *blobs;
	struct tools *tools;
	struct runtimes *runtimes;
	struct devmgr_ops ops;
	void *arg;
	struct driver_host host; /* what the drivers are given */
	struct running_list running;
	struct dev_list devs;
	struct task_list tasks;
	struct map *staged; /* by attempt */
	int64_t next_handle;
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* ---- devmgr.c ---- */
struct dev *devmgr_dev(struct devmgr *m, int64_t handle);
struct dev *devmgr_dev_by_id(struct devmgr *m, int64_t id);
void devmgr_maybe_stopped(struct devmgr *m);
void devmgr_drop_staged(struct devmgr *m, int64_t attempt);

/* ---- devmgr_task.c ---- */
void task_begin(struct devmgr *m, const struct farm_action *a);
void task_cancel(struct task *t);
void task_op_done(struct task *t);
/* Ends the action: posts its FARM_ACTION_DONE (from which *ev is filled up) and frees the task. */
void task_finish(struct task *t, int rc, const char *text, bool blame, struct farm_event *ev);
void task_welcome(struct task *t, int rc, const char *text, const struct msg_welcome *w);
struct task *task_find(struct devmgr *m, int64_t action);
void task_submit(struct task *t, enum driver_op_kind kind);
/* work(t) on the pool; it fills t->rc and t->err. */
void task_on_pool(struct task *t, void (*work)(void *arg));
/* Its device is gone and no operation of its is left: what waited for the device ends. */
void task_device_gone(struct devmgr *m, struct dev *d, const char *why);

/* ---- devmgr_service.c: what these return says whether the action was one of theirs ---- */
bool service_begin(struct task *t);
void service_worked(struct task *t);
bool service_op_done(struct task *t); /* whatever came of the operation; false: as for others */
void service_fini(struct task *t);

/* ---- devmgr_agent.c ---- */
void agent_start_session(struct dev *d, struct stream *stream, int64_t epoch);
void agent_end_session(struct dev *d);
void agent_command(struct devmgr *m, const struct farm_action *a);
struct rstr *agent_record(const struct dev *d, const struct makeplan *p, const char *job_sha256);

#endif
