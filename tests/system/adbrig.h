/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stories about the ADB driver share: the driver in a host of the unit tests' (virtual time, real
 * descriptors, a guard over the contract), and one phone that is really there at an address. The
 * driver's operations, one at a time, each of which must work.
 */
#ifndef FRAMEFARM_TESTS_SYSTEM_ADBRIG_H
#define FRAMEFARM_TESTS_SYSTEM_ADBRIG_H

#include "support_host.h"
#include "support_tmp.h"

#define RIG_OPTIONS 8

struct rig {
	struct tmp tmp;
	struct support_host *sh;
	struct driver_op op;
	struct driver_identity id;
	char address[LIMIT_NAME];
	struct driver_option options[RIG_OPTIONS]; /* besides those that every story has */
	int n_options;
	bool follow_clock; /* see support_follow_clock() */
	char workdir[DRIVER_PATH_MAX];
	char sha[LIMIT_SHA256];
	long long bytes;
	char endpoint[LIMIT_VALUE];
	uint8_t secret[32];
};

/* Another operation takes the place of the one before. */
struct driver_op *rig_op(struct rig *r, enum driver_op_kind kind);
void rig_do(struct rig *r);

/* The driver alone; with the phone, identified and prepared; the latter two. */
void rig_start(struct rig *r);
void rig_open(struct rig *r);
void rig_meet(struct rig *r);
/* Ends the driver and its host. */
void rig_close(struct rig *r);

/* EXEC; its status. */
int rig_run(struct rig *r, const char *input, const char *const *argv);
#define RIG_RUN(r, input, ...) rig_run(r, input, (const char *const[]){__VA_ARGS__, NULL})
void rig_drop_output(struct rig *r);

/* A file of n bytes on the host; half of it squeezes. r->sha and r->bytes are its. */
void rig_make_file(struct rig *r, const char *name, size_t n);
struct driver_op *rig_push(struct rig *r, const char *path, bool executable);

/* The agent of FRAMEFARM_AGENT; whether one ran and was kept. */
void rig_push_agent(struct rig *r);
bool rig_start_agent(struct rig *r, uint8_t secret);
/* Shakes hands with it; the type of its first message. */
uint16_t rig_say_hello(struct rig *r);

#endif
