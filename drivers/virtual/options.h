/* SPDX-License-Identifier: Apache-2.0 */
/* The program's command line: one table, from which parser and --help come. Pure. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_OPTIONS_H
#define FRAMEFARM_DRIVERS_VIRTUAL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/virtual/quirk.h"

#define OPTIONS_KEYS   16
#define OPTIONS_PHONES 256
#define OPTIONS_PROPS  16

struct err;

struct options {
	int64_t count, port, seed;
	int64_t storage_mb; /* 0: as the host's */
	const char *profile, *dir, *abi;
	const char *serial; /* NULL: made up */
	const char *reboot_at, *vanish_at;
	bool auth, deny, list_profiles, list_quirks, man, help, version;
	const char *completion; /* NULL: not asked for */
	const char *keys[OPTIONS_KEYS];
	int n_keys;
	const char *props[OPTIONS_PROPS];
	int n_props;
	struct quirks quirks;
};

/* Texts are borrowed from argv. 0, or ERR_INVAL, ERR_RANGE, ERR_NOTFOUND with a sentence. */
int options_read(struct options *o, int argc, char **argv, struct err *e);
/* Each option there is; unit is NULL where it takes no value. */
void options_each(
	void (*fn)(void *arg, const char *name, const char *unit, const char *help), void *arg);

#endif
