/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone of a farm needs, as a table: each setting has a command that prints it, what it should
 * be, a command that makes it so where the shell may, one that takes it back, and words for what only
 * a person can do. Pure: scripts and comparisons, no I/O.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_PROVISION_H
#define FRAMEFARM_DRIVERS_ADB_PROVISION_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/limits.h"

#define ADB_PROVISION_MAX 32

struct adb_setting {
	const char *name;
	const char *get;   /* shell: prints the value, one line */
	const char *want;  /* what it should print; several with '|' between them */
	const char *set;   /* shell; NULL: by hand */
	const char *unset; /* shell; %s is the value it had ("null": none) */
	const char *how;   /* for a person */
	bool usb_only;     /* not over TCP: it would cut the line we speak over */
};

extern const struct adb_setting adb_settings[];
extern const int adb_n_settings;

struct adb_provision_state {
	char value[ADB_PROVISION_MAX][LIMIT_VALUE]; /* "": the phone did not say */
};

/* A command that prints all of them. */
void adb_provision_ask(struct buf *script);
void adb_provision_read(const struct buf *out, struct adb_provision_state *ret_s);
bool adb_provision_ok(const struct adb_provision_state *s, int i);
/* Whether it is for this phone at all. */
bool adb_provision_applies(int i, bool usb);
/* Appends what makes setting i as it should be; nothing for one that is a person's. */
void adb_provision_set(struct buf *script, int i);
/* Appends what gives it the value back that it had. */
void adb_provision_unset(struct buf *script, int i, const char *had);
/* Whether it has that value again; true where the phone's own words may differ (radios). */
bool adb_provision_was_undone(int i, const char *had, const char *is);
int adb_provision_find(const char *name); /* -1 */

#endif
