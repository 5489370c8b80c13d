/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A farm for stories: devices with numbers, actions answered one by one, time that moves when the
 * story says so. Every step is followed by farm_check() and a flush.
 */
#ifndef FRAMEFARM_TEST_CORE_SUPPORT_H
#define FRAMEFARM_TEST_CORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "base/err.h"
#include "base/rstr.h"
#include "core/farm.h"

#define OPEN_MAX 256

struct story {
	struct farm *farm;
	struct farm_config cfg;
	struct now now;
	struct farm_out out;
	struct farm_action open[OPEN_MAX]; /* given out and not answered */
	int n_open;
	struct farm_answer last; /* text and rc of the newest answer; its body is not kept */
	char body[256];
	int n_answers, n_audits;
	char last_audit[64], last_more[256];
	char last_cause[LIMIT_CAUSE]; /* of the last attempt that ended without a result */
	struct run_row last_run;      /* as it was last stored; a run is forgotten with its job */
	int64_t next_handle;
	/* What identifying tells of the device that arrived as number i. */
	bool is_virtual, no_caps, can_expose;
	int retries; /* of jobs that are submitted; 0: one */
};

int story_setup(void **state);
int story_teardown(void **state);

void step(struct story *s, const struct farm_event *ev);
void pass(struct story *s, int64_t ms); /* time, deadline by deadline */

/* ---- devices ---- */

int64_t arrive(struct story *s, const char *where); /* returns its handle */
/* The IDENTIFY that is open for the handle is answered: device number `no`. */
void identify_as(struct story *s, int64_t handle, int no);
/* Arrives as number `no`, is identified and prepared: ready. Returns its id. */
int64_t ready_device(struct story *s, int no);
void unplug(struct story *s, int64_t handle);
void need(struct story *s, int64_t handle, const char *text, bool may_pass);
const struct device_row *device(struct story *s, int64_t id);
int64_t state_of(struct story *s, int64_t device);
/* The device that was identified as number `no`; 0: none. */
int64_t device_no(struct story *s, int no);
int64_t admin(struct story *s, int64_t device,
	enum farm_admin what); /* returns the answer's rc; 1: none yet */

/* ---- actions ---- */

/* The oldest open one of that kind (and of that device, if not 0); NULL: none. */
const struct farm_action *open_action(struct story *s, enum action_kind kind, int64_t device);
void answer(struct story *s, enum action_kind kind, int64_t device, int rc, const char *text);
void answer_blaming(
	struct story *s, enum action_kind kind, int64_t device, int rc, const char *text);
void answer_prepare(struct story *s, int64_t device);

/* ---- jobs ---- */

/* count 0: all. select: JSON, "{}". Returns the job's id. */
int64_t submit(struct story *s, int count, const char *select);
int64_t job_state(struct story *s, int64_t job);
/* The run in that slot. */
const struct run_row *run_of(struct story *s, int64_t job, int slot);
/* The live attempt on the device, 0: none. */
int64_t attempt_on(struct story *s, int64_t device);
/* The attempt on the device is staged and started. */
void let_start(struct story *s, int64_t device);
void agent_end(
	struct story *s, int64_t device, enum farm_outcome means, bool logs, const char *cause);
/* … ends with a result that is stored and judged as a pass. */
void let_pass(struct story *s, int64_t device);

#endif
