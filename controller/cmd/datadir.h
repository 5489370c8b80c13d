/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory before anything is opened in it: whose it is, and whether it can be written. Any thread. */
#ifndef FRAMEFARM_CMD_DATADIR_H
#define FRAMEFARM_CMD_DATADIR_H

#include <stddef.h>

struct err;

/* What is there already must be a directory of this user; nothing there is well too. */
int datadir_check(const char *dir, struct err *e);

/* Makes it with those above it, for this user alone, and sees that it and what is in it can be written:
 * ERR_PERM otherwise, with what to do. */
int datadir_make(const char *dir, struct err *e);

/* The first part of it that this user cannot write, "" for the directory itself, into `ret_part`.
 * Returns 0, or the errno that says why. */
int datadir_unwritable(const char *dir, char *ret_part, size_t size);

#endif
