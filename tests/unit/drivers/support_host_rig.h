/* SPDX-License-Identifier: Apache-2.0 */
/* A host of the ADB protocol, and the phone that the test plays to it. */
#ifndef FRAMEFARM_TESTS_SUPPORT_HOST_RIG_H
#define FRAMEFARM_TESTS_SUPPORT_HOST_RIG_H

#include "support_adb.h"

#define HOST_RIG_BANNER                                                                            \
	"device::ro.product.name=p;ro.product.model=M;ro.product.device=d;features=shell_v2"

struct host_rig {
	struct support_host *sh;
	struct wire *w;
	struct adb_host_keys keys;
	struct adb_host *a;
	int n_states, ended, code;
	enum adb_host_state states[128];
	char text[LIMIT_CAUSE], why[LIMIT_CAUSE];
	bool free_on_online;
};

void host_rig_init(struct host_rig *r, int n_keys, bool usb);
void host_rig_fini(struct host_rig *r);
void host_rig_pass(struct host_rig *r, int64_t ms);
void host_rig_expect_cnxn(struct host_rig *r);
void host_rig_send_cnxn(struct host_rig *r);
void host_rig_send_token(struct host_rig *r, char fill);
/* The next packet is a signature of that token by that key. */
void host_rig_expect_signature(struct host_rig *r, int key, char fill);
void host_rig_expect_public_key(struct host_rig *r);

#endif
