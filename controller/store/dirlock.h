/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `lock` in the data directory: one daemon at a time. The lock is on the open file, so it
 * ends with the process however that ends; what stands in the file (the pid) is for people.
 */
#ifndef FRAMEFARM_STORE_DIRLOCK_H
#define FRAMEFARM_STORE_DIRLOCK_H

struct err;

/* Returns a descriptor that holds the lock, or ERR_BUSY (names the other's pid), ERR_NOTFOUND (no
 * such directory), ERR_PERM, ERR_NOSPACE … */
int dirlock_take(const char *dir, struct err *e);
void dirlock_drop(int fd); /* a negative one is allowed */

#endif
