/* SPDX-License-Identifier: Apache-2.0 */
/* What a person can do about what a phone's package manager answers. Pure. */
#ifndef FRAMEFARM_DRIVERS_ADB_HINT_H
#define FRAMEFARM_DRIVERS_ADB_HINT_H

#define ADB_HINT_MAX 100 /* characters, so that a cause has room for it */

/* "" for an answer that explains itself, or that nobody knows. */
const char *adb_install_hint(const char *said);
/* Whether the phone has no room for it: ERR_NOSPACE, else ERR_INVAL. */
int adb_install_code(const char *said);

#endif
