/* SPDX-License-Identifier: Apache-2.0 */
/* A local driver in a temporary directory, under the host of support_host.h: what its tests share. */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_LOCAL_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_LOCAL_H

#include "support_host.h"
#include "support_tmp.h"

struct rig {
	struct tmp tmp;
	struct support_host *sh;
	char dir[TMP_PATH]; /* the driver's */
	struct driver_option opts[4];
	int n_opts;
	struct driver_op op;      /* the latest */
	char sha[LIMIT_SHA256];   /* of what was pushed last */
	char agent[LIMIT_SHA256]; /* of the stand-in */
	char how[32];
};

/* In steps: a directory of this name, options, and then the driver with its device. */
void rig_init_at(struct rig *r, const char *name);
void rig_option(struct rig *r, const char *key, const char *value); /* borrows both */
void rig_open(struct rig *r, enum support_work mode);
/* All of them, with no bound on free space. */
void rig_init(struct rig *r, enum support_work mode);
void rig_fini(struct rig *r);

struct driver_op *rig_op(struct rig *r, enum driver_op_kind kind); /* r->op, new */
int rig_prepare(struct rig *r);
struct driver_op *rig_push_op(struct rig *r, const char *src);
void rig_push_text(struct rig *r, const char *text);
const char *rig_pushed_path(struct rig *r); /* of the last one */
int rig_count_pushed(struct rig *r);
/* DIR/device/name; one buffer. */
const char *rig_device_path(const struct rig *r, const char *name);

/* With the stand-in of support_agent.h: prepared and pushed, not started. */
void rig_push_agent(struct rig *r);
void rig_init_agent(struct rig *r);
void rig_fini_agent(struct rig *r); /* stops it, too */
struct driver_op *rig_start_op(struct rig *r, const char *how, uint8_t secret);
void rig_start_agent(struct rig *r, const char *how);
void rig_stop_agent(struct rig *r);
int rig_agent_pid(const struct rig *r);
bool rig_is_alive(int pid);

#endif
