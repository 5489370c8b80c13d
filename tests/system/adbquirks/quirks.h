/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories of the ADB driver with virtual phones that have quirks. Each story's initial state is its
 * phone's command line; the phone is started for the story and ended with it. Virtual time follows the
 * clock, since a phone that goes comes back in its own time.
 *
 * Above each story stands what it fails without, as a line of `mutations` makes it.
 */
#ifndef FRAMEFARM_TESTS_SYSTEM_ADBQUIRKS_QUIRKS_H
#define FRAMEFARM_TESTS_SYSTEM_ADBQUIRKS_QUIRKS_H

#include <stdio.h>

#include "adbrig.h"

struct quirk_rig {
	struct rig r;            /* first */
	int pid;                 /* of framefarm-phone */
	char second[LIMIT_NAME]; /* address of the second phone, where --count was given */
	FILE *out;               /* of it */
};

/* The options of the phone are words with one blank between them. */
#define QUIRK_STORY(f, phone_options)                                                              \
	{                                                                                          \
#f, f, quirk_setup, quirk_teardown, (void *)(phone_options)                        \
	}

int quirk_setup(void **state);
int quirk_teardown(void **state);

/* Every kind of work: a command, a file there and back, and not a second time. */
void quirk_works(struct rig *r);
/* The nth arrival (from 1) behind the end of all before it; identified and prepared. It must be the
 * phone that r->id says. */
void quirk_is_back(struct rig *r, int n);
/* An operation that goes on until the phone does something: `sleep`. */
void quirk_begin_sleep(struct rig *r, struct driver_op *op);

/* Until it is done, or so much time has passed: whether it is. */
bool quirk_is_done_within(struct rig *r, const struct driver_op *op, int64_t ms);
/* Everything that happens without anybody's doing. */
void quirk_settle(struct rig *r);
/* INSTALL of the package in FRAMEFARM_APK; rc is what it must end with, says is in the text then. */
void quirk_installs(struct rig *r, int rc, const char *says);

struct quirk_stories {
	const struct CMUnitTest *tests;
	int n;
};

/* One a file. */
extern const struct quirk_stories quirks_of_packets, quirks_of_bytes, quirks_of_life,
	quirks_of_people;

#endif
