/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone prints about itself, as a table: lines "[key]: [value]" of getprop and lines
 * "key=value" of our own. Bounded, cleaned, first one wins. Pure.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_PROPS_H
#define FRAMEFARM_DRIVERS_ADB_PROPS_H

#include <stddef.h>

#define ADB_PROPS_MAX 4096

struct adb_props;

struct adb_props *adb_props_parse(const void *text, size_t n);
void adb_props_free(struct adb_props *p);
/* "" where there is none; valid as long as the table. */
const char *adb_props_get(const struct adb_props *p, const char *key);

#endif
